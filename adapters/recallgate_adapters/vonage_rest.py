"""What Vonage's JSON interfaces share: problem documents, tokens on requests, and webhooks as objects.

Source: vonage-http-client 1.5.2 and "API errors", vendor documents, read 2026-11-22.
Quirk: a problem has no code of its own; the end of its `type`, behind the #, is one.
"""

import json
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ForgedCallback, SendError, Tools, http_kind, read_json
from recallgate_adapters._shared import refusal
from recallgate_adapters._sms import object_of
from recallgate_adapters.vonage_signature import application_token, verify_token


def read_answer(response: httpx.Response, name: str, *, now: datetime) -> dict[str, Any]:
    """The object in a 2xx answer with the id called `name`; raises `SendError` for problems and for answers without it."""
    if response.status_code >= 400:
        problem = object_of(response)
        words = str(problem.get("detail") or problem.get("title") or "")
        raise refusal(response, problem_code(problem), words, errors={}, now=now)
    answer = read_json(response)
    if response.status_code >= 300 or not isinstance(answer.get(name), str) or not answer[name]:
        raise SendError(http_kind(response.status_code), f"http {response.status_code}", f"the answer names no {name}")
    return answer


def problem_code(problem: dict[str, Any]) -> str:
    return str(problem.get("type") or "").rpartition("#")[2]


def with_token(request: httpx.Request, *, application_id: str, private_key: str, tools: Tools) -> httpx.Request:
    """The request with a fresh token of the application."""
    token = application_token(application_id, private_key, now=tools.now(), nonce=tools.nonce(32))
    request.headers["authorization"] = f"Bearer {token}"
    return request


def read_webhook(callback: Callback, secret: str | None) -> dict[str, Any]:
    """The object in a webhook that the signature secret has signed; raises `ForgedCallback` for every other."""
    if secret is None:
        raise ForgedCallback("vonage: no signature_secret is configured, so no callback can be believed")
    verify_token(callback, secret=secret)
    try:
        fields = json.loads(callback.body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
