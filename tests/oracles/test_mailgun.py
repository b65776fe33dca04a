"""Mailgun's own library against our adapter: equal requests, and its check of webhooks over what the face signs."""

from email import message_from_bytes, policy
from typing import Any

import httpx
import pytest
from mailgun.client import Client
from mailgun.security import SecurityGuard

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import EventType, Message, Taken, WorldEvent, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.mailgun import MailgunEmailFace
from recallgate_adapters.mailgun import MailgunConfig, MailgunEmail

ACCOUNT: dict[str, Any] = {
    "domain": "mg.shop.example",
    "api_key": "key-1",
    "webhook_key": "whk-1",
    "sender": "Shop <news@shop.example>",
}
URL = "https://app.example/callbacks/a/s"
FIELDS = {
    "from": "Shop <news@shop.example>",
    "to": "ann@example.com",
    "subject": "好久不见",
    "text": "hi",
    "html": "<p>hi</p>",
    "h:Reply-To": "help@shop.example",
    "h:List-Unsubscribe": "<https://app.example/u/1>",
    "h:List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "v:rg_id": "m1",
}


def an_adapter(url: str = "") -> MailgunEmail:
    return MailgunEmail(MailgunConfig(**ACCOUNT, **({"base_url": url} if url else {})), tools_of())


def a_client(loopback: Loopback) -> Client:
    loopback.answers({"id": "<1@mg.shop.example>", "message": "Queued. Thank you."})
    return Client(auth=("api", "key-1"), api_url=f"{loopback.url}/")


def a_mail(**over: Any) -> Message:
    content = {
        "type": "email",
        "subject": "好久不见",
        "text": "hi",
        "html": "<p>hi</p>",
        "reply_to": "help@shop.example",
        "headers": {"List-Unsubscribe": "<https://app.example/u/1>"},
        **over,
    }
    options = {"mailgun.email": {"tags": ["recall", "spring"], "track_clicks": False, "require_tls": True}}
    to = {"type": "email", "email": "ann@example.com"}
    told = {"id": "m1", "channel": "email", "to": to, "content": content, "purpose": "marketing", "options": options}
    return Message.model_validate(told)


TRACKING = {"o:tag": ["recall", "spring"], "o:tracking-clicks": "no", "o:require-tls": "yes"}


def test_a_mail_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    a_client(loopback).messages.create(data={**FIELDS, **TRACKING}, domain="mg.shop.example")
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build(a_mail()))

    same(ours, loopback.last, operation="messages", oracle="mailgun", body="form", headers=("authorization", "content-type"))


def test_a_mail_with_a_file_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    files = [("attachment", ("a.pdf", b"\x00\x01\x02", "application/pdf"))]
    a_client(loopback).messages.create(data={**FIELDS, **TRACKING}, files=files, domain="mg.shop.example")
    adapter = an_adapter(loopback.url)
    attachment = {"type": "attachment", "filename": "a.pdf", "media_type": "application/pdf", "data": "AAEC"}

    ours = authorize(adapter, adapter.build(a_mail(attachments=[attachment])))

    assert parts_of(ours.headers, ours.content) == parts_of(loopback.last.headers, loopback.last.body)
    assert ours.headers["authorization"] == loopback.last.headers["authorization"]
    same.proven(operation="messages with a file: fields and file, the boundary aside", oracle="mailgun")


def parts_of(headers: httpx.Headers, body: bytes) -> list[tuple[str, str | None, str, bytes]]:
    whole = message_from_bytes(f"content-type: {headers['content-type']}\r\n\r\n".encode() + body, policy=policy.HTTP)
    return sorted(
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part.get_content_type(),
            bytes(part.get_payload(decode=True)),  # type: ignore[arg-type] # a part without parts has bytes
        )
        for part in whole.iter_parts()  # type: ignore[attr-defined] # the policy makes EmailMessages
    )


@pytest.mark.parametrize("key", ["whk-1", "other"])
def test_what_the_face_signs_is_believed_by_the_library_and_by_us(key: str, same: Same) -> None:
    face = MailgunEmailFace({**ACCOUNT, "callback_url": URL})
    taken = Taken("1@mg.shop.example", "ann@example.com", "email", "hi", callback_url=URL, data={"variables": {"rg_id": "m1"}})
    (callback,) = face.callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="n1")
    signature = httpx.Response(200, content=callback.body).json()["signature"]

    believed = SecurityGuard.verify_webhook(key, signature["token"], signature["timestamp"], signature["signature"], 0)

    assert believed is (key == "whk-1")
    assert an_adapter().read_callback(callback).events[0].type is EventType.DELIVERED
    same.proven(operation=f"webhook signed by the face, key {'right' if believed else 'wrong'}", oracle="mailgun")
