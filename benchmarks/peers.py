"""What a user would write instead, beside the whole path: the same Twilio texts, one vendor on loopback, one table.

The gateway is measured from its opening to the last committed outcome, `submit` included, on SQLite with synchronous=FULL,
with its Twilio adapter: the peers keep nothing, check nothing and cap nothing. Each case is a process of its own that warms
up first; rounds alternate, medians are compared. A stock httpx client takes a tenth of the messages, since it would take
minutes. Apprise's own throttle is switched off. Only loopback can be reached, so that no peer can find a real vendor.
Usage: pip install -r benchmarks/requirements.txt, then python benchmarks/peers.py [--messages 2000] [--rounds 3]
"""

import argparse
import asyncio
import itertools
import json
import logging
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import httpx
from fakes import texts
from servers import TRANSPORTS, sink

from recallgate import AccountConfig, Gateway, Message
from recallgate.cli.memory import steady_heap

_SID, _TOKEN, _FROM = "AC" + "a" * 32, "b" * 32, "+14155550199"
_TARGETS = 50  # recipients of one of Apprise's services
_LOOPBACK = ("127.0.0.1", b"127.0.0.1", "localhost")

Send = Callable[[Message], Awaitable[object]]


class Case(NamedTuple):
    """One row of the table. `slow`: it takes a tenth of the messages; `needs`: a package that has to be there."""

    name: str
    in_flight: int
    aim: str = ""
    slow: bool = False
    needs: str | None = None


CASES = (
    Case("gateway lanes", 50),
    Case("gateway fast", 50, needs="httpx_aiohttp"),
    Case("apprise targets", 50, ">= 3 x, stretch 6 x", needs="apprise"),
    Case("httpx a client a message", 50, slow=True),
    Case("httpx one client", 50, ">= 5 x out of the box", slow=True),
    Case("twilio async", 50, "as near to 1 x as can be", needs="twilio"),
    Case("gateway lanes", 200),
    Case("gateway fast", 200, needs="httpx_aiohttp"),
    Case("httpx a client a message", 200, slow=True),
    Case("httpx one client", 200, ">= 10 x out of the box", slow=True),
    Case("twilio async", 200, "as near to 1 x as can be", needs="twilio"),
)


class Figures(NamedTuple):
    """Microseconds of CPU a message, and messages a second."""

    cpu_us: float
    rate: float


def loopback_only() -> None:
    """No name is resolved: a peer whose address was not replaced must fail and not reach its vendor."""
    known = socket.getaddrinfo

    def found(host: Any, *rest: Any, **more: Any) -> Any:
        if host not in _LOOPBACK:
            raise OSError(f"{host} is not on loopback")
        return known(host, *rest, **more)

    socket.getaddrinfo = found


async def spread(messages: list[Message], in_flight: int, send: Send) -> int:
    """Send with so many at once; answers how many were taken."""
    waiting, taken = iter(messages), 0

    async def one_after_the_other() -> None:
        nonlocal taken
        for message in waiting:
            if await send(message):
                taken += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    return taken


def form(message: Message) -> dict[str, str]:
    return {"To": message.to.key, "From": _FROM, "Body": message.text or ""}


async def gateway(base: str, messages: list[Message], in_flight: int, *, transport: str) -> int:
    """The whole path; answers how many a vendor took, as the store knows it."""
    host = base.removeprefix("http://")
    dsn = f"twilio.sms://{_SID}:{_TOKEN}@{host}?scheme=http&sender={_FROM}&concurrency={in_flight}"
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/peers.sqlite"
        made = TRANSPORTS[transport]
        account = AccountConfig.from_dsn(dsn, name="bench")
        async with Gateway(account, store=store, transport=lambda _: made(in_flight)) as ours:
            await ours.submit(messages)
            await ours.worker.drain(["sms"])
            counts = (await ours.status())["messages"]
    return int(counts.get("accepted", 0))


async def one_client(base: str, messages: list[Message], in_flight: int) -> int:
    address = f"{base}/2010-04-01/Accounts/{_SID}/Messages.json"
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(auth=(_SID, _TOKEN), limits=limits, timeout=60) as client:

        async def send(message: Message) -> object:
            return (await client.post(address, data=form(message))).json()["sid"]

        return await spread(messages, in_flight, send)


async def client_a_message(base: str, messages: list[Message], in_flight: int) -> int:
    address = f"{base}/2010-04-01/Accounts/{_SID}/Messages.json"

    async def send(message: Message) -> object:
        async with httpx.AsyncClient(auth=(_SID, _TOKEN), timeout=60) as client:
            return (await client.post(address, data=form(message))).json()["sid"]

    return await spread(messages, in_flight, send)


