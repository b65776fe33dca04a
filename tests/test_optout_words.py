"""Replies and what they mean; and the other dated data of the rules room."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from recallgate.rules.consent import ConsentLaw
from recallgate.rules.limits import mail_guards, region_block, sms_lengths
from recallgate.rules.optout import ReplyReading, ReplyWords, codes_in_suffix, compact, read_reply, spaced
from recallgate.rules.presets import presets
from recallgate.rules.windows import Window

OUT, OUT_REVIEW, IN, HELP, NOTHING = ("opt_out", False), ("opt_out", True), ("opt_in", False), ("help", False), (None, False)

REPLIES = [
    ("ＳＴＯＰ", "US", OUT),
    ("stop.", "US", OUT),
    ("Stop!", "US", OUT),
    (" S-T-O-P ", "US", OUT),
    ("STOP 🙏🏻", "US", OUT),
    ("stop\u200b\n", "US", OUT),
    ("STOP ❤️", "US", OUT),
    ("opt-out", "US", OUT),
    ("Opt Out", "US", OUT),
    ("optout", "US", OUT),
    ("STOPALL", "US", OUT),
    ("quit", "US", OUT),
    ("End", "US", OUT),
    ("revoke", "US", OUT),
    ("unsubscribe", "US", OUT),
    ("stop texting me", "US", OUT_REVIEW),
    ("please stop!!", "US", OUT_REVIEW),
    ("I want to opt out now", "US", OUT_REVIEW),
    ("in the end I liked it", "US", OUT_REVIEW),
    ("stopping by later", "US", NOTHING),
    ("Thanks", "US", NOTHING),
    ("weekend", "US", NOTHING),
    ("t", "US", NOTHING),
    ("START", "US", IN),
    ("yes", "US", IN),
    ("unstop", "US", IN),
    ("yes please", "US", NOTHING),
    ("HELP", "US", HELP),
    ("info?", "US", HELP),
    ("", "US", NOTHING),
    ("?!", "US", NOTHING),
    ("stop", "FR", OUT),
    ("STOP", "GB", OUT),
    ("unsubscribe", "DE", OUT),
    ("quit", "GB", NOTHING),
    ("start", "GB", NOTHING),
    ("回复ＴＤ退订", "CN", OUT),
    ("回TD退订", "CN", OUT),
    ("拒收请回复R", "CN", OUT),
    ("td", "CN", OUT),
    ("T", "CN", OUT),
    ("Ｔ。", "CN", OUT),
    ("n", "CN", OUT),
    ("bk", "CN", OUT),
    ("退订", "CN", OUT),
    ("我要退订！", "CN", OUT),
    ("不要再发了", "CN", OUT),
    ("取消", "CN", OUT),
    ("我要取消订单", "CN", OUT_REVIEW),
    ("拒绝", "CN", OUT),
    ("取消退订", "CN", OUT_REVIEW),
    ("td 谢谢", "CN", OUT_REVIEW),
    ("ttt", "CN", NOTHING),
    ("谢谢", "CN", NOTHING),
    ("不要辣", "CN", NOTHING),
    ("STOP", "CN", OUT),
    ("退订", "US", NOTHING),
    ("退订", None, OUT),
    ("td", None, OUT),
    ("T", None, OUT_REVIEW),
    ("stop", None, OUT),
]


@pytest.mark.parametrize(("text", "country", "expected"), REPLIES)
def test_a_reply_is_read_by_its_country(text: str, country: str | None, expected: tuple[str | None, bool]) -> None:
    reading = read_reply(text, country=country)

    assert (reading.action, reading.review) == expected


@pytest.mark.parametrize(
    ("text", "review", "complaint"),
    [("投诉", False, True), ("再发我就投诉", True, True), ("退订，否则投诉", True, True), ("退订", False, False)],
)
def test_a_threat_to_complain_opts_out_and_is_told_apart(text: str, review: bool, complaint: bool) -> None:
    reading = read_reply(text, country="CN")

    assert (reading.action, reading.review, reading.complaint) == ("opt_out", review, complaint)


def test_the_senders_own_code_opts_out_as_a_whole_message() -> None:
    assert read_reply("QX", country="CN", sender_codes=("qx",)) == ReplyReading("opt_out", word="qx")
    assert read_reply("ＱＸ！", country="CN", sender_codes=("qx",)).action == "opt_out"
    assert read_reply("QX", country="CN").action is None


def test_the_senders_own_code_comes_before_every_other_word() -> None:
    assert read_reply("yes", country="US", sender_codes=("yes",)).action == "opt_out"


def test_the_senders_own_code_within_a_sentence_is_flagged() -> None:
    assert read_reply("please QX now", country="CN", sender_codes=("qx",)) == ReplyReading("opt_out", review=True, word="qx")
    assert read_reply("plan B please", country="CN", sender_codes=("b",)).action is None


def test_a_known_language_adds_its_words_flagged() -> None:
    assert read_reply("退订", country="US", language="zh-CN") == ReplyReading("opt_out", review=True, word="退订")
    assert read_reply("谢谢", country="US", language="zh").action is None


def test_an_app_adds_words_of_its_own() -> None:
    words = ReplyWords.default().extended(
        [{"language": "de", "country": "DE", "action": "opt_out", "match": "whole", "words": ["abmelden", "keine werbung"]}]
    )

    assert read_reply("Keine Werbung!", country="DE", words=words).action == "opt_out"
    assert read_reply("Bitte keine Werbung mehr", country="DE", words=words) == ReplyReading("opt_out", True, "keine werbung")
    assert read_reply("abmelden", country="DE").action is None


def test_the_compact_and_the_spaced_form() -> None:
    assert compact("  Ｓ.T-o P!\u200b ") == "stop"
    assert spaced("  Ｓtop,,  texting\tme! ") == "stop texting me"


@given(st.text(max_size=40), st.sampled_from(["US", "CN", "FR", None]))
def test_no_text_is_too_strange_to_read(text: str, country: str | None) -> None:
    reading = read_reply(text, country=country)

    assert (reading.word is None) == (reading.action is None)


@pytest.mark.parametrize(
    ("suffix", "codes"),
    [
        ("回BK退订", ("bk",)),
        ("回T退订", ("t",)),
        ("回TD退订", ("td",)),
        ("拒收请回复R", ("r",)),
        ("退订回Ｔ", ("t",)),
        ("拒收回复0000", ("0000",)),
        ("回T或TD退订", ("t", "td")),
        ("TD退订", ("td",)),
        ("Reply STOP to end", ("stop",)),
        ("Reply STOP or QUIT to opt out", ("stop", "quit")),
        ('Text "STOP" to unsubscribe', ("stop",)),
        ("STOP to cancel", ("stop",)),
        ("退订 https://example.com/u/T", ()),
        ("", ()),
    ],
)
def test_the_code_of_a_suffix_is_found(suffix: str, codes: tuple[str, ...]) -> None:
    assert codes_in_suffix(suffix) == codes


@pytest.mark.parametrize("suffix", ["拒收请回复R", "回T退订", "回TD退订", "回BK退订"])
def test_the_usual_suffixes_and_their_codes_opt_out(suffix: str) -> None:
    assert read_reply(suffix, country="CN").action == "opt_out"
    for code in codes_in_suffix(suffix):
        assert read_reply(code, country="CN") == ReplyReading("opt_out", word=code)
        assert ReplyWords.default().knows(code, country="CN")


# --- consent law, limits, presets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "country", "channel", "expected"),
    [
        ("confirmation_within_minutes", "US", "sms", 5),
        ("consent_per_channel", "GB", "email", True),
        ("prior_express_consent", "DE", "voice", True),
        ("similar_products_exception", "DE", "email", True),
        ("similar_products_exception", "US", "email", None),
        ("silence_is_refusal", "CN", "sms", None),
        ("signature_required", "CN", "sms", "【签名】"),
        ("stop_on_refusal", None, "sms", None),
    ],
)
def test_consent_facts_are_found_by_country_and_channel(name: str, country: str | None, channel: str, expected: object) -> None:
    assert ConsentLaw.default().fact(name, country=country, channel=channel) == expected


def test_drafts_are_not_in_force() -> None:
    law = ConsentLaw.default()

    assert "cn-2020" not in [row.id for row in law.select(country="CN", channel="sms")]
    assert "cn-2020" in [row.id for row in law.select(country="CN", channel="sms", drafts=True)]


@pytest.mark.parametrize(
    ("country", "channel", "days"),
    [("SG", "sms", 21), ("SG", "voice", 21), ("CA", "voice", 31), ("CA", "sms", None), ("CN", "sms", None)],
)
def test_a_registry_check_has_a_maximum_age(country: str, channel: str, days: int | None) -> None:
    assert ConsentLaw.default().registry_max_age(country=country, channel=channel) == (
        None if days is None else timedelta(days=days)
    )


def test_singapore_asks_for_a_label() -> None:
    assert ConsentLaw.default().label(country="SG", channel="sms") == "<ADV>"
    assert ConsentLaw.default().label(country="CN", channel="sms") is None


@pytest.mark.parametrize("purpose", ["otp", "transactional", "service", "marketing"])
def test_xinjiang_numbers_are_not_called_for_any_purpose(purpose: str) -> None:
    block = region_block(region="CN-XJ", channel="voice", purpose=purpose)

    assert block is not None
    assert block.id == "cn-xj-voice"


@pytest.mark.parametrize(("region", "channel"), [("CN-XJ", "sms"), ("CN-XZ", "voice"), (None, "voice")])
def test_other_regions_and_channels_are_open(region: str | None, channel: str) -> None:
    assert region_block(region=region, channel=channel, purpose="marketing") is None


def test_an_account_may_declare_a_region_open() -> None:
    assert region_block(region="CN-XJ", channel="voice", purpose="otp", open_regions=frozenset({"CN-XJ"})) is None


def test_mail_guards_and_lengths_are_these() -> None:
    guards, lengths = mail_guards(), sms_lengths()

    assert (guards.complaint_warn, guards.complaint_stop, guards.hard_bounce_warn, guards.hard_bounce_stop) == (
        0.001,
        0.003,
        0.02,
        0.05,
    )
    assert guards.min_deliveries == 1000
    assert {name: (size.single, size.multi) for name, size in lengths.items()} == {
        "gsm7": (160, 153),
        "ucs2": (70, 67),
        "cn": (70, 67),
    }
    assert lengths["cn"].max_chars == 500


def test_presets_are_these() -> None:
    found = presets()

    assert {one.id: (one.event, one.threshold_days) for one in found.presets} == {
        "food_delivery": ("visit", 5),
        "fresh": ("visit", 7),
        "ecommerce": ("purchase", 30),
    }
    assert found["fresh"].value_type == "discount"
    assert found.ladder.rungs_days == (3, 7, 14, 28)
    assert found.channel_order_by_lapse.after(60)[0] == "push"
    assert found.channel_order_by_lapse.after(61)[0] == "email"
    assert found.marketing_voice_windows == (Window((1, 2, 3, 4, 5, 6, 7), 0, 720), Window((1, 2, 3, 4, 5, 6, 7), 840, 1440))
    assert (found.hopeless.failed_plays, found.hopeless.window_days) == (3, 180)
    assert found.service_alert.after == timedelta(hours=1)
    with pytest.raises(KeyError, match="food_delivery"):
        found["gym"]
