"""The chain: order, precedence, deferral to a fix-point, reroute, expiry, jitter."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from policies.cases import NEW_YORK, NOON, UNSAFE, alone, at, case, sent, short, sms
from recallgate.model.address import EmailAddress, InboxId
from recallgate.model.content import Email, Inapp
from recallgate.model.errors import ConfigError
from recallgate.model.message import Alternative
from recallgate.model.verdict import Allow, Defer, Drop, Reroute
from recallgate.policies.case import Suppression
from recallgate.policies.chain import Chain, jitter_of
from recallgate.policies.combine import all_of, first_match, override, shadow, when
from recallgate.policies.default import default_chain, default_policies
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.policy import FunctionPolicy, policy
from recallgate.policies.quiet_hours import QuietHours

HOUR = timedelta(hours=1)
MAIL = Alternative(channel="email", to=EmailAddress(email="a@example.com"), content=Email(subject="Hi", text="Hi"))
INAPP = Alternative(channel="inapp", to=InboxId(user="p1"), content=Inapp(body="Hi"))


def says(verdict, *, name="rule", phase=7, **facts):
    """A policy that always gives one verdict."""
    return FunctionPolicy(lambda _: verdict, name, phase, **facts)


def until(instant, *, name="wait", phase=7):
    """A policy that defers to an instant and allows from then on."""

    def judge(judged):
        return Defer(until=instant, code=f"{name}.wait") if judged.now < instant else Allow()

    return FunctionPolicy(judge, name, phase)


DROP, FINAL = Drop(code="no"), Drop(code="never", terminal=True)
AWAY = Reroute(exclude=frozenset({"sms"}), code="elsewhere")


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


NIGHT = at("2026-03-11 03:00")  # 23:00 in New York; the window opens at 12:00 UTC


def spread(message_id="m1", jitter=timedelta(minutes=30), **fields):
    return alone(QuietHours(), jitter=jitter).decide(case(sms(id=message_id, **fields), now=NIGHT)).verdict.until


def test_jitter_spreads_over_the_first_half_hour_and_is_the_same_each_time():
    leave = [spread(f"m{i}") - at("2026-03-11 12:00") for i in range(300)]

    assert all(timedelta(0) <= one < timedelta(minutes=30) for one in leave)
    assert len(set(leave)) > 290
    assert sum(one < timedelta(minutes=15) for one in leave) in range(110, 191)
    assert spread("m7") == spread("m7")


def test_jitter_never_passes_the_expiry():
    expires = at("2026-03-11 12:02")

    assert all(spread(f"m{i}", expires_at=expires) <= expires for i in range(100))


def test_jitter_never_passes_the_end_of_the_window():
    ten_minutes = (((1, 2, 3, 4, 5, 6, 7), "10:00", "10:10"),)
    chain = alone(QuietHours(), jitter=timedelta(minutes=30))
    ends = at("2026-03-11 14:05")  # 10:10 less the guard of 5 minutes

    leave = [chain.decide(case(sms(id=f"m{i}"), now=NIGHT, tenant_windows=ten_minutes)).verdict.until for i in range(100)]

    assert all(at("2026-03-11 14:00") <= one < ends for one in leave)


def test_no_jitter_when_it_is_switched_off_or_a_cap_asked_for_the_wait():
    cap = FrequencyCap(limit=1, window=timedelta(hours=24), on_exceed="defer")
    capped = case(sent=(sent(NOON - timedelta(hours=23)),))

    assert spread(jitter=timedelta(0)) == at("2026-03-11 12:00")
    assert short(alone(cap, jitter=timedelta(minutes=30)).decide(capped).verdict) == "defer cap.global.1d 03-10 17:00"


def test_a_jitter_of_zero_span_is_zero():
    assert jitter_of("m1", timedelta(0)) == timedelta(0)


def test_a_negative_jitter_is_refused():
    with pytest.raises(ConfigError, match="jitter"):
        alone(jitter=timedelta(minutes=-1))


def test_new_york_in_march_needs_at_most_two_rounds():
    """Window 08-20, caps 1 per 24 h and 3 per 7 d, across the change of 2026-03-08."""
    window = (((1, 2, 3, 4, 5, 6, 7), "08:00", "20:00"),)
    caps = [FrequencyCap(limit=limit, window=timedelta(days=days), on_exceed="defer") for limit, days in ((1, 1), (3, 7))]
    chain = alone(QuietHours(), *caps)
    history, now, most = [], at("2026-03-01 00:00"), 0
    while now < at("2026-03-20 00:00"):
        decision = chain.decide(case(now=now, sent=tuple(history), tenant_windows=window, guard=timedelta(0)))
        most = max(most, decision.rounds)
        assert decision.kind in ("allow", "defer")
        if decision.kind == "allow":
            history.append(sent(now))
        now += timedelta(minutes=37)

    assert most == 2
    assert len(history) == 9  # three in each seven days


VERDICTS = st.sampled_from(
    [Allow(), DROP, FINAL, Defer(until=NOON + HOUR, code="h"), Defer(until=NOON + 3 * HOUR, code="hhh"), AWAY]
)


@settings(max_examples=200, deadline=None)
@given(
    base=st.lists(VERDICTS, max_size=5), added=VERDICTS, phase=st.integers(1, 9), times=st.lists(st.integers(0, 90), max_size=4)
)
def test_adding_a_policy_never_turns_a_drop_into_an_allow(base, added, phase, times):
    caps = [FrequencyCap(limit=1, window=timedelta(hours=30))]
    rules = [*(says(one) for one in base), *caps]
    judged = case(sent=tuple(sent(NOON - timedelta(hours=hour)) for hour in sorted(times, reverse=True)))

    if alone(*rules).decide(judged).kind == "drop":
        assert alone(*rules, says(added, phase=phase)).decide(judged).kind == "drop"


@settings(max_examples=150, deadline=None)
@given(
    minutes=st.integers(0, 60 * 24 * 400),
    zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago"]),
    expires=st.integers(0, 60 * 30),
    hours=st.lists(st.integers(0, 200), max_size=4),
)
def test_deferral_ends_never_leaves_a_closed_window_and_never_passes_the_expiry(minutes, zone, expires, hours):
    now = at("2026-01-01 00:00") + timedelta(minutes=minutes)
    place = replace(NEW_YORK, zones=(zone,))
    history = tuple(sent(now - timedelta(hours=hour)) for hour in sorted(hours, reverse=True))
    judged = case(sms(expires_at=now + timedelta(minutes=expires)), now=now, place=place, sent=history)
    quiet = QuietHours()

    decision = default_chain(on_exceed="defer").decide(judged)

    if decision.would_go_at is not None:
        assert now <= decision.would_go_at <= judged.message.expires_at
        assert quiet(replace(judged, now=decision.would_go_at)).code == ""
    else:
        assert decision.verdict.code in {"expired.by_quiet_hours", "expired.by_cap"}
