"""Frequency caps, gaps and limits of law."""

from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from policies.cases import NOON, ago, alone, at, case, sent, short, sms
from recallgate.model.errors import ConfigError
from recallgate.model.message import Origin
from recallgate.policies.frequency_cap import FrequencyCap, OwnCaps, min_gap
from recallgate.policies.regulation_limits import RegulationLimits
from recallgate.policies.spans import Calendar
from recallgate.rules.place import Place

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def cap(limit=1, window=DAY, **facts):
    return FrequencyCap(limit=limit, window=window, **facts)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), "allow"),
        ((NOON - DAY,), "allow"),
        ((NOON - DAY + SECOND,), "drop cap.global.1d"),
        ((NOON,), "drop cap.global.1d"),
        ((NOON + SECOND,), "allow"),
        ((NOON - 3 * DAY, NOON - 2 * DAY), "allow"),
    ],
)
def test_a_rolling_window_is_open_at_its_start(entries, expected):
    assert short(cap()(case(sent=tuple(sent(when) for when in entries)))) == expected


def test_an_entry_that_has_just_left_the_window_no_longer_counts():
    uncounted = sent(ago(hours=2), purpose="service")

    assert short(cap(2)(case(sent=(sent(NOON - DAY), uncounted, sent(ago(hours=1)))))) == "allow"


def test_the_limit_reached_exactly_stops_the_next():
    two, three = (tuple(sent(ago(days=day)) for day in range(count, 0, -1)) for count in (2, 3))

    assert short(cap(3, 7 * DAY)(case(sent=two))) == "allow"
    assert short(cap(3, 7 * DAY)(case(sent=three))) == "drop cap.global.7d"


@pytest.mark.parametrize("limit", [0, -1, True, 1.5])
def test_pitfall_11_a_cap_of_zero_is_refused_when_built(limit):
    with pytest.raises(ConfigError, match="limit"):
        cap(limit)


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": timedelta(0)},
        {"scope": "person"},
        {"on_exceed": "wait"},
        {"match": "sms"},
    ],
)
def test_a_cap_that_means_nothing_is_refused_when_built(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        cap(**wrong)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"scope": "channel"}, "drop cap.channel.sms.1d"),
        ({"scope": "channel", "match": "sms"}, "drop cap.channel.sms.1d"),
        ({"scope": "channel", "match": "email"}, "allow"),
        ({"scope": "purpose"}, "drop cap.purpose.marketing.1d"),
        ({"scope": "purpose", "match": "service"}, "allow"),
        ({"scope": "tag"}, "drop cap.tag.promo.1d"),
        ({"scope": "tag", "match": "promo"}, "drop cap.tag.promo.1d"),
        ({"scope": "tag", "match": "vip"}, "allow"),
        ({"scope": "campaign"}, "drop cap.campaign.1d"),
        ({"scope": "campaign", "match": "autumn"}, "allow"),
        ({"window": timedelta(hours=6)}, "drop cap.global.6h"),
        ({"window": timedelta(minutes=90)}, "drop cap.global.90m"),
    ],
)
def test_the_scope_says_what_counts(rule, expected):
    message = sms(tags={"promo", "new"}, origin=Origin(campaign="spring"))
    before = sent(ago(hours=1), tags=frozenset({"promo"}), campaign="spring")

    assert short(cap(**rule)(case(message, sent=(before,)))) == expected


def test_entries_of_other_channels_do_not_fill_a_channel_cap():
    assert short(cap(scope="channel")(case(sent=(sent(ago(hours=1), "email"),)))) == "allow"


def test_pitfall_18_the_tag_that_was_frozen_on_the_entry_counts():
    old_tag = (sent(ago(hours=1), tags=frozenset({"promo"})),)

    assert short(cap(scope="tag", match="promo")(case(sms(tags={"promo"}), sent=old_tag))) == "drop cap.tag.promo.1d"
    assert short(cap(scope="tag", match="sale")(case(sms(tags={"sale"}), sent=old_tag))) == "allow"


@pytest.mark.parametrize("purpose", ["otp", "transactional", "service"])
def test_only_marketing_is_held_and_counted_by_default(purpose):
    entry = sent(ago(hours=1), purpose=purpose)

    assert short(cap()(case(sms(purpose), sent=(sent(ago(hours=1)),)))) == "allow"
    assert short(cap()(case(sent=(entry,)))) == "allow"


