"""Holdouts and arms: shares, stickiness, independence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from recallgate.model.errors import ConfigError
from recallgate.policies.case import Holdout
from recallgate.recall.experiment import Arm, Experiment, default_holdout_bp, split_salt

PEOPLE = [f"user-{i}" for i in range(20_000)]
PLAIN = Experiment(holdout_bp=1000, arms=(Arm("A", 1), Arm("B", 3)), play="nov")


def share(experiment: Experiment, of: str) -> float:
    return sum(found.arm == of or found.holdout == of for found in map(experiment.assign, PEOPLE)) / len(PEOPLE)


def test_pitfall_17_shares_are_within_half_a_point() -> None:
    assert share(PLAIN, "play") == pytest.approx(0.10, abs=0.005)
    assert share(PLAIN, "A") == pytest.approx(0.9 / 4, abs=0.01)
    assert share(PLAIN, "B") == pytest.approx(0.9 * 3 / 4, abs=0.01)


def test_pitfall_06_reentry_keeps_the_arm() -> None:
    assert [PLAIN.assign(unit) for unit in PEOPLE[:500]] == [replace(PLAIN).assign(unit) for unit in PEOPLE[:500]]


def test_raising_the_share_keeps_all_earlier_members() -> None:
    more = replace(PLAIN, holdout_bp=2000)

    assert all(more.assign(unit).holdout for unit in PEOPLE if PLAIN.assign(unit).holdout)


def test_a_held_out_person_has_no_arm() -> None:
    assert {found.arm is None for found in map(PLAIN.assign, PEOPLE) if found.holdout} == {True}
    assert not any(found.treated for found in map(PLAIN.assign, PEOPLE) if found.holdout)


def test_the_global_holdout_is_asked_first() -> None:
    experiment = replace(PLAIN, global_holdout_bp=10_000, period="2026q4")

    assert experiment.assign("anybody").holdout == "global"
    assert experiment.holdouts() == (
        Holdout("global", "holdout.global:2026q4", 10_000),
        Holdout("play", "holdout.play:nov", 1000),
    )


def test_a_new_version_reshuffles_arms_and_not_the_holdout() -> None:
    second = replace(PLAIN, version="2")
    changed = [unit for unit in PEOPLE[:2000] if PLAIN.assign(unit) != second.assign(unit)]

    assert changed
    assert all(PLAIN.assign(unit).holdout is None for unit in changed)


def test_salts_are_those_of_the_rule() -> None:
    assert PLAIN.arm_salt == "arm:nov:1"
    assert split_salt("nov", "1", step="copy") == "split:nov:1:copy"


@pytest.mark.parametrize(("audience", "share_bp"), [(1, 5000), (1999, 5000), (2000, 1000), (10**6, 1000)])
def test_small_audiences_hold_out_half(audience: int, share_bp: int) -> None:
    assert default_holdout_bp(audience) == share_bp
    assert Experiment(play="nov").sized(audience).holdout_bp == share_bp


def test_a_share_that_was_given_stays() -> None:
    assert PLAIN.sized(10) == PLAIN


def test_a_holdout_of_zero_is_no_holdout() -> None:
    assert replace(PLAIN, holdout_bp=0).holdouts() == ()


@pytest.mark.parametrize(
    "build",
    [
        lambda: Experiment(arms=()),
        lambda: Experiment(arms=(Arm("A"), Arm("A"))),
        lambda: Arm("A", 0),
        lambda: Arm(""),
        lambda: Experiment(holdout_bp=10_001),
        lambda: Experiment(global_holdout_bp=100),
        lambda: Experiment(window_days=0),
        lambda: Experiment(play="nov").assign("x"),
        lambda: Experiment(holdout_bp=1000).assign("x"),
    ],
)
def test_experiments_that_cannot_be_read_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        build()
