"""A message centre: takes submits, joins the parts of a text, delivers receipts and what people write.

Source: SMPP Protocol Specification v3.4, sections 4.4, 4.6 and 5.1.3 and appendix B, read 2026-11-22.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from recallgate import ErrorKind, EventType, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces.smpp_wire import Malformed, read_submit, receipt_body, reply_body

_LINK = re.compile(r"https?://[^\s\"'<>)]+")
_STATUSES: Mapping[ErrorKind, int] = {
    ErrorKind.PAYLOAD_TOO_LARGE: 0x01,
    ErrorKind.TEMPORARY: 0x08,
    ErrorKind.INVALID_SENDER: 0x0A,
    ErrorKind.INVALID_RECIPIENT: 0x0B,
    ErrorKind.AUTH: 0x0D,
    ErrorKind.RATE_LIMITED: 0x58,
    ErrorKind.BLOCKED_CONTENT: 0x66,
}
_INVALID_LENGTH, _BAD_DESTINATION, _OTHER = 0x02, 0x0B, 0xFF
_BAD_PASSWORD, _BAD_SYSTEM = 0x0E, 0x0F
_STATES = {
    EventType.SENT: "ENROUTE",
    EventType.DELIVERED: "DELIVRD",
    EventType.UNDELIVERED: "UNDELIV",
    EventType.EXPIRED: "EXPIRED",
}


class Answer(NamedTuple):
    """A submit_sm_resp: its command_status and its body, which names the id."""

    status: int
    body: bytes


class SmppFace(VendorFace):
    """A centre that takes texts for any number; not HTTP, so `submit` stands for `answer`.

    `route` brings a deliver_sm to whoever is bound, and is None while nobody is.
    """

    adapter = "smpp.sms"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.route: Callable[[bytes], Awaitable[int]] | None = None
        self._parts: dict[tuple[str, str, int, int], dict[int, tuple[str, str]]] = {}

    def bind(self, system_id: str, password: str) -> int:
        """The command_status of a bind."""
        if not hmac.compare_digest(system_id.encode(), str(self.config["system_id"]).encode()):
            return _BAD_SYSTEM
        return 0 if hmac.compare_digest(password.encode(), str(self.config["password"]).encode()) else _BAD_PASSWORD

    def submit(
        self, content: bytes, *, now: datetime, new_id: IdSource, fault: Fault | None = None
    ) -> tuple[Answer, Taken | None]:
        """The answer to a submit_sm, and the message once all its parts are here."""
        if fault is not None:
            return Answer(_STATUSES.get(fault.kind, _OTHER), b""), None
        try:
            submit = read_submit(content, packed=self.config.get("gsm7") == "packed")
        except Malformed:
            return Answer(_INVALID_LENGTH, b""), None
        if not re.fullmatch(r"\d{5,15}", submit.destination, re.ASCII):
            return Answer(_BAD_DESTINATION, b""), None
        identity = new_id.hex(submit.destination, str(submit.part), submit.text, length=15).upper()
        answer = Answer(0, identity.encode() + b"\0")
        parts = {1: (identity, submit.text)}
        if submit.part is not None and submit.part[1] > 1:
            reference, total, number = submit.part
            key = (submit.source, submit.destination, reference, total)
            parts = self._parts.setdefault(key, {})
            parts[number] = (identity, submit.text)
            if len(parts) < total:
                return answer, None
            del self._parts[key]
        ordered = [parts[number] for number in sorted(parts)]
        text = "".join(words for _, words in ordered)
        return answer, Taken(
            vendor_id=ordered[0][0],
            recipient=f"+{submit.destination}",
            channel="sms",
            text=text,
            links=tuple(_LINK.findall(text)),
            callback_url="smpp:" if submit.wants_receipt else None,
            data={"from": submit.source, "to": submit.destination, "ids": [identity for identity, _ in ordered]},
        )

    def attach(self, driver: Any, submit: Callable[[bytes], Answer | None]) -> None:
        self.route = driver.heard

        async def dial() -> _Session:
            return _Session(submit)

        driver.dial = dial

    def deliveries(self, happening: WorldEvent | str, taken: Taken) -> Sequence[bytes]:
        """A receipt for each part of a message, or what a person writes."""
        if isinstance(happening, str):
            return [reply_body(taken.data, happening)]
        state = _STATES.get(happening.type)
        if state is None or taken.callback_url is None:
            return []
        error = "001" if state == "UNDELIV" else "000"
        ids = [str(int(one, 16)) if self.config.get("hex_ids") else one for one in taken.data["ids"]]
        return [receipt_body(taken.data, one, state, at=happening.told_at or happening.at, error=error) for one in ids]

    async def deliver(self, body: bytes) -> None:
        """Raises ConnectionError where nobody is bound, or the news is not taken."""
        if self.route is None or await self.route(body):
            raise ConnectionError("nobody is bound who takes the news")


class _Session:
    """A bound session without a socket."""

    def __init__(self, submit: Callable[[bytes], Answer | None]) -> None:
        self._submit, self.alive = submit, True

    async def submit(self, body: bytes) -> Answer:
        try:
            answer = self._submit(body)
        except ConnectionRefusedError:  # bound already: the centre can only say that it is unwell
            return Answer(_STATUSES[ErrorKind.TEMPORARY], b"")
        if answer is None:
            self.alive = False
            raise ConnectionResetError("the session broke before the answer")
        return answer

    async def unbind(self) -> None:
        self.alive = False

    def close(self) -> None:
        self.alive = False
