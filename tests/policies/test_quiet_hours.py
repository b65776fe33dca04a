"""Quiet hours, region blocks and the cool-down after a refusal."""

from datetime import date, timedelta

import pytest

from policies.cases import BERLIN, EVERY_DAY, NEW_YORK, NOON, alone, at, case, person, short, sms
from recallgate.model.verdict import Defer
from recallgate.policies.case import Account, Consent
from recallgate.policies.quiet_hours import QuietHours
from recallgate.policies.refusal_cooldown import RefusalCooldown
from recallgate.policies.region_block import RegionBlock, RegionBlockRow
from recallgate.rules.place import Place
from recallgate.rules.regulations import RuleBook

SECOND = timedelta(seconds=1)
FRANCE = Place("FR", None, ("Europe/Paris",), "country")
VOICE = sms().model_copy(update={"channel": "voice"})
MAIL = sms().model_copy(update={"channel": "email"})


def quiet(now, message=None, **facts):
    return short(QuietHours()(case(message, now=at(now), **facts)))


# New York in March after the change is UTC-4; us-fed 08:00-21:00, guard 5 minutes
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-10 11:59:59", "defer quiet_hours.outside_window 03-10 12:00"),
        ("2026-03-10 12:00", "allow"),
        ("2026-03-11 00:54:59", "allow"),
        ("2026-03-11 00:55", "defer quiet_hours.outside_window 03-11 12:00"),
        ("2026-03-11 04:00", "defer quiet_hours.outside_window 03-11 12:00"),
    ],
)
def test_the_start_is_allowed_and_the_end_less_the_guard_is_not(now, expected):
    assert quiet(now) == expected


@pytest.mark.parametrize("purpose", ["otp", "transactional", "service"])
def test_only_marketing_is_held(purpose):
    tenant = ((EVERY_DAY, "10:00", "12:00"),)

    assert quiet("2026-03-11 04:00", sms(purpose), tenant_windows=tenant) == "allow"


def test_a_row_that_lists_service_holds_service():
    book = RuleBook.default().override(
        [
            {
                "id": "own",
                "country": "US",
                "channels": ["sms"],
                "purposes": ["service"],
                "windows": [{"days": list(EVERY_DAY), "start": "09:00", "end": "18:00"}],
            }
        ]
    )
    verdict = QuietHours(book)(case(sms("service"), now=at("2026-03-11 04:00")))

    assert (verdict.code, verdict.rule_id) == ("quiet_hours.outside_window", "own")


@pytest.mark.parametrize("channel", ["email", "push", "wecom"])
def test_channels_without_rows_have_no_window_unless_the_tenant_sets_one(channel):
    message = sms().model_copy(update={"channel": channel})
    tenant = ((EVERY_DAY, "09:00", "18:00"),)

    assert quiet("2026-03-11 04:00", message) == "allow"
    assert quiet("2026-03-11 04:00", message, tenant_windows=tenant) == "defer quiet_hours.outside_window 03-11 13:00"


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ({"tenant_windows": ((EVERY_DAY, "10:00", "18:00"),)}, "03-10 14:00"),
        ({"play_windows": ((EVERY_DAY, "11:00", "18:00"),)}, "03-10 15:00"),
        ({"person": person(windows=((EVERY_DAY, "12:30", "13:00"),))}, "03-10 16:30"),
        ({"tenant_windows": ((EVERY_DAY, "10:00", "18:00"),), "play_windows": ((EVERY_DAY, "09:00", "12:00"),)}, "03-10 14:00"),
        ({"tenant_windows": (((3, 4), "10:00", "18:00"),)}, "03-11 14:00"),
    ],
)
def test_all_windows_hold_together(windows, expected):
    assert quiet("2026-03-10 12:30", **windows) == f"defer quiet_hours.outside_window {expected}"


def test_windows_without_common_time_never_send():
    nights_only = person(windows=((EVERY_DAY, "22:00", "23:00"),))

    assert quiet("2026-03-10 16:00", person=nights_only) == "drop quiet_hours.no_common_window"


def test_the_strictest_row_that_closes_is_named():
    connecticut = Place("US", "US-CT", ("America/New_York",), "region")  # 09:00-20:00 within 08:00-21:00

    def rule(now):
        return QuietHours()(case(now=at(now), place=connecticut)).rule_id

    assert rule("2026-03-11 00:30") == "us-ct"  # 20:30: only the state closes
    assert rule("2026-03-11 03:00") == "us-ct"  # 23:00: both close, the state opens later


