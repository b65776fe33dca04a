"""SMPP 3.4 on the wire: headers, binds, submit_sm and deliver_sm as bytes, and back.

Source: SMPP Protocol Specification v3.4, Issue 1.2, sections 4 and 5, read 2026-11-22.
Quirk: a response has the id of its request with the highest bit set, and the same sequence number.
Quirk: a response with an error may have no body at all, so that there is no message id to read.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

GENERIC_NACK = 0x80000000
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x1, 0x2, 0x9
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x4, 0x5, 0x6, 0x15
RESPONSE = 0x80000000

ESM_UDH = 0x40
GSM7, ASCII, LATIN1, UCS2 = 0, 1, 3, 8  # data_coding
USER_REFERENCE, RECEIPTED_ID, MESSAGE_PAYLOAD, NETWORK_ERROR, MESSAGE_STATE = 0x0204, 0x001E, 0x0424, 0x0423, 0x0427

_HEADER = struct.Struct(">IIII")
HEADER_SIZE = _HEADER.size
LONGEST = 64 * 1024  # of a PDU; what says that it is longer is no SMPP


class BrokenPdu(ValueError):  # noqa: N818 - reads as what happened
    """Bytes that are no PDU."""


@dataclass(frozen=True)
class Pdu:
    """A protocol data unit; `body` is what follows the header."""

    command: int
    status: int
    sequence: int
    body: bytes = field(default=b"", repr=False)

    def __bytes__(self) -> bytes:
        return _HEADER.pack(HEADER_SIZE + len(self.body), self.command, self.status, self.sequence) + self.body

    def answer(self, status: int = 0, body: bytes = b"") -> "Pdu":
        return Pdu(self.command | RESPONSE, status, self.sequence, body)


@dataclass(frozen=True)
class Address:
    """A number or name with its type of number and numbering plan."""

    ton: int
    npi: int
    text: str = field(repr=False)

    def __bytes__(self) -> bytes:
        return bytes((self.ton, self.npi)) + c_string(self.text)


@dataclass(frozen=True)
class ShortMessage:
    """The body of submit_sm and deliver_sm."""

    source: Address
    destination: Address
    short_message: bytes = field(repr=False)
    data_coding: int = GSM7
    esm_class: int = 0
    registered_delivery: int = 0
    validity: str = ""
    service_type: str = ""
    options: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    def __bytes__(self) -> bytes:
        return b"".join(
            (
                c_string(self.service_type),
                bytes(self.source),
                bytes(self.destination),
                bytes((self.esm_class, 0, 0)),  # protocol id, priority
                c_string(""),  # at once
                c_string(self.validity),
                bytes((self.registered_delivery, 0, self.data_coding, 0, len(self.short_message))),
                self.short_message,
                *(struct.pack(">HH", tag, len(value)) + value for tag, value in self.options.items()),
            )
        )

    @property
    def text(self) -> bytes:
        """The user data, wherever it stands."""
        return self.short_message or self.options.get(MESSAGE_PAYLOAD, b"")


def header(data: bytes) -> tuple[int, int, int, int]:
    """Length, command, status and sequence of a header of 16 bytes; raises `BrokenPdu` for a length that cannot be."""
    length, command, status, sequence = _HEADER.unpack(data)
    if not HEADER_SIZE <= length <= LONGEST:
        raise BrokenPdu(f"a length of {length} bytes")
    return length, command, status, sequence


def read_pdu(data: bytes) -> Pdu:
    """A whole PDU; raises `BrokenPdu`."""
    if len(data) < HEADER_SIZE:
        raise BrokenPdu("no header")
    length, command, status, sequence = header(data[:HEADER_SIZE])
    if length != len(data):
        raise BrokenPdu("length and bytes differ")
    return Pdu(command, status, sequence, data[HEADER_SIZE:])


def bind_body(system_id: str, password: str, *, system_type: str = "", address_range: str = "") -> bytes:
    """The body of every bind; the version is 3.4."""
    names = c_string(system_id) + c_string(password) + c_string(system_type)
    return names + bytes((0x34, 0, 0)) + c_string(address_range)


def read_short_message(body: bytes) -> ShortMessage:
    """The body of submit_sm or deliver_sm; raises `BrokenPdu`."""
    try:
        service_type, at = _c_string(body, 0)
        source, at = _address(body, at)
        destination, at = _address(body, at)
        esm_class = body[at]
        _, at = _c_string(body, at + 3)
        validity, at = _c_string(body, at)
        registered, data_coding, size = body[at], body[at + 2], body[at + 4]
        end = at + 5 + size
        if end > len(body):
            raise BrokenPdu("the text is shorter than it says")
        return ShortMessage(
            source,
            destination,
            body[at + 5 : end],
            data_coding,
            esm_class,
            registered,
            validity,
            service_type,
            options(body[end:]),
        )
    except IndexError:
        raise BrokenPdu("a field is missing") from None


def options(data: bytes) -> dict[int, bytes]:
    """Optional parameters by tag; raises `BrokenPdu` for a value that is cut off."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        tag, size = struct.unpack_from(">HH", data, at)
        if at + 4 + size > len(data):
            raise BrokenPdu("an optional parameter is cut off")
        found[tag] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def c_string(text: str) -> bytes:
    """Text of a header field; raises ValueError for what is not ASCII or has a zero byte."""
    if "\0" in text:
        raise ValueError("a zero byte ends a field")
    return text.encode("ascii") + b"\0"


def read_c_string(data: bytes) -> str:
    """The text at the beginning; empty where nothing is told."""
    return data.partition(b"\0")[0].decode("latin-1")


def _c_string(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise BrokenPdu("a text has no end")
    return data[at:end].decode("latin-1"), end + 1


def _address(data: bytes, at: int) -> tuple[Address, int]:
    text, end = _c_string(data, at + 2)
    return Address(data[at], data[at + 1], text), end
