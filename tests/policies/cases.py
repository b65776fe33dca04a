"""Cases for the tests of policies: a New York shopper who gets a marketing text at noon, unless a test says otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from recallgate.model.message import Message
from recallgate.model.verdict import Defer, Verdict
from recallgate.policies.case import Case, Person, Sent
from recallgate.policies.chain import Chain, kind_of
from recallgate.policies.policy import Policy
from recallgate.rules.place import Place

NEW_YORK = Place("US", "US-NY", ("America/New_York",), "recipient")
BERLIN = Place("DE", None, ("Europe/Berlin",), "country")
UNSAFE = ("suppression", "consent", "region_block", "quiet_hours")
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


def at(text: str) -> datetime:
    """An instant in UTC: `at("2026-03-08 13:00")`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = at("2026-03-10 16:00")


def sms(purpose: str = "marketing", **fields: object) -> Message:
    return Message.sms("+12125550123", "Come back", purpose=purpose, **{"id": "m1", "person": "p1", **fields})


def case(message: Message | None = None, now: datetime = NOON, **facts: object) -> Case:
    base = Case(message=message or sms(), now=now, person=Person("p1", "p1"), place=NEW_YORK)
    return replace(base, **facts)


def person(**facts: object) -> Person:
    return replace(Person("p1", "p1"), **facts)


def sent(when: datetime, channel: str = "sms", **facts: object) -> Sent:
    return replace(Sent(when, channel, "marketing"), **facts)


def ago(hours: float = 0, days: float = 0) -> datetime:
    return NOON - timedelta(hours=hours, days=days)


def alone(*policies: Policy, jitter: timedelta = timedelta(0)) -> Chain:
    """A chain of only these policies."""
    return Chain(policies, allow_unsafe=UNSAFE, jitter=jitter)


def short(verdict: Verdict) -> str:
    """`allow`, `drop consent.missing` or `defer cap.global.1d 03-11 04:00`."""
    words = [kind_of(verdict), verdict.code]
    if isinstance(verdict, Defer):
        words.append(f"{verdict.until:%m-%d %H:%M}")
    return " ".join(word for word in words if word)
