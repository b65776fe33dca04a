"""Reroutes: which channel comes next, and when none is left."""

from policies.cases import NOON, alone, case, short, sms
from policies.scripted import AWAY, HOUR, INAPP, MAIL, says
from recallgate.model.verdict import Allow, Defer, Reroute
from recallgate.policies.case import Suppression
from recallgate.policies.combine import when
from recallgate.policies.default import default_chain
from recallgate.policies.policy import FunctionPolicy


def on_channel(message):
    return case(message)


def not_on(*channels, code="elsewhere"):
    """A policy that sends away from these channels."""

    def judge(judged):
        channel = judged.message.channel
        return Reroute(exclude=frozenset({channel}), code=code) if channel in channels else Allow()

    return FunctionPolicy(judge, "not_on", 6)


def test_a_reroute_takes_the_next_alternative_with_its_address():
    decision = alone(not_on("sms")).decide(case(sms(alternatives=(MAIL, INAPP))), case_for=on_channel)

    assert (decision.kind, decision.channel, decision.message.to) == ("allow", "email", MAIL.to)


def test_a_reroute_prefers_what_the_policy_prefers():
    prefers = says(Reroute(exclude=frozenset({"sms"}), prefer=("inapp",), code="outer"))
    chain = alone(when(lambda judged: judged.message.channel == "sms", prefers))

    assert chain.decide(case(sms(alternatives=(MAIL, INAPP))), case_for=on_channel).channel == "inapp"


def test_each_channel_is_tried_once_and_then_none_is_left():
    decision = alone(not_on("sms", "email", "inapp")).decide(case(sms(alternatives=(MAIL, INAPP, MAIL))), case_for=on_channel)

    assert short(decision.verdict) == "drop no_channel_left"
    assert decision.verdict.facts["tried"] == ("sms", "email", "inapp")
    assert decision.channel == "sms"


def test_what_one_reroute_excluded_stays_excluded():
    first = says(Reroute(exclude=frozenset({"sms", "email"}), code="no_text"))
    chain = alone(when(lambda judged: judged.message.channel == "sms", first))

    assert chain.decide(case(sms(alternatives=(MAIL, INAPP))), case_for=on_channel).channel == "inapp"


def test_a_reroute_begins_again_at_now():
    waits_then_leaves = FunctionPolicy(
        lambda judged: (
            Allow() if judged.message.channel == "email" else Defer(until=NOON + HOUR, code="x") if judged.now == NOON else AWAY
        ),
        "odd",
        7,
    )

    decision = alone(waits_then_leaves).decide(case(sms(alternatives=(MAIL,))), case_for=on_channel)

    assert (decision.kind, decision.channel, decision.would_go_at) == ("allow", "email", NOON)


def test_the_other_channels_own_facts_are_judged():
    def suppressed_mail(message):
        return case(message, suppressions=(Suppression("opt_out", channel="email"),))

    decision = default_chain((not_on("sms"),)).decide(case(sms(alternatives=(MAIL,))), case_for=suppressed_mail)

    assert short(decision.verdict) == "drop suppressed.opt_out"
