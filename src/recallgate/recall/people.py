"""People: what is known of a person beside activity, such as country, region and channels, in one DuckDB table."""

from pathlib import Path

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity
from recallgate.recall.condition import FIELDS
from recallgate.recall.duck import columns_of, identifier, literal, one_of

PROFILE = ("country", "region", "locale", "device", "cause", "need_left", "has_substitute")
_PROSPECT = {"yes": 2, "unknown": 1, "no": 0}


def add_people_csv(activity: Activity, path: str | Path, *, person: str = "person", channels: str = "channels") -> int:
    """Read profiles from a CSV file into the activity's connection; see `add_people`."""
    if not Path(path).is_file():
        raise ConfigError(f"people: there is no file {path}")
    return add_people(
        activity, f"read_csv({literal(str(path))}, all_varchar=true, header=true)", person=person, channels=channels
    )


def add_people(activity: Activity, source: str, *, person: str = "person", channels: str = "channels") -> int:
    """Read profiles from a table, a query in brackets or a table function; answers the number of people.

    The column `person` is needed; of `PROFILE` those that exist are taken, the others stay unknown. `channels` lists the
    channels on which the person has an address, separated by commas or blanks. Raises ConfigError for a person who
    occurs twice.
    """
    available = {column.lower(): column for column in columns_of(activity.connection, source, name="people")}
    if person.lower() not in available:
        raise ConfigError(f"people: there is no column {person!r}; there are {', '.join(available.values())}")
    assert all(name in FIELDS for name in PROFILE)

    def text(name: str) -> str:
        return f"nullif(trim({identifier(available[name])}::VARCHAR), '')" if name in available else "NULL::VARCHAR"

    listed = text(channels.lower())
    columns = ", ".join(f"{text(name)} AS {name}" for name in PROFILE)
    activity.connection.execute(
        f"CREATE OR REPLACE TABLE rg_person AS SELECT {text(person.lower())} AS person, {columns}, "
        f"CASE WHEN {listed} IS NULL THEN NULL ELSE regexp_split_to_array(lower({listed}), '[\\s,;]+') END AS channels "
        f"FROM {source}"
    )
    if one_of(activity.connection, "SELECT count(*) > count(DISTINCT person) FROM rg_person"):
        raise ConfigError("people: a person is empty or occurs twice; give one row a person")
    return int(str(one_of(activity.connection, "SELECT count(*) FROM rg_person")))


def prospect(need_left: str | None, has_substitute: str | None) -> int:
    """How likely a return is at all, 0 to 4: need left and no substitute is best; what is not known stands between."""
    need = _PROSPECT.get(need_left or "unknown", 1)
    substitute = _PROSPECT.get(has_substitute or "unknown", 1)
    return need + 2 - substitute
