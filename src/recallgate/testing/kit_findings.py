"""What an adapter's table does not show: codes without a row, capabilities without one, callbacks that anybody could send."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recallgate.adapter import Adapter, AdapterClass, Driver
from recallgate.model.event import EventType
from recallgate.registry import FACES, names

_REPORTS = {
    type_.value
    for type_ in (
        EventType.ACCEPTED,
        EventType.SENT,
        EventType.DELIVERED,
        EventType.UNDELIVERED,
        EventType.EXPIRED,
        EventType.ANSWERED,
        EventType.NO_ANSWER,
        EventType.BUSY,
    )
}


@dataclass(frozen=True)
class Findings:
    """What is missing around an adapter. `codes` are names such as `codes 30003`; `capabilities` say what to add."""

    codes: tuple[str, ...] = ()
    capabilities: Mapping[str, str] = field(default_factory=dict)
    callbacks_verified_by: str = "none"
    callbacks_unverified: bool = False
    face: bool = False

    @property
    def missing(self) -> list[str]:
        """A sentence for each gap; empty when nothing is missing."""
        told = [f"{code} has no row" for code in self.codes]
        told += [f"{name}: {remedy}" for name, remedy in self.capabilities.items()]
        if self.callbacks_unverified:
            told.append("callbacks are read, but nothing proves their origin: declare `signature` or `secret_path`")
        if not self.face:
            told.append("no face is registered: a sandbox cannot stand in for the vendor")
        return told


def find(adapter: AdapterClass, tables: Iterable[Mapping[str, Any]], *, source: str = "") -> Findings:
    """The gaps of an adapter with its tables. `source` is the text of its tests: what they name counts as shown."""
    tables = list(tables)
    verified_by = adapter.abilities().callbacks
    takes = adapter.read_callback not in (Adapter.read_callback, Driver.read_callback)
    return Findings(
        codes=tuple(_codes_without_row(adapter, tables)),
        capabilities=dict(_unshown(adapter, tables, source)),
        callbacks_verified_by=verified_by,
        callbacks_unverified=takes and verified_by == "none",
        face=adapter.adapter_name() in names(FACES),
    )


def text_of_tests(adapter: AdapterClass, contracts: Iterable[type]) -> str:
    """The text of an adapter's tests: the files of its contracts, and those beside them that name its class."""
    folders = {Path(inspect.getfile(contract)).parent for contract in contracts}
    texts = (path.read_text(encoding="utf-8") for folder in sorted(folders) for path in sorted(folder.glob("test_*.py")))
    return "\n".join(text for text in texts if re.search(rf"\b{adapter.__name__}\b", text))


def _codes_without_row(adapter: AdapterClass, tables: list[Mapping[str, Any]]) -> Iterable[str]:
    """Codes and statuses that no table lists, and codes of submits that nothing is answered with."""
    for section, known in (
        ("codes", adapter.errors),
        ("report_codes", adapter.report_errors),
        ("statuses", adapter.statuses),
    ):
        listed = {name for table in tables for name in table.get(section, {})}
        yield from (f"{section} {name}" for name in known if name not in listed)
    if any("refusal" in table for table in tables) or issubclass(adapter, Driver):
        return  # it is answered with every listed code; dialogues have no such pattern, their codes are listed only
    answered = {error["code"] for table in tables for error in _errors(table)}
    listed = {name for table in tables for name in table.get("codes", {})}
    yield from (f"codes {name}" for name in adapter.errors if name in listed and name not in answered)


def _errors(table: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    rows = [*table.get("answers", ()), *table.get("refusals", ())]
    rows += [outcome for row in table.get("batches", ()) for outcome in row["outcomes"]]
    return (row["error"] for row in rows if "code" in row.get("error", {}))


def _unshown(adapter: AdapterClass, tables: list[Mapping[str, Any]], source: str) -> Iterable[tuple[str, str]]:
    can = adapter.abilities()
    told = {event["type"] for table in tables for row in table.get("callbacks", ()) for event in row["events"]}
    told |= {event["type"] for table in tables for row in table.get("lookups", ()) for event in row.get("events") or ()}
    sent = [row for table in tables for name in ("requests", "batches", "sends") for row in table.get(name, ())]
    expires = any("expires_at" in message for row in sent for message in (row.get("message", {}), *row.get("messages", ())))
    # news that does not come as callbacks has no rows; tests say what it is
    on_its_wire = can.callbacks == "none" and issubclass(adapter, Driver) and "EventType.DELIVERED" in source
    demands = (
        ("callbacks", can.callbacks != "none", any(table.get("callbacks") for table in tables), "add rows to `callbacks`"),
        (
            "reports",
            can.reports,
            bool(told & _REPORTS) or on_its_wire,
            "add a row to `callbacks` or `lookups` with the news of a delivery",
        ),
        (
            "inbound",
            can.inbound,
            EventType.REPLIED.value in told or "EventType.REPLIED" in source,
            "add a row to `callbacks` in which a person writes",
        ),
        ("validity", can.validity, expires or "expires_at" in source, "add a row to `requests` whose message has `expires_at`"),
        ("batch", can.batch > 1, any(table.get("batches") for table in tables), "add rows to `batches`"),
        ("lookup", can.lookup, any(table.get("lookups") for table in tables), "add rows to `lookups`"),
        ("cancel", can.cancel, "build_cancel" in source and "parse_cancel" in source, "add tests of its request and answer"),
        ("upload", can.upload, "build_upload" in source and "parse_upload" in source, "add tests of its request and answer"),
        (
            "template_status",
            can.template_status,
            "build_template_status" in source and "parse_template_status" in source,
            "add tests of its request and answer",
        ),
    )
    yield from ((name, remedy) for name, declared, shown, remedy in demands if declared and not shown)
