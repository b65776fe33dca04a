"""SMPP: what is submitted, what answers mean, and what a message centre delivers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from adapters.smsc import Centre, centre, delivery, receipt
from recallgate import ErrorKind, Event, EventType, Message, Receipt, SendError, Tools
from recallgate.testing import DriverContract, Peer
from recallgate_adapters.smpp import SmppSms
from recallgate_adapters.smpp_config import SmppConfig
from recallgate_adapters.smpp_pdu import Address, BrokenPdu, Pdu, ShortMessage, bind_body, read_pdu, read_short_message
from recallgate_adapters.smpp_receipt import e164
from recallgate_adapters.smpp_session import NotWritten, refusal
from recallgate_adapters.smpp_text import gsm7, pack, read_text, segments, split_header

FACTS = json.loads((Path(__file__).parent.parent / "data" / "vendors" / "smpp.json").read_text(encoding="utf-8"))
VECTORS = {row["name"]: row for row in FACTS["vectors"]}
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
TO = "+14155550123"


class TestSmppSms(DriverContract):
    driver = SmppSms
    config = {"host": "127.0.0.1", "system_id": "esme", "password": "hush0815", "sender": "ACME", "reference": True}
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": TO},
        "content": {"type": "text", "text": "Hello"},
        "purpose": "service",
    }
    exchanges = Path(__file__).parent.parent / "data" / "exchanges" / "smpp.sms.json"

    def connect(self, driver: SmppSms, peer: Peer) -> None:
        async def dialled() -> "Wire":
            await peer.open()
            try:
                status = await peer.at("bind", 0)
            except BaseException:
                peer.close()
                raise
            if status:
                peer.close()
                raise refusal(Pdu(0x80000009, status, 1))
            return Wire(peer)

        driver.dial = dialled


class Wire:
    """A bound session on which the peer of a contract decides what is answered; a message as text is its hexadecimal."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.alive = peer, True

    async def submit(self, body: bytes) -> Pdu:
        status = await self.peer.at("submit", 0)
        if status:
            return Pdu(0x80000004, status, 1)
        self.peer.taken.append(body.hex().encode())
        return Pdu(0x80000004, 0, 1, f"id-{len(self.peer.taken)}".encode() + b"\0")

    async def unbind(self) -> None:
        self.close()

    def close(self) -> None:
        if self.alive:
            self.alive = False
            self.peer.close()


def live(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def a_driver(port: int = 1, *, told: list[Event] | None = None, **over: Any) -> SmppSms:
    config = SmppConfig.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "system_id": "esme",
            "password": "secret",
            "sender": "ACME",
            "throttled_s": 0.01,
            **over,
        }
    )
    driver = SmppSms(config, Tools(now=lambda: NOW, nonce=lambda n: "0" * n, callback_url=lambda *_, **__: None))
    if told is not None:

        async def tell(events: Sequence[Event]) -> None:
            told.extend(events)

        driver.tell = tell
    return driver


def a_text(words: str = "Hello", **fields: Any) -> Message:
    return Message.sms(TO, words, purpose="service", **{"id": "m1", **fields})


@asynccontextmanager
async def bound(
    told: list[Event] | None = None, *, over: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[Centre, SmppSms]]:
    """A centre and a driver that speaks to it, opened."""
    async with centre(**settings) as there:
        driver = a_driver(there.port, told=told, **(over or {}))
        await driver.open()
        try:
            yield there, driver
        finally:
            await driver.close()


async def outcome(driver: SmppSms, message: Message) -> Receipt | SendError:
    try:
        return await driver.send(message)
    except SendError as error:
        return error


# Bytes


@pytest.mark.parametrize(
    "name", ["submit_sm-gsm7-default", "submit_sm-ucs2", "submit_sm-ucs2-concat-1of2", "submit_sm-ucs2-concat-2of2"]
)
def test_a_submit_is_written_as_recorded(name: str) -> None:
    fields, pdu = VECTORS[name]["fields"], bytes.fromhex(VECTORS[name]["pdu_hex"])
    source = Address(fields["source_addr_ton"], fields["source_addr_npi"], fields["source_addr"])
    destination = Address(fields["dest_addr_ton"], fields["dest_addr_npi"], fields["destination_addr"])
    message = ShortMessage(
        source,
        destination,
        bytes.fromhex(fields["short_message"]),
        fields["data_coding"],
        fields["esm_class"],
        fields["registered_delivery"],
    )

    assert bytes(Pdu(4, 0, 7, bytes(message))) == pdu
    assert read_short_message(read_pdu(pdu).body) == message


