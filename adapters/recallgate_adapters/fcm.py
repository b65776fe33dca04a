"""Firebase Cloud Messaging: POST /v1/projects/{project}/messages:send, JSON, OAuth 2 token from a service account.

Source: "FCM HTTP v1 ErrorCode" and "FCM error codes", vendor reference, read 2026-11-22.
Quirk: the assertion's `aud` is a constant, also where the token address is replaced.
Quirk: INVALID_ARGUMENT means a bad token with an FcmError detail and a bad payload with a BadRequest; the @type decides.
Quirk: THIRD_PARTY_AUTH_ERROR comes with HTTP 401 too, and a new access token does not cure it.
Quirk: no idempotency key; a collapse key makes a second copy replace the first.
Quirk: no delivery reports; a 200 means that FCM took the message, the app reports what it showed.
"""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import Field

from recallgate import (
    Adapter,
    AdapterOptions,
    Capabilities,
    ErrorKind,
    Message,
    Push,
    PushToken,
    Receipt,
    SendError,
    Token,
    TokenAuth,
    Tools,
    channels,
    http_kind,
    read_json,
    retry_after,
)
from recallgate_adapters._shared import mask_digits
from recallgate_adapters.fcm_account import FcmConfig, build_assertion, parse_token

ERRORS = {
    "UNREGISTERED": ErrorKind.UNREGISTERED_TOKEN,
    "SENDER_ID_MISMATCH": ErrorKind.UNREGISTERED_TOKEN,
    "INVALID_ARGUMENT": ErrorKind.INVALID_RECIPIENT,  # with an FcmError detail; else see `_invalid_argument`
    "QUOTA_EXCEEDED": ErrorKind.RATE_LIMITED,
    "UNAVAILABLE": ErrorKind.UNAVAILABLE,
    "INTERNAL": ErrorKind.TEMPORARY,
    "THIRD_PARTY_AUTH_ERROR": ErrorKind.AUTH,
    "APNS_AUTH_ERROR": ErrorKind.AUTH,
    "UNSPECIFIED_ERROR": ErrorKind.UNKNOWN,
    "UNAUTHENTICATED": ErrorKind.AUTH,
    "PERMISSION_DENIED": ErrorKind.AUTH,
}
NOT_CURED_BY_A_NEW_TOKEN = ("THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR")

MAX_PAYLOAD = 4096  # bytes of what reaches the app
MAX_TTL_S = 2_419_200  # four weeks
# Least waits where the vendor names none.
WAITS = {"QUOTA_EXCEEDED": timedelta(seconds=60), "UNAVAILABLE": timedelta(seconds=10)}
TOO_BIG = re.compile(r"too (big|large|long)|exceeds? .*(size|limit|bytes)", re.IGNORECASE)


class FcmOptions(AdapterOptions):
    """What only FCM knows; `click_action` is the Android intent that a tap starts."""

    channel_id: str | None = None
    click_action: str | None = None
    restricted_package_name: str | None = None
    analytics_label: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9\-_.~%]{1,50}$")


class FcmPush(Adapter):
    """Push notifications to one device each."""

    vendor, channel = "fcm", channels.PUSH
    needs = {"cryptography": "recallgate[push]", "jwt": "recallgate[push]"}
    Config, Options = FcmConfig, FcmOptions
    errors = ERRORS
    capabilities = Capabilities(validity=True, max_bytes=MAX_PAYLOAD, default_rate=10_000.0)
    config: FcmConfig

    def __init__(self, config: FcmConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=lambda: build_assertion(config, tools.now()),
            parse=lambda response: parse_token(response, tools.now()),
            apply=_apply_token,
            expired=_token_expired,
            identity=f"fcm {config.client_email} {config.private_key_id} {config.token_uri}",
        )

    def build(self, message: Message) -> httpx.Request:
        if not isinstance(message.content, Push) or not isinstance(message.to, PushToken) or message.to.platform == "harmony":
            raise SendError(ErrorKind.UNSUPPORTED, "content", "FCM takes push content to an Android, iOS or web token")
        if message.sender is not None:
            raise SendError(ErrorKind.UNSUPPORTED, "sender", "the sender of a push is the app of the token")
        body: dict[str, Any] = {
            "message": {self.config.target_field: message.to.token, **self._message(message, message.content)}
        }
        if (size := payload_size(body["message"])) > MAX_PAYLOAD:
            raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "payload", f"{size} bytes, at most {MAX_PAYLOAD} reach an app")
        if self.config.dry_run:
            body["validate_only"] = True
        return httpx.Request(
            "POST",
            f"{self.config.base_url}/v1/projects/{quote(self.config.project_id, safe='')}/messages:send",
            headers={"x-goog-api-format-version": "2"},
            json=body,
        )

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if not response.is_success:
            raise self._refusal(message, response)
        name = read_json(response).get("name")
        if not isinstance(name, str) or not name.partition("/messages/")[2]:
            raise SendError(ErrorKind.UNCERTAIN, "name", "the answer names no message")
        return Receipt(
            message_id=message.id, vendor_id=name.rpartition("/")[2], note="checked, not sent" if self.config.dry_run else ""
        )

    def _message(self, message: Message, content: Push) -> dict[str, Any]:
        """The message without its target: common fields, then the block of the token's platform, or all when it is not known."""
        options: FcmOptions = self.options(message)
        platform = getattr(message.to, "platform", None)
        ttl_s = self._ttl_s(message)
        fields = {"title": content.title, "body": content.body, "image": content.image}
        blocks: dict[str, Any] = {"notification": _given(fields), "data": self._data(message, content)}
        if platform in (None, "android"):
            blocks["android"] = _android(content, options, ttl_s)
        if platform in (None, "ios"):
            blocks["apns"] = _apns(content, int(message.expires_at.timestamp()) if message.expires_at else None)
        if platform in (None, "web"):
            blocks["webpush"] = _webpush(content, ttl_s)
        blocks["fcm_options"] = _given({"analytics_label": options.analytics_label})
        return {name: block for name, block in blocks.items() if block}

    def _data(self, message: Message, content: Push) -> dict[str, str]:
        data = dict(content.data)
        for key, value in (("link", content.link), (self.config.message_id_key, message.id)):
            if key and value is not None and data.setdefault(key, value) != value:
                raise SendError(ErrorKind.UNSUPPORTED, f"data.{key}", "the key is taken by recallgate; choose another name")
        for key in data:
            if key == "from" or key.startswith(("gcm.", "google.")):
                raise SendError(ErrorKind.UNSUPPORTED, f"data.{key}", "the key is reserved by FCM; choose another name")
        return data

    def _ttl_s(self, message: Message) -> int | None:
        if message.expires_at is None:
            return None
        return max(0, min(MAX_TTL_S, int((message.expires_at - self.tools.now()).total_seconds())))

    def _refusal(self, message: Message, response: httpx.Response) -> SendError:
        error, details = _error(response)
        text = str(error.get("message", ""))
        fcm_code = _fcm_code(details)
        code = fcm_code or str(error.get("status", ""))
        kind = ERRORS.get(code) or http_kind(response.status_code)
        if code == "INVALID_ARGUMENT":
            kind = _invalid_argument(details, text, from_fcm=fcm_code is not None)
        retry_at = None
        if kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
            now = self.tools.now()
            wait = WAITS.get(code)
            retry_at = retry_after(response, now) or (now + wait if wait else None)
        one_device = kind is ErrorKind.RATE_LIMITED and "device" in text.lower()
        return SendError(
            kind,
            code or f"http {response.status_code}",
            mask_digits(text.replace(message.to.key, "…"))[:200],
            retry_at=retry_at,
            scope="address" if one_device else "account",
        )


