"""Requests for short links: judged, written down, and told as an event when a person made them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from recallgate.links.hits import read_hit
from recallgate.model.clock import to_ms
from recallgate.model.event import Event, EventType
from recallgate.store import links
from recallgate.store.links import Found
from recallgate.tracking.process import Told, apply_events

_BESIDE_MS = 2_000


@dataclass(frozen=True)
class ClickAnswer:
    """The answer to a request for a short link."""

    status: int
    location: str | None = None
    kind: str = "click"
    message_id: str | None = None


@dataclass(frozen=True)
class Request:
    """A request for a link, as far as it tells people from machines."""

    code: str
    method: str
    agent: str | None
    datacentre: bool = False


def judge_click(connection: Connection, hit: Request, *, now: datetime) -> tuple[Found | None, str]:
    """The link and who asked for it: human, bot, unknown, or `unsubscribe` for a way out, which is not judged."""
    found = links.find(connection, hit.code)
    if found is None:
        return None, ""
    if found.kind == "unsubscribe":
        return found, "unsubscribe"
    at = to_ms(now)
    reading = read_hit(
        method=hit.method,
        agent=hit.agent,
        kind=found.kind,
        at_ms=at,
        delivered_ms=found.delivered_at or found.accepted_at,
        code=hit.code,
        recent=links.recent_hits(connection, found.tenant, found.message_id, at - _BESIDE_MS),
        datacentre=hit.datacentre,
    )
    row = links.Hit(found.tenant, hit.code, found.message_id, at, reading.verdict, reading.reason, hit.method, hit.agent)
    links.record_hits(connection, [row])
    if reading.verdict == "human":
        event = Event(
            EventType.CLICKED,
            message_id=found.message_id,
            at=now,
            vendor_event_id=f"{hit.code}:{at}",
            data={"code": hit.code},
        )
        apply_events(connection, [Told(event)], tenant=found.tenant, now=now)
    return found, reading.verdict


def unsubscribed(found: Found, now: datetime) -> Event:
    """The event of a one-click unsubscribe: from the message's topic, or from all."""
    return Event(
        EventType.UNSUBSCRIBED,
        message_id=found.message_id,
        at=now,
        vendor_event_id=f"unsubscribe:{found.code}",
        status="one_click",
        data={"topic": found.target.removeprefix("unsubscribe:") or "*", "source": "link"},
    )