@pytest.mark.parametrize("name", ["deliver_sm-receipt", "deliver_sm-mo"])
def test_a_delivery_is_read_as_recorded(name: str) -> None:
    fields, pdu = VECTORS[name]["fields"], read_pdu(bytes.fromhex(VECTORS[name]["pdu_hex"]))
    read = read_short_message(pdu.body)

    assert (pdu.command, pdu.sequence) == (5, 7)
    assert (read.source.text, read.destination.text) == (fields["source_addr"], fields["destination_addr"])
    assert (read.short_message.hex(), read.data_coding, read.esm_class) == (
        fields["short_message"],
        fields["data_coding"],
        fields["esm_class"],
    )


@pytest.mark.parametrize(("name", "command"), [("enquire_link", 0x15), ("unbind", 6)])
def test_a_pdu_without_a_body_is_a_header(name: str, command: int) -> None:
    assert bytes(Pdu(command, 0, 7)).hex() == VECTORS[name]["pdu_hex"]
    assert read_pdu(bytes.fromhex(VECTORS[name]["pdu_hex"])) == Pdu(command, 0, 7)


def test_a_bind_is_written_as_recorded() -> None:
    assert bytes(Pdu(9, 0, 7, bind_body("esme", "secret"))).hex() == VECTORS["bind_transceiver"]["pdu_hex"]


def test_all_vectors_are_used() -> None:
    assert set(VECTORS) == {
        "bind_transceiver", "enquire_link", "unbind", "submit_sm-gsm7-default", "submit_sm-ucs2",
        "submit_sm-ucs2-concat-1of2", "submit_sm-ucs2-concat-2of2", "deliver_sm-receipt", "deliver_sm-mo",
    }  # fmt: skip


@given(st.binary(max_size=60))
def test_garbage_is_no_pdu_and_no_fault(data: bytes) -> None:
    for read in (read_pdu, read_short_message):
        try:
            read(data)  # type: ignore[operator]
        except BrokenPdu:
            continue


# Segments


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("a" * 160, [160]),
        ("a" * 161, [6 + 153, 6 + 8]),
        ("€" * 80, [160]),
        ("€" * 81, [6 + 152, 6 + 10]),  # 153 septets would end inside an escape pair
        ("a" + "€" * 80, [6 + 153, 6 + 8]),
        ("你" * 70, [140]),
        ("你" * 71, [140, 6 + 8]),
        ("😀" * 35, [140]),
        ("😀" * 36, [6 + 132, 6 + 12]),  # 67 units would end inside a surrogate pair
    ],
)
def test_parts_have_these_sizes_and_cut_no_character(text: str, sizes: list[int]) -> None:
    cut = segments(text, reference=61)

    assert [len(part.data) for part in cut.parts] == sizes
    words = [split_header(part.data)[1] if part.has_header else part.data for part in cut.parts]
    assert "".join(read_text(one, cut.data_coding) for one in words) == text
    assert all("\ufffd" not in read_text(one, cut.data_coding) for one in words)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=900), st.sampled_from([8, 16]))
