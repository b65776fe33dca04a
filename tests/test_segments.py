"""Segments: the borders of the standard, typed by hand, and an older library as a second opinion."""

import random

import pytest
import smsutil  # type: ignore[import-untyped]  # no typed release
from hypothesis import given, strategies as st

from recallgate.rules.limits import sms_lengths
from recallgate.text.segments import _EXTENSION, _SIZES, count, parts_of, split

BORDERS = [
    ("", None, "gsm7", 0, 1),
    ("a" * 160, None, "gsm7", 160, 1),
    ("a" * 161, None, "gsm7", 161, 2),
    ("a" * 306, None, "gsm7", 306, 2),
    ("a" * 307, None, "gsm7", 307, 3),
    ("€" * 80, None, "gsm7", 160, 1),
    ("€" * 81, None, "gsm7", 162, 2),
    ("€" * 152, None, "gsm7", 304, 2),
    ("€" * 153, None, "gsm7", 306, 3),  # 76 escapes fill 152 of 153 septets
    ("a" * 152 + "€" + "a" * 151, None, "gsm7", 305, 2),
    ("a" * 152 + "€" + "a" * 152, None, "gsm7", 306, 3),
    ("你" * 70, None, "ucs2", 70, 1),
    ("你" * 71, None, "ucs2", 71, 2),
    ("你" * 134, None, "ucs2", 134, 2),
    ("你" * 135, None, "ucs2", 135, 3),
    ("😀" * 35, None, "ucs2", 70, 1),
    ("😀" * 36, None, "ucs2", 72, 2),
    ("😀" * 66, None, "ucs2", 132, 2),
    ("😀" * 67, None, "ucs2", 134, 3),  # 33 pairs fill 66 of 67 units
    ("a" * 70 + "`", None, "ucs2", 71, 2),
    ("a" * 70, "CN", "ucs2", 70, 1),
    ("a" * 71, "CN", "ucs2", 71, 2),
    ("a" * 160, "CN", "ucs2", 160, 3),
    ("{" * 70, "CN", "ucs2", 70, 1),
    ("a" * 160, "US", "gsm7", 160, 1),
    ("ñÑäöüàèéùìòÇßæØΔΩ¿¡§£¥¤", None, "gsm7", 23, 1),
    ("ç", None, "ucs2", 1, 1),
    ("\x1b", None, "ucs2", 1, 1),
    ("tab\t", None, "ucs2", 4, 1),
]


@pytest.mark.parametrize(("text", "country", "encoding", "units", "parts"), BORDERS)
def test_encoding_units_and_parts_at_the_borders(text: str, country: str | None, encoding: str, units: int, parts: int) -> None:
    found = count(text, country=country)

    assert (found.encoding, found.units, found.parts) == (encoding, units, parts)
    assert len(split(text, country=country)) == parts


@pytest.mark.parametrize(
    ("text", "parts"), [("😀" * 66, 2), ("😀" * 67, 3), ("€" * 152, 2), ("€" * 153, 3), ("a" + "😀" * 66, 2)]
)
def test_no_border_splits_a_character_of_two_units(text: str, parts: int) -> None:
    assert count(text).parts == len(split(text)) == parts


def test_160_characters_to_china_are_67_67_26() -> None:
    assert [len(part) for part in split("a" * 160, country="CN")] == [67, 67, 26]


_texts = st.text(alphabet=st.sampled_from([*"abc €[]{}^你好😀𠮷é\n"]), max_size=500)


@given(_texts, st.sampled_from([None, "CN"]))
def test_the_segments_join_to_the_text_and_none_is_too_long(text: str, country: str | None) -> None:
    found, parts = count(text, country=country), split(text, country=country)

    assert "".join(parts) == text
    assert len(parts) == found.parts
    single, multi = _SIZES[found.encoding]
    for part in parts:
        wide = sum(1 for char in part if (char in _EXTENSION if found.encoding == "gsm7" else char > "\uffff"))
        assert len(part) + wide <= (single if len(parts) == 1 else multi)


@pytest.mark.parametrize(
    ("units", "encoding", "parts"),
    [(0, "ucs2", 1), (70, "ucs2", 1), (71, "ucs2", 2), (134, "ucs2", 2), (135, "ucs2", 3), (160, "gsm7", 1), (161, "gsm7", 2)],
)
def test_parts_by_length_alone(units: int, encoding: str, parts: int) -> None:
    assert parts_of(units, encoding) == parts  # type: ignore[arg-type]  # a table of plain texts


def test_the_sizes_are_those_of_the_dated_data() -> None:
    lengths = sms_lengths()

    assert {name: (lengths[name].single, lengths[name].multi) for name in ("gsm7", "ucs2")} == _SIZES
    assert set(lengths["gsm7"].double_width) == _EXTENSION - {"\f"}


def test_an_older_library_agrees_but_for_the_bare_escape() -> None:
    draw = random.Random(3)
    alphabets = ["abcdefgh ", "abc€[]~", "abc你好", "a😀b", "éèàç`\t", "".join(map(chr, range(32, 127)))]
    for _ in range(400):
        text = "".join(draw.choices(draw.choice(alphabets), k=draw.randrange(400)))
        theirs, ours = smsutil.split(text), count(text)
        assert ours.encoding == ("gsm7" if theirs.encoding == "gsm0338" else "ucs2"), text
        assert ours.parts == len(theirs.parts), text
        assert [part.content for part in theirs.parts] == split(text)
    # it takes the escape itself for a character; the table has no glyph there, so a handset would eat what follows
    assert smsutil.split("\x1b").encoding == "gsm0338"
    assert count("\x1b").encoding == "ucs2"
