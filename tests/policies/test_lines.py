"""Decisions from plain data, and through them the rows of law: open, closed, and both sides of each edge."""

import json

import pytest

from recallgate.policies.lines import decide_line


def decide(now, channel="sms", purpose="marketing", **more):
    return decide_line({"now": now, "channel": channel, "purpose": purpose, "guard_minutes": 0, **more})


def brief(answer):
    return " ".join(str(answer[key]) for key in ("verdict", "rule_id", "until") if answer[key] is not None)


RI, TX, CT, AL = ({"country": "US", "region": f"US-{state}"} for state in ("RI", "TX", "CT", "AL"))
FR, IT, AU, IN, TW, CA, CN = ({"country": code} for code in ("FR", "IT", "AU", "IN", "TW", "CA", "CN"))
SYDNEY = {**AU, "zone": "Australia/Sydney"}
TORONTO = {**CA, "zone": "America/Toronto"}

# 2026-06-15 is a Monday; local times in the comments
ROWS = [
    # us-fed: 08:00-21:00, New York, UTC-4
    ("us-fed inside", "2026-06-15T16:00:00Z", "sms", {"country": "US", "zone": "America/New_York"}, "allow"),
    ("us-fed start", "2026-06-15T12:00:00Z", "sms", {"country": "US", "zone": "America/New_York"}, "allow"),
    (
        "us-fed end",
        "2026-06-16T01:00:00Z",
        "sms",
        {"country": "US", "zone": "America/New_York"},
        "defer us-fed 2026-06-16T12:00:00Z",
    ),
    # us-ri: weekdays 09-18, weekend 10-17
    ("us-ri inside", "2026-06-15T13:00:00Z", "sms", RI, "allow"),
    ("us-ri before", "2026-06-15T12:59:59Z", "sms", RI, "defer us-ri 2026-06-15T13:00:00Z"),
    ("us-ri end", "2026-06-15T22:00:00Z", "sms", RI, "defer us-ri 2026-06-16T13:00:00Z"),
    ("us-ri friday evening", "2026-06-19T22:00:00Z", "sms", RI, "defer us-ri 2026-06-20T14:00:00Z"),
    ("us-ri sunday end", "2026-06-21T21:00:00Z", "sms", RI, "defer us-ri 2026-06-22T13:00:00Z"),
    # us-tx: 09-21, Sunday 12-21; Chicago, UTC-5
    ("us-tx monday", "2026-06-15T14:00:00Z", "sms", {**TX, "zone": "America/Chicago"}, "allow"),
    (
        "us-tx sunday morning",
        "2026-06-21T16:59:00Z",
        "sms",
        {**TX, "zone": "America/Chicago"},
        "defer us-tx 2026-06-21T17:00:00Z",
    ),
    ("us-tx sunday noon", "2026-06-21T17:00:00Z", "sms", {**TX, "zone": "America/Chicago"}, "allow"),
    # us-ct: 09-20 within us-fed
    ("us-ct eight", "2026-06-15T12:30:00Z", "sms", CT, "defer us-ct 2026-06-15T13:00:00Z"),
    ("us-ct evening", "2026-06-16T00:00:00Z", "sms", CT, "defer us-ct 2026-06-16T13:00:00Z"),
    ("us-ct nine", "2026-06-15T13:00:00Z", "sms", CT, "allow"),
    # us-al: voice, no Sundays; Chicago
    ("us-al saturday", "2026-06-20T18:00:00Z", "voice", {**AL, "zone": "America/Chicago"}, "allow"),
    ("us-al sunday", "2026-06-21T18:00:00Z", "voice", {**AL, "zone": "America/Chicago"}, "defer us-al 2026-06-22T13:00:00Z"),
    ("us-al sunday text", "2026-06-21T18:00:00Z", "sms", {**AL, "zone": "America/Chicago"}, "allow"),
    # fr-voice: weekdays 10-13 and 14-20; Paris, UTC+2
    ("fr-voice inside", "2026-06-15T08:00:00Z", "voice", FR, "allow"),
    ("fr-voice lunch", "2026-06-15T11:00:00Z", "voice", FR, "defer fr-voice 2026-06-15T12:00:00Z"),
    ("fr-voice friday end", "2026-06-19T18:00:00Z", "voice", FR, "defer fr-voice 2026-06-22T08:00:00Z"),
    # fr-sms: Monday to Saturday 08:30-20:00
    ("fr-sms start", "2026-06-15T06:30:00Z", "sms", FR, "allow"),
    ("fr-sms before", "2026-06-15T06:29:59Z", "sms", FR, "defer fr-sms 2026-06-15T06:30:00Z"),
    ("fr-sms saturday end", "2026-06-20T18:00:00Z", "sms", FR, "defer fr-sms 2026-06-22T06:30:00Z"),
    # it-voice: weekdays 09-20, Saturday 10-19
    ("it-voice saturday", "2026-06-20T08:00:00Z", "voice", IT, "allow"),
    ("it-voice saturday early", "2026-06-20T07:59:00Z", "voice", IT, "defer it-voice 2026-06-20T08:00:00Z"),
    ("it-voice sunday", "2026-06-21T10:00:00Z", "voice", IT, "defer it-voice 2026-06-22T07:00:00Z"),
    # au-voice: weekdays 09-20, Saturday 09-17; Sydney, UTC+10
    ("au-voice monday", "2026-06-15T09:59:00Z", "voice", SYDNEY, "allow"),
    ("au-voice monday end", "2026-06-15T10:00:00Z", "voice", SYDNEY, "defer au-voice 2026-06-15T23:00:00Z"),
    ("au-voice saturday end", "2026-06-20T07:00:00Z", "voice", SYDNEY, "defer au-voice 2026-06-21T23:00:00Z"),
    # in-sms: 10-21, UTC+5:30
    ("in-sms start", "2026-06-15T04:30:00Z", "sms", IN, "allow"),
    ("in-sms before", "2026-06-15T04:29:00Z", "sms", IN, "defer in-sms 2026-06-15T04:30:00Z"),
    ("in-sms end", "2026-06-15T15:30:00Z", "sms", IN, "defer in-sms 2026-06-16T04:30:00Z"),
    # tw-sms: 09-12:30 and 13:30-21, UTC+8
    ("tw-sms inside", "2026-06-15T04:29:00Z", "sms", TW, "allow"),
    ("tw-sms noon", "2026-06-15T04:30:00Z", "sms", TW, "defer tw-sms 2026-06-15T05:30:00Z"),
    ("tw-sms end", "2026-06-15T13:00:00Z", "sms", TW, "defer tw-sms 2026-06-16T01:00:00Z"),
    # ca-voice: weekdays 09-21:30, weekend 10-18
    ("ca-voice half past nine", "2026-06-16T01:29:00Z", "voice", TORONTO, "allow"),
    ("ca-voice end", "2026-06-16T01:30:00Z", "voice", TORONTO, "defer ca-voice 2026-06-16T13:00:00Z"),
    ("ca-voice sunday evening", "2026-06-21T22:00:00Z", "voice", TORONTO, "defer ca-voice 2026-06-22T13:00:00Z"),
    # cn-sms 08-21, cn-voice 09-20, UTC+8
    ("cn-sms start", "2026-06-15T00:00:00Z", "sms", CN, "allow"),
    ("cn-sms end", "2026-06-15T13:00:00Z", "sms", CN, "defer cn-sms 2026-06-16T00:00:00Z"),
    ("cn-voice eight", "2026-06-15T00:30:00Z", "voice", CN, "defer cn-voice 2026-06-15T01:00:00Z"),
    ("cn-voice evening", "2026-06-15T12:00:00Z", "voice", CN, "defer cn-voice 2026-06-16T01:00:00Z"),
    # default: 09-20; no row names Japan, UTC+9
    ("default inside", "2026-06-15T00:00:00Z", "sms", {"country": "JP"}, "allow"),
    ("default end", "2026-06-15T11:00:00Z", "sms", {"country": "JP"}, "defer default 2026-06-16T00:00:00Z"),
]


