"""Habits: how likely people and networks do what, by channel. All of it is made up, and all of it can be replaced.

The defaults are of the order that operators report for permitted marketing; they make a world to test against and are no
forecast.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from recallgate.model.errors import ErrorKind
from recallgate.model.event import EventType

Shares = Mapping[ErrorKind, float]


@dataclass(frozen=True)
class Spread:
    """A waiting time: lognormal, with this median in seconds; `sigma` 0 makes it exact, 1 spreads it widely."""

    median_s: float
    sigma: float = 0.8

    def __post_init__(self) -> None:
        if self.median_s < 0 or self.sigma < 0:
            raise ValueError("Spread: median_s and sigma are at least 0")


@dataclass(frozen=True)
class ChannelHabits:
    """What becomes of messages of one channel. Every number is a probability unless its name ends in `_time`.

    `refused`: the vendor's answer to the request, by kind; dead addresses are drawn once an address, everything else once
    a try. `undelivered`: what a later report says. `told`: the delivery news this channel's vendors report at all; of it
    the share `unreported` never comes. Of messages that reached a person: `opened`; `clicked` (the first link, by a
    human); `replies` by text; `unsubscribed` (one click, where the message offers it); `complained`. `scanned`: a
    machine follows every link soon after delivery. `answers` are the outcomes of a call that rang (the rest fails);
    `keys` what listeners press, where the call offers it.
    """

    refused: Shares = field(default_factory=dict)
    undelivered: Shares = field(default_factory=dict)
    told: frozenset[EventType] = frozenset({EventType.DELIVERED, EventType.UNDELIVERED})
    unreported: float = 0.0
    delivery_time: Spread = Spread(6.0)
    opened: float = 0.0
    opening_time: Spread = Spread(3600.0, 1.2)
    clicked: float = 0.0
    clicking_time: Spread = Spread(1800.0, 1.2)
    scanned: float = 0.0
    replies: Mapping[str, float] = field(default_factory=dict)
    reply_time: Spread = Spread(600.0, 1.0)
    unsubscribed: float = 0.0
    complained: float = 0.0
    answers: Mapping[EventType, float] = field(default_factory=dict)
    keys: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("unreported", "opened", "clicked", "scanned", "unsubscribed", "complained"):
            _check(name, getattr(self, name))
        for name in ("refused", "undelivered", "replies", "answers", "keys"):
            shares: Mapping[object, float] = getattr(self, name)
            for option, share in shares.items():
                _check(f"{name}[{option}]", share)
            _check(f"the sum of {name}", sum(shares.values()))


@dataclass(frozen=True)
class CallbackFaults:
    """What happens to callbacks on their way: lost, sent twice, or so late that others overtake them."""

    lost: float = 0.0
    doubled: float = 0.02
    late: float = 0.03
    lateness_time: Spread = Spread(1800.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("lost", "doubled", "late"):
            _check(name, getattr(self, name))


@dataclass(frozen=True)
class Outage:
    """A span in which an account cannot be used; `target` is its name, its adapter's name, or `*` for all.

    `kind` UNAVAILABLE refuses the connection; UNCERTAIN takes the message and loses the answer; any other kind is told in
    the vendor's own way, with `code` and `retry_after_s` where given.
    """

    target: str
    start: datetime
    end: datetime
    kind: ErrorKind = ErrorKind.UNAVAILABLE
    code: str | None = None
    retry_after_s: int | None = None

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("Outage: start and end need a time zone, for example +00:00")
        if self.end <= self.start:
            raise ValueError("Outage: end is not after start")

    def covers(self, account: str, adapter: str, now: datetime) -> bool:
        return self.target in ("*", account, adapter) and self.start <= now < self.end


def _sms() -> ChannelHabits:
    return ChannelHabits(
        refused={ErrorKind.INVALID_RECIPIENT: 0.004, ErrorKind.TEMPORARY: 0.003},
        undelivered={ErrorKind.UNREACHABLE: 0.02, ErrorKind.INVALID_RECIPIENT: 0.01, ErrorKind.BLOCKED_CONTENT: 0.005},
        told=frozenset({EventType.SENT, EventType.DELIVERED, EventType.UNDELIVERED}),
        unreported=0.01,
        clicked=0.05,
        scanned=0.03,
        replies={"STOP": 0.006, "Who is this?": 0.004},
    )


def _voice() -> ChannelHabits:
    return ChannelHabits(
        undelivered={ErrorKind.INVALID_RECIPIENT: 0.02},
        told=frozenset(
            {EventType.ANSWERED, EventType.DELIVERED, EventType.MACHINE, EventType.BUSY, EventType.NO_ANSWER}
            | {EventType.UNDELIVERED}
        ),
        delivery_time=Spread(20.0, 0.3),
        answers={EventType.ANSWERED: 0.42, EventType.MACHINE: 0.2, EventType.NO_ANSWER: 0.28, EventType.BUSY: 0.1},
        keys={"1": 0.18, "2": 0.03, "9": 0.02},
    )


def _push() -> ChannelHabits:
    return ChannelHabits(
        refused={ErrorKind.UNREGISTERED_TOKEN: 0.04, ErrorKind.UNAVAILABLE: 0.002},
        undelivered={ErrorKind.UNREACHABLE: 0.12},
        told=frozenset(),
        delivery_time=Spread(2.0, 1.0),
        clicked=0.04,
    )


def _email() -> ChannelHabits:
    return ChannelHabits(
        refused={ErrorKind.INVALID_RECIPIENT: 0.006, ErrorKind.TEMPORARY: 0.01},
        undelivered={ErrorKind.INVALID_RECIPIENT: 0.008, ErrorKind.UNREACHABLE: 0.004, ErrorKind.BLOCKED_CONTENT: 0.004},
        told=frozenset({EventType.UNDELIVERED, EventType.COMPLAINED}),
        delivery_time=Spread(30.0, 1.0),
        opened=0.25,
        clicked=0.025,
        clicking_time=Spread(7200.0, 1.3),
        scanned=0.08,
        unsubscribed=0.003,
        complained=0.0005,
    )


def _wecom() -> ChannelHabits:
    return ChannelHabits(told=frozenset(), delivery_time=Spread(2.0), clicked=0.08, replies={"T": 0.002, "好的": 0.01})


@dataclass(frozen=True)
class Habits:
    """Habits of every channel, and of the wire; `other` is for channels that are not listed.

    `lost_answers`: the share of requests that a vendor takes without its answer ever arriving.
    """

    channels: Mapping[str, ChannelHabits] = field(
        default_factory=lambda: {"sms": _sms(), "voice": _voice(), "push": _push(), "email": _email(), "wecom": _wecom()}
    )
    other: ChannelHabits = field(default_factory=ChannelHabits)
    callbacks: CallbackFaults = field(default_factory=CallbackFaults)
    lost_answers: float = 0.001
    outages: tuple[Outage, ...] = ()
    shortest_click: timedelta = timedelta(seconds=3)

    def __post_init__(self) -> None:
        _check("lost_answers", self.lost_answers)

    def of(self, channel: str) -> ChannelHabits:
        return self.channels.get(channel, self.other)

    @classmethod
    def calm(cls, **fields: ChannelHabits) -> "Habits":
        """A world in which everything arrives at once and nobody does anything; channels as given."""
        quiet = ChannelHabits(delivery_time=Spread(1.0, 0.0), answers={EventType.ANSWERED: 1.0})
        return cls(channels=fields, other=quiet, callbacks=CallbackFaults(doubled=0.0, late=0.0), lost_answers=0.0)


def _check(name: str, probability: float) -> None:
    if not 0 <= probability <= 1 + 1e-9:
        raise ValueError(f"{name}: {probability} is not between 0 and 1")
