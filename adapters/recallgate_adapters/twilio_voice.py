"""Twilio voice calls: POST /2010-04-01/Accounts/{sid}/Calls.json, form fields, HTTP Basic, the script inline as TwiML.

Source: OpenAPI description twilio_api_v2010 and "Answering Machine Detection", vendor documents, read 2026-11-22.
Quirk: only `completed` is reported unless the events are asked for one by one.
Quirk: inline TwiML never learns who answered. A script that hangs up on machines is therefore fetched from our callback
    URL, where AnsweredBy decides; one that speaks to machines stays inline and waits for the tone (DetectMessageEnd).
Quirk: `completed` also ends calls that a machine took: AnsweredBy tells them apart, and only when detection was asked for.
Quirk: an inline document has at most 4,000 characters.
"""

from collections.abc import Mapping
from typing import ClassVar

import httpx
from pydantic import Field

from recallgate import (
    Adapter,
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
    Tools,
    channels,
)
from recallgate_adapters._call_script import pack, unpack
from recallgate_adapters._shared import mail_date, phone, unsupported
from recallgate_adapters.twilio_rest import ERRORS, TwilioConfig, callback_fields, read_answer
from recallgate_adapters.twilio_twiml import HANG_UP, document, menu, reply, spoken

STATUSES: dict[str, EventType | None] = {
    "queued": EventType.ACCEPTED,
    "initiated": EventType.ACCEPTED,
    "ringing": EventType.SENT,
    "in-progress": EventType.ANSWERED,
    "answered": EventType.ANSWERED,
    "completed": EventType.ANSWERED,
    "busy": EventType.BUSY,
    "no-answer": EventType.NO_ANSWER,
    "failed": EventType.UNDELIVERED,
    "canceled": EventType.UNDELIVERED,
}
EVENTS = ["initiated", "ringing", "answered", "completed"]
LONGEST_DOCUMENT = 4000


class TwilioVoiceConfig(TwilioConfig):
    """`sender` is a number of the account, or one verified for it, in E.164."""

    sender: str | None = None


class TwilioVoiceOptions(AdapterOptions):
    """Options of one call. `time_limit_s` ends a call that goes on; `send_digits` are dialled after the answer."""

    time_limit_s: int | None = Field(default=None, ge=1)
    send_digits: str | None = Field(default=None, pattern=r"^[0-9*#w]{1,32}$")


class TwilioVoice(Adapter):
    vendor, channel, api = "twilio", channels.VOICE, 1
    Config, Options = TwilioVoiceConfig, TwilioVoiceOptions
    errors, statuses = ERRORS, STATUSES
    # One call a second: the vendor queues what comes faster, and calls out of the queue may ring in quiet hours.
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, default_rate=1.0)
    config: TwilioVoiceConfig

    def __init__(self, config: TwilioVoiceConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = config.basic
        self.endpoint = httpx.URL(config.url("Calls"))  # parsed once: it took 40% of a build

    def build(self, message: Message) -> httpx.Request:
        options: TwilioVoiceOptions = self.options(message)
        script = message.content
        if not isinstance(script, CallScript):
            raise unsupported(message, self.adapter_name(), "a call script")
        status_url = self.tools.callback_url(message, "status")
        fields: dict[str, str | list[str] | None] = {
            "To": phone(message),
            "From": self._caller(message),
            "StatusCallback": status_url,
            "StatusCallbackEvent": EVENTS if status_url else None,
            "SendDigits": options.send_digits,
            "Timeout": str(script.ring_s),
            "MachineDetection": {"ignore": None, "hangup": "Enable", "speak": "DetectMessageEnd"}[script.on_machine],
            "TimeLimit": None if options.time_limit_s is None else str(options.time_limit_s),
            **self._said(message, script),
        }
        present = {name: value for name, value in fields.items() if value is not None}
        return httpx.Request("POST", self.endpoint, data=present)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = read_answer(response, self.config, now=self.tools.now())
        return Receipt(message_id=message.id, vendor_id=answer["sid"])

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for one call by its sid; None without one, since the vendor does not know our ids."""
        return httpx.Request("GET", self.config.url("Calls", vendor_id)) if vendor_id else None

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = read_answer(response, self.config, now=self.tools.now())
        news = {
            "CallSid": answer["sid"],
            "CallStatus": answer.get("status"),
            "CallDuration": answer.get("duration"),
            "AnsweredBy": answer.get("answered_by"),
            "Timestamp": answer.get("end_time"),
        }
        return _report({name: str(value) for name, value in news.items() if value is not None}, message.id)

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Status news, a pressed key (`k=keys`), or the question what to say (`k=answer`), which is no news itself."""
        self.config.verify(callback)
        fields = callback_fields(callback)
        match callback.query.get("k"):
            case "keys":
                return _pressed(callback, fields)
            case "answer":
                return CallbackReading((), _opening(callback, fields))
        return CallbackReading(_report(fields, callback.message_id))

    def _caller(self, message: Message) -> str:
        if caller := message.sender or self.config.sender:
            return caller
        raise SendError(ErrorKind.INVALID_SENDER, "sender", "no caller id: set sender on the account, or message.sender")

    def _said(self, message: Message, script: CallScript) -> dict[str, str]:
        if script.on_machine == "hangup":
            said = {"Url": self._needed_url(message, "answer", "on_machine: hangup", pack(script, whole=True))}
        else:
            words = spoken(script.say)
            if script.keys:
                words = menu(words, self._needed_url(message, "keys", "keys", pack(script)), wait_s=script.key_wait_s)
            said = {"Twiml": document(words)}
        if any(len(text) > LONGEST_DOCUMENT for text in said.values()):
            raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "script", f"the script takes more than {LONGEST_DOCUMENT} characters")
        return said

    def _needed_url(self, message: Message, kind: str, what: str, script: str) -> str:
        url = self.tools.callback_url(message, kind, s=script)
        if url is None:
            raise SendError(ErrorKind.UNSUPPORTED, "public_url", f"{what}: the vendor has to ask us, so a public_url is needed")
        return url


