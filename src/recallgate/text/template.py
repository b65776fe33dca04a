"""Filling in a text: `{{ name }}` and four filters. Nothing is executed, and what is filled in is never read again."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

MAX_OUTPUT = 20_000
_NAME = re.compile(r"\s*([^\W\d]\w*(?:\.\w+)*)\s*")
_FILTER = re.compile(r"\|\s*(\w+)\s*(?:\(\s*(?:\"([^\"]*)\"|'([^']*)')\s*\))?\s*")
_PLAIN: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower, "trim": str.strip}
_KNOWN = (*_PLAIN, "default")


class TemplateError(ValueError):
    """The template is malformed, lacks a variable, or grows too long. Never repeats a value."""


def render(template: str, variables: Mapping[str, object]) -> str:
    """The template with its variables filled in; filters: upper, lower, trim, default("text").

    A variable that is missing, None or empty takes its default; without one, missing and None raise `TemplateError`,
    which names the variable. At most 20 000 characters come out.
    """
    out, size = [], 0
    for piece, filters in _pieces(template):
        if filters is None:
            text = piece
        elif filters or type(found := variables.get(piece)) is not str:
            text = _value(piece, filters, variables)
        else:
            text = found
        size += len(text)
        if size > MAX_OUTPUT:
            raise TemplateError(f"template: the text grows over {MAX_OUTPUT} characters")
        out.append(text)
    return "".join(out)


def variables_of(template: str) -> tuple[str, ...]:
    """The names that the template fills in, in order of first use; raises `TemplateError` when it is malformed."""
    return tuple(dict.fromkeys(piece for piece, filters in _pieces(template) if filters is not None))


_Filters = list[tuple[str, str | None]]


@lru_cache(maxsize=1024)
def _pieces(template: str) -> tuple[tuple[str, _Filters | None], ...]:
    """Literal texts (filters None) and variables (name, filters), in order; a template is read once."""
    pieces: list[tuple[str, _Filters | None]] = []
    at = 0
    while (begin := template.find("{{", at)) >= 0:
        if "}}" in template[at:begin]:
            raise TemplateError(f"template: stray }}}} before position {begin}")
        pieces.append((template[at:begin], None))
        name, filters, at = _expression(template, begin)
        pieces.append((name, filters))
    if "}}" in template[at:]:
        raise TemplateError(f"template: stray }}}} after position {at}")
    pieces.append((template[at:], None))
    return tuple(pieces)


def _expression(template: str, begin: int) -> tuple[str, _Filters, int]:
    named = _NAME.match(template, begin + 2)
    if named is None:
        raise TemplateError(f"template: no variable name at position {begin + 2}")
    filters: _Filters = []
    at = named.end()
    while (filtered := _FILTER.match(template, at)) is not None:
        kind = filtered[1]
        argument = filtered[2] if filtered[2] is not None else filtered[3]
        if kind not in _KNOWN:
            raise TemplateError(f"template: filter {kind} of {named[1]} is unknown; there are {', '.join(_KNOWN)}")
        if (kind == "default") != (argument is not None):
            raise TemplateError(
                f'template: filter {kind} of {named[1]}; default takes a quoted text: default("…"), the others nothing'
            )
        filters.append((kind, argument))
        at = filtered.end()
    if not template.startswith("}}", at):
        raise TemplateError(f"template: {named[1]} is not followed by filters and }}}} at position {at}")
    return named[1], filters, at + 2


def _value(name: str, filters: _Filters, variables: Mapping[str, object]) -> str:
    found = variables.get(name)
    if found is None and not any(kind == "default" for kind, _ in filters):
        state = "is None" if name in variables else "is missing"
        raise TemplateError(f"template: variable {name} {state}")
    text = "" if found is None else str(found)
    for kind, argument in filters:
        text = (text or argument or "") if kind == "default" else _PLAIN[kind](text)
    return text
