"""Holdout and arms: the hash, its shares, its boundaries, and that nobody changes sides."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from recallgate.rules.assignment import arm_of, bucket, in_holdout

GOLDEN = json.loads((Path(__file__).parent / "data/golden/statistics.json").read_text("utf-8"))["cases"]
BUCKETS = [(case["inputs"], case["expected"]["bucket"]) for case in GOLDEN if case["name"].startswith("bucket_")]
TEXTS = st.text("aZ7 :\n用户\u0301😀", max_size=12)
PEOPLE = [f"person-{index}" for index in range(20_000)]


@pytest.mark.parametrize(("inputs", "expected"), BUCKETS)
def test_golden_bucket_is_met(inputs, expected):
    assert bucket(inputs["salt"], inputs["unit"]) == expected


def test_there_are_golden_buckets():
    assert len(BUCKETS) == 5


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_bucket_hashes_the_texts_as_they_are(salt, unit):
    digest = hashlib.sha256(f"{salt}:{unit}".encode()).digest()

    assert bucket(salt, unit) == int(digest[:8].hex(), 16) % 10_000


@pytest.mark.parametrize("other", ["User-1", " user-1", "user-1 ", "user-1\n"])
def test_case_and_blanks_count(other):
    assert bucket("recall-2026q1", other) != bucket("recall-2026q1", "user-1")


@pytest.mark.parametrize("share_bp", [0, 100, 1000, 5000, 10_000])
def test_share_is_kept_within_half_a_point(share_bp):
    held = sum(in_holdout("holdout.global:2026q1", person, share_bp=share_bp) for person in PEOPLE)

    assert held / len(PEOPLE) == pytest.approx(share_bp / 10_000, abs=0.005)


def test_raising_the_share_keeps_every_member():
    salt, members = "holdout.play:winback", set()
    for share_bp in (0, 1, 500, 1000, 5000, 10_000):
        grown = {person for person in PEOPLE[:4000] if in_holdout(salt, person, share_bp=share_bp)}
        assert members <= grown
        members = grown
    assert len(members) == 4000


def test_member_starts_at_the_bucket_after_it():
    place = bucket("recall-2026q1", "user-1")

    assert place == 857
    assert not in_holdout("recall-2026q1", "user-1", share_bp=857)
    assert in_holdout("recall-2026q1", "user-1", share_bp=858)


@pytest.mark.parametrize("weights", [(50, 50), (1, 1, 1), (90, 10), (1, 2, 3, 4), (7,)])
def test_arms_get_their_shares(weights):
    arms = Counter(arm_of("arm:winback:1", person, weights=weights) for person in PEOPLE)

    for index, weight in enumerate(weights):
        assert arms[index] / len(PEOPLE) == pytest.approx(weight / sum(weights), abs=0.01)


@pytest.mark.parametrize(
    ("weights", "arm"),
    [
        # user-1 has bucket 857 under this salt
        ((857, 9143), 1),  # the first arm ends before bucket 857
        ((858, 9142), 0),
        ((1, 1, 1), 0),
        ((857, 1, 9142), 1),
        ((857, 1, 9142_0000), 2),  # boundaries 0, 0, 10 000
        ((3, 32), 1),  # 10 000 · 3 // 35 = 857: rounded down, so not the first
        ((1,), 0),
    ],
)
def test_arm_ends_before_its_boundary(weights, arm):
    assert arm_of("recall-2026q1", "user-1", weights=weights) == arm


def test_salts_are_independent():
    held = [person for person in PEOPLE if in_holdout("holdout.play:a", person, share_bp=5000)]
    both = sum(in_holdout("holdout.play:b", person, share_bp=5000) for person in held)

    assert both / len(held) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("share_bp", [-1, 10_001, 0.1, True, "1000"])
def test_share_out_of_range_is_refused(share_bp):
    with pytest.raises(ValueError, match="share_bp must be an integer from 0 to 10000"):
        in_holdout("s", "u", share_bp=share_bp)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((), "at least one arm"),
        ((1, 0), r"weights\[1\]"),
        ((1, -1), r"weights\[1\]"),
        ((0.5, 0.5), r"weights\[0\]"),
        ((True,), r"weights\[0\]"),
    ],
)
def test_weights_that_are_no_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        arm_of("s", "u", weights=weights)


def test_refusal_does_not_repeat_the_unit():
    with pytest.raises(ValueError, match="unit must be valid Unicode") as refusal:
        bucket("s", "13800138000\ud800")

    assert "138" not in str(refusal.value)
    assert refusal.value.__cause__ is None
