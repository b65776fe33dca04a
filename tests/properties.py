"""What must hold for any instant, zone and history: tried on random cases, as many as one asks for.

    python tests/properties.py --cases 200000 [--seed 1] [hours caps chain waits segments lint]

Every failure names its case, so that it can be tried again.
"""

import argparse
import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hours_oracle import MINUTE, may_leave, own_rule, rules_of_law
from random_cases import FIRST, a_case, told
from recallgate.model.message import Message
from recallgate.model.verdict import Allow, Defer, Drop, Reroute, Verdict
from recallgate.policies.case import Case, Person, Sent
from recallgate.policies.chain import Chain
from recallgate.policies.default import default_chain, default_policies
from recallgate.policies.frequency_cap import FrequencyCap, min_gap
from recallgate.policies.mandatory import MANDATORY
from recallgate.policies.policy import FunctionPolicy
from recallgate.policies.quiet_hours import QuietHours
from recallgate.rules.place import Place
from segment_oracle import a_text, agrees, linted


def hours(draw: random.Random) -> None:
    """No marketing message leaves outside the effective window, at once or after a wait; inside it the hours object to none."""
    case = a_case(draw)
    rules = rules_of_law(case.place.country, case.place.region, case.message.channel)
    rules += tuple(own_rule(one) for one in (case.tenant_windows, case.play_windows, case.person.windows) if one)

    def allowed(at: datetime) -> bool:
        return may_leave(at, case.place.zones, rules, case.holidays, case.guard)

    verdict = QUIET(case)
    if type(verdict) is Allow:
        assert allowed(case.now), f"left in a closed window: {told(case)}"
    elif verdict.code != "quiet_hours.no_common_window":
        assert not allowed(case.now), f"held in an open window ({verdict.code}): {told(case)}"
    if type(verdict) is Defer:
        assert allowed(verdict.until), f"waits for {verdict.until}, which is closed: {told(case)}"
        assert not allowed(verdict.until - MINUTE), f"could have left before {verdict.until}: {told(case)}"
    leaves = DEFAULT.decide(case).would_go_at
    assert leaves is None or allowed(leaves), f"leaves at {leaves}, outside the window: {told(case)}"


QUIET = QuietHours()
DEFAULT = default_chain(on_exceed="defer")


def caps(draw: random.Random) -> None:
    """Sent one after the other as the chain says, no window of any length ever holds more than its limit."""
    rules = [
        FrequencyCap(
            limit=draw.randrange(1, 4),
            window=timedelta(minutes=draw.randrange(30, 7 * 1440)),
            scope=draw.choice(("global", "channel")),
            on_exceed=draw.choice(("defer", "drop")),
        )
        for _ in range(draw.randrange(1, 4))
    ]
    gap = timedelta(minutes=draw.randrange(1, 600))
    chain = Chain([*rules, min_gap(gap, on_exceed="defer")], allow_unsafe=MANDATORY)
    now, left = FIRST, []
    base = Case(message=_SMS, now=now, person=Person("p", "p"), place=Place("US", None, ("UTC",), "recipient"))
    for _ in range(12):
        now += timedelta(minutes=draw.randrange(0, 2_000))
        message = _SMS if draw.random() < 0.6 else _MAIL
        leaves = chain.decide(replace(base, message=message, now=now, sent=tuple(left))).would_go_at
        if leaves is None:
            continue
        now = leaves
        left.append(Sent(leaves, message.channel, "marketing"))
    for rule in rules:
        for at, last in enumerate(left):
            span = rule.window
            assert isinstance(span, timedelta)
            inside = [one for one in left[: at + 1] if one.at > last.at - span and rule.scope in ("global", "")]
            if rule.scope == "channel":
                inside = [one for one in left[: at + 1] if one.at > last.at - span and one.channel == last.channel]
            assert len(inside) <= rule.limit, f"{rule} holds {[str(one.at) for one in inside]}"
    for one, other in pairwise(left):
        assert other.at - one.at >= gap, f"{one.at} and {other.at} are closer than {gap}"


_SMS = Message.sms("+12125550123", "Come back", purpose="marketing", id="m")
_MAIL = _SMS.model_copy(update={"channel": "email"})


