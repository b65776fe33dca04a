"""Our request against the one that a vendor's own SDK sent: equal, or different in listed places for listed reasons."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal
from urllib.parse import parse_qsl

import httpx
import pytest

from oracles.loopback import Recorded

Body = Literal["form", "json", "bytes"]
ABSENT = "(absent)"
PROPERTY = "what equals what"


@dataclass(frozen=True)
class Row:
    """A line of the table: what was compared with what, and where they differ on purpose."""

    vendor: str
    operation: str
    oracle: str
    outcome: str


class Same:
    """Compares, and keeps a row for every equality that was proven; the rows of passed tests are printed at the end."""

    def __init__(self, node: pytest.Item) -> None:
        self._node = node

    def __call__(
        self,
        ours: httpx.Request,
        theirs: Recorded,
        *,
        operation: str,
        oracle: str,
        body: Body = "bytes",
        headers: Sequence[str] = ("content-type",),
        differing: Mapping[str, str] | None = None,
        vendor: str = "",
    ) -> None:
        """Assert that two requests are equal in method, path, query, the named headers and body.

        `oracle` is the installed package behind the recorded request. `differing` maps places to reasons, with places as
        a failure names them: `method`, `path`, `query page`, `header user-agent`, `form To`, `json messages[0].to`, `body`.
        A place that is listed and does not differ is a failure too. `vendor` is the name of the test file where absent.
        """
        told = dict(differing or {})
        found = differences(ours, theirs, body=body, headers=headers)
        surprising = {place: pair for place, pair in found.items() if place not in told}
        idle = [place for place in told if place not in found]
        lines = [f"{place}: ours {pair[0]!r}, theirs {pair[1]!r}" for place, pair in surprising.items()]
        lines += [f"{place}: listed as different ({told[place]}), and equal" for place in idle]

        assert not lines, "\n".join(lines)
        reasons = "; ".join(f"{place} differs: {reason}" for place, reason in told.items())
        self._keep(vendor, operation, oracle, reasons or "equal")

    def proven(self, *, operation: str, oracle: str, outcome: str = "equal", vendor: str = "") -> None:
        """Keep a row for an equality that the test asserted by itself, such as a signature that both sides accept."""
        self._keep(vendor, operation, oracle, outcome)

    def _keep(self, vendor: str, operation: str, oracle: str, outcome: str) -> None:
        name = vendor or self._node.path.stem.removeprefix("test_")
        row = (name, operation, f"{oracle} {version(oracle)}", outcome)
        self._node.user_properties.append((PROPERTY, row))


def differences(
    ours: httpx.Request, theirs: Recorded, *, body: Body = "bytes", headers: Sequence[str] = ("content-type",)
) -> dict[str, tuple[object, object]]:
    """Where two requests differ: place -> (ours, theirs); empty when they are equal. Hosts are never compared."""
    path, _, query = ours.url.raw_path.decode("ascii").partition("?")
    mine = {"method": ours.method, "path": path, **_fields("query", query)}
    others = {"method": theirs.method, "path": theirs.path, **_fields("query", theirs.query)}
    for name in headers:
        mine[f"header {name}"] = ours.headers.get(name, ABSENT)
        others[f"header {name}"] = theirs.headers.get(name, ABSENT)
    mine |= _body(ours.content, body)
    others |= _body(theirs.body, body)
    places = [*mine, *(place for place in others if place not in mine)]
    pairs = {place: (mine.get(place, ABSENT), others.get(place, ABSENT)) for place in places}
    return {place: pair for place, pair in pairs.items() if pair[0] != pair[1]}


def rows(properties: Sequence[tuple[str, object]]) -> list[Row]:
    """The rows among the properties of a test's report."""
    return [Row(*map(str, value)) for name, value in properties if name == PROPERTY and isinstance(value, list | tuple)]


def table(kept: Sequence[Row]) -> list[str]:
    """The rows as the lines of a table, sorted, with the outcome in the last column."""
    head = ("vendor", "operation", "oracle and version", "equal or differences")
    cells = [head, *sorted((row.vendor, row.operation, row.oracle, row.outcome) for row in kept)]
    widths = [max(len(line[at]) for line in cells) for at in range(3)]
    return [" | ".join((*(line[at].ljust(widths[at]) for at in range(3)), line[3])) for line in cells]


def said(kept: Sequence[Row]) -> str:
    """What the rows prove, in one line."""
    vendors = {row.vendor for row in kept}
    plain = sum(row.outcome == "equal" for row in kept)
    return (
        f"{len(vendors)} vendors proven equal to their own clients: {len(kept)} comparisons, {plain} without any difference,"
        f" {len(kept) - plain} with listed ones"
    )


def proven_vendors(kept: Sequence[Row]) -> set[str]:
    """The vendors with something that is equal without any difference."""
    return {row.vendor for row in kept if row.outcome == "equal"}


def _body(content: bytes, form: Body) -> dict[str, Any]:
    if form == "form":
        return _fields("form", content.decode())
    if form == "json":
        return dict(_leaves("json", json.loads(content))) if content else {"body": "(empty)"}
    return {"body": content}


def _fields(kind: str, text: str) -> dict[str, Any]:
    """Fields of a query or a form; the values of a repeated name in their order."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(f"{kind} {name}", []).append(value)
    return found


def _leaves(place: str, value: object) -> list[tuple[str, object]]:
    """Every value in a JSON document with the way to it; an empty object or list is a value."""
    if isinstance(value, dict) and value:
        joint = " " if place == "json" else "."
        return [leaf for name, inner in value.items() for leaf in _leaves(f"{place}{joint}{name}", inner)]
    if isinstance(value, list) and value:
        return [leaf for at, inner in enumerate(value) for leaf in _leaves(f"{place}[{at}]", inner)]
    # true is not 1 and 1.0 is not 1 on the wire
    return [(place, value if isinstance(value, str | dict | list) else json.dumps(value) + " (no text)")]
