"""Secrets of a config, taken out of what is printed."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretBytes, SecretStr

HIDDEN = "***"
_SCHEME = re.compile(r"(?i)^(basic|bearer|token|key|apikey|app)(\s+)(?!\{access_token\}$).+$", re.DOTALL)
# A signed assertion: its claims may be read, without the signature it buys nothing.
_JWT = re.compile(r"(eyJ[\w-]+\.[\w-]+)\.[\w-]+")
_SHORT = 4


@dataclass(frozen=True)
class Mask:
    """Replaces secrets in texts, in the forms in which URLs, forms and JSON carry them."""

    patterns: tuple[re.Pattern[str], ...] = field(repr=False)
    show: bool = False

    @classmethod
    def of(cls, config: BaseModel, *, show: bool, also: str | None = None) -> "Mask":
        """The mask for a config's secrets and one more; with `show` it hides nothing."""
        values = {secret for secret in (*secrets_of(config), *([also] if also else [])) if secret}
        ordered = sorted({form for secret in values for form in _forms(secret)}, key=lambda form: (-len(form), form))
        return cls(tuple(_pattern(form) for form in ordered), show)

    def __call__(self, text: str) -> str:
        if self.show:
            return text
        for pattern in self.patterns:
            text = pattern.sub(HIDDEN, text)
        return _JWT.sub(rf"\1.{HIDDEN}", text)

    def header(self, name: str, value: str) -> str:
        """A header's value; credentials of `Authorization` are hidden whole, their scheme stays."""
        if not self.show and name.lower().endswith("authorization"):
            value = _SCHEME.sub(rf"\1\2{HIDDEN}", value)
        return self(value)


def secrets_of(value: object) -> Iterator[str]:
    """Every secret inside a config, nested ones too."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case SecretBytes():
            yield value.get_secret_value().decode("utf-8", "replace")
        case BaseModel():
            for name in type(value).model_fields:
                yield from secrets_of(getattr(value, name))
        case Mapping():
            for one in value.values():
                yield from secrets_of(one)
        case list() | tuple() | set() | frozenset():
            for one in value:
                yield from secrets_of(one)


def _forms(secret: str) -> set[str]:
    escaped = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), *escaped}


def _pattern(form: str) -> re.Pattern[str]:
    # A secret of one or two letters must not blacken every word that contains them.
    return re.compile(rf"(?<!\w){re.escape(form)}(?!\w)" if len(form) < _SHORT else re.escape(form))