def chain(draw: random.Random) -> None:
    """A further policy, whatever it says, never turns a drop into an allow at the same instant."""
    case = a_case(draw)
    own = [scripted(draw, case.now) for _ in range(draw.randrange(3))]
    before = Chain([*default_policies(on_exceed=draw.choice(("drop", "defer", "reroute"))), *own], jitter=timedelta(0))
    after = Chain([*before.policies, scripted(draw, case.now)], jitter=timedelta(0))
    if before.decide(case).kind == "drop":
        found = after.decide(case)
        assert found.kind == "drop", f"{found.verdict} after a further policy: {told(case)}"


def scripted(draw: random.Random, now: datetime) -> FunctionPolicy:
    until = now + timedelta(minutes=draw.randrange(1, 4_000))
    verdict: Verdict = draw.choice(
        (
            Allow(),
            Drop(code="own.no"),
            Drop(code="own.never", terminal=True),
            Defer(until=until, code="own.wait"),
            Reroute(exclude=frozenset({"sms"}), code="own.away"),
        )
    )

    def judge(case: Case) -> Verdict:
        return Allow() if isinstance(verdict, Defer) and case.now >= verdict.until else verdict

    return FunctionPolicy(judge, "own", draw.randrange(1, 10))


def waits(draw: random.Random) -> None:
    """A deferral ends, lies ahead, never passes the message's end, and when it is over nobody objects any more."""
    case = a_case(draw)
    found = DEFAULT.decide(case)
    assert found.kind in ("allow", "defer", "drop")
    assert found.rounds <= 10
    if isinstance(found.verdict, Defer):
        assert found.verdict.until > case.now, told(case)
        assert case.message.expires_at is None or found.verdict.until <= case.message.expires_at, told(case)
        again = DEFAULT.decide(replace(case, now=found.verdict.until))
        assert again.kind == "allow", f"held again ({again.verdict.code}) at {found.verdict.until}: {told(case)}"


def segments(draw: random.Random) -> None:
    """smsutil counts the same segments, but for the differences that `agrees` explains."""
    agrees(a_text(draw))


def lint(draw: random.Random) -> None:
    """The fixed text passes: linted again it is the same text, with nothing left to fix and no error that is new."""
    linted(draw)


PROPERTIES: dict[str, Callable[[random.Random], None]] = {
    "hours": hours,
    "caps": caps,
    "chain": chain,
    "waits": waits,
    "segments": segments,
    "lint": lint,
}
# How often a case of each is worth trying, of the number asked for.
SHARES = {"hours": 1.0, "caps": 0.2, "chain": 1.0, "waits": 1.0, "segments": 0.5, "lint": 0.1}


def tried(name: str, cases: int, seed: int) -> Iterator[int]:
    """Try so many cases; yields how many were tried, now and then. A failure tells the property, the seed and the case."""
    check = PROPERTIES[name]
    for number in range(cases):
        draw = random.Random(f"{name}:{seed}:{number}")
        try:
            check(draw)
        except AssertionError as wrong:
            raise AssertionError(f"{name}, case {number} of seed {seed}: {wrong}") from wrong
        if number % 1000 == 999:
            yield number + 1
    yield cases


def main() -> int:
    """Try the properties that were asked for, all by default; answers 0 when all hold."""
    parser = argparse.ArgumentParser(description="Try what must always hold on random cases.")
    parser.add_argument("properties", nargs="*", metavar="PROPERTY", help=", ".join(PROPERTIES))
    parser.add_argument("--cases", type=int, default=200_000, help="how many of the usual size")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)  # chains without the mandatory policies say so, each time
    if unknown := [name for name in chosen.properties if name not in PROPERTIES]:
        parser.error(f"{unknown[0]!r} is no property; there are {', '.join(PROPERTIES)}")
    failed = 0
    for name in chosen.properties or PROPERTIES:
        cases, began = max(1, int(chosen.cases * SHARES[name])), time.monotonic()
        try:
            for done in tried(name, cases, chosen.seed):
                if sys.stderr.isatty():
                    print(f"\r{name}: {done} of {cases}", end="", file=sys.stderr)  # noqa: T201 - a script prints
        except AssertionError as wrong:
            print(f"\nFAILED: {wrong}")  # noqa: T201
            failed += 1
            continue
        print(f"{name}: {cases} cases hold ({time.monotonic() - began:.0f} s)")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
