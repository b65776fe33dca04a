"""Number reputation, deliverability, countries, velocity, what an account can carry, kinds of numbers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from policies.cases import NEW_YORK, NOON, ago, alone, case, short, sms
from recallgate.adapter import Capabilities
from recallgate.model.content import Template
from recallgate.model.errors import ConfigError
from recallgate.policies.account_ability import AccountAbility
from recallgate.policies.address_validity import AddressValidity
from recallgate.policies.case import Account
from recallgate.policies.country_list import CountryAllowList
from recallgate.policies.deliverability import DeliverabilityGuard, Health, Levels
from recallgate.policies.number_reputation import NumberCheck, NumberReputation
from recallgate.policies.region_block import RegionBlock, RegionBlockRow
from recallgate.policies.velocity import Velocity
from recallgate.rules.place import Place
from recallgate.text.registered import RegisteredTemplate, TemplateRegistry, TemplateState

SECOND = timedelta(seconds=1)
VOICE = sms(sender="+12125550000").model_copy(update={"channel": "voice"})
MAIL = sms().model_copy(update={"channel": "email"})
ACCOUNT = Account("calls", "acme.voice")


def checked(**facts):
    return {"caller_ids": {"+12125550000": NumberCheck(**facts)}}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "allow"),
        (checked(checked_at=NOON), "allow"),
        (checked(checked_at=ago(days=30)), "allow"),
        (checked(checked_at=ago(days=30) - SECOND), "drop number_reputation.stale"),
        (checked(checked_at=NOON, marked=True), "drop number_reputation.marked"),
        (checked(checked_at=ago(days=90), marked=True), "drop number_reputation.marked"),
        ({"caller_ids": {}}, "drop number_reputation.unchecked"),
        ({"caller_ids": {"+12125559999": NumberCheck(NOON)}}, "drop number_reputation.unchecked"),
    ],
)
@pytest.mark.parametrize("purpose", ["marketing", "otp"])
def test_a_number_that_is_marked_or_unchecked_for_a_month_calls_nobody(facts, expected, purpose):
    message = VOICE.model_copy(update={"purpose": purpose})

    assert short(NumberReputation()(case(message, account=ACCOUNT, facts=facts))) == expected


def test_a_text_has_no_caller_id():
    assert short(NumberReputation()(case(facts={"caller_ids": {}}))) == "allow"


def test_without_a_sender_the_accounts_own_number_is_looked_up():
    unnamed = VOICE.model_copy(update={"sender": None})
    facts = {"caller_ids": {"calls": NumberCheck(NOON)}}

    assert short(NumberReputation()(case(unnamed, account=ACCOUNT, facts=facts))) == "allow"
    assert short(NumberReputation()(case(unnamed, facts=facts))) == "drop number_reputation.unchecked"


def test_a_marked_number_can_send_the_message_another_way():
    verdict = NumberReputation(on_refusal="reroute")(case(VOICE, facts=checked(checked_at=NOON, marked=True)))

    assert (short(verdict), verdict.exclude) == ("reroute number_reputation.marked", {"voice"})


@pytest.mark.parametrize("days", [31, 0, -1])
def test_numbers_are_checked_at_least_every_30_days(days):
    with pytest.raises(ConfigError, match="30 days"):
        NumberReputation(max_age=timedelta(days=days))


@pytest.mark.parametrize(
    ("message", "health", "expected"),
    [
        (MAIL, Health(delivered=1_000), "allow"),
        (MAIL, Health(delivered=10_000, complaints=9), "allow"),
        (MAIL, Health(delivered=10_000, complaints=10), "allow deliverability.complaints_warning"),
        (MAIL, Health(delivered=10_000, complaints=29), "allow deliverability.complaints_warning"),
        (MAIL, Health(delivered=10_000, complaints=30), "drop deliverability.complaints"),
        (MAIL, Health(delivered=999, complaints=99), "allow"),
        (MAIL, Health(delivered=1_000, complaints=3), "drop deliverability.complaints"),
        (MAIL, Health(delivered=981, hard_bounces=19), "allow"),
        (MAIL, Health(delivered=980, hard_bounces=20), "allow deliverability.hard_bounces_warning"),
        (MAIL, Health(delivered=950, hard_bounces=50), "drop deliverability.hard_bounces"),
        (MAIL, Health(delivered=940, hard_bounces=59), "allow"),
        (MAIL, Health(delivered=10_000, complaints=10, hard_bounces=600), "drop deliverability.hard_bounces"),
        (sms(), Health(delivered=10_000, complaints=500), "allow"),
        (sms(), Health(delivered=10_000, opt_outs=100), "allow deliverability.opt_outs_warning"),
        (sms(), Health(delivered=10_000, opt_outs=300), "drop deliverability.opt_outs"),
        (sms(), Health(sent=1_000, delivered=760, usual_rate=0.95), "allow deliverability.lost_warning"),
        (sms(), Health(sent=1_000, delivered=700, usual_rate=0.95), "drop deliverability.lost"),
        (sms(), Health(sent=1_000, delivered=700), "allow"),
        (sms(), Health(), "allow"),
    ],
)
def test_bad_figures_of_a_sender_stop_its_marketing(message, health, expected):
    judged = case(message, facts={"deliverability": health})

    assert short(DeliverabilityGuard()(judged)) == expected
    service = message.model_copy(update={"purpose": "service"})
    assert short(DeliverabilityGuard()(replace(judged, message=service))) == "allow"


def test_a_warning_is_in_the_trace_and_lets_the_message_leave():
    facts = {"deliverability": Health(delivered=10_000, complaints=10)}

    decision = alone(DeliverabilityGuard()).decide(case(MAIL, facts=facts))

    assert decision.kind == "allow"
    (step,) = decision.trace
    assert step.verdict.notes == ("complaints: 0.10% of 10000; marketing stops at 0.30%",)


def test_levels_of_ones_own_hold():
    strict = DeliverabilityGuard(complaints=Levels(0.0001, 0.0002, at_least=10), on_refusal="reroute")

    judged = case(MAIL, facts={"deliverability": Health(delivered=5_000, complaints=1)})

    assert short(strict(judged)) == "reroute deliverability.complaints"


@pytest.mark.parametrize(
    ("place", "channel", "purpose", "expected"),
    [
        (NEW_YORK, "sms", "otp", "allow"),
        (Place("LV", None, ("Europe/Riga",), "phone"), "sms", "otp", "drop country.not_allowed"),
        (Place("LV", None, ("Europe/Riga",), "phone"), "voice", "marketing", "drop country.not_allowed"),
        (Place(None, None, ("UTC",), "tenant"), "sms", "otp", "drop country.unknown"),
        (Place("LV", None, ("Europe/Riga",), "recipient"), "push", "marketing", "allow"),
    ],
)
def test_only_countries_of_the_list_are_written_to(place, channel, purpose, expected):
    message = sms(purpose).model_copy(update={"channel": channel})

    assert short(CountryAllowList(frozenset({"US", "CA"}))(case(message, place=place))) == expected


@pytest.mark.parametrize("countries", [(), ("usa",), ("us",)])
def test_a_list_of_no_countries_is_refused(countries):
    with pytest.raises(ConfigError, match="ISO 3166"):
        CountryAllowList(frozenset(countries))


@pytest.mark.parametrize(
    ("rule", "purpose", "counts", "expected"),
    [
        ({}, "otp", {}, "allow"),
        ({}, "otp", {"country:US:1h": 9}, "allow"),
        ({}, "otp", {"country:US:1h": 10}, "drop velocity.country"),
        ({}, "otp", {"country:FR:1h": 10}, "allow"),
        ({}, "otp", {"country:US:1d": 10}, "allow"),
        ({}, "marketing", {"country:US:1h": 10}, "allow"),
        ({"subject_to": frozenset({"marketing"})}, "marketing", {"country:US:1h": 10}, "drop velocity.country"),
        ({"per": "block"}, "otp", {"block:+1212555:1h": 10}, "drop velocity.block"),
        ({"per": "block", "open_digits": 6}, "otp", {"block:+12125:1h": 10}, "drop velocity.block"),
        ({"on_refusal": "reroute"}, "otp", {"country:US:1h": 99}, "reroute velocity.country"),
    ],
)
def test_a_burst_to_one_country_or_block_is_stopped(rule, purpose, counts, expected):
    velocity = Velocity(limit=10, window=timedelta(hours=1), **rule)

    assert short(velocity(case(sms(purpose), facts={"velocity": counts}))) == expected


def test_velocity_without_a_place_or_a_number_is_not_counted():
    velocity = Velocity(limit=1, window=timedelta(hours=1), subject_to=frozenset({"marketing"}))

    assert velocity.key(case(place=Place(None, None, ("UTC",), "tenant"))) is None
    assert velocity.key(case(MAIL)) is None


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"window": timedelta(0)}, {"per": "person"}, {"open_digits": 0}])
def test_a_velocity_that_means_nothing_is_refused(wrong):
    with pytest.raises(ConfigError):
        Velocity(**{"limit": 1, "window": timedelta(hours=1), **wrong})


TEMPLATE = Template(template="winback", variables={"name": "Ann"})
ASKED = sms().model_copy(update={"content": TEMPLATE})


def registered(state="approved", **fields):
    record = RegisteredTemplate("winback", "texts", "T1", ("name",), state=TemplateState(state), **fields)
    return {"templates": TemplateRegistry([record])}


@pytest.mark.parametrize(
    ("message", "account", "facts", "expected"),
    [
        (sms(), {}, {}, "allow"),
        (sms(), {"countries": frozenset({"US"})}, {}, "allow"),
        (sms(), {"countries": frozenset({"CN"})}, {}, "drop account.country"),
        (sms(), {"capabilities": Capabilities(templates_only=True)}, {}, "drop account.templates_only"),
        (ASKED, {"capabilities": Capabilities(templates_only=True)}, {}, "allow"),
        (sms(), {"capabilities": Capabilities(max_bytes=9)}, {}, "allow"),
        (sms(), {"capabilities": Capabilities(max_bytes=8)}, {}, "drop account.too_large"),
        (ASKED, {}, registered(), "allow"),
        (ASKED, {}, registered("submitted"), "drop template.submitted"),
        (ASKED, {}, registered("rejected"), "drop template.rejected"),
        (ASKED, {}, registered("paused"), "drop template.paused"),
        (ASKED, {}, {"templates": TemplateRegistry()}, "drop template.unknown"),
        (ASKED.model_copy(update={"content": Template(template="winback")}), {}, registered(), "drop template.variables"),
    ],
)
def test_an_account_carries_what_it_can(message, account, facts, expected):
    sender = replace(Account("texts", "acme.sms"), **account)

    assert short(AccountAbility()(case(message, account=sender, facts=facts))) == expected
    assert short(AccountAbility()(case(message, facts=facts))) == "allow"


@pytest.mark.parametrize(
    ("channel", "kind", "expected"),
    [
        ("sms", None, "allow"),
        ("sms", "mobile", "allow"),
        ("sms", "fixed_or_mobile", "allow"),
        ("sms", "fixed", "drop address.fixed"),
        ("voice", "fixed", "allow"),
        ("voice", "premium", "drop address.premium"),
        ("sms", "invalid", "allow"),
        ("email", "premium", "allow"),
    ],
)
def test_numbers_that_cannot_take_a_message_get_none(channel, kind, expected):
    message = sms("otp").model_copy(update={"channel": channel})

    assert short(AddressValidity()(case(message, facts={"number_kind": kind}))) == expected


def test_a_vendors_block_holds_for_its_own_accounts():
    row = RegionBlockRow(id="acme-xz", country="CN", region="CN-XZ", channel="voice", purposes=("otp",), vendor="acme")
    tibet = Place("CN", "CN-XZ", ("Asia/Shanghai",), "phone")
    call = VOICE.model_copy(update={"purpose": "otp"})

    def kind(account):
        return short(RegionBlock((row,))(case(call, place=tibet, account=account))).split()[0]

    assert [kind(Account("a", name)) for name in ("acme.voice", "acmetel.voice", "other.voice")] == ["drop", "allow", "allow"]
    assert kind(None) == "drop"
