"""What Aliyun's products share: account settings, both signatures, error codes and the form of answers.

Source: alibabacloud_tea_openapi 0.4.6; "API error codes" (document 101346) and "Signature", vendor documents, read 2026-11-22.
Quirk: business errors come with HTTP 200 and a Code other than OK; gateway errors with HTTP 4xx and the same names.
Quirk: parameters travel in the form body, since web addresses are logged on the way; the SDK writes most into the query.
Quirk: SignatureNonceUsed means that the request arrived twice: the first copy may have been taken.
Quirk: the answer to a number's flow control names a minute, an hour or a day, in its words only.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from recallgate import AdapterConfig, ErrorKind, Reply, SendError, Signed, Tools, http_kind
from recallgate_adapters._shared import BEIJING, coded_refusal, next_beijing_day, refusal, told_object
from recallgate_adapters._signing import FORM, acs3, acs_rpc, encode_pairs

# Answers to a submit of any product. DENY_IP_RANGE is about our own address: another account may have leave.
ERRORS: dict[str, ErrorKind] = {
    "isp.RAM_PERMISSION_DENY": ErrorKind.AUTH,
    "isv.OUT_OF_SERVICE": ErrorKind.INSUFFICIENT_FUNDS,
    "isv.AMOUNT_NOT_ENOUGH": ErrorKind.INSUFFICIENT_FUNDS,
    "isv.PRODUCT_UN_SUBSCRIPT": ErrorKind.AUTH,
    "isv.PRODUCT_UNSUBSCRIBE": ErrorKind.AUTH,
    "isv.ACCOUNT_NOT_EXISTS": ErrorKind.AUTH,
    "isv.ACCOUNT_ABNORMAL": ErrorKind.AUTH,
    "isv.DENY_IP_RANGE": ErrorKind.AUTH,
    "isv.BUSINESS_LIMIT_CONTROL": ErrorKind.RATE_LIMITED,
    "isv.DAY_LIMIT_CONTROL": ErrorKind.RATE_LIMITED,
    "isv.MONTH_LIMIT_CONTROL": ErrorKind.RATE_LIMITED,
    "isp.SYSTEM_ERROR": ErrorKind.TEMPORARY,
    "SignatureDoesNotMatch": ErrorKind.AUTH,
    "InvalidAccessKeyId.NotFound": ErrorKind.AUTH,
    "InvalidTimeStamp.Expired": ErrorKind.AUTH,
    "SignatureNonceUsed": ErrorKind.UNCERTAIN,
    "Throttling": ErrorKind.RATE_LIMITED,
    "Throttling.User": ErrorKind.RATE_LIMITED,
    "ServiceUnavailable": ErrorKind.UNAVAILABLE,
}
TAKEN = Reply(200, {"content-type": "application/json"}, '{"code":0,"msg":"接收成功"}'.encode())


class AliyunConfig(AdapterConfig):
    """An Aliyun access key; `security_token` goes with keys of STS. `signing` `rpc` is the older HMAC-SHA1 style.

    `templates` names the vendor's template codes in our words.
    """

    dsn_user: ClassVar[str] = "access_key_id"
    dsn_password: ClassVar[str] = "access_key_secret"  # noqa: S105 - the name of a field
    access_key_id: str = Field(min_length=1)
    access_key_secret: SecretStr = Field(min_length=1)
    security_token: SecretStr | None = None
    signing: Literal["acs3", "rpc"] = "acs3"
    templates: Mapping[str, str] = Field(default_factory=dict)

    def call(self, action: str, fields: Mapping[str, object], *, version: str = "2017-05-25") -> httpx.Request:
        """The unsigned request of an action; fields that are None are left out."""
        present = [(name, str(value)) for name, value in fields.items() if value is not None]
        headers = {"content-type": FORM, "x-acs-action": action, "x-acs-version": version}
        return httpx.Request("POST", f"{self.base_url.rstrip('/')}/", headers=headers, content=encode_pairs(present))


def signed(config: AliyunConfig, tools: Tools) -> Signed:
    """The account's signature, with the time and the nonce of the tools."""
    sign = acs3 if config.signing == "acs3" else acs_rpc

    def with_signature(request: httpx.Request) -> httpx.Request:
        return sign(
            request,
            key_id=config.access_key_id,
            secret=config.access_key_secret.get_secret_value(),
            now=tools.now(),
            nonce=tools.nonce(32),
            token=config.security_token.get_secret_value() if config.security_token else None,
        )

    return Signed(with_signature)


def read_answer(response: httpx.Response, *, errors: Mapping[str, ErrorKind], now: datetime) -> dict[str, Any]:
    """The body of an answer whose Code is OK; raises `SendError` for refusals and for what cannot be read."""
    answer = told_object(response)
    code, words = str(answer.get("Code") or ""), str(answer.get("Message") or "")
    if response.status_code >= 300:
        raise refusal(response, code, words, errors=errors, now=now)
    if code == "OK":
        return answer
    if not code:
        raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer has no Code")
    error = coded_refusal(code, words, errors=errors)
    raise _limited(error, words, now) if error.kind is ErrorKind.RATE_LIMITED else error


def _limited(error: SendError, words: str, now: datetime) -> SendError:
    """A limit with its end: of the number's minute, hour or day, else of the account's day or month in Beijing."""
    tomorrow = next_beijing_day(now)
    if error.code == "isv.BUSINESS_LIMIT_CONTROL":
        spans = (("分钟", timedelta(minutes=1)), ("minute", timedelta(minutes=1)), ("小时", timedelta(hours=1)))
        span = next((span for word, span in (*spans, ("hour", timedelta(hours=1))) if word in words.lower()), None)
        return SendError(error.kind, error.code, error.detail, retry_at=now + span if span else tomorrow, scope="address")
    if error.code == "isv.DAY_LIMIT_CONTROL":
        return SendError(error.kind, error.code, error.detail, retry_at=tomorrow)
    if error.code == "isv.MONTH_LIMIT_CONTROL":
        month = next_beijing_day(now.astimezone(BEIJING).replace(day=1) + timedelta(days=31)).replace(day=1)
        return SendError(error.kind, error.code, error.detail, retry_at=month)
    return error
