"""The lazily loaded DuckDB connection, and quoting for the SQL that is built on it."""

from typing import TYPE_CHECKING

from recallgate.model.errors import ConfigError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def connect() -> "DuckDBPyConnection":
    """A DuckDB connection in memory, in UTC; raises ConfigError when the extra `recall` is not installed."""
    try:
        import duckdb
    except ImportError as missing:
        raise ConfigError("recall needs DuckDB: pip install 'recallgate[recall]'") from missing
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def identifier(name: str | None) -> str:
    """A column name, quoted."""
    return '"' + (name or "").replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value as SQL: None, a boolean, a number or a text; raises ConfigError for anything else."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return repr(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            raise ConfigError(f"a {type(value).__name__} cannot be compared; use a text, a number or a boolean")


def columns_of(connection: "DuckDBPyConnection", source: str, *, name: str) -> list[str]:
    """The column names of a source; raises ConfigError when DuckDB cannot read it at all."""
    import duckdb

    try:
        return [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    except duckdb.Error as fault:
        # DuckDB's own words may quote rows of the file, which are personal data.
        raise ConfigError(f"activity: {name} cannot be read as a table ({type(fault).__name__})") from None


def one_of(connection: "DuckDBPyConnection", query: str) -> object:
    """The single value that a query answers with."""
    row = connection.execute(query).fetchone()
    return row[0] if row else None
