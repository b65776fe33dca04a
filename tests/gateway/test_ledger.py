"""The ledger of consents and suppressions: every source that feeds it, the way back, answers, files."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.ground import DAY, MINUTE, NOON, NUMBER, Ground, account, ground, live, marketing, of
from recallgate import ConfigError, ErrorKind, Event, EventType, Message, PersonRecord, Phone
from recallgate.model.address import EmailAddress, PushToken

MAIL, TOKEN = "ann@example.com", "device-of-ann"


async def know_ann(here: Ground) -> None:
    contacts = {"sms": [Phone(e164=NUMBER)], "email": [EmailAddress(email=MAIL)], "push": [PushToken(token=TOKEN)]}
    await here.gateway.save_people([PersonRecord("ann", contacts=contacts)])


async def told(here: Ground, kind: EventType, *, at: str = "a", **fields: Any) -> None:
    await here.gateway.apply([Event(kind, at=here.clock.now(), **fields)], account=at)


def mail(purpose: str = "marketing") -> Message:
    content = {"type": "email", "subject": "Your cart", "text": "It waits: https://shop.example/c"}
    to = {"type": "email", "email": MAIL}
    return Message.model_validate({"channel": "email", "to": to, "content": content, "purpose": purpose, "country": "US"})


FEEDS = [
    ("a reply", "a", {"kind": EventType.REPLIED, "address": NUMBER, "text": "stop"}, ("sms", "opt_out")),
    ("a word of the sender's own", "td", {"kind": EventType.REPLIED, "address": NUMBER, "text": "TD"}, ("sms", "opt_out")),
    ("the vendor's opt-out event", "a", {"kind": EventType.UNSUBSCRIBED, "address": NUMBER}, ("sms", "opt_out")),
    ("a complaint", "mail", {"kind": EventType.COMPLAINED, "address": MAIL}, ("email", "complaint")),
    (
        "a hard bounce",
        "mail",
        {"kind": EventType.UNDELIVERED, "address": MAIL, "error": ErrorKind.INVALID_RECIPIENT},
        ("email", "hard_bounce"),
    ),
    (
        "a dead number",
        "a",
        {"kind": EventType.UNDELIVERED, "address": NUMBER, "error": ErrorKind.INVALID_RECIPIENT},
        ("sms", "invalid"),
    ),
    (
        "a report of an opt-out kept by the vendor",
        "a",
        {"kind": EventType.UNDELIVERED, "address": NUMBER, "error": ErrorKind.OPTED_OUT},
        ("sms", "opt_out"),
    ),
    ("a contact removed by the customer", "wecom", {"kind": EventType.UNSUBSCRIBED, "address": "wm-ann"}, ("wecom", "opt_out")),
]


@pytest.mark.parametrize(("what", "at", "event", "kept"), FEEDS, ids=[what for what, *_ in FEEDS])
@live
async def test_every_source_ends_in_one_ledger(what: str, at: str, event: dict[str, Any], kept: tuple[str, str]) -> None:
    accounts = [
        account("a"),
        account("td", optout_suffix="回复TD退订", order=1),
        account("mail", "email"),
        account("wecom", "wecom"),
    ]
    async with ground(*accounts) as here:
        fields = {("type" if name == "kind" else "kind" if name == "error" else name): value for name, value in event.items()}
        await here.gateway.apply([Event(at=here.clock.now(), **fields)], account=at)

        assert [(channel, reason) for _, channel, reason in await here.suppressions()] == [kept]
        ((source, received, effective),) = await here.rows("select source, received_at, effective_at from rg_suppression")
        assert source
        assert received == effective == int(NOON.timestamp() * 1000)


@live
async def test_a_dead_token_is_an_address_that_is_used_no_more() -> None:
    async with ground(account(), account("p", "push")) as here:
        await know_ann(here)
        await told(here, EventType.TOKEN_DEAD, at="p", address=TOKEN)

        assert await here.rows("select channel from rg_contact where dead_at is not null") == [("push",)]


@live
async def test_a_vendor_that_refuses_because_of_an_opt_out_is_believed() -> None:
    async with ground() as here:
        here.script().refuse(ErrorKind.OPTED_OUT, code="21610")
        await here.gateway.send(marketing())

        assert await here.suppressions() == [(f"a:{NUMBER}", "sms", "opt_out")]


@live
async def test_an_opt_out_keeps_the_words_that_were_written() -> None:
    async with ground() as here:
        await told(here, EventType.REPLIED, address=NUMBER, text="please stop texting me")

        ((proof, review),) = await here.rows("select proof, review from rg_suppression")
        assert (proof, review) == ("please stop texting me", 1)


# --- scope


@pytest.mark.parametrize(("scope", "other"), [("all", "suppressed"), ("program", "accepted")])
@live
async def test_a_stop_is_from_everything_unless_the_settings_say_from_the_program(scope: str, other: str) -> None:
    async with ground(account("a"), account("b", order=1), revoke_scope=scope) as here:
        await told(here, EventType.REPLIED, at="a", address=NUMBER, text="STOP")

        assert (await here.gateway.send(marketing())).state == "suppressed"
        assert (await here.gateway.send(marketing(sender="b"))).state == other


@live
async def test_a_complaint_is_from_everything_whatever_the_scope() -> None:
    async with ground(account("a"), account("b", order=1), revoke_scope="program") as here:
        await told(here, EventType.COMPLAINED, at="a", address=NUMBER)

        assert (await here.gateway.send(marketing(sender="b"))).state == "suppressed"


# --- the way back


@live
async def test_an_opt_in_with_its_proof_ends_opt_outs_and_nothing_else() -> None:
    async with ground() as here:
        await told(here, EventType.REPLIED, address=NUMBER, text="STOP")
        await told(here, EventType.COMPLAINED, address=NUMBER)
        ended = await here.gateway.ledger.opt_in(address=NUMBER, channel="sms", source="form", proof="Yes, send me offers")

        assert ended == 1
        assert [reason for *_, reason in await here.suppressions()] == ["complaint"]
        assert await here.rows("select granted, source, proof from rg_consent") == [(1, "form", "Yes, send me offers")]
        assert (await here.gateway.send(marketing())).state == "suppressed"


@live
async def test_an_opt_in_without_words_is_none() -> None:
    async with ground() as here:
        with pytest.raises(ConfigError, match="proof"):
            await here.gateway.ledger.opt_in(address=NUMBER, channel="sms", source="form", proof=" ")


@live
async def test_an_opt_in_on_one_channel_leaves_the_others_closed() -> None:
    async with ground(account(), account("mail", "email")) as here:
        await told(here, EventType.UNSUBSCRIBED, address=NUMBER)
        await here.gateway.suppress(person="ann", channel="email", reason="opt_out")
        await here.gateway.ledger.opt_in(person="ann", channel="sms", source="form", proof="Yes")

        assert len(await here.suppressions()) == 2


@live
async def test_topics_are_chosen_one_by_one_and_come_back_one_by_one() -> None:
    async with ground() as here:
        await here.gateway.ledger.prefer("ann", topics_off=[("sms", "sales")])
        assert (await here.gateway.send(marketing(person="ann", topic="sales"))).state == "suppressed"
        assert (await here.gateway.send(marketing(person="ann", topic="news"))).state == "accepted"

        await here.gateway.ledger.prefer("ann", topics_on=[("sms", "sales")])
        here.clock.advance(2 * DAY)
        assert (await here.gateway.send(marketing(person="ann", topic="sales"))).state == "accepted"


@live
async def test_what_the_app_stores_of_a_person_keeps_what_they_chose() -> None:
    async with ground() as here:
        await here.gateway.ledger.prefer("ann", paused_until=NOON + 10 * DAY, hours=[((1, 2, 3, 4, 5), "09:00", "17:00")])
        await know_ann(here)

        held = await here.gateway.send(marketing(person="ann"))
        assert (held.state, held.verdict.code if held.verdict else None) == ("held", "pause.person")


# --- answers


@live
async def test_an_opt_out_is_confirmed_once() -> None:
    async with ground(confirm_opt_outs=True, brand="Acme") as here:
        await told(here, EventType.REPLIED, address=NUMBER, text="STOP")
        here.clock.advance(MINUTE)
        await told(here, EventType.REPLIED, address=NUMBER, text="STOP!")
        await here.gateway.drain()
        (sent,) = here.script().sent
        assert (sent.to.key, sent.purpose, sent.text.startswith("Acme: You are unsubscribed")) == (NUMBER, "transactional", True)

        await told(here, EventType.REPLIED, address=NUMBER, text="START")
        here.clock.advance(MINUTE)
        await told(here, EventType.REPLIED, address=NUMBER, text="stop")
        await here.gateway.drain()
        assert len(here.script().sent) == 2  # a new opt-out after the way back


@live
async def test_a_confirmation_does_not_come_after_five_minutes() -> None:
    async with ground(confirm_opt_outs=True) as here:
        late = Event(EventType.REPLIED, address=NUMBER, text="STOP", at=NOON - 6 * MINUTE)
        await here.gateway.apply([late], account="a")
        await told(here, EventType.REPLIED, address="+14155550199", text="STOP")
        here.clock.advance(6 * MINUTE)  # nobody worked in the meantime
        await here.gateway.drain()

        assert not here.script().tried


@live
async def test_help_is_answered_even_to_a_suppressed_number() -> None:
    async with ground(help_text="Acme: write to help@acme.example. STOP ends offers.") as here:
        await told(here, EventType.REPLIED, address=NUMBER, text="STOP")
        await told(here, EventType.REPLIED, address=NUMBER, text="HELP")
        await here.gateway.drain()

        assert [message.text for message in here.script().sent] == ["Acme: write to help@acme.example. STOP ends offers."]


@live
async def test_nothing_is_answered_unless_the_settings_say_so() -> None:
    async with ground() as here:
        await told(here, EventType.REPLIED, address=NUMBER, text="STOP")
        await told(here, EventType.REPLIED, address=NUMBER, text="HELP")
        await here.gateway.drain()

        assert not here.script().tried


# --- lists and files


@live
async def test_a_do_not_call_list_holds_for_its_time_and_says_who_was_compared() -> None:
    async with ground() as here:
        done = await here.gateway.ledger.registry_checked(
            [NUMBER, "+14155550199"], at=NOON - DAY, listed=[NUMBER], valid_for=timedelta(days=31), source="dnc 2026-11"
        )
        assert done == 2
        assert (await here.gateway.send(marketing())).state == "suppressed"
        assert (await here.gateway.send(of("service"))).state == "accepted"
        assert (await here.gateway.send(marketing("+14155550199"))).state == "accepted"

        here.clock.advance(31 * DAY)
        assert (await here.gateway.send(marketing())).state == "accepted"


@live
async def test_a_list_read_twice_adds_nothing() -> None:
    async with ground() as here:
        records = [{"address": f"+1415555{n:04}", "expires_at": "2027-01-01"} for n in range(5)]
        seen: list[int] = []
        first = await here.gateway.ledger.import_suppressions(records, reason="dnc_registry", progress=seen.append)
        second = await here.gateway.ledger.import_suppressions(records, reason="dnc_registry")

        assert (first, second, seen) == (5, 0, [5])


@live
async def test_the_ledger_goes_out_and_comes_back_the_same() -> None:
    async with ground(consent_required=True) as here:
        await here.gateway.consent(person="ann", channel="sms", granted=True, source="form", proof="I agree")
        await told(here, EventType.REPLIED, address=NUMBER, text="STOP")
        await told(here, EventType.REPLIED, address=NUMBER, text="START")
        await here.gateway.suppress(person="bob", reason="manual", all_purposes=True)
        out, given = await here.gateway.ledger.export_suppressions(page=1), await here.gateway.ledger.export_consents(page=1)

    async with ground(store="sqlite://") as there:
        assert await there.gateway.ledger.import_suppressions(out) == 2
        assert await there.gateway.ledger.import_consents(given) == 2
        assert await there.gateway.ledger.import_consents(given) == 0
        assert await there.gateway.ledger.export_suppressions() == out
        assert await there.gateway.ledger.export_consents() == given
        assert (await there.gateway.send(of("service", person="bob"))).state == "suppressed"


@live
async def test_an_imported_consent_lifts_no_opt_out() -> None:
    async with ground(consent_required=True) as here:
        await told(here, EventType.REPLIED, address=NUMBER, text="STOP")
        here.clock.advance(MINUTE)
        await here.gateway.ledger.import_consents([{"address": NUMBER, "channel": "sms", "granted": "yes"}])

        assert (await here.gateway.send(marketing())).state == "suppressed"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"person": "ann", "address": NUMBER}, "row 2: person: give a person or an address"),
        ({"address": NUMBER, "reason": "because"}, "row 2: reason: is none of opt_out"),
        ({"address": NUMBER, "expires_at": "soon"}, "row 2: expires_at: write 2026-11-20"),
        ({"address": NUMBER, "received_at": "2026-11-20T08:00:00"}, "row 2: received_at: an instant needs its zone"),
        ({"address": NUMBER, "chanel": "sms"}, "row 2: chanel: is not a column"),
        ({"address": NUMBER, "all_purposes": "maybe"}, "row 2: all_purposes: write yes or no"),
    ],
)
@live
async def test_a_fault_in_a_file_names_its_row_and_column(record: dict[str, str], words: str) -> None:
    async with ground(store="sqlite://") as here:
        with pytest.raises(ConfigError, match=words):
            await here.gateway.ledger.import_suppressions([{"address": "+14155550001"}, record])
        assert NUMBER not in words
