"""Budgets, rate limits and hopeless people."""

from datetime import timedelta

import pytest

from policies.cases import NOON, ago, alone, at, case, person, short, sms
from recallgate.model.errors import ConfigError
from recallgate.model.message import Origin
from recallgate.policies.budget import Budget, Spent
from recallgate.policies.case import Suppression
from recallgate.policies.pruning import HopelessPruning
from recallgate.policies.rate_limit import RateLimit, RateState
from recallgate.policies.spans import Calendar
from recallgate.policies.suppression import SuppressionPolicy

SECOND = timedelta(seconds=1)
DAY = Calendar("day", zone="America/New_York")  # NOON lies in the day from 04:00 to 04:00 UTC


def spent(micros, cost=10, since=NOON):
    return {"spent": {"b": Spent(micros, since)}, "cost_micros": cost}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "allow"),
        ({"spent": {}}, "allow"),
        (spent(0), "allow"),
        (spent(90), "allow"),
        (spent(91), "drop budget.exhausted"),
        (spent(100), "drop budget.exhausted"),
        (spent(100, cost=0), "allow"),
        (spent(99, cost=None), "allow"),
        (spent(100, cost=None), "drop budget.exhausted"),
        (spent(0, cost=101), "drop budget.exhausted"),
        ({"spent": {"other": Spent(100, NOON)}, "cost_micros": 10}, "allow"),
    ],
)
def test_the_last_message_that_fits_leaves_and_no_other(facts, expected):
    assert short(Budget(id="b", limit_micros=100)(case(facts=facts))) == expected


@pytest.mark.parametrize(
    ("scope", "message", "expected"),
    [
        ({}, sms(), "drop"),
        ({}, sms("otp"), "allow"),
        ({"subject_to": frozenset({"otp"})}, sms("otp"), "drop"),
        ({"scope": "channel", "match": "sms"}, sms(), "drop"),
        ({"scope": "channel", "match": "email"}, sms(), "allow"),
        ({"scope": "campaign", "match": "spring"}, sms(origin=Origin(campaign="spring")), "drop"),
        ({"scope": "campaign", "match": "autumn"}, sms(origin=Origin(campaign="spring")), "allow"),
        ({"scope": "campaign", "match": "spring"}, sms(), "allow"),
    ],
)
def test_a_budget_pays_its_scope(scope, message, expected):
    assert short(Budget(id="b", limit_micros=100, **scope)(case(message, facts=spent(100)))).split()[0] == expected


def test_a_daily_budget_begins_anew_at_the_tenants_midnight():
    budget = Budget(id="b", limit_micros=100, window=DAY, on_exceed="defer")

    assert short(budget(case(facts=spent(100)))) == "defer budget.exhausted 03-11 04:00"
    assert short(alone(budget).decide(case(facts=spent(100))).verdict) == "defer budget.exhausted 03-11 04:00"
    assert short(budget(case(now=at("2026-03-11 03:59:59"), facts=spent(100)))).startswith("defer")
    assert short(budget(case(now=at("2026-03-11 04:00"), facts=spent(100)))) == "allow"


def test_a_message_that_no_day_can_pay_is_never_scheduled():
    budget = Budget(id="b", limit_micros=100, window=DAY, on_exceed="defer")

    assert short(alone(budget).decide(case(facts=spent(0, cost=101))).verdict) == "drop unschedulable"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"limit_micros": -1}, "limit_micros"),
        ({"limit_micros": 1.5}, "limit_micros"),
        ({"scope": "channel"}, "match"),
        ({"match": "sms"}, "match"),
        ({"on_exceed": "defer"}, "window"),
        ({"window": Calendar("day")}, "zone"),
    ],
)
def test_a_budget_that_means_nothing_is_refused(wrong, words):
    with pytest.raises(ConfigError, match=words):
        Budget(**{"id": "b", "limit_micros": 100, **wrong})


LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, "allow"),
        (RateState(), "allow"),
        (RateState(account_free_at=NOON), "allow"),
        (RateState(account_free_at=NOON + SECOND), "defer rate_limit.account 03-10 16:00"),
        (RateState(account_free_at=NOON + SECOND, play_free_at=LATER), "defer rate_limit.play 03-10 17:00"),
        (RateState(account_free_at=LATER, retry_at=LATER + SECOND), "defer rate_limit.vendor 03-10 17:00"),
        (RateState(account_free_at=LATER, queued_at=LATER - timedelta(hours=24)), "defer rate_limit.account 03-10 17:00"),
        (RateState(account_free_at=LATER, queued_at=LATER - timedelta(hours=24) - SECOND), "drop stale.rate_limit"),
        (RateState(queued_at=ago(days=9)), "allow"),
    ],
)
@pytest.mark.parametrize("purpose", ["marketing", "otp"])
def test_a_full_bucket_delays_and_a_day_of_waiting_is_too_long(state, expected, purpose):
    assert short(RateLimit()(case(sms(purpose), facts={"rate": state}))) == expected


def test_a_wait_past_the_offers_end_is_stale():
    waiting = case(sms(expires_at=LATER - SECOND), facts={"rate": RateState(account_free_at=LATER)})

    assert short(alone(RateLimit()).decide(waiting).verdict) == "drop stale.rate_limit"


def test_the_longest_wait_in_a_queue_is_a_span():
    with pytest.raises(ConfigError, match="max_queue_age"):
        RateLimit(max_queue_age=timedelta(0))


@pytest.mark.parametrize(
    ("days", "returned", "purpose", "expected"),
    [
        ((), None, "marketing", "allow"),
        ((100, 50), None, "marketing", "allow"),
        ((150, 100, 50), None, "marketing", "drop pruned.hopeless"),
        ((150, 100, 50), None, "service", "allow"),
        ((150, 100, 50), None, "otp", "allow"),
        ((180, 100, 50), None, "marketing", "allow"),
        ((179.99, 100, 50), None, "marketing", "drop pruned.hopeless"),
        ((150, 100, 50), 200, "marketing", "drop pruned.hopeless"),
        ((150, 100, 50), 120, "marketing", "allow"),
        ((150, 100, 50), 1, "marketing", "allow"),
        ((150, 100, 50, 20, 10), 60, "marketing", "drop pruned.hopeless"),
        ((100, 50, -1), None, "marketing", "allow"),
    ],
)
def test_three_failed_plays_end_recall_until_a_return(days, returned, purpose, expected):
    facts = {"failed_plays": tuple(ago(days=day) for day in days)}
    whom = person(returned_at=None if returned is None else ago(days=returned))

    verdict = HopelessPruning()(case(sms(purpose), person=whom, facts=facts))

    assert short(verdict) == expected
    assert getattr(verdict, "terminal", False) is (expected != "allow")


@pytest.mark.parametrize("wrong", [{"failed_plays": 0}, {"window": timedelta(0)}])
def test_pruning_that_would_prune_everybody_is_refused(wrong):
    with pytest.raises(ConfigError, match="failed_plays"):
        HopelessPruning(**wrong)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [(None, "drop pruned.hopeless"), (ago(days=11), "drop pruned.hopeless"), (ago(days=10), "allow"), (ago(days=1), "allow")],
)
def test_a_return_lifts_a_recorded_pruning_and_no_other_suppression(returned, expected):
    whom = person(returned_at=returned)
    hopeless, left = (Suppression(reason, effective_at=ago(days=10)) for reason in ("hopeless", "opt_out"))

    assert short(SuppressionPolicy()(case(person=whom, suppressions=(hopeless,)))) == expected
    assert short(SuppressionPolicy()(case(person=whom, suppressions=(hopeless, left)))).startswith("drop")
