"""Messages in the application's own transaction, through every connection it may have; and keys that make one message."""

import asyncio
import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from engines.floor import Floor, hello, rows, script, until
from gateway.ground import live
from recallgate import BlockingGateway, ConfigError, Gateway, IdempotencyConflict
from recallgate.engines import pgqueuer


@dataclass
class Caller:
    """A connection in a transaction, and how the caller ends it."""

    connection: Any
    commit: Callable[[], Any]
    rollback: Callable[[], Any]

    async def end(self, *, kept: bool) -> None:
        done = self.commit() if kept else self.rollback()
        if isinstance(done, Awaitable):
            await done


def sa(url: str, driver: str) -> str:
    return (
        url.replace("postgresql:", f"postgresql+{driver}:")
        if url.startswith("postgresql")
        else url.replace("sqlite:", f"sqlite+{driver}:")
    )


@asynccontextmanager
async def caller(kind: str, url: str) -> AsyncIterator[Caller]:
    """A caller's connection of a kind."""
    path = url.removeprefix("sqlite:///")
    match kind:
        case "sqlite3":
            raw = sqlite3.connect(path)
            yield Caller(raw, raw.commit, raw.rollback)
            raw.close()
        case "aiosqlite":
            async with aiosqlite.connect(path) as light:
                yield Caller(light, light.commit, light.rollback)
        case "asyncpg":
            fast = await asyncpg.connect(url)
            await fast.set_type_codec("jsonb", encoder=lambda value: f'"{value}"', decoder=str, schema="pg_catalog")
            begun = fast.transaction()
            await begun.start()
            yield Caller(fast, begun.commit, begun.rollback)
            await fast.close()
        case "psycopg":
            with psycopg.connect(url) as plain:
                yield Caller(plain, plain.commit, plain.rollback)
        case "psycopg async":
            async with await psycopg.AsyncConnection.connect(url) as modern:
                yield Caller(modern, modern.commit, modern.rollback)
        case "sqlalchemy" | "session":
            engine = create_engine(sa(url, "psycopg" if url.startswith("postgresql") else "pysqlite"))
            with engine.connect() if kind == "sqlalchemy" else Session(engine) as one:
                yield Caller(one, one.commit, one.rollback)
            engine.dispose()
        case _:
            made = create_async_engine(sa(url, "asyncpg" if url.startswith("postgresql") else "aiosqlite"))
            async with made.connect() if kind == "sqlalchemy async" else AsyncSession(made) as other:
                yield Caller(other, other.commit, other.rollback)
            await made.dispose()


ANYWHERE = ("sqlalchemy", "sqlalchemy async", "session", "session async")
KINDS = {"sqlite": ("sqlite3", "aiosqlite", *ANYWHERE), "postgres": ("asyncpg", "psycopg", "psycopg async", *ANYWHERE)}


@live
async def test_a_commit_is_the_promise_and_a_rollback_takes_it_back(store_url: str) -> None:
    async with Floor("embedded", store_url).make() as gateway:
        wanted = 0
        for kind in KINDS["postgres" if store_url.startswith("postgresql") else "sqlite"]:
            for kept in (False, True):
                async with caller(kind, store_url) as app:
                    stored = await gateway.submit([hello(1), hello(2)], connection=app.connection)
                    assert [one.duplicate for one in stored] == [False, False]
                    await app.end(kept=kept)
                wanted += 2 * kept

                assert await rows(gateway, "select count(*) from rg_message") == [(wanted,)], kind
        assert await gateway.drain() == wanted


@live
async def test_a_key_in_the_callers_transaction_is_one_message_and_another_body_is_refused(store_url: str) -> None:
    async with Floor("embedded", store_url).make() as gateway:
        first = hello(1, idempotency_key="order:1")
        await gateway.submit([first])
        for kind in KINDS["postgres" if store_url.startswith("postgresql") else "sqlite"]:
            async with caller(kind, store_url) as app:
                (again,) = await gateway.submit([hello(1, idempotency_key="order:1")], connection=app.connection)
                assert (again.id, again.duplicate) == (first.id, True), kind
                with pytest.raises(IdempotencyConflict, match="used before for another message"):
                    await gateway.submit([hello(2, idempotency_key="order:1")], connection=app.connection)
                await app.end(kept=False)


@live
async def test_rolled_back_at_random_nothing_is_sent_that_was_not_committed(store_url: str) -> None:
    chance = random.Random(5)
    async with Floor("embedded", store_url).make() as gateway:
        kept: set[str] = set()
        kind = "asyncpg" if store_url.startswith("postgresql") else "sqlite3"
        if kind == "sqlite3":
            raw = sqlite3.connect(store_url.removeprefix("sqlite:///"))
            for _ in range(200):
                batch = [hello(n) for n in range(chance.randint(1, 3))]
                raw.execute("savepoint inner") if chance.random() < 0.5 else None
                await gateway.submit(batch, connection=raw)
                if raw.in_transaction and chance.random() < 0.5:
                    raw.rollback()
                else:
                    raw.commit()
                    kept |= {one.id for one in batch}
            raw.close()
        else:
            fast = await asyncpg.connect(store_url)
            for _ in range(200):
                batch, outer = [hello(n) for n in range(chance.randint(1, 3))], fast.transaction()
                await outer.start()
                inner = fast.transaction()
                await inner.start()
                await gateway.submit(batch, connection=fast)
                inner_kept, outer_kept = chance.random() < 0.7, chance.random() < 0.7
                await (inner.commit() if inner_kept else inner.rollback())
                await (outer.commit() if outer_kept else outer.rollback())
                kept |= {one.id for one in batch} if inner_kept and outer_kept else set()
            await fast.close()
        await gateway.drain()

        assert {one.id for one in script(gateway).sent} == kept


