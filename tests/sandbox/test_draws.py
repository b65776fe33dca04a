"""Draws: even, independent, and functions of their key alone."""

import math
import statistics

import pytest

from recallgate.sandbox.draws import Draws

DRAWS = Draws("seed 1")


def test_uniform_is_even_over_its_range() -> None:
    cells = [0] * 20
    for n in range(20_000):
        cells[int(DRAWS.uniform("person", str(n)) * 20)] += 1

    chi_square = sum((count - 1000) ** 2 / 1000 for count in cells)
    assert chi_square < 43.8  # 19 degrees of freedom, upper 0.1 percent


def test_draws_of_neighbouring_keys_do_not_go_together() -> None:
    one = [DRAWS.uniform("a", str(n)) for n in range(5_000)]
    other = [DRAWS.uniform("b", str(n)) for n in range(5_000)]

    assert abs(statistics.correlation(one, other)) < 0.05
    assert abs(statistics.correlation(one[:-1], one[1:])) < 0.05


def test_order_of_questions_changes_nothing() -> None:
    keys = [("p", str(n)) for n in range(50)]
    asked = Draws("seed 1")

    backwards = {key: asked.uniform(*key) for key in reversed(keys)}

    assert [backwards[key] for key in keys] == [DRAWS.uniform(*key) for key in keys]


def test_another_seed_is_another_world() -> None:
    assert Draws("seed 2").uniform("a") != DRAWS.uniform("a")


def test_key_parts_are_kept_apart() -> None:
    assert DRAWS.uniform("ab", "c") != DRAWS.uniform("a", "bc")


@pytest.mark.parametrize(("probability", "least", "most"), [(0.0, 0, 0), (0.1, 900, 1100), (1.0, 10_000, 10_000)])
def test_chance_has_its_probability(probability: float, least: int, most: int) -> None:
    hits = sum(DRAWS.chance(probability, "c", str(n)) for n in range(10_000))

    assert least <= hits <= most


def test_pick_gives_each_option_its_share_and_nothing_the_rest() -> None:
    picked = [DRAWS.pick({"stop": 0.2, "why": 0.3}, str(n)) for n in range(10_000)]

    assert abs(picked.count("stop") - 2000) < 160
    assert abs(picked.count("why") - 3000) < 180
    assert abs(picked.count(None) - 5000) < 200


def test_waits_have_their_mean_and_median() -> None:
    exponential = [DRAWS.exponential(10.0, "e", str(n)) for n in range(10_000)]
    lognormal = [DRAWS.lognormal(10.0, 0.5, "l", str(n)) for n in range(10_000)]

    assert abs(statistics.mean(exponential) - 10) < 0.4
    assert abs(statistics.median(lognormal) - 10) < 0.3
    assert abs(statistics.stdev(map(math.log, lognormal)) - 0.5) < 0.02


def test_choice_reaches_every_option() -> None:
    assert {DRAWS.choice("abc", str(n)) for n in range(50)} == set("abc")


@pytest.mark.parametrize("length", [1, 16, 33])
def test_hex_has_the_length_that_was_asked(length: int) -> None:
    text = DRAWS.hex(length, "nonce")

    assert len(text) == length
    assert set(text) <= set("0123456789abcdef")
    assert text == DRAWS.hex(length, "nonce")


def test_draws_within_a_key_are_their_own_and_repeat() -> None:
    inner = DRAWS.within("p1", "m1")

    assert inner.uniform("a") == Draws("seed 1").within("p1", "m1").uniform("a")
    assert len({inner.uniform("a"), DRAWS.uniform("a"), DRAWS.within("p1").uniform("a"), DRAWS.within("p1m1").uniform("a")}) == 4
