"""boto3, botocore's signer and moto against SNS and End User Messaging: equal requests, signatures, answers that we read."""

from typing import Any

import httpx
import pytest

from oracles import aws
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import ErrorKind, Message, SendError, authorize
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.aws_eum import AwsEum, AwsEumConfig
from recallgate_adapters.aws_sns import AwsSns, AwsSnsConfig


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    aws.freeze(monkeypatch)


def sns(url: str, **over: Any) -> AwsSns:
    return AwsSns(AwsSnsConfig(**{**aws.ACCOUNT, "base_url": url, **over}), tools_of())


def eum(url: str) -> AwsEum:
    settings = {**aws.ACCOUNT, "base_url": url, "sender": "+15005550009", "configuration_set": "cs", "max_price": "0.2"}
    return AwsEum(AwsEumConfig(**settings), tools_of())


def a_text(to: str = "+15005550006", **fields: Any) -> Message:
    return Message.sms(to, "Hi 你好 & *~", purpose="marketing", id="m1", **fields)


def test_a_text_through_sns_is_sent_as_boto3_sends_it_signature_and_all(loopback: Loopback, same: Same) -> None:
    loopback.answers(
        "<PublishResponse><PublishResult><MessageId>v1</MessageId></PublishResult></PublishResponse>",
        headers={"content-type": "text/xml"},
    )
    attributes = {
        "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Promotional"},
        "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "ACME"},
        "AWS.SNS.SMS.MaxPrice": {"DataType": "Number", "StringValue": "0.5"},
    }
    client = aws.a_client("sns", loopback.url)
    client.publish(PhoneNumber="+15005550006", Message="Hi 你好 & *~", MessageAttributes=attributes)
    adapter = sns(loopback.url, sender="ACME", max_price="0.5")

    ours = authorize(adapter, adapter.build(a_text()))

    same(ours, loopback.last, operation="Publish", oracle="boto3", headers=("content-type", "x-amz-date", "authorization"))


def test_a_text_through_eum_is_sent_as_boto3_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers({"MessageId": "v1"})
    aws.a_client("pinpoint-sms-voice-v2", loopback.url).send_text_message(
        DestinationPhoneNumber="+15005550006",
        OriginationIdentity="+15005550009",
        MessageBody="Hi 你好 & *~",
        MessageType="PROMOTIONAL",
        ConfigurationSetName="cs",
        MaxPrice="0.2",
        Context={"rg_id": "m1"},
    )
    adapter = eum(loopback.url)
    headers = ("content-type", "x-amz-date", "x-amz-target", "authorization")

    ours = authorize(adapter, adapter.build(a_text()))

    differing = aws.AUTHORIZATION
    same(ours, loopback.last, operation="SendTextMessage", oracle="boto3", body="json", headers=headers, differing=differing)
    assert ours.headers["authorization"] == aws.botocore_signs(ours, "sms-voice")
    same.proven(operation="signature of SendTextMessage", oracle="botocore")


def test_moto_takes_our_text_and_refuses_a_number_that_is_none(same: Same) -> None:
    with aws.moto() as url, httpx.Client() as client:
        adapter = sns(url)

        receipt = adapter.parse(a_text(), client.send(authorize(adapter, adapter.build(a_text()))))
        request = adapter.build(a_text())
        bad = httpx.Request(
            "POST", request.url, headers=request.headers, content=request.content.replace(b"%2B15005550006", b"NAN")
        )
        bad.headers["content-length"] = str(len(bad.content))
        with pytest.raises(SendError) as refused:
            adapter.parse(a_text(), client.send(authorize(adapter, bad)))

    assert receipt.vendor_id
    assert (refused.value.kind, refused.value.code) == (ErrorKind.INVALID_RECIPIENT, "InvalidParameter")
    same.proven(operation="Publish taken and refused by a server", oracle="moto")