def test_service_may_be_set_to_count_without_being_held():
    rule = cap(counts_toward=frozenset({"marketing", "service"}))
    service = (sent(ago(hours=1), purpose="service"),)

    assert short(rule(case(sent=service))) == "drop cap.global.1d"
    assert short(rule(case(sms("service"), sent=service))) == "allow"


def test_the_higher_count_of_person_and_address_decides():
    person_two = tuple(sent(ago(hours=hour)) for hour in (3, 2))
    shared_address = tuple(sent(ago(hours=hour), by="address") for hour in (4, 3, 2))

    verdict = cap(3)(case(sent=tuple(sorted((*person_two, *shared_address), key=lambda one: one.at))))

    assert (verdict.code, verdict.facts["by"], verdict.facts["count"]) == ("cap.global.1d", "address", 3)


def test_one_message_counted_for_person_and_address_counts_once():
    both = (sent(ago(hours=2)), sent(ago(hours=2), by="address"))

    assert short(cap(2)(case(sent=both))) == "allow"


def test_pitfall_12_a_defer_ends_when_the_oldest_counted_entry_leaves():
    three = tuple(sent(ago(hours=hour)) for hour in (20, 10, 5))

    assert short(cap(3, on_exceed="defer")(case(sent=three))) == "defer cap.global.1d 03-10 20:00"


def test_a_defer_over_the_limit_waits_for_as_many_as_must_leave():
    three = tuple(sent(ago(hours=hour)) for hour in (20, 10, 5))

    assert short(cap(2, on_exceed="defer")(case(sent=three))) == "defer cap.global.1d 03-11 06:00"


def test_a_cap_can_reroute_away_from_its_channel():
    verdict = cap(scope="channel", on_exceed="reroute")(case(sent=(sent(ago(hours=1)),)))

    assert short(verdict) == "reroute cap.channel.sms.1d"
    assert verdict.exclude == {"sms"}


def test_pitfall_01_an_own_rule_for_sms_leaves_the_default_for_mail_on():
    own = (cap(9, scope="channel", match="sms"),)
    mail = sms().model_copy(update={"channel": "email"})
    judged = case(mail, sent=(sent(ago(hours=1), "email"),), facts={"own_caps": own})

    assert short(alone(cap(), OwnCaps()).decide(judged).verdict) == "drop cap.global.1d"


def test_a_persons_own_cap_holds_beside_the_others():
    judged = case(sent=(sent(ago(days=5)),), facts={"own_caps": (cap(1, 30 * DAY, scope="channel", match="sms"),)})

    assert short(alone(cap(), OwnCaps()).decide(judged).verdict) == "drop cap.channel.sms.30d"


def test_pitfall_13_each_channel_has_its_own_limit():
    caps = (cap(1, scope="channel", match="sms"), cap(3, scope="channel", match="email"))
    history = (sent(ago(hours=3)), sent(ago(hours=2), "email"), sent(ago(hours=1), "email"))
    mail = sms().model_copy(update={"channel": "email"})

    assert short(alone(*caps).decide(case(sent=history)).verdict) == "drop cap.channel.sms.1d"
    assert short(alone(*caps).decide(case(mail, sent=history)).verdict) == "allow"


# 23:00 and 00:30 in New York, both on UTC day 2026-03-11
LATE, AFTER_MIDNIGHT = at("2026-03-11 03:00"), at("2026-03-11 04:30")


@pytest.mark.parametrize(
    ("window", "expected"),
    [(DAY, "drop cap.global.1d"), (Calendar("day"), "allow"), (Calendar("day", zone="UTC"), "drop cap.global.calendar_day")],
)
def test_pitfall_19_a_calendar_day_lets_23_00_and_00_30_pass_and_a_rolling_day_does_not(window, expected):
    assert short(cap(window=window)(case(now=AFTER_MIDNIGHT, sent=(sent(LATE),)))) == expected


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        (Calendar("day"), "defer cap.global.calendar_day 03-11 04:00"),
        (Calendar("week"), "defer cap.global.calendar_week 03-16 04:00"),
        (Calendar("week", week_start=7), "defer cap.global.calendar_week 03-15 04:00"),
        (Calendar("month"), "defer cap.global.calendar_month 04-01 04:00"),
    ],
)
def test_a_calendar_defer_waits_for_the_next_unit_of_the_recipient(calendar, expected):
    assert short(cap(window=calendar, on_exceed="defer")(case(sent=(sent(ago(hours=1)),)))) == expected


