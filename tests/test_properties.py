"""A few hundred random cases of each property; `python tests/properties.py` tries as many as one likes."""

from datetime import UTC, datetime, timedelta

import pytest

from hours_oracle import may_leave, own_rule, rules_of_law
from properties import PROPERTIES, tried
from segment_oracle import difference

CASES = {"hours": 250, "caps": 80, "chain": 200, "waits": 200, "segments": 400, "lint": 300}


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_holds_on_random_cases(name: str) -> None:
    assert list(tried(name, CASES[name], seed=7))[-1] == CASES[name]


NEW_YORK = ("America/New_York",)
FIVE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("instant", "windows", "expected"),
    [
        ("2026-03-10 12:00", ("08:00", "21:00"), True),  # UTC-4: 08:00
        ("2026-03-10 11:59:59", ("08:00", "21:00"), False),
        ("2026-03-11 00:54:59", ("08:00", "21:00"), True),
        ("2026-03-11 00:55", ("08:00", "21:00"), False),
        ("2026-03-08 07:00", ("02:30", "21:00"), True),  # 02:30 does not exist; the first instant after the gap is 03:00
        ("2026-03-08 06:59:59", ("02:30", "21:00"), False),
        ("2026-11-01 05:30", ("01:30", "21:00"), False),  # 01:30 comes twice; the second opens
        ("2026-11-01 06:30", ("01:30", "21:00"), True),
        ("2026-11-01 05:30", ("01:00", "21:00"), False),  # so does 01:00, to which the clock jumps back
        ("2026-11-01 06:00", ("01:00", "21:00"), True),
        ("2026-11-01 05:30", ("00:59", "21:00"), True),  # 00:59 comes once
        ("2026-11-01 06:54:59", ("00:59", "02:00"), True),  # and so does 02:00
        ("2026-11-01 06:55", ("00:59", "02:00"), False),
        ("2026-11-01 05:24:59", ("00:00", "01:30"), True),  # 01:30 comes twice; the first closes
        ("2026-11-01 05:25", ("00:00", "01:30"), False),
        ("2026-11-01 06:10", ("00:00", "01:30"), False),
        ("2026-03-11 03:30", ("22:00", "06:00"), True),  # 23:30
        ("2026-03-10 16:00", ("22:00", "06:00"), False),
    ],
)
def test_the_oracle_of_the_hours_knows_the_clock(instant: str, windows: tuple[str, str], expected: bool) -> None:
    rule = own_rule((((1, 2, 3, 4, 5, 6, 7), *windows),))
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert may_leave(at, NEW_YORK, (rule,), frozenset(), FIVE) is expected


def test_the_oracle_of_the_hours_reads_the_law() -> None:
    assert len(rules_of_law("US", "US-TX", "sms")) == 2
    assert len(rules_of_law("BR", None, "sms")) == 1
    assert rules_of_law("BR", None, "email") == ()


@pytest.mark.parametrize(
    ("text", "kind"), [("", "empty"), ("\x1b", "escape"), ("a\x1b", "escape"), ("你\x1b", None), ("a", None)]
)
def test_differences_of_smsutil_are_of_two_kinds(text: str, kind: str | None) -> None:
    assert difference(text) == kind