@pytest.mark.parametrize(("now", "channel", "place", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_row_opens_and_closes_at_its_edges(now, channel, place, expected):
    assert brief(decide(now, channel, **place)) == expected


def test_the_answer_has_its_fixed_keys():
    answer = decide("2026-06-15T16:00:00Z", country="US", zone="America/New_York")

    assert set(answer) == {"verdict", "until", "code", "policy", "rule_id", "tz_source", "facts", "channel", "trace"}
    assert (answer["verdict"], answer["until"], answer["code"], answer["channel"]) == ("allow", None, None, "sms")
    assert {step["policy"] for step in answer["trace"]} >= {"suppression", "consent", "quiet_hours", "frequency_cap"}
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({"zone": "Asia/Tokyo", "phone": "+14155550123"}, "recipient"),
        ({"region": "US-CT", "device_zone": "Asia/Tokyo"}, "region"),
        ({"device_zone": "Asia/Tokyo", "phone": "+14155550123"}, "device"),
        ({"phone": "+33612345678"}, "phone"),
        ({"country": "FR", "tenant_zone": "Asia/Tokyo"}, "country"),
        ({"tenant_zone": "Asia/Tokyo"}, "tenant"),
    ],
)
def test_the_source_of_the_zone_is_told(given, source):
    assert decide("2026-06-15T16:00:00Z", **given)["tz_source"] == source


