"""The library postmarker against our adapter: equal requests for one mail, for many, and by template."""

from typing import Any

from postmarker.core import PostmarkClient

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Message, authorize
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.postmark import PostmarkConfig, PostmarkEmail

ACCOUNT: dict[str, Any] = {"server_token": "tok-1", "sender": "Shop <news@shop.example>", "stream": "news"}
HEADERS = ("x-postmark-server-token", "content-type", "accept")
OK = {"To": "ann@example.com", "SubmittedAt": "2026-11-20T02:00:00Z", "MessageID": "v1", "ErrorCode": 0, "Message": "OK"}
UNSUBSCRIBE = {"List-Unsubscribe": "<https://app.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
NULLS = "the library writes what is not set, we leave it out"


def an_adapter(url: str) -> PostmarkEmail:
    return PostmarkEmail(PostmarkConfig(**ACCOUNT, base_url=url), tools_of())


def a_client(loopback: Loopback) -> PostmarkClient:
    return PostmarkClient(server_token="tok-1", root_api_url=f"{loopback.url}/")


def a_message(name: str, content: dict[str, Any], **options: Any) -> Message:
    to = {"type": "email", "email": f"{name}@example.com"}
    told = {"id": f"m-{name}", "channel": "email", "to": to, "content": content, "purpose": "marketing"}
    return Message.model_validate({**told, "options": {"postmark.email": options}})


def a_mail(name: str) -> Message:
    file = {"type": "attachment", "filename": "a.pdf", "media_type": "application/pdf", "data": "AAEC"}
    content = {
        "type": "email",
        "subject": "好久不见",
        "text": "hi",
        "html": "<p>hi</p>",
        "reply_to": "help@shop.example",
        "headers": UNSUBSCRIBE,
        "attachments": [file],
    }
    return a_message(name, content, tag="recall", track_opens=False, track_links="HtmlOnly")


def their_mail(name: str) -> dict[str, Any]:
    return {
        "From": "Shop <news@shop.example>",
        "To": f"{name}@example.com",
        "Subject": "好久不见",
        "TextBody": "hi",
        "HtmlBody": "<p>hi</p>",
        "ReplyTo": "help@shop.example",
        "Headers": UNSUBSCRIBE,
        "Attachments": [{"Name": "a.pdf", "Content": "AAEC", "ContentType": "application/pdf"}],
        "Tag": "recall",
        "TrackOpens": False,
        "TrackLinks": "HtmlOnly",
        "Metadata": {"rg_id": f"m-{name}"},
        "MessageStream": "news",
    }


def test_a_mail_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers(OK)
    a_client(loopback).emails.send(**their_mail("ann"))
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build(a_mail("ann")))

    differing = dict.fromkeys(("json Cc", "json Bcc"), NULLS)
    same(ours, loopback.last, operation="email", oracle="postmarker", body="json", headers=HEADERS, differing=differing)


def test_many_are_sent_as_the_library_sends_them(loopback: Loopback, same: Same) -> None:
    loopback.answers([OK, OK])
    a_client(loopback).emails.send_batch(their_mail("ann"), their_mail("bo"))
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build_batch([a_mail("ann"), a_mail("bo")]))

    same(ours, loopback.last, operation="email/batch", oracle="postmarker", body="json", headers=HEADERS)


def test_a_template_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers(OK)
    a_client(loopback).emails.send_with_template(
        From="Shop <news@shop.example>",
        To="ann@example.com",
        TemplateAlias="back-2",
        TemplateModel={"name": "张三"},
        Metadata={"rg_id": "m-ann"},
        MessageStream="news",
    )
    adapter = an_adapter(loopback.url)
    message = a_message("ann", {"type": "template", "template": "back-2", "variables": {"name": "张三"}})

    ours = authorize(adapter, adapter.build(message))

    empty = ("Cc", "Bcc", "Subject", "Tag", "ReplyTo", "Headers", "TrackOpens", "TrackLinks", "Attachments")
    differing = {
        "path": "the library adds a slash that the documents do not have",
        "json TemplateId": "the template is named by its alias",
        "json InlineCss": "the library writes the vendor's default",
        **dict.fromkeys((f"json {name}" for name in empty), NULLS),
    }
    operation = "email/withTemplate"
    same(ours, loopback.last, operation=operation, oracle="postmarker", body="json", headers=HEADERS, differing=differing)
