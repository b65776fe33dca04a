"""Two independent SMPP libraries against our driver: equal PDUs, and a session with another's message centre."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest
import smpp34
import smpplib.client
import smpplib.consts
import smpplib.gsm
import smpplib.smpp

from oracles.same import Same
from recallgate import ErrorKind, Event, EventType, Message, SendError
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.smpp import SmppSms
from recallgate_adapters.smpp_config import SmppConfig
from recallgate_adapters.smpp_pdu import Pdu, bind_body

TO = "+14155550123"
TEXTS = ["Hello", "Price: 5 € [net]", "你好,退订", "a" * 300, "你" * 130]


def driver(port: int = 1, **over: Any) -> SmppSms:
    config = {"host": "127.0.0.1", "port": port, "system_id": "esme", "password": "secret", "sender": "ACME", **over}
    return SmppSms(SmppConfig.model_validate(config), tools_of(None))


def text(words: str) -> Message:
    return Message.sms(TO, words, purpose="service", id="m1")


def live(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 20))

    return run


def test_a_bind_is_what_smpplib_writes(same: Same) -> None:
    client = smpplib.client.Client("127.0.0.1", 1, allow_unknown_opt_params=True)
    theirs = smpplib.smpp.make_pdu("bind_transceiver", client=client, system_id="esme", password="secret").generate()

    assert bytes(Pdu(9, 0, 1, bind_body("esme", "secret")))[16:] == theirs[16:]
    same.proven(operation="bind_transceiver", oracle="smpplib")


@pytest.mark.parametrize("words", TEXTS)
def test_a_submit_is_what_smpplib_writes(words: str, same: Same) -> None:
    """Of one alphabet and its parts; the reference is ours, since smpplib draws its own."""
    client = smpplib.client.Client("127.0.0.1", 1, allow_unknown_opt_params=True)
    for one in driver().short_messages(text(words)):
        theirs = smpplib.smpp.make_pdu(
            "submit_sm",
            client=client,
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
            source_addr="ACME",
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=TO[1:],
            short_message=one.short_message,
            data_coding=one.data_coding,
            esm_class=one.esm_class,
            registered_delivery=True,
        ).generate()

        assert bytes(one) == theirs[16:]
    same.proven(operation="submit_sm", oracle="smpplib")


@pytest.mark.parametrize("words", TEXTS)
def test_the_segments_are_those_of_smpplib_where_it_cuts_no_character(words: str, same: Same) -> None:
    parts, coding, esm_class = smpplib.gsm.make_parts(words)
    ours = driver().short_messages(text(words))

    def without_reference(part: bytes) -> bytes:
        return part[:3] + part[4:] if esm_class else part

    assert [without_reference(one.short_message) for one in ours] == [without_reference(part) for part in parts]
    assert {(one.data_coding, one.esm_class) for one in ours} == {(coding, esm_class)}
    same.proven(operation="segments", oracle="smpplib")


@pytest.mark.parametrize("words", ["😀" * 36, "€" * 81])
def test_smpplib_cuts_characters_where_we_do_not(words: str) -> None:
    parts, _, _ = smpplib.gsm.make_parts(words)

    assert [len(one.short_message) for one in driver().short_messages(text(words))] != [len(part) for part in parts]


@pytest.mark.parametrize("words", [*TEXTS, "😀" * 36])
def test_smpp34_reads_what_we_write(words: str, same: Same) -> None:
    for one in driver(reference=True).short_messages(text(words)):
        read = smpp34.decode(bytes(Pdu(4, 0, 7, bytes(one))))

        assert isinstance(read, smpp34.SubmitSm)
        assert (read.source_addr, read.destination_addr, bytes(read.short_message)) == ("ACME", TO[1:], one.short_message)
        assert (read.data_coding, read.esm_class, read.registered_delivery) == (one.data_coding, one.esm_class, 1)
        assert [tlv.tag for tlv in read.tlvs] == [smpp34.TLV_USER_MESSAGE_REFERENCE]
    same.proven(operation="submit_sm read", oracle="smpp34")


@live
async def _a_day_at_smpp34() -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    server = smpp34.Server("127.0.0.1", port)
    await server.start()
    told: list[Event] = []
    ours = driver(port)

    async def tell(events: Any) -> None:
        told.extend(events)

    ours.tell = tell
    esme: Any = None
    sent: list[bytes] = []

    async def centre() -> None:
        nonlocal esme
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                esme = event
            elif isinstance(event, smpp34.SubmitSmEvent):
                sent.append(bytes(event.short_message))
                if b"bad" in sent[-1]:
                    await _maybe(event.reject(smpp34.ESME_RTHROTTLED))
                else:
                    await _maybe(event.accept(f"m-{len(sent)}"))

    serving = asyncio.create_task(centre())
    try:
        receipt = await ours.send(text("你" * 80))
        assert (receipt.vendor_id, receipt.parts) == ("m-1", 2)
        with pytest.raises(SendError) as caught:
            await ours.send(text("bad"))
        assert caught.value.kind is ErrorKind.RATE_LIMITED
        for identity in ("m-1", "m-2"):
            body = f"id:{identity} sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:x"
            await _maybe(esme.deliver_sm("ACME", short_message=body.encode(), source_addr=TO[1:], esm_class=4))
        await _maybe(
            esme.deliver_sm(
                "ACME", short_message="退订".encode("utf-16-be"), source_addr=TO[1:], source_addr_ton=1, data_coding=8
            )
        )
        while len(told) < 2:  # noqa: ASYNC110 - the library tells nobody
            await asyncio.sleep(0.01)
    finally:
        serving.cancel()
        await ours.close()
        await _maybe(server.stop())

    assert [(event.type, event.vendor_id, event.text) for event in told] == [
        (EventType.DELIVERED, "m-1", None),
        (EventType.REPLIED, None, "退订"),
    ]


async def _maybe(given: Any) -> Any:
    return await given if asyncio.iscoroutine(given) or asyncio.isfuture(given) else given


def test_a_session_with_another_ones_centre(same: Same) -> None:
    _a_day_at_smpp34()

    for operation in ("bind and submit_sm", "refusal 0x58", "receipts", "inbound"):
        same.proven(operation=operation, oracle="smpp34")