def test_of_two_rows_that_open_together_the_narrower_is_named():
    florida = Place("US", "US-FL", ("America/New_York",), "region")

    assert QuietHours()(case(now=at("2026-03-11 03:00"), place=florida)).rule_id == "us-fl"


def test_the_facts_say_what_time_it_is_there():
    verdict = QuietHours()(case(now=at("2026-03-11 02:30")))

    assert verdict.rule_id == "us-fed"
    assert dict(verdict.facts) == {
        "local": "22:30",
        "zone": "America/New_York",
        "window": "08:00-21:00",
        "guard_minutes": 5,
        "tz_source": "recipient",
    }


def test_pitfall_03_half_past_ten_at_night_is_closed_in_the_users_own_zone():
    abroad = Place("US", "US-NY", ("Asia/Tokyo",), "recipient")

    assert quiet("2026-03-11 02:30").startswith("defer")  # 22:30 in New York
    assert quiet("2026-03-11 02:30", place=abroad) == "allow"  # 11:30 in Tokyo
    assert quiet("2026-03-10 16:00", place=abroad).startswith("defer")  # 01:00 in Tokyo, noon in New York


@pytest.mark.parametrize(
    ("now", "open_"),
    [("21:59", False), ("22:00", True), ("23:00", True), ("00:00", True), ("05:54", True), ("06:00", False), ("12:00", False)],
)
def test_pitfall_02_an_overnight_window_is_never_its_complement(now, open_):
    utc = Place("US", None, ("UTC",), "recipient")
    overnight = ((EVERY_DAY, "22:00", "06:00"),)
    verdict = QuietHours()(case(MAIL, now=at(f"2026-03-10 {now}"), place=utc, tenant_windows=overnight))

    assert (short(verdict) == "allow") is open_


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-07 12:30", "defer quiet_hours.outside_window 03-07 13:00"),  # still UTC-5
        ("2026-03-08 11:30", "defer quiet_hours.outside_window 03-08 12:00"),  # UTC-4 since this night
        ("2026-10-31 11:30", "defer quiet_hours.outside_window 10-31 12:00"),
        ("2026-11-01 12:30", "defer quiet_hours.outside_window 11-01 13:00"),
    ],
)
def test_pitfall_05_both_clock_changes_move_the_opening(now, expected):
    assert quiet(now) == expected


def test_pitfall_16_an_unknown_zone_is_not_a_licence_to_send():
    nowhere = Place(None, None, ("Asia/Shanghai",), "tenant", True)
    verdict = QuietHours()(case(now=at("2026-03-10 16:00"), place=nowhere))  # midnight in Shanghai

    assert (verdict.rule_id, verdict.facts["tz_source"], verdict.facts["tz_uncertain"]) == ("default", "tenant", True)


def test_several_candidate_zones_must_all_be_open():
    coast_to_coast = Place("US", None, ("America/New_York", "America/Los_Angeles"), "phone")

    assert quiet("2026-03-10 13:00", place=coast_to_coast) == "defer quiet_hours.outside_window 03-10 15:00"


def test_a_holiday_closes_the_day_where_the_row_says_so():
    holiday = frozenset({date(2026, 7, 14)})

    assert quiet("2026-07-14 12:00", VOICE, place=FRANCE, holidays=holiday) == "defer quiet_hours.holiday 07-15 08:00"
    assert quiet("2026-07-14 12:00", place=BERLIN, holidays=holiday) == "allow"  # the German row allows holidays


def test_the_eve_of_a_holiday_has_its_own_windows_in_italy():
    italy = Place("IT", None, ("Europe/Rome",), "country")
    christmas = frozenset({date(2026, 12, 25)})

    assert quiet("2026-12-24 08:30", VOICE, place=italy) == "allow"  # 09:30
    assert quiet("2026-12-24 08:30", VOICE, place=italy, holidays=christmas) == "defer quiet_hours.outside_window 12-24 09:00"


@pytest.mark.parametrize(("mode", "kind"), [("defer", "defer"), ("drop", "drop"), ("reroute", "reroute")])
def test_outside_the_policy_does_what_it_was_told(mode, kind):
    assert short(QuietHours(on_outside=mode)(case(now=at("2026-03-11 04:00")))).split()[0] == kind


