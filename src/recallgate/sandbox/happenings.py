"""Happenings: what the world does at an instant, as values that sort by a key and not by who asked first."""

from dataclasses import dataclass
from datetime import datetime

from recallgate.sandbox.face import Taken, WorldEvent
from recallgate.tracking.people import PersonEvent


@dataclass(frozen=True)
class Report:
    """A vendor tells news of a message; `nonce` is for its signature, `copy` tells a doubled report from the first."""

    account: str
    taken: Taken
    news: WorldEvent
    nonce: str
    copy: int = 0


@dataclass(frozen=True)
class Inbound:
    """A person writes to an account, as an answer to a message."""

    account: str
    taken: Taken
    text: str
    nonce: str


@dataclass(frozen=True)
class Visit:
    """Somebody asks for a link. GET opens it, POST is the one-click unsubscribe; `human` is false for scanners."""

    url: str
    method: str
    agent: str | None
    human: bool


@dataclass(frozen=True)
class Deed:
    """A person did something in the app."""

    event: PersonEvent


@dataclass(frozen=True)
class Happening:
    """One thing and its instant. `key` orders things of one instant and is the same in every run."""

    at: datetime
    key: tuple[str, ...]
    what: Report | Inbound | Visit | Deed
