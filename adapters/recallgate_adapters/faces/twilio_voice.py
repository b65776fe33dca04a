"""The face of Twilio's call API: speaks the TwiML, hears the keys, and tells how the call went.

Source: OpenAPI description twilio_api_v2010 and "TwiML for Programmable Voice", read 2026-11-22.
A document behind a `Url` is only fetched when the call is answered; until then nobody knows its words and keys.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from html import unescape
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces.twilio_rest import (
    HOSTS,
    error,
    form,
    links_in,
    made,
    not_found,
    resource,
    signed_callback,
    signed_in,
    told,
)

# The status of a call, and the name under which news of it must have been asked for.
_STATUS = {
    EventType.ACCEPTED: ("initiated", "initiated"),
    EventType.SENT: ("ringing", "ringing"),
    EventType.ANSWERED: ("in-progress", "answered"),
    EventType.DELIVERED: ("completed", "completed"),
    EventType.MACHINE: ("completed", "completed"),
    EventType.NO_ANSWER: ("no-answer", "completed"),
    EventType.BUSY: ("busy", "completed"),
    EventType.UNDELIVERED: ("failed", "completed"),
    EventType.EXPIRED: ("canceled", "completed"),
    EventType.CANCELLED: ("canceled", "completed"),
}
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_SAY = re.compile(r"<Say\b[^>]*>(.*?)</Say>", re.DOTALL)
_GATHER = re.compile(r"<Gather\b[^>]*\baction=\"([^\"]*)\"")
_OFFERED = re.compile(r"(?:press|push|dial|按)\s*(?:键\s*)?([0-9*#])(?![0-9])", re.IGNORECASE)
_ALONE = re.compile(r"(?<![0-9])([0-9])(?![0-9])")
_CALL_SECONDS = "20"


class TwilioVoiceFace(VendorFace):
    """Calls.json of one account; remembers how each call stands."""

    adapter = "twilio.voice"
    hosts = HOSTS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._news: dict[str, dict[str, str]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        sid = resource(request, "Calls")
        if sid is None:
            return not_found()
        if not signed_in(self.config, request):
            return error(401, "20003", "Authenticate")
        if fault is not None:
            return told(fault)
        if request.method == "GET":
            return made({"sid": sid, **self._news[sid]}, status=200) if sid in self._news else not_found()
        if request.method != "POST" or sid:
            return error(405, "20004", "Method not allowed")
        return self._take(form(request), now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        token = self.config["auth_token"]
        if news.type is EventType.KEY_PRESSED and news.key is not None and news.key in taken.keys:
            fields = [*self._call(taken, "in-progress"), ("Digits", news.key), ("msg", "Gather End")]
            return (signed_callback(token, taken.keys[news.key], fields, news.at),)
        if news.type not in _STATUS:
            return ()
        status, asked = _STATUS[news.type]
        heard_by = self._heard_by(taken, news)
        self._news[taken.vendor_id] = {"status": status, **({"answered_by": heard_by} if heard_by else {})}
        told_of: list[Callback] = []
        if taken.data["url"] and news.type in (EventType.ANSWERED, EventType.MACHINE):
            fields = [*self._call(taken, "in-progress"), *([("AnsweredBy", heard_by)] if heard_by else [])]
            told_of.append(signed_callback(token, taken.data["url"], fields, news.at))
        if taken.callback_url and asked in taken.data["events"]:
            fields = [
                *self._call(taken, status),
                ("CallbackSource", "call-progress-events"),
                ("Timestamp", format_datetime(news.at)),
            ]
            if heard_by and status == "completed":
                fields.append(("AnsweredBy", heard_by))
            if status == "completed":
                fields.append(("CallDuration", _CALL_SECONDS))
            if status == "failed" and news.kind is ErrorKind.INVALID_RECIPIENT:
                fields.append(("ErrorCode", "21211"))
            told_of.append(signed_callback(token, taken.callback_url, fields, news.at))
        return told_of

    def _heard_by(self, taken: Taken, news: WorldEvent) -> str:
        """Who picked up, where the call asked for detection."""
        if not taken.data["detection"] or news.type not in (EventType.ANSWERED, EventType.DELIVERED, EventType.MACHINE):
            return ""
        if news.type is not EventType.MACHINE:
            return "human"
        return "machine_start" if taken.data["detection"] == "Enable" else "machine_end_beep"

    def _call(self, taken: Taken, status: str) -> list[tuple[str, str]]:
        return [
            ("AccountSid", self.config["account_sid"]),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", taken.vendor_id),
            ("CallStatus", status),
            ("Direction", "outbound-api"),
            ("From", taken.data["from"]),
            ("To", taken.recipient),
        ]

    def _take(self, fields: Mapping[str, list[str]], now: datetime, new_id: IdSource) -> FaceReply:
        first = {name: values[-1] for name, values in fields.items()}
        if refused := _fault_of(first):
            return refused
        twiml = first.get("Twiml", "")
        said = " ".join(unescape(words) for words in _SAY.findall(twiml))
        action = _GATHER.search(twiml)
        sid = f"CA{new_id.hex('call', now.isoformat(), json.dumps(dict(fields), sort_keys=True))}"
        self._news[sid] = {"status": "queued"}
        answer = {
            "sid": sid,
            "account_sid": self.config["account_sid"],
            "to": first["To"],
            "from": first["From"],
            "status": "queued",
            "direction": "outbound-api",
            "queue_time": "0",
            "uri": f"/2010-04-01/Accounts/{self.config['account_sid']}/Calls/{sid}.json",
        }
        taken = Taken(
            vendor_id=sid,
            recipient=first["To"],
            channel="voice",
            text=said,
            links=links_in(said),
            callback_url=first.get("StatusCallback"),
            keys={key: unescape(action[1]) for key in _keys_heard(said)} if action else {},
            data={
                "from": first["From"],
                "events": fields.get("StatusCallbackEvent", ["completed"]),
                "detection": first.get("MachineDetection", ""),
                "url": "" if twiml else first.get("Url", ""),
            },
        )
        reply = made(answer)
        return FaceReply(reply.status, reply.body, reply.headers, (taken,))


def _keys_heard(said: str) -> list[str]:
    """The keys that a listener would try: those asked for, else digits that stand alone, else any."""
    return list(dict.fromkeys(_OFFERED.findall(said) or _ALONE.findall(said) or "0123456789"))


def _fault_of(fields: Mapping[str, str]) -> FaceReply | None:
    if not fields.get("To"):
        return error(400, "21201", "No 'To' number is specified")
    if not fields.get("From"):
        return error(400, "21213", "Caller phone number is required")
    if not _E164.fullmatch(fields["To"]):
        return error(400, "21211", f"The phone number you are attempting to call, {fields['To']}, is not valid.")
    if not _E164.fullmatch(fields["From"]):
        return error(400, "21212", f"The source phone number provided, {fields['From']}, is not valid.")
    if not (fields.get("Twiml") or fields.get("Url") or fields.get("ApplicationSid")):
        return error(400, "21205", "Url parameter is required.")
    if len(fields.get("Twiml", "")) > 4000:
        return error(400, "20001", "Twiml is longer than 4000 characters")
    return None