def test_consent_lifts_hours_only_when_switched_on_and_given():
    virginia = Place("US", "US-VA", ("America/New_York",), "region")
    book = RuleBook.default().without(["us-fed"])
    granted = (Consent("sms", True, NOON - timedelta(days=3)),)

    def kind(**facts):
        return short(QuietHours(book)(case(now=at("2026-03-11 04:00"), place=virginia, **facts))).split()[0]

    assert kind(consents=granted) == "defer"
    assert kind(consents_lift_hours=True) == "defer"
    assert kind(consents_lift_hours=True, consents=()) == "defer"
    assert kind(consents_lift_hours=True, consents=granted) == "allow"


def test_an_optional_block_is_closed_only_when_switched_on():
    china = Place("CN", None, ("Asia/Shanghai",), "phone")
    lunch = case(VOICE, now=at("2026-03-10 04:30"), place=china)  # 12:30

    assert short(QuietHours()(lunch)) == "allow"
    assert short(QuietHours(blocks=frozenset({"lunch"}))(lunch)) == "defer quiet_hours.outside_window 03-10 06:00"


def test_the_room_for_jitter_ends_with_the_window():
    verdict = QuietHours()(case(now=at("2026-03-11 04:00")))

    assert isinstance(verdict, Defer)
    assert verdict.jitter == timedelta(hours=12, minutes=55)


def test_a_wait_past_the_expiry_is_named_after_quiet_hours():
    expiring = case(sms(expires_at=at("2026-03-11 11:00")), now=at("2026-03-11 04:00"))

    assert short(alone(QuietHours()).decide(expiring).verdict) == "drop expired.by_quiet_hours"


XINJIANG = Place("CN", "CN-XJ", ("Asia/Shanghai",), "phone")


@pytest.mark.parametrize(
    ("place", "channel", "purpose", "opened", "expected"),
    [
        (XINJIANG, "voice", "marketing", (), "drop region.blocked"),
        (XINJIANG, "voice", "otp", (), "drop region.blocked"),
        (XINJIANG, "sms", "marketing", (), "allow"),
        (XINJIANG, "voice", "marketing", ("CN-XJ",), "allow"),
        (Place("CN", "CN-XZ", ("Asia/Shanghai",), "phone"), "voice", "otp", (), "allow"),
        (Place("CN", None, ("Asia/Shanghai",), "phone"), "voice", "otp", (), "allow"),
        (NEW_YORK, "voice", "marketing", (), "allow"),
    ],
)
def test_a_blocked_region_gets_no_calls_for_any_purpose(place, channel, purpose, opened, expected):
    message = sms(purpose).model_copy(update={"channel": channel})
    account = Account("a", "acme.voice", open_regions=frozenset(opened))

    assert short(RegionBlock()(case(message, place=place, account=account))) == expected


def test_a_block_can_reroute_and_rows_can_be_added():
    tibet = RegionBlockRow(id="own", country="CN", region="CN-XZ", channel="voice", purposes=("marketing",))
    place = Place("CN", "CN-XZ", ("Asia/Shanghai",), "phone")

    block = RegionBlock((tibet,), "reroute")
    verdict = block(case(VOICE, place=place))

    assert short(block(case(VOICE.model_copy(update={"purpose": "otp"}), place=place))) == "allow"
    assert (short(verdict), verdict.rule_id, verdict.exclude) == ("reroute region.blocked", "own", {"voice"})


@pytest.mark.parametrize(
    ("place", "message", "refused", "expected"),
    [
        (FRANCE, VOICE, {}, "allow"),
        (FRANCE, VOICE, {"voice": NOON - timedelta(days=60)}, "allow"),
        (FRANCE, VOICE, {"voice": NOON - timedelta(days=59)}, "defer refusal_cooldown.active 03-11 16:00"),
        (FRANCE, VOICE, {"sms": NOON - timedelta(days=1)}, "allow"),
        (FRANCE, None, {"voice": NOON - timedelta(days=1)}, "allow"),
        (NEW_YORK, VOICE, {"voice": NOON - timedelta(days=1)}, "allow"),
    ],
)
def test_after_a_refusal_the_channel_rests(place, message, refused, expected):
    assert short(RefusalCooldown()(case(message, place=place, person=person(refused_at=refused)))) == expected
