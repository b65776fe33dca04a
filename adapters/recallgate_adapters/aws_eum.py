"""AWS End User Messaging SMS: SendTextMessage, JSON 1.0 with X-Amz-Target, AWS Signature Version 4; news through SNS.

Source: botocore 1.44.5 service model pinpoint-sms-voice-v2, "Event types for SMS, MMS, RCS and voice", read 2026-11-22.
Quirk: an error is a name with a Reason beside it; the pair decides, then the name alone.
Quirk: TEXT_DELIVERED and TEXT_SUCCESSFUL mean the same in some countries.
Quirk: our message id travels in Context, of which there are at most five pairs, and comes back in each event.
Quirk: a number that is not verified in the sandbox, or that a protect configuration bars, is sound elsewhere.
Quirk: STOP is handled by the service, and told like any other answer.
Quirk: the names of the fields of an answer by a person were read in no machine-readable source.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import httpx
from pydantic import Field

from recallgate import (
    Adapter,
    AdapterOptions,
    Callback,
    CallbackReading,
    Capabilities,
    Event,
    EventType,
    Message,
    Purpose,
    Receipt,
    SendError,
    Tools,
    channels,
)
from recallgate_adapters._mail import ID_KEY
from recallgate_adapters._shared import answer_naming, compact_json, mask_digits, part_of, phone, present, refusal, told_object
from recallgate_adapters._sms import heard, reported, said, validity_s
from recallgate_adapters.aws_eum_codes import DAILY, ERRORS, REPORT_ERRORS, STATUSES
from recallgate_adapters.aws_notices import AwsNoticeConfig, Notice, read_notice

LONGEST_TEXT = 1600
SHORTEST_S, LONGEST_S = 5, 259_200


class AwsEumConfig(AwsNoticeConfig):
    """`sender` is a number, sender id or pool (id or ARN); without one AWS chooses. `max_price` in US dollars a part."""

    sender: str | None = None
    configuration_set: str | None = Field(default=None, description="Events of delivery come only through one.")
    max_price: Decimal | None = Field(default=None, gt=0)
    protect_configuration: str | None = None


class AwsEumOptions(AdapterOptions):
    """`country` is DestinationCountryParameters, such as the entity and template ids that India asks for."""

    keyword: str | None = None
    configuration_set: str | None = None
    max_price: Decimal | None = Field(default=None, gt=0)
    country: Mapping[str, str] = Field(default_factory=dict)


class AwsEum(Adapter):
    vendor, channel, product, api = "aws", channels.SMS, "eum", 1
    needs = {"cryptography": "recallgate[sms]"}
    Config, Options = AwsEumConfig, AwsEumOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("InvalidClientTokenId", "SignatureDoesNotMatch")
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, inbound=True, validity=True)
    config: AwsEumConfig

    def __init__(self, config: AwsEumConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = config.signed("sms-voice", tools)

    def build(self, message: Message) -> httpx.Request:
        options: AwsEumOptions = self.options(message)
        price = options.max_price or self.config.max_price
        fields = {
            "DestinationPhoneNumber": phone(message),
            "OriginationIdentity": message.sender or self.config.sender,
            "MessageBody": said(message, self.adapter_name(), longest=LONGEST_TEXT),
            "MessageType": "PROMOTIONAL" if message.purpose is Purpose.MARKETING else "TRANSACTIONAL",
            "Keyword": options.keyword,
            "ConfigurationSetName": options.configuration_set or self.config.configuration_set,
            "MaxPrice": f"{price:f}" if price else None,
            "TimeToLive": validity_s(message, self.tools.now(), least=SHORTEST_S, most=LONGEST_S),
            "Context": {ID_KEY: message.id},
            "DestinationCountryParameters": dict(options.country) or None,
            "ProtectConfigurationId": self.config.protect_configuration,
        }
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "PinpointSMSVoiceV2.SendTextMessage"}
        content = compact_json(present(fields)).encode()
        return httpx.Request("POST", f"{self.config.url('sms-voice')}/", headers=headers, content=content)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if response.status_code >= 300:
            raise self._refused(response)
        return Receipt(message_id=message.id, vendor_id=answer_naming(response, "MessageId")["MessageId"])

    def read_callback(self, callback: Callback) -> CallbackReading:
        notice = read_notice(callback, self.config)
        return notice if isinstance(notice, CallbackReading) else CallbackReading(_events(notice))

    def _refused(self, response: httpx.Response) -> SendError:
        told = told_object(response)
        name = str(told.get("__type") or "").rpartition("#")[2]
        name = name or response.headers.get("x-amzn-errortype", "").partition(":")[0]
        reason = str(told.get("Reason") or "")
        code = f"{name}:{reason}" if name and reason else name
        words = mask_digits(str(told.get("Message") or told.get("message") or ""))
        error = refusal(response, code, words, errors=ERRORS, now=self.tools.now())
        if code not in ERRORS and name in ERRORS:
            error.kind = ERRORS[name]
        if code in DAILY:
            error.retry_at, error.scope = self.tools.now() + timedelta(days=1), "address"
        return error


def _events(notice: Notice) -> tuple[Event, ...]:
    told = notice.body
    if "inboundMessageId" in told:
        data = {"to": told.get("destinationNumber"), "previous": told.get("previousPublishedMessageId")}
        identity = str(told["inboundMessageId"])
        return (heard(told.get("originationNumber"), told.get("messageBody", ""), vendor_event_id=identity, data=data),)
    status = str(told.get("eventType") or "notification")
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    own_id = part_of(told, "context").get(ID_KEY)
    vendor_id = str(told.get("messageId") or "")
    event = reported(
        type_,
        status,
        status if type_ is EventType.UNDELIVERED else "",
        vendor_id=vendor_id,
        message_id=str(own_id) if own_id else None,
        errors=REPORT_ERRORS,
        # Without an id of the message the state would be one name for many.
        vendor_event_id="" if vendor_id else notice.id,
        at=_instant(told.get("eventTimestamp")),
        data=_facts(told),
    )
    return (event,)


def _facts(told: Mapping[str, Any]) -> dict[str, object]:
    """What a message cost and how many parts it had; zero before it has ended."""
    price, parts = told.get("totalMessagePrice"), told.get("totalMessageParts")
    return {name: value for name, value in (("price", price and str(price)), ("parts", parts)) if value}


def _instant(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
