"""What faces of SMS vendors share: how many parts a text has, who signs in, and the links in a text."""

import base64
import re

import httpx

_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = frozenset("\f^{}\\[~]|€")
NUMBER = re.compile(r"\+?[1-9]\d{6,14}", re.ASCII)


def segments(text: str) -> int:
    """How many parts the vendor counts: 160 and 153 units in the GSM alphabet, else 70 and 67."""
    if all(c in _GSM7 or c in _GSM7_TWICE for c in text):
        units, alone, joined = len(text) + sum(c in _GSM7_TWICE for c in text), 160, 153
    else:
        units, alone, joined = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= alone else -(-units // joined)


def links_in(text: str) -> tuple[str, ...]:
    """The web addresses in a text, without the punctuation behind them."""
    return tuple(link.rstrip(".,;:!?)'") for link in _LINK.findall(text))


def basic(request: httpx.Request, user: str, password: str) -> bool:
    """True when the request carries this pair."""
    shown: str = request.headers.get("authorization", "")
    return shown == f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def e164(number: object) -> str:
    """A number with its plus, as the world knows people."""
    return f"+{str(number).removeprefix('+')}"
