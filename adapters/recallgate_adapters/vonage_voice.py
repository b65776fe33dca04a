"""Vonage voice calls: POST /v1/calls, JSON, a token signed with RS256, the script inline as NCCO.

Source: vonage-voice 1.5.1 and "Voice API webhooks", vendor documents, read 2026-11-22.
Quirk: the URL of a webhook is not signed, only its body; what a key means stands in the URL, behind its secret path.
Quirk: a machine is told apart only when detection was asked for; `completed` ends every call that was picked up.
Quirk: a script for machines is spoken at once and does not wait for a tone.
Quirk: a phone rings for at most 120 seconds; a longer time is cut to that.
Quirk: start_time and end_time of a looked-up call have no zone, so they are never taken as the time.
"""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Callback,
    CallbackReading,
    CallScript,
    Capabilities,
    ErrorKind,
    Event,
    EventType,
    KeyAnswer,
    Message,
    Receipt,
    Reply,
    SendError,
    Signed,
    Tools,
    channels,
)
from recallgate_adapters._call_script import pack, unpack
from recallgate_adapters._shared import phone, unsupported
from recallgate_adapters._sms import failed_as, iso_time, sender_of, with_plus, without_plus
from recallgate_adapters.vonage_ncco import Action, menu, reply, spoken
from recallgate_adapters.vonage_rest import read_answer, read_webhook, with_token

# `human` and `disconnected` are known by name only.
STATUSES: dict[str, EventType | None] = {
    "started": EventType.ACCEPTED,
    "ringing": EventType.SENT,
    "answered": EventType.ANSWERED,
    "human": EventType.ANSWERED,
    "machine": EventType.MACHINE,
    "completed": EventType.ANSWERED,
    "disconnected": None,
    "busy": EventType.BUSY,
    "timeout": EventType.NO_ANSWER,
    "unanswered": EventType.NO_ANSWER,
    "cancelled": EventType.UNDELIVERED,
    "failed": EventType.UNDELIVERED,
    "rejected": EventType.UNDELIVERED,
}
LONGEST_RING_S = 120


class VonageVoiceConfig(AdapterConfig):
    """A Vonage application. `signature_secret` of its account verifies webhooks; `sender` is a number linked to it."""

    dsn_user: ClassVar[str] = "application_id"
    dsn_password: ClassVar[str] = "private_key"  # noqa: S105 - the name of a field
    base_url: str = "https://api.nexmo.com"
    application_id: str = Field(min_length=1)
    private_key: SecretStr = Field(min_length=1)
    signature_secret: SecretStr | None = None
    sender: str | None = None


class VonageVoiceOptions(AdapterOptions):
    """Options of one call. `time_limit_s` ends a call that goes on; `send_digits` are dialled after the answer."""

    time_limit_s: int | None = Field(default=None, ge=1, le=86_400)
    send_digits: str | None = Field(default=None, pattern=r"^[0-9*#p]{1,32}$")
    random_from_number: bool = False


