"""Segments: the words to say who is meant, and the summary of a file that `recallgate segment` prints."""

from datetime import date, datetime
from pathlib import Path

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity
from recallgate.recall.audience import Audience, scores_counted
from recallgate.recall.condition import AllOf, AnyOf, CellLike, Compare, Condition, Field, OneOf, Reachable, field
from recallgate.recall.lapse import LapseBuckets

Segment = Condition
"""A segment is a condition: combine with `&`, `|` and `~`, count it with an `Audience`."""

__all__ = [
    "Field",
    "Segment",
    "country",
    "everybody",
    "field",
    "lapsed",
    "max_lapse",
    "reachable",
    "region",
    "rfm",
    "segment_summary",
    "tier",
]


def everybody() -> Segment:
    """All people of an audience."""
    return AllOf(())


def lapsed(rule: Condition) -> Segment:
    """The people who are lapsed by a churn rule."""
    return rule


def max_lapse(days: int) -> Segment:
    """Leaves out those who have been away for more than so many days."""
    return Compare("days_since_last", "<=", days)


def rfm(pattern: str) -> Segment:
    """The people in cells such as `5**`, three signs of 1 to 5 or `*`."""
    return CellLike(pattern)


def tier(*names: str) -> Segment:
    """The people in one of the tiers."""
    return OneOf("tier", names)


def country(*codes: str) -> Segment:
    """The people in one of the countries (ISO 3166-1)."""
    return OneOf("country", codes)


def region(*codes: str) -> Segment:
    """The people in one of the regions (ISO 3166-2, such as CN-GD)."""
    return OneOf("region", codes)


def reachable(*channels: str) -> Segment:
    """The people with an address on at least one of the channels."""
    return AnyOf(tuple(Reachable(channel) for channel in channels))


def segment_summary(
    path: str | Path, as_of: date | datetime, *, lapsed_after: int = 30, person: str | None = None
) -> dict[str, object]:
    """What a file of purchases says as of a day: customers, lapsed, buckets, scores, cells; or one person's row.

    `lapsed_after` is in days since the last row of the customer. Columns are found under their usual names. Raises
    ConfigError for a file that cannot be read and for a person without activity.
    """
    if lapsed_after < 1:
        raise ConfigError("lapsed_after: at least 1 day")
    audience = Audience.build(Activity.from_file(path), as_of)
    if person is not None:
        return _one_person(audience, person)
    gone = Compare("days_since_last", ">=", lapsed_after)
    buckets = LapseBuckets.starting_at(lapsed_after)
    counted = {cell.label: cell.count for cell in audience.describe(buckets.sql(), condition=gone)}
    return {
        "customers": audience.people,
        "lapsed": audience.count(gone),
        "lapse_buckets": {label: counted.get(label, 0) for label in buckets.labels},
        "score_counts": scores_counted(audience),
        "cells": {cell.label: cell.count for cell in audience.describe("rfm", condition=Compare("orders", ">=", 1))},
    }


def _one_person(audience: Audience, person: str) -> dict[str, object]:
    features, scores = audience.features_of(person), audience.scores_of(person)
    if features is None:
        raise ConfigError(f"person: no activity of that id up to {audience.as_of.isoformat()}; mind leading zeros")
    return {
        "customer_id": features.person,
        "first": features.first.isoformat(),
        "last": features.last.isoformat(),
        "days_since_last": features.days_since_last,
        "last_minus_first": features.last_minus_first,
        "orders": features.orders,
        "purchase_days": features.purchase_days,
        "quantity": features.quantity,
        "monetary_cents": features.monetary_cents,
        "scores": [scores.recency, scores.frequency, scores.monetary] if scores else None,
    }
