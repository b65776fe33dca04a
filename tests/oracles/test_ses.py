"""boto3, botocore's signer and moto against our SES adapter: equal requests, equal signatures, answers that we read."""

from typing import Any

import httpx
import pytest

from oracles import aws
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import ErrorKind, Message, Receipt, SendError, authorize
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.ses import SesConfig, SesEmail

HEADERS = ("x-amz-date", "authorization")
ATTACHMENT = {"type": "attachment", "filename": "a.pdf", "media_type": "application/pdf", "data": "AAEC"}
UNSUBSCRIBE = {"List-Unsubscribe": "<https://app.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    aws.freeze(monkeypatch)


def an_adapter(url: str, **over: Any) -> SesEmail:
    settings = {**aws.ACCOUNT, "base_url": url, "sender": "Shop <news@shop.example>", "configuration_set": "cs1", **over}
    return SesEmail(SesConfig(**settings), tools_of())


def a_mail(to: str = "ann@example.com", **content: Any) -> Message:
    body = {"type": "email", "subject": "好久不见", "text": "hi", "html": "<p>hi</p>", **content}
    return Message.model_validate(
        {"id": "m1", "channel": "email", "to": {"type": "email", "email": to}, "content": body, "purpose": "marketing"}
    )


def a_template(to: str, name: str) -> Message:
    content = {"type": "template", "template": "winback", "variables": {"name": name}}
    address = {"type": "email", "email": to}
    return Message.model_validate(
        {"id": f"m-{name}", "channel": "email", "to": address, "content": content, "purpose": "service"}
    )


def utf8(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


def tag(identity: str) -> list[dict[str, str]]:
    return [{"Name": "rg_id", "Value": identity}]


def test_a_mail_is_sent_as_boto3_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers({"MessageId": "v1"})
    aws.a_client("sesv2", loopback.url).send_email(
        FromEmailAddress="Shop <news@shop.example>",
        Destination={"ToAddresses": ["ann@example.com"]},
        Content={
            "Simple": {
                "Subject": utf8("好久不见"),
                "Body": {"Text": utf8("hi"), "Html": utf8("<p>hi</p>")},
                "Headers": [{"Name": name, "Value": value} for name, value in UNSUBSCRIBE.items()],
                "Attachments": [
                    {
                        "RawContent": b"\x00\x01\x02",
                        "ContentDisposition": "ATTACHMENT",
                        "FileName": "a.pdf",
                        "ContentType": "application/pdf",
                    }
                ],
            }
        },
        EmailTags=tag("m1"),
        ConfigurationSetName="cs1",
    )
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build(a_mail(headers=UNSUBSCRIBE, attachments=[ATTACHMENT])))

    same(ours, loopback.last, operation="SendEmail", oracle="boto3", body="json", headers=HEADERS, differing=aws.AUTHORIZATION)


def test_a_batch_is_sent_as_boto3_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers({"BulkEmailEntryResults": []})
    entries = [
        {
            "Destination": {"ToAddresses": [f"{name}@example.com"]},
            "ReplacementTags": tag(f"m-{name}"),
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": f'{{"name":"{name}"}}'}},
        }
        for name in ("ann", "bo")
    ]
    aws.a_client("sesv2", loopback.url).send_bulk_email(
        FromEmailAddress="Shop <news@shop.example>",
        DefaultContent={"Template": {"TemplateName": "winback", "TemplateData": "{}"}},
        BulkEmailEntries=entries,
        ConfigurationSetName="cs1",
    )
    adapter = an_adapter(loopback.url)
    request = adapter.build_batch([a_template("ann@example.com", "ann"), a_template("bo@example.com", "bo")])

    ours = authorize(adapter, request)

    differing = aws.AUTHORIZATION
    same(ours, loopback.last, operation="SendBulkEmail", oracle="boto3", body="json", headers=HEADERS, differing=differing)


@pytest.mark.parametrize("token", [None, "SESSION+TOKEN/=="])
def test_a_request_is_signed_as_botocore_signs_it(token: str | None, same: Same) -> None:
    adapter = an_adapter("https://email.us-east-1.amazonaws.com", session_token=token)

    ours = authorize(adapter, adapter.build(a_mail()))

    assert ours.headers["authorization"] == aws.botocore_signs(ours, "ses", token=token)
    same.proven(operation=f"signature {'with a session token' if token else 'of a request'}", oracle="botocore")


def test_moto_takes_our_mail_and_refuses_an_unverified_sender(same: Same) -> None:
    with aws.moto() as url, httpx.Client() as client:
        adapter = an_adapter(url, configuration_set=None)
        message = a_mail()

        with pytest.raises(SendError) as refused:
            adapter.parse(message, client.send(authorize(adapter, adapter.build(message))))
        aws.a_client("ses", url).verify_email_identity(EmailAddress="news@shop.example")
        receipt = adapter.parse(message, client.send(authorize(adapter, adapter.build(message))))
        held = client.get(f"{url}/moto-api/data.json").json()["ses"]

    assert (refused.value.kind, refused.value.code) == (ErrorKind.INVALID_SENDER, "MessageRejected")
    assert isinstance(receipt, Receipt)
    assert receipt.vendor_id in str(held)
    same.proven(operation="SendEmail taken and refused by a server", oracle="moto")
