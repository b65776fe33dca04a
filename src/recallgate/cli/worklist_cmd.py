"""`recallgate worklist`: the next task for an agent, what came of it, and what is on the list."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.inputs import instant
from recallgate.cli.output import JsonFlag, pairs, print_json, say, table

if TYPE_CHECKING:
    from datetime import datetime

    from recallgate.gateway import Gateway
    from recallgate.worklist import Worklist

_T = TypeVar("_T")
app = typer.Typer(help="Calls by hand: next task, its result, the list.", no_args_is_help=True)
Agent = Annotated[str, typer.Option("--agent", metavar="NAME", help="Who works on it.")]
AccountName = Annotated[str | None, typer.Option("--account", metavar="NAME", help="The worklist, where there are several.")]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The id of the task.")]


@app.command("next")
def take(
    agent: Agent,
    account: AccountName = None,
    queue: Annotated[
        list[str] | None, typer.Option("--queue", metavar="NAME", help="Only of this queue; may be repeated.")
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Take the next task; ends with 1 when there is none to do now."""
    found = _at_desk(config, store, account, lambda desk, now: desk.next(agent, now=now, queues=queue or ()))
    told = (
        {
            "id": found.id,
            "title": found.task.title,
            "person": found.person,
            "phone": found.phone,
            "vip": found.task.vip,
            "script": found.task.script,
            "notes": found.task.notes,
            "queue": found.queue,
            "try": found.tries,
            "last_result": found.last_result,
            "lease_until": found.lease_until,
            "expires_at": found.expires_at,
        }
        if found is not None
        else None
    )
    if json_output:
        print_json({"task": told})
    elif told is None:
        say("There is no task to do now.")
    else:
        pairs(told)
    if found is None:
        raise typer.Exit(1)


@app.command("done")
def done(
    task: TaskId,
    result: Annotated[
        str, typer.Argument(help="reached, promised, bought, refused, opted_out, no_answer, busy or wrong_number.")
    ],
    agent: Agent,
    minutes: Annotated[float, typer.Option(help="What it took, paperwork included.")] = 0,
    amount_cents: Annotated[int | None, typer.Option(help="With bought: for how much, in the smallest unit.")] = None,
    notes: Annotated[str | None, typer.Option(help="For whoever calls next.")] = None,
    again_at: Annotated[str | None, typer.Option(metavar="ISO", help="With no_answer or busy: when to call again.")] = None,
    account: AccountName = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Enter what came of a task."""
    again = instant(again_at, "again_at")
    ended = _at_desk(
        config,
        store,
        account,
        lambda desk, now: desk.done(
            task, result, agent=agent, now=now, minutes=minutes, amount_cents=amount_cents, notes=notes, again_at=again
        ),
    )
    if json_output:
        print_json({"id": ended.id, "result": ended.result, "again_at": ended.again_at, "cost": ended.cost})
    else:
        say(f"{ended.id}: {ended.result}" + (f"; call again at {ended.again_at.isoformat()}" if ended.again_at else ""))


@app.command("list")
def list_tasks(
    state: Annotated[str | None, typer.Option(help="open, taken, done, expired or withdrawn.")] = None,
    account: AccountName = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """List tasks in their order, those that wait first."""
    from recallgate.model.errors import ConfigError

    states = ("open", "taken", "done", "expired", "withdrawn")
    if state is not None and state not in states:
        raise ConfigError(f"state: {state!r} is none of {', '.join(states)}")
    found = _at_desk(config, store, account, lambda desk, now: desk.tasks(state=state))
    rows: list[dict[str, Any]] = [
        {name: getattr(row, name) for name in ("id", "queue", "person", "state", "agent", "result", "tries", "seconds")}
        for row in found
    ]
    if json_output:
        print_json({"tasks": rows})
    else:
        table(("task", "queue", "person", "state", "agent", "result", "tries", "seconds"), [list(row.values()) for row in rows])


def _at_desk(
    config: str | None,
    store: str | None,
    account: str | None,
    work: "Callable[[Worklist, datetime], Awaitable[_T]]",
) -> _T:
    async def run(gateway: "Gateway") -> _T:
        return await work(_desk(gateway, account), gateway.clock.now())

    return with_gateway(gateway_of(config, store=store), run)


def _desk(gateway: "Gateway", account: str | None) -> "Worklist":
    from recallgate.model.errors import ConfigError

    desks = gateway.worklists
    if account is None and len(desks) == 1:
        return next(iter(desks.values()))
    if account is None or account not in desks:
        raise ConfigError(f"account: name one of the worklists with --account; there are: {', '.join(desks) or 'none'}")
    return desks[account]
