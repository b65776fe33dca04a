"""Content rules: fixes are applied once, errors stay errors."""

import pytest
from hypothesis import given, settings, strategies as st

from recallgate.text.email import check_subject
from recallgate.text.findings import check_offer
from recallgate.text.links import links_in, space_links
from recallgate.text.push import check_push
from recallgate.text.sms_rules import Checked, check_sms

GOOD = "【某某商城】老客专享8折，点 https://x.example/ab 领取 回T退订"


def cn(
    text: str, *, signature: str | None = "某某商城", optout_suffix: str | None = "回T退订", signature_last: bool = False
) -> Checked:
    return check_sms(text, country="CN", signature=signature, optout_suffix=optout_suffix, signature_last=signature_last)


def codes(checked: Checked) -> set[str]:
    return {finding.code for finding in checked.findings}


def test_a_good_text_is_left_alone() -> None:
    checked = cn(GOOD)

    assert checked.text == GOOD
    assert checked.findings == ()
    assert (checked.segments, checked.encoding) == (1, "ucs2")


@pytest.mark.parametrize(
    ("text", "spaced"),
    [
        ("点https://x.cn/a领取", "点 https://x.cn/a 领取"),
        ("点：https://x.cn/a，领取", "点： https://x.cn/a ，领取"),
        ("（https://x.cn/a）", "（ https://x.cn/a ）"),
        ("https://x.cn/a", "https://x.cn/a"),
        ("https://x.cn/a领", "https://x.cn/a 领"),
        ("看https://x.cn/a", "看 https://x.cn/a"),
        ("a  https://x.cn/a   b", "a https://x.cn/a b"),
        ("a\u3000https://x.cn/a\u3000b", "a https://x.cn/a b"),
        ("a\nhttps://x.cn/a\nb", "a\nhttps://x.cn/a\nb"),
        ("a https://x.cn/a https://x.cn/b c", "a https://x.cn/a https://x.cn/b c"),
        ("x.comhttps://x.cn/b", "x.com https://x.cn/b"),
        ("https://x.cn/ahttps://x.cn/b", "https://x.cn/a https://x.cn/b"),
        ("go https://x.cn/?u=https://y.cn/b now", "go https://x.cn/?u=https://y.cn/b now"),
        ("Open https://x.co/a.", "Open https://x.co/a ."),
        ("Open (https://x.co/a(1)) now", "Open ( https://x.co/a(1) ) now"),
        ("点dwz.cn/Ab3领", "点 dwz.cn/Ab3 领"),
        ("www.shop.com。", "www.shop.com 。"),
        ("mail me@shop.com now", "mail me@shop.com now"),
        ("满3.5折", "满3.5折"),
        ("http:// nothing", "http:// nothing"),
    ],
)
def test_links_have_one_space_on_either_side(text: str, spaced: str) -> None:
    assert space_links(text) == spaced
    assert space_links(spaced) == spaced


def test_links_are_found_without_the_punctuation_after_them() -> None:
    assert links_in("A https://x.co/a?b=1, then shop.com/x!") == ["https://x.co/a?b=1", "shop.com/x"]


def test_spacing_a_link_is_a_warning_that_is_fixed() -> None:
    checked = cn("【某某商城】8折，点https://x.example/ab领取 回T退订")

    assert checked.text == "【某某商城】8折，点 https://x.example/ab 领取 回T退订"
    assert [(f.level, f.code, f.fixed) for f in checked.findings] == [("warning", "link.spacing", True)]


@pytest.mark.parametrize(
    ("text", "last", "expected"),
    [
        ("8折 https://x.example/a", False, "【某某商城】8折 https://x.example/a 回T退订"),
        ("8折 https://x.example/a 【某某商城】", False, "【某某商城】8折 https://x.example/a 回T退订"),
        ("【某某商城】【某某商城】8折 https://x.example/a", False, "【某某商城】8折 https://x.example/a 回T退订"),
        ("https://x.example/a 8折", False, "【某某商城】 https://x.example/a 8折 回T退订"),
        ("【某某商城】8折 https://x.example/a", True, "8折 https://x.example/a 回T退订【某某商城】"),
        ("8折 https://x.example/a", True, "8折 https://x.example/a 回T退订【某某商城】"),
    ],
)
def test_the_signature_stands_once_and_in_place(text: str, last: bool, expected: str) -> None:
    checked = cn(text, signature_last=last)

    assert checked.text == expected
    assert checked.errors == ()
    assert cn(expected, signature_last=last).findings == ()


