"""Reading activity from every source, and the errors that name what to do."""

import builtins
import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity
from recallgate.recall.audience import Audience
from recallgate.recall.people import add_people, add_people_csv, prospect
from recallgate.recall.segment import country, reachable, segment_summary


def rows(activity: Activity) -> list[tuple[Any, ...]]:
    return activity.connection.execute(
        "SELECT person, event, moment, amount_cents, quantity FROM rg_activity ORDER BY n"
    ).fetchall()


def csv(folder: Path, text: str) -> Path:
    path = folder / "orders.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_columns_are_mapped_by_arguments(tmp_path: Path) -> None:
    path = csv(tmp_path, "who,when,paid\n007,2026-01-02,19.99\n")

    found = Activity.from_csv(path, person="who", at="when", amount="paid", event="login")

    assert rows(found) == [("007", "login", datetime(2026, 1, 2), 1999, 1)]
    assert found.grain == "day"


def test_usual_column_names_are_found(tmp_path: Path) -> None:
    path = csv(tmp_path, "user_id,timestamp,event,qty\na,2026-01-02T10:00:00+08:00,visit,3\n")

    found = Activity.from_csv(path)

    assert rows(found) == [("a", "visit", datetime(2026, 1, 2, 2), None, 3)]
    assert found.grain == "instant"


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(b"person,date\na,2026-01-02\n"))

    assert Activity.from_file(path).rows == 1


def test_parquet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    row = "SELECT 'a' AS person, DATE '2026-01-02' AS day, 3.10::DECIMAL(9,2) AS amount"
    duckdb.connect().execute(f"COPY ({row}) TO '{path}' (FORMAT parquet)")

    assert rows(Activity.from_file(path)) == [("a", "purchase", datetime(2026, 1, 2), 310, 1)]


def test_a_frame_with_floats_keeps_exact_cents() -> None:
    frame = pandas.DataFrame(
        {"person": ["a", "b"], "at": pandas.to_datetime(["2026-01-01", "2026-01-02"]), "amount": [0.29, 1.15]}
    )

    assert [row[3] for row in rows(Activity.from_frame(frame))] == [29, 115]


def test_instants_of_a_frame_become_utc() -> None:
    at = pandas.to_datetime(["2026-01-01T10:00:00"]).tz_localize("Asia/Shanghai")

    assert rows(Activity.from_frame(pandas.DataFrame({"person": ["a"], "at": at})))[0][2] == datetime(2026, 1, 1, 2)


def test_sql_over_the_callers_connection() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE orders AS SELECT 'a' AS person, DATE '2026-01-02' AS day")

    assert Activity.from_sql("SELECT * FROM orders", connection=connection).rows == 1


def test_yen_have_no_decimals(tmp_path: Path) -> None:
    found = Activity.from_csv(csv(tmp_path, "person,date,amount\na,2026-01-02,1200\n"), minor_units=0)

    assert rows(found)[0][3] == 1200


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("", {}, "is empty"),
        ("person,date\n", {}, "no rows"),
        ("person,date\na,2026-01-02\nb,2026-13-02\n", {}, "row 2: the date cannot be read"),
        ("person,date\n,2026-01-02\n", {}, "row 1: the person is empty"),
        ("person,date,amount\na,2026-01-02,12 euros\n", {}, "row 1: the amount is not a decimal"),
        ("person,date,amount\na,2026-01-02,1.005\n", {}, "row 1: the amount has parts of the smallest unit"),
        ("person,date,quantity\na,2026-01-02,two\n", {}, "row 1: the quantity is not a whole number"),
        ("person,date\na,2026-01-02\n", {"person": "customer"}, "no column 'customer'; it has person, date"),
        ("foo,bar\n1,2\n", {}, "person: no column of orders.csv has a usual name; say person=… with one of foo, bar"),
    ],
)
def test_errors_name_the_place_and_the_remedy(tmp_path: Path, text: str, arguments: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Activity.from_csv(csv(tmp_path, text), **arguments)  # type: ignore[arg-type]  # names of columns only

    assert words in str(caught.value)


def test_errors_do_not_repeat_what_people_wrote(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Activity.from_csv(csv(tmp_path, "person,date\n13800138000,yesterday\n"))

    assert "13800138000" not in str(caught.value)
    assert "yesterday" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*absent\.csv"):
        Activity.from_csv(tmp_path / "absent.csv")


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without_duckdb(name: str, *rest: Any, **named: Any) -> Any:
        if name == "duckdb":
            raise ImportError(name)
        return real(name, *rest, **named)

    path = csv(tmp_path, "person,date\na,2026-01-02\n")
    monkeypatch.setattr(builtins, "__import__", without_duckdb)

    with pytest.raises(ConfigError, match=r"pip install 'recallgate\[recall\]'"):
        Activity.from_csv(path)


def test_an_unknown_person_is_an_error_without_the_id(tmp_path: Path) -> None:
    path = csv(tmp_path, "person,date\n007,2026-01-02\n")

    with pytest.raises(ConfigError, match="leading zeros") as caught:
        segment_summary(path, date(2026, 2, 1), person="13800138000")
    assert "13800138000" not in str(caught.value)


def test_an_audience_before_the_first_event_is_refused(tmp_path: Path) -> None:
    activity = Activity.from_csv(csv(tmp_path, "person,date\na,2026-01-02\n"))

    with pytest.raises(ConfigError, match="nobody was active up to 2026-01-01"):
        Audience.build(activity, date(2026, 1, 1))


def test_profiles_join_and_channels_decide_reach(tmp_path: Path) -> None:
    activity = Activity.from_csv(csv(tmp_path, "person,date\na,2026-01-02\nb,2026-01-02\nc,2026-01-02\n"))
    people = tmp_path / "people.csv"
    people.write_text('person,country,channels\na,CN,"sms, push"\nb,US,email\n')

    add_people_csv(activity, people)
    audience = Audience.build(activity, datetime(2026, 2, 1, tzinfo=UTC))

    assert audience.members(reachable("sms", "email")) == ("a", "b")
    assert audience.members(country("CN") & reachable("push")) == ("a",)
    assert audience.members(~reachable("sms", "email")) == ("c",)


def test_a_person_who_occurs_twice_is_refused(tmp_path: Path) -> None:
    activity = Activity.from_csv(csv(tmp_path, "person,date\na,2026-01-02\n"))

    with pytest.raises(ConfigError, match="occurs twice"):
        add_people(activity, "(SELECT * FROM (VALUES ('a'), ('a')) AS p(person))")


@pytest.mark.parametrize(
    ("need", "substitute", "rank"),
    [("yes", "no", 4), ("yes", "unknown", 3), (None, None, 2), ("no", "yes", 0), ("no", "no", 2), ("unknown", "yes", 1)],
)
def test_need_without_substitute_ranks_first(need: str | None, substitute: str | None, rank: int) -> None:
    assert prospect(need, substitute) == rank
