"""What a mail says, read in one pass: the headers asked for, the first plain and the first html body.

Source: RFC 5322, RFC 2045, RFC 2046, RFC 2047, read 2026-11-23.
"""

import re
from binascii import Error, a2b_base64, a2b_qp
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?\s]*)\?=", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")
_PARAMETER = re.compile(r";\s*(boundary|charset)\s*=\s*(?:\"([^\"]*)\"|([^\s;]+))", re.IGNORECASE)
_DEEPEST = 8  # multiparts within multiparts; more is no mail that we send


@dataclass(frozen=True)
class ReadMail:
    """Headers by name in lower case, as written; bodies with line feeds, None where there is none."""

    headers: Mapping[str, str]
    plain: str | None
    html: str | None

    def header(self, name: str) -> str:
        """The header's text with its encoded words decoded; empty when there is none."""
        value = self.headers.get(name, "").strip()
        return _WORD.sub(_decoded, _BETWEEN_WORDS.sub("", value)) if "=?" in value else value


def read_mail(raw: bytes) -> ReadMail:
    """Read any bytes as a mail; what is broken is taken as it is, nothing is raised."""
    headers, body = _split(raw.replace(b"\r\n", b"\n"))
    bodies: dict[str, str] = {}
    for media_type, text in _texts(headers, body, _DEEPEST):
        bodies.setdefault(media_type, text)
    return ReadMail(headers, bodies.get("text/plain"), bodies.get("text/html"))


def _split(raw: bytes) -> tuple[dict[str, str], bytes]:
    """Unfolded headers and body of a mail or part whose lines end with a line feed."""
    if raw.startswith(b"\n"):
        return {}, raw[1:]
    head, _, body = raw.partition(b"\n\n")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").replace("\n ", " ").replace("\n\t", "\t").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.lower(), value)
    return headers, body


def _texts(headers: Mapping[str, str], body: bytes, depth: int) -> Iterator[tuple[str, str]]:
    """Media type and text of each text part that is no attachment, in order."""
    written = headers.get("content-type", "text/plain")
    media_type = written.partition(";")[0].strip().lower()
    if not media_type.startswith(("text/", "multipart/")):
        return
    parameters = {name.lower(): quoted or token for name, quoted, token in _PARAMETER.findall(written)}
    if media_type.startswith("multipart/"):
        boundary = parameters.get("boundary")
        if not boundary or not depth:
            return
        # The line end before a boundary belongs to it, RFC 2046 5.1.1; a pattern that begins with letters is found fast.
        for part in re.split(rb"\n--" + re.escape(boundary.encode()) + rb"(?=--|[ \t]*\n)", b"\n" + body)[1:]:
            if part.startswith(b"--"):
                return
            yield from _texts(*_split(part.partition(b"\n")[2]), depth - 1)
    elif not headers.get("content-disposition", "").strip().lower().startswith("attachment"):
        data = _unpacked(body, headers.get("content-transfer-encoding", "").strip().lower())
        yield media_type, _text(data, parameters.get("charset", "utf-8")).replace("\r\n", "\n")


def _unpacked(body: bytes, encoding: str) -> bytes:
    try:
        if encoding == "base64":
            return a2b_base64(body)
    except Error:
        return body
    return a2b_qp(body) if encoding == "quoted-printable" else body


def _text(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _decoded(word: re.Match[str]) -> str:
    charset, encoding, text = word.groups()
    try:
        data = a2b_base64(text) if encoding in "bB" else a2b_qp(text, header=True)
    except (Error, ValueError):
        return word[0]
    return _text(data, charset)
