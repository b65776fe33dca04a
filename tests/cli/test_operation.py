"""`dead`, `audit`, `status`: what operators ask of a store from a shell."""

import asyncio
import json
import sqlite3

import pytest

from gateway.ground import account, otp
from recallgate import ErrorKind, Gateway, GatewayConfig
from recallgate.testing.fakes import FakeDriver


@pytest.fixture
def store(tmp_path) -> str:
    """A store with one message that was taken and one dead letter, called `dead`."""
    url = f"sqlite:///{tmp_path}/a.sqlite"

    async def fill() -> None:
        async with Gateway(config=GatewayConfig(accounts=(account(),)), store=url) as gateway:
            adapter = gateway.accounts["a"].adapter
            assert isinstance(adapter, FakeDriver)
            adapter.script.accept()
            adapter.script.refuse(ErrorKind.INSUFFICIENT_FUNDS, code="402", times=9)
            await gateway.send(otp())
            await gateway.send(otp("+14155550199", id="dead"))
            await gateway.store.run(
                lambda c: c.exec_driver_sql("update rg_message set state='failed', reason='vendor.x' where id='dead'") and None
            )

    asyncio.run(fill())
    return url


def test_dead_letters_are_listed_shown_and_replayed(run, store):
    (letter,) = run("dead", "list", "--store", store, "--json").json["dead"]
    shown = run("dead", "show", "dead", "--store", store)
    told = run("dead", "list", "--store", store).out

    assert (letter["id"], letter["code"], letter["address"]) == ("dead", "402", "+14…99")
    assert "remedy" in shown.out
    assert "dead" in told
    assert run("dead", "replay", "dead", "--store", store, "--json").json == {"replayed": ["dead"]}
    assert run("dead", "list", "--store", store, "--json").json == {"dead": []}
    assert run("status", "--store", store, "--json").json["dead"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("show", "strange"), "is no dead letter"), (("replay",), "name messages, or choose with --kind")],
)
def test_a_replay_of_nothing_in_particular_is_refused(run, store, arguments, said):
    ran = run("dead", *arguments, "--store", store)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_an_audit_ends_with_one_when_something_differs(run, store):
    ran = run("audit", "--store", store, "--json")  # the fixture changed the state by hand
    told = run("audit", "--store", store)

    assert ran.code == told.code == 1
    assert [(one["message_id"], one["what"]) for one in ran.json["differences"]] == [("dead", "state")]
    assert "2 messages, 1 differences" in told.out

    run("dead", "replay", "--all", "--store", store)
    assert run("audit", "--store", store).code == 0


def test_a_person_is_exported_and_erased(run, store, tmp_path, monkeypatch):
    out = tmp_path / "person.json"

    assert run("person", "export", "--address", "+14155550199", "--store", store, "-o", out).code == 0
    assert json.loads(out.read_text())["tables"]["message"][0]["id"] == "dead"
    assert out.stat().st_mode & 0o77 == 0
    assert run("person", "export", "--address", "+14155550199", "--store", store, "-o", out).code == 2

    without_key = run("person", "erase", "--address", "+14155550199", "--yes", "--store", store)
    assert (without_key.code, "erasure.key is missing" in without_key.err) == (2, True)

    monkeypatch.setenv("RECALLGATE_ERASURE_KEY", "a-key-that-never-changes")
    assert run("person", "erase", "--address", "+14155550199", "--store", store, input="n\n").code == 1
    done = run("person", "erase", "--address", "+14155550199", "--yes", "--store", store, "--json").json
    assert (done["rows"]["message"], done["cancelled"]) == (1, 0)
    assert run("person", "export", "--address", "+14155550199", "--store", store).json["tables"]["message"] == []


def test_retention_tells_first_and_goes_then(run, store, tmp_path):
    settings = tmp_path / "r.toml"
    settings.write_text(f'[gateway]\nstore = "{store}"\n[retention]\ndays = 60\narchive = "{tmp_path}"\n')
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        connection.execute("update rg_message set updated_at = 1")

    trial = run("retention", "run", "--dry-run", "--config", settings, "--json").json
    told = run("retention", "run", "--config", settings)

    assert (trial["rows"]["rg_message"], trial["archive"]) == (2, None)
    assert "archived in" in told.out
    assert len(list(tmp_path.glob("*.manifest.json"))) == 1
    assert run("retention", "run", "--store", store).code == 2


def test_a_new_key_seals_what_was_stored_in_the_clear(run, store, tmp_path):
    settings = tmp_path / "e.toml"
    key = run("encryption", "new-key").out.strip()
    settings.write_text(f'[gateway]\nstore = "{store}"\n[encryption]\ncurrent = "k"\nkeys = {{ k = "{key}" }}\n')

    assert run("encryption", "rotate", "--config", settings, "--json").json == {"rows": 2}
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        payloads = [payload for (payload,) in connection.execute("select payload from rg_message")]
    assert [payload[:13] for payload in payloads] == ['{"sealed":"k"'] * 2
    assert run("encryption", "rotate", "--store", store).code == 2
