"""`recallgate adapters matrix`: a package's adapters as one Markdown table, made from their classes and their oracles."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recallgate.cli.adapters_check import project_of
from recallgate.cli.output import say

if TYPE_CHECKING:
    from recallgate.adapter import AdapterClass, Capabilities

_HEAD = """# Adapters

Made by `recallgate adapters matrix --out {path}` from the classes, and checked by a test; edit the classes instead.
`recallgate adapters show NAME` has an adapter's settings, an example, and the meaning of each code.

* **codes**: of submits, of delivery reports, and status words that are mapped; any other is kept as `unknown`.
* **unverified**: how many of these codes were found in no document and no library of the vendor.
* **callbacks**: *signature*: the vendor signs, and we verify; *secret path*: it does not, and only the secret in the callback's
  address tells its news from anybody's; *none*: it sends none.
* **held against**: the client whose requests, signatures and callbacks ours are compared with in `tests/oracles`, or else the
  vendor's documents alone. Nothing in this table was tried on a live account of a vendor.

| adapter | channel | can | codes | unverified | callbacks | held against |
| --- | --- | --- | --- | --- | --- | --- |
"""
_CALLBACKS = {"signature": "signature", "secret_path": "secret path", "none": "none"}
_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;#]+)")


def matrix(
    package: Annotated[str, typer.Option(help="The installed package whose adapters are listed.")] = "recallgate",
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")] = None,
) -> None:
    """Print a package's adapters as a Markdown table: channels, abilities, codes, callbacks, what they are held against."""
    text = matrix_of(package)
    if out is None:
        say(text.rstrip("\n"))
        return
    Path(out).write_text(text, encoding="utf-8")
    say(f"wrote {out}")


def matrix_of(package: str) -> str:
    """The table of a package's adapters, sorted by name; raises ConfigError where it has none."""
    from recallgate.model.errors import ConfigError
    from recallgate.registry import ADAPTERS, adapter_class, names

    points = [name for name, point in names(ADAPTERS).items() if point.dist is not None and point.dist.name == package]
    found = {name: adapter_class(name) for name in sorted(points)}
    vendors = {name: cls for name, cls in found.items() if not cls.__module__.startswith("recallgate.")}
    if not vendors:
        raise ConfigError(f"package: {package} offers no adapter of a vendor")
    root = next((place for cls in vendors.values() if (place := project_of(cls)) is not None), None)
    oracles = dict(_oracles(root / "tests" / "oracles")) if root is not None else {}
    lines = [_line(name, cls, oracles) for name, cls in vendors.items()]
    return _HEAD.replace("{path}", "adapters/README.md") + "\n".join(lines) + "\n"


def _oracles(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The text of each oracle's tests, with the packages that it needs.

    Of a contract's file from which an oracle takes its adapter only the lines count that name the adapter.
    """
    for test in sorted(folder.glob("test_*.py")):
        pins = folder / "requirements" / f"{test.stem.removeprefix('test_')}.txt"
        if not pins.exists():
            continue
        text = test.read_text(encoding="utf-8")
        for module in re.findall(r"^from adapters\.(test_\w+) import", text, re.MULTILINE):
            contract = folder.parent / "adapters" / f"{module}.py"
            text += "\n".join(re.findall(r"^    adapter = \w+$", contract.read_text(encoding="utf-8"), re.MULTILINE))
        yield text, [f"{name} {version}" for name, version in _PIN.findall(pins.read_text(encoding="utf-8"))]


def _line(name: str, cls: "AdapterClass", oracles: Mapping[str, list[str]]) -> str:
    can = cls.abilities()
    named = re.compile(rf"\b{cls.__name__}(?:Face)?\b|\"{re.escape(name)}\"")
    against = sorted({one for text, packages in oracles.items() if named.search(text) for one in packages})
    cells = (
        f"`{name}`",
        cls.channel.name,
        abilities(can),
        f"{len(cls.errors)} + {len(cls.report_errors)} + {len(cls.statuses)}",
        str(len({*cls.unverified}) or "–"),
        _CALLBACKS[can.callbacks],
        ", ".join(against) or "documents",
    )
    return f"| {' | '.join(cells)} |"


def abilities(can: "Capabilities") -> str:
    """What an adapter can do beyond sending one message, in words."""
    told: list[tuple[Any, str]] = [
        (can.reports, "reports"),
        (can.inbound, "replies"),
        (can.batch > 1, f"batches of {can.batch}"),
        (can.lookup, "look-ups"),
        (can.cancel, "cancelling"),
        (can.upload, "uploads"),
        (can.template_status, "template approval"),
        (can.idempotency, "idempotency keys"),
        (can.validity, "validity"),
        (can.templates_only, "templates only"),
    ]
    return ", ".join(words for able, words in told if able) or "sending"