def test_the_guard_is_five_minutes_unless_given():
    line = {"now": "2026-06-15T12:57:00Z", "channel": "sms", "purpose": "marketing", "country": "CN"}

    assert decide_line(line)["verdict"] == "defer"
    assert decide_line({**line, "guard_minutes": None})["verdict"] == "defer"
    assert decide_line({**line, "guard_minutes": 0})["verdict"] == "allow"


JUNE = "2026-06-15T16:00:00Z"  # noon in New York
HERE = {"country": "US", "zone": "America/New_York"}
YESTERDAY = {"at": "2026-06-14T17:00:00Z", "channel": "email", "purpose": "marketing"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"history": [YESTERDAY]}, ("drop", "cap.global.1d")),
        ({"history": [{**YESTERDAY, "at": "2026-06-14T16:00:00Z"}]}, ("allow", None)),
        ({"history": [{**YESTERDAY, "state": "released"}]}, ("allow", None)),
        ({"history": [{**YESTERDAY, "state": "reserved"}]}, ("drop", "cap.global.1d")),
        ({"history": [{**YESTERDAY, "purpose": "otp"}]}, ("allow", None)),
        ({"history": [YESTERDAY], "on_exceed": "defer"}, ("defer", "cap.global.1d")),
        (
            {"history": [YESTERDAY], "on_exceed": "defer", "expires_at": "2026-06-15T16:30:00Z"},
            ("drop", "expired.by_cap"),
        ),
        (
            {"history": [{**YESTERDAY, "at": f"2026-06-{day}T12:00:00Z"} for day in (10, 11, 13)]},
            ("drop", "cap.global.7d"),
        ),
        ({"consents": []}, ("drop", "consent.missing")),
        ({"consents": [{"channel": "sms", "at": "2026-01-01T00:00:00Z"}]}, ("allow", None)),
        ({"consents": [{"channel": "sms", "at": "2026-01-01T00:00:00Z", "granted": False}]}, ("drop", "consent.withdrawn")),
        ({"suppressions": [{"reason": "opt_out", "channel": "sms"}]}, ("drop", "suppressed.opt_out")),
        ({"suppressions": [{"reason": "hopeless"}]}, ("drop", "pruned.hopeless")),
        ({"enrolled_at": "2026-06-01T00:00:00Z", "returned_at": "2026-06-02T00:00:00Z"}, ("drop", "exit.already_returned")),
        ({"paused_until": "2026-06-16T16:00:00Z"}, ("defer", "pause.person")),
        ({"expires_at": "2026-06-15T15:00:00Z"}, ("drop", "expired")),
        ({"not_before": "2026-06-15T18:00:00Z"}, ("defer", "expiry.not_before")),
        ({"holdouts": [{"salt": "holdout.global:q", "share_bp": 10000}]}, ("drop", "holdout.global")),
        ({"tenant_windows": [{"days": [1], "start": "13:00", "end": "18:00"}]}, ("defer", "quiet_hours.outside_window")),
    ],
)
def test_a_line_reaches_every_rule(more, expected):
    answer = decide(JUNE, **HERE, **more)

    assert (answer["verdict"], answer["code"]) == expected


def test_calls_to_xinjiang_are_blocked_unless_the_account_opened_it():
    line = {"now": "2026-06-15T04:00:00Z", "channel": "voice", "purpose": "otp", "phone": "+8613999912345"}

    assert brief(decide_line(line)) == "drop cn-xj-voice"
    assert brief(decide_line({**line, "open_regions": ["CN-XJ"]})) == "allow"


