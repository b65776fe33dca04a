"""The chain: order, precedence, deferral to a fix-point, expiry, combinators."""

import logging
from datetime import timedelta

import pytest

from policies.cases import NOON, UNSAFE, alone, at, case, sent, short, sms
from policies.scripted import AWAY, DROP, FINAL, HOUR, says, until
from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Allow, Defer, Drop
from recallgate.policies.case import Suppression
from recallgate.policies.chain import Chain
from recallgate.policies.combine import all_of, first_match, override, shadow, when
from recallgate.policies.default import default_chain, default_policies
from recallgate.policies.policy import FunctionPolicy, policy


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((), "allow"),
        ((Allow(), Allow()), "allow"),
        ((DROP, AWAY), "drop no"),
        ((AWAY, DROP), "drop no"),
        ((DROP, Drop(code="later")), "drop no"),
        ((DROP, FINAL), "drop never"),
        ((FINAL, DROP), "drop never"),
    ],
)
def test_drop_beats_reroute_and_a_terminal_drop_beats_all(verdicts, expected):
    assert short(alone(*(says(one) for one in verdicts)).decide(case()).verdict) == expected


def test_drop_beats_defer_and_reroute_beats_defer():
    wait = until(NOON + HOUR)

    assert short(alone(wait, says(DROP)).decide(case()).verdict) == "drop no"
    assert short(alone(wait, says(AWAY)).decide(case()).verdict) == "drop no_channel_left"


def test_a_terminal_drop_stops_at_once():
    asked = []

    def late(judged):
        asked.append(judged)
        return Allow()

    alone(says(FINAL, phase=2), FunctionPolicy(late, "late", 3)).decide(case())

    assert asked == []


def test_policies_are_asked_by_phase_and_in_given_order_within_one():
    chain = alone(says(Allow(), name="d", phase=8), says(Allow(), name="b", phase=4), says(Allow(), name="c", phase=4))

    assert chain.names == ("b", "c", "d")


def test_two_defers_give_the_latest_and_its_policy():
    decision = alone(until(NOON + HOUR, name="short"), until(NOON + 2 * HOUR, name="long")).decide(case())

    assert short(decision.verdict) == "defer long.wait 03-10 18:00"
    assert (decision.verdict.policy, decision.would_go_at, decision.rounds) == ("long", NOON + 2 * HOUR, 1)


def test_of_two_defers_to_one_instant_the_first_in_the_chain_names_the_reason():
    decision = alone(until(NOON + HOUR, name="second", phase=8), until(NOON + HOUR, name="first", phase=7)).decide(case())

    assert decision.verdict.policy == "first"


def test_a_drop_at_the_deferred_instant_is_the_verdict():
    later = (Suppression("opt_out", effective_at=NOON + HOUR),)
    chain = default_chain((until(NOON + 2 * HOUR),))

    assert short(chain.decide(case(suppressions=later)).verdict) == "drop suppressed.opt_out"


def test_a_policy_that_always_defers_is_unschedulable_after_ten_rounds():
    moving = FunctionPolicy(lambda judged: Defer(until=judged.now + HOUR, code="moving"), "moving", 7)

    decision = alone(moving).decide(case())

    assert short(decision.verdict) == "drop unschedulable"
    assert (decision.verdict.facts["rounds"], decision.rounds) == (10, 10)


def test_a_defer_that_does_not_move_forward_never_sends():
    stuck = FunctionPolicy(lambda judged: Defer(until=judged.now, code="stuck"), "stuck", 7)

    assert short(alone(stuck).decide(case()).verdict) == "drop unschedulable"


@pytest.mark.parametrize(
    ("expires", "expected"),
    [(NOON + HOUR, "defer wait.wait 03-10 17:00"), (NOON + HOUR - timedelta(seconds=1), "drop expired.by_wait")],
)
def test_a_wait_may_end_at_the_expiry_and_not_later(expires, expected):
    assert short(alone(until(NOON + HOUR)).decide(case(sms(expires_at=expires))).verdict) == expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("quiet_hours", "expired.by_quiet_hours"),
        ("frequency_cap", "expired.by_cap"),
        ("regulation_limits", "expired.by_cap"),
        ("rate_limit", "stale.rate_limit"),
    ],
)
def test_the_expired_drop_names_who_asked_for_the_wait(name, code):
    expiring = case(sms(expires_at=NOON + HOUR))

    decision = alone(until(NOON + 2 * HOUR, name=name)).decide(expiring)

    assert decision.verdict.code == code
    assert decision.verdict.facts["because"] == f"{name}.wait"


