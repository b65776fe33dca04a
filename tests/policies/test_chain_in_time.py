"""Jitter, rounds of deferral, and what holds for any instant."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from policies.cases import NEW_YORK, NOON, alone, at, case, sent, short, sms
from policies.scripted import AWAY, DROP, FINAL, HOUR, says
from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Allow, Defer
from recallgate.policies.chain import jitter_of
from recallgate.policies.default import default_chain
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.quiet_hours import QuietHours

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
