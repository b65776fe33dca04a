"""JSON Schemas of an adapter: its config, and messages limited to its channel."""

from typing import Any

from recallgate.adapter import AdapterClass
from recallgate.model.message import Message

_REFERENCE = "#/$defs/"


def config_schema(cls: AdapterClass) -> dict[str, Any]:
    """The settings as JSON Schema; secrets are `writeOnly`."""
    return cls.Config.model_json_schema(mode="validation")


def message_schema(cls: AdapterClass) -> dict[str, Any]:
    """The message with the channel's addresses and contents only, and this adapter's options."""
    schema = Message.model_json_schema(mode="validation")
    properties: dict[str, Any] = schema["properties"]
    properties["channel"] = {"const": cls.channel.name, "title": "Channel", "type": "string"}
    properties["to"] = _limited(properties["to"], cls.channel.addresses)
    properties["content"] = _limited(properties["content"], cls.channel.contents)
    options = cls.Options.model_json_schema(mode="validation")
    nested: dict[str, Any] = options.pop("$defs", {})
    schema["$defs"] |= nested
    properties["options"] = {
        "title": "Options",
        "type": "object",
        "properties": {cls.adapter_name(): options},
        "additionalProperties": {"type": "object"},
    }
    schema["$defs"] = _used(schema)
    return schema


def _limited(union: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The alternatives of a tagged union that the channel takes."""
    mapping: dict[str, str] = union["discriminator"]["mapping"]
    kept = {name: mapping[name] for name in names if name in mapping}
    return {
        **union,
        "discriminator": {**union["discriminator"], "mapping": kept},
        "oneOf": [{"$ref": reference} for reference in kept.values()],
    }


def _used(schema: dict[str, Any]) -> dict[str, Any]:
    """The definitions that are still referred to."""
    found: dict[str, Any] = {}
    waiting = [value for name, value in schema.items() if name != "$defs"]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            name = str(one.get("$ref", "")).removeprefix(_REFERENCE)
            if name and name in schema["$defs"] and name not in found:
                found[name] = schema["$defs"][name]
                waiting.append(found[name])
            waiting += one.values()
    return {name: found[name] for name in sorted(found)}
