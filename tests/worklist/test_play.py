"""A play with a call by hand: it goes on by what came of the call, and the review counts the labour."""

from typing import Any

import pytest

from gateway.ground import DAY, DEFAULT, HOUR, NOON, account, ground, live
from recallgate import AccountConfig, Phone, Worker
from recallgate.gateway import PersonRecord
from recallgate.model.clock import to_ms
from recallgate.recall.campaign import Campaign, Goal
from recallgate.recall.churn import preset
from recallgate.recall.lapse import Churn
from recallgate.recall.messages import MessageMaker
from recallgate.recall.outcome import CONNECTED, Outcome
from recallgate.recall.play import Play
from recallgate.recall.runner import CampaignRunner
from recallgate.recall.segment import everybody
from recallgate.recall.steps import Branch, Exit, Send, Wait, WaitFor, Way, When
from recallgate.review.traffic import channel_traffic
from recallgate.store import campaigns
from recallgate.store.campaigns import CampaignRow, RunRow

RESULTS = ("answered", "no_answer", "busy", "undelivered", "expired")
PLAY = Play(
    "call_then_text",
    (
        Send("call", (Way("worklist", {"title": "Call {{ name }}", "vip": True}),), expires_after=3 * DAY),
        WaitFor("result", RESULTS, 3 * DAY, of="call"),
        Branch(
            "said",
            of="call",
            cases=(
                When((Outcome.REFUSED,), (Exit("left_alone", "refused"),)),
                When((Outcome.PROMISED,), (Exit("trusted", "promised"),)),
                When(CONNECTED, (Exit("talked", "talked"),)),
            ),
            otherwise=(
                Wait("rest", days=2),
                Send("text", (Way("sms", {"text": "We could not reach you: https://shop.example"}),)),
            ),
        ),
    ),
)


@pytest.mark.parametrize(
    ("result", "ended", "texts"),
    [
        ("refused", "refused", 0),
        ("promised", "promised", 0),
        ("reached", "talked", 0),
        ("bought", "returned", 0),
        ("no_answer", "completed", 1),
        ("wrong_number", "completed", 1),
        (None, "completed", 1),
    ],
)
def test_a_play_goes_on_by_what_came_of_the_call(result: str | None, ended: str, texts: int) -> None:
    @live
    async def work() -> None:
        calls = AccountConfig.build("worklist.worklist", {"max_tries": 1, "rate_per_hour": "30"}, name="callers")
        async with ground(calls, account("sms"), store=DEFAULT["store"]) as here:
            gateway = here.gateway
            desk = gateway.worklists["callers"]
            campaign = Campaign("nov", Goal.WIN_BACK, Churn(preset("ecommerce")), everybody(), PLAY)
            gateway.add_job(CampaignRunner(gateway, campaign, maker=MessageMaker(campaign, key=b"0" * 16)))
            await _enrol(gateway)
            await gateway.drain()
            if result is not None:
                found = await desk.next("bo", now=here.clock.now())
                assert found is not None
                assert found.task.title == "Call Ann"
                await desk.done(
                    found.id,
                    result,
                    agent="bo",
                    now=here.clock.now(),
                    minutes=6,
                    amount_cents=990 if result == "bought" else None,
                )
            for _ in range(6):
                await gateway.drain()
                here.clock.advance(24 * HOUR)
            await gateway.drain()

            ((reason, state),) = await here.rows("select ended, state from rg_run")
            assert state == "ended"
            assert reason == ended
            assert len(here.script("sms").sent) == texts
            traffic = await gateway.store.run(lambda c: channel_traffic(c, {"tenant": "default", "campaign": "nov"}))
            labour = {one.channel: one.cost_micros for one in traffic}["worklist"]
            assert labour == (3_000_000 if result is not None else 0)

    work()


async def _enrol(gateway: Any) -> None:
    at = to_ms(NOON)
    contacts = {"worklist": [Worker()], "sms": [Phone(e164="+14155550123")]}
    await gateway.save_people(
        [PersonRecord("ann", zone="America/Los_Angeles", country="US", region="US-CA", contacts=contacts, data={"name": "Ann"})]
    )
    row = CampaignRow("default", "nov", "1", "{}", "launched", 0, "s", None, at, "{}")
    run = RunRow("default", "nov", "ann", 0, "1", None, 0, 0, "active", None, None, at, None, at, None, "{}")
    await gateway.store.run(lambda c: (campaigns.save(c, row), campaigns.enrol(c, [run])))
