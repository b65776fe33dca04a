"""The chain's twin for planning: a million people decided by a few statements of DuckDB instead of one by one.

It knows opt-outs and other suppressions, reachability, holdouts, caps that roll, and quiet hours, for one marketing message a
person at one instant. A property test holds it to the chain's answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError
from recallgate.policies.case import Holdout
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.suppression import CODES
from recallgate.recall.duck import columns_of, literal
from recallgate.rules.hours import EmptyHours, Hours
from recallgate.rules.place import resolve
from recallgate.rules.regulations import RuleBook

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PEOPLE = ("person", "cluster", "address", "zone", "region", "country", "returned_at")
_SUPPRESSIONS = ("seq", "subject", "reason", "channel", "topic", "sender", "effective_at", "expires_at")
_SENT = ("subject", "sent_at", "channel", "purpose")
_NEVER = -1  # an opening that never comes


@dataclass(frozen=True)
class Sources:
    """Tables, queries in brackets or table functions of a DuckDB connection; subjects are `p:person` and `a:address`.

    `people`: person, cluster, address on the channel (NULL: none), zone, region, country, returned_at. `suppressions`: seq,
    subject, reason, channel, topic, sender, effective_at, expires_at. `sent`: subject, sent_at, channel, purpose. Instants are
    UTC milliseconds.
    """

    people: str
    suppressions: str
    sent: str


@dataclass(frozen=True)
class Asked:
    """What is planned: marketing on a channel at an instant, and the rules that hold.

    `caps` roll, over everything or over the channel. `holdouts` are global first. `windows` are those of tenant and play.
    """

    channel: str
    now: datetime
    caps: Sequence[FrequencyCap] = ()
    holdouts: Sequence[Holdout] = ()
    topic: str | None = None
    sender: str | None = None
    brand: str | None = None
    tenant_windows: tuple[tuple[tuple[int, ...], str, str], ...] = ()
    play_windows: tuple[tuple[tuple[int, ...], str, str], ...] = ()
    guard: timedelta = timedelta(minutes=5)
    tenant_zone: str | None = None
    country_zones: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        for cap in self.caps:
            if not isinstance(cap.window, timedelta) or cap.scope not in ("global", "channel") or cap.on_exceed != "drop":
                raise ConfigError("caps: the plan knows caps that roll and drop, over everything or over a channel")


def decide(connection: "DuckDBPyConnection", sources: Sources, asked: Asked, *, book: RuleBook | None = None, table: str) -> None:
    """Make a table (person, verdict, code, until): allow, drop, defer or unreachable; `until` in UTC milliseconds.

    Raises ConfigError for a source without its columns.
    """
    if not table.isidentifier():
        raise ConfigError("table: use letters, digits and underscores")
    for name, columns in (("people", _PEOPLE), ("suppressions", _SUPPRESSIONS), ("sent", _SENT)):
        found = {column.lower() for column in columns_of(connection, getattr(sources, name), name=name)}
        if lost := [column for column in columns if column not in found]:
            raise ConfigError(f"{name}: there is no column {lost[0]!r}; it has {', '.join(sorted(found))}")
    latest = _places(connection, sources, asked, book or RuleBook.default())
    now = to_ms(asked.now)
    later = f"SELECT count(*) FROM {sources.suppressions} WHERE effective_at > {now} AND effective_at <= {latest}"
    row = connection.execute(later).fetchone()
    connection.execute(_statement(sources, asked, table=table, later=bool(row and row[0])))


def counts(connection: "DuckDBPyConnection", table: str) -> dict[str, int]:
    """How many people got which answer: `allow`, `unreachable`, or the code of the drop or deferral."""
    rows = connection.execute(f"SELECT coalesce(code, verdict), count(*) FROM {table} GROUP BY 1 ORDER BY 1").fetchall()
    return {str(code): int(number) for code, number in rows}


def _places(connection: "DuckDBPyConnection", sources: Sources, asked: Asked, book: RuleBook) -> int:
    """Where people live, each place once, with its next opening; answers the latest of them. The chain's own code decides."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rg_twin_place AS SELECT row_number() OVER () AS id, zone, region, country,"
        f" NULL::BIGINT AS opens FROM (SELECT DISTINCT zone, region, country FROM {sources.people})"
    )
    opens: list[tuple[int, int]] = []
    for place, zone, region, country in connection.execute("SELECT id, zone, region, country FROM rg_twin_place").fetchall():
        at = _opening(asked, book, zone=zone, region=region, country=country)
        if at is not None:
            opens.append((int(place), at))
    if opens:
        connection.execute(
            "UPDATE rg_twin_place SET opens = o.opening FROM (VALUES "
            + ", ".join(f"({place}, {at})" for place, at in opens)
            + ") AS o(id, opening) WHERE rg_twin_place.id = o.id"
        )
    return max((at for _, at in opens), default=to_ms(asked.now))


