"""An example config and message for any adapter, found by asking it: what it refuses is replaced until it takes both."""

import base64
import types
import typing
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from recallgate.adapter import AdapterClass
from recallgate.cli.requests import Given, describe_sending, read_message, tools_of
from recallgate.model.channels import Channel
from recallgate.model.errors import ConfigError, SendError
from recallgate.registry import check_needs

_NUMBER, _MAIL, _PLACE = "+15005550006", "hello@shop.example", "https://vendor.example"
_HEX = "0123456789abcdef" * 2
_AES = base64.b64encode(bytes(range(32))).decode().rstrip("=")
# a point of P-256, from RFC 8291, appendix A
_POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
_WORDS = "example", _NUMBER, _MAIL, _PLACE, "1400000000", _HEX, _AES, "100"
_ADDRESSES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "phone": ({"type": "phone", "e164": "+14155550123"}, {"type": "phone", "e164": "+8613912345678"}),
    "email": ({"type": "email", "email": "jo@example.com", "name": "Jo"},),
    "push": (
        {"type": "push", "token": "device-token", "platform": "android"},
        {"type": "push", "token": "ab" * 32, "platform": "ios"},
    ),
    "webpush": ({"type": "webpush", "endpoint": "https://push.example/1", "p256dh": _POINT, "auth": _HEX[:22]},),
    "wecom_user": ({"type": "wecom_user", "userid": "zhangsan"},),
    "wecom_external": ({"type": "wecom_external", "external_userid": "wmexample", "sender": "zhangsan"},),
    "inbox": ({"type": "inbox", "user": "42"},),
    "oa_user": ({"type": "oa_user", "openid": "oexample"},),
    "conversation": ({"type": "conversation", "name": "default"},),
    "worker": ({"type": "worker", "queue": "default"},),
    "endpoint": ({"type": "endpoint", "url": "https://app.example/hook"},),
    "audience": ({"type": "audience", "identifier": "+14155550123"},),
}
_CONTENTS: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "text", "text": "Your order 4821 has left our house."},
    "template": {
        "type": "template",
        "template": "order_left",
        "variables": {"order": "4821"},
        "preview": "Your order 4821 has left.",
    },
    "email": {"type": "email", "subject": "Your order 4821", "text": "It has left our house."},
    "push": {"type": "push", "title": "Your order 4821", "body": "It has left our house."},
    "call": {"type": "call", "say": [{"type": "say", "text": "Your order has left our house."}]},
    "inapp": {"type": "inapp", "title": "Your order 4821", "body": "It has left our house."},
    "card": {"type": "card", "title": "Your order 4821", "description": "It has left.", "url": "https://app.example/4821"},
    "markdown": {"type": "markdown", "title": "Your order", "text": "Order **4821** has left."},
    "news": {"type": "news", "articles": [{"type": "card", "title": "Your order 4821", "url": "https://app.example/4821"}]},
    "task": {"type": "task", "title": "Call back about order 4821"},
    "payload": {"type": "payload", "data": {"order": "4821"}},
}


