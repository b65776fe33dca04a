"""Sample accounts: one for each adapter that has a face, with made-up credentials, for a sandbox without a configuration."""

from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr, ValidationError

from recallgate.adapter import AdapterConfig
from recallgate.config import AccountConfig
from recallgate.model.errors import ConfigError
from recallgate.registry import FACES, adapter_class, check_needs, names

# What a required text may have to look like: a word, a mailbox, a telephone number, a number.
_TEXTS = ("sandbox", "sandbox@sandbox.example", "+15005550006", "1000001")


def sample_accounts() -> list[AccountConfig]:
    """The accounts that can be made up, by name; adapters that need a real key pair or an extra are left out."""
    found = []
    for name in names(FACES):
        try:
            cls = adapter_class(name)
            check_needs(cls)
            settings = _sample(cls.Config)
        except ConfigError:
            continue
        if settings is not None:
            found.append(AccountConfig(name=name, adapter=name, settings=settings))
    return found


def _sample(config: type[AdapterConfig]) -> AdapterConfig | None:
    """Settings with every required field filled in; None where no made-up value will do."""
    required = [name for name, field in config.model_fields.items() if field.is_required()]
    if any(name.endswith("private_key") for name in required):
        return None
    values: dict[str, Any] = {}
    tries: dict[str, Iterator[str]] = {}
    for name in required:
        secret = config.model_fields[name].annotation is SecretStr
        tries[name] = iter((f"sandbox-{name}", *_TEXTS) if secret else _TEXTS)
        values[name] = next(tries[name])
    for _ in range(len(_TEXTS) * len(required) + 1):
        try:
            return config.model_validate(values)
        except ValidationError as exc:
            wrong = {str(error["loc"][0]) for error in exc.errors(include_input=False) if error["loc"]} & tries.keys()
            renewed = {name: value for name in wrong if (value := next(tries[name], None)) is not None}
            if not renewed:
                return None
            values |= renewed
    return None
