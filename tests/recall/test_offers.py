"""Offers, codes, price ladders and ICE."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Drop
from recallgate.recall.ice import Idea, ice_score, rank_by_ice
from recallgate.recall.offer import Allocation, Offer, OfferKind, Terms, allocate, code_for, landing_difference
from recallgate.recall.price import PriceLadder

KEY = b"0123456789abcdef"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LOW, HIGH = Terms(500, 500, 5000), Terms(2000, 1500, 10000)
OFFER = Offer("nov", OfferKind.SPEND_AND_SAVE, "20 off 100", "platform", {"all": (LOW,), "high": (HIGH, LOW)})
LADDER = PriceLadder(((0, 3000), (30, 2500), (90, 2000)), floor_cents=1500)


@dataclass
class Book:
    """An allocation ledger in memory."""

    codes: dict[tuple[str, str], str] = field(default_factory=dict)
    spent: int = 0

    def code_of(self, offer: str, person: str) -> str | None:
        return self.codes.get((offer, person))

    def codes_taken(self, offer: str) -> int:
        return sum(of == offer for of, _ in self.codes)

    def cost_cents(self, offer: str) -> int:
        return self.spent

    def give(self, offer: Offer, person: str, tier: str | None = None) -> Allocation | Drop:
        found = allocate(offer, person, ledger=self, key=KEY, now=NOW, tier=tier)
        if isinstance(found, Allocation) and (offer.id, person) not in self.codes:
            self.codes[offer.id, person] = found.code
            self.spent += found.terms.cost_cents
        return found


def test_the_same_person_gets_the_same_code_for_ever() -> None:
    assert code_for(OFFER, "p1", key=KEY) == code_for(OFFER, "p1", key=KEY)


def test_codes_differ_by_person_offer_and_key() -> None:
    codes = {
        code_for(OFFER, "p1", key=KEY),
        code_for(OFFER, "p2", key=KEY),
        code_for(replace(OFFER, id="dec"), "p1", key=KEY),
        code_for(OFFER, "p1", key=KEY[::-1]),
    }

    assert len(codes) == 4


def test_codes_have_no_look_alikes_and_do_not_collide() -> None:
    codes = {code_for(OFFER, f"p{i}", key=KEY) for i in range(5000)}

    assert len(codes) == 5000
    assert not set("".join(codes)) & set("01OILU")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="16 bytes"):
        code_for(OFFER, "p1", key=b"short")


def test_tiers_get_their_own_terms_and_others_those_of_all() -> None:
    assert (OFFER.terms_for("high"), OFFER.terms_for("high", alternative=1), OFFER.terms_for("low")) == (HIGH, LOW, LOW)


def test_an_exhausted_budget_drops_instead_of_over_issuing() -> None:
    book, offer = Book(), replace(OFFER, budget_cents=1200)

    found = [book.give(offer, f"p{i}") for i in range(3)]

    assert [type(answer) for answer in found] == [Allocation, Allocation, Drop]
    assert isinstance(found[2], Drop)
    assert (found[2].code, found[2].facts["spent_cents"]) == ("offer.budget_exhausted", 1000)


def test_who_has_a_code_keeps_it_when_the_budget_is_gone() -> None:
    book, offer = Book(), replace(OFFER, budget_cents=500)
    first = book.give(offer, "p1")

    assert book.give(offer, "p1") == first
    assert book.spent == 500


def test_a_pool_is_handed_out_in_order_and_ends() -> None:
    book, offer = Book(), replace(OFFER, pool=("AAA", "BBB"))

    found = [book.give(offer, person) for person in ("p1", "p2", "p1", "p3")]

    assert [answer.code for answer in found] == ["AAA", "BBB", "AAA", "offer.pool_exhausted"]


def test_an_offer_that_is_over_is_not_given() -> None:
    found = Book().give(replace(OFFER, expires_at=NOW), "p1")

    assert isinstance(found, Drop)
    assert found.code == "offer.expired"


@pytest.mark.parametrize(
    ("after", "at", "end"),
    [
        (None, None, None),
        (timedelta(days=3), None, NOW + timedelta(days=3)),
        (timedelta(days=3), NOW + timedelta(days=1), NOW + timedelta(days=1)),
    ],
)
def test_the_earlier_end_holds(after: timedelta | None, at: datetime | None, end: datetime | None) -> None:
    assert replace(OFFER, expires_after=after, expires_at=at).expiry(NOW) == end


def test_codes_and_people_stay_out_of_reprs() -> None:
    found = Book().give(replace(OFFER, pool=("SECRETCODE",)), "13800138000")

    assert "SECRETCODE" not in repr(found) + repr(replace(OFFER, pool=("SECRETCODE",)))
    assert "13800138000" not in repr(found)


@pytest.mark.parametrize(("live", "agrees"), [("nov", True), ("dec", False), (None, False)])
def test_the_landing_page_must_show_the_promised_offer(live: str | None, agrees: bool) -> None:
    assert (landing_difference(OFFER, live) is None) is agrees


@pytest.mark.parametrize(("days", "price"), [(0, 3000), (29, 3000), (30, 2500), (89, 2500), (90, 2000), (4000, 2000)])
def test_the_price_steps_down_with_the_lapse(days: int, price: int) -> None:
    assert LADDER.price_at(days) == price


def test_there_is_no_price_before_the_first_step() -> None:
    assert PriceLadder(((30, 2500),), floor_cents=0).price_at(29) is None


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5000)), min_size=1, max_size=6), st.integers(0, 3000))
def test_a_ladder_that_builds_never_rises_and_never_passes_the_floor(steps: list[tuple[int, int]], floor: int) -> None:
    try:
        ladder = PriceLadder(tuple(steps), floor_cents=floor)
    except ConfigError:
        ages, prices = [age for age, _ in steps], [price for _, price in steps]
        assert ages != sorted(set(ages)) or prices != sorted(prices, reverse=True) or prices[-1] < floor
        return

    seen = [price for day in range(500) if (price := ladder.price_at(day)) is not None]
    assert seen == sorted(seen, reverse=True)
    assert min(seen) >= floor


@pytest.mark.parametrize(("since", "free"), [(None, True), (timedelta(days=179), False), (timedelta(days=180), True)])
def test_no_second_ladder_inside_the_cool_down(since: timedelta | None, free: bool) -> None:
    last = None if since is None else NOW - since

    assert LADDER.may_start(last_started_at=last, now=NOW) is free


@pytest.mark.parametrize(
    "build",
    [
        lambda: replace(OFFER, user_value=" "),
        lambda: replace(OFFER, payer=""),
        lambda: replace(OFFER, per_tier={}),
        lambda: replace(OFFER, per_tier={"all": (LOW,) * 4}),
        lambda: replace(OFFER, budget_cents=-1),
        lambda: replace(OFFER, pool=("A", "A")),
        lambda: replace(OFFER, kind=OfferKind.PRICE_LADDER),
        lambda: OFFER.terms_for("high", alternative=2),
        lambda: replace(OFFER, per_tier={"high": (HIGH,)}).terms_for("low"),
        lambda: Terms(-1, 0),
    ],
)
def test_senseless_offers_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        build()


def test_ice_is_the_sum_and_extra_dimensions_count() -> None:
    assert ice_score(Idea("sms", 8, 6, 9)) == 23
    assert ice_score(Idea("sms", 8, 6, 9, {"fit": 2})) == 25
    assert ice_score(Idea("sms", 8, 6, 9), product=True) == 432


@pytest.mark.parametrize("marks", [(11, 0, 0), (0, -1, 0), (0, 0, 10.5)])
def test_ice_refuses_marks_outside_0_to_10(marks: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="0 to 10"):
        ice_score(Idea("x", *marks))


def test_ranking_is_descending_and_ties_keep_their_order() -> None:
    ideas = [Idea("a", 5, 5, 5), Idea("b", 9, 5, 5), Idea("c", 6, 4, 5), Idea("d", 10, 10, 10)]

    assert [idea.name for idea in rank_by_ice(ideas)] == ["d", "b", "a", "c"]


def test_ideas_of_different_dimensions_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different dimensions"):
        rank_by_ice([Idea("a", 5, 5, 5), Idea("b", 5, 5, 5, {"fit": 1})])
