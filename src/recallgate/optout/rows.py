"""Rows of the ledger as they stand in files: one record a row, columns by name, instants in ISO 8601."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from recallgate.model.clock import from_ms, to_ms
from recallgate.model.errors import ConfigError
from recallgate.store.dialect import execute
from recallgate.store.ledger import ConsentRow, SuppressionRow

Column = str | None
SUPPRESSION = (
    "person", "address", "channel", "topic", "sender", "reason", "all_purposes", "source", "proof", "review", "received_at",
    "effective_at", "expires_at", "cleared_at",
)  # fmt: skip
CONSENT = ("person", "address", "channel", "topic", "brand", "granted", "at", "source", "proof")
REASONS = ("opt_out", "complaint", "hard_bounce", "invalid", "dnc_registry", "manual", "region_block", "hopeless")
_YES, _NO = frozenset({"1", "true", "yes", "y"}), frozenset({"0", "false", "no", "n", ""})


class _Record:
    """One row of a file; faults name the row and the column, never the value."""

    def __init__(self, values: Mapping[str, Column], n: int, known: tuple[str, ...]) -> None:
        self._values, self._n = values, n
        if strange := sorted(set(values) - set(known), key=str):
            raise self.fault(str(strange[0]), f"is not a column; there are {', '.join(known)}")

    def fault(self, column: str, words: str) -> ConfigError:
        return ConfigError(f"row {self._n}: {column}: {words}")

    def text(self, name: str) -> str | None:
        return (self._values.get(name) or "").strip() or None

    def subject(self) -> str:
        person, address = self.text("person"), self.text("address")
        if (person is None) == (address is None):
            raise self.fault("person", "give a person or an address, and not both")
        return f"p:{person}" if person is not None else f"a:{address}"

    def claim(self, name: str, *, default: bool) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value.lower() in _YES | _NO:
            return value.lower() in _YES
        raise self.fault(name, "write yes or no")

    def instant(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            if len(value) == 10:
                found = datetime.combine(date.fromisoformat(value), datetime.min.time(), tzinfo=UTC)
            else:
                found = datetime.fromisoformat(value)
        except ValueError:
            raise self.fault(name, "write 2026-11-20 or 2026-11-20T08:00:00Z") from None
        if found.tzinfo is None:
            raise self.fault(name, "an instant needs its zone, such as Z or +08:00")
        return to_ms(found)


def suppression_of(
    values: Mapping[str, Column], n: int, *, tenant: str, now: datetime, reason: str | None, source: str
) -> SuppressionRow:
    """A suppression from row `n` of a file."""
    record, at = _Record(values, n, SUPPRESSION), to_ms(now)
    why = record.text("reason") or reason or "manual"
    if why not in REASONS:
        raise record.fault("reason", f"is none of {', '.join(REASONS)}")
    received = record.instant("received_at") or at
    return SuppressionRow(
        tenant,
        record.subject(),
        record.text("channel") or "*",
        record.text("topic") or "*",
        record.text("sender") or "*",
        why,
        int(record.claim("all_purposes", default=False)),
        record.text("source") or source,
        record.text("proof"),
        int(record.claim("review", default=False)),
        received,
        record.instant("effective_at") or min(received, at),
        record.instant("expires_at"),
        record.instant("cleared_at"),
    )


def consent_of(values: Mapping[str, Column], n: int, *, tenant: str, now: datetime, source: str) -> ConsentRow:
    """A consent, or a withdrawal, from row `n` of a file."""
    record = _Record(values, n, CONSENT)
    at = record.instant("at") or to_ms(now)
    if at > to_ms(now):
        raise record.fault("at", "lies in the future")
    channel = record.text("channel")
    if channel is None:
        raise record.fault("channel", "a consent is for a channel; write it, or * for all")
    return ConsentRow(
        tenant,
        record.subject(),
        channel,
        record.text("topic") or "*",
        record.text("brand") or "*",
        int(record.claim("granted", default=True)),
        at,
        record.text("source") or source,
        record.text("proof"),
    )


def suppressions(connection: Connection, *, tenant: str, after: int, most: int) -> tuple[list[dict[str, str]], int]:
    """A page of suppressions as records, and the number of its last row."""
    return _page(connection, "rg_suppression", SUPPRESSION, tenant=tenant, after=after, most=most)


def consents(connection: Connection, *, tenant: str, after: int, most: int) -> tuple[list[dict[str, str]], int]:
    """A page of consents as records, and the number of its last row."""
    return _page(connection, "rg_consent", CONSENT, tenant=tenant, after=after, most=most)


def _page(
    connection: Connection, table: str, columns: tuple[str, ...], *, tenant: str, after: int, most: int
) -> tuple[list[dict[str, str]], int]:
    stored = columns[2:]
    rows = execute(
        connection,
        f"select seq, subject, {', '.join(stored)} from {table} where tenant = :tenant and seq > :after order by seq limit :most",  # noqa: S608 - names of this module
        {"tenant": tenant, "after": after, "most": most},
    )
    records = []
    for _, subject, *values in rows:
        whose = {"person": subject[2:], "address": ""} if subject[0] == "p" else {"person": "", "address": subject[2:]}
        records.append({**whose, **{name: _written(name, value) for name, value in zip(stored, values, strict=True)}})
    return records, int(rows[-1][0]) if rows else after


def _written(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in ("all_purposes", "review", "granted"):
        return "yes" if value else "no"
    if name == "at" or name.endswith("_at"):
        return from_ms(int(str(value))).isoformat()
    return str(value)
