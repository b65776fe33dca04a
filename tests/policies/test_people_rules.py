"""Suppression, consent, exit on return, expiry, pause, holdout: the rules about the person and the message."""

from datetime import timedelta

import pytest

from policies.cases import NOON, ago, alone, at, case, person, short, sms
from recallgate.model.address import EmailAddress
from recallgate.model.content import Email
from recallgate.model.message import Alternative
from recallgate.policies.case import Consent, Enrolment, Holdout, Suppression
from recallgate.policies.consent import ConsentPolicy, RegistryAge
from recallgate.policies.exit_on_return import ExitOnReturn
from recallgate.policies.expiry import Expiry
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.holdout import HoldoutPolicy
from recallgate.policies.pause import Pause
from recallgate.policies.suppression import SuppressionPolicy
from recallgate.rules.place import Place

SECOND = timedelta(seconds=1)
MAIL = Alternative(channel="email", to=EmailAddress(email="a@example.com"), content=Email(subject="Hi", text="Hi"))


@pytest.mark.parametrize(
    ("record", "purpose", "expected"),
    [
        (Suppression("opt_out"), "marketing", "drop suppressed.opt_out"),
        (Suppression("opt_out"), "service", "allow"),
        (Suppression("opt_out", all_purposes=True), "service", "drop suppressed.opt_out"),
        (Suppression("opt_out", all_purposes=True), "transactional", "drop suppressed.opt_out"),
        (Suppression("opt_out", all_purposes=True), "otp", "allow"),
        (Suppression("opt_out", all_purposes=True, topic="news"), "service", "allow"),
        (Suppression("complaint"), "marketing", "drop suppressed.complaint"),
        (Suppression("complaint"), "otp", "allow"),
        (Suppression("dnc_registry"), "marketing", "drop suppressed.dnc_registry"),
        (Suppression("dnc_registry"), "service", "allow"),
        (Suppression("hopeless"), "marketing", "drop pruned.hopeless"),
        (Suppression("hopeless"), "transactional", "allow"),
        (Suppression("invalid"), "otp", "drop suppressed.invalid"),
        (Suppression("hard_bounce"), "otp", "drop suppressed.hard_bounce"),
        (Suppression("manual"), "service", "drop suppressed.manual"),
        (Suppression("region_block"), "otp", "drop suppressed.region_block"),
    ],
)
def test_a_reason_stops_its_purposes(record, purpose, expected):
    judged = case(sms(purpose, topic="news"), suppressions=(record,))

    assert short(SuppressionPolicy()(judged)) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"channel": "sms"}, "drop"),
        ({"channel": "email"}, "allow"),
        ({"topic": "offers"}, "drop"),
        ({"topic": "news"}, "allow"),
        ({"sender": "ACME"}, "drop"),
        ({"sender": "acme-brand"}, "drop"),
        ({"sender": "OTHER"}, "allow"),
        ({"channel": "sms", "topic": "news"}, "allow"),
        ({"effective_at": NOON}, "drop"),
        ({"effective_at": NOON + SECOND}, "allow"),
        ({"expires_at": NOON}, "allow"),
        ({"expires_at": NOON + SECOND}, "drop"),
    ],
)
def test_a_suppression_holds_in_its_scope_and_time(scope, expected):
    judged = case(sms(topic="offers", sender="ACME", brand="acme-brand"), suppressions=(Suppression("opt_out", **scope),))

    assert short(SuppressionPolicy()(judged)).split()[0] == expected


def test_an_unknown_sender_might_be_the_suppressed_one():
    judged = case(sms(), suppressions=(Suppression("opt_out", sender="ACME"),))

    assert short(SuppressionPolicy()(judged)) == "drop suppressed.opt_out"


@pytest.mark.parametrize(("reason", "kind"), [("invalid", "reroute"), ("hard_bounce", "reroute"), ("opt_out", "drop")])
def test_only_a_dead_address_reroutes(reason, kind):
    judged = case(sms(alternatives=(MAIL,)), suppressions=(Suppression(reason),))

    assert short(SuppressionPolicy()(judged)) == f"{kind} suppressed.{reason}"


def grant(**facts):
    return Consent(**{"channel": "sms", "granted": True, "at": ago(days=9), **facts})


def withdrawal(**facts):
    return grant(**{"granted": False, "at": ago(days=2), **facts})