def example_of(cls: AdapterClass, *, also: Iterable[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """A config and a message that `adapters request` takes; raises ConfigError when none was found, or a module is missing.

    The config has what is required and what messages need; `also` names further settings that it should have.
    """
    check_needs(cls)
    wanted = set(also)
    needed = [name for name, info in cls.Config.model_fields.items() if info.is_required() or name in wanted]
    config = {name: _first(cls, name) for name in needed}
    if "sender" in cls.Config.model_fields:
        config["sender"] = _first(cls, "sender")
    tried = dict.fromkeys(config, 1)
    refusals: list[Exception] = []
    for _ in range(60):
        found = _message_for(cls, config)
        if isinstance(found, dict):
            return config, found
        refusals = found
        if not any(_repair(cls, config, one, tried) for one in refusals):
            break
    raise ConfigError(f"{cls.adapter_name()}: no example was found for its config; the last refusal was {_said(refusals[-1])}")


def address_examples(kind: str) -> tuple[Mapping[str, Any], ...]:
    """Addresses of a type that are nobody's; empty for a type that is not known."""
    return _ADDRESSES.get(kind, ())


def example_message(channel: Channel, content: str) -> dict[str, Any]:
    """A message of a channel with a content of this type."""
    to = next(dict(found[0]) for address in channel.addresses if (found := _ADDRESSES.get(address)))
    return {"channel": channel.name, "to": to, "content": dict(_CONTENTS[content]), "purpose": "transactional"}


def _message_for(cls: AdapterClass, config: Mapping[str, Any]) -> dict[str, Any] | list[Exception]:
    """The first message of the channel that the adapter builds, or what it refused: the config, or each message."""
    given = Given(now=datetime(2026, 11, 22, 10, tzinfo=UTC), nonce=_HEX, public_url="https://app.example")
    try:
        adapter = cls(cls.Config.model_validate(dict(config)), tools_of(given, cls.adapter_name()))
    except ValidationError as exc:
        return [exc]
    refusals: list[Exception] = []
    for message in _messages(cls):
        try:
            describe_sending(adapter, read_message(adapter, message), given)
        except SendError as exc:
            refusals.append(exc)
        else:
            return message
    return refusals or [ConfigError(f"no message is known for channel {cls.channel.name}")]


def _messages(cls: AdapterClass) -> Iterable[dict[str, Any]]:
    templates_first = (
        sorted(cls.channel.contents, key=lambda name: name != "template")
        if cls.capabilities.templates_only
        else cls.channel.contents
    )
    for content in templates_first:
        for address in cls.channel.addresses:
            for to in _ADDRESSES.get(address, ()):
                if content in _CONTENTS:
                    said = dict(_CONTENTS[content])
                    yield {"channel": cls.channel.name, "to": dict(to), "content": said, "purpose": "transactional"}


def _repair(cls: AdapterClass, config: dict[str, Any], fault: Exception, tried: dict[str, int]) -> bool:
    """Replace or add the field that a refusal names; False when nothing is left to try."""
    for name in _named(cls, fault):
        candidates = _candidates(cls, name)
        at = tried.get(name, 0)
        if at < len(candidates):
            config[name], tried[name] = candidates[at], at + 1
            return True
    return False


def _named(cls: AdapterClass, fault: Exception) -> list[str]:
    fields = list(cls.Config.model_fields)
    if isinstance(fault, ValidationError):
        where = [str(error["loc"][0]) for error in fault.errors(include_input=False) if error["loc"]]
        if where:
            return [name for name in where if name in fields]
    words = _said(fault)
    return sorted((name for name in fields if name in words), key=lambda name: (words.index(name), -len(name)))


def _said(fault: Exception) -> str:
    return " ".join(str(fault).split())


def _first(cls: AdapterClass, name: str) -> Any:
    return _candidates(cls, name)[0]


def _candidates(cls: AdapterClass, name: str) -> list[Any]:
    """Values worth trying for a field, the likeliest first."""
    info = cls.Config.model_fields[name]
    plain = _plain_type(info.annotation)
    if get_origin(plain) is Literal:
        return list(get_args(plain))
    if plain is bool:
        return [False, True]
    if plain is int:
        return [1000002 if name.endswith("_id") else 10, 1, 443]
    if plain is float:
        return [1.0, 10.0]
    container = get_origin(plain) or plain
    if isinstance(container, type) and issubclass(container, Mapping):
        return [{}, {"order_left": "100"}]
    if isinstance(container, type) and issubclass(container, list | tuple | set | frozenset):
        return [[], ["example"]]
    return [*_likely(cls, name, info), *_WORDS]


def _likely(cls: AdapterClass, name: str, info: FieldInfo) -> list[str]:
    if "private_key" in name and not name.endswith("_id"):
        return [_rsa_key(), _elliptic_key()]
    if name in ("sender", "caller", "from_address"):
        return [f"Shop <{_MAIL}>" if "email" in cls.channel.addresses else _NUMBER]
    for part, value in (
        ("account_sid", f"AC{_HEX}"),
        ("url", _PLACE),
        ("uri", _PLACE),
        ("host", "mail.shop.example"),
        ("mail", _MAIL),
        ("phone", _NUMBER),
        ("number", _NUMBER),
        ("region", "us-east-1"),
        ("signature", "Shop"),
        ("aes_key", _AES),
    ):
        if part in name:
            return [value]
    return [f"example-{name.replace('_', '-')}"]


def _plain_type(annotation: Any) -> Any:
    """The type of a field without None and without the cover of secrets."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return _plain_type(next(one for one in get_args(annotation) if one is not type(None)))
    if get_origin(annotation) is typing.Annotated:
        return _plain_type(get_args(annotation)[0])
    return str if annotation in (SecretStr, SecretBytes) else annotation


@lru_cache(maxsize=1)
def _rsa_key() -> str:
    """A fresh key that opens nothing."""
    try:
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        return "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n"
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@lru_cache(maxsize=1)
def _elliptic_key() -> str:
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        return "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n"
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def _pem(key: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()
