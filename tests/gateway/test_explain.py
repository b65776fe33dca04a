"""Why: every end of a message is told with its rule and its facts, and asking changes nothing."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.ground import DAY, HOUR, NIGHT, NOON, NUMBER, ground, live, marketing, otp
from recallgate import ConfigError, ErrorKind, Event, EventType, PersonEvent, PersonRecord, Phone, SendError, policies
from recallgate.delivery.reasons import why


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
async def test_a_message_that_waits_for_an_account_says_so() -> None:
    async with ground() as here:
        here.script("a").answers.append(SendError(ErrorKind.AUTH, "401", "no"))
        await here.gateway.send(otp())
        message = otp(to="+14155550124")
        await here.gateway.send(message)

        shown = await here.gateway.explain(message.id)

        (decision,) = shown["decisions"]
        assert (decision["verdict"], decision["policy"], decision["code"]) == ("allow", "accounts", "rate_limited")
        assert decision["until"] == (NOON + timedelta(minutes=5)).isoformat()
        assert f"on sms it may leave, but no account is free (rate_limited) until {decision['until']}" in shown["story"][1]


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
        assert shown["summary"] == [
            "They get no offers by text message, because they asked to stop.",
            "We prepared 2 messages for them: 1 sent, without a report so far; 1 not sent.",
        ]
        story = "\n".join(shown["story"])
        for words in (
            "All rules let the offer by text message leave.",
            "handed to the carrier through a (attempt 1)",
            "was dropped, because they had got as many messages as our limit allows.",
            "They replied",
            "No more offers by text message, because they asked to stop (reply:stop; they wrote: “STOP”).",
            "They ordered for 12.50.",
        ):
            assert words in story
        assert [line[:16] for line in shown["story"]] == sorted(line[:16] for line in shown["story"])
        assert NUMBER not in str(shown["story"])
        assert all(one["subject"] != f"a:{NUMBER}" for one in shown["suppressions"])


@live
async def test_a_person_reads_where_they_stand_and_why_in_their_own_time() -> None:
    async with ground(at=NIGHT, consent_required=True) as here:
        await here.gateway.save_people([PersonRecord("ann", zone="America/Los_Angeles", contacts={"sms": [Phone(e164=NUMBER)]})])
        await here.gateway.consent(person="ann", channel="sms", granted=True, source="form")
        held = marketing(person="ann")
        await here.gateway.send(held)
        await here.gateway.suppress(person="ann", channel="email", reason="dnc_registry", expires_at=NIGHT + 9 * DAY)
        await here.gateway.ledger.prefer("ann", paused_until=NIGHT + 2 * DAY)

        shown = await here.gateway.explain_person("ann")

        assert shown["summary"] == [
            "They get no offers by e-mail until 2026-11-30, because it is on a do-not-call list.",
            "They agreed to offers by text message on 2026-11-21 (form).",
            "They asked us to pause until 2026-11-23.",
            "We prepared 1 message for them: 1 waiting.",
        ]
        assert (
            "2026-11-20 23:00  The offer by text message was held until 2026-11-21 08:00,"
            " because it was outside permitted hours where they live." in shown["story"]
        )
        assert not [line for line in shown["story"] if "quiet_hours" in line or "rg_" in line]


@live
async def test_of_somebody_unknown_there_is_nothing_to_tell() -> None:
    async with ground() as here:
        shown = await here.gateway.explain_person("nobody")

        assert (shown["summary"], shown["story"]) == ([], [])


def test_every_code_of_the_policies_has_its_words() -> None:
    source = Path(policies.__path__[0])
    codes = {code for file in source.glob("*.py") for code in re.findall(r'code=f?"([a-z_]+)[."{]', file.read_text("utf-8"))}

    assert len(codes) > 12
    assert {code for code in codes if why(code).startswith("of the rule")} <= {"shadow"}


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