@pytest.mark.parametrize(
    ("consents", "expected"),
    [
        (None, "allow"),
        ((), "drop consent.missing"),
        ((grant(),), "allow"),
        ((grant(channel="email"),), "drop consent.missing"),
        ((grant(channel="*"),), "allow"),
        ((grant(topic="news"),), "drop consent.missing"),
        ((grant(topic="offers"),), "allow"),
        ((grant(brand="acme"),), "allow"),
        ((grant(brand="other"),), "drop consent.missing"),
        ((grant(), withdrawal()), "drop consent.withdrawn"),
        ((withdrawal(), grant()), "drop consent.withdrawn"),
        ((withdrawal(at=ago(days=20)), grant()), "allow"),
        ((grant(), withdrawal(topic="news")), "allow"),
        ((grant(at=ago(days=2)), withdrawal()), "drop consent.withdrawn"),
        ((grant(at=NOON + SECOND),), "drop consent.missing"),
    ],
)
def test_the_newest_fitting_consent_decides(consents, expected):
    judged = case(sms(topic="offers", brand="acme"), consents=consents)

    assert short(ConsentPolicy()(judged)) == expected


@pytest.mark.parametrize("purpose", ["otp", "transactional", "service"])
def test_consent_concerns_marketing_only(purpose):
    assert short(ConsentPolicy()(case(sms(purpose), consents=()))) == "allow"


CANADA = Place("CA", "CA-ON", ("America/Toronto",), "recipient")
SINGAPORE = Place("SG", None, ("Asia/Singapore",), "country")


@pytest.mark.parametrize(
    ("place", "channel", "facts", "expected"),
    [
        (CANADA, "voice", {}, "allow"),
        (CANADA, "voice", {"registry_age": ago(days=31)}, "allow"),
        (CANADA, "voice", {"registry_age": ago(days=31) - SECOND}, "drop consent.missing"),
        (CANADA, "voice", {"registry_age": None}, "drop consent.missing"),
        (CANADA, "sms", {"registry_age": None}, "allow"),
        (SINGAPORE, "sms", {"registry_age": ago(days=21)}, "allow"),
        (SINGAPORE, "sms", {"registry_age": ago(days=22)}, "drop consent.missing"),
    ],
)
def test_an_old_registry_check_is_missing_consent(place, channel, facts, expected):
    message = sms().model_copy(update={"channel": channel})

    assert short(RegistryAge()(case(message, place=place, facts=facts))) == expected


def test_clear_consent_spares_the_check_in_singapore_but_not_in_canada():
    old = {"registry_age": ago(days=90)}
    voice = sms().model_copy(update={"channel": "voice"})
    granted = (grant(channel="*"),)

    assert short(RegistryAge()(case(place=SINGAPORE, facts=old, consents=granted))) == "allow"
    assert short(RegistryAge()(case(voice, place=CANADA, facts=old, consents=granted))) == "drop consent.missing"


RUN = Enrolment("spring", 1, ago(days=3))


@pytest.mark.parametrize(
    ("returned", "run", "purpose", "expected"),
    [
        (None, RUN, "marketing", "allow"),
        (ago(days=4), RUN, "marketing", "allow"),
        (ago(days=3), RUN, "marketing", "drop exit.already_returned"),
        (ago(days=1), RUN, "marketing", "drop exit.already_returned"),
        (ago(days=1), RUN, "service", "allow"),
        (ago(days=1), None, "marketing", "allow"),
        (None, Enrolment("spring", 1, ago(days=3), ended="returned"), "marketing", "drop exit.run_ended"),
    ],
)
def test_a_return_since_the_start_ends_the_run(returned, run, purpose, expected):
    verdict = ExitOnReturn()(case(sms(purpose), person=person(returned_at=returned), enrolment=run))

    assert short(verdict) == expected
    assert getattr(verdict, "terminal", False) is (expected != "allow")


def test_pitfall_08_a_return_on_day_1_of_a_29_day_wait_ends_the_run():
    run = Enrolment("spring", 1, ago(days=29))
    waited = case(person=person(returned_at=ago(days=28)), enrolment=run)

    assert short(alone(ExitOnReturn()).decide(waited).verdict) == "drop exit.already_returned"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "allow"),
        ({"expires_at": NOON}, "allow"),
        ({"expires_at": NOON - SECOND}, "drop expired"),
        ({"not_before": NOON}, "allow"),
        ({"not_before": NOON + timedelta(hours=2)}, "defer expiry.not_before 03-10 18:00"),
    ],
)
@pytest.mark.parametrize("purpose", ["marketing", "otp"])
def test_a_message_leaves_between_its_two_instants(fields, purpose, expected):
    assert short(Expiry()(case(sms(purpose, **fields)))) == expected


