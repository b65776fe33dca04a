"""The face of SNS for texts to phones: Publish and CheckIfPhoneNumberIsOptedOut, XML answers, no reports.

Source: botocore 1.44.5 service model sns 2010-03-31, moto 5.2.5, read 2026-11-22.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from xml.sax.saxutils import escape

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace
from recallgate_adapters.faces._sms import links_in
from recallgate_adapters.faces._wire import form, gateway_fault
from recallgate_adapters.faces.aws_wire import hosts_of, wrong_key

_XML = {"content-type": "text/xml"}
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_REFUSALS: Mapping[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (403, "AuthorizationError", "User is not authorized to perform: SNS:Publish"),
    ErrorKind.RATE_LIMITED: (400, "Throttled", "Rate exceeded"),
    ErrorKind.INVALID_RECIPIENT: (
        400,
        "InvalidParameter",
        "Invalid parameter: PhoneNumber Reason: it is not valid to publish to",
    ),
}
_OTHER = (400, "InvalidParameterValue", "The value is not accepted")


class AwsSnsFace(VendorFace):
    """Texts of one account in one region."""

    adapter = "aws.sns"
    hosts = hosts_of("sns")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if wrong := wrong_key(self.config, request, "sns"):
            # The query protocol has names of its own for the same faults.
            names = {"UnrecognizedClientException": "InvalidClientTokenId"}
            return _error(403, names.get(wrong[0], wrong[0]), wrong[1])
        if fault is not None:
            return gateway_fault(fault) or _error(*_REFUSALS.get(fault.kind, _OTHER), retry_after_s=fault.retry_after_s)
        fields = form(request)
        if fields.get("Version") != "2010-03-31" or fields.get("Action") != "Publish":
            return _error(400, "InvalidAction", "The action is not valid for this web service")
        number, text = fields.get("PhoneNumber", ""), fields.get("Message", "")
        if not _E164.fullmatch(number):
            return _error(400, "InvalidParameter", f"Invalid parameter: PhoneNumber Reason: {number} is not valid to publish to")
        if not text:
            return _error(400, "InvalidParameter", "Invalid parameter: Message Reason: Empty message")
        if len(text) > 1600:
            return _error(400, "InvalidParameter", "Invalid parameter: Message Reason: Message must be at most 1600 characters")
        attributes = _attributes(fields)
        if attributes.get("AWS.SNS.SMS.SMSType", "Promotional") not in ("Promotional", "Transactional"):
            return _error(400, "InvalidParameter", "Invalid parameter: AWS.SNS.SMS.SMSType")
        mark = new_id.hex("sns", now.isoformat(), request.content.decode())
        vendor_id = f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}"
        taken = Taken(vendor_id, number, "sms", text, links_in(text), data={"from": attributes.get("AWS.SNS.SMS.SenderID", "")})
        body = f"<PublishResult><MessageId>{vendor_id}</MessageId></PublishResult>"
        whole = f'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{body}</PublishResponse>'
        return FaceReply(200, whole.encode(), _XML, (taken,))


def _attributes(fields: Mapping[str, str]) -> dict[str, str]:
    found = {}
    number = 1
    while name := fields.get(f"MessageAttributes.entry.{number}.Name"):
        found[name] = fields.get(f"MessageAttributes.entry.{number}.Value.StringValue", "")
        number += 1
    return found


def _error(status: int, code: str, words: str, *, retry_after_s: int | None = None) -> FaceReply:
    headers = _XML if retry_after_s is None else {**_XML, "retry-after": str(retry_after_s)}
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(words)}</Message></Error>"
    body = f'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{error}<RequestId>r-1</RequestId></ErrorResponse>'
    return FaceReply(status, body.encode(), headers)
