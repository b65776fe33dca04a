"""The application: all commands, one way to say what went wrong."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from recallgate import __version__
from recallgate.cli import (
    adapters_cmd,
    db_cmd,
    dead_cmd,
    encryption_cmd,
    ledger_cmd,
    lint_cmd,
    operate_cmd,
    person_cmd,
    retention_cmd,
    worklist_cmd,
)
from recallgate.cli.audit_cmd import audit
from recallgate.cli.decide_cmd import decide
from recallgate.cli.demo.command import demo
from recallgate.cli.errors import is_expected, line_of
from recallgate.cli.explain_cmd import explain
from recallgate.cli.init_cmd import init
from recallgate.cli.operate_cmd import pause, resume, status, stop
from recallgate.cli.output import note
from recallgate.cli.review_cmd import preflight, review
from recallgate.cli.run_cmd import serve, worker
from recallgate.cli.sandbox_cmd import sandbox
from recallgate.cli.segment_cmd import segment
from recallgate.cli.send_cmd import send
from recallgate.cli.stats_cmd import stats


class _Commands(TyperGroup):
    """Commands whose faults are one line on stderr and exit code 2; only faults of the program itself show a traceback."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        run: Any = super().main  # its keywords differ between releases of typer
        try:
            result = run(*args, standalone_mode=False, **extra)
            code = result if isinstance(result, int) else 0
        except Exception as exc:
            code = _tell(exc)
        if standalone_mode:
            sys.exit(code)
        return code


def _tell(exc: Exception) -> int:
    """Say what was wrong; answers the exit code. Raises what nobody foresaw."""
    if type(exc).__name__ == "NoArgsIsHelpError":
        typer.echo(str(getattr(exc, "message", exc)), err=True)
        return 2
    if isinstance(exc, typer.Abort):
        note("stopped")
        return 1
    words = getattr(exc, "format_message", None)  # typer's own faults of usage
    if words is None and not is_expected(exc):
        raise exc
    note(f"error: {' '.join(str(words()).split()) if words is not None else line_of(exc)}")
    return 2


app = typer.Typer(
    cls=_Commands,
    name="recallgate",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and these may be secrets
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recallgate {__version__}")
        raise typer.Exit


@app.callback()
def recallgate(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """A messaging gateway and user recall: send, explain, decide, review."""


_COMMANDS: tuple[Callable[..., None], ...] = (
    demo,
    init,
    send,
    explain,
    decide,
    segment,
    preflight,
    review,
    stats,
    status,
    pause,
    resume,
    stop,
    audit,
    worker,
    serve,
    sandbox,
)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(adapters_cmd.app, name="adapters")
app.add_typer(lint_cmd.app, name="lint")
app.add_typer(operate_cmd.suppressions, name="suppressions")
app.add_typer(operate_cmd.suppressions, name="suppress")
app.add_typer(ledger_cmd.consent, name="consent")
app.add_typer(operate_cmd.rules, name="rules")
app.add_typer(dead_cmd.app, name="dead")
app.add_typer(person_cmd.app, name="person")
app.add_typer(retention_cmd.app, name="retention")
app.add_typer(encryption_cmd.app, name="encryption")
app.add_typer(db_cmd.app, name="db")
app.add_typer(worklist_cmd.app, name="worklist")
