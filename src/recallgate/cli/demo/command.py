"""`recallgate demo`: runs it with progress, and says at the end what happened and where the files are."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recallgate.cli.output import JsonFlag, print_json, say, table
from recallgate.model.errors import ConfigError

if TYPE_CHECKING:
    from recallgate.cli.demo.run import DemoResult
    from recallgate.review.figures import Figure

FILES = ("report.html", "report.md", "review.json", "recallgate.sqlite")


def demo(
    customers: Annotated[int | None, typer.Option(help="How many of the 23,570 customers; all when not given.")] = None,
    seed: Annotated[str, typer.Option(help="The same seed gives the same review, byte for byte.")] = "2026",
    out: Annotated[Path, typer.Option(help="The folder for the report and the database.")] = Path("recall-demo"),
    json: JsonFlag = False,
) -> None:
    """Carry one campaign through everything: real customers, made-up addresses, 28 virtual days, a review."""
    for place in (out, *out.parents):
        if place.exists() and not place.is_dir():
            raise ConfigError(f"out: {place} is a file; name a folder")
    if json:
        print_json(_summary(_run(out, customers, seed, quiet=True)))
        return
    _tell(_run(out, customers, seed, quiet=False))


def _run(out: Path, customers: int | None, seed: str, *, quiet: bool) -> "DemoResult":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from recallgate.cli.demo.run import run_demo

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, share: float) -> None:
            name = stage if stage in ("layering", "people", "review") else "28 days"
            if name not in tasks:
                for earlier in tasks.values():
                    bars.update(earlier, completed=1.0)
                tasks[name] = bars.add_task(name, total=1.0)
            bars.update(tasks[name], completed=share, description=f"28 days, now {stage}" if name == "28 days" else name)

        result = asyncio.run(run_demo(out, number=customers, seed=seed, progress=tell))
        for task in tasks.values():
            bars.update(task, completed=1.0)
    return result


def _summary(result: "DemoResult") -> dict[str, Any]:
    """The demo's outcome for programs."""
    import json

    counts = result.simulated.counts
    return {
        "customers": result.people,
        "lapsed": result.lapsed,
        "enrolled": result.launched.people,
        "holdout": result.launched.holdout,
        "arms": dict(result.launched.arms),
        "preflight": {"verdict": result.preflight.verdict, "reasons": [reason.code for reason in result.preflight.reasons]},
        "messages": {"states": dict(result.states), "taken": sum(n for name, n in counts.items() if name.startswith("taken."))},
        "callbacks": counts.get("told.report", 0) + counts.get("told.reply", 0),
        "world": dict(counts),
        "seconds": dict(result.seconds),
        "review": json.loads(result.report.json()),
        "files": {name: str(result.out / name) for name in FILES},
    }


def _tell(result: "DemoResult") -> None:
    """The outcome for people: what was done, what it brought, where to read more."""
    summary = _summary(result)
    judgement = result.report.result
    taken = summary["messages"]["taken"]
    say()
    say(f"{result.people:,} customers, {result.lapsed:,} lapsed, {result.launched.people:,} enrolled,")
    say(f"{result.launched.holdout:,} of them kept without contact; preflight said {result.preflight.verdict}.")
    say(f"{taken:,} messages were taken by vendors, who sent {summary['callbacks']:,} callbacks.")
    say()
    states = sorted(result.states, key=lambda state: -result.states[state])
    table(("state", "messages"), [(state, result.states[state]) for state in states], title="Messages by state")
    say()
    for name in ("recall_rate", "natural_return_rate", "lift", "pay_rate", "retention_7d", "roi", "icpr"):
        if (figure := judgement.figure(name)) is not None and figure.value is not None:
            say(_line(figure))
    say()
    say(f"Verdict: {judgement.verdict}. {judgement.judgement.text.en}")
    for warning in judgement.warnings:
        say(f"  note: {warning.text.en}")
    say()
    for name in FILES:
        say(f"  {result.out / name}")
    say(f"Took {sum(result.seconds.values()):.0f} s. Why was somebody written to, held or dropped?")
    say(f"  recallgate explain --person ID --store sqlite:///{result.out / 'recallgate.sqlite'}")


def _line(figure: "Figure") -> str:
    """A number with its interval, in the unit that people read."""

    def shown(value: float | None) -> str:
        if value is None:
            return "not bounded"
        return f"{value:.2%}" if figure.unit in ("share", "points") else f"{value:,.2f}"

    limits = f"  [{shown(figure.low)}, {shown(figure.high)}]" if figure.low is not None or figure.unbounded else ""
    counted = f"  {figure.k:,} of {figure.n:,}" if figure.n is not None and figure.k is not None else ""
    from recallgate.review.definitions import DEFINITIONS

    return f"{DEFINITIONS[figure.name].label.en:<42} {shown(figure.value)}{limits}{counted}"
