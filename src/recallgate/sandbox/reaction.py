"""Reaction: everything that follows from one message, worked out at once from its key."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus

from recallgate.model.errors import ErrorKind
from recallgate.model.event import EventType
from recallgate.sandbox.draws import Draws
from recallgate.sandbox.face import Taken, WorldEvent
from recallgate.sandbox.habits import ChannelHabits, Habits, Spread
from recallgate.sandbox.happenings import Happening, Inbound, Report, Visit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BROWSERS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/138.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36",
)
# What scanners show: one names itself, one asks with HEAD, one looks like a browser and is known by its haste.
_SCANNERS = (
    ("GET", "Mozilla/5.0 (compatible; LinkScan/2.1; +https://scan.example/bot)"),
    ("HEAD", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"),
    ("GET", _BROWSERS[2]),
)
# Kinds that are a property of the address: once dead, always dead.
_OF_THE_ADDRESS = frozenset({ErrorKind.INVALID_RECIPIENT, ErrorKind.UNREGISTERED_TOKEN, ErrorKind.OPTED_OUT})
_MOST_SCANNED = 8
_OUR_ID = re.compile(r"[?&]m=([^&#]+)")


@dataclass(frozen=True)
class Reaction:
    """What follows from a message: what happens and when; the instant at which it reached a person, and the click."""

    happenings: tuple[Happening, ...]
    reached_at: datetime | None
    clicked_at: datetime | None


def mark_of(taken: Taken) -> str:
    """What tells one message from another of the same person: our id in its callback address, else the vendor's id."""
    ours = _OUR_ID.search(taken.callback_url) if taken.callback_url else None
    return unquote_plus(ours[1]) if ours else taken.vendor_id


def share_of(draws: Draws, shares: Mapping[ErrorKind, float], address: str, *key: str) -> ErrorKind | None:
    """The failure that strikes, if any: first what is wrong with the address for good, then what is drawn for this try."""
    lasting = {kind: share for kind, share in shares.items() if kind in _OF_THE_ADDRESS}
    struck = draws.pick(lasting, "address", address) if lasting else None
    if struck is None and len(lasting) < len(shares):
        struck = draws.pick({kind: share for kind, share in shares.items() if kind not in lasting}, "try", address, *key)
    return struck


class Reactor:
    """Works out reactions. `grain` rounds instants up, so that a simulation has few of them; `speed` shortens all waits."""

    def __init__(self, draws: Draws, habits: Habits, *, grain: timedelta, speed: float) -> None:
        self._draws = draws
        self._habits = habits
        self._grain = grain
        self._speed = speed

    def react(self, taken: Taken, *, account: str, person: str, at: datetime) -> Reaction:
        """The reaction to a message taken at an instant; equal arguments have equal reactions."""
        story = _Story(self, taken, account, person, at)
        return story.tell()

    def round_up(self, at: datetime) -> datetime:
        if not self._grain:
            return at
        return _EPOCH + math.ceil((at - _EPOCH) / self._grain) * self._grain

    @property
    def draws(self) -> Draws:
        return self._draws

    @property
    def habits(self) -> Habits:
        return self._habits

    @property
    def grain(self) -> timedelta:
        return self._grain

    def wait(self, spread: Spread, draws: Draws, *key: str) -> timedelta:
        median = spread.median_s / self._speed
        seconds = draws.lognormal(median, spread.sigma, *key) if spread.sigma else median
        return timedelta(milliseconds=round(seconds * 1000))


