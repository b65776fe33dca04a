"""`recallgate rules`: which rows of law and practice hold somewhere, and which want to be read again."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from recallgate.cli.output import JsonFlag, note, print_json, say, table

if TYPE_CHECKING:
    from recallgate.rules.regulations import Regulation, RuleBook

app = typer.Typer(help="The rules of countries and regions.", no_args_is_help=True)
ConfigOption = Annotated[str | None, typer.Option("--config", metavar="TOML", help="Settings whose [rules] tables change rows.")]
AgeOption = Annotated[int, typer.Option("--older-than", min=1, metavar="DAYS", help="From when on a row wants to be read again.")]
TodayOption = Annotated[str | None, typer.Option("--today", metavar="DATE", help="The day to count from; else today.")]
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@app.command("show")
def show(
    country: Annotated[str, typer.Argument(help="ISO 3166-1, such as FR; or a region of ISO 3166-2, such as US-TX.")],
    channel: Annotated[str, typer.Option(help="The channel.")] = "sms",
    purpose: Annotated[str, typer.Option(help="The purpose.")] = "marketing",
    config: ConfigOption = None,
    older_than: AgeOption = 365,
    today: TodayOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Show the rules that apply to a country or region: hours, limits, their source and how sure they are."""
    from recallgate.model.errors import ConfigError
    from recallgate.model.purpose import Purpose
    from recallgate.registry import channel as known_channel
    from recallgate.rules.overrides import old_rows

    known_channel(channel)
    if purpose not in tuple(Purpose):
        raise ConfigError(f"purpose: {purpose!r} is none of {', '.join(Purpose)}")
    place = country.upper()
    state, _, rest = place.partition("-")
    if not (len(state) == 2 and state.isascii() and state.isalpha()):
        raise ConfigError("country: write two letters of ISO 3166-1 such as FR, or a region such as US-TX")
    book = _book(config)
    found = book.select(country=state, region=place if rest else None, channel=channel, purpose=purpose)
    old = old_rows(found, _day(today), age=timedelta(days=older_than))
    if json_output:
        print_json({"rules": [row.model_dump(mode="json") for row in found], "old": [row.id for row in old]})
        return
    for row in found:
        _say(row)
    if not found:
        say("No rule of law is known; the product's default hours apply.")
    for row in old:
        note(
            f"warning: {row.id} was read {f'on {row.as_of}' if row.as_of else 'nobody knows when'}; check it before relying on it"
        )


@app.command("check")
def check(
    config: ConfigOption = None, older_than: AgeOption = 365, today: TodayOption = None, json_output: JsonFlag = False
) -> None:
    """List the rows that were read too long ago; ends with 1 when there are any."""
    from recallgate.rules.overrides import old_rows

    book = _book(config)
    old = old_rows(book.rows, _day(today), age=timedelta(days=older_than))
    if json_output:
        print_json({"rules": len(book.rows), "old": [{"id": row.id, "as_of": row.as_of, "source": row.source} for row in old]})
    elif old:
        table(("row", "read", "certainty", "source"), [(row.id, row.as_of, row.certainty, row.source) for row in old])
    else:
        say(f"All {len(book.rows)} rows were read within {older_than} days.")
    if old:
        raise typer.Exit(1)


def _book(config: str | None) -> "RuleBook":
    """The rows of the package, with the changes of a settings file."""
    from recallgate.model.errors import ConfigError
    from recallgate.rules.overrides import overridden
    from recallgate.rules.regulations import RuleBook

    if config is None:
        return RuleBook.default()
    import tomllib
    from pathlib import Path

    try:
        changes = dict(tomllib.loads(Path(config).read_text(encoding="utf-8")).get("rules", {}))
        changes.pop("warn_days", None)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"config: {config} is not TOML: {exc}") from None
    return overridden(RuleBook.default(), changes)


def _day(today: str | None) -> date:
    from recallgate.model.errors import ConfigError

    if today is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(today)
    except ValueError:
        raise ConfigError("today: write a date such as 2026-12-25") from None


def _say(row: "Regulation") -> None:
    read = f", read {row.as_of}" if row.as_of else ""
    say(f"{row.id} ({row.basis}, certainty {row.certainty}{read})")
    for window in row.windows:
        days = " ".join(_DAYS[day - 1] for day in sorted(window.days))
        say(f"  {days}  {_clock(window.start)}-{_clock(window.end)}")
    for limit in row.limits:
        say(f"  at most {limit.count} {limit.kind} in {limit.window_days} days ({limit.window})")
    if row.refusal_cooldown_days:
        say(f"  after a refusal {row.refusal_cooldown_days} days of silence")
    if row.registry_max_age_days:
        say(f"  a check of the do-not-call registry is valid for {row.registry_max_age_days} days")
    if row.holidays == "block":
        say("  not on public holidays")
    for block in row.optional_blocks:
        hours = f" {_clock(block.start)}-{_clock(block.end)}" if block.start is not None and block.end is not None else ""
        say(f"  can be closed, too: {block.name}{hours}")
    if row.source:
        say(f"  {row.source}")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
