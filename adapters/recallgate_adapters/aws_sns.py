"""AWS SNS as a carrier of SMS: Publish with a phone number, form fields, XML answers, AWS Signature Version 4.

Source: botocore 1.44.5 service model sns 2010-03-31, moto 5.2.5, read 2026-11-22.
Quirk: the sender is an attribute: names as AWS.SNS.SMS.SenderID, numbers as AWS.MM.SMS.OriginationNumber.
Quirk: InvalidParameter means a bad number only where its text names PhoneNumber; else a field of ours is wrong.
Quirk: states of delivery go to CloudWatch Logs alone, so there are no reports and nothing can be asked.
Quirk: the service is chosen by the scope of the signature; a request without one lands elsewhere.
"""

import html
import re
from decimal import Decimal
from typing import ClassVar

import httpx
from pydantic import Field

from recallgate import (
    Adapter,
    AdapterOptions,
    Capabilities,
    ErrorKind,
    Message,
    Purpose,
    Receipt,
    SendError,
    Tools,
    channels,
    http_kind,
)
from recallgate_adapters._shared import mask_digits, phone, refusal
from recallgate_adapters._sms import said
from recallgate_adapters.aws_account import KEY_ERRORS, AwsConfig

ERRORS: dict[str, ErrorKind] = {
    **KEY_ERRORS,
    "InvalidParameter": ErrorKind.INVALID_RECIPIENT,
    "InvalidParameterValue": ErrorKind.UNKNOWN,
    "AuthorizationError": ErrorKind.AUTH,
    # HTTP 500 after the text may have left: nobody knows.
    "InternalError": ErrorKind.UNCERTAIN,
    "Throttled": ErrorKind.RATE_LIMITED,
    "ThrottlingException": ErrorKind.RATE_LIMITED,
}
LONGEST_TEXT = 1600
_NUMBER = re.compile(r"\+?\d{3,15}", re.ASCII)
_OTHER_PARAMETER = re.compile(r"invalid parameter: (?!phonenumber)", re.IGNORECASE)


class AwsSnsConfig(AwsConfig):
    """`sender` is a name of up to 11 characters or a number of the account; without one AWS chooses.

    `max_price` is the most that a message may cost, in US dollars.
    """

    sender: str | None = None
    max_price: Decimal | None = Field(default=None, gt=0)


class AwsSnsOptions(AdapterOptions):
    max_price: Decimal | None = Field(default=None, gt=0)


class AwsSns(Adapter):
    vendor, channel, product, api = "aws", channels.SMS, "sns", 1
    Config, Options = AwsSnsConfig, AwsSnsOptions
    errors = ERRORS
    unverified = ("InvalidClientTokenId", "SignatureDoesNotMatch", "Throttled", "ThrottlingException")
    capabilities: ClassVar[Capabilities] = Capabilities()
    config: AwsSnsConfig

    def __init__(self, config: AwsSnsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = config.signed("sns", tools)

    def build(self, message: Message) -> httpx.Request:
        fields = {
            "Action": "Publish",
            "Version": "2010-03-31",
            "PhoneNumber": phone(message),
            "Message": said(message, self.adapter_name(), longest=LONGEST_TEXT),
        }
        for number, (name, type_, value) in enumerate(self._attributes(message), start=1):
            entry = f"MessageAttributes.entry.{number}"
            fields |= {f"{entry}.Name": name, f"{entry}.Value.DataType": type_, f"{entry}.Value.StringValue": value}
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        return httpx.Request("POST", f"{self.config.url('sns')}/", headers=headers, data=fields)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if response.status_code >= 300:
            raise self._refused(response)
        vendor_id = _element(response, "MessageId")
        if not vendor_id:
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer names no MessageId")
        return Receipt(message_id=message.id, vendor_id=vendor_id)

    def _attributes(self, message: Message) -> list[tuple[str, str, str]]:
        kind = "Promotional" if message.purpose is Purpose.MARKETING else "Transactional"
        found = [("AWS.SNS.SMS.SMSType", "String", kind)]
        if sender := message.sender or self.config.sender:
            is_number = _NUMBER.fullmatch(sender)
            found.append(("AWS.MM.SMS.OriginationNumber" if is_number else "AWS.SNS.SMS.SenderID", "String", sender))
        options: AwsSnsOptions = self.options(message)
        if price := options.max_price or self.config.max_price:
            found.append(("AWS.SNS.SMS.MaxPrice", "Number", f"{price:f}"))
        return found

    def _refused(self, response: httpx.Response) -> SendError:
        code, words = _element(response, "Code"), _element(response, "Message")
        error = refusal(response, code, mask_digits(words), errors=ERRORS, now=self.tools.now())
        if code == "InvalidParameter" and _OTHER_PARAMETER.match(words):
            error.kind = ErrorKind.UNKNOWN
        return error


def _element(response: httpx.Response, name: str) -> str:
    """The text of the first element of this name. The answers are flat, so no parser (and no entity) is needed."""
    found = re.search(rb"<%b>([^<]{1,2000})</%b>" % (name.encode(), name.encode()), response.content[:100_000])
    return html.unescape(found[1].decode("utf-8", "replace")).strip() if found else ""
