"""Erasing and exporting a person: nothing that leads to them stays in any table, file, log or repr."""

import json
import logging
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.ground import DAY, NOON, Ground, account, ground, live, marketing, otp
from recallgate import (
    Callback,
    ConfigError,
    ErrorKind,
    Event,
    EventType,
    Gateway,
    GatewayConfig,
    Message,
    Origin,
    PersonEvent,
    PersonRecord,
    Phone,
    Purpose,
    State,
)
from recallgate.model.address import EmailAddress
from recallgate.model.custody import ERASED, ErasureSettings
from recallgate.store import asked, people, worklist
from recallgate.store.asked import RegistryCheckRow
from recallgate.store.custody import OF_A_PERSON, OF_NOBODY
from recallgate.store.tables import metadata
from recallgate.store.worklist import TaskRow

KEY = "a-key-that-never-changes"
ERASURE = {"erasure": ErasureSettings(key=KEY)}
PERSON = "customer-canary-7731"
NAME = "Zuzanna Canaryova"
NUMBER, MAIL = "+14155557731", "zuzanna.canary@mail.example"
OTHER = "+14155550142"
CANARIES = (PERSON, "Zuzanna", "Canary", "4155557731", "zuzanna.canary", "order-canary-1")


async def everything(here: Ground) -> str:
    """Every value of every column of every table, as one text."""
    said = []
    for name in metadata.tables:
        for row in await here.rows(f"select * from {name}"):  # noqa: S608
            said += [
                bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, memoryview)) else str(value) for value in row
            ]
    return "\n".join(said)


def found_in(said: str) -> list[str]:
    return [canary for canary in CANARIES if canary.lower() in said.lower()]


def message(**fields: Any) -> Message:
    return marketing(NUMBER, f"Dear {NAME}, your cart waits: https://shop.example/c?u=order-canary-1", person=PERSON, **fields)


_ROWS = (
    "insert into rg_link values ('code1', 'default', :id, :target, 'click', 1)",
    """insert into rg_click (tenant, code, message_id, at, verdict, reason, method, agent)
    values ('default', 'code1', :id, 1, 'human', '', 'GET', :target)""",
    """insert into rg_inbox (tenant, id, "user", payload, created_at, impressions)
    values ('default', 'i1', :person, :target, 1, 0)""",
    """insert into rg_run (tenant, campaign, person, run, version, holdout, position, state, started_at, wake_at, data)
    values ('default', 'spring', :person, 1, '1', 0, 0, 'active', 1, 1, :target)""",
    "insert into rg_worklist_turn values ('default', :id, 1, 'calls', 'agent', 1, null, null, 1)",
    "update rg_attempt set detail = :target",
    "update rg_decision set facts = :target, trace = :target",
)


async def _life(here: Ground) -> dict[str, str]:
    """A person with rows in every table that has any; answers ids by name."""
    gateway, tenant = here.gateway, "default"
    contacts = {"sms": [Phone(e164=NUMBER)], "email": [EmailAddress(email=MAIL, name=NAME)], "voice": [Phone(e164=OTHER)]}
    await gateway.save_people(
        [
            PersonRecord(PERSON, zone="America/Los_Angeles", contacts=contacts, data={"name": NAME}),
            PersonRecord("another", cluster=PERSON, contacts={"voice": [Phone(e164=OTHER)]}, data={"name": "Bo"}),
        ]
    )
    done = message(idempotency_key=f"{PERSON}-1", origin=Origin(campaign="spring", run=1))
    failed = message().model_copy(update={"purpose": Purpose.SERVICE})
    waiting = message(not_before=NOON + DAY, idempotency_key="order-canary-1")
    nameless = otp(NUMBER, not_before=NOON + DAY)
    others = otp(OTHER, person="another", not_before=NOON + DAY)
    await gateway.send(done)
    here.script().refuse(ErrorKind.UNKNOWN, code="9")
    await gateway.send(failed)
    await gateway.submit([waiting, nameless, others])
    await gateway.apply(
        [
            Event(EventType.DELIVERED, message_id=done.id, data={"to": NUMBER}),
            Event(EventType.REPLIED, address=NUMBER, text=f"STOP says {NAME}", data={"from": NUMBER}),
            Event(EventType.OPENED, address=MAIL, data={"name": NAME}),
        ],
        account="a",
    )
    await gateway.record([PersonEvent(PERSON, "core_action", NOON, dedupe="order-canary-1", data={"who": NAME})])
    await gateway.suppress(address=MAIL, reason="complaint", source=f"call with {NAME}")
    await gateway.consent(person=PERSON, channel="sms", granted=True, source="form", proof=f"I, {NAME}, agree")
    await gateway.consent(address=MAIL, channel="email", granted=True, source="form", proof=NAME)

    def more(connection: Any) -> None:
        asked.save_registry_checks(connection, [RegistryCheckRow(tenant, f"a:{NUMBER}", 1, "list")])
        worklist.put(connection, TaskRow(tenant, done.id, "calls", "vip", PERSON, done.model_dump_json(), 1, 1, 1, None))
        for statement in _ROWS:
            connection.execute(text(statement), {"id": done.id, "person": PERSON, "target": json.dumps({"who": NAME})})

    await gateway.store.run(more)
    await gateway.store.run(lambda c: people.bury_contacts(c, [(tenant, MAIL)], now=1))
    return {name: one.id for name, one in locals().items() if isinstance(one, Message)}