def _opening(asked: Asked, book: RuleBook, *, zone: str | None, region: str | None, country: str | None) -> int | None:
    """The next opening of a place in milliseconds; None where it is open now, -1 where it never opens."""
    rows = book.select(country=country, region=region, channel=asked.channel, purpose="marketing")
    where = resolve(
        zone=zone,
        region=region,
        country=country,
        country_zone=(asked.country_zones or {}).get(country or ""),
        tenant_zone=asked.tenant_zone,
        on=asked.now.date(),
    )
    try:
        hours = Hours.of(rows, tenant=asked.tenant_windows, play=asked.play_windows, guard=asked.guard)
    except EmptyHours:
        return _NEVER
    if hours.is_open(asked.now, where.zones):
        return None
    opening = hours.next_opening(asked.now, where.zones)
    return _NEVER if opening is None else to_ms(opening)


def _statement(sources: Sources, asked: Asked, *, table: str, later: bool) -> str:
    """One statement: what is known of each subject, then everybody with their address's and their own."""
    now = to_ms(asked.now)
    held = "".join(
        f" WHEN {_bucket(one.salt)} < {one.share_bp} THEN {literal('holdout.' + one.kind)}"
        for one in asked.holdouts
        if one.share_bp
    )
    capped = "".join(
        f" WHEN greatest(coalesce(a.c{n}, 0), coalesce(o.c{n}, 0)) >= {cap.limit} THEN {literal(cap.code(asked.channel))}"
        for n, cap in enumerate(asked.caps)
    )
    coming = f", later AS ({_later(sources, asked, now)})" if later else ""
    after = " WHEN l.opens > 0 AND t.code IS NOT NULL THEN t.code" if later else ""
    dropped = (
        f"CASE WHEN {_stopped('a')} THEN {_stop_code('a')} WHEN {_stopped('o')} THEN {_stop_code('o')}{held}"
        f" WHEN l.opens = {_NEVER} THEN 'quiet_hours.no_common_window'{capped}{after} END"
    )
    return (
        f"CREATE OR REPLACE TABLE {table} AS WITH of_address AS ({_known(sources, asked, now, 'a')}),"
        f" of_person AS ({_known(sources, asked, now, 'p')}){coming},"
        f" judged AS (SELECT p.person, p.address IS NULL AS lost, l.opens, {dropped} AS code FROM {sources.people} p"
        f" JOIN rg_twin_place l ON {_same_place('p')}"
        " LEFT JOIN of_address a ON a.subject = p.address LEFT JOIN of_person o ON o.subject = p.person"
        f"{' LEFT JOIN later t ON t.person = p.person' if later else ''})"
        " SELECT person, CASE WHEN lost THEN 'unreachable' WHEN code IS NOT NULL THEN 'drop' WHEN opens IS NOT NULL THEN 'defer'"
        " ELSE 'allow' END AS verdict, CASE WHEN lost THEN NULL WHEN code IS NOT NULL THEN code"
        " WHEN opens IS NOT NULL THEN 'quiet_hours.outside_window' END AS code,"
        " CASE WHEN NOT lost AND code IS NULL THEN opens END AS until FROM judged"
    )


def _known(sources: Sources, asked: Asked, now: int, kind: str) -> str:
    """Counts and stops of the addresses (a) or the people (p), one row a subject."""
    counts = "".join(f", count(*) FILTER (WHERE {_counted(cap, asked, now)}) AS c{n}" for n, cap in enumerate(asked.caps))
    empty = "".join(f", NULL AS c{n}" for n in range(len(asked.caps)))
    named = "".join(f", max(c{n}) AS c{n}" for n in range(len(asked.caps)))
    stops = (
        f"SELECT substr(subject, 3) AS subject{empty}, arg_min(code, seq) FILTER (WHERE NOT fades) AS stop,"
        " min(seq) FILTER (WHERE NOT fades) AS stop_seq, max(effective_at) FILTER (WHERE fades) AS fades_at,"
        " min(seq) FILTER (WHERE fades) AS fades_seq FROM ("
        f"SELECT *, {_REASON_CODE} AS code, s.reason = 'hopeless' AS fades FROM {sources.suppressions} s"
        f" WHERE subject[1] = '{kind}' AND {_in_force(str(now))} AND {_concerning(asked)}) GROUP BY subject"
    )
    if not asked.caps:
        return stops
    sent = (
        f"SELECT substr(subject, 3) AS subject{counts}, NULL AS stop, NULL AS stop_seq, NULL AS fades_at, NULL AS fades_seq"
        f" FROM {sources.sent} WHERE subject[1] = '{kind}' AND {_any_counted(asked, now)} GROUP BY subject"
    )
    both = ", ".join(f"max({name}) AS {name}" for name in ("stop", "stop_seq", "fades_at", "fades_seq"))
    return f"SELECT subject{named}, {both} FROM ({sent} UNION ALL {stops}) GROUP BY subject"


