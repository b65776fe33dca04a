"""SMS by SMPP 3.4: one bound session with a window of submits, receipts and replies on the same wire.

Source: SMPP Protocol Specification v3.4, Issue 1.2, read 2026-11-22.
Quirk: a submit is taken with its response; a break after it was written leaves everything open.
Quirk: each part of a long text has an id and receipts of its own; the message is delivered when all its parts are.
Quirk: a part that is throttled after earlier ones were taken is sent again here: another message would repeat those.
Quirk: there is no idempotency; a message whose answer was lost is never sent again by this driver.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta

from recallgate import Capabilities, Driver, ErrorKind, Event, EventType, Message, Receipt, SendError, Tools, channels
from recallgate_adapters._shared import phone
from recallgate_adapters._sms import said, sender_of
from recallgate_adapters.smpp_codes import ERRORS, STATUSES
from recallgate_adapters.smpp_config import SmppConfig
from recallgate_adapters.smpp_pdu import (
    ESM_UDH,
    USER_REFERENCE,
    Address,
    BrokenPdu,
    ShortMessage,
    read_c_string,
    read_short_message,
)
from recallgate_adapters.smpp_receipt import Inbox, is_receipt, one_form, read_receipt
from recallgate_adapters.smpp_session import NotWritten, Session, dial, refusal
from recallgate_adapters.smpp_text import Segments, segments

Tell = Callable[[Sequence[Event]], Awaitable[object]]
_TRIES = 5  # of a throttled part after the first
_SOONEST_S, _LATEST_S = 1.0, 60.0  # between two tries to bind again
_RETRY_LATER, _MALFORMED = 0x64, 0x65
_KEPT = 10_000
_FINAL = (EventType.DELIVERED, EventType.UNDELIVERED, EventType.EXPIRED)
_SHORT_CODE, _NUMBER = re.compile(r"\d{3,8}", re.ASCII), re.compile(r"\+\d{7,15}", re.ASCII)


@dataclass
class _Long:
    """A message in parts: the id that stands for it, which parts were delivered, and whether all is told."""

    vendor_id: str
    total: int
    delivered: set[str] = field(default_factory=set)
    told: bool = False


class SmppSms(Driver):
    """SMS through a message centre. `tell` takes the events of receipts and replies; `dial` makes a bound session.

    Without `tell` the centre is asked to deliver later, so that nothing is lost.
    """

    vendor, channel = "smpp", channels.SMS
    Config = SmppConfig
    errors, statuses = ERRORS, STATUSES
    capabilities = Capabilities(reports=True, inbound=True, validity=True)
    config: SmppConfig

    def __init__(self, config: SmppConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.tell: Tell | None = None
        self.dial: Callable[[], Awaitable[Session]] = lambda: dial(config, self.heard)
        self._session: Session | None = None
        self._dialing = asyncio.Lock()
        self._window = asyncio.Semaphore(config.window)
        self._busy: dict[Session, int] = {}
        self._parts: OrderedDict[str, _Long] = OrderedDict()
        self._inbox = Inbox()
        self._keeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Stay bound from now on, since the centre tells news only to who is; a bind that fails is tried again."""
        if self._keeper is None and self.tell is not None:
            self._keeper = asyncio.create_task(self._stay_bound())

    async def send(self, message: Message) -> Receipt:
        """Send one text; a break before the first submit is UNAVAILABLE (not sent), after it UNCERTAIN."""
        self.options(message)
        bodies = [bytes(one) for one in self.short_messages(message)]
        ids: list[str] = []
        async with self._window:
            session = await self._bound()
            self._busy[session] = self._busy.get(session, 0) + 1
            try:
                for number, body in enumerate(bodies):
                    ids.append(await self._submit(session, body, number, len(bodies)))
                    self._part_of(ids, len(bodies))  # at once: its receipt may come before the next part is taken
            except SendError as error:
                if error.kind is ErrorKind.UNCERTAIN or error.code in ("connection", "0x00000004"):
                    self._retire(session)
                raise
            except BaseException:
                self._retire(session)
                raise
            finally:
                self._busy[session] = self._busy.get(session, 1) - 1
                self._put_away(session)
        return Receipt(message_id=message.id, vendor_id=ids[0], parts=len(ids))

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        session, self._session = self._session, None
        if session is not None and not self._busy.get(session):
            self._busy.pop(session, None)
            await session.unbind()

    def short_messages(self, message: Message) -> list[ShortMessage]:
        """What is submitted for a message, one for each part, in order; raises `SendError` for what cannot be."""
        config = self.config
        mark = int.from_bytes(hashlib.sha256(message.id.encode()).digest()[:2], "big")
        cut = self._cut(said(message, "smpp.sms"), mark)
        if len(cut.parts) > config.max_parts:
            raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "parts", f"{len(cut.parts)} parts; max_parts is {config.max_parts}")
        source = self._source(sender_of(message, config.sender))
        destination = Address(1, 1, phone(message).removeprefix("+"))
        until = message.expires_at.astimezone(UTC).strftime("%y%m%d%H%M%S000+") if message.expires_at else ""
        return [
            ShortMessage(
                source,
                destination,
                part.data,
                cut.data_coding,
                ESM_UDH if part.has_header else 0,
                registered_delivery=1 if config.bind == "transceiver" else 0,
                validity=until,
                options={USER_REFERENCE: mark.to_bytes(2, "big")} if config.reference else {},
            )
            for part in cut.parts
        ]

    async def heard(self, body: bytes) -> int:
        """Take a deliver_sm; the status for the centre is zero only when the event is told and durable."""
        try:
            delivered = read_short_message(body)
        except BrokenPdu:
            return _MALFORMED
        if self.tell is None:
            return _RETRY_LATER
        read = self._receipt(delivered) if is_receipt(delivered) else self._inbox.read(delivered, at=self.tools.now())
        event = self._of_whole(read) if read is not None else None
        if event is not None:
            try:
                await self.tell([event])
            except Exception:  # whatever it was, the event is not stored: the centre keeps it
                return _RETRY_LATER
        if read is not None:
            self._note(read)
        return 0

    def _receipt(self, delivered: ShortMessage) -> Event:
        return read_receipt(delivered, hex_ids=self.config.hex_ids, network_errors=self.config.network_errors)

    def _cut(self, text: str, mark: int) -> Segments:
        bits = self.config.reference_bits
        try:
            return segments(text, reference=mark, reference_bits=bits, packed=self.config.gsm7 == "packed")
        except ValueError as exc:
            raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "parts", str(exc)) from None

    def _source(self, sender: str) -> Address:
        if _NUMBER.fullmatch(sender):
            ton, npi, text = 1, 1, sender.removeprefix("+")
        elif _SHORT_CODE.fullmatch(sender):
            ton, npi, text = 3, 0, sender
        elif 1 <= len(sender) <= 11 and sender.isascii() and sender.isprintable():
            ton, npi, text = 5, 0, sender
        else:
            raise SendError(ErrorKind.INVALID_SENDER, "sender", "a sender is +number, a short code, or 11 ASCII characters")
        own_ton, own_npi = self.config.source_ton, self.config.source_npi
        return Address(ton if own_ton is None else own_ton, npi if own_npi is None else own_npi, text)

    async def _submit(self, session: Session, body: bytes, number: int, total: int) -> str:
        """The centre's id of one part. From the second part on, nothing is certainly not sent any more."""
        for left in reversed(range(_TRIES)):
            try:
                answer = await session.submit(body)
            except NotWritten as exc:
                kind = ErrorKind.UNCERTAIN if number else ErrorKind.UNAVAILABLE
                raise SendError(kind, "connection", f"the session ended before part {number + 1} of {total}") from exc
            except OSError as exc:
                raise SendError(ErrorKind.UNCERTAIN, "connection", f"no answer to a submit ({type(exc).__name__})") from None
            if answer.status == 0:
                identity = read_c_string(answer.body)
                if not identity:
                    raise SendError(ErrorKind.UNCERTAIN, "no_id", "the message centre took it and told no id")
                return one_form(identity, hex_ids=self.config.hex_ids)
            error = refusal(answer)
            if error.kind is not ErrorKind.RATE_LIMITED or number == 0 or not left:
                break
            await asyncio.sleep(self.config.throttled_s)
        if number:
            raise SendError(ErrorKind.UNCERTAIN, error.code, f"part {number + 1} of {total} was refused after others were taken")
        if error.kind is ErrorKind.RATE_LIMITED:
            error.retry_at = self.tools.now() + timedelta(seconds=self.config.throttled_s)
        raise error

    async def _bound(self) -> Session:
        """The session, bound anew where it has ended. Nothing was sent when this fails."""
        async with self._dialing:
            if self._session is not None and self._session.alive:
                return self._session
            if self._session is not None:
                self._retire(self._session)
            try:
                self._session = await self.dial()
            except OSError as exc:
                raise SendError(ErrorKind.UNAVAILABLE, "connection", f"no bind ({type(exc).__name__})") from None
            return self._session

    def _retire(self, session: Session) -> None:
        """No new submits on it; it is closed when those under way have ended."""
        if self._session is session:
            self._session = None
        self._busy.setdefault(session, 0)
        self._put_away(session)

    def _put_away(self, session: Session) -> None:
        if self._busy.get(session) == 0 and session is not self._session:
            del self._busy[session]
            session.close()

    async def _stay_bound(self) -> None:
        wait_s = _SOONEST_S
        while True:
            try:
                await self._bound()
                wait_s = _SOONEST_S
            except SendError:
                wait_s = min(wait_s * 2, _LATEST_S)
            await asyncio.sleep(wait_s)

    def _part_of(self, ids: Sequence[str], total: int) -> None:
        if total > 1:
            self._parts[ids[-1]] = self._parts[ids[0]] if len(ids) > 1 and ids[0] in self._parts else _Long(ids[0], total)
            while len(self._parts) > _KEPT:
                self._parts.popitem(last=False)

    def _of_whole(self, event: Event) -> Event | None:
        """News of a part as news of its message; None while other parts may still fail, and after its end was told."""
        long = self._parts.get(event.vendor_id or "")
        if long is None:
            return event
        whole = replace(event, vendor_id=long.vendor_id)
        if event.type not in _FINAL:
            return whole
        last = event.type is not EventType.DELIVERED or len(long.delivered | {str(event.vendor_id)}) == long.total
        return whole if last and not long.told else None

    def _note(self, event: Event) -> None:
        """Remember what has been told."""
        long = self._parts.get(event.vendor_id or "")
        if long is not None and event.type in _FINAL:
            if event.type is EventType.DELIVERED:
                long.delivered.add(str(event.vendor_id))
            long.told = long.told or event.type is not EventType.DELIVERED or len(long.delivered) == long.total
