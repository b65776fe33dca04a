"""`recallgate retention`: messages that ended long ago are archived and deleted."""

from typing import Annotated

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.output import JsonFlag, print_json, say, table

app = typer.Typer(help="Archive and delete what ended long ago.", no_args_is_help=True)


@app.command("run")
def run(
    config: ConfigOption = None,
    store: StoreOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Let go of messages as [retention] in the settings says; run it daily, it may be stopped at any time."""
    done = with_gateway(gateway_of(config, store=store), lambda one: one.retain(dry_run=dry_run))
    told = {
        "dry_run": done.dry_run,
        "rows": dict(sorted(done.rows.items())),
        "kept_campaigns": done.kept_campaigns,
        "archive": str(done.archive) if done.archive else None,
        "manifest": str(done.manifest) if done.manifest else None,
    }
    if json_output:
        print_json(told)
        return
    table(("table", "rows that would go" if dry_run else "rows gone"), sorted(done.rows.items()))
    if done.kept_campaigns:
        say(f"campaigns that are not over for long enough and stay whole: {', '.join(done.kept_campaigns)}")
    if done.archive:
        say(f"archived in {done.archive}, listed in {done.manifest}")