def test_any_text_comes_back_whole_and_fits(text: str, bits: Any) -> None:
    cut = segments(text, reference=0xABCD, reference_bits=bits)
    read = [split_header(part.data) if part.has_header else (None, part.data) for part in cut.parts]

    assert "".join(read_text(one, cut.data_coding) for _, one in read) == text
    if len(read) > 1:
        reference = 0xABCD if bits == 16 else 0xCD
        assert [head for head, _ in read] == [(reference, len(read), number) for number in range(1, len(read) + 1)]
    for (_, data), part in zip(read, cut.parts, strict=True):
        header = len(part.data) - len(data)
        octets = -(-len(data) * 7 // 8) if cut.data_coding == 0 else len(data)
        assert header + octets <= 140


def test_a_reference_of_two_octets_leaves_room_for_152_and_66() -> None:
    assert [len(part.data) for part in segments("a" * 161, reference=1, reference_bits=16).parts] == [7 + 152, 7 + 9]
    assert [len(part.data) for part in segments("你" * 71, reference=1, reference_bits=16).parts] == [7 + 132, 7 + 10]


def test_septets_are_packed_as_the_standard_shows() -> None:
    # "hellohello" of 3GPP TS 23.038's usual example
    assert pack(b"hellohello").hex() == "e8329bfd4697d9ec37"


def test_packed_septets_begin_at_a_septet_boundary_after_the_header() -> None:
    first, _ = segments("a" * 161, reference=1, packed=True).parts

    assert len(first.data) == 140
    bits = int.from_bytes(first.data[6:], "little") >> 1  # 48 bits of header, one of fill: 49 is seven septets
    assert bytes(bits >> 7 * place & 0x7F for place in range(153)) == b"a" * 153


def test_more_than_255_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        segments("a" * (153 * 255 + 1), reference=1)


@pytest.mark.parametrize(("text", "fits"), [("@£$^{}€\n\f", True), ("ç", False), ("“", False), ("\x1b", False)])
def test_the_alphabet_is_that_of_the_standard(text: str, fits: bool) -> None:
    assert (gsm7(text) is not None) is fits


# Submits


@live
async def test_a_text_is_bound_submitted_and_unbound() -> None:
    async with bound() as (there, driver):
        taken = await driver.send(a_text())

    assert taken == Receipt(message_id="m1", vendor_id="id-1", parts=1)
    assert (there.binds, there.unbound) == (["transceiver"], 1)
    expected = read_short_message(there.submitted[0])
    assert (expected.source, expected.destination) == (Address(5, 0, "ACME"), Address(1, 1, "14155550123"))
    assert (expected.short_message, expected.registered_delivery) == (b"Hello", 1)


@pytest.mark.parametrize(
    ("sender", "over", "address"),
    [
        ("+15005550009", {}, Address(1, 1, "15005550009")),
        ("12345", {}, Address(3, 0, "12345")),
        ("ACME Shop", {}, Address(5, 0, "ACME Shop")),
        ("12345", {"source_ton": 0, "source_npi": 1}, Address(0, 1, "12345")),
    ],
)
def test_the_sender_decides_its_type(sender: str, over: dict[str, Any], address: Address) -> None:
    assert a_driver(**over).short_messages(a_text(sender=sender))[0].source == address


@pytest.mark.parametrize("sender", ["A" * 12, "Ännchen", ""])
def test_a_sender_of_no_form_is_refused(sender: str) -> None:
    with pytest.raises(SendError) as caught:
        a_driver(sender=None).short_messages(a_text(sender=sender or None))
    assert caught.value.kind is ErrorKind.INVALID_SENDER


def test_validity_is_in_utc() -> None:
    end = datetime(2026, 11, 20, 6, 30, tzinfo=UTC).astimezone()
    assert a_driver().short_messages(a_text(expires_at=end))[0].validity == "261120063000000+"


def test_parts_of_a_message_have_one_reference_each_time() -> None:
    driver = a_driver()
    first, again = ([one.short_message[:6] for one in driver.short_messages(a_text("你" * 150))] for _ in range(2))

    assert first == again
    assert {head[:4] for head in first} == {first[0][:4]}
    assert [tuple(head[4:]) for head in first] == [(3, 1), (3, 2), (3, 3)]


@live
async def test_too_many_parts_are_refused_before_anything_is_sent() -> None:
    async with bound(over={"max_parts": 2}) as (there, driver):
        error = await outcome(driver, a_text("a" * 400))

    assert isinstance(error, SendError)
    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE
    assert there.binds == []


@pytest.mark.parametrize("code", FACTS["codes"])
def test_every_status_of_a_submit_is_an_error(code: str) -> None:
    @live
    async def work() -> None:
        async with bound() as (there, driver):
            there.statuses.append(int(code, 16))
            refused = await outcome(driver, a_text())
            taken = await outcome(driver, a_text())

        assert isinstance(refused, SendError)
        assert refused.code == code
        listed = ErrorKind(FACTS["codes"][code]["class"])
        # a message that is too long is told apart here, where the class of the table is coarser
        assert refused.kind is (ErrorKind.PAYLOAD_TOO_LARGE if code == "0x00000001" else listed)
        assert isinstance(taken, Receipt)

    work()


@live
async def test_throttling_says_when_to_try_again() -> None:
    async with bound(over={"throttled_s": 7}) as (there, driver):
        there.statuses.append(0x58)
        error = await outcome(driver, a_text())

    assert isinstance(error, SendError)
    assert (error.kind, error.retry_at) == (ErrorKind.RATE_LIMITED, NOW + timedelta(seconds=7))


@live
async def test_a_later_part_that_is_throttled_is_sent_again_alone() -> None:
    async with bound() as (there, driver):
        there.statuses.extend([0, 0x58, 0x14, 0])
        taken = await driver.send(a_text("你" * 80))

    assert taken.parts == 2
    assert len(there.submitted) == 4
    assert there.submitted[1] == there.submitted[2] == there.submitted[3] != there.submitted[0]


@live
async def test_a_later_part_that_is_refused_leaves_the_message_open() -> None:
    async with bound() as (there, driver):
        there.statuses.extend([0, 0x0B])
        error = await outcome(driver, a_text("你" * 80))

    assert isinstance(error, SendError)
    assert (error.kind, error.code) == (ErrorKind.UNCERTAIN, "0x0000000b")


@live
async def test_a_wrong_password_is_an_error_of_the_account() -> None:
    async with bound(password="other") as (_, driver):
        error = await outcome(driver, a_text())

    assert isinstance(error, SendError)
    assert (error.kind, error.code) == (ErrorKind.AUTH, "0x0000000e")


@live
async def test_no_centre_means_not_sent() -> None:
    async with centre() as there:
        port = there.port
    error = await outcome(a_driver(port), a_text())

    assert isinstance(error, SendError)
    assert error.kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize(("at", "kind"), [("bind", ErrorKind.UNAVAILABLE), ("submit", ErrorKind.UNCERTAIN)])
def test_a_break_is_uncertain_only_after_the_submit_was_written(at: str, kind: ErrorKind) -> None:
    @live
    async def work() -> None:
        async with bound() as (there, driver):
            there.drop_at = at
            broken = await outcome(driver, a_text())
            taken = await outcome(driver, a_text())

        assert isinstance(broken, SendError)
        assert broken.kind is kind
        assert isinstance(taken, Receipt)

    work()


@live
async def test_a_centre_that_never_answers_leaves_the_message_open() -> None:
    async with bound(mute=True, over={"answer_s": 0.05}) as (_, driver):
        error = await outcome(driver, a_text())

    assert isinstance(error, SendError)
    assert error.kind is ErrorKind.UNCERTAIN


@live
async def test_a_session_that_has_ended_unnoticed_was_not_written_to() -> None:
    async with bound() as (_, driver):
        await driver.send(a_text())
        session: Any = driver._session
        session.close()
        with pytest.raises(NotWritten):
            await session.submit(b"")

        assert isinstance(await outcome(driver, a_text()), Receipt)


@live
async def test_the_window_is_kept() -> None:
    async with bound(over={"window": 3}) as (there, driver):
        there.hold = asyncio.Event()
        sends = [asyncio.create_task(driver.send(a_text(id=f"m{number}"))) for number in range(8)]
        await until(lambda: there.at_once == 3)
        there.hold.set()
        receipts = await asyncio.gather(*sends)

    assert there.most_at_once == 3
    assert there.binds == ["transceiver"]
    assert len({one.vendor_id for one in receipts}) == 8


# Keeping the session


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - the centre runs beside the test and tells nobody
            await asyncio.sleep(0.005)


@live
async def test_the_wire_is_kept_alive() -> None:
    async with bound(over={"enquire_s": 0.01}) as (there, driver):
        await driver.send(a_text())
        await until(lambda: there.enquiries >= 2)

        assert driver._session is not None


@live
async def test_a_silent_centre_is_given_up() -> None:
    async with bound(silent_on_enquire=True, over={"enquire_s": 0.01, "answer_s": 0.05}) as (there, driver):
        await driver.send(a_text())
        session: Any = driver._session
        await until(lambda: not session.alive)
        await driver.send(a_text())

        assert there.binds == ["transceiver"] * 2


@live
async def test_enquiries_of_the_centre_are_answered_and_strange_commands_are_not_taken() -> None:
    from adapters.smsc import send

    heard: list[bytes] = []
    async with bound() as (there, driver):
        await driver.send(a_text())
        there._answer_before = there._answer  # type: ignore[attr-defined] # the centre of this test listens in

        async def listen(writer: Any, command: int, status: int, sequence: int, body: bytes) -> None:
            heard.append(command.to_bytes(4, "big") + status.to_bytes(4, "big") + sequence.to_bytes(4, "big"))

        there._answer = listen  # type: ignore[method-assign]
        send(there.writers[-1], 0x15, 0, 41)
        send(there.writers[-1], 0x102, 0, 42)
        await until(lambda: len(heard) == 2)
        there._answer = there._answer_before  # type: ignore[attr-defined, method-assign]

    assert [one.hex() for one in heard] == ["800000150000000000000029", "80000000000000030000002a"]


@live
async def test_after_a_lost_session_the_driver_binds_again_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recallgate_adapters.smpp._SOONEST_S", 0.01)
    told: list[Event] = []
    async with bound(told) as (there, _):
        await until(lambda: there.binds)
        there.writers[-1].close()
        await until(lambda: len(there.binds) == 2)
        assert await there.deliver(receipt("x", "DELIVRD")) == 0

    assert [event.type for event in told] == [EventType.DELIVERED]


# News


@pytest.mark.parametrize("stat", FACTS["status_map"])
def test_every_word_of_a_receipt_is_an_event(stat: str) -> None:
    words = {"sent": EventType.SENT, "delivered": EventType.DELIVERED, "expired": EventType.EXPIRED}
    expected = words.get(FACTS["status_map"][stat], EventType.UNDELIVERED)  # rejected, undelivered, failed

    @live
    async def work() -> None:
        told: list[Event] = []
        async with bound(told) as (there, driver):
            taken = await driver.send(a_text())
            assert await there.deliver(receipt(taken.vendor_id, stat, err="027")) == 0

        (event,) = told
        failed = expected is EventType.UNDELIVERED
        assert (event.type, event.vendor_id, event.status) == (expected, "id-1", stat)
        assert (event.kind, event.code) == ((ErrorKind.UNKNOWN, "027") if failed else (None, None))

    work()


@pytest.mark.parametrize("state", FACTS["message_state_map"])
def test_the_parameters_of_a_receipt_are_read_before_its_text(state: str) -> None:
    words = {"sent": EventType.SENT, "delivered": EventType.DELIVERED, "expired": EventType.EXPIRED}
    options = {0x001E: b"id-9\0", 0x0427: bytes((int(state),)), 0x0423: b"\x03\x00\x19"}

    @live
    async def work() -> None:
        told: list[Event] = []
        async with bound(told, over={"network_errors": {"25": "unreachable"}}) as (there, _):
            await until(lambda: there.binds)
            assert await there.deliver(delivery(b"", esm_class=0, options=options)) == 0

        (event,) = told
        assert (event.type, event.vendor_id) == (words.get(FACTS["message_state_map"][state], EventType.UNDELIVERED), "id-9")
        if event.type is EventType.UNDELIVERED:
            assert (event.kind, event.code) == (ErrorKind.UNREACHABLE, "25")

    work()


@live
async def test_a_word_never_seen_is_kept() -> None:
    told: list[Event] = []
    async with bound(told) as (there, _):
        await until(lambda: there.binds)
        await there.deliver(receipt("x", "SKIPPED"))

    assert (told[0].type, told[0].status) == (EventType.UNKNOWN, "SKIPPED")


@live
async def test_ids_in_two_bases_are_one() -> None:
    told: list[Event] = []
    async with bound(told, hex_ids=True, over={"hex_ids": True}) as (there, driver):
        taken = await driver.send(a_text())  # taken as A1
        await there.deliver(receipt("0161", "DELIVRD"))

    assert taken.vendor_id == "161"
    assert told[0].vendor_id == "161"


@live
async def test_a_message_in_parts_is_delivered_with_its_last_part() -> None:
    told: list[Event] = []
    async with bound(told) as (there, driver):
        taken = await driver.send(a_text("你" * 150))
        for identity in ("id-3", "id-1", "id-1"):
            await there.deliver(receipt(identity, "DELIVRD"))
        assert told == []
        await there.deliver(receipt("id-2", "DELIVRD"))
        await there.deliver(receipt("id-2", "DELIVRD"))

    assert (taken.vendor_id, taken.parts) == ("id-1", 3)
    assert [(event.type, event.vendor_id) for event in told] == [(EventType.DELIVERED, "id-1")]


@live
async def test_a_message_in_parts_has_failed_with_its_first_failed_part() -> None:
    told: list[Event] = []
    async with bound(told) as (there, driver):
        await driver.send(a_text("你" * 150))
        await there.deliver(receipt("id-1", "DELIVRD"))
        await there.deliver(receipt("id-2", "UNDELIV"))
        await there.deliver(receipt("id-3", "DELIVRD"))

    assert [(event.type, event.vendor_id) for event in told] == [(EventType.UNDELIVERED, "id-1")]


@live
async def test_news_that_could_not_be_stored_is_asked_for_again() -> None:
    told: list[Event] = []
    async with bound(told) as (there, driver):
        taken = await driver.send(a_text())
        good, driver.tell = driver.tell, None
        assert await there.deliver(receipt(taken.vendor_id, "DELIVRD")) == 0x64

        async def fails(events: Sequence[Event]) -> None:
            raise RuntimeError

        driver.tell = fails
        assert await there.deliver(receipt(taken.vendor_id, "DELIVRD")) == 0x64
        driver.tell = good
        assert await there.deliver(receipt(taken.vendor_id, "DELIVRD")) == 0

    assert [event.type for event in told] == [EventType.DELIVERED]


@pytest.mark.parametrize(
    ("text", "coding", "words"),
    [
        (bytes.fromhex(VECTORS["deliver_sm-mo"]["fields"]["short_message"]), 8, "退订"),
        (b"STOP", 0, "STOP"),
        (b"\x1b\x65\x00", 0, "€@"),
        ("Zürich".encode("latin-1"), 3, "Zürich"),
        (b"STOP", 1, "STOP"),
    ],
)
def test_what_people_write_is_read(text: bytes, coding: int, words: str) -> None:
    @live
    async def work() -> None:
        told: list[Event] = []
        async with bound(told) as (there, _):
            await until(lambda: there.binds)
            assert await there.deliver(delivery(text, coding=coding)) == 0

        (event,) = told
        assert (event.type, event.address, event.text, event.at) == (EventType.REPLIED, TO, words, NOW)
        assert event.data == {"to": "ACME"}

    work()


@live
async def test_a_reply_in_parts_is_one_in_any_order() -> None:
    told: list[Event] = []
    async with bound(told) as (there, _):
        await until(lambda: there.binds)
        for number, words in ((2, "订"), (1, "退")):
            part = bytes((5, 0, 3, 9, 2, number)) + words.encode("utf-16-be")
            assert await there.deliver(delivery(part, esm_class=0x40, coding=8)) == 0

    assert [event.text for event in told] == ["退订"]


@live
async def test_a_delivery_that_cannot_be_read_is_refused_for_good() -> None:
    async with bound([]) as (there, _):
        await until(lambda: there.binds)
        assert await there.deliver(b"\x01\x02") == 0x65


@pytest.mark.parametrize(
    ("address", "read"),
    [(Address(1, 1, "14155550123"), TO), (Address(0, 0, TO[1:]), TO), (Address(1, 1, TO), TO), (Address(3, 0, "12345"), "12345")],
)
def test_numbers_are_e164_where_they_can_be(address: Address, read: str) -> None:
    assert e164(address) == read


# Settings


def test_a_base_url_is_host_port_and_tls() -> None:
    config = SmppConfig.model_validate({"base_url": "smpps://smsc.example:3550", "system_id": "a", "password": "b"})

    assert (config.host, config.port, config.tls) == ("smsc.example", 3550, True)


@pytest.mark.parametrize(
    ("over", "words"),
    [({"system_id": "a" * 16}, "system_id"), ({"password": "a" * 9}, "password"), ({"base_url": "smpp:"}, "smpp://host:port")],
)
def test_what_the_protocol_has_no_room_for_is_refused(over: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SmppConfig.model_validate({"host": "h", "system_id": "a", "password": "b", **over})
