"""What operators do: pause between processes, read the status, replay dead letters, audit what was recorded."""

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.ground import DAY, NOON, NUMBER, Ground, ground, live, marketing, of, otp
from postgres import database
from recallgate import ErrorKind, Event, EventType, Gateway, GatewayConfig, Origin
from recallgate.delivery import dead
from recallgate.model.clock import to_ms
from recallgate.policies.chain import Chain
from recallgate.policies.default import default_chain
from recallgate.policies.policy import ADDRESS, ALLOW
from recallgate.store import campaigns

OTHER = "+14155550199"
WORKER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from gateway.ground import account, of
from recallgate import Gateway, GatewayConfig, Origin

async def main():
    config = GatewayConfig(accounts=(account(rate=200.0),), concurrency=20)
    async with Gateway(config=config, store=sys.argv[1]) as gateway:
        made = [of("transactional", to=f"+1415555{n:04}", origin=Origin(campaign="spring")) for n in range(3000)]
        await gateway.submit(made)
        print("ready", flush=True)
        await gateway.run()

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that several processes open."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shared.sqlite"
    return database(request.getfixturevalue("postgres_server"))


SCOPES = [("campaign", "spring"), ("account", "a"), ("channel", "sms")]


def test_a_pause_in_one_process_stops_the_next_intent_of_another(shared: str) -> None:
    tests = Path(__file__).parent.parent
    with subprocess.Popen([sys.executable, "-c", WORKER, shared, str(tests)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            asyncio.run(_paused_and_resumed(shared))
        finally:
            process.kill()


async def _paused_and_resumed(store: str) -> None:
    async with Gateway(config=GatewayConfig(), store=store) as gateway:
        here = Ground(gateway, gateway.clock)  # type: ignore[arg-type]

        async def tried() -> int:
            ((n,),) = await here.rows("select count(*) from rg_attempt")
            return int(n)

        async def more_than(n: int) -> int:
            for _ in range(1000):
                if (found := await tried()) > n:
                    return found
                await asyncio.sleep(0.02)
            raise AssertionError("nothing left")

        left = 0
        for scope, name in SCOPES:
            before = await more_than(left)
            await gateway.pause(scope, name)
            if not store.startswith("sqlite"):  # a statement that saw the world before the pause may still be on its way
                await asyncio.sleep(0.3)
            at_pause = await tried()
            await asyncio.sleep(0.7)
            left = await tried()
            assert before <= at_pause == left < 3000, scope
            await gateway.resume(scope, name)
            # rows that were put back look again a minute later: their hour is brought forward
            await here.rows_changed("update rg_message set due_at = 0 where state = 'queued'")
        await more_than(left)


@pytest.mark.parametrize(("scope", "name"), SCOPES)
def test_a_pause_after_the_facts_were_read_still_stops_the_intent(postgres_server: Any, scope: str, name: str) -> None:
    store = database(postgres_server)

    class PausingMeanwhile:
        """A policy in whose time another process pauses."""

        name = "meanwhile"
        phase = ADDRESS

        def __call__(self, case: Any) -> Any:
            subprocess.run(
                [sys.executable, "-c", "from recallgate.cli import main; main()", "pause", scope, name_, "--store", store],
                check=True,
                capture_output=True,
            )
            return ALLOW

    name_ = name

    @live
    async def run() -> None:
        async with ground(store=store, chain=Chain((PausingMeanwhile(), *default_chain().policies))) as here:
            message = marketing(origin=Origin(campaign="spring"))
            await here.gateway.submit([message])
            await here.gateway.worker.drain()

            assert not here.script().tried
            assert (await here.state(message.id), await here.reason(message.id)) == ("queued", "paused")
            assert (await here.gateway.audit()).differences == []

    run()


@live
async def test_status_tells_depth_lateness_leases_uncertain_dead_and_breakers() -> None:
    async with ground(at=NOON) as here:
        now = to_ms(NOON)
        messages = [otp(f"+1415555{n:04}") for n in range(8)]
        await here.gateway.submit(messages)
        ids = [one.id for one in messages]
        planted = [
            (ids[0], "state = 'queued', due_at = :now - 90000"),
            (ids[1], "state = 'held', due_at = :now - 30000"),
            (ids[2], "state = 'held', due_at = :now + 30000"),
            (ids[3], "state = 'sending', intent_at = :now - 70000, lease_until = :now - 10000"),
            (ids[4], "state = 'sending', intent_at = :now - 20000, lease_until = :now + 40000"),
            (ids[5], "state = 'uncertain', settle_at = :now + 1000"),
            (ids[6], "state = 'failed', reason = 'vendor.auth', kind = 'auth'"),
            (ids[7], "state = 'failed', reason = 'poison.unreadable'"),
        ]
        for identity, change in planted:
            await here.rows_changed(
                f"update rg_message set {change.replace(':now', str(now))} where id = :id",  # noqa: S608
                id=identity,
            )
        await here.gateway.pause("campaign", "spring")
        live_account = here.gateway.accounts["a"]
        for _ in range(20):
            live_account.breaker.failed(NOON)

        found = await here.gateway.status()

        assert found["queue"] == {"sms": {"due": 2, "waiting": 1, "lateness_s": 90.0}}
        assert (found["queue_depth"], found["lateness_s"]) == (2, 90.0)
        assert (found["uncertain"], found["dead"]) == (1, 2)
        assert found["leases"] == {"held": 2, "overdue": 1, "oldest_s": 70.0}
        assert found["paused"] == [{"scope": "campaign", "name": "spring"}]
        assert found["accounts"]["a"]["breaker_open"] is True
        json.dumps(found)


@live
async def test_a_dead_letter_tells_reason_and_remedy_and_masks_the_address() -> None:
    async with ground() as here:
        here.script().refuse(ErrorKind.AUTH, code="401", times=9)
        message = otp()
        await here.gateway.send(message)
        await here.rows_changed(
            "update rg_message set state = 'failed', reason = 'vendor.auth', kind = 'auth' where id = :id", id=message.id
        )

        (letter,) = await here.gateway.dead.list()

        assert (letter.id, letter.kind, letter.code) == (message.id, "auth", "401")
        assert (letter.why, letter.remedy) == ("the carrier refused it", dead.remedy("vendor.auth", "auth"))
        assert "credentials" in letter.remedy
        assert NUMBER not in repr(letter)


@live
async def test_a_replay_is_decided_again_and_marked() -> None:
    async with ground() as here:
        here.script().refuse(ErrorKind.UNKNOWN, code="77", times=2)
        good, left = marketing(), marketing(OTHER)
        assert [(await here.gateway.send(one)).state for one in (good, left)] == ["failed", "failed"]
        await here.gateway.suppress(address=OTHER, reason="opt_out")

        assert await here.gateway.dead.replay([good.id, left.id, "strange"]) == sorted([good.id, left.id])
        assert await here.reason(good.id) == "replayed"
        await here.gateway.drain()

        assert (await here.state(good.id), await here.state(left.id)) == ("accepted", "suppressed")
        marks = await here.rows("select message_id, status, code from rg_event where type = 'moved' order by message_id")
        assert marks == [(one, "queued", "replayed") for one in sorted([good.id, left.id])]
        assert await here.gateway.dead.replay([good.id]) == []
        assert any("became queued because of replayed" in line for line in (await here.gateway.explain(good.id))["story"])
        assert (await here.gateway.audit()).differences == []


@live
async def test_dead_letters_are_chosen_by_kind_reason_campaign_and_channel() -> None:
    async with ground() as here:
        here.script().refuse(ErrorKind.UNKNOWN, times=1)
        here.script().refuse(ErrorKind.INVALID_RECIPIENT, times=1)
        first, second = marketing(origin=Origin(campaign="spring")), marketing(OTHER)
        for one in (first, second):
            await here.gateway.send(one)
        desk = here.gateway.dead

        async def ids(**chosen: Any) -> list[str]:
            return [letter.id for letter in await desk.list(**chosen)]

        assert await ids(kind="unknown") == [first.id]
        assert await ids(reason="vendor.invalid_recipient") == [second.id]
        assert await ids(campaign="spring") == [first.id]
        assert await ids(channel="voice") == []
        assert len(await ids(most=1)) == 1


def test_every_kind_of_failure_has_a_remedy() -> None:
    words = {kind: dead.remedy(None, kind.value) for kind in ErrorKind if kind is not ErrorKind.UNCERTAIN}

    assert all("recallgate explain" not in one for one in words.values())
    assert dead.remedy("strange", None) == dead.remedy(None, "uncertain")
    assert dead.remedy("poison.KeyError", None) != dead.remedy("poison.unreadable", None)


async def _lived(here: Ground) -> dict[str, str]:
    """A store with every way that a message can go; answers message ids by name."""
    gateway, script, made = here.gateway, here.script(), dict[str, Any]()
    numbers = iter(f"+1415555{n:04}" for n in range(100, 200))

    async def sent(name: str, **fields: Any) -> None:
        made[name] = marketing(next(numbers), **fields)
        await gateway.send(made[name])

    await sent("accepted")
    await sent("delivered")
    await gateway.apply([Event(EventType.DELIVERED, message_id=made["delivered"].id)], account="a")
    await gateway.apply([Event(EventType.SENT, message_id=made["delivered"].id)], account="a")
    script.refuse(ErrorKind.UNKNOWN)
    await sent("failed")
    script.refuse(ErrorKind.TEMPORARY)
    await sent("held for a retry")
    script.uncertain()
    await sent("uncertain")
    script.uncertain()
    await sent("uncertain, then told")
    await gateway.apply([Event(EventType.DELIVERED, message_id=made["uncertain, then told"].id)], account="a")
    await gateway.suppress(address="+14155550106", reason="opt_out")
    await sent("suppressed", words="Your cart waits: https://shop.example/d")
    made["cancelled"] = marketing(next(numbers), not_before=NOON + DAY)
    made["waiting"] = marketing(next(numbers), not_before=NOON + DAY)
    made["broken"] = marketing(next(numbers), not_before=NOON + timedelta(seconds=1))
    await gateway.submit([made["cancelled"], made["waiting"], made["broken"]])
    await gateway.cancel(made["cancelled"].id)
    await here.rows_changed("update rg_message set payload = 'x' where id = :id", id=made["broken"].id)
    made["taken back"] = marketing(next(numbers), person="ann", origin=Origin(campaign="c", run=1), not_before=NOON + DAY)
    await gateway.submit([made["taken back"]])
    await gateway.store.run(
        lambda c: campaigns.cancel_waiting(c, "default", "c", [("ann", 1)], now=to_ms(NOON), reason="exit.returned")
    )
    made["no account"] = of("service", to=next(numbers)).model_copy(update={"channel": "voice"})
    here.clock.advance(timedelta(seconds=2))
    await gateway.worker.drain()
    made["sent again"] = otp(next(numbers))
    script.uncertain()
    await gateway.send(made["sent again"])
    here.clock.advance(timedelta(hours=1))
    await gateway.drain()
    return {name: message.id for name, message in made.items() if name != "no account"}


@live
async def test_an_audit_explains_every_state_of_a_healthy_store() -> None:
    async with ground() as here:
        ids = await _lived(here)

        report = await here.gateway.audit()

        assert report.differences == []
        assert report.messages == len(ids)
        assert dict(report.states) == {
            "accepted": 3,  # one of them after a retry, one sent again
            "delivered": 2,
            "failed": 2,
            "uncertain": 1,
            "suppressed": 1,
            "cancelled": 2,
            "queued": 1,
        }


# (what is broken, the message, the statement, the kind that is found)
PLANTED = [
    ("a state nobody wrote down", "accepted", "update rg_message set state = 'failed' where id = :id", "state"),
    ("a waiting row changed by hand", "waiting", "update rg_message set state = 'held' where id = :id", "state"),
    ("an attempt taken away", "sent again", "delete from rg_attempt where message_id = :id and n = 2", "attempts"),
    ("another vendor's id", "delivered", "update rg_message set vendor_id = 'x' where id = :id", "vendor_id"),
    ("sent twice", "sent again", "update rg_attempt set outcome = 'accepted' where message_id = :id and n = 1", "double"),
    ("counted, not sent", "failed", "update rg_cap_entry set state = 'counted' where message_id = :id", "cap"),
    ("sent, not counted", "accepted", "update rg_cap_entry set state = 'released' where message_id = :id", "cap"),
    ("a message taken away", "accepted", "delete from rg_message where id = :id", "stray"),
    ("a report taken away", "delivered", "delete from rg_event where message_id = :id and type = 'delivered'", "state"),
    ("a decision taken away", "suppressed", "delete from rg_decision where message_id = :id", "state"),
    ("a move taken away", "cancelled", "delete from rg_event where message_id = :id", "state"),
]


@pytest.mark.parametrize(("name", "statement", "kind"), [one[1:] for one in PLANTED], ids=[one[0] for one in PLANTED])
@live
async def test_an_audit_finds_what_was_changed_by_hand(name: str, statement: str, kind: str) -> None:
    async with ground() as here:
        ids = await _lived(here)
        await here.rows_changed(statement, id=ids[name])

        found = (await here.gateway.audit()).differences

        assert kind in {one.what for one in found}
        assert {one.message_id for one in found} == {ids[name]}


@live
async def test_an_audit_stops_after_as_many_differences_as_were_asked_for() -> None:
    async with ground() as here:
        await _lived(here)
        await here.rows_changed("update rg_message set state = 'sending'")

        assert len((await here.gateway.audit(most=3)).differences) == 3