def _report(fields: Mapping[str, str], message_id: str | None) -> tuple[Event, ...]:
    status, sid = fields.get("CallStatus", ""), fields.get("CallSid", "")
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    answered_by = fields.get("AnsweredBy", "")
    if type_ is EventType.ANSWERED and answered_by.startswith(("machine", "fax")):
        type_ = EventType.MACHINE
    data: dict[str, object] = {}
    if (seconds := fields.get("CallDuration", "")).isdigit():
        data["seconds"] = int(seconds)
    if answered_by:
        data["answered_by"] = answered_by
    code = fields.get("ErrorCode", "")
    event = Event(
        type_,
        message_id=message_id,
        vendor_id=sid or None,
        at=mail_date(fields.get("Timestamp")),
        vendor_event_id=f"{sid}:{status}",
        status=status,
        kind=ERRORS.get(code, ErrorKind.UNKNOWN) if type_ is EventType.UNDELIVERED else None,
        code=code or None,
        data=data,
    )
    return (event,)


def _pressed(callback: Callback, fields: Mapping[str, str]) -> CallbackReading:
    """What a key means and what is answered, by the signed URL alone; a key that is not offered ends the call."""
    key, sid = fields.get("Digits", ""), fields.get("CallSid", "")
    script = unpack(callback.query.get("s", ""))
    if not key or script is None:
        return CallbackReading((), reply(HANG_UP))
    answer = script.keys.get(key, KeyAnswer())
    person = fields.get("Called") or fields.get("To")
    pressed = Event(
        EventType.KEY_PRESSED,
        message_id=callback.message_id,
        vendor_id=sid or None,
        address=person,
        vendor_event_id=f"{sid}:key:{key}",
        data={"key": key, "action": answer.action},
    )
    events = [pressed]
    if answer.action == "opt_out":
        events.append(
            Event(
                EventType.UNSUBSCRIBED,
                message_id=callback.message_id,
                vendor_id=sid or None,
                address=person,
                vendor_event_id=f"{sid}:opt_out",
            )
        )
    said = spoken(answer.say)
    if answer.action == "repeat":
        return CallbackReading(tuple(events), reply(said, menu(spoken(script.say), callback.url, wait_s=script.key_wait_s)))
    return CallbackReading(tuple(events), reply(said, HANG_UP))


def _opening(callback: Callback, fields: Mapping[str, str]) -> Reply:
    """The script for a person, nothing for a machine. The menu's action is this URL asked for keys."""
    script = unpack(callback.query.get("s", ""))
    if script is None or fields.get("AnsweredBy", "").startswith(("machine", "fax")):
        return reply(HANG_UP)
    words = spoken(script.say)
    if not script.keys:
        return reply(words)
    keys_url = httpx.URL(callback.url).copy_set_param("k", "keys")
    return reply(menu(words, str(keys_url), wait_s=script.key_wait_s))
