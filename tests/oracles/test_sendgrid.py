"""SendGrid's own library against our adapter: equal requests, and its verifier over what the face signs."""

from typing import Any

from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import (
    Asm,
    Attachment,
    Category,
    ClickTracking,
    CustomArg,
    From,
    Header,
    Mail,
    Personalization,
    ReplyTo,
    To,
    TrackingSettings,
)

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import EventType, Message, Taken, WorldEvent, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.sendgrid import SendgridEmailFace, webhook_key
from recallgate_adapters.sendgrid import SendgridConfig, SendgridEmail

ACCOUNT: dict[str, Any] = {"api_key": "SG.key", "sender": "Shop <news@shop.example>", "webhook_key": webhook_key("SG.key")}
HEADERS = ("authorization", "content-type")
UNSUBSCRIBE = {"List-Unsubscribe": "<https://app.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
URL = "https://app.example/callbacks/a/s"


def an_adapter(url: str = "") -> SendgridEmail:
    return SendgridEmail(SendgridConfig(**ACCOUNT, **({"base_url": url} if url else {})), tools_of())


def a_client(loopback: Loopback) -> SendGridAPIClient:
    loopback.answers(b"", status=202, headers={"X-Message-Id": "m1"})
    return SendGridAPIClient("SG.key", host=loopback.url)


def test_a_mail_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    mail = Mail(
        from_email=From("news@shop.example", "Shop"), subject="好久不见", plain_text_content="hi", html_content="<p>hi</p>"
    )
    personal = Personalization()
    personal.add_to(To("ann@example.com", "Ann"))
    personal.add_custom_arg(CustomArg("rg_id", "m1"))
    mail.add_personalization(personal)
    mail.reply_to = ReplyTo("help@shop.example")
    for name, value in UNSUBSCRIBE.items():
        mail.add_header(Header(name, value))
    mail.add_attachment(Attachment("AAEC", "a.pdf", "application/pdf", "attachment"))
    mail.add_category(Category("recall"))
    mail.asm = Asm(7)
    tracking = TrackingSettings()
    tracking.click_tracking = ClickTracking(enable=False)
    mail.tracking_settings = tracking
    a_client(loopback).send(mail)
    content = {
        "type": "email",
        "subject": "好久不见",
        "text": "hi",
        "html": "<p>hi</p>",
        "reply_to": "help@shop.example",
        "headers": UNSUBSCRIBE,
        "attachments": [{"type": "attachment", "filename": "a.pdf", "media_type": "application/pdf", "data": "AAEC"}],
    }
    message = Message.model_validate(
        {
            "id": "m1",
            "channel": "email",
            "to": {"type": "email", "email": "ann@example.com", "name": "Ann"},
            "content": content,
            "purpose": "marketing",
            "options": {"sendgrid.email": {"categories": ["recall"], "unsubscribe_group": 7, "track_clicks": False}},
        }
    )
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build(message))

    same(ours, loopback.last, operation="mail send", oracle="sendgrid", body="json", headers=HEADERS)


def test_many_are_sent_as_the_library_sends_them(loopback: Loopback, same: Same) -> None:
    mail = Mail(from_email=From("news@shop.example", "Shop"))
    mail.template_id = "d-1"
    messages = []
    for name in ("ann", "bo"):  # the library puts each new one before the others
        personal = Personalization()
        personal.add_to(To(f"{name}@example.com"))
        personal.add_custom_arg(CustomArg("rg_id", f"m-{name}"))
        personal.dynamic_template_data = {"name": name}
        mail.add_personalization(personal)
        content = {"type": "template", "template": "d-1", "variables": {"name": name}}
        to = {"type": "email", "email": f"{name}@example.com"}
        told = {"id": f"m-{name}", "channel": "email", "to": to, "content": content, "purpose": "service"}
        messages.append(Message.model_validate(told))
    a_client(loopback).send(mail)
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build_batch(messages[::-1]))

    same(ours, loopback.last, operation="mail send to many, by template", oracle="sendgrid", body="json", headers=HEADERS)


def test_what_the_face_signs_is_believed_by_the_library_and_by_us(same: Same) -> None:
    face = SendgridEmailFace({**ACCOUNT, "callback_url": URL})
    taken = Taken("m1", "ann@example.com", "email", "hi", callback_url=URL, data={"custom_args": {"rg_id": "m1"}})
    (callback,) = face.callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="0123456789")
    told = callback.headers["x-twilio-email-event-webhook-signature"]
    stamp = callback.headers["x-twilio-email-event-webhook-timestamp"]

    verifier = EventWebhook(webhook_key("SG.key"))

    assert verifier.verify_signature(callback.body.decode(), told, stamp)
    assert not verifier.verify_signature(f"{callback.body.decode()} ", told, stamp)
    assert an_adapter().read_callback(callback).events[0].type is EventType.DELIVERED
    same.proven(operation="callback signed by the face, read by the library and by us", oracle="sendgrid")
