"""Header lines and MIME parts as bytes, written directly: the standard library's object model costs milliseconds a mail.

Source: RFC 5322, RFC 2045, RFC 2047 (encoded words), RFC 2231 (file names), read 2026-11-23.
Quirk: Python folds a long List-Unsubscribe so that its value begins on the next line, which picky parsers misread.
Quirk: Python's folding of encoded words may lose a space between two, and the quotes of a name.
"""

import re
from base64 import b64encode, encodebytes
from binascii import b2a_qp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import quote

LINE = 998  # characters of a line that any server takes
_SHORT_LINE = 78
_ENCODED_LINE = 76  # where it holds an encoded word
_FOLD = "\r\n "
_WORD_BYTES = 45  # in an encoded word of 72 characters; 75 are allowed
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_DOT_ATOM = re.compile(r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+[.@])+[A-Za-z0-9-]+", re.ASCII)
_PLAIN_FILENAME = re.compile(r"[\w.()+-]+(?: [\w.()+-]+)*(?<!.{60})", re.ASCII)
_ASCII_BYTES = bytes(range(128))
# What a body may not hold as it is; the line feed stands for the line break here.
_CONTROL_BYTES = bytes({*range(32), 127} - {9, 10})


@dataclass(frozen=True)
class Part:
    """One part of a mail: its header lines without line ends, and its encoded body with CRLF."""

    headers: tuple[str, ...]
    body: bytes

    def __bytes__(self) -> bytes:
        return "".join([f"{line}\r\n" for line in self.headers]).encode("ascii") + b"\r\n" + self.body


def check_line(value: str) -> None:
    """Raise `ValueError` for a line break or control character; a tab is none here."""
    if _CONTROL.search(value):
        raise ValueError("a line break or control character")


def header(name: str, value: str) -> str:
    """The line `name: value`, as it is when it is ASCII of at most 998 characters, else as encoded words.

    A list of addresses in <> that is too long is folded between them. Raises `ValueError` for a line break or control
    character, and for an address too long to write.
    """
    check_line(value)
    line = f"{name}: {value}"
    if not value.isascii():
        return f"{name}: {_words(value, len(name) + 2)}"
    if len(line) <= LINE:
        return line
    if not value.startswith("<"):
        return f"{name}: {_words(value, len(name) + 2)}"
    folded = line.replace(">, <", f">,{_FOLD}<")
    if max(map(len, folded.split("\r\n"))) > LINE:
        raise ValueError("an address too long for a line")
    return folded


def text_header(name: str, value: str) -> str:
    """A header that people read: what a reader shows is exactly the value, also where it looks encoded."""
    check_line(value)
    line = f"{name}: {value}"
    literal = value.isascii() and value.isprintable() and "=?" not in value and value == value.strip(" ") and len(line) <= LINE
    return line if literal else f"{name}: {_words(value, len(name) + 2)}"


def mailbox(display_name: str, address: str, *, column: int) -> str:
    """`Name <address>`; the name quoted or encoded where needed, so that it is never read as an address.

    `address` is ASCII; `column` is where the mailbox begins in its line. Raises `ValueError` for what is not one address.
    """
    check_line(display_name)
    if not _DOT_ATOM.fullmatch(address) or address.count("@") != 1:
        address = Address(addr_spec=address).addr_spec
    if not display_name:
        return address
    plain = display_name.isascii() and len(display_name) <= _SHORT_LINE and "=?" not in display_name
    if plain and _ATOMS.fullmatch(display_name):
        return f"{display_name} <{address}>"
    if plain and "  " not in display_name and "\t" not in display_name and display_name.strip(" ") == display_name:
        escaped = display_name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    words = _words(display_name, column)
    fits = column + len(words) + len(address) + 3 <= _ENCODED_LINE
    return f"{words}{' ' if fits else _FOLD}<{address}>"


@lru_cache(maxsize=256)  # an account has one sender
def parse_mailbox(value: str) -> tuple[str, str]:
    """Name and address, as `parseaddr` reads them."""
    return parseaddr(value)


def text_part(text: str, subtype: str) -> Part:
    """Text in UTF-8: 7bit where its lines are short and ASCII, else the shorter of quoted-printable and base64."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    data = text.encode() if text.endswith("\n") else f"{text}\n".encode()
    wide = 0 if data.isascii() else len(data.translate(None, _ASCII_BYTES))
    if wide * 6 > len(data):
        encoding, body = "base64", encodebytes(data.replace(b"\n", b"\r\n"))
    elif wide or max(map(len, data.split(b"\n"))) > _SHORT_LINE or len(data.translate(None, _CONTROL_BYTES)) < len(data):
        encoding, body = "quoted-printable", b2a_qp(data)
    else:
        encoding, body = "7bit", data
    headers = (f'Content-Type: text/{subtype}; charset="utf-8"', f"Content-Transfer-Encoding: {encoding}")
    return Part(headers, body.replace(b"\n", b"\r\n"))


def file_part(data: bytes, media_type: str, filename: str) -> Part:
    """A file under its name; `media_type` is trusted to be type/subtype."""
    check_line(filename)
    disposition = f";{_FOLD}".join(["Content-Disposition: attachment", *_filename(filename)])
    headers = (f"Content-Type: {media_type}", "Content-Transfer-Encoding: base64", disposition)
    return Part(headers, encodebytes(data).replace(b"\n", b"\r\n"))


def multipart(subtype: str, parts: Sequence[Part]) -> Part:
    """The parts in their order, between boundaries that no line of them holds; the same parts have the same boundary."""
    wholes = [bytes(part) for part in parts]
    number = 0
    # "=_" is in no line of quoted-printable or base64; plain text and an inner multipart may hold it.
    while any(f"--=_{subtype}{number}_".encode() in whole for whole in wholes):
        number += 1
    boundary = f"=_{subtype}{number}_"
    between = f"--{boundary}\r\n".encode()
    body = b"".join(between + whole + b"\r\n" for whole in wholes) + f"--{boundary}--\r\n".encode()
    return Part((f'Content-Type: multipart/{subtype}; boundary="{boundary}"',), body)


def _words(text: str, column: int) -> str:
    """Encoded words, one a line, of at most 72 characters; no character is cut."""
    return _FOLD.join(f"=?utf-8?b?{b64encode(chunk).decode()}?=" for chunk in _chunks(text, column))


def _chunks(text: str, column: int) -> Iterator[bytes]:
    """UTF-8 in pieces of whole characters; the first fits into a line of 76 that begins at `column`."""
    data = text.encode()
    start, room = 0, max(12, (64 - column) // 4 * 3)
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[start:end]
        start, room = end, _WORD_BYTES
    yield data[start:]


def _filename(filename: str) -> list[str]:
    if _PLAIN_FILENAME.fullmatch(filename):
        return [f'filename="{filename}"']
    pieces = [""]
    for character in filename:
        encoded = quote(character, safe="")
        if len(pieces[-1]) + len(encoded) > _SHORT_LINE - 24:
            pieces.append("")
        pieces[-1] += encoded
    if len(pieces) == 1:
        return [f"filename*=utf-8''{pieces[0]}"]
    pieces[0] = f"utf-8''{pieces[0]}"
    return [f"filename*{n}*={piece}" for n, piece in enumerate(pieces)]
