"""What Tencent Cloud's faces share: the signature checked, answers and refusals with HTTP 200, unsigned pushes.

Source: "Signature v3" and "Common error codes" (document 382/38780), vendor documents, read 2026-11-22.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, FaceReply, Fault
from recallgate_adapters._signing import tc3_authorization

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/]*)/(\d{4}-\d\d-\d\d)/([a-z]+)/tc3_request, SignedHeaders=([^,]*), Signature=[0-9a-f]{64}"
)
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_JSON = {"content-type": "application/json"}
# What all products tell; HTTP status and body where the way to the vendor fails, a code with HTTP 200 otherwise.
FAULTS: dict[ErrorKind, tuple[str, str]] = {
    ErrorKind.AUTH: ("AuthFailure.UnauthorizedOperation", "you are not authorized to perform operation"),
    ErrorKind.INSUFFICIENT_FUNDS: ("UnauthorizedOperation.ServiceSuspendDueToArrears", "service suspended due to arrears"),
    ErrorKind.RATE_LIMITED: ("RequestLimitExceeded", "Your current request times exceed the limit"),
    ErrorKind.TEMPORARY: ("InternalError", "an internal error has occurred"),
    ErrorKind.BLOCKED_CONTENT: ("FailedOperation.ContainSensitiveWord", "content contains sensitive words"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: ("FailedOperation.TemplateIncorrectOrUnapproved", "template is unapproved"),
    ErrorKind.UNSUPPORTED: ("UnsupportedOperation", "operation is not supported"),
    ErrorKind.PAYLOAD_TOO_LARGE: ("InvalidParameterValue.ContentLengthLimit", "content is too long"),
}
_WIRE = {ErrorKind.UNAVAILABLE: 503, ErrorKind.UNCERTAIN: 504}


def response(**told: object) -> FaceReply:
    return FaceReply(200, json.dumps({"Response": {**told, "RequestId": "a0aabda6"}}, ensure_ascii=False).encode(), _JSON)


def error(code: str, words: str) -> FaceReply:
    return response(Error={"Code": code, "Message": words})


def told(fault: Fault, more: Mapping[ErrorKind, tuple[str, str]]) -> FaceReply:
    """The answer that a fault gets; a code that the fault names replaces the usual one."""
    if fault.kind in _WIRE and not fault.code:
        headers = {"content-type": "text/html"}
        if fault.retry_after_s is not None:
            headers["retry-after"] = str(fault.retry_after_s)
        return FaceReply(_WIRE[fault.kind], b"<html>bad gateway</html>", headers)
    code, words = more.get(fault.kind) or FAULTS.get(fault.kind) or ("InvalidParameter", "parameter wrong")
    return error(fault.code or code, words)


def refused_credentials(config: Mapping[str, Any], request: httpx.Request, now: datetime, *, service: str) -> FaceReply | None:
    """What the vendor says of a request whose signature does not hold; None when it does."""
    shown = request.headers.get("authorization", "")
    match = _AUTHORIZATION.fullmatch(shown)
    stamp = request.headers.get("x-tc-timestamp", "")
    if match is None or not stamp.isdigit():
        return error("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")
    if match[1] != config["secret_id"]:
        return error("AuthFailure.SecretIdNotFound", "The SecretId is not found")
    if abs(int(stamp) - now.timestamp()) > 300:
        return error("AuthFailure.SignatureExpire", "The request is expired or too far in the future")
    names = match[4].split(";")
    if "host" not in names or "content-type" not in names or match[3] != service:
        return error("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")
    made = tc3_authorization(request, names, key_id=match[1], secret=config["secret_key"], service=service)
    return None if made == shown else error("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses in a text, without the punctuation behind them."""
    return tuple(link.rstrip(".,;:!?)'") for link in _LINK.findall(text))


def body_of(request: httpx.Request) -> dict[str, Any]:
    """The JSON object of a request; empty for anything else."""
    try:
        body = json.loads(request.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def split(address: str) -> tuple[str, str]:
    """Country code and number, as pushes write them; codes other than 86 and 1 are taken as two digits."""
    for code in ("86", "1"):
        if address.startswith(f"+{code}"):
            return code, address[len(code) + 1 :]
    return address[1:3], address[3:]


def pushed(url: str, body: object, at: datetime) -> Callback:
    """The vendor's POST; nothing in it is signed."""
    return Callback("POST", url, httpx.Headers(_JSON), json.dumps(body, ensure_ascii=False).encode(), at)
