"""The definition of a value as JSON-able data, and the short hash by which two versions are told apart."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum

from recallgate.model.errors import ConfigError


def definition_of(value: object) -> object:
    """A frozen value as dicts, lists and plain values; a dataclass names itself under `is`.

    Codes of a pool are left out: they are worth money. Spans are seconds, times ISO 8601.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case timedelta():
            return value.total_seconds()
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): definition_of(value[key]) for key in sorted(value, key=str)}
        case frozenset() | set():
            return sorted((definition_of(item) for item in value), key=str)
        case tuple() | list():
            return [definition_of(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            shown = {item.name: definition_of(getattr(value, item.name)) for item in fields(value) if item.name != "pool"}
            return {"is": type(value).__name__, **shown}
        case _:
            raise ConfigError(f"a {type(value).__name__} cannot be part of a definition")


def version_of(definition: object) -> str:
    """Twelve hex digits that change with anything in the definition."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]
