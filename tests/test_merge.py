"""Two stores become one."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from recallgate import Gateway, Message
from recallgate.cli.demo.part import Carried
from recallgate.cli.demo.run import _Elsewhere
from recallgate.model.errors import RecallgateError
from recallgate.store.merge import absorb
from recallgate.store.tables import metadata


def filled(path: Path, *people: str) -> Path:
    """A store with a message and a suppression for each of these people."""

    async def fill() -> None:
        async with Gateway(store=f"sqlite:///{path}") as gateway:
            await gateway.submit(
                Message.sms("+14155550100", "Hi", purpose="service", person=one, id=f"m-{one}") for one in people
            )
            for one in people:
                await gateway.suppress(person=one, reason="opt_out", source="import")

    asyncio.run(fill())
    return path


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def tally(path: Path, key: str, amount: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("insert into rg_tally (tenant, key, bucket, amount) values ('default', ?, 1, ?)", (key, amount))


def test_rows_of_both_are_there_once_and_numbered_ones_keep_their_order(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "1.sqlite", "ann", "bob"), filled(tmp_path / "2.sqlite", "cid", "dan", "eve")

    copied = absorb(first, second)

    assert rows(first, "select id from rg_message order by id") == [("m-ann",), ("m-bob",), ("m-cid",), ("m-dan",), ("m-eve",)]
    subjects = rows(first, "select subject from rg_suppression order by seq")
    assert subjects == [("p:ann",), ("p:bob",), ("p:cid",), ("p:dan",), ("p:eve",)]
    assert copied == 6


def test_every_table_is_copied(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "1.sqlite"), filled(tmp_path / "2.sqlite")
    with sqlite3.connect(second) as connection:
        for table in metadata.sorted_tables:
            if table.name != "rg_schema_version":
                names = [column.name for column in table.columns if column is not table.autoincrement_column]
                values = ", ".join("1" * len(names))
                connection.execute(f"insert into {table.name} ({', '.join(names)}) values ({values})")  # noqa: S608

    absorb(first, second)

    counts = {table.name: rows(first, f"select count(*) from {table.name}")[0][0] for table in metadata.sorted_tables}  # noqa: S608
    assert set(counts.values()) == {1}


def test_what_both_have_stays_and_tallies_are_added_up(tmp_path: Path) -> None:
    first, second = filled(tmp_path / "1.sqlite", "ann"), filled(tmp_path / "2.sqlite")
    for path, amount in ((first, 2), (second, 3)):
        tally(path, "b:spend", amount)
    tally(second, "b:other", 5)
    with sqlite3.connect(second) as connection:
        connection.execute("insert into rg_pause values ('default', 'channel', 'sms', 'stopped', 2)")
    with sqlite3.connect(first) as connection:
        connection.execute("insert into rg_pause values ('default', 'channel', 'sms', 'paused', 1)")

    absorb(first, second)

    assert rows(first, "select key, amount from rg_tally order by key") == [("b:other", 5), ("b:spend", 5)]
    assert rows(first, "select mode from rg_pause") == [("paused",)]


def test_a_second_process_that_fails_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    async def attempt() -> Carried:
        elsewhere = _Elsewhere(tmp_path / "no such folder" / "part.sqlite", 200, "1")
        await elsewhere.start()
        try:
            return await elsewhere.carried(lambda stage, share: None)
        finally:
            await elsewhere.end()
            assert elsewhere._process is not None
            assert elsewhere._process.returncode is not None

    with pytest.raises(RecallgateError, match=r"second process ended early: .*no such folder does not exist"):
        asyncio.run(attempt())
