"""Blocked words by list, push and mail, cost before sending, registered templates, the confirmation of an opt-out."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from recallgate.model.content import Attachment, Email, Push
from recallgate.model.errors import ConfigError
from recallgate.optout.confirmation import confirmation
from recallgate.rules.optout import read_reply
from recallgate.text.email import check_email
from recallgate.text.estimate import Estimate, estimate
from recallgate.text.push import PushLimits, check_push_content
from recallgate.text.registered import RegisteredTemplate, TemplateNews, TemplateRegistry, TemplateState
from recallgate.text.sms_rules import check_sms
from recallgate.text.words import BlockedWords, Screen, WordList

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def matched(text: str, *words: str) -> list[str]:
    return [hit.word for hit in BlockedWords([WordList(id="a", words=words)]).find(text)]


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("办理贷款", ["贷款"], ["贷款"]),
        ("办理贷 款", ["贷款"], ["贷款"]),
        ("办理贷·款！", ["贷款"], ["贷款"]),
        ("贷\u200b款", ["贷款"], ["贷款"]),
        ("ＦＲＥＥ gift", ["free"], ["free"]),
        ("Free gift", ["FREE"], ["FREE"]),
        ("freedom", ["free"], []),
        ("it is free", ["free"], ["free"]),
        ("免费free领取", ["free"], ["free"]),
        ("buy now!", ["buy now"], ["buy now"]),
        ("buy, now", ["buy now"], ["buy now"]),
        ("buy it now", ["buy now"], []),
        ("加V信", ["加v信"], ["加v信"]),
        ("加vip", ["加v"], []),
        ("加v，回复", ["加v"], ["加v"]),
        ("赌", ["赌"], ["赌"]),
        ("赌博", ["赌", "赌博"], ["赌", "赌博"]),
        ("获得★奖励", ["★"], ["★"]),
        ("réduction 20 %", ["réduction"], ["réduction"]),
        ("", ["贷款"], []),
        ("办理贷款", [""], []),
    ],
)
def test_words_are_found_in_their_normal_form(text: str, words: list[str], found: list[str]) -> None:
    assert matched(text, *words) == found


@given(
    st.text(alphabet="贷款费免加v信 ·a", max_size=12),
    st.lists(st.text(alphabet="贷款费免加信", min_size=1, max_size=3), max_size=5),
)
def test_the_matcher_finds_what_a_plain_search_finds(text: str, words: list[str]) -> None:
    bare = text.replace(" ", "").replace("·", "")

    assert matched(text, *words) == [word for word in words if word in bare]


LISTS = BlockedWords(
    [
        WordList(id="law", words=("赌博",), country="CN"),
        WordList(id="acme", words=("贷款",), vendor="acme"),
        WordList(id="phones", words=("优惠", "赌博"), maker="phonix", level="warning"),
    ]
)


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ({}, ["phones", "phones"]),
        ({"country": "CN"}, ["law", "phones", "phones"]),
        ({"country": "US"}, ["phones", "phones"]),
        ({"vendor": "acme", "makers": ()}, ["acme"]),
        ({"vendor": "other", "makers": ("phonix", "x")}, ["phones", "phones"]),
        ({"makers": ("x",)}, []),
    ],
)
def test_lists_hold_for_their_vendor_maker_and_country(scope: dict[str, object], found: list[str]) -> None:
    hits = LISTS.find("赌博贷款优惠", **scope)  # type: ignore[arg-type]  # rows of a table

    assert [hit.list.id for hit in hits] == found


def test_a_finding_names_the_word_and_whose_list_it_is_on() -> None:
    screen = Screen(LISTS, vendor="acme", makers=frozenset({"phonix"}))
    checked = check_sms("【店】贷款优惠", country="CN", purpose="service", blocked_words=screen)

    assert [(one.level, one.message) for one in checked.findings] == [
        ("error", "the word 贷款 is on the list acme of acme"),
        ("warning", "the word 优惠 is hidden by phones of phonix (list phones)"),
    ]


def test_lists_are_read_from_files(tmp_path: Path) -> None:
    file = tmp_path / "words.json"
    file.write_text(json.dumps({"lists": [{"id": "a", "words": ["贷款"], "source": "test sends", "as_of": "2026-11-01"}]}))

    assert [hit.list.source for hit in BlockedWords.read(file).find("贷款")] == ["test sends"]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"lists": [{"id": "a"}]}', '{"lists": [{"id": "a", "words": [], "vender": "x"}]}']
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "words.json"
    file.write_text(content)

    with pytest.raises(ConfigError, match="no file of word lists"):
        BlockedWords.read(file)


def test_two_lists_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigError, match="one id"):
        BlockedWords([WordList(id="a", words=()), WordList(id="a", words=())])


def codes(findings: object) -> list[str]:
    return [one.code for one in findings]  # type: ignore[attr-defined]  # findings


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"title": "x" * 40, "body": "y" * 50}, []),
        ({"title": "x" * 41}, ["push.title_long"]),
        ({"body": "y" * 51}, ["push.body_long"]),
        ({"title": " "}, ["push.title_empty"]),
        ({"title": "a\nb"}, ["push.title_lines"]),
        ({"data": {"k": "z" * 4096}}, ["push.too_large"]),
    ],
)
def test_a_push_is_shown_whole(fields: dict[str, object], expected: list[str]) -> None:
    assert codes(check_push_content(Push.model_validate({"title": "Hi", "body": "Come back", **fields}))) == expected


def test_a_service_may_take_more_or_less() -> None:
    push = Push(title="x" * 60, body="y" * 120)

    assert codes(check_push_content(push, limits=PushLimits(title=60, body=128))) == []
    assert codes(check_push_content(push, limits=PushLimits(title=60, body=128, payload_bytes=100))) == ["push.too_large"]


OUT = "Unsubscribe: https://a.example/u"
HEADER = {"List-Unsubscribe": "<https://a.example/u>"}


@pytest.mark.parametrize(
    ("fields", "purpose", "expected"),
    [
        ({"text": "Hi"}, "transactional", []),
        ({"text": "Hi"}, "marketing", ["mail.no_unsubscribe", "mail.no_way_out"]),
        ({"text": f"Hi {OUT}"}, "marketing", ["mail.no_unsubscribe"]),
        ({"text": f"Hi {OUT}", "headers": HEADER}, "marketing", []),
        ({"text": "Hi", "headers": HEADER}, "marketing", ["mail.no_way_out"]),
        ({"html": "<p>Hi</p>"}, "transactional", ["mail.no_text"]),
        ({"html": "<img src='a.png'>", "text": "Hi"}, "transactional", ["mail.images_only"]),
        ({"html": "<img src='a.png'>Hi", "text": "Hi"}, "transactional", []),
        ({"html": "x" * 102 * 1024, "text": "Hi"}, "transactional", []),
        ({"html": "x" * (102 * 1024 + 1), "text": "Hi"}, "transactional", ["mail.clipped"]),
        ({"subject": " ", "text": "Hi"}, "transactional", ["subject.empty"]),
        ({"text": "x" * (10 * 2**20 + 1)}, "transactional", ["mail.too_large"]),
    ],
)
def test_a_mail_has_what_it_needs(fields: dict[str, object], purpose: str, expected: list[str]) -> None:
    assert codes(check_email(Email.model_validate({"subject": "Hello", **fields}), purpose=purpose)) == expected


def test_the_gateways_own_way_out_is_enough_and_an_attachment_sells_badly() -> None:
    mail = Email(subject="Hello", text="Hi", attachments=(Attachment(filename="a.pdf", data="QQ=="),))

    assert codes(check_email(mail, purpose="marketing", way_out_added=True)) == ["mail.attachment"]


def test_a_batch_costs_its_parts() -> None:
    found = estimate(["a" * 160, "a" * 161, "你" * 71, None], country=None, unit_cost=Decimal("0.05"), currency="CNY")

    assert (found.texts, found.parts, found.unknown, found.cost) == (4, 6, 1, Decimal("0.30"))
    assert (dict(found.by_parts), dict(found.by_encoding)) == ({1: 1, 2: 2}, {"gsm7": 2, "ucs2": 1})


def test_in_china_160_letters_are_three_parts() -> None:
    assert estimate(["a" * 160], country="CN", unit_cost=Decimal(1), currency="CNY").cost == 3


def test_estimates_add_up_in_one_currency() -> None:
    one = estimate(["a"], country=None, unit_cost=Decimal(1), currency="CNY")
    two = estimate(["a" * 161], country=None, unit_cost=Decimal(2), currency="CNY")

    total = sum((one, two), Estimate())

    assert (total.texts, total.parts, total.cost, total.currency, dict(total.by_parts)) == (2, 3, 5, "CNY", {1: 1, 2: 1})
    with pytest.raises(ValueError, match="CNY and USD"):
        _ = one + Estimate(currency="USD")


WINBACK = RegisteredTemplate(
    "winback",
    "texts",
    "SMS_1",
    ("name", "amount"),
    body="【店】{{ name }}，{{ amount }}元券到账",
    state=TemplateState.APPROVED,
    state_at=NOW,
)


def test_variables_go_in_the_vendors_order() -> None:
    assert WINBACK.ordered({"amount": "20", "name": "Ann"}) == ("Ann", "20")
    assert WINBACK.preview({"amount": "20", "name": "Ann"}) == "【店】Ann，20元券到账"


@pytest.mark.parametrize(("values", "words"), [({"name": "Ann"}, "no value for amount"), ({"name": "a", "amount": ""}, "amount")])
def test_a_missing_variable_is_named(values: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        WINBACK.ordered(values)


def test_a_variable_that_nobody_asked_for_is_named() -> None:
    with pytest.raises(ConfigError, match="date is no variable"):
        WINBACK.ordered({"name": "a", "amount": "1", "date": "x"})


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"variables": ("name", "name")}, "twice"), ({"body": "{{ name }}"}, "amount"), ({"body": "{{ x }}"}, "x")],
)
def test_a_record_that_contradicts_itself_is_refused(fields: dict[str, object], words: str) -> None:
    from dataclasses import replace

    with pytest.raises(ConfigError, match=words):
        replace(WINBACK, **fields)  # type: ignore[arg-type]  # rows of a table


def test_the_same_template_has_an_id_and_a_state_at_each_account() -> None:
    other = RegisteredTemplate("winback", "other", "T-9", ("amount", "name"), state=TemplateState.SUBMITTED)
    registry = TemplateRegistry([WINBACK, other])

    assert registry.accounts("winback") == ("texts",)
    assert [found.vendor_id for found in (registry.find("winback", account=name) for name in ("texts", "other")) if found] == [
        "SMS_1",
        "T-9",
    ]
    approved = registry.told(TemplateNews("other", "T-9", TemplateState.APPROVED, NOW))
    assert approved.accounts("winback") == ("texts", "other")
    assert registry.accounts("winback") == ("texts",)


@pytest.mark.parametrize(
    ("news", "state"),
    [
        (TemplateNews("texts", "SMS_1", TemplateState.PAUSED, NOW + timedelta(seconds=1), "complaints"), "paused"),
        (TemplateNews("texts", "SMS_1", TemplateState.PAUSED, NOW), "paused"),
        (TemplateNews("texts", "SMS_1", TemplateState.REJECTED, NOW - timedelta(seconds=1)), "approved"),
        (TemplateNews("texts", "SMS_2", TemplateState.REJECTED, NOW), "approved"),
    ],
)
def test_the_newest_news_of_a_template_hold(news: TemplateNews, state: str) -> None:
    found = TemplateRegistry([WINBACK]).told(news).find("winback", account="texts")

    assert found is not None
    assert found.state == state


def test_vendors_are_asked_about_what_may_change() -> None:
    def record(name: str, state: str, hours: float | None) -> RegisteredTemplate:
        at = None if hours is None else NOW - timedelta(hours=hours)
        return RegisteredTemplate(name, "texts", name, state=TemplateState(state), state_at=at)

    registry = TemplateRegistry(
        [
            record("a", "submitted", 1),
            record("b", "approved", 2),
            record("c", "rejected", 99),
            record("d", "unknown", None),
            record("e", "paused", 0.9),
        ]
    )

    assert [one.name for one in registry.to_ask(NOW)] == ["d", "b", "a"]


def test_one_name_has_one_record_an_account() -> None:
    with pytest.raises(ConfigError, match="same name"):
        TemplateRegistry([WINBACK, WINBACK])


@pytest.mark.parametrize(
    ("minutes", "confirmed", "told"),
    [(0, False, True), (5, False, True), (5.01, False, False), (0, True, False), (-1, False, False)],
)
def test_an_opt_out_is_confirmed_once_within_five_minutes(minutes: float, confirmed: bool, told: bool) -> None:
    words = confirmation(received_at=NOW, now=NOW + timedelta(minutes=minutes), confirmed=confirmed)

    assert (words is not None) is told


@pytest.mark.parametrize(
    ("language", "begins"), [("zh-CN", "店：您已退订"), ("en", "店: You are"), ("de_AT", "店: Sie sind"), ("xx", "店: You")]
)
def test_a_confirmation_speaks_the_persons_language_and_sells_nothing(language: str, begins: str) -> None:
    words = confirmation(received_at=NOW, now=NOW, confirmed=False, language=language, brand="店")

    assert words is not None
    assert words.startswith(begins)
    assert "http" not in words


@pytest.mark.parametrize("reply", ["ＴＤ", "回复ＴＤ退订", "BK", "Ｒ", "拒收", "取消"])
def test_replies_in_any_width_opt_out(reply: str) -> None:
    assert read_reply(reply, country="CN", sender_codes=("bk",)).action == "opt_out"


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("全场8折", False),
        ("全场8折，8折！", False),
        ("全场8折，满100减20", True),
        ("20元券到账，包邮", True),
        ("20% off today", False),
        ("20% off and free shipping", True),
        ("您的订单20元", False),
    ],
)
def test_more_than_one_offer_is_told(text: str, several: bool) -> None:
    checked = check_sms(f"{text} https://s.example/a 回T退订", country="CN", signature="店")

    assert ("offer.several" in codes(checked.findings)) is several


def test_the_suffix_and_the_code_that_is_understood_come_from_one_setting() -> None:
    from recallgate.rules.optout import codes_in_suffix

    setting = "回QX9退订"
    sent = check_sms(
        "8折 https://s.example/a", country="CN", signature="店", optout_suffix=setting, sender_codes=codes_in_suffix(setting)
    )

    assert sent.errors == ()
    assert sent.text == "【店】8折 https://s.example/a 回QX9退订"
    assert read_reply("qx9", country="CN", sender_codes=codes_in_suffix(setting)).action == "opt_out"
    assert read_reply("qx9", country="CN").action is None
