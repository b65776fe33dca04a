"""What Aliyun's faces share: both signatures checked, answers and refusals in the vendor's form, pushed JSON arrays.

Source: "API error codes" (document 101346) and the signature documents of the vendor, read 2026-11-22.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx

from recallgate import Callback, ErrorKind, FaceReply, Fault
from recallgate_adapters._signing import acs3_authorization, rpc_signature, sha256_hex

BEIJING = timedelta(hours=8)
_AUTHORIZATION = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]*),SignedHeaders=([^,]*),Signature=[0-9a-f]{64}")
_MUST_BE_SIGNED = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_NUMBER = re.compile(r"(?:\+?86)?1[3-9]\d{9}|\d{7,15}", re.ASCII)
# HTTP status, code and words of each refusal that all products tell.
FAULTS: dict[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (200, "isp.RAM_PERMISSION_DENY", "RAM权限不足"),
    ErrorKind.INSUFFICIENT_FUNDS: (200, "isv.OUT_OF_SERVICE", "业务停机"),
    ErrorKind.RATE_LIMITED: (429, "Throttling.User", "Request was denied due to user flow control."),
    ErrorKind.TEMPORARY: (200, "isp.SYSTEM_ERROR", "系统错误"),
    ErrorKind.UNAVAILABLE: (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
    ErrorKind.UNCERTAIN: (504, "GatewayTimeout", "The gateway timed out."),
}
_OTHER_FAULT = (200, "isv.INVALID_PARAMETERS", "参数异常")


def fields_of(request: httpx.Request) -> dict[str, str]:
    """The parameters of a call, from the query and from the form body."""
    pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
    return dict([*pairs, *parse_qsl(request.content.decode("utf-8", "replace"), keep_blank_values=True)])


def action_of(request: httpx.Request) -> str:
    return str(request.headers.get("x-acs-action") or request.url.params.get("Action", ""))


def answer(status: int, code: str, words: str = "OK", *, retry_after_s: int | None = None, **more: object) -> FaceReply:
    """The vendor's body: Code, Message and RequestId with every answer."""
    body = {"RequestId": "4C5F7E1A-0000-5000-8000-000000000000", "Code": code, "Message": words, **more}
    headers = {"content-type": "application/json;charset=utf-8"}
    if retry_after_s is not None:
        headers["retry-after"] = str(retry_after_s)
    return FaceReply(status, json.dumps(body, ensure_ascii=False).encode(), headers)


def told(fault: Fault, more: Mapping[ErrorKind, tuple[int, str, str]]) -> FaceReply:
    """The answer that a fault gets; a code that the fault names replaces the usual one."""
    status, code, words = more.get(fault.kind) or FAULTS.get(fault.kind) or _OTHER_FAULT
    return answer(status, fault.code or code, words, retry_after_s=fault.retry_after_s)


def refused_credentials(config: Mapping[str, Any], request: httpx.Request, now: datetime) -> FaceReply | None:
    """What the gateway says of a request whose signature does not hold; None when it does."""
    if "authorization" in request.headers:
        return _refused_acs3(config, request, now)
    params = fields_of(request)
    if params.get("AccessKeyId") != config["access_key_id"]:
        return answer(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    if _too_old(params.get("Timestamp", ""), now):
        return answer(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    shown = params.pop("Signature", "")
    if rpc_signature(request.method, params, secret=config["access_key_secret"]) != shown:
        return answer(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
    return None


def _refused_acs3(config: Mapping[str, Any], request: httpx.Request, now: datetime) -> FaceReply | None:
    shown = request.headers["authorization"]
    match = _AUTHORIZATION.fullmatch(shown)
    mismatch = answer(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
    if match is None:
        return mismatch
    if match[1] != config["access_key_id"]:
        return answer(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    if _too_old(request.headers.get("x-acs-date", ""), now):
        return answer(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    names = match[2].split(";")
    complete = all(name in names for name in _MUST_BE_SIGNED) and all(name in request.headers for name in names)
    if not complete or request.headers["x-acs-content-sha256"] != sha256_hex(request.content):
        return mismatch
    secret = config["access_key_secret"]
    return None if acs3_authorization(request, names, key_id=match[1], secret=secret) == shown else mismatch


def _too_old(stamp: str, now: datetime) -> bool:
    try:
        at = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return True
    return abs(now - at) > timedelta(minutes=15)


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def e164(number: str) -> str:
    """A number of a request as an address key: mainland numbers come without their country code."""
    digits = number.removeprefix("+")
    return f"+86{digits}" if len(digits) == 11 and digits.startswith("1") else f"+{digits}"


def local(address: str) -> str:
    """An address as the vendor's pushes write it."""
    return address[3:] if address.startswith("+861") and len(address) == 14 else address.removeprefix("+")


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses in a text, without the punctuation behind them."""
    return tuple(link.rstrip(".,;:!?)'") for link in _LINK.findall(text))


def words_of(params: object) -> str:
    """What the variables of a template say, in order; the words around them are known to the vendor alone."""
    return " ".join(str(value) for value in params.values()) if isinstance(params, dict) else ""


def beijing(at: datetime) -> str:
    return (at.astimezone(UTC) + BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def pushed(url: str, rows: Sequence[Mapping[str, object]], at: datetime) -> Callback:
    """The vendor's POST of a JSON array; nothing in it is signed."""
    headers = httpx.Headers({"content-type": "application/json; charset=UTF-8"})
    return Callback("POST", url, headers, json.dumps(rows, ensure_ascii=False).encode(), at)
