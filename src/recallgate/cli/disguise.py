"""Placeholders for what is nobody's business: settings, addresses and tokens of a recording, always replaced by the same."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import SecretBytes, SecretStr

from recallgate.adapter import AdapterClass
from recallgate.cli.examples import address_examples, example_of
from recallgate.cli.masking import secrets_of
from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.testing.exchanges import NOW, TOKEN, message_of

_IDENTIFIES = re.compile(r"(id|sid|key|user|username|name|number|sender|caller|mail|address|domain|account|package)s?$")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PHONE = re.compile(r"(?<![\w+])\+[1-9]\d{7,14}(?!\d)")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_SHORT = 4
_LEFT_OUT = ("id", "person", "tenant", "brand", "origin", "not_before")  # of a message: ours, and nothing to the vendor


@dataclass(frozen=True)
class Disguise:
    """What stands in for whom. `config` and `message` are the disguised ones, as plain values."""

    config: Mapping[str, Any]
    message: Mapping[str, Any]
    pairs: tuple[tuple[str, str], ...] = field(repr=False)

    @classmethod
    def of(cls, adapter: AdapterClass, config: Mapping[str, Any], message: Message, *, now: datetime) -> "Disguise":
        """The disguise of an account and a message. Its own settings that tell nothing (a region, a switch) stay."""
        given = adapter.Config.model_validate({name: value for name, value in config.items() if name in _fields(adapter)})
        hidden = [name for name in given.model_fields_set if name != "base_url" and _is_told(adapter, name)]
        example, _ = example_of(adapter, also=hidden)
        shown = {name: config[name] for name in given.model_fields_set - set(hidden) - {"base_url"}}
        settings = {**{name: example[name] for name in hidden}, **shown}
        to = _address(message)
        pairs = [*_settings_pairs(given, settings, hidden), *_address_pairs(message, to)]
        known = message_of({"channel": message.channel, "to": to, "content": message.content, "purpose": message.purpose})
        pairs += [(message.id, known.id), (message.id.replace("-", ""), known.id.replace("-", ""))]
        disguise = cls(settings, {}, tuple(_ordered(pairs)))
        said = json.loads(message.model_dump_json(exclude_unset=True, exclude=set(_LEFT_OUT)))
        if message.expires_at is not None:  # as far from the kit's instant as it was from ours
            said["expires_at"] = (NOW + (message.expires_at - now)).isoformat()
        plain = {**disguise.plain({name: value for name, value in said.items() if name != "to"}), "to": to}
        return cls(disguise.plain(settings), plain, disguise.pairs)

    def with_token(self, token: str) -> "Disguise":
        """The same, with an access token that was fetched."""
        return Disguise(self.config, self.message, tuple(_ordered([*self.pairs, (token, TOKEN.value)])))

    def text(self, text: str) -> str:
        """A text with everybody in disguise: what is known, and whatever looks like a number, a mailbox or a token."""
        kept: list[str] = []

        def keep(placeholder: str) -> str:
            kept.append(placeholder)
            return f"\x00{len(kept) - 1}\x00"

        for real, placeholder in self.pairs:
            text = _pattern(real).sub(lambda _, one=placeholder: keep(one), text)  # type: ignore[misc] # bound at once
        for pattern, placeholder in ((_JWT, "a-signed-token"), (_MAIL, "ann@example.com"), (_PHONE, "+14155550123")):
            text = pattern.sub(placeholder, text)
        return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], text)

    def plain(self, value: Any) -> Any:
        """A plain value with every text in it disguised."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(name)): self.plain(one) for name, one in value.items()}
            case list() | tuple():
                return [self.plain(one) for one in value]
        return value

    def leaks(self, text: str) -> bool:
        """Whether somebody is still to be seen; placeholders that happen to be the real thing do not count."""
        return any(_pattern(real).search(text) for real, placeholder in self.pairs if real not in placeholder)


def _fields(adapter: AdapterClass) -> set[str]:
    return set(adapter.Config.model_fields)


def _is_told(adapter: AdapterClass, name: str) -> bool:
    """Whether a setting tells who the account is, or opens it."""
    info = adapter.Config.model_fields[name]
    types = str(info.annotation)
    if "Secret" in types:
        return True
    is_text = info.annotation is str or types in ("str | None", "typing.Optional[str]")
    return is_text and (info.is_required() or _IDENTIFIES.search(name) is not None)


def _settings_pairs(given: Any, settings: Mapping[str, Any], hidden: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in hidden:
        value = getattr(given, name)
        real = next(iter(secrets_of(value)), "") if isinstance(value, SecretStr | SecretBytes) else str(value or "")
        if real:
            yield real, str(settings[name])


def _address(message: Message) -> dict[str, Any]:
    """An address of the same kind that is nobody's; a telephone number is an example number of the same country."""
    kind = message.to.type
    if kind == "phone":
        import phonenumbers

        number = phonenumbers.parse(message.to.key)
        # a number that is in no plan, such as one for films, has the region of its country code
        region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
            number.country_code or 1
        )
        found = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        if found is None or region == "US":
            return {"type": "phone", "e164": "+14155550123"}
        return {"type": "phone", "e164": phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)}
    examples = address_examples(kind)
    platform = getattr(message.to, "platform", None)
    if not examples:
        raise ConfigError(f"message: no placeholder is known for an address of type {kind}")
    return dict(next((one for one in examples if one.get("platform") == platform), examples[0]))


def _address_pairs(message: Message, to: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    said = json.loads(message.to.model_dump_json())
    for name, value in said.items():
        if isinstance(value, str) and name not in ("type", "platform"):
            yield value, str(to.get(name, "example"))
    if message.to.type == "phone":
        import phonenumbers

        real, example = message.to.key, str(to["e164"])
        yield real.removeprefix("+"), example.removeprefix("+")
        national = [str(phonenumbers.parse(one).national_number) for one in (real, example)]
        yield national[0], national[1]


def _ordered(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Every form in which URLs, forms and JSON carry a text, the longest first."""
    found: dict[str, str] = {}
    for real, placeholder in pairs:
        if not real:
            continue
        for write in (str, quote, quote_plus, lambda text: quote(text, safe=""), lambda text: json.dumps(text)[1:-1]):
            found.setdefault(write(real), write(placeholder))
    return sorted(found.items(), key=lambda pair: (-len(pair[0]), pair[0]))


def _pattern(real: str) -> re.Pattern[str]:
    # a name of two letters must not be found inside of other words
    return re.compile(rf"(?<!\w){re.escape(real)}(?!\w)" if len(real) < _SHORT else re.escape(real))