def test_every_table_is_known_to_hold_people_or_not() -> None:
    assert set(OF_A_PERSON) | OF_NOBODY == set(metadata.tables)
    assert not set(OF_A_PERSON) & OF_NOBODY


@live
async def test_an_erased_person_is_in_no_column_of_any_table(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with ground(account(), **ERASURE) as here:
        await here.gateway.receive("a", Callback("POST", "https://x/", {}, f"not json {NUMBER}".encode(), NOON))
        ids = await _life(here)
        full = await everything(here)
        counted = await here.counts()
        assert {table for table in OF_A_PERSON if not counted[table]} == set(), "the person must have rows everywhere"

        done = await here.gateway.erase(PERSON)

        assert set(found_in(full)) == set(CANARIES)
        assert found_in(await everything(here)) == []
        assert found_in(f"{caplog.text} {done!r} {here.gateway.config!r} {here.gateway.store.vault!r}") == []
        assert KEY not in f"{here.gateway.config!r} {here.gateway.store.vault!r}"
        assert (done.cancelled, done.leaving, done.shared_addresses) == (2, 0, 1)
        states = {name: await here.state(identity) for name, identity in ids.items()}
        assert states == {
            "done": "delivered",
            "failed": "failed",
            "waiting": "cancelled",
            "nameless": "cancelled",
            "others": "queued",
        }
        assert (await here.gateway.audit()).differences == []


@live
async def test_counts_stay_and_lead_to_nobody() -> None:
    async with ground(**ERASURE) as here:
        ids = await _life(here)
        await here.gateway.erase(PERSON)

        rows = await here.rows("select person, campaign, accepted_at is not null from rg_message where id = :id", id=ids["done"])
        runs = await here.rows("select person, state, ended from rg_run")
        (deed,) = await here.rows("select person, type from rg_person_event")

        ((alias, campaign, accepted),) = rows
        assert (campaign, bool(accepted)) == ("spring", True)
        assert alias.startswith("erased:")
        assert runs == [(alias, "ended", "erased")]
        assert deed == (alias, "core_action")


@live
async def test_whoever_shares_an_address_keeps_it() -> None:
    async with ground(**ERASURE) as here:
        await _life(here)
        await here.gateway.suppress(address=OTHER, reason="complaint")
        await here.gateway.erase(PERSON)

        assert await here.rows("select person, key from rg_contact") == [("another", OTHER)]
        assert (f"a:{OTHER}", "*", "complaint") in await here.suppressions()
        ((cluster,),) = await here.rows("select cluster from rg_person")
        assert cluster.startswith("erased:")


@live
async def test_an_erased_person_is_not_written_to_after_another_import() -> None:
    async with ground(**ERASURE) as here:
        await _life(here)
        await here.gateway.erase(PERSON)
        await here.gateway.save_people([PersonRecord(PERSON, contacts={"sms": [Phone(e164=NUMBER)]})])

        by_person = await here.gateway.send(marketing(OTHER, person=PERSON))
        by_address = await here.gateway.send(marketing(NUMBER))
        code = await here.gateway.send(otp(NUMBER))

        assert (by_person.state, by_address.state, code.state) == (State.SUPPRESSED, State.SUPPRESSED, State.ACCEPTED)

        await here.gateway.ledger.opt_in(person=PERSON, channel="sms", source="form", proof="yes, again")
        await here.gateway.ledger.opt_in(address=NUMBER, channel="sms", source="form", proof="yes, again")
        here.clock.advance(7 * DAY)  # the caps of before hold, too
        again = await here.gateway.send(marketing(NUMBER, person=PERSON))
        assert again.state == State.ACCEPTED


@live
async def test_a_complaint_outlives_erasure_and_opt_in() -> None:
    async with ground(**ERASURE) as here:
        await here.gateway.suppress(address=NUMBER, reason="complaint")
        await here.gateway.erase(address=NUMBER, keep_out=False)
        await here.gateway.ledger.opt_in(address=NUMBER, channel="sms", source="form", proof="yes")

        assert (await here.gateway.send(marketing(NUMBER))).state == State.SUPPRESSED
        assert NUMBER[1:] not in str(await here.rows("select subject, source, proof from rg_suppression"))


@live
async def test_caps_of_an_erased_person_still_count() -> None:
    async with ground(**ERASURE) as here:
        sent = [await here.gateway.send(message()) for _ in range(3)]
        await here.gateway.erase(PERSON, keep_out=False)
        again = await here.gateway.send(message())

        assert [one.state for one in sent].count(State.ACCEPTED) >= 1
        assert again.state is not State.ACCEPTED
        assert again.verdict is not None
        assert again.verdict.code.startswith("cap")


@live
async def test_what_was_leaving_during_the_erasure_does_not_come_back() -> None:
    async with ground(**ERASURE) as here:
        retried, refused, told = (message().model_copy(update={"purpose": Purpose.SERVICE}) for _ in range(3))
        for one in (retried, refused, told):
            await here.gateway.submit([one])
        staged = {}
        stager, rows = here.gateway._stager, here.gateway.store.run
        from recallgate.store import messages

        def stage(connection: Any) -> Any:
            due = [messages.waiting(connection, "default", one.id, now=10**14) for one in (retried, refused, told)]
            return stager.stage(connection, [one for one in due if one], now=NOON, lease_until=10**14)

        for ready in (await rows(stage)).ready:
            staged[ready.message.id] = ready
        done = await here.gateway.erase(PERSON)
        here.script().refuse(ErrorKind.TEMPORARY)
        here.script().refuse(ErrorKind.INVALID_RECIPIENT)
        worker = here.gateway.worker
        for one in (retried, refused):
            conclusion, _ = await worker.caller.carry(staged[one.id])
            await worker.commit([conclusion])
        conclusion, _ = await worker.caller.carry(staged[told.id])
        await worker.commit([conclusion])
        await here.gateway.apply(
            [Event(EventType.UNDELIVERED, message_id=told.id, kind=ErrorKind.INVALID_RECIPIENT, data={"to": NUMBER})], account="a"
        )
        await here.gateway.apply([Event(EventType.REPLIED, message_id=told.id, text=f"STOP {NAME}")], account="a")
        here.clock.advance(timedelta(hours=2))
        await here.gateway.drain()

        assert done.leaving == 3
        assert [await here.state(one.id) for one in (retried, refused, told)] == ["cancelled", "failed", "undelivered"]
        assert found_in(await everything(here)) == []
        assert (await here.gateway.audit()).differences == []


@live
async def test_uncertain_messages_of_an_erased_person_are_closed() -> None:
    async with ground(**ERASURE) as here:
        here.script().uncertain(2)
        lost, stuck = otp(NUMBER, person=PERSON), message(tags=frozenset({"resend"}))
        await here.gateway.send(lost)
        await here.gateway.send(stuck)
        await here.rows_changed(
            "update rg_message set state = 'sending', lease_until = 1, purpose = 'transactional' where id = :id", id=stuck.id
        )
        await here.gateway.erase(PERSON)
        for _ in range(3):
            here.clock.advance(timedelta(hours=1))
            await here.gateway.drain()

        assert [await here.state(one.id) for one in (lost, stuck)] == ["uncertain", "uncertain"]
        assert len(here.script().tried) == 2


@live
async def test_an_export_has_everything_and_is_one_piece_of_json() -> None:
    async with ground(**ERASURE) as here:
        ids = await _life(here)
        told = await here.gateway.export(PERSON)

        said = json.dumps(told)
        assert found_in(said) == list(CANARIES)
        assert told["addresses"] == [*sorted([NUMBER, MAIL]), OTHER]
        assert {one["id"] for one in told["tables"]["message"]} == {
            ids[name] for name in ("done", "failed", "waiting", "nameless")
        }
        assert told["tables"]["message"][0]["payload"]["to"]["e164"] == NUMBER
        assert all(told["tables"][table.removeprefix("rg_")] for table in OF_A_PERSON)
        assert "Bo" not in said

        await here.gateway.erase(PERSON)
        gone = await here.gateway.export(PERSON)
        assert not any(rows for rows in gone["tables"].values())


@live
async def test_without_a_key_nothing_is_erased_and_the_remedy_is_told() -> None:
    async with ground() as here:
        await here.gateway.submit([message(not_before=NOON + DAY)])
        with pytest.raises(ConfigError, match=r"erasure\.key is missing.*RECALLGATE_ERASURE_KEY"):
            await here.gateway.erase(PERSON)
        with pytest.raises(ConfigError, match="exactly one"):
            await here.gateway.erase(PERSON, address=NUMBER)

        assert await here.rows("select state from rg_message") == [("queued",)]


@live
async def test_another_tenant_keeps_its_person_of_the_same_name() -> None:
    async with ground(**ERASURE) as here:
        theirs = message(not_before=NOON + DAY, tenant="other")
        await here.gateway.submit([theirs])
        await here.gateway.erase(PERSON)

        assert await here.rows("select state, person from rg_message") == [("queued", PERSON)]


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as told:
        GatewayConfig.from_mapping({"erasure": {"key": "short"}})

    assert "erasure.key" in str(told.value)
    assert "short" not in str(told.value).replace("shorter", "")


def test_an_erased_message_reads_as_no_message() -> None:
    with pytest.raises(ValueError, match="validation error"):
        Message.model_validate_json(ERASED)


def _bytes_of(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.iterdir())


@live
async def test_nothing_is_left_in_the_file_either(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    async with ground(store=f"sqlite:///{path}", **ERASURE) as here:
        await _life(here)
        await here.gateway.erase(PERSON)
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()

    assert found_in(_bytes_of(tmp_path).decode("latin-1")) == []


@live
async def test_a_gateway_without_a_key_asks_nothing_more_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    from recallgate.store import vault

    monkeypatch.setattr(vault, "erased", lambda *_: pytest.fail("asked"))
    async with ground() as here:
        assert here.gateway.store.vault is None
        assert (await here.gateway.send(marketing())).state == State.ACCEPTED
    assert isinstance(Gateway(store="sqlite://"), Gateway)


@pytest.mark.parametrize("key", [None, "another-key-of-some-length"])
def test_nothing_is_sent_where_the_key_is_missing_or_another(tmp_path: Path, key: str | None) -> None:
    store = f"sqlite:///{tmp_path}/a.sqlite"

    @live
    async def run() -> None:
        async with ground(store=store, **ERASURE) as here:
            await here.gateway.erase(PERSON)
        async with ground(store=store, erasure=ErasureSettings(key=key)) as here:
            await here.gateway.status()
            for work in (here.gateway.send(marketing()), here.gateway.drain(), here.gateway.run()):
                with pytest.raises(ConfigError, match="people were erased under another key"):
                    await work
            with pytest.raises(ConfigError):
                await here.gateway.erase(PERSON)
            assert not here.script().tried

    run()
