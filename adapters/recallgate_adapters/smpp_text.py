"""Texts as a short message centre takes them: alphabets, and segments that cut no character.

Source: 3GPP TS 23.038 (alphabet, packing), 3GPP TS 23.040 9.2.3.24.1 and 9.2.3.24.8 (concatenation), read 2026-11-22.
Quirk: an escaped character of the extension table is two septets, and a surrogate pair two code units: neither is cut.
Quirk: packed septets begin on a septet boundary after the header, so a header of six octets is followed by one fill bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from recallgate_adapters.smpp_pdu import ASCII, GSM7, LATIN1, UCS2

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
_ESCAPE = 0x1B
_CODES = {
    **{character: bytes((code,)) for code, character in enumerate(_BASIC) if code != _ESCAPE},
    **{character: bytes((_ESCAPE, code)) for character, code in _EXTENSION.items()},
}
_EXTENDED = {code: character for character, code in _EXTENSION.items()}
MOST_PARTS = 255
_OCTETS = 140  # of user data


@dataclass(frozen=True)
class Segment:
    """One short message: header and text as bytes, and whether it has a header."""

    data: bytes = field(repr=False)
    has_header: bool


@dataclass(frozen=True)
class Segments:
    """A text cut into short messages, in sending order."""

    data_coding: int
    parts: Sequence[Segment]


def segments(text: str, *, reference: int, reference_bits: Literal[8, 16] = 8, packed: bool = False) -> Segments:
    """The text as short messages: GSM 7 bit where it can be written so, else UCS-2 (UTF-16, big-endian).

    Alone 160 septets or 70 code units; joined 153 and 67, with a reference of 16 bits 152 and 66. `packed` writes eight
    septets into seven octets; else each has an octet of its own, which most centres expect. Raises ValueError above 255 parts.
    """
    septets = gsm7(text)
    if septets is not None:
        alone, unit, coding = 160, 1, GSM7
        room = (_OCTETS * 8 - _header_size(reference_bits) * 8) // 7
        whole: Sequence[bytes] = septets
    else:
        alone, unit, coding = 70, 2, UCS2
        room = (_OCTETS - _header_size(reference_bits)) // 2
        whole = [character.encode("utf-16-be", "surrogatepass") for character in text]
    encoded: Callable[[bytes, int], bytes] = pack if packed and coding == GSM7 else _as_it_is
    if sum(map(len, whole)) <= alone * unit:
        return Segments(coding, (Segment(encoded(b"".join(whole), 0), False),))
    parts = _cut(whole, room * unit)
    if len(parts) > MOST_PARTS:
        raise ValueError(f"{len(parts)} parts; there are 255 at most")
    made = []
    for number, part in enumerate(parts, 1):
        udh = _header(reference, reference_bits, len(parts), number)
        made.append(Segment(udh + encoded(part, len(udh)), True))
    return Segments(coding, tuple(made))


def gsm7(text: str) -> list[bytes] | None:
    """The septets of each character, two for an escaped one; None when the alphabet lacks one of them."""
    found = [_CODES.get(character) for character in text]
    return None if None in found else [septets for septets in found if septets is not None]


def pack(septets: bytes, header: int = 0) -> bytes:
    """Septets as octets, the lowest bits first, beginning at a septet boundary after `header` octets."""
    fill = -header * 8 % 7
    bits = size = 0
    for septet in septets:
        bits |= septet << size
        size += 7
    return (bits << fill).to_bytes((size + fill + 7) // 8, "little")


def read_text(data: bytes, data_coding: int) -> str:
    """A text as people wrote it; what cannot be read is replaced, never a fault."""
    match data_coding:
        case 8:
            return data.decode("utf-16-be", "replace")
        case 3:
            return data.decode("latin-1")
        case 1:
            return data.decode("ascii", "replace")
        case 0:
            return _from_gsm7(data)
        case _:
            return data.decode("utf-8", "replace")


def split_header(data: bytes) -> tuple[tuple[int, int, int] | None, bytes]:
    """(reference, total, number) of the concatenation, or None, and the text after the user data header."""
    if not data or 1 + data[0] > len(data):
        return None, data
    elements, text = data[1 : 1 + data[0]], data[1 + data[0] :]
    joined = None
    at = 0
    while at + 2 <= len(elements):
        kind, size = elements[at], elements[at + 1]
        value = elements[at + 2 : at + 2 + size]
        if kind == 0 and len(value) == 3:
            joined = (value[0], value[1], value[2])
        elif kind == 8 and len(value) == 4:
            joined = (value[0] << 8 | value[1], value[2], value[3])
        at += 2 + size
    return joined, text


def _header_size(bits: int) -> int:
    return 6 if bits == 8 else 7


def _header(reference: int, bits: int, total: int, number: int) -> bytes:
    if bits == 8:
        return bytes((5, 0, 3, reference & 0xFF, total, number))
    return bytes((6, 8, 4, reference >> 8 & 0xFF, reference & 0xFF, total, number))


def _cut(characters: Sequence[bytes], room: int) -> list[bytes]:
    parts, part = [], b""
    for character in characters:
        if len(part) + len(character) > room:
            parts.append(part)
            part = b""
        part += character
    return [*parts, part]


def _as_it_is(data: bytes, header: int) -> bytes:
    return data


def _from_gsm7(data: bytes) -> str:
    words, escaped = [], False
    for code in data:
        if escaped:
            words.append(_EXTENDED.get(code, _BASIC[code & 0x7F]))
            escaped = False
        elif code == _ESCAPE:
            escaped = True
        else:
            words.append(_BASIC[code] if code < len(_BASIC) else "\ufffd")
    return "".join(words)


__all__ = ["ASCII", "GSM7", "LATIN1", "UCS2", "Segment", "Segments", "gsm7", "pack", "read_text", "segments", "split_header"]
