"""Encrypted contents: nothing of them is readable in the store, keys rotate, and a wrong key sends nothing."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.ground import DAY, NOON, NUMBER, Ground, account, ground, live, marketing, of
from postgres import database
from recallgate import ConfigError, Gateway, GatewayConfig, Inapp, InboxId, Message, PersonRecord, State, StoreError
from recallgate.delivery.chunk import Close
from recallgate.model.address import EmailAddress
from recallgate.model.custody import ErasureSettings
from recallgate.model.sealing import EncryptionSettings, KeyRing, new_key
from recallgate.store import messages, people, sealed
from recallgate.store.tables import metadata

OLD, NEW = new_key(), new_key()
SECRET = "the code is 4821-canary"


def settings(current: str = "new", **keys: str) -> EncryptionSettings:
    return EncryptionSettings.model_validate({"current": current, "keys": keys or {"new": NEW}})


def ring(current: str = "new", **keys: str) -> KeyRing:
    return settings(current, **keys).ring()


async def everything(here: Ground) -> str:
    """Every value of every table."""
    return "\n".join([str(await here.rows(f"select * from {name}")) for name in metadata.tables])  # noqa: S608


async def filled(here: Ground) -> Message:
    """A message that waits, one in the app's inbox, and a person with a name."""
    waiting = of("service", words=SECRET, not_before=NOON + DAY)
    await here.gateway.submit([waiting])
    await here.gateway.save_people(
        [PersonRecord("ann", contacts={"email": [EmailAddress(email="a@b.example", name="Canary Ann")]})]
    )
    note = Message(channel="inapp", to=InboxId(user="ann"), content=Inapp(body=SECRET), purpose="service")
    await here.gateway.send(note)
    return waiting


def accounts() -> tuple[Any, ...]:
    from recallgate import AccountConfig

    return account(), AccountConfig.build("inbox.inapp", {}, name="inbox")


@live
async def test_contents_are_unreadable_in_the_store_and_whole_outside() -> None:
    async with ground(*accounts(), encryption=settings()) as here:
        waiting = await filled(here)

        said = await everything(here)
        assert "canary" not in said.lower()
        assert said.count('{"sealed":"new"') == 4
        here.clock.advance(DAY)
        await here.gateway.drain()

        assert SECRET in here.script().sent[0].text
        assert await here.state(waiting.id) == "accepted"
        assert [one.content.body for one in await here.gateway.inbox.list("ann", now=here.clock.now())] == [SECRET]
        assert "canary" not in repr(here.gateway.ring).lower()
        assert NEW not in f"{here.gateway.ring!r} {here.gateway.config!r} {here.gateway.store.vault!r}"


@live
async def test_another_process_reads_what_this_one_sealed() -> None:
    async with ground(encryption=settings()) as here:
        await here.gateway.submit([of("service", words=SECRET)])
        messages._fresh.clear()  # as if it had been another process
        await here.gateway.drain()

        assert SECRET in here.script().sent[0].text


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that outlives its gateway."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shared.sqlite"
    return database(request.getfixturevalue("postgres_server"))


def test_rotation_seals_everything_anew_and_the_old_key_may_go(shared: str) -> None:
    @live
    async def run() -> None:
        async with ground(*accounts(), store=shared, encryption=settings("old", old=OLD)) as here:
            waiting = await filled(here)
            plain = json.dumps({"type": "inapp", "title": "", "body": "in the clear"})
            await here.rows_changed("update rg_inbox set payload = :plain", plain=plain)
            before = await here.rows("select payload from rg_message where id = :id", id=waiting.id)
        async with ground(*accounts(), store=shared, encryption=settings("new", old=OLD, new=NEW)) as here:
            assert await here.gateway.people.rotate(page=1) == 4
            said = await everything(here)
            assert await here.rows("select payload from rg_message where id = :id", id=waiting.id) != before
            assert said.count('{"sealed":"new"') == 4
            assert '{"sealed":"old"' not in said
            assert "in the clear" not in said
        async with ground(*accounts(), store=shared, encryption=settings()) as here:
            messages._fresh.clear()
            here.clock.advance(DAY)
            await here.gateway.drain()
            assert SECRET in here.script().sent[0].text
            assert SECRET in json.dumps(await here.gateway.export(address=NUMBER))

    run()


@pytest.mark.parametrize("keys", [None, {"other": OLD}, {"new": OLD}], ids=["no keys", "another id", "another key"])
def test_a_wrong_key_sends_nothing_and_says_which_is_missing(tmp_path: Path, keys: dict[str, str] | None) -> None:
    store = f"sqlite:///{tmp_path}/a.sqlite"

    @live
    async def run() -> None:
        async with ground(store=store, encryption=settings()) as here:
            await here.gateway.submit([of("service", words=SECRET)])
        messages._fresh.clear()
        wrong = settings(next(iter(keys)), **keys) if keys else None
        async with ground(store=store, encryption=wrong) as here:
            with pytest.raises(ConfigError, match="need the keys new"):
                await here.gateway.drain()
            assert (await here.gateway.status())["messages"] == {"queued": 1}
            assert not here.script().tried

    run()


