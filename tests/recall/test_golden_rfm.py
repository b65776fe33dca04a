"""CDNOW against numbers computed elsewhere with plain Python and with pandas."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from recallgate.recall import activity
from recallgate.recall.audience import Audience, scores_counted
from recallgate.recall.churn import preset
from recallgate.recall.segment import segment_summary

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "rfm_cdnow.json").read_text())
FILE = Path(activity.__file__).parent / "data" / "cdnow.csv.gz"
END = date(1998, 6, 30)


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    return segment_summary(FILE, END)


def test_every_row_and_every_cent_is_read(shop: Audience) -> None:
    sums = "SELECT count(*), count(DISTINCT person), sum(amount_cents), sum(quantity) FROM rg_activity"

    found = shop.activity.connection.execute(sums).fetchone()

    assert found == (GOLDEN["rows"], GOLDEN["customers"], 250_031_563, 167_881)


def test_customers_and_lapsed_agree(summary: dict[str, Any]) -> None:
    assert (summary["customers"], summary["lapsed"]) == (GOLDEN["customers"], GOLDEN["lapsed_30d"])


@pytest.mark.parametrize(("label", "count"), GOLDEN["lapse_buckets"].items())
def test_lapse_buckets_agree(summary: dict[str, Any], label: str, count: int) -> None:
    assert summary["lapse_buckets"][label] == count


def test_lapse_buckets_hold_every_lapsed_customer_once(summary: dict[str, Any]) -> None:
    assert sum(summary["lapse_buckets"].values()) == GOLDEN["lapsed_30d"]


@pytest.mark.parametrize("name", ["recency", "frequency"])
def test_score_counts_agree(summary: dict[str, Any], name: str) -> None:
    assert summary["score_counts"][name] == GOLDEN["score_counts"][name]


@pytest.mark.parametrize(("cell", "count"), GOLDEN["cells"].items())
def test_cells_agree(summary: dict[str, Any], cell: str, count: int) -> None:
    assert summary["cells"][cell] == count


def test_cells_hold_every_customer_once(summary: dict[str, Any]) -> None:
    assert sum(summary["cells"].values()) == GOLDEN["customers"]


@pytest.mark.parametrize("customer", GOLDEN["customers_named"], ids=lambda row: row["customer_id"])
def test_named_customers_agree(shop: Audience, customer: dict[str, Any]) -> None:
    features, scores = shop.features_of(customer["customer_id"]), shop.scores_of(customer["customer_id"])

    assert features is not None
    assert scores is not None
    assert {
        "customer_id": features.person,
        "first": features.first.isoformat(),
        "last": features.last.isoformat(),
        "days_since_last": features.days_since_last,
        "last_minus_first": features.last_minus_first,
        "orders": features.orders,
        "purchase_days": features.purchase_days,
        "quantity": features.quantity,
        "monetary_cents": features.monetary_cents,
        "scores": [scores.recency, scores.frequency, scores.monetary],
    } == customer


def test_the_summary_of_one_person_has_the_golden_form() -> None:
    assert segment_summary(FILE, END, person="00003") == GOLDEN["customers_named"][1]


def test_another_threshold_begins_the_first_bucket(shop: Audience) -> None:
    found = segment_summary(FILE, END, lapsed_after=45)
    buckets = found["lapse_buckets"]

    assert isinstance(buckets, dict)
    assert list(buckets) == ["45-59", "60-89", "90-179", "180-364", "365+"]
    assert sum(buckets.values()) == found["lapsed"]


def test_the_ecommerce_preset_finds_the_same_lapsed(shop: Audience) -> None:
    assert shop.count(preset("ecommerce")) == GOLDEN["lapsed_30d"]


def test_scores_are_the_same_on_every_run(shop: Audience) -> None:
    again = Audience.build(shop.activity, END, table="rg_again")

    assert scores_counted(again) == scores_counted(shop)


def test_lifetime_fields_are_consistent(shop: Audience) -> None:
    wrong = """SELECT count(*) FROM rg_audience WHERE last_minus_first < 0 OR last_minus_first > days_since_first
               OR (repeat_orders = 0 AND last_minus_first <> 0) OR repeat_orders <> orders - 1 OR days_since_last < 0
               OR days_since_first <> days_since_last + last_minus_first"""

    assert shop.activity.connection.execute(wrong).fetchone() == (0,)
