"""The content of a way: a mapping with `{{ name }}` variables, turned into the content model of the channel.

Short forms: sms, wecom and robot `{"text"}`; voice `{"say": "…"}`; push `{"title", "body"}`; email `{"subject", "text"}`;
inapp `{"body"}`; worklist `{"title", "script"}`. A key `type` names any other content of the channel.
"""

from collections.abc import Callable, Mapping
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


class Wording:
    """The content of a way, read once: `names` are the variables that it asks for, and a call fills them in.

    Raises ConfigError that names the channel when a template is malformed or lacks a variable.
    """

    def __init__(self, way: Way) -> None:
        self.way = way
        self.names = variables_in(way)
        self._fill = _filler(_shaped(way))

    def __call__(self, variables: Mapping[str, object]) -> Any:
        """The filled content as plain data, which its model has still to accept."""
        try:
            return self._fill(variables)
        except TemplateError as fault:
            raise ConfigError(f"way: the content for {self.way.channel}: {fault}") from None

    def content(self, variables: Mapping[str, object]) -> Content:
        """The filled content; raises ConfigError that names the field at fault."""
        way = self.way
        channel = BUILT_IN.get(way.channel)
        try:
            content = _adapter().validate_python(self(variables))
        except ValidationError as fault:
            first = fault.errors(include_input=False, include_context=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"way: the content for {way.channel} is wrong at {where}: {first['msg']}") from None
        if channel is not None and content.type not in channel.contents:
            raise ConfigError(
                f"way: channel {way.channel} takes content of type {' or '.join(channel.contents)}, not {content.type}"
            )
        return content


def content_of(way: Way, variables: Mapping[str, object]) -> Content:
    """The content with its variables filled in; raises ConfigError that names the channel and the field at fault."""
    return Wording(way).content(variables)


def variables_in(way: Way) -> frozenset[str]:
    """The names that the texts of a way ask for."""
    try:
        return frozenset(name for text in _texts(way.content) for name in variables_of(text))
    except TemplateError as fault:
        raise ConfigError(f"way: the content for {way.channel}: {fault}") from None


def check_way(way: Way) -> None:
    """Raise ConfigError when the content does not fit the channel, whatever the variables turn out to be."""
    content_of(way, dict.fromkeys(variables_in(way), "x"))


def _shaped(way: Way) -> dict[str, Any]:
    """The content with its type, short forms written out."""
    channel = BUILT_IN.get(way.channel)
    if channel is None and "type" not in way.content:
        raise ConfigError(f"way: channel {way.channel!r} is none of the built-in ones; give the content a type")
    shaped = {"type": channel.contents[0] if channel else None, **way.content}
    if isinstance(shaped.get("say"), str):
        shaped["say"] = ({"type": "say", "text": shaped["say"]},)
    return shaped


@cache
def _adapter() -> TypeAdapter[Content]:
    return TypeAdapter(Content)


_Fill = Callable[[Mapping[str, object]], Any]


def _filler(value: object) -> _Fill:
    """What fills in a value: parts without variables are taken over as they are."""
    if not _asks(value):
        return lambda variables: value
    match value:
        case str():
            return lambda variables: render(value, variables)
        case Mapping():
            asking = [(key, _filler(item)) for key, item in value.items() if _asks(item)]
            return lambda variables: {**value, **{key: fill(variables) for key, fill in asking}}
        case list() | tuple():
            items = [_filler(item) for item in value]
            return lambda variables: tuple(fill(variables) for fill in items)
        case _:
            raise AssertionError("only texts, mappings and lists hold variables")


def _asks(value: object) -> bool:
    """True when a text in it has something to fill in (or is malformed, which filling in will say)."""
    return any("{{" in text or "}}" in text for text in _texts(value))


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
