"""The rota: recurring jobs, each run by one process at a time, whoever comes first. One row of the store a job or shard."""

import asyncio
import json
import logging
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from recallgate.engines.port import Crew
from recallgate.model.errors import StoreError
from recallgate.model.jobs import Job, Sharded
from recallgate.store import jobs as rows
from recallgate.store.engine import Store

_log = logging.getLogger("recallgate.engines")
LEASE_S = 4.0  # a holder that dies keeps its job for so long
LOOK_S = 1.0
BEAT_S = 5.0
SILENT_MS = 60_000


class Rota:
    """Runs jobs for one process. A job fires once in its `every`, however many processes have it on their rota."""

    def __init__(self, store: Store, stop: asyncio.Event, *, lease_s: float = LEASE_S) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._store = store
        self._stop = stop
        self._lease_s = lease_s

    async def run(self, jobs: Sequence[Job], crew: Crew) -> None:
        """Until told to stop; a job that runs then is ended after `LEASE_S`."""
        turns = [(job, shard) for job in jobs for shard in range(job.shards if isinstance(job, Sharded) else 1)]
        tasks = [asyncio.create_task(self._turns(job, shard, crew)) for job, shard in turns]
        await self._stop.wait()
        if tasks:
            await asyncio.wait(tasks, timeout=self._lease_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _turns(self, job: Job, shard: int, crew: Crew) -> None:
        name = f"{job.name}#{shard}" if isinstance(job, Sharded) else job.name
        every = job.every.total_seconds()
        while not self._stop.is_set():
            done = 0
            try:
                if await self._claim(name):
                    done = await self._fire(job, shard, name, crew)
                    again = 0 if done else int(every * 1000)
                    await self._store.run(partial(rows.finish, name=name, holder=self.holder, again_ms=again), small=True)
            except StoreError as exc:
                _log.debug("job %s waits for the store: %s", name, exc)
            if not done:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), min(every, LOOK_S))

    async def _claim(self, name: str) -> bool:
        lease = int(self._lease_s * 1000)
        return await self._store.run(partial(rows.claim, name=name, holder=self.holder, lease_ms=lease), small=True)

    async def _fire(self, job: Job, shard: int, name: str, crew: Crew) -> int:
        now = crew.clock.now()
        work = asyncio.ensure_future(job.run_shard(shard, now) if isinstance(job, Sharded) else job.run(now))
        keeping = asyncio.create_task(self._keep(name, work))
        try:
            return await work
        except asyncio.CancelledError:
            if not work.cancelled():  # we were told to end: the job ends with us
                work.cancel()
                raise
            _log.warning("job %s was taken over by another process", name)
            return 0
        except Exception as exc:  # the next round tries again; a job's fault must not end the worker
            _log.error("job %s failed: %s", name, type(exc).__name__)
            return 0
        finally:
            keeping.cancel()

    async def _keep(self, name: str, work: "asyncio.Future[int]") -> None:
        """Renew the lease of a job that runs long; end it here when it is another's by now."""
        lease = int(self._lease_s * 1000)
        while True:
            await asyncio.sleep(self._lease_s / 4)
            try:
                ours = await self._store.run(partial(rows.renew, name=name, holder=self.holder, lease_ms=lease), small=True)
            except StoreError:
                continue
            if not ours:
                work.cancel()
                return


async def beats(crew: Crew, stop: asyncio.Event, *, holder: str, engine: str) -> None:
    """Tell the others every five seconds that this process is about, and strike it off at the end."""
    host, pid = socket.gethostname(), os.getpid()
    while not stop.is_set():
        row = rows.WorkerRow(holder, host, pid, engine, crew.worker.in_flight, json.dumps(crew.health()))
        with suppress(StoreError):
            await crew.store.run(partial(rows.beat, row=row), small=True)
            await crew.store.synchronise()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), BEAT_S)
    with suppress(StoreError):
        await crew.store.run(partial(rows.forget, identity=holder, silent_ms=SILENT_MS), small=True)
