"""The kit for vendors without HTTP: a good driver passes with no test of its own, and each kind of mistake is caught."""

import asyncio
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from recallgate import AdapterConfig, Driver, Email, ErrorKind, Message, Receipt, SendError, Tools, channels
from recallgate.testing import DriverContract, Peer


class AcmeConfig(AdapterConfig):
    password: SecretStr


class AcmeMail(Driver):
    """A made-up vendor: one line a mail over one kept connection; `ok`, or a code, comes back."""

    vendor, channel = "acme", channels.EMAIL
    Config = AcmeConfig
    errors: ClassVar = {"no such box": ErrorKind.INVALID_RECIPIENT}
    forgets_to_close = blames_everything_on_the_wire = shows_the_reply = keeps_broken_wires = ignores_options = False

    def __init__(self, config: AcmeConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.peer = Peer()
        self._open = False
        self._turn = asyncio.Lock()

    async def send(self, message: Message) -> Receipt:
        if not self.ignores_options:
            self.options(message)
        if not isinstance(message.content, Email):
            raise SendError(ErrorKind.UNSUPPORTED, "content", "an email is needed")
        async with self._turn:
            try:
                return await self._talk(message)
            except BaseException as exc:
                if not isinstance(exc, SendError) or exc.code == "wire":
                    self._hang_up()
                raise

    async def _talk(self, message: Message) -> Receipt:
        try:
            if not self._open:
                await self.peer.open()
                self._open = True
            await self.peer.at("hello", "ok")
        except OSError as exc:
            raise SendError(ErrorKind.UNAVAILABLE, "wire", type(exc).__name__) from None
        try:
            reply = await self.peer.at("mail", "ok")
        except OSError as exc:
            kind = ErrorKind.UNAVAILABLE if self.blames_everything_on_the_wire else ErrorKind.UNCERTAIN
            raise SendError(kind, "wire", type(exc).__name__) from None
        if reply != "ok":
            code = reply.split(":")[0]
            raise SendError(self.errors.get(code, ErrorKind.UNKNOWN), reply if self.shows_the_reply else code)
        self.peer.taken.append(f"{message.id} {message.to.key}".encode())
        return Receipt(message_id=message.id, vendor_id=f"acme-{message.id}")

    def _hang_up(self) -> None:
        if self._open and not self.keeps_broken_wires:
            self._open = False
            self.peer.close()

    async def close(self) -> None:
        if self._open and not self.forgets_to_close:
            self._open = False
            self.peer.close()


class TestAcmeMail(DriverContract):
    driver = AcmeMail
    config = {"password": "hush-0815"}
    message = {
        "channel": "email",
        "to": {"type": "email", "email": "ann@example.com"},
        "content": {"type": "email", "subject": "Hi", "text": "Hi"},
        "purpose": "service",
    }
    exchanges: ClassVar[dict[str, Any]] = {
        "codes": {"no such box": "invalid_recipient"},
        "sends": [
            {
                "name": "plain",
                "taken": "01890a5d-ac96-774b-bcce-b302099a8057 ann@example.com",
                "receipt": {"vendor_id": "acme-01890a5d-ac96-774b-bcce-b302099a8057"},
            }
        ],
        "refusals": [{"name": "box", "at": "mail", "reply": "no such box: $to", "error": {"kind": "invalid_recipient"}}],
        "new_code": {"at": "mail", "reply": "gone fishing: $to", "code": "gone fishing"},
        "stages": {"before": ["connect", "hello"], "after": ["mail"]},
    }

    def connect(self, driver: AcmeMail, peer: Peer) -> None:
        driver.peer = peer


REFUSAL = TestAcmeMail.exchanges["refusals"][0]


@pytest.mark.parametrize(
    ("mistake", "case", "arguments"),
    [
        ("forgets_to_close", "test_all_connections_are_given_back", ()),
        ("blames_everything_on_the_wire", "test_a_break_after_the_message_leaves_it_open", ("mail", ConnectionResetError)),
        ("shows_the_reply", "test_a_refusal_does_not_name_the_recipient", (REFUSAL,)),
        ("keeps_broken_wires", "test_a_break_after_the_message_leaves_it_open", ("mail", TimeoutError)),
        ("keeps_broken_wires", "test_a_send_that_is_cancelled_leaves_nothing_behind", ("mail",)),
        ("ignores_options", "test_a_misspelt_option_is_refused_by_name", ()),
    ],
)
def test_a_mistake_is_caught(mistake: str, case: str, arguments: tuple[Any, ...]) -> None:
    class Broken(TestAcmeMail):
        driver = type("BrokenMail", (AcmeMail,), {mistake: True})

    getattr(TestAcmeMail(), case)(*arguments)
    with pytest.raises(AssertionError):
        getattr(Broken(), case)(*arguments)


def test_a_driver_without_callbacks_has_no_cases_about_them() -> None:
    cases = {name for name in dir(TestAcmeMail) if name.startswith("test_") and getattr(TestAcmeMail, name) is not None}

    assert not {name for name in cases if name.startswith(("test_callback", "test_forged"))}
    assert "test_no_callbacks_are_taken" in cases
    assert len(cases) >= 17
