"""Resend's own library and Svix's against our adapter: equal requests, and signatures that each side accepts."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import resend
from svix.webhooks import Webhook, WebhookVerificationError

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Callback, EventType, Message, Taken, WorldEvent, authorize
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.faces.resend import ResendEmailFace
from recallgate_adapters.resend import ResendConfig, ResendEmail

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ACCOUNT: dict[str, Any] = {"api_key": "re_key", "sender": "Shop <news@shop.example>", "webhook_secret": SECRET}
HEADERS = ("authorization", "content-type", "idempotency-key")
URL = "https://app.example/callbacks/a/s"


@pytest.fixture(autouse=True)
def _library(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", loopback.url)
    monkeypatch.setattr(resend, "api_key", "re_key")


def an_adapter(url: str = "") -> ResendEmail:
    return ResendEmail(ResendConfig(**ACCOUNT, **({"base_url": url} if url else {})), tools_of())


def a_message(name: str, **content: Any) -> Message:
    to = {"type": "email", "email": f"{name}@example.com"}
    body = {"type": "email", "subject": "好久不见", "text": "hi", **content}
    told = {"id": f"m-{name}", "channel": "email", "to": to, "content": body, "purpose": "marketing"}
    return Message.model_validate(told)


def their_mail(name: str, **more: Any) -> dict[str, Any]:
    return {
        "from": "Shop <news@shop.example>",
        "to": [f"{name}@example.com"],
        "subject": "好久不见",
        "text": "hi",
        "tags": [{"name": "rg_id", "value": f"m-{name}"}],
        **more,
    }


def test_a_mail_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers({"id": "v1"})
    more = {
        "html": "<p>hi</p>",
        "reply_to": "help@shop.example",
        "headers": {"X-Shop": "1"},
        "attachments": [{"filename": "a.pdf", "content": "AAEC", "content_type": "application/pdf"}],
    }
    resend.Emails.send(their_mail("ann", **more), {"idempotency_key": "m-ann"})  # type: ignore[arg-type] # a TypedDict
    adapter = an_adapter(loopback.url)
    file = {"type": "attachment", "filename": "a.pdf", "media_type": "application/pdf", "data": "AAEC"}

    ours = authorize(
        adapter,
        adapter.build(
            a_message("ann", html="<p>hi</p>", reply_to="help@shop.example", headers={"X-Shop": "1"}, attachments=[file])
        ),
    )

    same(ours, loopback.last, operation="emails", oracle="resend", body="json", headers=HEADERS)


def test_many_are_sent_as_the_library_sends_them(loopback: Loopback, same: Same) -> None:
    loopback.answers({"data": [{"id": "v1"}, {"id": "v2"}]})
    resend.Batch.send([their_mail("ann"), their_mail("bo")], {"idempotency_key": "k"})  # type: ignore[list-item] # TypedDicts
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build_batch([a_message("ann"), a_message("bo")]))

    differing = {"header idempotency-key": "ours follows from the ids of the messages"}
    same(ours, loopback.last, operation="emails/batch", oracle="resend", body="json", headers=HEADERS, differing=differing)


def test_what_svix_signs_is_believed_by_us_and_what_the_face_signs_by_svix(same: Same) -> None:
    now = datetime.now(UTC)  # Svix's verifier reads the real clock
    face = ResendEmailFace({**ACCOUNT, "callback_url": URL})
    taken = Taken("v1", "ann@example.com", "email", "hi", callback_url=URL, data={"from": "x", "tags": {"rg_id": "m1"}})
    (callback,) = face.callbacks(taken, WorldEvent(EventType.DELIVERED, now), nonce="n1")
    verifier = Webhook(SECRET)

    verifier.verify(callback.body, dict(callback.headers))
    with pytest.raises(WebhookVerificationError):
        verifier.verify(callback.body + b" ", dict(callback.headers))
    theirs = verifier.sign(callback.headers["svix-id"], now, callback.body.decode())

    assert theirs == callback.headers["svix-signature"]
    same.proven(operation="webhook signed by the face, read by the library", oracle="svix")


def test_a_webhook_signed_by_svix_is_read(same: Same) -> None:
    at = tools_of().now()
    body = (
        '{"type": "email.delivered", "created_at": "2026-11-20T01:59:00Z", "data": {"email_id": "v1", "to": ["a@example.com"]}}'
    )
    signature = Webhook(SECRET).sign("msg_1", at, body)
    headers = {"svix-id": "msg_1", "svix-timestamp": str(int(at.timestamp())), "svix-signature": signature}
    callback = Callback("POST", URL, httpx.Headers(headers), body.encode(), at)

    (event,) = an_adapter().read_callback(callback).events

    assert (event.type, event.vendor_id) == (EventType.DELIVERED, "v1")
    same.proven(operation="webhook signed by the library, read by us", oracle="svix")
