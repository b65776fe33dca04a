"""Plays: outcomes, waits, references, programs of which every run ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, strategies as st

from recallgate.model.errors import ConfigError
from recallgate.recall.condition import field
from recallgate.recall.outcome import CONNECTED, REACTED, Outcome, outcome
from recallgate.recall.play import After, PastRun, Play, PlayCap, ways_for
from recallgate.recall.program import (
    DoBranch,
    DoChoose,
    DoGoal,
    DoRung,
    DoSend,
    DoSplit,
    DoWait,
    DoWaitFor,
    Jump,
    Program,
    Stop,
    compile_play,
)
from recallgate.recall.steps import (
    Branch,
    Case,
    Choose,
    Exit,
    Goal,
    Ladder,
    Rung,
    Send,
    Split,
    SplitArm,
    Step,
    Trigger,
    Wait,
    WaitFor,
    Way,
    When,
    all_steps,
)
from recallgate.recall.timing import wait_ends

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEW_YORK, SHANGHAI = ZoneInfo("America/New_York"), ZoneInfo("Asia/Shanghai")


def sms(name: str) -> Send:
    return Send(name, (Way("sms", {"text": "hello"}),))


@pytest.mark.parametrize(
    ("state", "reason", "events", "expected"),
    [
        ("delivered", "", ["clicked", "opened"], Outcome.CLICKED),
        ("delivered", "", ["answered", "key_pressed"], Outcome.KEY_PRESSED),
        ("delivered", "", ["answered"], Outcome.ANSWERED),
        ("delivered", "", ["machine"], Outcome.MACHINE),
        ("delivered", "", ["machine", "answered"], Outcome.ANSWERED),
        ("undelivered", "", ["no_answer"], Outcome.NO_ANSWER),
        ("undelivered", "", ["busy"], Outcome.BUSY),
        ("undelivered", "", [], Outcome.UNDELIVERED),
        ("undelivered", "unreachable", [], Outcome.UNREACHABLE),
        ("failed", "unregistered_token", [], Outcome.UNREACHABLE),
        ("failed", "invalid_recipient", [], Outcome.UNREACHABLE),
        ("failed", "blocked_content", [], Outcome.FAILED),
        ("delivered", "", ["unsubscribed"], Outcome.DELIVERED),
        ("accepted", "", [], Outcome.SENT),
        ("sent", "", ["read"], Outcome.READ),
        ("uncertain", "", [], Outcome.UNCERTAIN),
        ("uncertain", "", ["clicked"], Outcome.CLICKED),
        ("suppressed", "holdout.play", [], Outcome.HELD_OUT),
        ("suppressed", "cap.global.1d", [], Outcome.CAPPED),
        ("suppressed", "expired.by_quiet_hours", [], Outcome.EXPIRED),
        ("suppressed", "stale.rate_limit", [], Outcome.EXPIRED),
        ("suppressed", "no_channel_left", [], Outcome.UNREACHABLE),
        ("suppressed", "suppressed.opt_out", [], Outcome.SUPPRESSED),
        ("cancelled", "", [], Outcome.SUPPRESSED),
        ("expired", "", [], Outcome.EXPIRED),
        ("held", "quiet_hours", [], Outcome.PENDING),
        ("queued", "", [], Outcome.PENDING),
    ],
)
def test_outcomes_of_messages(state: str, reason: str, events: list[str], expected: Outcome) -> None:
    assert outcome(state, reason, events) == expected


@pytest.mark.parametrize(
    ("wait", "now", "zone", "end"),
    [
        (Wait("w", days=2), "2026-11-20T12:00+00:00", NEW_YORK, "2026-11-22T12:00+00:00"),
        (Wait("w", hours=1, minutes=30), "2026-11-20T12:00+00:00", NEW_YORK, "2026-11-20T13:30+00:00"),
        # 10:00 in Shanghai is 02:00 UTC
        (Wait("w", until="10:00"), "2026-11-20T01:00+00:00", SHANGHAI, "2026-11-20T02:00+00:00"),
        (Wait("w", until="10:00"), "2026-11-20T02:00+00:00", SHANGHAI, "2026-11-20T02:00+00:00"),
        # just passed: within 30 minutes go on now, else the next day
        (Wait("w", until="10:00"), "2026-11-20T02:30+00:00", SHANGHAI, "2026-11-20T02:30+00:00"),
        (Wait("w", until="10:00"), "2026-11-20T02:31+00:00", SHANGHAI, "2026-11-21T02:00+00:00"),
        # a Friday; the next allowed day is Monday
        (Wait("w", until="10:00", weekdays=(1,)), "2026-11-20T01:00+00:00", SHANGHAI, "2026-11-23T02:00+00:00"),
        (Wait("w", until="10:00", weekdays=(5,)), "2026-11-20T03:00+00:00", SHANGHAI, "2026-11-27T02:00+00:00"),
        (Wait("w", days=3, until="10:00"), "2026-11-20T15:00+00:00", SHANGHAI, "2026-11-23T02:00+00:00"),
        # clocks skip 02:00-03:00 on 2026-03-08: the first instant after the gap
        (Wait("w", until="02:30"), "2026-03-08T05:00+00:00", NEW_YORK, "2026-03-08T07:00+00:00"),
        # clocks repeat 01:00-02:00 on 2026-11-01: the first of the two
        (Wait("w", until="01:30"), "2026-11-01T04:00+00:00", NEW_YORK, "2026-11-01T05:30+00:00"),
        # three calendar days across the change keep the local hour
        (Wait("w", days=3, until="10:00"), "2026-03-06T15:00+00:00", NEW_YORK, "2026-03-09T14:00+00:00"),
    ],
)
def test_waits_end_at_the_instant_meant(wait: Wait, now: str, zone: ZoneInfo, end: str) -> None:
    assert wait_ends(wait, now=datetime.fromisoformat(now), zone=zone) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("idle", "reachable", "channels"),
    [
        (10, {"sms", "push", "email"}, ["push", "sms", "email"]),
        (61, {"sms", "push", "email"}, ["email", "sms", "push"]),
        (61, {"push"}, ["push"]),
        (10, {"sms", "email"}, ["sms", "email"]),  # a dead token: push is not reachable any more
        (10, set(), []),
        (10, {"wecom", "push"}, ["push", "wecom"]),
    ],
)
def test_ways_follow_the_age_of_the_lapse_and_reach(idle: int, reachable: set[str], channels: list[str]) -> None:
    ways = tuple(Way(name, {}) for name in ("wecom", "sms", "push", "email"))

    found = ways_for(Send("s", ways, by_lapse=True), days_idle=idle, reachable=reachable)

    assert [way.channel for way in found] == channels


def test_ways_keep_their_order_when_the_play_says_so() -> None:
    ways = (Way("sms", {}), Way("push", {}))

    assert ways_for(Send("s", ways), days_idle=1, reachable={"sms", "push"}) == ways


@pytest.mark.parametrize(
    ("reentry", "past", "lapsed_at", "may"),
    [
        ("never", [], None, True),
        ("never", [PastRun(NOW - 90 * DAY)], NOW, False),
        ("each_lapse", [PastRun(None, NOW - DAY)], NOW, False),  # a run is going on
        ("each_lapse", [PastRun(NOW - DAY, NOW - 9 * DAY)], NOW - DAY, True),
        ("each_lapse", [PastRun(NOW - DAY, NOW - 9 * DAY)], NOW - 9 * DAY, False),
        (After(2 * DAY), [PastRun(NOW - 2 * DAY)], None, True),
        (After(2 * DAY), [PastRun(NOW - 2 * DAY), PastRun(NOW - DAY)], None, False),
    ],
)
def test_reentry(reentry: object, past: list[PastRun], lapsed_at: datetime | None, may: bool) -> None:
    play = Play("p", (sms("a"),), reentry=reentry)  # type: ignore[arg-type]  # one of the three in the table

    assert play.may_enter(past, now=NOW, lapsed_at=lapsed_at) is may


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Play("p", ()), "no steps"),
        (lambda: Play("p", (sms("a"), sms("a"))), "'a' is not unique"),
        (lambda: Play("p", (Branch("b", of="later", cases=()), sms("later"))), "'later', which is no earlier step"),
        (lambda: Play("p", (WaitFor("w", ("clicked",), DAY, of="x"),)), "no earlier step"),
        (lambda: Send("s", ()), "at least one way"),
        (lambda: Send("s", (Way("sms", {}),), expires_after=timedelta(0)), "above zero"),
        (lambda: Wait("w"), "a span above zero"),
        (lambda: Wait("w", until="25:00"), "no time of day"),
        (lambda: Wait("w", hours=1, until="10:00"), "not with hours"),
        (lambda: Wait("w", days=1, weekdays=(1,)), "go with until"),
        (lambda: WaitFor("w", (), DAY), "at least one event"),
        (lambda: WaitFor("w", ("x",), timedelta(0)), "above zero"),
        (lambda: When((), ()), "never holds"),
        (lambda: Split("s", ()), "needs arms"),
        (lambda: Split("s", (SplitArm("a", 0, ()),)), "at least 1"),
        (lambda: Split("s", (SplitArm("a", 1, ()), SplitArm("a", 1, ()))), "same name"),
        (lambda: Ladder("l", (Rung(7, ()), Rung(3, ()))), "rise in days"),
        (lambda: Trigger("event"), "needs an event"),
        (lambda: Trigger("dates"), "needs dates"),
        (lambda: After(timedelta(minutes=9)), "10 minutes"),
        (lambda: PlayCap(0, DAY), "at least 1"),
    ],
)
def test_plays_that_cannot_work_are_refused(build: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build()


def test_a_play_compiles_to_these_instructions() -> None:
    call = Send("call", (Way("voice", {"say": "hello"}),))
    wait, friend, goal = Wait("w", days=1), WaitFor("friend", ("friend_added",), DAY), Goal("g", "converted")
    inner = sms("inner")
    play = Play(
        "p",
        (
            call,
            wait,
            Branch("b", of="call", cases=(When(CONNECTED, (inner, friend)), When(REACTED, (Exit("e", "done"),)))),
            goal,
        ),
    )

    assert compile_play(play).instructions == (
        DoSend(call),
        DoWait(wait),
        DoBranch("b", "call", ((CONNECTED, 3), (REACTED, 6)), 8),
        DoSend(inner),
        DoWaitFor(friend),
        Jump(9),
        Stop("done"),
        Jump(9),
        Jump(9),
        DoGoal(goal),
        Stop("completed"),
    )


def test_a_branch_takes_the_first_case_that_names_the_outcome() -> None:
    branch = DoBranch("b", "call", (((Outcome.ANSWERED,), 3), ((Outcome.ANSWERED, Outcome.BUSY), 5)), 9)

    assert [branch.target(found) for found in (Outcome.ANSWERED, Outcome.BUSY, Outcome.PENDING)] == [3, 5, 9]


def test_a_ladder_skips_to_the_next_rung() -> None:
    first, second = sms("first"), sms("second")
    program = compile_play(Play("p", (Ladder("l", (Rung(3, (first,)), Rung(7, (second,)))),)))

    assert program.instructions == (
        DoRung("l.3", 3, 7, 2),
        DoSend(first),
        DoRung("l.7", 7, None, 4),
        DoSend(second),
        Stop("completed"),
    )


def test_a_run_can_be_taken_up_at_its_integer() -> None:
    program = compile_play(Play("p", (Split("s", (SplitArm("a", 1, (sms("a1"),)), SplitArm("b", 3, (sms("b1"),)))), sms("end"))))
    split = program.instructions[0]
    assert isinstance(split, DoSplit)

    # after a1 comes a jump over b1 to the end
    position = program.settle(split.targets[0] + 1)

    assert split.weights == (1, 3)
    assert program.at(split.targets[0] + 1) == program.instructions[position] == DoSend(sms("end"))


names = st.integers(0, 10**9).map(lambda n: f"s{n}")


def nested(inner: st.SearchStrategy[tuple[Step, ...]]) -> st.SearchStrategy[tuple[Step, ...]]:
    step = st.one_of(
        st.builds(lambda n, a, b: Split(n, (SplitArm("a", 1, a), SplitArm("b", 2, b))), names, inner, inner),
        st.builds(lambda n, a, b: Choose(n, (Case(field("orders") > 2, a),), b), names, inner, inner),
        st.builds(lambda n, a, b: Ladder(n, (Rung(3, a), Rung(7, b))), names, inner, inner),
    )
    return st.lists(step, max_size=3).map(tuple)


flat: st.SearchStrategy[tuple[Step, ...]] = st.lists(
    st.one_of(names.map(sms), names.map(lambda n: Wait(n, days=1)), names.map(Exit)), max_size=3
).map(tuple)


def unique(steps: tuple[Step, ...]) -> bool:
    found = [step.name for step in all_steps(steps)]
    return len(set(found)) == len(found)


@given(st.recursive(flat, nested, max_leaves=12))
def test_every_path_of_every_play_ends(steps: tuple[Step, ...]) -> None:
    assume(unique(steps))
    program = compile_play(Play("p", (sms("first"), *steps)))

    for position in range(len(program.instructions)):
        following = program.next_positions(position)
        assert all(position < after < len(program.instructions) for after in following)
        assert following or isinstance(program.instructions[position], Stop)


@given(st.recursive(flat, nested, max_leaves=12))
def test_every_send_is_compiled_once(steps: tuple[Step, ...]) -> None:
    assume(unique(steps))
    play = Play("p", (sms("first"), *steps))

    compiled = [item.step.name for item in compile_play(play).instructions if isinstance(item, DoSend)]

    assert sorted(compiled) == sorted(send.name for send in play.sends())


def test_a_choice_keeps_its_conditions() -> None:
    vip = field("tier") == "high"
    program: Program = compile_play(Play("p", (Choose("c", (Case(vip, (sms("a"),)),), (sms("b"),)),)))

    assert program.instructions[0] == DoChoose("c", ((vip, 1),), 3)


def test_hours_are_by_channel() -> None:
    night = (((1,), "09:00", "20:00"),)
    play = replace(Play("p", (sms("a"),)), windows={"voice": night})

    assert (play.windows_for("voice"), play.windows_for("sms")) == (night, ())
    assert replace(play, windows={"*": night}).windows_for("sms") == night
