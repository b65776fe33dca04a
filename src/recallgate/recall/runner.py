"""The runner: moves people through a play, a page at a time; the next step and its messages in one transaction."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from recallgate.gateway import Gateway
from recallgate.model.clock import from_ms, to_ms
from recallgate.model.message import Message
from recallgate.model.zones import zone
from recallgate.recall.campaign import Campaign
from recallgate.recall.experiment import split_salt
from recallgate.recall.messages import MessageMaker, idle_days
from recallgate.recall.outcome import Outcome, outcome
from recallgate.recall.program import DoBranch, DoChoose, DoGoal, DoRung, DoSend, DoSplit, DoWait, DoWaitFor, Jump, Stop
from recallgate.recall.send_time import BestTime, choose, hours_for
from recallgate.recall.steps import Send, Then, Wait
from recallgate.recall.timing import local_instant, wait_ends
from recallgate.rules.assignment import arm_of
from recallgate.store import backlog, campaigns, events, messages, people
from recallgate.store.campaigns import RunMessage, RunRow

_PAGE = 400
_SOON = timedelta(minutes=2)
_LOOK_EVERY = 10 * _PAGE  # runs that are moved between two looks at the queue
_SOON = timedelta(minutes=1)
_RETURNS = ("returned", "converted")
# Runs that came to their end: what they sent last may still wait for its hour, and leaves then.
_TO_THE_END = ("completed", "holdout")


@dataclass
class _World:
    """What the store knows of the people of a page."""

    people: Mapping[str, dict[str, Any]]
    messages: Mapping[tuple[str, int], list[RunMessage]]
    events: Mapping[str, list[tuple[str, int, str]]]
    did: Mapping[Any, list[tuple[str, int]]]  # by person, or by (person, run)


@dataclass
class _Moved:
    """What a page writes."""

    rows: list[RunRow] = field(default_factory=list)
    made: list[Message] = field(default_factory=list)
    ended: list[tuple[str, int]] = field(default_factory=list)


class CampaignRunner:
    """A job that carries one campaign: wakes runs that are due, and those whose person did something."""

    every = timedelta(seconds=1)

    def __init__(self, gateway: Gateway, campaign: Campaign, *, maker: MessageMaker) -> None:
        self.name = f"campaign:{campaign.id}"
        self.campaign = campaign
        self._gateway = gateway
        self._maker = maker
        self._program = campaign.program
        self.further_exits = tuple(name for name in campaign.play.exit_on if name not in _RETURNS)
        self.consequential = tuple(
            item.step
            for item in self._program.instructions
            if isinstance(item, DoSend)
            and not item.step.on_capped == item.step.on_failed == item.step.on_unreachable == "advance"
        )

    def hours(self, channel: str, profile: Mapping[str, object], where: ZoneInfo) -> Callable[[datetime], bool]:
        """The hours in which this campaign's marketing may go to somebody."""
        gateway, windows = self._gateway, self.campaign.play.windows_for(channel)
        config = gateway.config
        return hours_for(
            gateway.rules, profile, channel=channel, zone=where, windows=(config.tenant_windows, windows), guard=config.guard
        )

    async def run(self, now: datetime) -> int:
        """Move every due run on; answers how many. What vendors cannot take soon is not prepared: the runs wait for room."""
        done, looked = 0, -_LOOK_EVERY
        while True:
            if done - looked >= _LOOK_EVERY:
                looked = done
                if await self._gateway.store.run(lambda c: self._backed_up(c, now)):
                    return done
            most = self._gateway.worker.step(_PAGE)
            moved = await self._gateway.store.run(lambda c, most=most: self._page(c, now, most))  # type: ignore[misc]
            done += moved
            if moved < most:
                return done

    async def next_due(self) -> datetime | None:
        found = await self._gateway.store.run(lambda c: campaigns.next_wake(c, self.campaign.id), small=True)
        return from_ms(found) if found is not None else None

    def _backed_up(self, connection: Connection, now: datetime) -> bool:
        soon = to_ms(now + _SOON)  # what an account or channel that is out has put back is waiting, too
        return backlog.above(connection, until=soon, mark=self._gateway.config.high_mark)

    def _page(self, connection: Connection, now: datetime, most: int) -> int:
        tenant = self._gateway.config.tenant
        due = campaigns.due(connection, self.campaign.id, now=to_ms(now), most=most)
        if not due:
            return 0
        names = [run.person for run in due]
        of_runs = campaigns.messages_of_runs(connection, tenant, self.campaign.id, [(run.person, run.run) for run in due])
        ids = [message.id for found in of_runs.values() for message in found]
        world = _World(
            people.load_people(connection, tenant, names),
            of_runs,
            events.of_messages(connection, tenant, ids) if ids else {},
            self._deeds(connection, tenant, names, due),
        )
        moved = _Moved()
        for run in due:
            self._move(run, world, moved, now)
        if moved.made:
            messages.insert(connection, moved.made, now)
        campaigns.move(connection, moved.rows)
        if moved.ended:
            campaigns.cancel_waiting(connection, tenant, self.campaign.id, moved.ended, now=to_ms(now), reason="exit.run_ended")
        return len(due)

    def _deeds(
        self, connection: Connection, tenant: str, names: Sequence[str], due: Sequence[RunRow]
    ) -> Mapping[Any, list[tuple[str, int]]]:
        """What people did, by person; of a play with a key by run: what concerns another order is not this run's."""
        field = self.campaign.play.trigger.key
        if field is None:
            return people.did(connection, tenant, names)
        told = people.did_of(connection, tenant, names, field=field)
        keys = {(run.person, run.run): json.loads(run.data).get("key") for run in due}
        return {
            one: [(kind, at) for kind, at, other in told.get(one[0], ()) if other is None or other == key]
            for one, key in keys.items()
        }

    def _move(self, run: RunRow, world: _World, moved: _Moved, now: datetime) -> None:
        step = _Step(self, run, world, now)
        row = step.go()
        moved.rows.append(row)
        moved.made += step.made
        if row.state == "ended" and row.ended not in _TO_THE_END:
            moved.ended.append((run.person, run.run))