def test_the_fifth_call_to_france_in_30_days_is_dropped_by_its_row():
    calls = [{"at": f"2026-06-{day:02}T10:00:00Z", "channel": "voice"} for day in (1, 4, 8, 11)]

    answer = decide("2026-06-15T09:00:00Z", "voice", country="FR", history=calls)

    assert answer["verdict"] == "drop"
    assert ("cap.channel.voice.30d", "fr-voice") in {(step["code"], step["rule_id"]) for step in answer["trace"]}


def test_a_capped_line_can_take_another_channel():
    one_text = [{**YESTERDAY, "channel": "sms"}]

    answer = decide(JUNE, **HERE, history=one_text, on_exceed="reroute", alternatives=["email"])

    assert (answer["verdict"], answer["code"]) == ("drop", "no_channel_left")  # the global cap holds there too


@pytest.mark.parametrize("holidays", [["2026-07-14"], {"FR": ["2026-07-14"], "DE": ["2026-07-13"]}])
def test_holidays_come_as_a_list_or_by_country(holidays):
    answer = decide("2026-07-14T12:00:00Z", "voice", country="FR", holidays=holidays)

    assert (answer["code"], answer["until"]) == ("quiet_hours.holiday", "2026-07-15T08:00:00Z")


GOOD = {"now": JUNE, "channel": "sms", "purpose": "marketing"}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"now": None}, "now"),
        ({"now": "2026-06-15T16:00:00"}, "now"),
        ({"now": "noon"}, "now"),
        ({"channel": None}, "channel"),
        ({"channel": "pigeon"}, "channel"),
        ({"purpose": None}, "purpose"),
        ({"purpose": "spam"}, "purpose"),
        ({"country": "usa"}, "country"),
        ({"region": "Texas"}, "region"),
        ({"zone": "New York"}, "zone"),
        ({"country_zone": "Mars/Olympus"}, "country_zone"),
        ({"phone": "0612345678"}, "phone"),
        ({"holidays": "block"}, "holidays"),
        ({"holidays": ["14 July"]}, "holidays"),
        ({"tenant_windows": [{"days": [8], "start": "09:00", "end": "20:00"}]}, "tenant_windows"),
        ({"tenant_windows": [{"days": [1], "start": "9", "end": "20:00"}]}, "tenant_windows"),
        ({"tenant_windows": [{"days": [1], "start": "03:00", "end": "04:00"}]}, "tenant_windows"),
        ({"guard_minutes": -1}, "guard_minutes"),
        ({"guard_minutes": "5"}, "guard_minutes"),
        ({"expires_at": 5}, "expires_at"),
        ({"history": {}}, "history"),
        ({"history": [{"channel": "sms"}]}, r"history\[0\].at"),
        ({"history": [{**YESTERDAY, "state": "thought_of"}]}, r"history\[0\].state"),
        ({"history": [{**YESTERDAY, "chanel": "sms"}]}, r"history\[0\].chanel"),
        ({"suppressions": [{"reason": "mood"}]}, r"suppressions\[0\].reason"),
        ({"consents": [{"channel": "sms"}]}, r"consents\[0\].at"),
        ({"holdouts": [{"salt": "s", "share_bp": 10_001}]}, r"holdouts\[0\].share_bp"),
        ({"min_open_hours": 25}, "min_open_hours"),
        ({"on_exceed": "wait"}, "on_exceed"),
        ({"guard": 5}, "guard: unknown key"),
    ],
)
def test_a_wrong_line_is_refused_by_the_name_of_its_key(change, names):
    with pytest.raises(ValueError, match=names):
        decide_line({**GOOD, **change})


def test_a_wrong_number_is_not_repeated():
    with pytest.raises(ValueError, match="phone") as refused:
        decide_line({**GOOD, "phone": "0612345678"})

    assert "0612345678" not in str(refused.value)


@pytest.mark.parametrize("channel", ["push", "email", "wecom", "inapp", "robot", "oa", "webhook", "worklist", "audience"])
def test_every_channel_can_be_asked_for(channel):
    assert decide("2026-06-15T03:00:00Z", channel, country="US")["verdict"] == "allow"
