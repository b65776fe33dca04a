"""The world: people who receive, click, reply, pick up, come back and buy; the same ones for the same seed."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from recallgate.model.errors import ErrorKind
from recallgate.sandbox.draws import Draws
from recallgate.sandbox.face import Fault, Taken
from recallgate.sandbox.habits import Habits, Outage
from recallgate.sandbox.happenings import Deed, Happening
from recallgate.sandbox.reaction import Reactor, mark_of, share_of
from recallgate.tracking.people import PersonEvent

# What reaching a person leads to in the app: (person, channel, reached at, clicked) -> what they do later.
ReturnEffect = Callable[[str, str, datetime, bool], Iterable[PersonEvent]]


class World:
    """A seeded world. Vendors' faces hand it what they took; it says what happens, and when.

    `people` maps address keys to person ids; an address that is not in it is a person of its own. `visits` are what
    people do without us. `return_effect` is asked once for every message that reached a person and answers what that
    person does because of it; events of the past are told at once. Instants are rounded up to whole `grain`s (a minute;
    zero keeps them exact), so that many things share one instant of virtual time. `speed` divides every wait, for servers
    in real time. What happens is a function of the seed, the person and the message, never of the order of requests.
    """

    def __init__(
        self,
        seed: str,
        habits: Habits | None = None,
        *,
        people: Mapping[str, str] | None = None,
        visits: Iterable[PersonEvent] = (),
        return_effect: ReturnEffect | None = None,
        grain: timedelta = timedelta(minutes=1),
        speed: float = 1.0,
    ) -> None:
        if grain < timedelta(0) or speed <= 0:
            raise ValueError("World: grain is at least zero, speed is above zero")
        self.seed = seed
        self.habits = habits or Habits()
        self.draws = Draws(seed)
        self.counts: Counter[str] = Counter()
        self._people = dict(people or {})
        self._effect = return_effect
        self._reactor = Reactor(self.draws, self.habits, grain=grain, speed=speed)
        self._coming: dict[datetime, list[Happening]] = {}
        self._instants: list[datetime] = []
        self._tries: Counter[tuple[str, str]] = Counter()
        for event in visits:
            self._schedule(self._deed(event, "natural"))

    def outage(self, account: str, adapter: str, now: datetime) -> Outage | None:
        """The outage that an account is in, the first of those listed."""
        return next((one for one in self.habits.outages if one.covers(account, adapter, now)), None)

    def refusal(self, taken: Taken) -> Fault | None:
        """What the vendor answers instead of taking this message, by habit; the next try of it is drawn anew."""
        shares = self.habits.of(taken.channel).refused
        if not shares:
            return None
        who, mark = self.person(taken.recipient), mark_of(taken)
        nth = str(self._tries[mark, taken.recipient])
        kind = share_of(self.draws, shares, f"{who}:{taken.recipient}", mark, nth, "refused")
        if kind is None:
            return None
        self._tries[mark, taken.recipient] += 1
        self.counts[f"refused.{kind}"] += 1
        return Fault(kind, retry_after_s=30 if kind is ErrorKind.RATE_LIMITED else None)

    def loses_answer(self, taken: Taken) -> bool:
        """Whether the vendor's answer is lost although the message was taken."""
        lost = self.habits.lost_answers
        return self.draws.chance(lost, self.person(taken.recipient), mark_of(taken), "answer lost")

    def take(self, taken: Taken, *, account: str, at: datetime) -> None:
        """A vendor took a message: everything that follows is scheduled."""
        self.counts[f"taken.{taken.channel}"] += 1
        person = self.person(taken.recipient)
        reaction = self._reactor.react(taken, account=account, person=person, at=at)
        for happening in reaction.happenings:
            self._schedule(happening)
        if reaction.reached_at is None:
            return
        self.counts[f"reached.{taken.channel}"] += 1
        if self._effect is not None:
            for event in self._effect(person, taken.channel, reaction.reached_at, reaction.clicked_at is not None):
                self._schedule(self._deed(event, mark_of(taken), not_before=at))

    def person(self, recipient: str) -> str:
        return self._people.get(recipient, recipient)

    def next_due(self) -> datetime | None:
        """The earliest instant at which something happens."""
        return self._instants[0] if self._instants else None

    def take_due(self, now: datetime) -> list[Happening]:
        """What has happened by now, by instant and key; it is told once."""
        due: list[Happening] = []
        while self._instants and self._instants[0] <= now:
            at = heapq.heappop(self._instants)
            due += sorted(self._coming.pop(at), key=lambda one: one.key)
        return due

    @property
    def waiting(self) -> int:
        """How many things are still to happen."""
        return sum(map(len, self._coming.values()))

    def _deed(self, event: PersonEvent, source: str, *, not_before: datetime | None = None) -> Happening:
        at = self._reactor.round_up(max(event.at, not_before) if not_before else event.at)
        amount = "" if event.amount_cents is None else str(event.amount_cents)
        return Happening(at, ("deed", event.person, event.at.isoformat(), event.type, amount, source), Deed(event))

    def _schedule(self, happening: Happening) -> None:
        bucket = self._coming.get(happening.at)
        if bucket is None:
            self._coming[happening.at] = [happening]
            heapq.heappush(self._instants, happening.at)
        else:
            bucket.append(happening)
