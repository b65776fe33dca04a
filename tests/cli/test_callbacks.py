"""`adapters callback`: vendors' signed callbacks, genuine and forged."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.contracts import VENDORS as ALL, contracts
from recallgate.registry import adapter_class
from recallgate.testing.exchanges import NOW

VENDORS_WITH_CALLBACKS = [name for name in ALL if adapter_class(name).abilities().callbacks != "none"]
VENDORS = Path(__file__).parent.parent / "data" / "vendors"
TWILIO = json.loads((VENDORS / "twilio.json").read_text("utf-8"))["signature_vectors"]["vectors"]
WECOM = json.loads((VENDORS / "wecom.json").read_text("utf-8"))["signature_vectors"]["vectors"]
SID = "SM" + "0" * 32


def contract(name: str) -> Any:
    """The contract of an adapter that has rows for callbacks."""
    return next((one for one in contracts()[name] if one.table().get("callbacks")), contracts()[name][0])


def of_twilio(vector: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Config and request of a signature vector."""
    config = {"account_sid": "AC1", "auth_token": "unused"}
    config["callback_key" if vector["algorithm"] == "HMAC_SHA256" else "auth_token"] = vector["auth_token"]
    fields = [(key, one) for key, value in vector["params"].items() for one in (value if isinstance(value, list) else [value])]
    headers = {"X-Twilio-Signature": vector["expected"]}
    body = vector.get("body") or urlencode(fields)
    if body:
        headers["Content-Type"] = "application/json" if "body" in vector else "application/x-www-form-urlencoded"
    if vector["algorithm"] == "HMAC_SHA256":
        headers["X-Twilio-Webhooks-Signature-Settings"] = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    return config, {"method": "POST", "url": vector["url"], "headers": headers, "body": body}


