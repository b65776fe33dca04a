"""`recallgate consent` and `recallgate suppress`: consents and suppressions in and out as CSV, do-not-call lists."""

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.operate_cmd import suppressions
from recallgate.cli.output import JsonFlag, print_json, progress, say

if TYPE_CHECKING:
    from rich.progress import Progress

    from recallgate.gateway import Gateway

consent = typer.Typer(help="Consents: who agreed to what, where and when.", no_args_is_help=True)
_File = Annotated[str, typer.Argument(metavar="FILE", help="A CSV file; - is stdin.")]
_Out = Annotated[str, typer.Argument(metavar="FILE", help="A CSV file that is not there yet; - is stdout.")]
_Source = Annotated[str, typer.Option(metavar="WORDS", help="Where the rows come from, where the file does not say.")]


@consent.command("import")
def import_consents(
    file: _File,
    source: _Source = "import",
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Read consents from a CSV file: person or address, channel, granted, at, topic, brand, source, proof.

    Rows that are there already add nothing; an imported consent lifts no opt-out.
    """
    gateway = gateway_of(config, store=store)
    with _rows(file) as (rows, told):
        new = with_gateway(gateway, lambda one: one.ledger.import_consents(rows, source=source, progress=told))
    _say_new(new, "consents", json_output)


@consent.command("export")
def export_consents(file: _Out = "-", config: ConfigOption = None, store: StoreOption = None) -> None:
    """Write all consents and withdrawals, oldest first."""
    from recallgate.optout.rows import CONSENT

    _write(file, CONSENT, with_gateway(gateway_of(config, store=store), lambda one: one.ledger.export_consents()))


@suppressions.command("import")
def import_suppressions(
    file: _File,
    reason: Annotated[str | None, typer.Option(help="Why, where the file does not say: manual, dnc_registry, …")] = None,
    source: _Source = "import",
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Read suppressions from a CSV file: person or address, channel, topic, reason, expires_at, source, proof and others."""
    gateway = gateway_of(config, store=store)
    with _rows(file) as (rows, told):
        new = with_gateway(gateway, lambda one: one.ledger.import_suppressions(rows, reason=reason, source=source, progress=told))
    _say_new(new, "suppressions", json_output)


@suppressions.command("export")
def export_suppressions(file: _Out = "-", config: ConfigOption = None, store: StoreOption = None) -> None:
    """Write all suppressions, ended ones too, oldest first."""
    from recallgate.optout.rows import SUPPRESSION

    _write(file, SUPPRESSION, with_gateway(gateway_of(config, store=store), lambda one: one.ledger.export_suppressions()))


@suppressions.command("registry")
def registry(
    file: _File,
    checked_on: Annotated[str, typer.Option(metavar="DATE", help="The day of the comparison, such as 2026-11-20.")],
    valid_days: Annotated[int | None, typer.Option(min=1, help="How long the list holds.")] = None,
    source: _Source = "registry",
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Read a comparison with a do-not-call registry: a CSV file with address, and listed (yes or no; yes without it).

    Every number counts as compared on that day; those listed get no marketing.
    """
    from recallgate.model.errors import ConfigError

    try:
        at = datetime.combine(date.fromisoformat(checked_on), time(0), tzinfo=UTC)
    except ValueError:
        raise ConfigError("checked_on: write a date such as 2026-11-20") from None
    valid = timedelta(days=valid_days) if valid_days is not None else None
    with _rows(file) as (rows, told):
        numbers, listed = _compared(rows)
    told(len(numbers))

    async def work(gateway: "Gateway") -> int:
        return await gateway.ledger.registry_checked(numbers, at=at, listed=listed, valid_for=valid, source=source)

    done = with_gateway(gateway_of(config, store=store), work)
    if json_output:
        print_json({"compared": done, "listed": len(listed)})
    else:
        say(f"{done} numbers compared, {len(listed)} of them are listed.")


def _compared(rows: Iterator[dict[str, str | None]]) -> tuple[list[str], list[str]]:
    """All numbers of a comparison, and those on the list."""
    from recallgate.model.errors import ConfigError

    numbers, listed = [], []
    for n, row in enumerate(rows, 1):
        if strange := sorted(set(row) - {"address", "listed"}, key=str):
            raise ConfigError(f"row {n}: {strange[0]}: is not a column; there are address, listed")
        address, word = (row.get("address") or "").strip(), (row.get("listed") or "yes").strip().lower()
        if not address or word not in ("yes", "no"):
            raise ConfigError(f"row {n}: write an address, and yes or no in listed")
        numbers.append(address)
        if word == "yes":
            listed.append(address)
    return numbers, listed


class _Told:
    """Shows how far an import has come; silent where nobody looks."""

    def __init__(self, bar: "Progress") -> None:
        self._bar, self._task = bar, bar.add_task("0 rows", total=None)

    def __call__(self, rows: int) -> None:
        self._bar.update(self._task, description=f"{rows} rows")


@contextmanager
def _rows(file: str) -> Iterator[tuple[Iterator[dict[str, str | None]], _Told]]:
    """The rows of a CSV file with a header, and what to tell of the progress."""
    from recallgate.model.errors import ConfigError

    if file != "-" and not Path(file).is_file():
        raise ConfigError(f"file: there is no {file}")
    with progress() as bar:
        told = _Told(bar)
        if file == "-":
            yield _read(sys.stdin), told
        else:
            with Path(file).open(encoding="utf-8-sig", newline="") as lines:
                yield _read(lines), told


def _read(lines: TextIO) -> Iterator[dict[str, str | None]]:
    yield from csv.DictReader(lines)


def _write(file: str, columns: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    from recallgate.model.errors import ConfigError

    if file == "-":
        _table(sys.stdout, columns, rows)
        return
    if Path(file).exists():
        raise ConfigError(f"file: {file} is there already; nothing is overwritten")
    with Path(file).open("w", encoding="utf-8", newline="") as lines:
        _table(lines, columns, rows)


def _table(lines: TextIO, columns: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    writer = csv.DictWriter(lines, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _say_new(new: int, what: str, json_output: bool) -> None:
    if json_output:
        print_json({"new": new})
    else:
        say(f"{new} new {what}.")
