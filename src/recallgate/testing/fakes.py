"""Fake vendors: they take, refuse or lose messages as a script says, for each channel, with no network."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import httpx

from recallgate.adapter import (
    Adapter,
    AdapterClass,
    AdapterConfig,
    Callback,
    CallbackReading,
    Capabilities,
    Driver,
    Tools,
    read_json,
)
from recallgate.config import AccountConfig
from recallgate.model.channels import BUILT_IN, SMS, Channel
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.event import Event, EventType
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt

_REPORTS = Capabilities(callbacks="secret_path", reports=True, inbound=True)


@dataclass
class Script:
    """What a fake vendor answers, in order; an empty script takes everything. `sent` are the messages that it took.

    `tried` are all that came; one whose answer was lost (`uncertain`) counts as tried only. An outbox gives one pair of
    lists to all its scripts.
    """

    answers: deque[SendError | None] = field(default_factory=deque)
    tried: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    def accept(self, times: int = 1) -> None:
        """Take the next messages."""
        self.answers.extend([None] * times)

    def refuse(self, kind: ErrorKind, *, code: str | None = None, retry_at: datetime | None = None, times: int = 1) -> None:
        """Refuse the next messages with a kind."""
        self.answers.extend(SendError(kind, code, "refused by the fake vendor", retry_at=retry_at) for _ in range(times))

    def uncertain(self, times: int = 1) -> None:
        """Lose the answers to the next messages."""
        self.answers.extend(SendError(ErrorKind.UNCERTAIN, "broken", "the answer was lost") for _ in range(times))

    def answer(self, message: Message) -> Receipt:
        """The receipt for a message, or the `SendError` that the script holds for it."""
        self.tried.append(message)
        fault = self.answers.popleft() if self.answers else None
        if fault is not None:
            raise fault
        self.sent.append(message)
        return Receipt(message.id, f"fake-{message.channel}-{len(self.sent)}", parts=1 if message.channel == "sms" else None)


class _Callbacks:
    """Fakes tell news as JSON: `{"type": "delivered", "message_id" or "vendor_id", "kind", "code", "text"}`."""

    def read_callback(self, callback: Callback) -> CallbackReading:
        told = json.loads(callback.body)
        event = Event(
            EventType(told["type"]),
            message_id=told.get("message_id") or callback.message_id,
            vendor_id=told.get("vendor_id"),
            at=callback.received_at,
            kind=ErrorKind(told["kind"]) if "kind" in told else None,
            code=told.get("code"),
            text=told.get("text"),
        )
        return CallbackReading((event,))


class FakeDriver(_Callbacks, Driver):
    """A scripted vendor without HTTP; `fake_account` makes one for any channel."""

    vendor, channel = "fake", SMS
    capabilities = _REPORTS

    def __init__(self, config: AdapterConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.script = Script()

    async def send(self, message: Message) -> Receipt:
        self.options(message)
        return self.script.answer(message)


class FakeAdapter(_Callbacks, Adapter):
    """A vendor over HTTP whose every message is one JSON request; for tests of what lies between gateway and wire.

    `fake_transport` is its vendor's side.
    """

    vendor, channel = "fake", SMS
    capabilities = _REPORTS

    def build(self, message: Message) -> httpx.Request:
        self.options(message)
        base = self.config.base_url or "https://fake.example"
        body = {"message": message.model_dump(mode="json", exclude_none=True)}
        return httpx.Request("POST", f"{base}/{message.channel}", json=body)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = read_json(response)
        if "kind" in answer:
            raise SendError(ErrorKind(answer["kind"]), answer.get("code"), "refused by the fake vendor")
        return Receipt(message.id, answer["id"])


def fake_transport(script: Script) -> httpx.MockTransport:
    """The far end of a `FakeAdapter`: answers as the script says; a lost answer is a broken connection."""

    def answer(request: httpx.Request) -> httpx.Response:
        message = Message.model_validate(json.loads(request.content)["message"])
        try:
            receipt = script.answer(message)
        except SendError as exc:
            if exc.kind is ErrorKind.UNCERTAIN:
                raise httpx.ReadError("the answer was lost", request=request) from exc
            return httpx.Response(200, json={"kind": exc.kind.value, "code": exc.code})
        return httpx.Response(200, json={"id": receipt.vendor_id})

    return httpx.MockTransport(answer)


class FakeAccount(AccountConfig):
    """An account whose adapter is handed over as a class, so that no entry point is needed."""

    adapter_cls: type[Any]

    @property
    def cls(self) -> AdapterClass:
        return cast(AdapterClass, self.adapter_cls)


def fake_account(
    channel: str | Channel = "sms",
    *,
    name: str | None = None,
    base: type[FakeDriver] | type[FakeAdapter] = FakeDriver,
    capabilities: Capabilities | None = None,
    **fields: Any,
) -> AccountConfig:
    """An account of a fake vendor for a channel; `fields` are those of `AccountConfig` (`order`, `rate`, `countries`, …)."""
    medium = channel if isinstance(channel, Channel) else BUILT_IN[channel]
    attributes: dict[str, Any] = {"channel": medium, "capabilities": capabilities or base.capabilities}
    made = type(f"Fake{medium.name.title()}", (base,), attributes)
    return FakeAccount(
        name=name or medium.name, adapter=f"fake.{medium.name}", settings=base.Config(), adapter_cls=made, **fields
    )
