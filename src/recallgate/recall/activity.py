"""Activity: what people did and when, read set-based by DuckDB from CSV, Parquet, a DataFrame or SQL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from recallgate.model.errors import ConfigError
from recallgate.recall.duck import columns_of, connect, identifier, literal, one_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Grain = Literal["day", "instant"]

# Column names looked for when a column is not named, in this order.
GUESSES: Mapping[str, tuple[str, ...]] = {
    "person": ("person", "person_id", "customer_id", "user_id", "customer", "user", "member_id", "buyer_id", "id"),
    "at": ("at", "date", "time", "timestamp", "created_at", "order_date", "occurred_at", "event_time", "day", "datetime"),
    "amount": ("amount", "amount_paid", "price", "total", "revenue", "value"),
    "quantity": ("quantity", "qty", "items", "count"),
    "event": ("event", "event_type", "event_name", "action"),
}
_REQUIRED = ("person", "at")


@dataclass(frozen=True)
class ActivityDef:
    """Which behaviours count as activity, and how much each weighs; a change gets a new `version`.

    `events` are the core behaviours; empty means every event of the data. `weights` defaults to 1 for each. `visit` and
    `purchase` name the two events that the features before the lapse are counted on.
    """

    events: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    version: str = "1"
    visit: str = "visit"
    purchase: str = "purchase"

    def __post_init__(self) -> None:
        if self.events and (strange := sorted(set(self.weights) - set(self.events))):
            raise ConfigError(f"weights: {', '.join(strange)} is not among the events {', '.join(self.events)}")
        if any(weight < 0 for weight in self.weights.values()):
            raise ConfigError("weights: a weight is at least 0")


@dataclass(frozen=True)
class Columns:
    """Which column plays which role; None is looked for under its usual names."""

    person: str | None = None
    at: str | None = None
    amount: str | None = None
    quantity: str | None = None
    event: str | None = None
    minor_units: int = 2


@dataclass(frozen=True)
class Activity:
    """A table `rg_activity` of (person, event, moment, amount_cents, quantity) inside a DuckDB connection.

    `moment` is UTC; text without an offset is read as UTC. `grain` is `day` when every moment is a bare date. Amounts are
    decimals turned into integers of the smallest unit. One connection serves one thread.
    """

    connection: "DuckDBPyConnection" = field(repr=False)
    grain: Grain
    rows: int
    table: str = "rg_activity"

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        person: str | None = None,
        at: str | None = None,
        amount: str | None = None,
        quantity: str | None = None,
        event: str | None = None,
        minor_units: int = 2,
    ) -> "Activity":
        """Read a CSV file with a header line, packed with gzip or not.

        Each argument names a column; one that is not given is looked for under its usual names. `event` is a column, or
        else the one event that all rows are of. `minor_units` are the decimals of the currency. Raises ConfigError for a
        missing file or column, an empty file, an unreadable date or amount (with the row's number, the header apart).
        """
        source = f"read_csv({literal(_existing(path))}, all_varchar=true, header=true)"
        return cls._load(connect(), source, Path(path).name, Columns(person, at, amount, quantity, event, minor_units))

    @classmethod
    def from_parquet(
        cls,
        path: str | Path,
        *,
        person: str | None = None,
        at: str | None = None,
        amount: str | None = None,
        quantity: str | None = None,
        event: str | None = None,
        minor_units: int = 2,
    ) -> "Activity":
        """Read a Parquet file; arguments and errors as in `from_csv`."""
        source = f"read_parquet({literal(_existing(path))})"
        return cls._load(connect(), source, Path(path).name, Columns(person, at, amount, quantity, event, minor_units))

    @classmethod
    def from_file(cls, path: str | Path) -> "Activity":
        """Read a file by its ending, .parquet or else CSV, with columns under their usual names."""
        return cls.from_parquet(path) if str(path).endswith(".parquet") else cls.from_csv(path)

    @classmethod
    def from_frame(
        cls,
        frame: object,
        *,
        person: str | None = None,
        at: str | None = None,
        amount: str | None = None,
        quantity: str | None = None,
        event: str | None = None,
        minor_units: int = 2,
    ) -> "Activity":
        """Read a pandas DataFrame; arguments and errors as in `from_csv`."""
        connection = connect()
        connection.register("rg_frame", frame)
        columns = Columns(person, at, amount, quantity, event, minor_units)
        return cls._load(connection, "rg_frame", "the DataFrame", columns)

    @classmethod
    def from_sql(
        cls,
        query: str,
        *,
        connection: "DuckDBPyConnection | None" = None,
        person: str | None = None,
        at: str | None = None,
        amount: str | None = None,
        quantity: str | None = None,
        event: str | None = None,
        minor_units: int = 2,
    ) -> "Activity":
        """Read the answer of a DuckDB query, over the caller's connection if one is given; the query is trusted code."""
        columns = Columns(person, at, amount, quantity, event, minor_units)
        return cls._load(connection or connect(), f"({query})", "the query", columns)

    @classmethod
    def _load(cls, connection: "DuckDBPyConnection", source: str, name: str, columns: Columns) -> "Activity":
        available = columns_of(connection, source, name=name)
        taken = {role: _column(role, getattr(columns, role), available, name) for role in GUESSES}
        connection.execute("SET TimeZone = 'UTC'")
        _read_rows(connection, source, taken, columns)
        rows = _check_rows(connection, name)
        day = one_of(
            connection, "SELECT bool_and(regexp_full_match(raw_moment, '\\d{4}-\\d{2}-\\d{2}( 00:00:00)?')) FROM rg_read"
        )
        connection.execute(
            "CREATE OR REPLACE TABLE rg_activity AS SELECT person, event, moment, amount_cents::BIGINT AS amount_cents, "
            "quantity, n FROM rg_read"
        )
        connection.execute("DROP TABLE rg_read")
        return cls(connection, "day" if day else "instant", rows)

    def events(self) -> tuple[str, ...]:
        """The event types that occur, in alphabetical order."""
        return tuple(row[0] for row in self.connection.execute("SELECT DISTINCT event FROM rg_activity ORDER BY 1").fetchall())


def cdnow() -> Activity:
    """The CDNOW purchases that come with the package: 69,659 orders of 23,570 customers, 1997-01-01 to 1998-06-30."""
    return Activity.from_csv(Path(__file__).parent / "data" / "cdnow.csv.gz", person="customer_id", at="date", event="purchase")


def _existing(path: str | Path) -> str:
    found = Path(path)
    if not found.is_file():
        raise ConfigError(f"activity: there is no file {found}")
    if found.stat().st_size == 0:
        raise ConfigError(f"activity: {found.name} is empty; the first line names the columns")
    return str(found)


def _column(role: str, wanted: str | None, available: list[str], name: str) -> str | None:
    """The column of a role, None when an optional one is absent; names are compared without case."""
    by_name = {column.lower(): column for column in available}
    if wanted is not None:
        if wanted.lower() in by_name:
            return by_name[wanted.lower()]
        if role == "event":
            return None
        raise ConfigError(f"{role}: {name} has no column {wanted!r}; it has {', '.join(available)}")
    for guess in GUESSES[role]:
        if guess in by_name:
            return by_name[guess]
    if role in _REQUIRED:
        raise ConfigError(f"{role}: no column of {name} has a usual name; say {role}=… with one of {', '.join(available)}")
    return None


def _read_rows(connection: "DuckDBPyConnection", source: str, taken: Mapping[str, str | None], columns: Columns) -> None:
    def text(role: str) -> str:
        column = taken[role]
        return f"trim(CAST({identifier(column)} AS VARCHAR))" if column else "NULL"

    event_sql = text("event") if taken["event"] else literal(columns.event or "purchase")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rg_read AS SELECT n, person, event, raw_moment, "
        "try_cast(raw_moment AS TIMESTAMPTZ)::TIMESTAMP AS moment, raw_amount, "
        f"try_cast(raw_amount AS DECIMAL(30,8)) * {10**columns.minor_units} AS amount_cents, "
        "raw_quantity, coalesce(try_cast(raw_quantity AS BIGINT), 1) AS quantity FROM ("
        f"SELECT row_number() OVER () AS n, {text('person')} AS person, {event_sql} AS event, {text('at')} AS raw_moment, "
        f"nullif({text('amount')}, '') AS raw_amount, nullif({text('quantity')}, '') AS raw_quantity FROM {source})"
    )


def _check_rows(connection: "DuckDBPyConnection", name: str) -> int:
    """The number of rows; raises ConfigError at the first row that cannot be read. Rows count from 1, the header apart."""
    rows = int(str(one_of(connection, "SELECT count(*) FROM rg_read")))
    if rows == 0:
        raise ConfigError(f"activity: {name} has no rows")
    checks = (
        ("person IS NULL OR person = ''", "the person is empty"),
        ("moment IS NULL", "the date cannot be read; write 2026-11-22 or 2026-11-22T10:00:00+08:00"),
        ("event IS NULL OR event = ''", "the event is empty"),
        ("raw_amount IS NOT NULL AND amount_cents IS NULL", "the amount is not a decimal number"),
        ("amount_cents <> trunc(amount_cents)", "the amount has parts of the smallest unit; set minor_units to its decimals"),
        ("raw_quantity IS NOT NULL AND try_cast(raw_quantity AS BIGINT) IS NULL", "the quantity is not a whole number"),
    )
    for wrong, words in checks:
        row = one_of(connection, f"SELECT min(n) FROM rg_read WHERE {wrong}")
        if row is not None:
            raise ConfigError(f"activity: {name}, row {row}: {words}")
    return rows