@pytest.mark.parametrize(
    ("when", "start", "end"),
    [
        ("2026-03-08 12:00", "2026-03-08 05:00", "2026-03-09 04:00"),  # 23 hours: clocks go forward
        ("2026-11-01 12:00", "2026-11-01 04:00", "2026-11-02 05:00"),  # 25 hours
    ],
)
def test_a_calendar_day_has_23_or_25_hours_at_a_clock_change(when, start, end):
    assert Calendar("day").around(at(when), "America/New_York") == (at(start), at(end))


def test_a_day_that_begins_in_a_gap_begins_after_it():
    # Beirut 2026-03-29: 00:00 becomes 01:00, at 22:00 UTC of the day before
    start, end = Calendar("day").around(at("2026-03-29 10:00"), "Asia/Beirut")

    assert (start, end) == (at("2026-03-28 22:00"), at("2026-03-29 21:00"))


def test_of_two_candidate_zones_the_stricter_calendar_day_counts():
    two = Place("US", "US-AK", ("America/New_York", "America/Los_Angeles"), "phone")  # 21:30 still in Los Angeles

    assert short(cap(window=Calendar("day"))(case(now=AFTER_MIDNIGHT, sent=(sent(LATE),), place=two))).startswith("drop")


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(6, "allow"), (5.99, "drop cap.global.min_gap.6h")],
)
def test_exactly_the_gap_is_enough(hours, expected):
    assert short(min_gap(timedelta(hours=6))(case(sent=(sent(ago(hours=hours)),)))) == expected


FRANCE = Place("FR", None, ("Europe/Paris",), "country")
VOICE = sms().model_copy(update={"channel": "voice"})


def calls(*days):
    return tuple(sent(ago(days=day), "voice") for day in days)


@pytest.mark.parametrize(
    ("place", "history", "expected"),
    [
        (FRANCE, calls(29, 20, 10), "allow"),
        (FRANCE, calls(29, 20, 10, 1), "drop cap.channel.voice.30d"),
        (FRANCE, calls(30, 20, 10, 1), "allow"),
        (FRANCE, (*calls(29, 20, 10), sent(ago(days=1), "sms")), "allow"),
        (Place("ES", None, ("Europe/Madrid",), "country"), calls(29, 20, 10, 1), "allow"),
    ],
)
def test_france_allows_four_call_attempts_in_30_days(place, history, expected):
    verdict = RegulationLimits()(case(VOICE, place=place, sent=history))

    assert short(verdict) == expected
    assert verdict.rule_id == (None if expected == "allow" else "fr-voice")


def test_connects_are_counted_apart_from_attempts():
    rule = cap(1, scope="channel", match="voice", connects=True)

    assert short(rule(case(VOICE, sent=calls(0.5)))) == "allow"
    assert short(rule(case(VOICE, sent=(sent(ago(hours=1), "voice", connected=True),)))) == "drop cap.channel.voice.1d"


def test_pitfall_27_an_own_counter_waits_before_the_vendors_limit_is_met():
    rule = cap(4, Calendar("month"), scope="channel", match="wecom", on_exceed="defer")
    wecom = sms().model_copy(update={"channel": "wecom"})
    four = tuple(sent(ago(days=day), "wecom") for day in (8, 6, 4, 2))

    assert short(rule(case(wecom, sent=four[1:]))) == "allow"
    assert short(rule(case(wecom, sent=four))) == "defer cap.channel.wecom.calendar_month 04-01 04:00"


@settings(max_examples=80, deadline=None)
@given(
    gaps=st.lists(st.integers(0, 3 * 86_400), min_size=1, max_size=25),
    limit=st.integers(1, 4),
    window=st.integers(3_600, 5 * 86_400),
)
def test_no_window_ever_holds_more_than_the_limit(gaps, limit, window):
    rule = FrequencyCap(limit=limit, window=timedelta(seconds=window), on_exceed="defer")
    chain = alone(rule)
    left, now = [], NOON
    for gap in gaps:
        now += timedelta(seconds=gap)
        goes = chain.decide(case(now=now, sent=tuple(sent(when) for when in left))).would_go_at
        now = goes
        left.append(goes)

    for end in left:
        assert sum(end - timedelta(seconds=window) < when <= end for when in left) <= limit
