"""`adapters list|show|request`: what an adapter needs and would send."""

import base64
import email
import json
from email import policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest

from recallgate.cli.masking import Mask
from recallgate.registry import ADAPTERS, names

VENDORS = Path(__file__).parent.parent / "data" / "vendors"
TWILIO = json.loads((VENDORS / "twilio.json").read_text("utf-8"))
FCM = json.loads((VENDORS / "fcm.json").read_text("utf-8"))["signature_vectors"]["vectors"][0]
ACCOUNT = {"account_sid": "AC" + "1" * 32, "auth_token": "hush-hush-token"}
SMS = {
    "channel": "sms",
    "to": {"type": "phone", "e164": "+15005550006"},
    "content": {"type": "text", "text": "Hi"},
    "purpose": "otp",
}
WECOM = {"corp_id": "ww1", "secret": "corp/secret+1", "agent_id": 7}
TO_MEMBER = {
    "channel": "wecom",
    "to": {"type": "wecom_user", "userid": "zhangsan"},
    "content": {"type": "text", "text": "好久不见"},
    "purpose": "service",
}


def fcm_account() -> dict[str, str]:
    given = FCM["input"]
    return {
        "project_id": "p1",
        "client_email": given["claims"]["iss"],
        "private_key": given["private_key_pem"],
        "private_key_id": given["kid"],
    }


def ask(run: Any, file: Any, name: str, config: object, message: object, *more: object) -> Any:
    return run("adapters", "request", name, "--config", file(config), "--message", file(message), *more, "--json")


def test_vendors_own_request_is_built(run, file):
    recorded = TWILIO["recorded_requests"]["requests"]["sms_from"]

    shown = ask(run, file, "twilio.sms", {**ACCOUNT, "sender": "+15005550009"}, SMS).json

    assert list(shown) == ["method", "url", "headers", "body"]
    assert shown["method"] == recorded["method"]
    assert shown["url"] == f"https://api.twilio.com{recorded['path']}"
    assert shown["headers"]["content-type"] == recorded["content_type"]
    assert sorted(parse_qsl(shown["body"])) == sorted(parse_qsl(recorded["body"]))


def test_credentials_are_shown_only_when_asked_for(run, file):
    config = {**ACCOUNT, "sender": "+15005550009"}

    masked = ask(run, file, "twilio.sms", config, SMS).json
    shown = ask(run, file, "twilio.sms", config, SMS, "--show-secrets").json

    assert masked["headers"]["authorization"] == "Basic ***"
    pair = base64.b64decode(shown["headers"]["authorization"].removeprefix("Basic ")).decode()
    assert pair == f"{ACCOUNT['account_sid']}:{ACCOUNT['auth_token']}"


def test_callbacks_are_asked_for_under_the_public_url_only(run, file):
    config = {**ACCOUNT, "sender": "+15005550009"}

    without = ask(run, file, "twilio.sms", config, {**SMS, "id": "m1"}).json
    public = ask(run, file, "twilio.sms", config, {**SMS, "id": "m1"}, "--public-url", "https://app.example").json

    assert "StatusCallback" not in dict(parse_qsl(without["body"]))
    wanted = dict(parse_qsl(public["body"]))["StatusCallback"]
    assert wanted == "https://app.example/callbacks/twilio.sms/secret?m=m1&k=status"


def test_token_request_comes_first_when_no_token_is_given(run, file):
    shown = ask(run, file, "wecom.app", WECOM, TO_MEMBER).json

    assert set(shown) == {"first", "request"}
    assert shown["first"]["url"] == "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww1&corpsecret=***"
    assert shown["request"]["url"] == "https://qyapi.weixin.qq.com/cgi-bin/message/send?access_token={access_token}"
    assert json.loads(shown["request"]["body"])["touser"] == "zhangsan"


@pytest.mark.parametrize(("more", "token"), [((), "***"), (("--show-secrets",), "tok-1234")])
def test_a_given_token_is_used_and_masked(run, file, more, token):
    shown = ask(run, file, "wecom.app", WECOM, TO_MEMBER, "--token", "tok-1234", *more).json

    assert shown["url"].endswith(f"/cgi-bin/message/send?access_token={token}")


def test_secret_is_shown_percent_encoded_when_asked_for(run, file):
    shown = ask(run, file, "wecom.app", WECOM, TO_MEMBER, "--show-secrets").json

    assert dict(parse_qsl(shown["first"]["url"].partition("?")[2]))["corpsecret"] == WECOM["secret"]


def test_assertion_has_the_claims_of_the_vector_and_its_signature_holds(run, file):
    message = {
        "channel": "push",
        "to": {"type": "push", "token": "t"},
        "content": {"type": "push", "title": "a", "body": "b"},
        "purpose": "service",
    }
    at = ("--now", "2023-11-14T22:13:20Z")  # 1700000000

    shown = ask(run, file, "fcm.push", fcm_account(), message, *at, "--show-secrets").json
    masked = ask(run, file, "fcm.push", fcm_account(), message, *at).json

    assertion = dict(parse_qsl(shown["first"]["body"]))["assertion"]
    claims = jwt.decode(
        assertion,
        FCM["expected"]["public_key_pem"],
        algorithms=["RS256"],
        audience=FCM["input"]["claims"]["aud"],
        options={"verify_exp": False},
    )
    assert claims == FCM["input"]["claims"]
    assert jwt.get_unverified_header(assertion)["kid"] == FCM["input"]["kid"]
    assert dict(parse_qsl(masked["first"]["body"]))["assertion"] == f"{assertion.rpartition('.')[0]}.***"
    assert shown["request"]["headers"]["authorization"] == "Bearer {access_token}"