@pytest.mark.parametrize(
    ("until", "fact", "purpose", "expected"),
    [
        (None, None, "marketing", "allow"),
        (NOON, None, "marketing", "allow"),
        (at("2026-03-12 08:00"), None, "marketing", "defer pause.person 03-12 08:00"),
        (at("2026-03-12 08:00"), at("2026-03-14 08:00"), "marketing", "defer pause.tenant 03-14 08:00"),
        (None, at("2026-03-14 08:00"), "marketing", "defer pause.tenant 03-14 08:00"),
        (at("2026-03-12 08:00"), None, "otp", "allow"),
    ],
)
def test_marketing_waits_for_the_end_of_a_pause(until, fact, purpose, expected):
    facts = {} if fact is None else {"pause": fact}

    assert short(Pause()(case(sms(purpose), person=person(paused_until=until), facts=facts))) == expected


def test_pitfall_14_nothing_leaves_to_a_paused_person():
    paused = case(sms(expires_at=ago(days=-2)), person=person(paused_until=ago(days=-9)))

    assert short(alone(Pause()).decide(paused).verdict) == "drop expired.by_pause"


EVERYBODY = Holdout("global", "holdout.global:2026q1", 10_000)
NOBODY = Holdout("play", "holdout.play:spring", 0)


@pytest.mark.parametrize(
    ("holdouts", "purpose", "expected"),
    [
        ((), "marketing", "allow"),
        ((NOBODY,), "marketing", "allow"),
        ((EVERYBODY,), "marketing", "drop holdout.global"),
        ((Holdout("play", "s", 10_000),), "marketing", "drop holdout.play"),
        ((Holdout("play", "s", 10_000), EVERYBODY), "marketing", "drop holdout.global"),
        ((EVERYBODY,), "otp", "allow"),
        ((EVERYBODY,), "service", "allow"),
    ],
)
def test_held_out_people_get_no_marketing(holdouts, purpose, expected):
    assert short(HoldoutPolicy()(case(sms(purpose), holdouts=holdouts))) == expected


def test_pitfall_09_a_held_out_person_gets_an_otp_but_no_marketing_through_the_chain():
    chain = alone(HoldoutPolicy())

    assert short(chain.decide(case(sms("marketing"), holdouts=(EVERYBODY,))).verdict) == "drop holdout.global"
    assert short(chain.decide(case(sms("otp"), holdouts=(EVERYBODY,))).verdict) == "allow"


def test_pitfall_10_two_people_of_one_cluster_share_the_holdout():
    half = (Holdout("play", "holdout.play:spring", 5_000),)
    verdicts = {}
    for cluster in map(str, range(40)):
        pair = [person(id=name, cluster=cluster) for name in ("ann", "bob")]
        verdicts[cluster] = [short(HoldoutPolicy()(case(person=one, holdouts=half))) for one in pair]

    assert all(ann == bob for ann, bob in verdicts.values())
    assert {ann for ann, _ in verdicts.values()} == {"allow", "drop holdout.play"}


def test_pitfall_17_the_share_of_20000_ids_is_exact_to_half_a_point():
    tenth = (Holdout("global", "holdout.global:2026q1", 1_000),)
    judge = HoldoutPolicy()

    held = sum(judge(case(person=person(cluster=f"u{i}"), holdouts=tenth)).code == "holdout.global" for i in range(20_000))

    assert abs(held / 20_000 - 0.10) < 0.005


def test_a_held_out_person_has_the_time_at_which_the_message_would_have_left():
    from recallgate.policies.quiet_hours import QuietHours

    night = at("2026-03-11 03:00")  # 23:00 in New York
    decision = alone(HoldoutPolicy(), QuietHours()).decide(case(now=night, holdouts=(EVERYBODY,)))

    assert short(decision.verdict) == "drop holdout.global"
    assert decision.would_go_at == at("2026-03-11 12:00")


def test_a_held_out_person_who_would_have_been_capped_has_no_such_time():
    from policies.cases import sent

    cap = FrequencyCap(limit=1, window=timedelta(hours=24))
    decision = alone(HoldoutPolicy(), cap).decide(case(holdouts=(EVERYBODY,), sent=(sent(ago(hours=1)),)))

    assert short(decision.verdict) == "drop holdout.global"
    assert decision.would_go_at is None
    assert decision.verdict.facts["would_drop"] == "cap.global.1d"


def test_who_is_not_eligible_is_not_counted_as_held_out():
    decision = alone(HoldoutPolicy(), SuppressionPolicy()).decide(
        case(holdouts=(EVERYBODY,), suppressions=(Suppression("opt_out"),))
    )

    assert short(decision.verdict) == "drop suppressed.opt_out"
