"""Kill workers at random, and hold the store against the vendor's ledger: nothing lost, nothing doubled unsaid.

    python tests/kill.py --kills 200 --workers 4 --engine embedded --store postgres [--keys] [--faults reset=0.01]

Workers are real processes of the command `recallgate worker`, the vendor is a real server; every 0.2 to 3 seconds one worker
gets SIGKILL and another begins. Afterwards the workers finish what is left. 200 kills take about six minutes.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from recallgate import Gateway, GatewayConfig, Message
from recallgate.testing.chaos import accepted
from recallgate.testing.chaos_adapter import install

LEASE_S, REPORT_WAIT_S = 2.0, 0.5
SLOTS = 20  # requests in flight of a worker
BACKLOG = 500
LANES = 2  # one channel: what is urgent, and the rest
STUCK_MS = 10_000
HERE = Path(__file__).parent


@dataclass
class Tally:
    """What a run came to."""

    kills: int
    messages: int = 0
    states: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    stuck: int = 0
    doubled: int = 0
    unmarked: int = 0
    uncertain: int = 0
    killing: float = 0.0
    settling: float = 0.0
    seconds: float = 0.0

    @property
    def bound(self) -> int:
        """What one kill may leave uncertain: what the lanes of one worker may have committed as leaving."""
        return LANES * (SLOTS + 2 * max(50, 4 * SLOTS))

    def faults(self, *, keys: bool) -> list[str]:
        """The promises that did not hold."""
        found = [f"{name}: {number}" for name in ("lost", "stuck", "unmarked") if (number := getattr(self, name))]
        if keys and self.doubled:
            found.append(f"doubled with keys: {self.doubled}")
        if self.uncertain > self.kills * self.bound:
            found.append(f"uncertain: {self.uncertain} after {self.kills} kills, with {self.bound} a kill")
        if not self.states.get("accepted"):
            found.append("nothing was accepted")
        return found


class Fleet:
    """Worker processes, begun by one that has everything loaded, so that a new one works within a moment."""

    def __init__(self, arguments: list[str], path: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])}
        self._nursery = subprocess.Popen(
            [sys.executable, str(HERE / "nursery.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            encoding="utf-8",
        )
        self.alive: list[int] = []

    def start(self) -> None:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("start\n")
        self._nursery.stdin.flush()
        self.alive.append(int(self._nursery.stdout.readline()))

    def kill(self, chance: random.Random) -> None:
        """End one of them, at once and without a word."""
        os.kill(self.alive.pop(chance.randrange(len(self.alive))), signal.SIGKILL)

    def end(self) -> float:
        """Ask all to end; answers how many seconds that took."""
        began = time.monotonic()
        for process in self.alive:
            os.kill(process, signal.SIGTERM)
        while self.alive and time.monotonic() - began < 20:
            self.alive = [process for process in self.alive if _runs(process)]
            time.sleep(0.02)
        return time.monotonic() - began

    def close(self) -> None:
        for process in self.alive:
            os.kill(process, signal.SIGKILL)
        self._nursery.kill()
        self._nursery.communicate()


def run(
    kills: int,
    *,
    workers: int,
    engine: str,
    store: str,
    folder: Path,
    keys: bool = False,
    faults: str = "",
    seed: int = 0,
    every: tuple[float, float] = (0.2, 3.0),
) -> Tally:
    """Kill `kills` times, then let the rest finish; `store` is the address of an empty one."""
    chance, tally, began = random.Random(seed), Tally(kills), time.monotonic()
    ledger = folder / "ledger.jsonl"
    install(folder / "site")
    with ExitStack() as stack:
        vendor = stack.enter_context(chaos(ledger, faults=faults, seed=seed))
        config = folder / "gateway.toml"
        config.write_text(settings(store, vendor, "chaos.keysms" if keys else "chaos.sms"))
        sender = stack.enter_context(Sender(store))
        fleet = Fleet(["--config", str(config), "--engine", engine], folder / "site")
        stack.callback(fleet.close)
        for _ in range(workers):
            fleet.start()
        ids: dict[str, str] = {}
        for _ in range(kills):
            ids.update(sender.fill(BACKLOG))
            grown = _size(ledger)
            time.sleep(chance.uniform(*every))
            wait(lambda grown=grown: _size(ledger) > grown, 5.0)  # type: ignore[misc] # those who begin are at work
            fleet.kill(chance)
            fleet.start()
        tally.killing = time.monotonic() - began
        tally.stuck = _settle(sender)
        tally.settling = time.monotonic() - began - tally.killing
        assert fleet.end() < 10, "a worker did not end within 10 s"
        _compare(tally, ids, sender, accepted(ledger))
    tally.seconds = time.monotonic() - began
    return tally


def settings(store: str, vendor: str, adapter: str, *, deadline_s: float = 2.0) -> str:
    gateway = {"store": store, "lease_s": LEASE_S, "report_wait_s": REPORT_WAIT_S, "jitter_minutes": 0}
    account = {"adapter": adapter, "base_url": vendor, "concurrency": SLOTS, "deadline_s": deadline_s}
    tables = {"gateway": gateway, "accounts.chaos": account}
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines)


class Sender:
    """The application: it submits, and looks at the rows."""

    def __init__(self, store: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._gateway = Gateway(config=GatewayConfig(), store=store)
        self._count = 0

    def __enter__(self) -> "Sender":
        self._loop.run_until_complete(self._gateway.open())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._gateway.close())
        self._loop.close()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._loop.run_until_complete(
            self._gateway.store.run(lambda c: [tuple(row) for row in c.execute(text(statement))])
        )

    def fill(self, wanted: int) -> dict[str, str]:
        """Submit until so many wait; answers purposes by id."""
        ((waiting,),) = self.rows("select count(*) from rg_message where state in ('queued', 'held')")
        batch = [self._message() for _ in range(max(wanted - waiting, 0))]
        self._loop.run_until_complete(self._gateway.submit(batch))
        return {one.id: one.purpose.value for one in batch}

    def _message(self) -> Message:
        self._count += 1
        purpose = "otp" if self._count % 5 == 0 else "service"
        number = f"+1415555{self._count % 10_000:04d}"
        return Message.sms(number, "Hello", purpose=purpose, country="US", timezone="America/New_York")


OPEN = "state in ('queued', 'held', 'sending') or (state = 'uncertain' and settle_at is not null)"


def _settle(sender: Sender, *, within: float = 90.0) -> int:
    """Wait until nothing is open; answers how many rows were ever stuck: leased out, and not taken care of for 10 s after."""
    stuck: set[str] = set()
    began = time.monotonic()
    while time.monotonic() - began < within:
        now = int(time.time() * 1000)
        found = sender.rows(f"select id from rg_message where state = 'sending' and lease_until < {now - STUCK_MS}")  # noqa: S608
        stuck.update(identity for (identity,) in found)
        if not sender.rows(f"select 1 from rg_message where {OPEN} limit 1"):  # noqa: S608
            return len(stuck)
        time.sleep(0.3)
    ((left,),) = sender.rows(f"select count(*) from rg_message where {OPEN}")  # noqa: S608
    return len(stuck) + int(left)


def _compare(tally: Tally, ids: dict[str, str], sender: Sender, ledger: dict[str, int]) -> None:
    rows = {identity: (state, reason) for identity, state, reason in sender.rows("select id, state, reason from rg_message")}
    tally.messages = len(ids)
    # a message that failed, or is in doubt once more, says why; that it was in doubt before is told by its attempts
    again = {
        one
        for (one,) in sender.rows("select message_id from rg_attempt where outcome = 'uncertain' group by 1 having count(*) > 1")
    }
    for state, _ in rows.values():
        tally.states[state] = tally.states.get(state, 0) + 1
    for identity in ids:
        state, reason = rows.get(identity, ("", None))
        times = ledger.get(identity, 0)
        if not state or (state == "accepted" and not times) or (state == "failed" and times):
            tally.lost += 1
        if times > 1:
            tally.doubled += 1
            tally.unmarked += reason != "uncertain.sent_again" and not (state in ("failed", "uncertain") and identity in again)
    ((tally.uncertain,),) = sender.rows("select count(*) from rg_attempt where code = 'crash'")


@contextmanager
def chaos(ledger: Path, *, faults: str = "", latency: float = 0.03, seed: int = 0) -> Iterator[str]:
    """The chaos vendor as a process; its address."""
    options = ["--ledger", str(ledger), "--faults", faults, "--latency", str(latency), "--seed", str(seed)]
    process = subprocess.Popen(
        [sys.executable, "-m", "recallgate.testing.chaos", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def _size(ledger: Path) -> int:
    return ledger.stat().st_size if ledger.exists() else 0


def wait(claim: Callable[[], bool], most: float) -> None:
    until = time.monotonic() + most
    while not claim() and time.monotonic() < until:
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def new_store(kind: str, folder: Path) -> Iterator[str]:
    """An empty store of a kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/kill.sqlite"
        return
    from postgres import database, server

    with server() as running:
        yield database(running)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--engine", choices=("embedded", "pgqueuer"), default="embedded")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--keys", action="store_true", help="the vendor takes idempotency keys")
    parser.add_argument("--faults", default="", help="shares, such as reset=0.01,taken_silence=0.005")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rg-kill-"))
    print(f"{given.kills} kills take about {given.kills * 1.7 + 15:.0f} s", flush=True)
    try:
        with new_store(given.store, folder) as store:
            tally = run(
                given.kills,
                workers=given.workers,
                engine=given.engine,
                store=store,
                folder=folder,
                keys=given.keys,
                faults=given.faults,
                seed=given.seed,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{given.engine} on {given.store}{', keys' if given.keys else ''}: {tally.messages} messages in {tally.seconds:.0f} s")
    print(f"  {tally.states}")
    print(
        f"  lost {tally.lost}, stuck {tally.stuck}, doubled {tally.doubled} of which unmarked {tally.unmarked},"
        f" uncertain {tally.uncertain} ({tally.uncertain / tally.kills:.0f} a kill, allowed {tally.bound})"
    )
    found = tally.faults(keys=given.keys)
    print("  FAILED: " + "; ".join(found) if found else "  all promises held")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
