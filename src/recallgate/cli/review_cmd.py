"""`recallgate review`: whether a campaign paid, from counts or from the store; `preflight`: whether to start one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.inputs import instant, read_object
from recallgate.cli.output import JsonFlag, print_json, say, shown, table

if TYPE_CHECKING:
    from recallgate.gateway import Gateway
    from recallgate.review.report import Report


def review(
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="A campaign of the store.")] = None,
    counts: Annotated[
        str | None, typer.Option("--counts", metavar="FILE.json", help="Counts made elsewhere; - is stdin.")
    ] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    out: Annotated[str | None, typer.Option(metavar="FOLDER", help="Write report.html, report.md and review.json there.")] = None,
    window_days: Annotated[int, typer.Option(min=1, help="Days after time zero in which a return counts.")] = 7,
    margin_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of an order's amount that is margin.")] = 1.0,
    now: Annotated[str | None, typer.Option(metavar="ISO", help="Review as of this instant.")] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    currency: Annotated[str, typer.Option(help="Stands behind amounts.")] = "",
    json_output: JsonFlag = False,
) -> None:
    """Review a campaign: statistics with intervals, warnings, verdict; and the report's files."""
    from recallgate.model.errors import ConfigError

    if (campaign is None) == (counts is None):
        raise ConfigError("review: give one of a campaign of the store and --counts FILE.json")
    if counts is not None:
        report = _of_counts(counts, language=language, currency=currency)
    else:
        report = _of_store(
            gateway_of(config, store=store),
            str(campaign),
            now=now,
            options={"window_days": window_days, "margin_rate": margin_rate, "language": language, "currency": currency},
        )
    if out is not None:
        _write(report, Path(out))
    found = report.result.to_json()
    if json_output:
        print_json(found)
        return
    _show(found, language)
    if out is not None:
        say(f"The report is in {Path(out) / 'report.html'}.")


def preflight(
    figures: Annotated[str, typer.Argument(metavar="FIGURES.json", help="What is known before a campaign; - is stdin.")],
    json_output: JsonFlag = False,
) -> None:
    """Say whether a campaign is worth starting: go, go with warnings, or no go. Ends with 1 for no go."""
    from recallgate.cli.output import as_json
    from recallgate.recall.preflight import Figures, preflight as judge

    found = judge(Figures.read(read_object(figures, "figures")))
    if json_output:
        print_json(found)
    else:
        say(as_json(found.verdict).strip('"'))
        for reason in found.reasons:
            say(f"- {reason.text} ({reason.code})")
    if found.verdict == "no_go" and not json_output:
        raise typer.Exit(1)


def _of_counts(path: str, *, language: str, currency: str) -> "Report":
    from recallgate.review.counts import ReviewCounts
    from recallgate.review.report import Report

    read = ReviewCounts.from_json(read_object(path, "counts"))
    return Report.of_counts(read, name="review", language=language, currency=currency)


def _of_store(gateway: "Gateway", campaign: str, *, now: str | None, options: Mapping[str, Any]) -> "Report":
    from recallgate.review.report import review as review_stored

    at, tenant = instant(now, "now"), gateway.config.tenant

    async def work(one: "Gateway") -> "Report":
        moment = at or one.clock.now()
        return await one.store.run(lambda c: review_stored(c, tenant, campaign, now=moment, **options))

    return with_gateway(gateway, work)


def _write(report: "Report", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("report.html", report.html()), ("report.md", report.markdown()), ("review.json", report.json())):
        (folder / name).write_text(text, encoding="utf-8")


def _show(found: Mapping[str, Any], language: str) -> None:
    def words(texts: object) -> str:
        both = cast("Mapping[str, str]", texts)
        return both.get(language) or both["en"]

    say(f"{found['verdict']}: {words(found['reason'])}")
    table(
        ("", "value", "low", "high", "of"),
        [
            (words(one["label"]), shown(one["value"]), shown(one["low"]), shown(one["high"]), _of(one))
            for one in found["statistics"].values()
        ],
    )
    for warning in found["warnings"]:
        say(f"! {words(warning['text'])} ({warning['code']})")


def _of(figure: Mapping[str, Any]) -> str:
    return f"{figure['k']} of {figure['n']}" if figure.get("k") is not None and figure.get("n") is not None else ""