def of_wecom(vector: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    given, expected = vector["input"], vector["expected"]
    config = {
        "corp_id": given["receive_id"],
        "secret": "unused",
        "agent_id": 218,
        "callback_token": given["token"],
        "encoding_aes_key": given["encoding_aes_key"],
    }
    query = urlencode({"msg_signature": expected["msg_signature"], "timestamp": given["timestamp"], "nonce": given["nonce"]})
    body = f"<xml><Encrypt><![CDATA[{expected['encrypt']}]]></Encrypt></xml>"
    return config, {
        "url": f"https://app.example/callbacks/wecom/s?{query}",
        "headers": {"Content-Type": "text/xml"},
        "body": body,
    }


def tell(run: Any, file: Any, name: str, config: object, request: object, *more: object) -> Any:
    return run("adapters", "callback", name, "--config", file(config), "--request", file(request), *more, "--json")


@pytest.mark.parametrize("vector", TWILIO, ids=[vector["name"] for vector in TWILIO])
def test_vendors_own_signature_is_verified(run, file, vector):
    ran = tell(run, file, "twilio.sms", *of_twilio(vector))

    assert ran.json["verified"] is True
    assert ran.code == 0


@pytest.mark.parametrize("vector", TWILIO, ids=[vector["name"] for vector in TWILIO])
def test_tampered_callback_is_forged(run, file, vector):
    config, request = of_twilio(vector)

    ran = tell(run, file, "twilio.sms", config, {**request, "url": request["url"] + "&extra=1"})

    assert ran.json == {"verified": False, "events": [], "reply": {"status": 403, "headers": {}, "body": ""}}
    assert ran.code == 1


def test_body_may_come_as_base64(run, file):
    config, request = of_twilio(TWILIO[0])
    body = base64.b64encode(request.pop("body").encode()).decode()

    assert tell(run, file, "twilio.sms", config, {**request, "body_base64": body}).json["verified"] is True


def signed(fields: dict[str, str]) -> dict[str, Any]:
    """A status callback with its own signature: HMAC-SHA1 of the URL and the sorted fields."""
    import hashlib
    import hmac

    url = "https://app.example/callbacks/twilio.sms/s?m=m1&k=status"
    text = url + "".join(f"{key}{value}" for key, value in sorted(fields.items()))
    signature = base64.b64encode(hmac.new(b"12345", text.encode(), hashlib.sha1).digest()).decode()
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return {"url": url, "headers": headers, "body": urlencode(fields)}


def test_events_are_plain_json(run, file):
    request = signed({"MessageSid": SID, "MessageStatus": "undelivered", "ErrorCode": "30003"})

    told = tell(run, file, "twilio.sms", {"account_sid": "AC1", "auth_token": "12345"}, request).json

    assert told["events"] == [
        {
            "type": "undelivered",
            "message_id": "m1",
            "vendor_id": SID,
            "address": None,
            "at": None,
            "vendor_event_id": f"{SID}:undelivered",
            "status": "undelivered",
            "kind": "unreachable",
            "code": "30003",
            "text": None,
            "data": {},
        }
    ]
    assert set(told["reply"]) == {"status", "headers", "body"}


def test_people_read_events_as_lines(run, file):
    config, request = {"account_sid": "AC1", "auth_token": "12345"}, signed({"MessageSid": SID, "MessageStatus": "delivered"})

    ran = run("adapters", "callback", "twilio.sms", "--config", file(config), "--request", file(request))
    forged = run("adapters", "callback", "twilio.sms", "--config", file(config), "--request", file({**request, "body": ""}))

    assert ran.out.startswith("verified\ntype ")
    assert (forged.code, forged.out) == (1, "")
    assert forged.err.startswith("not verified: ")


def test_encrypted_reply_is_read(run, file):
    told = tell(run, file, "wecom.app", *of_wecom(WECOM[0]), "--now", "2014-08-30T10:16:53Z").json

    assert told["verified"] is True
    assert [(event["type"], event["address"], event["text"]) for event in told["events"]] == [("replied", "mycreate", "hello")]


@pytest.mark.parametrize("wrong", ["msg_signature=0", "nonce=other", "timestamp=1"])
def test_encrypted_reply_with_another_signature_is_forged(run, file, wrong):
    config, request = of_wecom(WECOM[0])
    key = wrong.partition("=")[0]
    url, _, query = request["url"].partition("?")
    other = "&".join(wrong if part.startswith(f"{key}=") else part for part in query.split("&"))

    ran = tell(run, file, "wecom.app", config, {**request, "url": f"{url}?{other}"}, "--now", "2014-08-30T10:16:53Z")

    assert ran.json["verified"] is False
    assert ran.code == 1


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "request: url: write the whole public address"),
        ({"url": "/callbacks"}, "request: url: write the whole public address"),
        ({"url": "https://a.example", "verb": "GET"}, "request: verb is not known"),
        ({"url": "https://a.example", "headers": "x"}, "request: headers: write an object"),
        ({"url": "https://a.example", "body": {"a": 1}}, "request: body: write it as text"),
        ({"url": "https://a.example", "body_base64": "!"}, "request: body_base64: it is not base64"),
        ({"url": "https://a.example", "body": "a", "body_base64": "YQ=="}, "request: body, body_base64: give one"),
        ([], "holds a list; write one JSON object"),
    ],
)
def test_broken_request_is_named(run, file, request_, words):
    ran = tell(run, file, "twilio.sms", {"account_sid": "AC1", "auth_token": "12345"}, request_)

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_adapter_without_callbacks_says_so(run, file):
    config = {"max_body": 10}

    ran = tell(run, file, "inbox.inapp", config, {"url": "https://a.example"})

    assert (ran.code, ran.err) == (2, "error: inbox.inapp takes no callbacks: the vendor sends none\n")


TOLD = [name for name in VENDORS_WITH_CALLBACKS if contract(name).table().get("callbacks")]


def test_every_adapter_that_is_told_news_has_a_recorded_callback():
    assert TOLD == VENDORS_WITH_CALLBACKS


@pytest.mark.parametrize("name", TOLD)
def test_a_recorded_callback_of_every_adapter_is_verified_and_read(run, file, name):
    made = contract(name)
    row = made.table()["callbacks"][0]
    config = {**made.config, **row.get("config", {})}

    ran = tell(run, file, name, config, row["request"], "--now", NOW.isoformat())

    assert ran.code == 0, ran.err
    assert ran.json["verified"] is True
    assert [event["type"] for event in ran.json["events"]] == [event["type"] for event in row["events"]]