class _Step:
    """One run being moved on: from where it stands to where it has to wait."""

    def __init__(self, runner: CampaignRunner, run: RunRow, world: _World, now: datetime) -> None:
        self._runner = runner
        self._program = runner._program
        self._run = run
        self._person = world.people.get(run.person)
        self._messages = {message.step: message for message in world.messages.get((run.person, run.run), ())}
        self._events = world.events
        self._did = world.did.get(run.person) or world.did.get((run.person, run.run), [])
        self._now = now
        self._data: dict[str, Any] = json.loads(run.data)
        self._changed = False
        self._assigned = run.assigned_at
        self.made: list[Message] = []

    def go(self) -> RunRow:
        if self._returned():
            return self._end("returned")
        if self._run.holdout and (kept := self._kept_out()) is not None:
            return kept
        if (ending := self._end_of_sent()) is not None:
            return ending
        position = self._run.position
        while True:
            position = self._program.settle(position)
            after = self._instruct(position)
            if isinstance(after, RunRow):
                return after
            position = after

    def _instruct(self, position: int) -> int | RunRow:
        """Carry out one instruction: the next position, or the row at which the run waits or ends."""
        match self._program.instructions[position]:
            case DoSend(step=step):
                return self._send(position, step)
            case DoWait(step=wait) if wait.best is not None:
                return self._wait_for_best(position, wait, wait.best)
            case DoWait(step=wait):
                until = wait_ends(wait, now=self._now, zone=zone(self._zone()))
                return position + 1 if until <= self._now else self._wait(position + 1, until)
            case DoWaitFor(step=waiting):
                return self._wait_for(position, waiting.name, waiting.events, waiting.timeout, waiting.of)
            case DoBranch(of=of) as branch:
                found = self._outcome(of)
                if found is Outcome.PENDING:
                    return self._wait(position, self._due(of))
                return branch.target(found)
            case DoChoose(cases=cases, otherwise=otherwise):
                facts = {**self._data, "arm": self._run.arm, **self._profile()}
                return next((to for condition, to in cases if condition.holds(facts)), otherwise)
            case DoSplit(name=name, weights=weights, targets=targets):
                salt = split_salt(self._program.play, self._program.version, step=name)
                return targets[arm_of(salt, self._cluster(), weights=weights)]
            case DoRung() as rung:
                return self._rung(position, rung)
            case DoGoal(step=goal):
                return self._end("goal") if self._happened((goal.event,), self._run.started_at) else position + 1
            case Stop(reason=reason):
                return self._end(reason)
            case Jump(to=to):
                return to
            case never:
                assert_never(never)

    def _send(self, position: int, step: Send) -> int | RunRow:
        if step.name in self._messages:
            return position + 1
        message = self._runner._maker.message(self._run, step, self._person, self._now, data=self._data)
        if self._assigned is None:
            self._assigned = to_ms(self._now)
        if message is None:
            self._note(step.name, Outcome.UNREACHABLE)
            return self._then(step.on_unreachable, "unreachable") or position + 1
        self.made.append(message)
        if self._run.holdout:
            # the gateway holds them out; what it decides says when the message would have gone
            return self._wait(position, self._now + timedelta(milliseconds=1))
        return position + 1

    def _kept_out(self) -> RunRow | None:
        """A held-out person's run ends with their first message, which never left."""
        for message in self._messages.values():
            if outcome(message.state, message.reason or "") is Outcome.PENDING:
                return self._wait(self._run.position, from_ms(max(message.due_at, to_ms(self._now) + 1)))
            self._assigned = message.planned_at or self._assigned
            return self._end("holdout")
        return None

    def _end_of_sent(self) -> RunRow | None:
        """What the ends of earlier messages ask for: only ends other than `advance` matter."""
        for step in self._runner.consequential:
            if step.name not in self._messages:
                continue
            found = self._outcome(step.name)
            then: Then = "advance"
            if found is Outcome.CAPPED:
                then = step.on_capped
            elif found is Outcome.UNREACHABLE:
                then = step.on_unreachable
            elif found in (Outcome.FAILED, Outcome.UNDELIVERED, Outcome.EXPIRED):
                then = step.on_failed
            if (row := self._then(then, found.value)) is not None:
                return row
        return None

    def _then(self, then: Then, why: str) -> RunRow | None:
        if then == "exit":
            return self._end(f"step.{why}")
        if then == "hold":
            return self._row(self._run.position, state="held", ended=f"step.{why}", wake_at=None)
        return None

    def _wait_for(self, position: int, name: str, names: tuple[str, ...], timeout: timedelta, of: str | None) -> int | RunRow:
        began = self._data.setdefault("waits", {}).setdefault(name, to_ms(self._now))
        self._changed = True
        if of is not None:
            told = self._told(of)
            happened = any(kind in names for kind in told) or self._happened(names, began)
        else:
            happened = self._happened(names, began)
        if happened:
            self._note(name, Outcome.HAPPENED)
            return position + 1
        until = from_ms(began) + timeout
        if until <= self._now:
            self._note(name, Outcome.TIMED_OUT)
            return position + 1
        return self._wait(position, until, names)

    def _wait_for_best(self, position: int, wait: Wait, best: BestTime) -> int | RunRow:
        """Wait for the person's own time, inside what the law, the tenant and the play allow on the step's channel."""
        where = zone(self._zone())
        chosen = choose(
            best,
            now=self._now,
            zone=where,
            active=[from_ms(at) for _, at in self._did],
            persona=best.persona_of({**self._data, **self._profile(), **(self._field("data") or {})}),  # type: ignore[dict-item]
            allowed=self._runner.hours(wait.channel, self._profile(), where),
        )
        if chosen is None:
            return position + 1
        self._data.setdefault("best", {})[wait.name] = chosen.by
        self._changed = True
        return position + 1 if chosen.at <= self._now else self._wait(position + 1, chosen.at)

    def _rung(self, position: int, rung: DoRung) -> int | RunRow:
        idle = idle_days(self._data, self._now)
        if rung.next_days is not None and idle >= rung.next_days:
            return rung.skip_to
        if idle >= rung.days:
            return position + 1
        last = str(self._data.get("last") or self._now.date().isoformat())
        reached = date.fromisoformat(last[:10]) + timedelta(days=rung.days)
        return self._wait(position, max(local_instant(reached, time(0), zone(self._zone())), self._now + _SOON))

    def _outcome(self, step: str) -> Outcome:
        noted = self._data.get("outcomes", {}).get(step)
        if noted is not None:
            return Outcome(noted)
        message = self._messages.get(step)
        if message is None:
            made = any(one.origin is not None and one.origin.step == step for one in self.made)
            return Outcome.PENDING if made else Outcome.UNREACHABLE
        return outcome(message.state, message.kind or message.reason or "", self._told(step))

    def _told(self, step: str) -> list[str]:
        """The types of the events of a step's message."""
        message = self._messages.get(step)
        return [kind for kind, _, _ in self._events.get(message.id, ())] if message is not None else []

    def _due(self, step: str) -> datetime:
        message = self._messages.get(step)
        return max(from_ms(message.due_at) if message else self._now, self._now) + _SOON

    def _returned(self) -> bool:
        wanted = [name for name in self._runner.campaign.play.exit_on if name != "returned"]
        if "returned" in self._runner.campaign.play.exit_on:
            wanted += _RETURNS
        return self._happened(tuple(wanted), self._run.started_at)

    def _happened(self, names: Sequence[str], since: int) -> bool:
        return any(kind in names and since <= at <= to_ms(self._now) for kind, at in self._did)

    def _note(self, step: str, found: Outcome) -> None:
        self._data.setdefault("outcomes", {})[step] = found.value
        self._changed = True

    def _zone(self) -> str:
        return str(self._field("zone") or self._runner._gateway.config.tenant_zone or "UTC")

    def _cluster(self) -> str:
        return str(self._field("cluster") or self._run.person)

    def _profile(self) -> dict[str, object]:
        """What choices may ask of the person beside the facts of the run."""
        known: dict[str, object] = {name: self._field(name) for name in ("country", "region", "locale")}
        known["channels"] = list(self._person["contacts"]) if self._person is not None else []
        return known

    def _field(self, name: str) -> object:
        return self._person.get(name) if self._person is not None else None

    def _wait(self, position: int, until: datetime, names: tuple[str, ...] = ()) -> RunRow:
        wakes = (*names, *self._runner.further_exits)
        return self._row(position, wake_at=to_ms(until), waiting=json.dumps(list(wakes)) if wakes else None)

    def _end(self, reason: str) -> RunRow:
        return self._row(self._run.position, state="ended", ended=reason, wake_at=None)

    def _row(
        self, position: int, *, wake_at: int | None, state: str = "active", ended: str | None = None, waiting: str | None = None
    ) -> RunRow:
        return self._run._replace(
            position=position,
            state=state,
            ended=ended,
            ended_at=to_ms(self._now) if state == "ended" else None,
            assigned_at=self._assigned,
            wake_at=wake_at,
            waiting=waiting,
            data=json.dumps(self._data, ensure_ascii=False, sort_keys=True) if self._changed else self._run.data,
        )
