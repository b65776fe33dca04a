"""What Tencent Cloud's products share: account settings, the signature, the form of answers, and when a limit ends.

Source: tencentcloud-sdk-python-common 3.1.195 and "Common error codes" (document 382/38780), read 2026-11-22.
Quirk: every refusal comes with HTTP 200, in Response.Error for a whole call.
Quirk: limits are told without an end: the number's by half a minute, hour or day, the account's by day in Beijing.
Quirk: the carrier's hours for marketing are refused as a limit; the message waits for the next morning at nine.
Quirk: the signature's day is the one in UTC, and it covers content-type and host alone.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from recallgate import AdapterConfig, ErrorKind, Reply, SendError, Signed, Tools, http_kind
from recallgate_adapters._shared import BEIJING, coded_refusal, next_beijing_day, refusal, told_object
from recallgate_adapters._signing import tc3

TAKEN = Reply(200, {"content-type": "application/json"}, b'{"result":0,"errmsg":"OK"}')
_DAY_OF_ACCOUNT = frozenset(
    f"LimitExceeded.{name}"
    for name in (
        "DailyLimit",
        "AppDailyLimit",
        "AppGlobalDailyLimit",
        "AppMainlandChinaDailyLimit",
        "AppCountryOrRegionDailyLimit",
    )
)
_DAY_OF_NUMBER = frozenset({"LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit"})
_SPAN_OF_NUMBER = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": timedelta(seconds=30),
    "LimitExceeded.PhoneNumberOneHourLimit": timedelta(hours=1),
    "LimitExceeded.DeliveryFrequencyLimit": timedelta(hours=1),  # the account's own rule per number, of unknown length
}
_MARKETING_HOURS = "FailedOperation.MarketingSendTimeConstraint"
_MORNING = 9


class TencentConfig(AdapterConfig):
    """A Tencent Cloud key; `token` goes with temporary keys. `sdk_app_id` is the application of the product.

    `templates` names the vendor's template ids in our words.
    """

    dsn_user: ClassVar[str] = "secret_id"
    dsn_password: ClassVar[str] = "secret_key"  # noqa: S105 - the name of a field
    secret_id: str = Field(min_length=1)
    secret_key: SecretStr = Field(min_length=1)
    token: SecretStr | None = None
    sdk_app_id: str = Field(min_length=1)
    region: str = "ap-guangzhou"
    templates: Mapping[str, str] = Field(default_factory=dict)

    def call(self, action: str, version: str, fields: Mapping[str, object]) -> httpx.Request:
        """The unsigned request of an action; fields that are None are left out."""
        present = {name: value for name, value in fields.items() if value is not None}
        headers = {
            "content-type": "application/json",
            "x-tc-action": action,
            "x-tc-version": version,
            "x-tc-region": self.region,
        }
        content = json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()
        return httpx.Request("POST", f"{self.base_url.rstrip('/')}/", headers=headers, content=content)


def signed(config: TencentConfig, tools: Tools, *, service: str) -> Signed:
    """The account's signature for a product, with the time of the tools."""

    def with_signature(request: httpx.Request) -> httpx.Request:
        return tc3(
            request,
            key_id=config.secret_id,
            secret=config.secret_key.get_secret_value(),
            service=service,
            now=tools.now(),
            token=config.token.get_secret_value() if config.token else None,
        )

    return Signed(with_signature)


def read_answer(response: httpx.Response, *, errors: Mapping[str, ErrorKind], now: datetime) -> dict[str, Any]:
    """The `Response` of an answer; raises `SendError` for a refused call and for what cannot be read."""
    answer = told_object(response).get("Response")
    told: dict[str, Any] = answer if isinstance(answer, dict) else {}
    fault = told.get("Error")
    code, words = ("", "")
    if isinstance(fault, dict):
        code, words = str(fault.get("Code") or ""), str(fault.get("Message") or "")
    if response.status_code >= 300:
        raise refusal(response, code, words, errors=errors, now=now)
    if code:
        raise refused(code, words, errors=errors, now=now)
    if not told:
        raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer has no Response")
    return told


def refused(code: str, words: str, *, errors: Mapping[str, ErrorKind], now: datetime) -> SendError:
    """The refusal of a call or of one number, with the end of its limit where it is one."""
    error = coded_refusal(code, words, errors=errors)
    if code in _SPAN_OF_NUMBER:
        return SendError(error.kind, code, error.detail, retry_at=now + _SPAN_OF_NUMBER[code], scope="address")
    if code in _DAY_OF_NUMBER:
        return SendError(error.kind, code, error.detail, retry_at=next_beijing_day(now), scope="address")
    if code in _DAY_OF_ACCOUNT:
        return SendError(error.kind, code, error.detail, retry_at=next_beijing_day(now))
    if code == _MARKETING_HOURS:
        return SendError(error.kind, code, error.detail, retry_at=_next_morning(now), scope="address")
    return error


def _next_morning(now: datetime) -> datetime:
    today = now.astimezone(BEIJING).replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
