"""Facts of one's own: which a chain asks for, and how a page of them is loaded."""

from datetime import timedelta

import pytest

from policies.cases import NOON, UNSAFE, alone, case, short, sms
from policies.scripted import DROP, says
from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Allow, Drop
from recallgate.policies.chain import Chain
from recallgate.policies.combine import all_of, first_match, override, shadow, when
from recallgate.policies.default import default_chain
from recallgate.policies.facts import load_facts
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.policy import FunctionPolicy, policy
from recallgate.policies.spans import Calendar

TIERS = {"p1": "gold", "p2": "tin"}


def tiers_of(messages):
    return [TIERS.get(message.person) for message in messages]


@policy(name="gold_only", phase=4, needs={"tier": tiers_of})
def gold_only(judged):
    return Allow() if judged.facts.get("tier") == "gold" else Drop(code="gold_only.other_tier")


def test_a_page_of_facts_is_loaded_by_one_call_and_reaches_the_policy():
    chain = default_chain((gold_only,))
    asked = []

    def spying(messages):
        asked.append(len(messages))
        return chain.loaders["tier"](messages)

    messages = [sms(id=f"m{i}", person=person) for i, person in enumerate(("p1", "p2", "p3"))]
    facts = load_facts({"tier": spying}, messages)
    verdicts = [short(chain.decide(case(one, facts=own)).verdict) for one, own in zip(messages, facts, strict=True)]

    assert (asked, facts[2]) == ([3], {})
    assert verdicts == ["allow", "drop gold_only.other_tier", "drop gold_only.other_tier"]


@pytest.mark.parametrize(
    "wrapped",
    [
        gold_only,
        all_of(gold_only, says(Allow())),
        first_match(says(Allow()), gold_only),
        when(lambda _: True, gold_only),
        override(gold_only, "otp"),
        shadow(gold_only),
        when(lambda _: True, all_of(gold_only)),
    ],
)
def test_needs_and_loaders_are_found_inside_combinations(wrapped):
    chain = alone(wrapped)

    assert chain.needs == {"tier"}
    assert chain.loaders == {"tier": tiers_of}


def test_two_loaders_for_one_name_are_refused():
    other = FunctionPolicy(lambda _: Allow(), "other", 4, frozenset({"tier"}), loaders={"tier": lambda messages: messages})

    with pytest.raises(ConfigError, match="tier"):
        alone(gold_only, other)


def test_a_loader_that_forgets_a_message_is_refused():
    with pytest.raises(ConfigError, match="gave 1 values for 2"):
        load_facts({"tier": lambda messages: messages[:1]}, [sms(), sms()])


def test_a_fact_that_the_gateway_knows_needs_no_loader():
    known = policy(name="known", phase=4, needs={"registry_age"})(lambda _: Allow())

    assert (alone(known).needs, alone(known).loaders) == ({"registry_age"}, {})


def test_the_chain_knows_what_its_caps_count_and_how_far_they_look_back():
    hidden = when(lambda _: True, FrequencyCap(limit=1, window=timedelta(days=90), counts_toward=frozenset({"service"})))

    assert alone().counted == {"marketing"}
    assert alone(hidden).counted == {"marketing", "service"}
    assert alone(hidden).longest == timedelta(days=90)
    assert alone(FrequencyCap(limit=1, window=Calendar("month"))).longest >= timedelta(days=31)
    assert default_chain().longest >= timedelta(days=30)  # France counts calls over 30 days


@pytest.mark.parametrize(("phase", "name"), [(0, "a"), (10, "a"), ("7", "a"), (True, "a"), (7, "")])
def test_a_policy_needs_a_name_and_a_phase(phase, name):
    with pytest.raises(ConfigError, match="phase"):
        alone(FunctionPolicy(lambda _: Allow(), name, phase))


def test_a_shadow_inside_a_condition_stays_a_shadow():
    decision = alone(when(lambda _: True, shadow(says(DROP, name="trial")))).decide(case())

    assert decision.kind == "allow"
    assert [(step.policy, step.shadow) for step in decision.trace] == [("trial", True)]


@pytest.mark.parametrize("combine", [all_of, first_match])
def test_a_shadow_cannot_be_combined(combine):
    with pytest.raises(ConfigError, match="shadow"):
        combine(says(DROP), shadow(says(DROP)))


def test_a_shadow_that_fails_stops_nothing():
    def broken(_):
        raise KeyError("facts")

    decision = alone(shadow(FunctionPolicy(broken, "trial", 4))).decide(case())

    assert decision.kind == "allow"
    assert [(step.code, step.verdict.facts["fault"]) for step in decision.trace] == [("shadow.failed", "KeyError")]


def test_a_wait_may_be_written_in_any_zone_but_not_without_one():
    from recallgate.model.verdict import Defer
    from recallgate.model.zones import zone

    berlin = (NOON + timedelta(hours=1)).astimezone(zone("Europe/Berlin"))

    def until(instant):
        return FunctionPolicy(lambda judged: Defer(until=instant) if judged.now < berlin else Allow(), "own", 7)

    assert short(alone(until(berlin)).decide(case()).verdict) == "defer 03-10 17:00"
    with pytest.raises(ValueError, match="own"):
        alone(until(berlin.replace(tzinfo=None))).decide(case())


def test_a_chain_is_made_of_policies_in_any_order():
    first, second = says(Allow(), name="late", phase=9), says(Allow(), name="early", phase=1)

    assert Chain([first, second], allow_unsafe=UNSAFE).names == ("early", "late")
