"""A chain of 12 policies on a loaded page of 500 cases, CPU a message, aim: at most 15 us.

    python benchmarks/chain.py [--rounds 40]

Each case has its person, place, consents, a history of three sends, a suppression of another channel and a run of a play; all
of them may leave, which is the long way through every policy. Beside it, what the default chain takes, and a page of which one
message in ten is held for the night.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from recallgate.model.message import Message, Origin
from recallgate.policies.case import Account, Case, Consent, Enrolment, Holdout, Person, Sent, Suppression
from recallgate.policies.chain import Chain
from recallgate.policies.consent import ConsentPolicy
from recallgate.policies.default import default_chain
from recallgate.policies.exit_on_return import ExitOnReturn
from recallgate.policies.expiry import Expiry
from recallgate.policies.frequency_cap import FrequencyCap, min_gap
from recallgate.policies.holdout import HoldoutPolicy
from recallgate.policies.pause import Pause
from recallgate.policies.quiet_hours import QuietHours
from recallgate.policies.refusal_cooldown import RefusalCooldown
from recallgate.policies.region_block import RegionBlock
from recallgate.policies.regulation_limits import RegulationLimits
from recallgate.policies.suppression import SuppressionPolicy
from recallgate.rules.place import Place

AIM_US = 15.0
PAGE = 500
NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
STATES = (
    ("US-NY", "America/New_York"), ("US-TX", "America/Chicago"), ("US-CA", "America/Los_Angeles"), ("US-FL", "America/New_York"),
)  # fmt: skip


def a_chain() -> Chain:
    """Twelve policies, one of each kind that a campaign usually has."""
    policies = (
        SuppressionPolicy(),
        ConsentPolicy(),
        ExitOnReturn(),
        Pause(),
        Expiry(),
        HoldoutPolicy(),
        RegionBlock(),
        RefusalCooldown(),
        QuietHours(),
        RegulationLimits(),
        FrequencyCap(limit=3, window=timedelta(days=7)),
        min_gap(timedelta(hours=24)),
    )
    assert len(policies) == 12
    return Chain(policies)


def a_page() -> list[Case]:
    """Cases as the gateway makes them of a page; everyone may leave at noon."""
    cases = []
    for n in range(PAGE):
        region, zone = STATES[n % len(STATES)]
        person = f"p{n}"
        message = Message.sms(
            f"+1415555{n:04}", "Come back", purpose="marketing", person=person, origin=Origin(campaign="spring", step="first")
        )
        cases.append(
            Case(
                message=message,
                now=NOON,
                person=Person(person, person, zone=zone, region=region, country="US"),
                place=Place("US", region, (zone,), "recipient"),
                sent=tuple(Sent(NOON - timedelta(days=days), "sms", "marketing") for days in (20, 6, 3)),
                suppressions=(Suppression("opt_out", channel="email"),),
                consents=(Consent("*", True, NOON - timedelta(days=99)),),
                enrolment=Enrolment("spring", 1, NOON - timedelta(days=1)),
                account=Account("texts", "acme.sms"),
                holdouts=(Holdout("global", "holdout.global:none", 0), Holdout("play", "holdout.play:spring", 0)),
            )
        )
    return cases


def us_each(chain: Chain, cases: Sequence[Case], rounds: int) -> float:
    """The least CPU time a message of some rounds, in microseconds."""
    least = float("inf")
    decide = chain.decide
    for _ in range(rounds):
        began = time.process_time()
        for case in cases:
            decide(case)
        least = min(least, time.process_time() - began)
    return least / len(cases) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description="What a chain of policies costs.")
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    chain, cases = a_chain(), a_page()
    assert {chain.decide(case).kind for case in cases} == {"allow"}
    night = [replace(case, now=NOON + timedelta(hours=14)) if n % 10 == 0 else case for n, case in enumerate(cases)]
    assert sum(chain.decide(case).kind == "defer" for case in night) == PAGE // 10

    took = us_each(chain, cases, rounds)
    whole = default_chain()
    print(f"12 policies: {took:.1f} us a message that may leave")
    print(f"default chain of {len(whole.policies)}: {us_each(whole, cases, rounds):.1f} us")
    print(f"12 policies, one message in ten held for the night: {us_each(chain, night, max(1, rounds // 4)):.1f} us on average")
    print(f"aim {AIM_US:.0f} us: {'met' if took <= AIM_US else 'MISSED'}")
    return 0 if took <= AIM_US else 1


if __name__ == "__main__":
    sys.exit(main())
