"""SMS segments: GSM-7 when every character is in its alphabet, else UCS-2; mainland China counts characters either way.

Source: 3GPP TS 23.038 6.2.1 and 6.2.1.1, TS 23.040 9.2.3.24.1; mainland China: vendors' length rules, read 2026-11-22.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["gsm7", "ucs2"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASIC = frozenset(
    _LETTERS + "0123456789" + " \n\r!\"#%&'()*+,-./:;<=>?@_$" + "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà",
)
_EXTENSION = frozenset("\f^{}\\[~]|€")  # each costs an escape and itself
_GSM7 = _BASIC | _EXTENSION
_UNUSUAL = re.compile(r"[^ -Z_a-z\n\r]")  # of ASCII, what takes an escape or is not in the alphabet at all
_FOREIGN = re.compile(f"[^{re.escape(''.join(sorted(_GSM7)))}]")
_ESCAPED = re.compile(f"[{re.escape(''.join(sorted(_EXTENSION)))}]")
_SIZES: dict[Encoding, tuple[int, int]] = {"gsm7": (160, 153), "ucs2": (70, 67)}


@dataclass(frozen=True, slots=True)
class Segments:
    """`units` are septets (gsm7) or UTF-16 code units (ucs2); `parts` is what is billed."""

    encoding: Encoding
    units: int
    parts: int


def count(text: str, *, country: str | None = None) -> Segments:
    """Encoding, units and parts of a text as it is sent. `country` "CN" counts 70/67 whatever the script."""
    encoding, units, wide = _measure(text, country)
    single, multi = _SIZES[encoding]
    if units <= single:
        return Segments(encoding, units, 1)
    if not wide:
        return Segments(encoding, units, -(-units // multi))
    return Segments(encoding, units, _parts(text, encoding, multi))


def split(text: str, *, country: str | None = None) -> list[str]:
    """The text in its segments, in sending order; an escaped character or a surrogate pair is never cut."""
    encoding, units, _ = _measure(text, country)
    single, multi = _SIZES[encoding]
    return [text] if units <= single else _cut(text, encoding, multi)


def parts_of(units: int, encoding: Encoding) -> int:
    """Parts of that many units when no character takes two; at least 1."""
    single, multi = _SIZES[encoding]
    return 1 if units <= single else -(-units // multi)


def _measure(text: str, country: str | None) -> tuple[Encoding, int, bool]:
    """Encoding, units, and whether some character takes two units."""
    if country != "CN":
        if text.isascii() and not _UNUSUAL.search(text):
            return "gsm7", len(text), False
        if not _FOREIGN.search(text):
            doubled = len(_ESCAPED.findall(text))
            return "gsm7", len(text) + doubled, doubled > 0
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return "ucs2", units, units > len(text)


def _parts(text: str, encoding: Encoding, size: int) -> int:
    """How many parts `_cut` makes: it looks at the borders only."""
    if encoding == "gsm7":
        escaped = _ESCAPED.sub("\x1b.", text)
        return _count(len(escaped), size, lambda at: escaped[at - 1] == "\x1b")
    try:
        units = text.encode("utf-16-le")
    except UnicodeEncodeError:  # halves of pairs, which may be cut
        return len(_cut(text, encoding, size))
    return _count(len(units) // 2, size, lambda at: 0xDC <= units[2 * at + 1] <= 0xDF)


def _count(units: int, size: int, splits: Callable[[int], bool]) -> int:
    """Parts of so many units; a border that splits a character lies one unit earlier."""
    parts, at = 1, size
    while at < units:
        at += size - 1 if splits(at) else size
        parts += 1
    return parts


def _cut(text: str, encoding: Encoding, size: int) -> list[str]:
    parts, start, filled = [], 0, 0
    for at, char in enumerate(text):
        width = 2 if (char in _EXTENSION if encoding == "gsm7" else char > "\uffff") else 1
        if filled + width > size:
            parts.append(text[start:at])
            start, filled = at, 0
        filled += width
    parts.append(text[start:])
    return parts
