"""Texts in two languages, and how numbers are written in them."""

from typing import NamedTuple

LANGUAGES = ("en", "zh")
MINUS = "−"


class Words(NamedTuple):
    """One text in English and Chinese."""

    en: str
    zh: str

    def to(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


def check_language(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
    return language


def whole(value: float) -> str:
    """1234567 -> 1,234,567."""
    return f"{value:,.0f}".replace("-", MINUS)


def percent(share: float, *, signed: bool = False) -> str:
    """0.1 -> 10 %, 0.256 -> 25.6 %; small shares keep two digits, so that 0.04 % is not shown as nothing."""
    points = share * 100
    digits = 2 if 0 < abs(points) < 1 else 0 if abs(points) >= 1000 else 1
    text = f"{points:{'+' if signed else ''},.{digits}f}"
    return f"{text.removesuffix('.0')} %".replace("-", MINUS)


def points(share: float) -> str:
    """0.04 -> +4.00."""
    return f"{share * 100:+.2f}".replace("-", MINUS)


def money(value: float, currency: str) -> str:
    """1234.5 -> 1,234.50 CNY; without a currency the number alone."""
    text = f"{value:,.{0 if abs(value) >= 100_000 else 2}f}".replace("-", MINUS)
    return f"{text} {currency}" if currency else text


def p_text(p: float) -> str:
    """A p-value: never shown as 0."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.1 else f"{p:.2f}"
