"""Infobip's own library against our adapter: equal requests, and answers that its models read as we do."""

from typing import Any

import pytest
from infobip_api_client import ApiClient, Configuration, SmsApi
from infobip_api_client.models import (
    SmsDeliveryResult,
    SmsDestination,
    SmsInboundMessageResult,
    SmsMessage,
    SmsMessageContent,
    SmsMessageDeliveryReporting,
    SmsMessageOptions,
    SmsRequest,
    SmsTextContent,
    SmsWebhooks,
    ValidityPeriod,
    ValidityPeriodTimeUnit,
)

from meeting import ask, read, send
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import EventType, Message, WorldEvent, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.infobip import InfobipSmsFace
from recallgate_adapters.infobip import InfobipSms, InfobipSmsConfig

ACCOUNT: dict[str, Any] = {"api_key": "ib-key-0001", "sender": "ACME"}
CALLBACK_URL = "https://app.example/ib?m=m-1&k=status"
STATUS = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
HEADERS = ("authorization", "content-type")


@pytest.fixture
def api(loopback: Loopback) -> SmsApi:
    return SmsApi(ApiClient(Configuration(host=loopback.url, api_key=ACCOUNT["api_key"])))


def sms(callback_url: str | None = CALLBACK_URL) -> InfobipSms:
    return InfobipSms(InfobipSmsConfig(**ACCOUNT), tools_of(callback_url))


def their_message(message_id: str, text: str, **more: Any) -> SmsMessage:
    return SmsMessage(
        sender="ACME",
        destinations=[SmsDestination(to="41793026727", messageId=message_id)],
        content=SmsMessageContent(SmsTextContent(text=text)),
        webhooks=SmsWebhooks(
            delivery=SmsMessageDeliveryReporting(url=CALLBACK_URL, intermediateReport=True), contentType="application/json"
        ),
        **more,
    )


def test_a_message_is_sent_as_the_library_sends_it(api: SmsApi, loopback: Loopback, same: Same) -> None:
    loopback.answers({"bulkId": "b", "messages": [{"messageId": "m-1", "status": STATUS, "destination": "41793026727"}]})
    options = SmsMessageOptions(
        validityPeriod=ValidityPeriod(amount=3600, timeUnit=ValidityPeriodTimeUnit.SECONDS),
        flash=True,
        campaignReferenceId="spring",
    )
    api.send_sms_messages(SmsRequest(messages=[their_message("m-1", "Hi 你好", options=options)]))
    message = Message.sms(
        "+41793026727",
        "Hi 你好",
        purpose="marketing",
        id="m-1",
        expires_at=NOW.replace(hour=NOW.hour + 1),
        options={"infobip.sms": {"flash": True, "campaign_reference_id": "spring"}},
    )

    ours = authorize(sms(), sms().build(message))

    same(ours, loopback.last, operation="sms send", oracle="infobip-api-python-client", body="json", headers=HEADERS)


def test_a_batch_is_sent_as_the_library_sends_it(api: SmsApi, loopback: Loopback, same: Same) -> None:
    loopback.answers({"bulkId": "b", "messages": [{"messageId": "m-1", "status": STATUS}]})
    api.send_sms_messages(SmsRequest(messages=[their_message("m-1", "Hi"), their_message("m-2", "Hello")]))
    messages = [Message.sms("+41793026727", text, purpose="marketing", id=one) for one, text in (("m-1", "Hi"), ("m-2", "Hello"))]

    ours = authorize(sms(), sms().build_batch(messages))

    same(
        ours, loopback.last, operation="sms send, two messages", oracle="infobip-api-python-client", body="json", headers=HEADERS
    )


def test_a_log_is_asked_for_as_the_library_asks(api: SmsApi, loopback: Loopback, same: Same) -> None:
    loopback.answers({"results": []})
    api.get_outbound_sms_message_logs(message_id=["m-1"])
    question = sms().build_lookup(Message.sms("+41793026727", "Hi", purpose="service", id="m-1"), None)
    assert question is not None

    ours = authorize(sms(), question)

    same(ours, loopback.last, operation="sms logs", oracle="infobip-api-python-client", headers=("authorization",))


def test_reports_and_replies_are_what_the_library_reads(same: Same) -> None:
    face, message = InfobipSmsFace(ACCOUNT), Message.sms("+41793026727", "Hi", purpose="service", id="m-1")
    _, taken = send(sms(), face, message)
    (report,) = face.callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    (reply,) = face.inbound("+41793026727", "+1", "STOP", url="https://app.example/c", at=NOW, nonce="n")
    (event,) = read(sms(), [report])
    (heard,) = read(sms(), [reply])

    theirs = SmsDeliveryResult.from_json(report.body.decode()).results[0]
    assert (theirs.message_id, theirs.done_at, theirs.status.name) == (event.vendor_id, event.at, event.status)
    said = SmsInboundMessageResult.from_json(reply.body.decode()).results[0]
    assert (f"+{said.var_from}", said.text, said.received_at) == (heard.address, heard.text, heard.at)
    assert ask(face, sms().build(message)).status == 401
    same.proven(operation="reports and replies, read by its models", oracle="infobip-api-python-client")
