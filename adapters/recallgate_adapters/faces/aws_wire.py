"""What AWS's faces share: the check of Signature Version 4, errors, and notifications signed as SNS signs them.

Source: the steps in AWS's signing guide, botocore 1.44.5, npm sns-validator, read 2026-11-22.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx

from recallgate import Callback, FaceReply
from recallgate_adapters.faces._mail import posted, zulu
from recallgate_adapters.faces.aws_sandbox import CERTIFICATE, PRIVATE_KEY

_CERTIFICATE_URL = "https://sns.{region}.amazonaws.com/SimpleNotificationService-5a4db0c5.pem"
_REGIONS = """
    us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 ca-west-1 sa-east-1 mx-central-1 af-south-1 il-central-1 me-south-1
    me-central-1 eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 ap-south-1 ap-south-2
    ap-east-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-northeast-1 ap-northeast-2 ap-northeast-3
    us-gov-east-1 us-gov-west-1
"""


def hosts_of(service: str) -> tuple[str, ...]:
    """The hosts of a service in all regions."""
    china = (f"{service}.{region}.amazonaws.com.cn" for region in ("cn-north-1", "cn-northwest-1"))
    return (*(f"{service}.{region}.amazonaws.com" for region in _REGIONS.split()), *china)


def wrong_key(config: Mapping[str, Any], request: httpx.Request, service: str) -> tuple[str, str] | None:
    """Name and words of the refusal where a request is not signed with the account's key for this service."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    told = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if scheme != "AWS4-HMAC-SHA256" or "Signature" not in told:
        return "MissingAuthenticationTokenException", "Missing Authentication Token"
    key_id, _, scope = told.get("Credential", "").partition("/")
    if key_id != config["access_key_id"] or (request.headers.get("x-amz-security-token") or None) != config.get("session_token"):
        return "UnrecognizedClientException", "The security token included in the request is invalid."
    names = told.get("SignedHeaders", "").split(";")
    if scope.split("/")[1:] != [config["region"], service, "aws4_request"] or "host" not in names:
        return "SignatureDoesNotMatch", "Credential should be scoped to a valid region and service."
    if not hmac.compare_digest(_signature(config["secret_access_key"], request, names, scope), told["Signature"]):
        return "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
    return None


def json_error(status: int, name: str, words: str, *, retry_after_s: int | None = None) -> FaceReply:
    headers = {"content-type": "application/json", "x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/"}
    if retry_after_s is not None:
        headers["retry-after"] = str(retry_after_s)
    return FaceReply(status, json.dumps({"message": words}).encode(), headers)


def notification(config: Mapping[str, Any], url: str, message: Mapping[str, Any], *, at: datetime, nonce: str) -> Callback | None:
    """SNS's POST with this message; None where the account does not trust the sandbox's certificate or names no topic."""
    if not config.get("sns_topics") or CERTIFICATE not in (config.get("sns_certificates") or ""):
        return None
    digest = hashlib.sha256(nonce.encode()).hexdigest()
    envelope = {
        "Type": "Notification",
        "MessageId": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])),
        "TopicArn": config["sns_topics"][0],
        "Message": json.dumps(message, ensure_ascii=False),
        "Timestamp": zulu(at),
        "SignatureVersion": "2",
        "SigningCertURL": _CERTIFICATE_URL.format(region=config["region"]),
    }
    signed = "".join(f"{name}\n{envelope[name]}\n" for name in ("Message", "MessageId", "Timestamp", "TopicArn", "Type"))
    envelope["Signature"] = _sns_signature(signed)
    return posted(
        url,
        json.dumps(envelope, ensure_ascii=False).encode(),
        at,
        content_type="text/plain; charset=UTF-8",
        x_amz_sns_message_type="Notification",
        x_amz_sns_message_id=envelope["MessageId"],
        x_amz_sns_topic_arn=envelope["TopicArn"],
    )


def _signature(secret: str, request: httpx.Request, names: list[str], scope: str) -> str:
    target = urlsplit(request.url.raw_path.decode())
    query = sorted(parse_qsl(target.query, keep_blank_values=True))
    canonical = "\n".join(
        (
            request.method,
            quote(target.path or "/", safe="/~"),
            "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.content).hexdigest(),
        )
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{request.headers.get('x-amz-date', '')}\n{scope}\n{hashed}"
    key = f"AWS4{secret}".encode()
    for step in scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _sns_signature(text: str) -> str:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    return b64encode(_key().sign(text.encode(), PKCS1v15(), hashes.SHA256())).decode()


@lru_cache(maxsize=1)
def _key() -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(PRIVATE_KEY.encode(), password=None)
