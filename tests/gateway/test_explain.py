"""Why: every end of a message is told with its rule and its facts, and asking changes nothing."""

from datetime import timedelta

import pytest

from gateway.ground import DAY, HOUR, NIGHT, NOON, NUMBER, ground, live, marketing, otp
from recallgate import ConfigError, ErrorKind, Event, EventType, PersonEvent, PersonRecord, Phone


@live
async def test_a_sent_message_tells_its_decision_attempt_and_reports() -> None:
    async with ground() as here:
        message = otp()
        await here.gateway.send(message)
        await here.gateway.apply([Event(EventType.DELIVERED, message_id=message.id, at=here.clock.now())], account="a")

        shown = await here.gateway.explain(message.id)

        assert shown["message"]["state"] == "delivered"
        assert [one["verdict"] for one in shown["decisions"]] == ["allow"]
        assert [(one["n"], one["account"], one["outcome"]) for one in shown["attempts"]] == [(1, "a", "accepted")]
        assert [one["type"] for one in shown["events"]] == ["delivered"]
        assert shown["story"][-1] == "now it is delivered"


@live
async def test_a_held_message_tells_until_when_and_by_which_rule() -> None:
    async with ground(at=NIGHT) as here:
        message = marketing()
        await here.gateway.send(message)

        (decision,) = (await here.gateway.explain(message.id))["decisions"]

        assert (decision["verdict"], decision["policy"]) == ("defer", "quiet_hours")
        assert decision["until"] > NIGHT.isoformat()
        assert decision["rule_id"]
        assert decision["facts"]


@live
async def test_a_capped_message_tells_count_and_limit() -> None:
    async with ground() as here:
        await here.gateway.send(marketing())
        message = marketing()
        await here.gateway.send(message)

        (decision,) = (await here.gateway.explain(message.id))["decisions"]

        assert (decision["verdict"], decision["policy"]) == ("drop", "frequency_cap")
        assert (decision["facts"]["count"], decision["facts"]["limit"]) == (1, 1)


@live
async def test_a_held_out_message_tells_bucket_share_and_when_it_would_have_gone() -> None:
    async with ground(global_holdout_bp=10_000) as here:
        message = marketing()
        await here.gateway.send(message)

        shown = await here.gateway.explain(message.id)

        assert (shown["message"]["state"], shown["message"]["reason"]) == ("suppressed", "holdout.global")
        assert shown["message"]["planned_at"] == here.clock.now().isoformat()
        assert shown["decisions"][0]["facts"]["share_bp"] == 10_000


@live
async def test_an_opted_out_message_names_the_suppression() -> None:
    async with ground() as here:
        await here.gateway.suppress(address=NUMBER, channel="sms", reason="opt_out")
        message = marketing()
        await here.gateway.send(message)

        (decision,) = (await here.gateway.explain(message.id))["decisions"]

        assert (decision["policy"], decision["code"]) == ("suppression", "suppressed.opt_out")
        assert decision["facts"]["channel"] == "sms"


@live
async def test_a_failed_message_names_the_vendors_code() -> None:
    async with ground() as here:
        here.script().refuse(ErrorKind.INVALID_RECIPIENT, code="21211")
        message = otp()
        await here.gateway.send(message)

        shown = await here.gateway.explain(message.id)

        assert (shown["attempts"][0]["kind"], shown["attempts"][0]["code"]) == ("invalid_recipient", "21211")
        assert any("21211" in line for line in shown["story"])


@live
async def test_no_explanation_shows_a_whole_number() -> None:
    async with ground() as here:
        message = otp()
        await here.gateway.send(message)

        assert NUMBER not in str(await here.gateway.explain(message.id))


@pytest.mark.parametrize("night", [False, True])
@live
async def test_a_dry_run_tells_everything_and_changes_nothing(night: bool) -> None:
    async with ground(at=NIGHT if night else NOON) as here:
        await here.gateway.send(otp())
        before = await here.counts()

        shown = await here.gateway.explain(marketing(person="ann"))

        assert shown["verdict"] == ("defer" if night else "allow")
        assert {step["policy"] for step in shown["trace"]} >= {"suppression", "quiet_hours", "frequency_cap"}
        assert shown["account"] == "a"
        assert await here.counts() == before
        assert len(here.script().tried) == 1


@live
async def test_a_message_that_nobody_knows_is_said_so() -> None:
    async with ground() as here:
        with pytest.raises(ConfigError, match="not in the store"):
            await here.gateway.explain("nobody")


@live
async def test_a_persons_story_has_what_was_sent_dropped_done_and_said() -> None:
    async with ground() as here:
        await here.gateway.save_people([PersonRecord("ann", contacts={"sms": [Phone(e164=NUMBER)]})])
        first = marketing(person="ann")
        await here.gateway.send(first)
        await here.gateway.send(marketing(person="ann"))
        here.clock.advance(HOUR)
        await here.gateway.apply(
            [Event(EventType.REPLIED, message_id=first.id, address=NUMBER, text="STOP", at=here.clock.now())], account="a"
        )
        await here.gateway.record([PersonEvent("ann", "converted", here.clock.now(), amount_cents=1250)])

        shown = await here.gateway.explain_person("ann")

        assert [one["state"] for one in shown["messages"]] == ["accepted", "suppressed"]
        story = "\n".join(shown["story"])
        for words in (
            "may leave now",
            "frequency_cap says cap.global.1d",
            "replied",
            "suppressed on sms: opt_out",
            "converted for 12.50",
        ):
            assert words in story
        assert shown["story"] == sorted(shown["story"])
        assert NUMBER not in str(shown["story"])
        assert all(one["subject"] != f"a:{NUMBER}" for one in shown["suppressions"])


@live
async def test_the_same_deed_told_twice_is_one() -> None:
    async with ground() as here:
        deed = PersonEvent("ann", "converted", here.clock.now(), amount_cents=1250, dedupe="order-1")

        assert await here.gateway.record([deed, deed]) == 1
        assert await here.gateway.record([deed]) == 0


@live
async def test_a_second_decision_is_kept_beside_the_first() -> None:
    async with ground(at=NIGHT) as here:
        message = marketing()
        await here.gateway.send(message)
        here.clock.advance(DAY - timedelta(hours=11))
        await here.gateway.drain()

        assert [one["verdict"] for one in (await here.gateway.explain(message.id))["decisions"]] == ["defer", "allow"]