class VonageVoice(Adapter):
    vendor, channel, api = "vonage", channels.VOICE, 1
    needs = {"cryptography": "recallgate[voice]", "jwt": "recallgate[voice]"}
    Config, Options = VonageVoiceConfig, VonageVoiceOptions
    statuses = STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True)
    config: VonageVoiceConfig

    def __init__(self, config: VonageVoiceConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)
        self.endpoint = httpx.URL(f"{config.base_url.rstrip('/')}/v1/calls")

    def build(self, message: Message) -> httpx.Request:
        options: VonageVoiceOptions = self.options(message)
        script = message.content
        if not isinstance(script, CallScript):
            raise unsupported(message, self.adapter_name(), "a call script")
        caller = None if options.random_from_number else sender_of(message, self.config.sender)
        event_url = self.tools.callback_url(message, "status")
        called = {"type": "phone", "number": without_plus(phone(message)), "dtmfAnswer": options.send_digits}
        call: dict[str, Any] = {
            "ncco": self._ncco(message, script),
            "to": [{name: value for name, value in called.items() if value is not None}],
            "from": {"type": "phone", "number": without_plus(caller)} if caller else None,
            "random_from_number": True if options.random_from_number else None,
            "event_url": [event_url] if event_url else None,
            "event_method": "POST" if event_url else None,
            "machine_detection": {"ignore": None, "hangup": "hangup", "speak": "continue"}[script.on_machine],
            "length_timer": options.time_limit_s,
            "ringing_timer": min(script.ring_s, LONGEST_RING_S),
        }
        return httpx.Request("POST", self.endpoint, json={name: value for name, value in call.items() if value is not None})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return Receipt(message_id=message.id, vendor_id=self._call(response)["uuid"])

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for one call by its uuid; None without one, since the vendor does not know our ids."""
        return httpx.Request("GET", f"{self.endpoint}/{quote(vendor_id, safe='')}") if vendor_id else None

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        return _report(self._call(response), message.id)

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Status news, or a pressed key (`k=keys`), which is answered with what the script says to it."""
        fields = read_webhook(callback, self.config.signature_secret)
        if callback.query.get("k") == "keys":
            return _pressed(callback, fields)
        return CallbackReading(_report(fields, callback.message_id))

    def _call(self, response: httpx.Response) -> dict[str, Any]:
        return read_answer(response, "uuid", now=self.tools.now())

    def _ncco(self, message: Message, script: CallScript) -> list[Action]:
        said = spoken(script.say)
        if not script.keys:
            return said
        url = self.tools.callback_url(message, "keys", s=pack(script))
        if url is None:
            raise SendError(ErrorKind.UNSUPPORTED, "public_url", "keys: the vendor has to ask us, so a public_url is needed")
        return menu(said, url, wait_s=script.key_wait_s)

    def _sign(self, request: httpx.Request) -> httpx.Request:
        application_id, private_key = self.config.application_id, self.config.private_key.get_secret_value()
        return with_token(request, application_id=application_id, private_key=private_key, tools=self.tools)


def _report(fields: Mapping[str, Any], message_id: str | None) -> tuple[Event, ...]:
    status, uuid = str(fields.get("status") or ""), str(fields.get("uuid") or "")
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    seconds = str(fields.get("duration") or "")
    told = {name: str(fields[name]) for name in ("price", "rate", "network") if fields.get(name)}
    return (
        Event(
            type_,
            message_id=message_id,
            vendor_id=uuid or None,
            at=iso_time(fields.get("timestamp")),
            vendor_event_id=f"{uuid}:{status}",
            status=status,
            kind=failed_as(type_, lambda: ErrorKind.UNKNOWN),
            data={**({"seconds": int(seconds)} if seconds.isdecimal() else {}), **told},
        ),
    )


def _pressed(callback: Callback, fields: Mapping[str, Any]) -> CallbackReading:
    """What a key means and what is answered, by the URL alone; silence and a key that is not offered end the call."""
    key, uuid = _digit(fields), str(fields.get("uuid") or "")
    script = unpack(callback.query.get("s", ""))
    if not key or script is None:
        return CallbackReading((), reply())
    answer = script.keys.get(key, KeyAnswer())
    person = with_plus(fields.get("to"))
    news = [(EventType.KEY_PRESSED, f"key:{key}", {"key": key, "action": answer.action})]
    if answer.action == "opt_out":
        news.append((EventType.UNSUBSCRIBED, "opt_out", {}))
    events = tuple(
        Event(
            type_,
            message_id=callback.message_id,
            vendor_id=uuid or None,
            address=person,
            at=iso_time(fields.get("timestamp")),
            vendor_event_id=f"{uuid}:{name}",
            data=data,
        )
        for type_, name, data in news
    )
    return CallbackReading(events, _answered(answer, script, callback.url))


def _answered(answer: KeyAnswer, script: CallScript, url: str) -> Reply:
    try:
        said = spoken(answer.say)
        again = menu(spoken(script.say), url, wait_s=script.key_wait_s) if answer.action == "repeat" else []
    except SendError:  # what the URL carries cannot be spoken: it is not one that we made
        return reply()
    return reply([*said, *again])


def _digit(fields: Mapping[str, Any]) -> str:
    """The key in an input webhook, which holds an object or, in its first version, a text."""
    dtmf = fields.get("dtmf")
    return str((dtmf.get("digits") if isinstance(dtmf, dict) else dtmf) or "")
