"""Sealed values: texts encrypted with AES-GCM, the id of their key beside them; and the ring of keys."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from recallgate.model.custody import keyed
from recallgate.model.errors import ConfigError, StoreError

_SEALED = '{"sealed":'  # sealed values are JSON, too, since columns are read as such
_NONCE = 12
_SIZE = 32


class Damaged(StoreError):  # noqa: N818 - reads as what happened
    """A sealed value that its own key does not open: it was changed, or belongs to another row."""


class EncryptionSettings(BaseModel):
    """`keys`: 32 bytes in base64 by their id, `current` the id of the one that new values are sealed with.

    `file` is read for further keys, one `id = base64` a line. Older keys stay until `recallgate encryption rotate` is through.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    current: str = Field(min_length=1, max_length=32, pattern=r"^[a-zA-Z0-9_.-]+$")
    keys: Mapping[str, SecretStr] = Field(default_factory=dict)
    file: str | None = None

    def ring(self) -> "KeyRing":
        """The keys, read and checked; raises ConfigError."""
        texts = {name: key.get_secret_value() for name, key in self.keys.items()}
        if self.file is not None:
            texts |= _read(Path(self.file))
        return KeyRing(self.current, {name: _key(name, text) for name, text in texts.items()})


class KeyRing:
    """Seals with the current key, opens with any. Needs the extra `encryption`."""

    def __init__(self, current: str, keys: Mapping[str, bytes]) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise ConfigError("encryption: it needs the extra encryption: pip install 'recallgate[encryption]'") from None
        if current not in keys:
            raise ConfigError(f"encryption.current: there is no key {current!r} in encryption.keys")
        self.current = current
        self._wrong = InvalidTag
        self._keys = dict(keys)
        self._ciphers: dict[str, Any] = {name: AESGCM(key) for name, key in keys.items()}
        self.head = f'{_SEALED}"{current}",'  # how values begin that need no rotation

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current!r}, keys={sorted(self._keys)})"

    def seal(self, text: str, bound: str) -> str:
        """The text under the current key; `bound` says whose it is, and must be the same to open it."""
        nonce = os.urandom(_NONCE)
        made = self._ciphers[self.current].encrypt(nonce, text.encode(), bound.encode())
        return f'{self.head}"data":"{base64.b64encode(nonce + made).decode()}"}}'

    def open(self, text: str, bound: str) -> str:
        """The text behind a sealed value; one that is not sealed is answered as it is. Raises StoreError for a wrong key."""
        if not text.startswith(_SEALED):
            return text
        try:
            told = json.loads(text)
            name, data = told["sealed"], base64.b64decode(told["data"])
        except (ValueError, KeyError):
            raise Damaged("encryption: a sealed value is damaged") from None
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise StoreError(f"encryption: the key {name!r} is missing; give it in [encryption] keys until all is rotated")
        try:
            return bytes(cipher.decrypt(data[:_NONCE], data[_NONCE:], bound.encode())).decode()
        except self._wrong:
            raise Damaged(f"encryption: the key {name!r} is not the one that the value was sealed with") from None

    def marks(self, tenant: str) -> dict[str, str]:
        """For each key id what tells the key from another, and gives nothing of it away."""
        return {name: keyed(key, tenant, "key") for name, key in self._keys.items()}


def new_key() -> str:
    """A new key in base64."""
    return base64.b64encode(os.urandom(_SIZE)).decode()


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != _SIZE:
        raise ConfigError(f"encryption.keys.{name}: not 32 bytes in base64; make one with `recallgate encryption new-key`")
    return key


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise ConfigError(f"encryption.file: there is no file {path}")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    if any("=" not in line for line in lines):
        raise ConfigError("encryption.file: write one key a line, as id = base64")
    return {name.strip(): key.strip() for name, _, key in (line.partition("=") for line in lines)}