def test_a_value_opens_only_where_it_belongs_and_only_with_its_key() -> None:
    made = ring().seal("x", "default\x1f1")

    assert ring().open(made, "default\x1f1") == "x"
    assert ring().open("plain", "anything") == "plain"
    for keys, bound, said in (
        (ring(), "default\x1f2", "is not the one"),
        (ring(new=OLD), "default\x1f1", "is not the one"),
        (ring("old", old=OLD), "default\x1f1", "the key 'new' is missing"),
    ):
        with pytest.raises(StoreError, match=said):
            keys.open(made, bound)
    with pytest.raises(StoreError, match="damaged"):
        ring().open('{"sealed":"new"', "b")
    assert ring().seal("x", "b") != ring().seal("x", "b")


@live
async def test_a_payload_that_changes_by_rerouting_stays_sealed() -> None:
    async with ground(encryption=settings()) as here:
        waiting = of("service", words=SECRET, not_before=NOON + DAY)
        await here.gateway.submit([waiting])
        row = Close("default", waiting.id, "held", "x", payload=waiting.model_dump_json())
        await here.gateway.store.run(lambda c: messages.close(c, [row], now=1))

        assert "canary" not in await everything(here)


@live
async def test_addresses_of_people_open_for_campaigns() -> None:
    async with ground(encryption=settings()) as here:
        await here.gateway.save_people([PersonRecord("ann", contacts={"email": [EmailAddress(email="a@b.example", name="Ann")]})])

        found = await here.gateway.store.run(lambda c: people.load_people(c, "default", ["ann"]))

        assert json.loads(found["ann"]["contacts"]["email"][0])["name"] == "Ann"


@live
async def test_an_erased_person_is_erased_from_sealed_values_too() -> None:
    keys = {"encryption": settings(), "erasure": ErasureSettings(key="a-key-that-never-changes")}
    async with ground(**keys) as here:
        other = "+14155550188"
        sent = of("service", words=SECRET, person="ann")
        await here.gateway.send(sent)
        await here.gateway.suppress(address=other)
        done = await here.gateway.erase("ann")

        assert done.rows["message"] == 1
        assert "sealed" not in str(await here.rows("select payload from rg_message"))
        assert (await here.gateway.send(marketing(NUMBER))).state == State.SUPPRESSED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"current": "a", "keys": {"a": "c2hvcnQ="}}, "encryption.keys.a: not 32 bytes"),
        ({"current": "a", "keys": {"a": "?"}}, "new-key"),
        ({"current": "a", "keys": {"b": OLD}}, "there is no key 'a'"),
        ({"current": "a", "file": "/nowhere/keys"}, "there is no file"),
    ],
)
def test_a_fault_in_the_keys_is_told_without_showing_them(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as told:
        Gateway(config=GatewayConfig.from_mapping({"encryption": given}), store="sqlite://")

    assert OLD not in str(told.value)


def test_keys_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_NOW", NEW)
    file = tmp_path / "keys"
    file.write_text(f"# older\nold = {OLD}\n")

    made = GatewayConfig.from_mapping({"encryption": {"current": "new", "keys": {"new": "env:KEY_OF_NOW"}, "file": str(file)}})

    assert made.encryption is not None
    assert repr(made.encryption.ring()) == "KeyRing(current='new', keys=['new', 'old'])"


def test_without_keys_rows_pass_untouched() -> None:
    async def run() -> None:
        async with Gateway(store="sqlite://") as gateway:
            rows = [object()]
            assert await gateway.store.run(lambda c: sealed.opened(c, rows)) is rows

    asyncio.run(run())


@live
async def test_a_value_of_another_row_does_not_open() -> None:
    async with ground(encryption=settings()) as here:
        first, second = of("service", words=SECRET), of("service", words="harmless", to="+14155550177")
        await here.gateway.submit([first, second])
        messages._fresh.clear()
        await here.rows_changed(
            "update rg_message set payload = (select payload from rg_message where id = :one) where id = :other",
            one=first.id,
            other=second.id,
        )
        await here.gateway.drain()

        assert [await here.state(one.id) for one in (first, second)] == ["accepted", "failed"]
        assert await here.reason(second.id) == "poison.unreadable"
        assert len(here.script().tried) == 1


@live
async def test_a_key_that_goes_missing_later_stops_the_page_and_loses_nothing() -> None:
    async with ground(encryption=settings()) as here:
        message = of("service", words=SECRET)
        await here.gateway.submit([message])
        messages._fresh.clear()
        sealed_by_nobody = '{"sealed":"lost","data":"AAAA"}'
        await here.rows_changed("update rg_message set payload = :p", p=sealed_by_nobody)
        with pytest.raises(StoreError, match="the key 'lost' is missing"):
            await here.gateway.drain()

        assert await here.state(message.id) == "queued"


@live
async def test_messages_of_the_callers_own_transaction_are_sealed_too(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    async with ground(store=f"sqlite:///{path}", encryption=settings()) as here:
        with sqlite3.connect(path) as own:
            await here.gateway.submit([of("service", words=SECRET)], connection=own)
        own.close()
        assert "canary" not in await everything(here)
        await here.gateway.drain()

        assert SECRET in here.script().sent[0].text
