"""What Twilio's faces share: sign-in, error bodies, faults in the vendor's words, and signed callbacks.

Source: OpenAPI description twilio_api_v2010 and the vendor's webhook security page, read 2026-11-22.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx

from recallgate import Callback, ErrorKind, FaceReply, Fault

HOSTS = ("api.twilio.com",)
_PATH = re.compile(r"/2010-04-01/Accounts/[^/]+/(?P<name>[A-Za-z]+)(?:/(?P<sid>[^/]+))?\.json$")
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_JSON = {"content-type": "application/json"}
# A refusal of each kind as the vendor tells it; kinds that it cannot tell fall to a code of its own that nobody lists.
_FAULTS: dict[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (401, "20003", "Authenticate"),
    ErrorKind.RATE_LIMITED: (429, "20429", "Too Many Requests"),
    ErrorKind.UNAVAILABLE: (503, "20503", "Service Unavailable"),
    ErrorKind.TEMPORARY: (503, "20503", "Service Unavailable"),
    ErrorKind.UNCERTAIN: (500, "20500", "Internal Server Error"),
    ErrorKind.INVALID_RECIPIENT: (400, "21211", "The 'To' number is not a valid phone number."),
    ErrorKind.INVALID_SENDER: (400, "21212", "The 'From' number is not a valid phone number."),
    ErrorKind.OPTED_OUT: (400, "21610", "Attempt to send to unsubscribed recipient"),
    ErrorKind.UNSUPPORTED_REGION: (400, "21408", "Permission to send to this region has not been enabled."),
    ErrorKind.UNSUPPORTED: (400, "21612", "The 'To' number is not currently reachable with this 'From' number."),
    ErrorKind.PAYLOAD_TOO_LARGE: (400, "21617", "The concatenated message body exceeds the 1600 character limit."),
}
_OTHER_FAULT = (400, "20001", "Unknown parameters")


def error(status: int, code: str, message: str, *, retry_after_s: int | None = None) -> FaceReply:
    """The vendor's error body."""
    body = {
        "code": int(code) if code.isdigit() else code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = {**_JSON, "retry-after": str(retry_after_s)} if retry_after_s is not None else _JSON
    return FaceReply(status, json.dumps(body).encode(), headers)


def told(fault: Fault) -> FaceReply:
    """The answer that a fault gets; a code that the fault names replaces the usual one."""
    status, code, message = _FAULTS.get(fault.kind, _OTHER_FAULT)
    return error(status, fault.code or code, message, retry_after_s=fault.retry_after_s)


def not_found() -> FaceReply:
    return error(404, "20404", "The requested resource was not found")


def made(resource: Mapping[str, Any], status: int = 201) -> FaceReply:
    return FaceReply(status, json.dumps(resource, ensure_ascii=False).encode(), _JSON)


def signed_in(config: Mapping[str, Any], request: httpx.Request) -> bool:
    """True when the request asks for this account, and carries its token or its API key."""
    if f"/Accounts/{config['account_sid']}/" not in request.url.path:
        return False
    pairs = [(config["account_sid"], config["auth_token"])]
    if config.get("api_key_sid") and config.get("api_key_secret"):
        pairs.append((config["api_key_sid"], config["api_key_secret"]))
    shown = request.headers.get("authorization", "")
    return any(shown == f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}" for user, secret in pairs)


def resource(request: httpx.Request, name: str) -> str | None:
    """Which resource of an account is asked: empty for the list, a sid for one; None for another path."""
    match = _PATH.search(request.url.path)
    return match["sid"] or "" if match and match["name"] == name else None


def form(request: httpx.Request) -> dict[str, list[str]]:
    return parse_qs(request.content.decode("utf-8", "replace"), keep_blank_values=True)


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses in a text, without the punctuation behind them."""
    return tuple(link.rstrip(".,;:!?)'") for link in _LINK.findall(text))


def signed_callback(token: str, url: str, fields: Sequence[tuple[str, str]], at: datetime) -> Callback:
    """The vendor's POST with these fields, signed with the account's token."""
    text = url + "".join(name + value for name, value in sorted(fields))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    headers = httpx.Headers(
        {
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
            "user-agent": "TwilioProxy/1.1",
            "x-twilio-signature": base64.b64encode(digest).decode(),
        }
    )
    return Callback(method="POST", url=url, headers=headers, body=urlencode(fields).encode(), received_at=at)
