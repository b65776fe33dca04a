"""`dead`, `audit`, `status`: what operators ask of a store from a shell."""

import asyncio

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
