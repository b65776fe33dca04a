"""Side effects of events on the ledger: opt-outs, opt-ins, complaints, dead addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recallgate.model.channels import SHARED
from recallgate.model.clock import to_ms
from recallgate.model.errors import ErrorKind
from recallgate.model.event import Event, EventType
from recallgate.optout.answers import Left
from recallgate.rules.optout import read_reply
from recallgate.store.events import Subject
from recallgate.store.ledger import ConsentRow, SuppressionRow


@dataclass
class Effects:
    """What a batch of events asks the ledger to do. `answers` are the people who wrote HELP, `left` those who wrote STOP."""

    suppressions: list[SuppressionRow] = field(default_factory=list)
    cleared: list[tuple[str, str]] = field(default_factory=list)
    consents: list[ConsentRow] = field(default_factory=list)
    dead: list[tuple[str, str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def effects_of(
    event: Event,
    effects: Effects,
    *,
    tenant: str,
    now: datetime,
    subject: Subject | None,
    person: str | None,
    channel: str,
    codes: Sequence[str] = (),
    sender: str = "*",
) -> None:
    """Add what follows from one event. Side effects follow the event, not the state: a late bounce still counts.

    `sender` is what an opt-out in somebody's own words is from: one program, or `*` for all.
    """
    address = subject.address if subject is not None else event.address
    if channel in SHARED:
        address = None
    at = to_ms(event.at) if event.at is not None else to_ms(now)
    from_person = event.type in (EventType.REPLIED, EventType.UNSUBSCRIBED)

    def suppress(reason: str, source: str, *, review: bool = False, topic: str = "*", proof: str | None = None) -> None:
        for whom in (f"a:{address}" if address else None, f"p:{person}" if person and reason == "opt_out" else None):
            if whom is not None:
                effects.suppressions.append(
                    SuppressionRow(
                        tenant,
                        whom,
                        channel,
                        topic,
                        sender if reason == "opt_out" and from_person else "*",
                        reason,
                        0,
                        source,
                        proof,
                        int(review),
                        at,
                        min(at, to_ms(now)),
                        None,
                    )
                )

    match event.type:
        case EventType.UNSUBSCRIBED:
            topic = str(event.data.get("topic") or "*")
            suppress("opt_out", str(event.data.get("source") or f"event:{event.status or 'unsubscribed'}"), topic=topic)
        case EventType.COMPLAINED:
            suppress("complaint", f"event:{event.status or 'complained'}")
        case EventType.RESUBSCRIBED:
            _opt_in(effects, tenant, address, person, channel, at, "event:resubscribed")
        case EventType.TOKEN_DEAD:
            if address:
                effects.dead.append((tenant, address))
        case EventType.UNDELIVERED if event.kind in (ErrorKind.INVALID_RECIPIENT, ErrorKind.UNREGISTERED_TOKEN):
            suppress("hard_bounce" if channel == "email" else "invalid", f"report:{event.code or event.status or ''}")
            if address:
                effects.dead.append((tenant, address))
        case EventType.UNDELIVERED if event.kind is ErrorKind.OPTED_OUT:
            suppress("opt_out", f"report:{event.code or event.status or ''}")
        case EventType.REPLIED if event.text:
            country = str(event.data["country"]) if "country" in event.data else _country_of(address)
            reading = read_reply(event.text, country=country, language=_language(event), sender_codes=tuple(codes))
            if reading.action == "opt_out":
                suppress("opt_out", f"reply:{reading.word or ''}", review=reading.review, proof=event.text[:200])
                if address:
                    effects.left.append(Left(address, channel))
                if reading.complaint:
                    suppress("complaint", "reply", proof=event.text[:200])
            elif reading.action == "opt_in":
                _opt_in(effects, tenant, address, person, channel, at, f"reply:{reading.word or ''}")
            elif reading.action == "help" and address:
                effects.answers.append(address)
        case _:
            pass


def _opt_in(effects: Effects, tenant: str, address: str | None, person: str | None, channel: str, at: int, source: str) -> None:
    """A START clears opt-outs only, and is itself a consent with its proof."""
    for whom in (f"a:{address}" if address else None, f"p:{person}" if person else None):
        if whom is not None:
            effects.cleared.append((whom, channel))
            effects.consents.append(ConsentRow(tenant, whom, channel, "*", "*", 1, at, source, None))


def _country_of(address: str | None) -> str | None:
    if address is None or not address.startswith("+"):
        return None
    from recallgate.phone.location import locate

    return locate(address).country


def _language(event: Event) -> str | None:
    language = event.data.get("language")
    return str(language) if language else None
