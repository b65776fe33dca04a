"""The natural return, once more, by other means: the control list from the store, the returns from the CSV, by local date.

Run as a script: recompute.py STORE CSV REVIEW. Prints what it found, as JSON, and exits with 1 when the review says otherwise.
"""

import csv
import gzip
import json
import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

SHIFT = timedelta(days=10_227)  # 28 years: the weekdays stay
WINDOW_DAYS = 28
UNKNOWN_ZONE = "America/New_York"  # where the demo's people without a zone live
END = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=WINDOW_DAYS + 1, hours=14)


def control(store: Path) -> dict[str, tuple[date, date]]:
    """The held out: their local day zero, and the local day on which the review was made."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    rows = connection.execute(
        "select r.person, r.assigned_at, p.zone from rg_run r join rg_person p on p.id = r.person where r.holdout = 1"
    ).fetchall()
    connection.close()
    found = {}
    for person, assigned_at, zone in rows:
        there = ZoneInfo(zone or UNKNOWN_ZONE)
        found[person] = (datetime.fromtimestamp(assigned_at / 1000, there).date(), END.astimezone(there).date())
    return found


def bought(path: Path) -> dict[str, list[date]]:
    """Days of purchase by customer, moved into the demo's years."""
    days: dict[str, list[date]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            days.setdefault(row["customer_id"], []).append(date.fromisoformat(row["date"]) + SHIFT)
    return days


def natural_return(store: Path, purchases: Path) -> dict[str, object]:
    """How many of the control arm had returned by each day after day zero.

    The day on which the review was made is not over: who bought on it may or may not have done so by then, and is `unsure`.
    """
    days = bought(purchases)
    people = control(store)
    firsts, unsure = [], 0
    for person, (zero, today) in people.items():
        inside = sorted(day for day in days[person] if zero <= day <= zero + timedelta(days=WINDOW_DAYS) and day <= today)
        if inside and inside[0] == today:
            unsure += 1
        elif inside:
            firsts.append((inside[0] - zero).days)
    by_day = [sum(first <= day for first in firsts) for day in range(WINDOW_DAYS + 1)]
    return {"n": len(people), "returned": by_day[-1], "by_day": by_day, "unsure": unsure}


def main() -> int:
    store, purchases, review = map(Path, sys.argv[1:])
    found = natural_return(store, purchases)
    told = json.loads(review.read_text("utf-8"))["collected"]["counts"]["control"]
    print(json.dumps(found))  # noqa: T201 - a script
    return 0 if found == {**{name: told[name] for name in ("n", "returned", "by_day")}, "unsure": 0} else 1


if __name__ == "__main__":
    sys.exit(main())
