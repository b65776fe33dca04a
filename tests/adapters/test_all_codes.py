"""Every code and status that is known of a vendor has a row in its adapter, or a reason for having none.

`data/vendors/codes.json` was collected from the vendors' documents and libraries and not from the adapters: each code has a
coarse class and whether anybody was found to say so.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from recallgate import ErrorKind, EventType
from recallgate.adapter import AdapterClass
from recallgate.registry import adapter_class

K = ErrorKind
KNOWN: Mapping[str, Mapping[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "data" / "vendors" / "codes.json").read_text(encoding="utf-8")
)
BY_STATUS = "an HTTP status and no code: http_kind decides, and the kit's faults try it"
CALLS = "a status of calls, which this adapter does not make"
SUCCESS = "the vendor's word for success: the receipt says so"
DROPPED: Mapping[str, Mapping[str, str]] = {
    "aliyun_dm": {"SMTP 559 Invalid rcptto": "an answer of the vendor's SMTP server; this adapter uses its HTTP API"},
    "aliyun_dysms": {"DELIVERED": "the success code of a report: the status says delivered"},
    "aliyun_dyvms": dict.fromkeys(
        ("200000", "200001", "200002", "200003", "200008"), "no failure: a row of statuses says how the call ended"
    ),
    "apns": {"200": SUCCESS},
    "dingtalk": {"errcode 0": SUCCESS},
    "fcm": {"200": SUCCESS, "token endpoint invalid_grant": "of the token's endpoint: the answer is AUTH by its HTTP status"},
    "feishu": {"code 0": SUCCESS},
    "getui": {
        "20001 target user is invalid": "20001 with the words of a dead device",
        "HTTP 403": "a status; STATUS_KINDS has it",
    },
    "honor_push": {
        "data.expireTokens": "a list beside the code: its tokens are UNREGISTERED_TOKEN",
        "data.failTokens": "a list beside the code: its tokens are TEMPORARY",
        "HTTP 401": BY_STATUS,
        "HTTP 5xx": BY_STATUS,
    },
    "huawei_push": {"HTTP 500": BY_STATUS, "HTTP 502": BY_STATUS, "HTTP 503": BY_STATUS},
    "infobip": {
        "23": "a message id that was used before: the first copy was taken, so that this is a receipt",
        **dict.fromkeys(
            ("2", "3", "4", "5", "7", "9", "15", "26", "29", "31", "87", "96", "97", "98"),
            "the number of a status: adapters read its name, and the number of its group where the name is new",
        ),
    },
    "jpush": {"HTTP 401": BY_STATUS, "HTTP 429": BY_STATUS, "HTTP 500/502/503/504": BY_STATUS},
    "mailgun": {"5xx": BY_STATUS},
    "oppo_push": {"32": "an app_message_id that was used before: the first copy was taken, so that this is a receipt"},
    "plivo": dict.fromkeys(("ringing", "in-progress", "completed", "busy", "timeout", "no-answer", "cancel"), CALLS),
    "postmark": {"HTTP 500": BY_STATUS, "RecordType:Bounce": "its Type decides: rows Bounce/…"},
    "sendcloud": {"408xx": "a range: 40801 and on are read by their words", "5xx": BY_STATUS},
    "ses": {"5xx": BY_STATUS},
    "sinch": dict.fromkeys(("400", "401", "406"), "codes of success, progress and expiry: CODES has them as events"),
    "smtp": {"connection error": "no answer: UNAVAILABLE before the message's end was sent, UNCERTAIN after it"},
    "webpush": {"5xx": BY_STATUS, "201": SUCCESS},
    "wecom": dict.fromkeys(("task.status:0", "task.status:2"), "of the member's task; look-ups ask what each customer got"),
}
# How the adapters write what the documents tell in other words.
WRITTEN = {
    "contact.updated (unsubscribed true)": ("contact.updated/unsubscribed",),
    "1101/1105/1109": ("1101", "1105", "1109"),
    "callback.template_card_event:any": ("template_card_event",),
    "callback.del_follow_user:any": ("change_external_contact.del_follow_user",),
}
# A coarse class of the documents, and the finer kinds that an adapter may make of it.
FINER: Mapping[str, set[ErrorKind]] = {
    "invalid_recipient": {K.UNSUPPORTED},
    "temporary": {K.UNAVAILABLE, K.UNCERTAIN, K.UNREACHABLE},
    "unknown": set(K),
}
OTHERWISE: Mapping[tuple[str, str], str] = {
    ("aliyun_dysms", "isv.DENY_IP_RANGE"): "the account lacks our address in its list: nothing about the recipient",
    ("aws", "sms-voice:ValidationException:PRICE_OVER_THRESHOLD"): "the message costs more than it may: no lack of funds",
    ("tencent_sms", "MissingParameter.EmptyPhoneNumberSet"): "the request had no number at all: our own fault",
}
OTHER_WORDS: Mapping[tuple[str, str], str] = {
    ("vonage", "vonage.voice machine"): "a machine answered, which is an event of its own",
}
PRODUCTS = {"sms-voice": "aws.eum", "sns": "aws.sns"}  # what is certain of one product of a vendor is hearsay for the other
EVENTS: Mapping[str, EventType] = {
    "queued": EventType.ACCEPTED,
    "failed": EventType.UNDELIVERED,
    "rejected": EventType.UNDELIVERED,
    "bounced": EventType.UNDELIVERED,
}


def names_of(code: str) -> Iterator[str]:
    """The ways in which adapters write a code: as it is, without the product or field before it, in capitals."""
    if code in WRITTEN:
        yield from WRITTEN[code]
        return
    bare = code.split(":", 1)[-1]
    yield from (code, bare, code.split(" ", 1)[-1], code.upper(), f"Bounce/{bare}" if code.startswith("bounce.Type:") else code)
    yield from (part.strip() for part in code.split("/") if " / " in code)


def found(code: str, table: Mapping[str, Any]) -> str | None:
    return next((name for name in names_of(code) if name in table), None)


def adapters(vendor: str) -> list[AdapterClass]:
    return [adapter_class(name) for name in KNOWN[vendor]["adapters"]]


def rows(*sections: str) -> list[Any]:
    return [
        pytest.param(vendor, code, told, id=f"{vendor} {code}")
        for vendor, facts in KNOWN.items()
        for section in sections
        for code, told in (facts[section].items())
    ]


@pytest.mark.parametrize(("vendor", "code", "told"), rows("codes", "report_codes"))
def test_every_code_has_its_kind(vendor: str, code: str, told: tuple[str, str]) -> None:
    if code in DROPPED.get(vendor, {}):
        return
    class_, basis = told
    kinds = []
    for adapter in adapters(vendor):
        table = {**adapter.report_errors, **adapter.errors}
        if (name := found(code, table)) is not None:
            kinds += [each[name] for each in (adapter.errors, adapter.report_errors) if name in each]

    assert kinds, "no row and no reason"
    if basis == "known" and (vendor, code) not in OTHERWISE:
        assert K(class_) in kinds or set(kinds) & FINER.get(class_, set()), kinds


@pytest.mark.parametrize(("vendor", "code", "told"), rows("statuses"))
def test_every_status_has_its_event(vendor: str, code: str, told: str | None) -> None:
    if code in DROPPED.get(vendor, {}):
        return
    event = None if told is None else EVENTS.get(told) or EventType(told)
    read = {
        adapter.adapter_name(): adapter.statuses[name]
        for adapter in adapters(vendor)
        if (name := found(code, adapter.statuses)) is not None
    }

    assert read, "no row and no reason"
    for name, seen in read.items():
        # None is news that no adapter of this channel has a use for, such as calls for one of texts
        assert seen in (event, None) or (vendor, f"{name} {code}") in OTHER_WORDS, (name, seen)


def test_what_is_dropped_is_known_and_has_no_row() -> None:
    for vendor, codes in DROPPED.items():
        known = {**KNOWN[vendor]["codes"], **KNOWN[vendor]["report_codes"], **KNOWN[vendor]["statuses"]}
        assert set(codes) <= set(known), vendor
        for code, reason in codes.items():
            assert reason
            assert not [one for one in adapters(vendor) if code in one.errors], (vendor, code)


def test_what_nobody_confirms_is_marked() -> None:
    """The class says which of its codes are hearsay, and nothing else is called so."""
    for vendor, facts in KNOWN.items():
        told = {**facts["report_codes"], **facts["codes"]}
        for adapter in adapters(vendor):
            table = {**adapter.errors, **adapter.report_errors}
            others = [start for start, name in PRODUCTS.items() if name != adapter.adapter_name()]
            sure = [code for code, (_, basis) in told.items() if basis == "known" and code.partition(":")[0] not in others]
            known = {name for code in sure for name in names_of(code)}
            hearsay = {name for code, (_, basis) in told.items() if basis == "unverified" for name in names_of(code)}
            assert set(adapter.unverified) == (hearsay - known) & set(table), adapter.adapter_name()


def test_nothing_is_called_unverified_that_has_no_row() -> None:
    for vendor in KNOWN:
        for adapter in adapters(vendor):
            assert set(adapter.unverified) <= {*adapter.errors, *adapter.report_errors}
