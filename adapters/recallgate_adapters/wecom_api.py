"""The API that all of WeCom's products share: error codes, answers, and the access token of a secret.

Source: WxJava's WxCpErrorMsgEnum (from the official code page), vendor page 90454 on rates, read 2026-11-22.
Quirk: every answer is HTTP 200; errcode alone decides, errmsg is never compared.
Quirk: 40014, 41001 and 42001 are cured by a new token, 40001 (wrong secret) is not.
"""

from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from recallgate import ErrorKind, SendError, Token, TokenAuth, Tools, http_kind, read_json, retry_after
from recallgate_adapters._shared import mask_digits
from recallgate_adapters._tokens import ended_by, in_query

ERRORS: dict[str, ErrorKind] = {
    "-1": ErrorKind.TEMPORARY,
    "40001": ErrorKind.AUTH,
    "40003": ErrorKind.INVALID_RECIPIENT,
    "40004": ErrorKind.UNKNOWN,
    "40005": ErrorKind.UNKNOWN,
    "40006": ErrorKind.PAYLOAD_TOO_LARGE,
    "40007": ErrorKind.UNKNOWN,
    "40008": ErrorKind.UNKNOWN,
    "40009": ErrorKind.PAYLOAD_TOO_LARGE,
    "40011": ErrorKind.PAYLOAD_TOO_LARGE,
    "40013": ErrorKind.AUTH,
    "40014": ErrorKind.AUTH,
    "40031": ErrorKind.INVALID_RECIPIENT,
    "40035": ErrorKind.UNKNOWN,
    "40056": ErrorKind.INVALID_SENDER,
    "40058": ErrorKind.UNKNOWN,
    "40063": ErrorKind.UNKNOWN,
    "40091": ErrorKind.AUTH,
    "40096": ErrorKind.INVALID_RECIPIENT,
    "41001": ErrorKind.AUTH,
    "41048": ErrorKind.INVALID_RECIPIENT,
    "41050": ErrorKind.OPTED_OUT,
    "41051": ErrorKind.UNSUPPORTED,
    "42001": ErrorKind.AUTH,
    "43004": ErrorKind.INVALID_RECIPIENT,
    "44004": ErrorKind.UNKNOWN,
    "45001": ErrorKind.PAYLOAD_TOO_LARGE,
    "45002": ErrorKind.PAYLOAD_TOO_LARGE,
    "45008": ErrorKind.UNKNOWN,
    "45009": ErrorKind.RATE_LIMITED,
    "45033": ErrorKind.RATE_LIMITED,
    "46004": ErrorKind.INVALID_RECIPIENT,
    "48002": ErrorKind.AUTH,
    "50001": ErrorKind.AUTH,
    "50002": ErrorKind.AUTH,
    "50003": ErrorKind.AUTH,
    "60011": ErrorKind.AUTH,
    "60020": ErrorKind.AUTH,
    "60111": ErrorKind.INVALID_RECIPIENT,
    "81013": ErrorKind.INVALID_RECIPIENT,
    "82001": ErrorKind.INVALID_RECIPIENT,
    "82002": ErrorKind.UNKNOWN,
    "82003": ErrorKind.UNKNOWN,
    "84061": ErrorKind.OPTED_OUT,
    "84074": ErrorKind.AUTH,
    "85002": ErrorKind.BLOCKED_CONTENT,
    "86001": ErrorKind.INVALID_RECIPIENT,
    "86003": ErrorKind.INVALID_RECIPIENT,
    "301002": ErrorKind.AUTH,
    "2000002": ErrorKind.AUTH,
}
BAD_TOKEN = ("40014", "41001", "42001")
# The least that a hit limit blocks: the minute's window.
WAITS = {"45009": timedelta(seconds=60)}


def answer_of(response: httpx.Response, now: datetime, *users: str) -> dict[str, Any]:
    """The answer when errcode is 0; else the `SendError` behind it, in whose words no user is named."""
    answer = read_json(response)
    if "errcode" not in answer:
        kind, code = http_kind(response.status_code), f"http {response.status_code}"
        raise SendError(kind, code, "the answer has no errcode", retry_at=retry_after(response, now))
    code = str(answer["errcode"])
    if code == "0":
        return answer
    retry_at = retry_after(response, now) or (now + WAITS[code] if code in WAITS else None)
    words = mask_digits(str(answer.get("errmsg", "")))
    for user in users:
        words = words.replace(user, "…")
    raise SendError(ERRORS.get(code, ErrorKind.UNKNOWN), code, words[:200], retry_at=retry_at)


def token_auth(base_url: str, corp_id: str, secret: SecretStr, tools: Tools, *, product: str) -> TokenAuth:
    """The token of one secret: fetched by GET, sent in the query; `product` tells the secrets of a company apart."""

    def build() -> httpx.Request:
        pair = {"corpid": corp_id, "corpsecret": secret.get_secret_value()}
        return httpx.Request("GET", f"{base_url}/cgi-bin/gettoken", params=pair)

    return TokenAuth(
        build=build,
        parse=lambda response: _parse_token(response, tools.now()),
        apply=in_query,
        expired=ended_by("errcode", BAD_TOKEN),
        identity=f"wecom {base_url} {corp_id} {product}",
    )


def _parse_token(response: httpx.Response, now: datetime) -> Token:
    """The access token; no failure here can have sent a message, so none is uncertain."""
    try:
        answer = answer_of(response, now)
        return Token(str(answer["access_token"]), now + timedelta(seconds=int(answer["expires_in"])))
    except SendError as error:
        if error.kind is not ErrorKind.UNCERTAIN:
            raise
    except (KeyError, ValueError, TypeError):
        pass
    raise SendError(ErrorKind.UNAVAILABLE, "token", "the token's answer cannot be read") from None