def test_a_link_at_the_end_keeps_its_space_before_the_signature() -> None:
    checked = check_sms("8折 https://x.example/a", country="CN", purpose="service", signature="店", signature_last=True)

    assert checked.text == "8折 https://x.example/a 【店】"


def test_the_signature_may_come_with_its_brackets() -> None:
    assert cn("8折 https://x.example/a", signature="【某某商城】") == cn("8折 https://x.example/a")


@pytest.mark.parametrize("signature", ["", "【】", "a】b", "x" * 31])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(ValueError, match="signature"):
        cn("8折", signature=signature)


def test_china_needs_a_signature() -> None:
    assert "signature.missing" in {f.code for f in cn("8折 https://x.example/a", signature=None).errors}
    assert cn(GOOD, signature=None).errors == ()
    assert check_sms("Sale 20% https://x.co/a Reply STOP to end", country="US").errors == ()


def test_a_foreign_signature_in_place_is_an_error() -> None:
    assert [f.code for f in cn("【别家】8折 https://x.example/a 回T退订").errors] == ["signature.other"]


def test_the_opt_out_suffix_is_added_to_marketing_only() -> None:
    assert cn("8折 https://x.example/a").text.endswith(" 回T退订")
    service = check_sms("您的订单已取消", country="CN", purpose="service", signature="店", optout_suffix="回T退订")
    assert service.text == "【店】您的订单已取消"
    assert service.errors == ()


@pytest.mark.parametrize(
    ("text", "country", "suffix", "error"),
    [
        ("8折 https://x.example/a", "CN", None, "optout.missing"),
        ("20% off https://x.co/a", "US", None, "optout.missing"),
        ("8折 https://x.example/a", "CN", "回QX退订", "optout.unknown_code"),
        ("8折 https://x.example/a", "CN", "退订请联系客服", "optout.no_code"),
        ("8折 https://x.example/a 回QX退订", "CN", None, "optout.unknown_code"),
    ],
)
def test_marketing_needs_a_way_out_that_the_parser_knows(text: str, country: str, suffix: str | None, error: str) -> None:
    checked = check_sms(text, country=country, signature="店", optout_suffix=suffix)

    assert [f.code for f in checked.errors] == [error]


@pytest.mark.parametrize("suffix", ["拒收请回复R", "回T退订", "回TD退订", "回BK退订", "退订 https://x.example/u"])
def test_the_usual_ways_out_are_fine(suffix: str) -> None:
    assert cn("8折 https://x.example/a", optout_suffix=suffix).errors == ()


def test_the_senders_own_code_is_known_when_declared() -> None:
    checked = check_sms("8折 https://x.example/a", country="CN", signature="店", optout_suffix="回QX退订", sender_codes=("qx",))

    assert checked.errors == ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("老客8折 回T退订", "destination.none"),
        ("8折 https://x.example/a 或 https://x.example/b 回T退订", "destination.many"),
        ("8折 https://x.example/a 电话400-123-4567 回T退订", "destination.many"),
        ("8折 https://x.example/a 再看 https://x.example/a 回T退订", None),
        ("8折 回复1领取 回T退订", None),
        ("8折，电话400-123-4567 回T退订", None),
    ],
)
def test_marketing_leads_to_exactly_one_place(text: str, error: str | None) -> None:
    assert [f.code for f in cn(text).errors] == ([error] if error else [])


def test_a_reply_path_is_a_destination_and_the_way_out_is_none() -> None:
    base = "Come back for 20% off. Reply {} to opt out"

    assert [f.code for f in check_sms(base.format("STOP"), country="US").errors] == ["destination.none"]
    assert check_sms(base.format("STOP"), country="US", reply_path=True).errors == ()
    assert check_sms("20% off: reply YES. Reply STOP to opt out", country="US").errors == ()


def test_other_purposes_need_no_destination() -> None:
    assert check_sms("Your code is 4821", country="US", purpose="otp").findings == ()


def test_an_account_without_own_links_refuses_all_but_the_approved_one() -> None:
    text = "20% off https://x.co/a Reply STOP to end"

    assert [f.code for f in check_sms(text, country="US", per_user_link=False).errors] == ["link.forbidden"]
    assert check_sms(text, country="US", per_user_link=False, approved_links=("https://x.co/a",)).errors == ()


