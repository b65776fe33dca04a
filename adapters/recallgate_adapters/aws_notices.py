"""Notifications of AWS as they arrive: SNS envelopes over HTTPS, verified with certificates that the account pins.

Source: npm sns-validator (AWS), and the SNS developer guide on message signatures, read 2026-11-22.
Quirk: the signature proves that it is SNS, not whose topic it is; only topics that the account lists are believed.
Quirk: the certificate is named by a URL inside the message; its host must be sns.REGION.amazonaws.com to the last letter.
Quirk: SNS sends text/plain; raw message delivery has no envelope and no signature, so it must be off.
Quirk: nothing comes before somebody has opened the SubscribeURL of a SubscriptionConfirmation.
"""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from recallgate import Callback, CallbackReading, Event, EventType, ForgedCallback
from recallgate_adapters.aws_account import AwsConfig

_HOST = re.compile(r"sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?", re.ASCII)
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class AwsNoticeConfig(AwsConfig):
    """An account that is told news through SNS topics; without topics and certificates every callback is refused."""

    sns_topics: tuple[str, ...] = Field(
        default=(),
        description="ARNs of the SNS topics that news comes from. Subscribe the account's callback address to each (https, "
        "raw message delivery off); the first callback is kept as an event with the subscribe_url to open once.",
    )
    sns_certificates: str = Field(
        default="",
        description="PEM certificates that SNS signs with, one after another. Fetch the SigningCertURL of a message from "
        "sns.REGION.amazonaws.com once (curl), and add the new one when AWS changes it: the refusal names its address.",
    )

    @field_validator("sns_certificates")
    @classmethod
    def _are_certificates(cls, value: str) -> str:
        # Environment variables and one-line files carry PEM with its line breaks written as \n.
        text = value.replace("\\n", "\n")
        if text.strip() and not _BLOCK.search(text):
            raise ValueError("write PEM certificates: -----BEGIN CERTIFICATE----- …")
        try:
            public_keys(text)
        except ValueError:
            raise ValueError("a certificate cannot be read, or its key is not RSA") from None
        return text


@dataclass(frozen=True)
class Notice:
    """A verified notification: its id, and the service's own event as JSON; a text that is no JSON object is empty."""

    id: str
    body: Mapping[str, Any]
    text: str


@lru_cache(maxsize=16)
def public_keys(pem: str) -> tuple[Any, ...]:
    """The public keys of PEM certificates, read once."""
    blocks = _BLOCK.findall(pem)
    if not blocks:
        return ()
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    keys = tuple(x509.load_pem_x509_certificate(block.encode()).public_key() for block in blocks)
    if not all(isinstance(key, RSAPublicKey) for key in keys):
        raise ValueError("not RSA")
    return keys


def read_notice(callback: Callback, config: AwsNoticeConfig) -> Notice | CallbackReading:
    """The notification in a callback; a subscription's own messages are read here and need no more.

    Raises `ForgedCallback` unless a pinned certificate signed it and its topic is the account's.
    """
    envelope = _envelope(callback)
    kind, identity = envelope["Type"], envelope["MessageId"]
    _check_place(envelope, config)
    _check_signature(envelope, config)
    if kind == "Notification":
        text = envelope["Message"]
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        return Notice(identity, body if isinstance(body, dict) else {}, text)
    data = {"topic_arn": envelope["TopicArn"]}
    if kind == "SubscriptionConfirmation" and _is_sns(envelope.get("SubscribeURL", "")):
        data["subscribe_url"] = envelope["SubscribeURL"]
    return CallbackReading((Event(EventType.UNKNOWN, vendor_event_id=identity, status=kind, data=data),))


def signed_text(envelope: Mapping[str, Any]) -> str:
    """What SNS signs: names and values of the fields of this type that are present, each on a line."""
    return "".join(f"{name}\n{envelope[name]}\n" for name in _SIGNED[envelope["Type"]] if name in envelope)


def _envelope(callback: Callback) -> dict[str, str]:
    try:
        envelope = json.loads(callback.body)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict):
        raise ForgedCallback("aws: the body is not an SNS message; raw message delivery must be off")
    envelope = {name: value for name, value in envelope.items() if isinstance(value, str)}
    if envelope.get("Type") not in _SIGNED or not all(envelope.get(name) for name in ("MessageId", "Message", "TopicArn")):
        raise ForgedCallback("aws: the SNS message lacks its type, id, text or topic")
    for header, name in (("x-amz-sns-message-type", "Type"), ("x-amz-sns-message-id", "MessageId")):
        if callback.headers.get(header) != envelope[name]:
            raise ForgedCallback(f"aws: {header} is not what the message says")
    return envelope


def _check_place(envelope: Mapping[str, str], config: AwsNoticeConfig) -> None:
    if envelope["TopicArn"] not in config.sns_topics:
        raise ForgedCallback("aws: the topic is not in sns_topics")
    if not _is_sns(envelope.get("SigningCertURL", "")) or not urlsplit(envelope["SigningCertURL"]).path.endswith(".pem"):
        raise ForgedCallback("aws: the certificate is not at sns.REGION.amazonaws.com")


def _check_signature(envelope: Mapping[str, str], config: AwsNoticeConfig) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    version = envelope.get("SignatureVersion")
    if version not in ("1", "2"):
        raise ForgedCallback("aws: the signature has an unknown version")
    try:
        signature = b64decode(envelope.get("Signature", ""), validate=True)
    except ValueError:
        signature = b""
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - version 1 of SNS is SHA-1
    for key in public_keys(config.sns_certificates):
        try:
            key.verify(signature, signed_text(envelope).encode(), PKCS1v15(), algorithm)
        except InvalidSignature:
            continue
        return
    raise ForgedCallback(f"aws: no certificate in sns_certificates fits; this one is at {envelope['SigningCertURL']}")


def _is_sns(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(_HOST.fullmatch(parts.netloc)) and url.isprintable()
    except ValueError:
        return False