def _fades(one: str) -> str:
    """`hopeless` holds until a return."""
    return f"({one}.fades_at IS NOT NULL AND (p.returned_at IS NULL OR p.returned_at < {one}.fades_at))"


def _stopped(one: str) -> str:
    return f"({one}.stop IS NOT NULL OR {_fades(one)})"


def _stop_code(one: str) -> str:
    """The code of the record that came first."""
    faded = literal(CODES["hopeless"])
    return (
        f"CASE WHEN {_fades(one)} AND ({one}.stop IS NULL OR {one}.fades_seq < {one}.stop_seq) THEN {faded} ELSE {one}.stop END"
    )


def _later(sources: Sources, asked: Asked, now: int) -> str:
    """Stops that come into force between now and somebody's opening; few, so they are joined one by one."""
    parts = " UNION ALL ".join(
        f"SELECT p.person, {rank} AS rank, s.seq, {_REASON_CODE} AS code FROM"
        f" (SELECT * FROM {sources.suppressions} s WHERE effective_at > {now} AND {_concerning(asked)}) s"
        f" JOIN {sources.people} p ON s.subject = {key} JOIN rg_twin_place l ON {_same_place('p')}"
        f" WHERE {_in_force('l.opens')} AND NOT coalesce(s.reason = 'hopeless' AND p.returned_at >= s.effective_at, FALSE)"
        for rank, key in ((0, "'a:' || p.address"), (1, "'p:' || p.person"))
    )
    return f"SELECT person, arg_min(code, (rank, seq)) AS code FROM ({parts}) GROUP BY person"


def _same_place(people: str) -> str:
    return " AND ".join(f"l.{name} IS NOT DISTINCT FROM {people}.{name}" for name in ("zone", "region", "country"))


def _in_force(at: str) -> str:
    return f"s.effective_at <= {at} AND (s.expires_at IS NULL OR s.expires_at > {at})"


_REASON_CODE = (
    "CASE s.reason " + " ".join(f"WHEN {literal(one)} THEN {literal(code)}" for one, code in CODES.items())
) + " ELSE 'suppressed.' || s.reason END"


def _concerning(asked: Asked) -> str:
    """The scopes that concern the message: its channel, topic and sender, or any."""
    topics = _among("s.topic", ["*", *([asked.topic] if asked.topic is not None else [])])
    channels = _among("s.channel", ["*", asked.channel])
    if asked.sender is None and asked.brand is None:
        return f"{channels} AND {topics}"  # nobody knows who will send: every sender's record counts
    senders = ["*", *(one for one in (asked.sender, asked.brand) if one is not None)]
    return f"{channels} AND {topics} AND {_among('s.sender', senders)}"


def _among(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(literal(value) for value in values)})"


def _counted(cap: FrequencyCap, asked: Asked, now: int) -> str:
    assert isinstance(cap.window, timedelta)
    since = now - cap.window // timedelta(milliseconds=1)
    channel = "" if cap.scope == "global" else f" AND channel = {literal(asked.channel)}"
    match = " AND FALSE" if cap.match is not None and cap.match != asked.channel else ""
    return f"sent_at > {since} AND sent_at <= {now} AND {_among('purpose', sorted(cap.counts_toward))}{channel}{match}"


def _any_counted(asked: Asked, now: int) -> str:
    longest = max((cap.looks_back for cap in asked.caps), default=timedelta(0))
    return f"sent_at > {now - longest // timedelta(milliseconds=1)} AND sent_at <= {now}"


def _bucket(salt: str) -> str:
    """The same place among 10,000 buckets as `rules.assignment.bucket` gives: 8 bytes of SHA-256."""
    return f"('0x' || substr(sha256({literal(salt + ':')} || p.cluster), 1, 16))::UBIGINT % 10000"
