"""What Vonage's JSON interfaces share: problem documents, tokens on requests, and webhooks as objects.

Source: vonage-http-client 1.5.2 and "API errors", vendor documents, read 2026-11-22.
Quirk: a problem has no code of its own; the end of its `type`, behind the #, is one.
"""

from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from recallgate import Callback, Tools
from recallgate_adapters._shared import answer_naming, object_in, refusal, signing_secret, told_object
from recallgate_adapters.vonage_signature import application_token, verify_token


def read_answer(response: httpx.Response, name: str, *, now: datetime) -> dict[str, Any]:
    """The object in a 2xx answer with the id called `name`; raises `SendError` for problems and for answers without it."""
    if response.status_code >= 400:
        problem = told_object(response)
        words = str(problem.get("detail") or problem.get("title") or "")
        raise refusal(response, problem_code(problem), words, errors={}, now=now)
    return answer_naming(response, name)


def problem_code(problem: dict[str, Any]) -> str:
    return str(problem.get("type") or "").rpartition("#")[2]


def with_token(request: httpx.Request, *, application_id: str, private_key: str, tools: Tools) -> httpx.Request:
    """The request with a fresh token of the application."""
    token = application_token(application_id, private_key, now=tools.now(), nonce=tools.nonce(32))
    request.headers["authorization"] = f"Bearer {token}"
    return request


def read_webhook(callback: Callback, secret: SecretStr | None) -> dict[str, Any]:
    """The object in a webhook that the signature secret has signed; raises `ForgedCallback` for every other."""
    verify_token(callback, secret=signing_secret(secret, vendor="vonage", setting="signature_secret"))
    return object_in(callback.body)