async def twilio_async(base: str, messages: list[Message], in_flight: int) -> int:
    over = import_module("twilio.http.async_http_client").AsyncTwilioHttpClient()
    client = import_module("twilio.rest").Client(_SID, _TOKEN, http_client=over)
    client.api.base_url = base

    async def send(message: Message) -> object:
        return (await client.messages.create_async(to=message.to.key, from_=_FROM, body=message.text)).sid

    taken = await spread(messages, in_flight, send)
    await over.close()
    return taken


async def apprise_targets(base: str, messages: list[Message], in_flight: int) -> int:
    """One `twilio://` service with 50 targets after the other; all targets get the same words."""
    apprise = import_module("apprise")
    plugin = import_module("apprise.plugins.twilio").NotifyTwilio
    if not hasattr(plugin, "notify_sms_url"):
        raise SystemExit("apprise names its address in another way: install the release of benchmarks/requirements.txt")
    plugin.notify_sms_url = base + "/2010-04-01/Accounts/{sid}/Messages.json"
    plugin.request_rate_per_sec = 0
    taken = 0
    for start in range(0, len(messages), _TARGETS):
        targets = messages[start : start + _TARGETS]
        services = apprise.Apprise()
        services.add(f"twilio://{_SID}:{_TOKEN}@{_FROM}/" + "/".join(one.to.key for one in targets))
        if await services.async_notify(body=targets[0].text):
            taken += len(targets)
    return taken


def work_of(name: str) -> Callable[[str, list[Message], int], Coroutine[Any, Any, int]]:
    """What a case runs."""
    if name.startswith("gateway "):
        return lambda base, messages, in_flight: gateway(base, messages, in_flight, transport=name.split()[1])
    return {
        "httpx one client": one_client,
        "httpx a client a message": client_a_message,
        "twilio async": twilio_async,
        "apprise targets": apprise_targets,
    }[name]


def one(name: str, base: str, count: int, in_flight: int) -> None:
    """Measure a case in this process and print its figures as JSON."""
    loopback_only()
    logging.disable(logging.CRITICAL)
    work = work_of(name)
    asyncio.run(work(base, list(texts(2 * in_flight, purpose="service", start=5_000_000)), in_flight))
    messages = list(texts(count, purpose="service"))
    steady_heap()  # for all, as `recallgate worker` does once it stands
    cpu, wall = time.process_time(), time.perf_counter()
    taken = asyncio.run(work(base, messages, in_flight))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if taken != count:
        raise SystemExit(f"{name}: {taken} of {count} were taken")
    print(json.dumps(Figures(cpu / count * 1e6, count / wall)._asdict()))


def measured(case: Case, base: str, count: int) -> Figures:
    """A case in a process of its own."""
    share = max(count // 10, 2 * case.in_flight) if case.slow else count
    numbers = ("--messages", str(share), "--in-flight", str(case.in_flight))
    program = [sys.executable, "-W", "ignore", __file__, "--one", case.name, "--url", base, *numbers]
    done = subprocess.run(program, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise SystemExit(f"{case.name} at {case.in_flight} failed:\n{done.stderr[-2000:]}")
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def table(found: dict[Case, Figures]) -> None:
    """Every row, and how many times its CPU and its time ours takes: above 1 the gateway is the cheaper one."""
    head = f"{'':28s} {'at once':>7s} {'CPU us':>9s} {'a second':>9s}"
    print(head + f" {'lanes: CPU':>11s} {'time':>6s} {'fast: CPU':>11s} {'time':>6s}  aim")
    for case, figures in found.items():
        cells = []
        for transport in ("lanes", "fast"):
            ours = next((known for it, known in found.items() if it[:2] == (f"gateway {transport}", case.in_flight)), None)
            if ours is None or case.name.startswith("gateway"):
                cells.append(f" {'-':>11s} {'-':>6s}")
            else:
                cells.append(f" {figures.cpu_us / ours.cpu_us:9.2f} x {ours.rate / figures.rate:4.1f} x")
        print(f"{case.name:28s} {case.in_flight:7d} {figures.cpu_us:9.0f} {figures.rate:9.0f}{''.join(cells)}  {case.aim}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--in-flight", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one, given.url, given.messages, given.in_flight)
        return
    missing = sorted({case.needs for case in CASES if case.needs and find_spec(case.needs) is None})
    cases = [case for case in CASES if case.needs not in missing]
    if missing:
        print(f"NOT MEASURED, since not installed: {', '.join(missing)}", file=sys.stderr, flush=True)
    rounds: dict[Case, list[Figures]] = {case: [] for case in cases}
    with sink() as base:
        for _, case in itertools.product(range(given.rounds), cases):
            rounds[case].append(measured(case, base, given.messages))
    table(
        {
            case: Figures(statistics.median(one.cpu_us for one in all_), statistics.median(one.rate for one in all_))
            for case, all_ in rounds.items()
        }
    )
    if missing:
        raise SystemExit(f"the table lacks {', '.join(missing)}: install benchmarks/requirements.txt")


if __name__ == "__main__":
    main()