@live
async def test_fifty_callers_with_one_key_make_one_row(store_url: str) -> None:
    floor = Floor("embedded", store_url)
    async with floor.make() as gateway, floor.make() as other:
        batch = [hello(7, idempotency_key="order:7") for _ in range(50)]
        found = await asyncio.gather(*((gateway, other)[n % 2].submit([one]) for n, one in enumerate(batch)))

        assert len({stored.id for (stored,) in found}) == 1
        assert sum(not stored.duplicate for (stored,) in found) == 1
        assert await rows(gateway, "select count(*) from rg_message") == [(1,)]


@live
async def test_callers_in_open_transactions_with_one_key_make_one_row(postgres_url: str) -> None:
    async with Floor("embedded", postgres_url).make() as gateway:

        async def one() -> bool:
            async with caller("asyncpg", postgres_url) as app:
                (stored,) = await gateway.submit([hello(7, idempotency_key="order:7")], connection=app.connection)
                await asyncio.sleep(0.01)
                await app.end(kept=True)
                return stored.duplicate

        assert sorted(await asyncio.gather(*(one() for _ in range(12)))) == [False, *[True] * 11]
        assert await rows(gateway, "select count(*) from rg_message") == [(1,)]


@live
async def test_a_commit_of_the_application_wakes_the_workers(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgqueuer.Sweeper, "every", timedelta(seconds=60))  # so that it is not the sweeper who finds it
    floor = Floor("pgqueuer", postgres_url)
    async with floor.working() as worker:
        await asyncio.sleep(0.5)
        async with caller("psycopg", postgres_url) as app:
            await worker.submit([hello(1)], connection=app.connection)
            await asyncio.sleep(0.2)
            assert script(worker).tried == []
            await app.end(kept=True)
            await until(lambda: bool(script(worker).sent), within=15)


def test_a_program_without_a_loop_uses_its_connection_in_its_own_thread(tmp_path: Path) -> None:
    floor = Floor("embedded", f"sqlite:///{tmp_path}/app.sqlite")
    with BlockingGateway(floor.make()) as gateway:
        raw = sqlite3.connect(tmp_path / "app.sqlite", check_same_thread=True)
        (stored,) = gateway.submit([hello(1)], connection=raw)
        raw.commit()
        raw.close()

        assert not stored.duplicate
        assert gateway.drain() == 1


def test_django_writes_in_its_atomic_block(store_url: str) -> None:
    code = f"""
import sys
from urllib.parse import urlsplit, parse_qs
import django
from django.conf import settings
url = {store_url!r}
if url.startswith("sqlite"):
    database = {{"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///")}}
else:
    parts = urlsplit(url)
    database = {{"ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], "USER": parts.username,
                 "HOST": parse_qs(parts.query)["host"][0]}}
settings.configure(DATABASES={{"default": database}})
django.setup()
from django.db import connection, transaction
from recallgate import BlockingGateway, Gateway, Message
with BlockingGateway(Gateway(store=url)) as gateway:
    def place(number, fails):
        with transaction.atomic():
            order = Message.sms("+14155550123", "Hello", purpose="service", idempotency_key=number)
            gateway.submit([order], connection=connection)
            if fails:
                raise RuntimeError
    place("kept", False)
    try:
        place("gone", True)
    except RuntimeError:
        pass
    print(gateway.status()["messages"])
"""
    import subprocess
    import sys

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=False)

    assert (ran.stdout, ran.returncode) == ("{'queued': 1}\n", 0), ran.stderr


@live
async def test_an_unknown_connection_names_those_that_are_known(tmp_path: Path) -> None:
    async with Floor("embedded", f"sqlite:///{tmp_path}/x.sqlite").make() as gateway:
        with pytest.raises(ConfigError, match="SQLAlchemy, asyncpg, psycopg, sqlite3"):
            await gateway.submit([hello()], connection=object())


def test_a_connection_that_is_awaited_asks_for_await(tmp_path: Path) -> None:
    made: list[Exception] = []

    def work(gateway: Gateway) -> None:
        with BlockingGateway(gateway) as blocking:
            light = aiosqlite.connect(tmp_path / "x.sqlite")
            try:
                blocking.submit([hello()], connection=light)
            except ConfigError as exc:
                made.append(exc)

    thread = threading.Thread(target=work, args=(Floor("embedded", f"sqlite:///{tmp_path}/x.sqlite").make(),))
    thread.start()
    thread.join()

    assert "await gateway.submit" in str(made[0])