@pytest.mark.parametrize("name", UNSAFE)
def test_a_mandatory_policy_may_not_be_forgotten(name):
    rest = [one for one in default_policies() if one.name != name]

    with pytest.raises(ConfigError, match=name):
        Chain(rest)


def test_a_mandatory_policy_left_out_by_name_is_logged(caplog):
    rest = [one for one in default_policies() if one.name != "quiet_hours"]

    with caplog.at_level(logging.WARNING, logger="recallgate.policies"):
        Chain(rest, allow_unsafe=["quiet_hours"])

    assert "quiet_hours" in caplog.text


@pytest.mark.parametrize(
    "weaken",
    [shadow, lambda one: when(lambda _: False, one), lambda one: override(one, "marketing"), lambda one: first_match(one)],
)
def test_a_weakened_mandatory_policy_counts_as_missing(weaken):
    weakened = [weaken(one) if one.name == "quiet_hours" else one for one in default_policies()]

    with pytest.raises(ConfigError, match="quiet_hours"):
        Chain(weakened)


def test_all_of_keeps_what_is_mandatory():
    quiet = [one for one in default_policies() if one.name == "quiet_hours"]
    rest = [one for one in default_policies() if one.name != "quiet_hours"]

    assert "hours" in Chain([*rest, all_of(*quiet, name="hours")]).names


def test_an_unknown_name_in_allow_unsafe_is_an_error():
    with pytest.raises(ConfigError, match="holdouts"):
        Chain(default_policies(), allow_unsafe=["holdouts"])


def test_all_of_combines_and_first_match_stops():
    first, second = until(NOON + HOUR, name="short"), until(NOON + 2 * HOUR, name="long")

    assert all_of(first, second)(case()).policy == "long"
    assert first_match(first, second)(case()).policy == "short"
    assert short(first_match(says(Allow()), says(DROP))(case())) == "drop no"
    assert short(all_of(says(DROP), says(FINAL))(case())) == "drop never"


def test_nothing_cannot_be_combined():
    with pytest.raises(ConfigError, match="nothing"):
        all_of()


def test_when_asks_only_where_its_predicate_holds():
    rule = when(lambda judged: judged.message.channel == "sms", says(DROP))

    assert short(rule(case())) == "drop no"
    assert short(rule(case(sms().model_copy(update={"channel": "email"})))) == "allow"


def test_override_lifts_a_policy_for_one_purpose():
    rule = override(says(DROP), "service")

    assert [short(rule(case(sms(purpose)))) for purpose in ("service", "marketing", "otp")] == ["allow", "drop no", "drop no"]


def test_a_shadow_is_traced_and_blocks_nothing():
    decision = alone(shadow(says(DROP, name="trial"))).decide(case())

    assert decision.kind == "allow"
    assert [(step.policy, step.kind, step.code, step.shadow) for step in decision.trace] == [("trial", "drop", "no", True)]


def test_the_trace_has_the_objections_and_on_request_every_answer():
    chain = alone(says(Allow(), name="fine", phase=2), says(DROP, name="no"))

    assert [step.policy for step in chain.decide(case()).trace] == ["no"]
    assert [(step.policy, step.kind) for step in chain.decide(case(), trace=True).trace] == [("fine", "allow"), ("no", "drop")]


def test_a_ten_line_policy_works_and_its_needs_reach_the_chain():
    @policy(name="no_sundays", phase=7, needs={"sundays"})
    def no_sundays(judged):
        return Drop(code="sunday") if judged.now.isoweekday() == 7 else Allow()

    chain = default_chain((no_sundays,))

    assert "sundays" in chain.needs
    assert short(chain.decide(case(now=at("2026-03-08 16:00"))).verdict) == "drop sunday"


def test_instants_of_other_zones_are_judged_as_the_same_instant():
    from recallgate.model.zones import zone

    moment = NOON.astimezone(zone("America/New_York"))
    before = (sent(NOON - timedelta(hours=23, minutes=30)),)

    assert short(default_chain().decide(case(now=moment, sent=before)).verdict) == "drop cap.global.1d"
