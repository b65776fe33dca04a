"""Unpacking answers that come packed although we ask for plain ones, without ever holding more than the cap."""

import zlib

import httpx

_EITHER = 32 + zlib.MAX_WBITS  # gzip or zlib, told apart by how it begins


class TooLong(Exception):  # noqa: N818 - reads as what happened
    """What comes out is longer than it may be."""


def unpack(body: bytes, codings: str, *, most: int) -> bytes:
    """The body behind a Content-Encoding, at most so many bytes; raises `TooLong`, and httpx's error for damaged data.

    Codings that we do not know leave the body as it is: whoever reads it next says that it cannot.
    """
    for coding in reversed([one.strip().lower() for one in codings.split(",")]):
        if coding in ("gzip", "x-gzip", "deflate"):
            body = _inflated(body, most)
    return body


def _inflated(body: bytes, most: int) -> bytes:
    try:
        whole = zlib.decompressobj(_EITHER).decompress(body, most + 1)
    except zlib.error:
        try:  # some call the bare stream deflate
            whole = zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, most + 1)
        except zlib.error as exc:
            raise httpx.DecodingError(str(exc)) from exc
    if len(whole) > most:
        raise TooLong
    return whole