def payload_size(message: dict[str, Any]) -> int:
    """Bytes of what reaches the app: notification, data and the APNs payload, as compact JSON."""
    parts = [message.get("notification"), message.get("data"), message.get("apns", {}).get("payload")]
    return sum(len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in parts if part)


def _android(content: Push, options: FcmOptions, ttl_s: int | None) -> dict[str, Any]:
    notification = {
        "channel_id": options.channel_id,
        "tag": content.collapse_key,
        "click_action": options.click_action,
        "sound": content.sound,
        "notification_count": content.badge,
    }
    return _given(
        {
            "collapse_key": content.collapse_key,
            "priority": content.urgency,
            "ttl": None if ttl_s is None else f"{ttl_s}s",
            "restricted_package_name": options.restricted_package_name,
            "notification": _given(notification) or None,
        }
    )


def _apns(content: Push, expires: int | None) -> dict[str, Any]:
    headers = {
        "apns-priority": "10" if content.urgency == "high" else "5",
        "apns-collapse-id": content.collapse_key,
        "apns-expiration": None if expires is None else str(expires),
    }
    # An image is fetched by the app's extension, which runs only for mutable content.
    mutable = 1 if content.image else None
    aps = {"badge": content.badge, "sound": content.sound, "category": content.category, "mutable-content": mutable}
    return _given({"headers": _given(headers), "payload": {"aps": _given(aps)} if _given(aps) else None})


def _webpush(content: Push, ttl_s: int | None) -> dict[str, Any]:
    headers = {"Urgency": content.urgency, "TTL": None if ttl_s is None else str(ttl_s)}
    # A browser opens https only; an app's own scheme stays in `data`.
    link = content.link if content.link and content.link.startswith("https://") else None
    return _given({"headers": _given(headers), "fcm_options": {"link": link} if link else None})


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _apply_token(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token.value}"
    return request


def _token_expired(response: httpx.Response) -> bool:
    return response.status_code == 401 and _fcm_code(_error(response)[1]) not in NOT_CURED_BY_A_NEW_TOKEN


def _error(response: httpx.Response) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The error object and its details; both empty where the answer has none."""
    try:
        answer = response.json()
    except ValueError:
        return {}, []
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return {}, []
    details = error.get("details")
    return error, [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _fcm_code(details: list[dict[str, Any]]) -> str | None:
    return next((str(d["errorCode"]) for d in details if str(d.get("@type")).endswith("FcmError") and "errorCode" in d), None)


def _invalid_argument(details: list[dict[str, Any]], text: str, *, from_fcm: bool) -> ErrorKind:
    requests = [detail for detail in details if str(detail.get("@type")).endswith("google.rpc.BadRequest")]
    violations = [v for detail in requests for v in detail.get("fieldViolations", []) if isinstance(v, dict)]
    if any(v.get("field") in ("message.token", "message.fid") for v in violations):
        return ErrorKind.INVALID_RECIPIENT
    if any(TOO_BIG.search(said) for said in (text, *(str(v.get("description", "")) for v in violations))):
        return ErrorKind.PAYLOAD_TOO_LARGE
    return ErrorKind.INVALID_RECIPIENT if from_fcm and not requests else ErrorKind.UNKNOWN