def test_mail_is_shown_as_it_would_go_over_the_wire(run, file):
    config = {"host": "mail.shop.example", "sender": "Shop <hello@shop.example>", "username": "u", "password": "pass-word"}
    message = {
        "id": "m1",
        "channel": "email",
        "to": {"type": "email", "email": "jo@example.com"},
        "content": {"type": "email", "subject": "Grüße", "text": "Hallo"},
        "purpose": "service",
    }

    shown = ask(run, file, "smtp.email", config, message, "--now", "2026-11-22T10:00:00Z").json

    mail = email.message_from_string(shown["body"], policy=policy.default)
    assert (shown["method"], shown["url"]) == ("SMTP", "smtp://mail.shop.example:587")
    assert shown["headers"] == {"mail from": "<hello@shop.example>", "rcpt to": "<jo@example.com>"}
    assert (mail["subject"], mail["message-id"]) == ("Grüße", "<m1@shop.example>")
    assert mail["date"] == "Sun, 22 Nov 2026 10:00:00 +0000"
    assert "pass-word" not in json.dumps(shown)


@pytest.mark.parametrize("name", names(ADAPTERS))
def test_example_is_taken_by_its_adapter(run, file, name):
    shown = run("adapters", "show", name, "--json").json

    built = ask(run, file, name, shown["example_config"], shown["example_message"]).json

    keys = set(built.get("request", built))
    assert {"method", "url", "headers"} <= keys
    assert len(keys & {"body", "body_base64"}) == 1  # an encrypted body is no text


@pytest.mark.parametrize("name", names(ADAPTERS))
def test_schema_admits_the_example(run, name):
    shown = run("adapters", "show", name, "--json").json

    schema = shown["message_schema"]
    assert set(shown["example_config"]) <= set(shown["config_schema"]["properties"])
    assert set(shown["config_schema"].get("required", ())) <= set(shown["example_config"])
    assert schema["properties"]["channel"]["const"] == shown["channel"] == shown["example_message"]["channel"]
    for part in ("to", "content"):
        mapping = schema["properties"][part]["discriminator"]["mapping"]
        assert shown["example_message"][part]["type"] in mapping
        assert all(reference.removeprefix("#/$defs/") in schema["$defs"] for reference in mapping.values())


def test_schema_has_this_channels_contents_only(run):
    schema = run("adapters", "show", "twilio.sms", "--json").json["message_schema"]

    assert list(schema["properties"]["content"]["discriminator"]["mapping"]) == ["text", "template"]
    assert {"Text", "Template", "Phone"} <= set(schema["$defs"])
    assert "smart_encoded" in schema["properties"]["options"]["properties"]["twilio.sms"]["properties"]


@pytest.mark.parametrize(("name", "proof"), [("twilio.sms", "signature"), ("smtp.email", "secret_path"), ("fcm.push", "none")])
def test_show_says_how_callbacks_are_proved(run, name, proof):
    assert run("adapters", "show", name, "--json").json["callbacks"]["verified_by"] == proof
    assert proof in run("adapters", "show", name).out


def test_list_names_every_adapter(run):
    rows = run("adapters", "list", "--json").json["adapters"]

    assert [row["name"] for row in rows] == list(names(ADAPTERS))
    twilio = next(row for row in rows if row["name"] == "twilio.sms")
    assert (twilio["vendor"], twilio["channel"], twilio["capabilities"]["reports"]) == ("twilio", "sms", True)
    assert all(row["name"] in run("adapters", "list").out for row in rows)


def test_the_same_input_gives_the_same_bytes(run, file):
    at = ("--now", "2026-11-22T10:00:00Z", "--nonce", "aaaabbbbccccdddd", "--public-url", "https://app.example")
    config = {**ACCOUNT, "sender": "+15005550009"}

    first, second = (ask(run, file, "twilio.sms", config, SMS, *at).out for _ in range(2))

    assert first == second


def test_people_get_the_request_as_http(run, file):
    ran = run(
        "adapters", "request", "twilio.sms", "--config", file({**ACCOUNT, "sender": "+15005550009"}), "--message", file(SMS)
    )

    assert ran.out.startswith("POST https://api.twilio.com/2010-04-01/")
    assert "authorization: Basic ***" in ran.out


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("a/b+c", "x=a%2Fb%2Bc&y=1", "x=***&y=1"),
        ("a/b+c", "https://v.example/a/b+c", "https://v.example/***"),
        ('q"uote', '{"k":"q\\"uote"}', '{"k":"***"}'),
        ("two words", "k=two+words", "k=***"),
        ("abc", "abcdef abc", "abcdef ***"),  # short: whole words only
        ("密钥密钥", '{"k":"\\u5bc6\\u94a5\\u5bc6\\u94a5"}', '{"k":"***"}'),
    ],
)
def test_secrets_are_masked_in_every_form(secret, text, masked):
    from pydantic import BaseModel, SecretStr

    class Nested(BaseModel):
        keys: dict[str, list[SecretStr]]

    config = Nested(keys={"k": [SecretStr(secret)]})

    assert Mask.of(config, show=False)(text) == masked
    assert Mask.of(config, show=True)(text) == text
