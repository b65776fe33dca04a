"""Random texts; smsutil's count beside ours, with every kind of difference explained; and texts that were linted twice."""

import random

import smsutil

from recallgate.text.segments import count, split
from recallgate.text.sms_rules import check_sms

ALPHABETS = (
    "abcdefgh ABC012 .,!?",
    "^{}\\[~]|€\f",
    "éèùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà£¥@$",
    "你好【】退订，。！",
    "😀𠮷👍🏽🇩🇪\u200d\ufe0f",
    "\n\r\t\x1b\x00\x7f`ç´\u00a0\u3000",
    "".join(map(chr, range(32, 127))),
    "абвгдабв ﷽ हिन्दी ไทย",
)


def a_text(draw: random.Random) -> str:
    """A text of up to three alphabets, its length often near a border between segments."""
    letters = "".join(draw.sample(ALPHABETS, draw.randint(1, 3)))
    length = draw.choice((draw.randrange(30), draw.randrange(60, 80), draw.randrange(125, 165), draw.randrange(600)))
    return "".join(draw.choices(letters, k=length))


def difference(text: str) -> str | None:
    """The kind of an expected difference between smsutil and us; None where there should be none.

    `empty`: it calls the empty text UCS-2, we GSM-7; both count one part. `escape`: it takes the bare escape character for
    a letter of GSM-7; the table has no glyph there, and a handset would read it as the first half of an extension, so we
    send such a text as UCS-2.
    """
    if not text:
        return "empty"
    return "escape" if "\x1b" in text and smsutil.split(text).encoding == "gsm0338" else None


def agrees(text: str) -> None:
    """Compare encoding, number of parts and every cut; AssertionError for a difference that is not explained."""
    theirs, ours, expected = smsutil.split(text), count(text), difference(text)
    encoding = "gsm7" if theirs.encoding == "gsm0338" else "ucs2"
    if expected is not None:
        assert encoding != ours.encoding, f"no difference ({expected}) any more: {text!r}"
        return
    assert encoding == ours.encoding, f"{encoding} and {ours.encoding}: {text!r}"
    assert len(theirs.parts) == ours.parts, f"{len(theirs.parts)} parts and {ours.parts}: {text!r}"
    assert [part.content for part in theirs.parts] == split(text), f"cut elsewhere: {text!r}"


WORDS = (
    "满100减20", "回来看看", "https://s.example/a", "http://t.cn/x", "shop.example.com", "，", "。", "！", "【某某】", "回T退订",
    "Reply STOP to opt out", "come back", "20% off", "13800138000", " ", "  ", "\n", "、苹果、梨、桃、李", "退订", "stop",
    "(", ")", "“", "”", "：", "www.a.com/b?c=1", "10元", "拒收请回复R", "😀", "#", "'s",
)  # fmt: skip


def linted(draw: random.Random) -> None:
    """Lint random words as a random sender would, and lint the answer once more."""
    text = "".join(draw.choice(WORDS) for _ in range(draw.randrange(1, 9)))
    country = draw.choice(("CN", "CN", "US", "GB", None))
    asked = {
        "country": country,
        "signature": draw.choice(("某某", None)) if country == "CN" else None,
        "signature_last": draw.random() < 0.3,
        "optout_suffix": draw.choice(("回T退订", "拒收请回复R", "回BK退订", None))
        if country == "CN"
        else "Reply STOP to opt out",
        "purpose": draw.choice(("marketing", "marketing", "transactional")),
        "reply_path": draw.random() < 0.5,
    }
    first = check_sms(text, **asked)
    second = check_sms(first.text, **asked)
    assert second.text == first.text, f"{text!r} becomes {first.text!r} and then {second.text!r}: {asked}"
    assert not [one.code for one in second.findings if one.fixed], f"{first.text!r} has something left to fix: {asked}"
    assert {one.code for one in second.errors} <= {one.code for one in first.errors}, f"{first.text!r} has a new error: {asked}"
