"""SMPP 3.4 as a message centre reads and writes it: bodies of submit_sm and deliver_sm, texts, receipts.

Source: SMPP Protocol Specification v3.4, sections 4.4, 4.6, 5.2.12 and appendix B; 3GPP TS 23.038 and 23.040, read 2026-11-22.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€"}
RECEIPT, HEADER = 0x04, 0x40
STATES = {"ENROUTE": 1, "DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5}


class Malformed(ValueError):  # noqa: N818 - reads as what it is
    """A body that is no submit_sm."""


@dataclass(frozen=True)
class Submit:
    """A submit_sm; `part` is (reference, total, number) of a text in parts."""

    source: str
    destination: str
    wants_receipt: bool
    text: str
    part: tuple[int, int, int] | None = None


def read_submit(body: bytes, *, packed: bool = False) -> Submit:
    """A submit_sm from its body; raises `Malformed`."""
    try:
        return _read(body, packed=packed)
    except (ValueError, IndexError) as exc:
        raise Malformed(type(exc).__name__) from None


def _read(body: bytes, *, packed: bool) -> Submit:
    _, rest = _c_string(body)
    source, rest = _c_string(rest[2:])
    destination, rest = _c_string(rest[2:])
    esm_class, rest = rest[0], rest[3:]
    _, rest = _c_string(rest)
    _, rest = _c_string(rest)
    registered, _, coding, _, length = rest[:5]
    data = rest[5 : 5 + length]
    if len(data) != length:
        raise ValueError("short_message is cut off")
    part = None
    skip = 0
    if esm_class & HEADER:
        header, data = data[: data[0] + 1], data[data[0] + 1 :]
        part = _part(header)
        skip = -len(header) * 8 % 7 if packed else 0
    text = _text(data, coding, packed=packed, skip=skip)
    return Submit(source.decode("ascii"), destination.decode("ascii"), bool(registered & 1), text, part)


def deliver_body(source: str, destination: str, data: bytes, *, esm_class: int = 0, coding: int = 0, more: bytes = b"") -> bytes:
    """A deliver_sm's body."""
    head = b"\0\x01\x01" + source.encode() + b"\0\0\0" + destination.encode() + b"\0"
    return head + bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, coding, 0, len(data))) + data + more


def receipt_body(submit: Mapping[str, str], identity: str, state: str, *, at: datetime, error: str = "000") -> bytes:
    """A delivery receipt as appendix B writes it, with the parameters that say the same."""
    day = f"{at:%y%m%d%H%M}"
    done = "001" if state == "DELIVRD" else "000"
    text = f"id:{identity} sub:001 dlvrd:{done} submit date:{day} done date:{day} stat:{state} err:{error} text:"
    name = identity.encode() + b"\0"
    more = struct.pack(">HH", 0x001E, len(name)) + name + struct.pack(">HHB", 0x0427, 1, STATES[state])
    return deliver_body(submit["to"], submit["from"], text.encode(), esm_class=RECEIPT, more=more)


def reply_body(submit: Mapping[str, str], text: str) -> bytes:
    """What a person writes, in one part: in seven bits where it can be, else in UCS-2; what is longer is cut."""
    if all(character in GSM for character in text):
        return deliver_body(submit["to"], submit["from"], bytes(map(GSM.index, text[:160])))
    return deliver_body(submit["to"], submit["from"], text.encode("utf-16-be")[:140], coding=8)


def _c_string(data: bytes) -> tuple[bytes, bytes]:
    end = data.index(b"\0")
    return data[:end], data[end + 1 :]


def _part(header: bytes) -> tuple[int, int, int] | None:
    elements = header[1:]
    while elements:
        kind, length = elements[0], elements[1]
        value, elements = elements[2 : 2 + length], elements[2 + length :]
        if kind == 0 and length == 3:
            return value[0], value[1], value[2]
        if kind == 8 and length == 4:
            return int.from_bytes(value[:2], "big"), value[2], value[3]
    return None


def _text(data: bytes, coding: int, *, packed: bool, skip: int) -> str:
    if coding == 8:
        return data.decode("utf-16-be")
    if coding == 3:
        return data.decode("latin-1")
    septets = _unpacked(data, skip) if packed else list(data)
    said, escaped = [], False
    for septet in septets:
        if escaped:
            said.append(EXTENSION.get(septet, " "))
        elif septet != 0x1B:
            said.append(GSM[septet])
        escaped = septet == 0x1B and not escaped
    return "".join(said)


def _unpacked(data: bytes, skip: int) -> list[int]:
    bits = int.from_bytes(data, "little") >> skip
    septets = [bits >> (7 * at) & 0x7F for at in range((len(data) * 8 - skip) // 7)]
    return septets[:-1] if septets and septets[-1] == 0 and (len(data) * 8 - skip) % 7 == 0 else septets
