"""The content of a way: a mapping with `{{ name }}` variables, turned into the content model of the channel.

Short forms: sms, wecom and robot `{"text"}`; voice `{"say": "…"}`; push `{"title", "body"}`; email `{"subject", "text"}`;
inapp `{"body"}`; worklist `{"title", "script"}`. A key `type` names any other content of the channel.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from recallgate.model.channels import BUILT_IN
from recallgate.model.content import Content
from recallgate.model.errors import ConfigError
from recallgate.recall.steps import Way
from recallgate.text.template import TemplateError, render, variables_of

# What plays can count on beside the person's own fields.
VARIABLES = frozenset({"price", "code", "link", "brand", "name", "offer", "value"})


def content_of(way: Way, variables: Mapping[str, object]) -> Content:
    """The content with its variables filled in; raises ConfigError that names the channel and the field at fault."""
    try:
        filled = _filled(way.content, variables)
    except TemplateError as fault:
        raise ConfigError(f"way: the content for {way.channel}: {fault}") from None
    return _read(way, filled)


def variables_in(way: Way) -> frozenset[str]:
    """The names that the texts of a way ask for."""
    try:
        return frozenset(name for text in _texts(way.content) for name in variables_of(text))
    except TemplateError as fault:
        raise ConfigError(f"way: the content for {way.channel}: {fault}") from None


def check_way(way: Way) -> None:
    """Raise ConfigError when the content does not fit the channel, whatever the variables turn out to be."""
    content_of(way, dict.fromkeys(variables_in(way), "x"))


def _read(way: Way, data: Any) -> Content:
    channel = BUILT_IN.get(way.channel)
    if channel is None and "type" not in data:
        raise ConfigError(f"way: channel {way.channel!r} is none of the built-in ones; give the content a type")
    shaped = {"type": channel.contents[0] if channel else None, **data}
    if isinstance(shaped.get("say"), str):
        shaped["say"] = ({"type": "say", "text": shaped["say"]},)
    try:
        content = _adapter().validate_python(shaped)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_context=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"way: the content for {way.channel} is wrong at {where}: {first['msg']}") from None
    if channel is not None and content.type not in channel.contents:
        raise ConfigError(f"way: channel {way.channel} takes content of type {' or '.join(channel.contents)}, not {content.type}")
    return content


@cache
def _adapter() -> TypeAdapter[Content]:
    return TypeAdapter(Content)


def _filled(value: object, variables: Mapping[str, object]) -> Any:
    match value:
        case str():
            return render(value, variables)
        case Mapping():
            return {key: _filled(item, variables) for key, item in value.items()}
        case list() | tuple():
            return tuple(_filled(item, variables) for item in value)
        case _:
            return value


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case Mapping():
            return [text for item in value.values() for text in _texts(item)]
        case list() | tuple():
            return [text for item in value for text in _texts(item)]
        case _:
            return []