def test_blocked_words_are_named() -> None:
    checked = check_sms("ＦＲＥＥ贷款", country="CN", purpose="service", signature="店", blocked_words=["贷款", "free", "赌"])
    softer = check_sms("贷款", country="CN", purpose="service", signature="店", blocked_words={"贷款": "warning"})

    assert [f.message.split(" ")[2] for f in checked.errors] == ["贷款", "free"]
    assert [(f.level, f.code) for f in softer.findings if not f.fixed] == [("warning", "word.blocked")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("好久不见，来看看 https://x.example/a 回T退订", "offer.no_number"),
        ("8折：牛奶、面包、鸡蛋、水果 https://x.example/a 回T退订", "offer.many_items"),
        ("半价来袭 https://x.example/a 回T退订", None),
        ("8折：牛奶、面包、鸡蛋 https://x.example/a 回T退订", None),
    ],
)
def test_a_number_and_few_items_are_asked_for(text: str, code: str | None) -> None:
    warnings = [f.code for f in cn(text).findings if f.level == "warning"]

    assert warnings == ([code] if code else [])


def test_length_is_told_after_the_fixes() -> None:
    body = "减" * 30 + "9元 https://x.example/abcdefghijkl"
    checked = cn(body)

    assert len(body) < 70 < len(checked.text)
    assert (checked.segments, "length.parts" in codes(checked)) == (2, True)


def test_too_many_parts_for_the_budget_are_a_warning() -> None:
    checked = check_sms("a" * 161, country="US", purpose="service", max_parts=1)

    assert [(f.level, f.code) for f in checked.findings] == [("warning", "length.over_budget")]


@pytest.mark.parametrize(("length", "errors"), [(500, []), (501, ["length.over_limit"])])
def test_more_than_500_characters_are_an_error(length: int, errors: list[str]) -> None:
    assert [f.code for f in check_sms("a" * length, country="US", purpose="service").errors] == errors


def test_singapore_advertising_is_labelled() -> None:
    text = "20% off https://x.co/a Reply STOP to end"

    assert "label.missing" in codes(check_sms(text, country="SG"))
    assert "label.missing" not in codes(check_sms(f"<ADV>{text}", country="SG"))


_pieces = st.sampled_from(
    [
        "【店】",
        "【别家】",
        "【",
        "】",
        "店",
        "https://x.cn/a",
        "http://",
        "x.com",
        ".",
        "，",
        " ",
        "\u3000",
        "\n",
        "回T退订",
        "8折",
        "a",
        "(",
        ")",
        "www.",
        "@",
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(_pieces, max_size=12).map("".join),
    st.sampled_from(["CN", "US"]),
    st.sampled_from(["店", "x.com", None]),
    st.booleans(),
    st.sampled_from(["回T退订", "退订https://y.cn/u", None]),
    st.sampled_from(["marketing", "service"]),
)
def test_fixing_twice_changes_nothing(
    text: str, country: str, signature: str | None, last: bool, suffix: str | None, purpose: str
) -> None:
    def check(text: str) -> Checked:
        return check_sms(text, country=country, signature=signature, signature_last=last, optout_suffix=suffix, purpose=purpose)

    once = check(text)
    twice = check(once.text)

    assert twice.text == once.text
    assert not any(finding.fixed for finding in twice.findings)


@given(st.text(max_size=80))
def test_spacing_links_twice_changes_nothing(text: str) -> None:
    assert space_links(space_links(text)) == space_links(text)


@pytest.mark.parametrize(
    ("value_type", "product", "offer", "landing", "expected"),
    [
        ("discount", "ecommerce", "o1", "o1", []),
        (None, "ecommerce", None, None, ["offer.no_benefit"]),
        ("discount", "social", None, None, ["offer.value_type"]),
        ("discount", "ecommerce", "o1", "o2", ["offer.landing_page"]),
        ("anything", "unheard-of", None, None, []),
    ],
)
def test_the_offer_fits_product_and_landing_page(
    value_type: str | None, product: str, offer: str | None, landing: str | None, expected: list[str]
) -> None:
    found = check_offer(value_type=value_type, product_class=product, offer_id=offer, landing_offer_id=landing)

    assert [finding.code for finding in found] == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("", ["subject.empty"]),
        ("Hi", []),
        ("a" * 51, ["subject.cut"]),
        ("a" * 79, ["subject.long"]),
        ("a\nb", ["subject.control"]),
    ],
)
def test_a_subject_is_one_line_shown_whole(subject: str, expected: list[str]) -> None:
    assert [finding.code for finding in check_subject(subject)] == expected


@pytest.mark.parametrize(("length", "fits"), [(4087, True), (4088, False)])
def test_a_push_payload_has_at_most_4096_bytes(length: int, fits: bool) -> None:
    assert (check_push({"a": "x" * (length + 1)}) == ()) is fits