class _Story:
    """One message's reaction while it is being told."""

    def __init__(self, reactor: Reactor, taken: Taken, account: str, person: str, at: datetime) -> None:
        self._reactor = reactor
        self._taken = taken
        self._account = account
        self._who = (person, mark_of(taken), taken.channel)
        self._draws = reactor.draws.within(*self._who)
        self._at = at
        self._habits: ChannelHabits = reactor.habits.of(taken.channel)
        self._unreported = self._chance(self._habits.unreported, "unreported")
        self._out: list[Happening] = []

    def tell(self) -> Reaction:
        arrived = self._at + self._wait(self._habits.delivery_time, "delivery")
        person = self._who[0]
        failed = share_of(
            self._reactor.draws, self._habits.undelivered, f"{person}:{self._taken.channel}", self._who[1], "arrives"
        )
        if self._taken.channel == "voice":
            reached = self._call(arrived, failed)
        else:
            reached = self._text(arrived, failed)
        clicked = self._links(reached) if reached is not None else None
        if reached is not None:
            self._words(reached)
        return Reaction(tuple(self._out), reached, clicked)

    def _text(self, arrived: datetime, failed: ErrorKind | None) -> datetime | None:
        self._report(EventType.SENT, self._at + (arrived - self._at) / 2)
        if failed is not None:
            self._report(EventType.UNDELIVERED, arrived, kind=failed)
            return None
        self._report(EventType.DELIVERED, arrived)
        if self._chance(self._habits.opened, "opens"):
            self._report(EventType.OPENED, arrived + self._wait(self._habits.opening_time, "opening"))
        return arrived

    def _call(self, rang: datetime, failed: ErrorKind | None) -> datetime | None:
        """A call: it fails, or rings with one of four outcomes; who listens may press a key, and hangs up."""
        outcome = None if failed is not None else self._draws.pick(self._habits.answers, "answers")
        if outcome is None:
            self._report(EventType.UNDELIVERED, rang, kind=failed or ErrorKind.UNREACHABLE)
            return None
        self._report(outcome, rang)
        if outcome is not EventType.ANSWERED:
            return None
        offered = {key: share for key, share in self._habits.keys.items() if key in self._taken.keys}
        pressed = self._draws.pick(offered, "presses") if offered else None
        heard_s = 5 + 20 * self._draws.uniform("listens")
        if pressed is not None:
            self._report(EventType.KEY_PRESSED, rang + timedelta(seconds=round(heard_s)), key=pressed)
        self._report(EventType.DELIVERED, rang + timedelta(seconds=round(heard_s) + 4))
        return rang

    def _links(self, reached: datetime) -> datetime | None:
        """Scanners follow every link at once; a person follows the first, later than any scanner would."""
        ways_out = {self._taken.unsubscribe_url}
        links = [url for url in self._taken.links if url not in ways_out]
        if links and self._chance(self._habits.scanned, "scanned"):
            method, agent = self._draws.choice(_SCANNERS, "scanner")
            at = self._reactor.round_up(reached)
            for url in self._taken.links[:_MOST_SCANNED]:
                self._add(at, "scan", url, Visit(url, method, agent, human=False))
        clicked = None
        if links and self._chance(self._habits.clicked, "clicks"):
            waited = self._wait(self._habits.clicking_time, "clicking")
            soonest = self._reactor.round_up(reached) + max(self._reactor.grain, self._reactor.habits.shortest_click)
            clicked = self._reactor.round_up(max(reached + waited, soonest))
            agent = self._reactor.draws.choice(_BROWSERS, self._who[0], "browser")
            self._add(clicked, "click", links[0], Visit(links[0], "GET", agent, human=True))
        way_out = self._taken.unsubscribe_url
        if way_out and self._chance(self._habits.unsubscribed, "unsubscribes"):
            at = self._reactor.round_up(reached + self._wait(self._habits.opening_time, "unsubscribing"))
            self._add(at, "unsubscribe", way_out, Visit(way_out, "POST", _BROWSERS[0], human=True))
        return clicked

    def _words(self, reached: datetime) -> None:
        said = self._draws.pick(self._habits.replies, "replies") if self._habits.replies else None
        if said is not None:
            at = self._reactor.round_up(reached + self._wait(self._habits.reply_time, "replying"))
            self._add(at, "reply", said, Inbound(self._account, self._taken, said, self._nonce("reply")))
        if self._chance(self._habits.complained, "complains"):
            self._report(EventType.COMPLAINED, reached + self._wait(self._habits.opening_time, "complaining"))

    def _report(self, event: EventType, at: datetime, *, kind: ErrorKind | None = None, key: str | None = None) -> None:
        """The vendor's report, with what may befall it on its way; a key press is part of the call and always comes."""
        pressed = event is EventType.KEY_PRESSED
        if not pressed and (event not in self._habits.told or self._unreported):
            return
        news, nonce = WorldEvent(event, at, kind, key=key), self._nonce(event)
        moment = at.isoformat()  # news of one instant is told in the order in which it happened
        for copy, told_at in enumerate([at] if pressed else self._journeys(event, at)):
            report = Report(self._account, self._taken, news, nonce, copy)
            self._add(self._reactor.round_up(told_at), "report", f"{moment} {event} {copy}", report)

    def _journeys(self, event: EventType, at: datetime) -> Iterator[datetime]:
        """When each copy of a report arrives: none when it is lost, a second one later when it is doubled."""
        faults = self._reactor.habits.callbacks
        if self._chance(faults.lost, event, "lost"):
            return
        late = self._chance(faults.late, event, "late")
        yield at + self._wait(faults.lateness_time, event, "lateness", "0") if late else at
        if self._chance(faults.doubled, event, "doubled"):
            yield at + self._wait(faults.lateness_time, event, "lateness", "1")

    def _add(self, at: datetime, group: str, detail: str, what: Report | Inbound | Visit) -> None:
        self._out.append(Happening(at, (group, *self._who, self._taken.recipient, detail), what))

    def _chance(self, probability: float, *what: str) -> bool:
        return self._draws.chance(probability, *what)

    def _wait(self, spread: Spread, *what: str) -> timedelta:
        return self._reactor.wait(spread, self._draws, *what)

    def _nonce(self, what: str) -> str:
        return self._draws.hex(16, "nonce", what)
