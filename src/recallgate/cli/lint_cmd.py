"""`recallgate lint`: content rules for a text before it is sent."""

from typing import Annotated

import typer

from recallgate.cli.output import JsonFlag, print_json, say

app = typer.Typer(help="Check a text against the content rules.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check a text against the content rules."""


@app.command("sms")
def lint_sms(
    text: Annotated[str, typer.Argument(help="The text as it would be sent; - reads it from stdin.")],
    country: Annotated[str | None, typer.Option(help="Country of the recipients, ISO 3166-1: CN, US, …")] = None,
    signature: Annotated[str | None, typer.Option(help="The account's signature, with or without 【】.")] = None,
    signature_last: Annotated[bool, typer.Option("--signature-last", help="The signature closes the text.")] = False,
    optout_suffix: Annotated[str | None, typer.Option(help="The sender's way to opt out, such as 回T退订.")] = None,
    purpose: Annotated[str, typer.Option(help="otp, transactional, service or marketing.")] = "marketing",
    max_parts: Annotated[int | None, typer.Option(min=1, help="Budget of billed parts.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """Show the text with its fixes applied, its billed parts, and what was found.

    Ends with 1 when an error stands in the way of sending; with --json always with 0.
    """
    import sys

    from recallgate.model.errors import ConfigError
    from recallgate.model.purpose import Purpose
    from recallgate.text.sms_rules import check_sms

    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ConfigError("country: write two letters of ISO 3166-1, for example CN")
    if purpose not in tuple(Purpose):
        raise ConfigError(f"purpose: {purpose!r} is none of {', '.join(Purpose)}")
    if text == "-":
        text = sys.stdin.buffer.read().decode()
    checked = check_sms(
        text,
        country=country.upper() if country else None,
        purpose=purpose,
        signature=signature,
        signature_last=signature_last,
        optout_suffix=optout_suffix,
        max_parts=max_parts,
    )
    if json_output:
        found = [{"level": one.level, "code": one.code, "message": one.message} for one in checked.findings]
        print_json({"text": checked.text, "segments": checked.segments, "encoding": checked.encoding, "findings": found})
        return
    say(checked.text)
    say(f"{checked.segments} part{'' if checked.segments == 1 else 's'}, {checked.encoding}")
    for one in checked.findings:
        say(f"{one.level}: {one.message} ({one.code}){', fixed' if one.fixed else ''}")
    if checked.errors:
        raise typer.Exit(1)
