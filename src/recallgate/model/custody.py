"""How long data is kept and under which keys: settings of erasure and retention, and keyed hashes."""

import hmac
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from recallgate.model.errors import ConfigError

ERASED = "{}"  # the stored form of a message whose person was erased
_Key = Annotated[SecretStr, Field(min_length=16)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ErasureSettings(_Settings):
    """`key`: a secret of at least 16 characters. Under it erased people stay known as not to be written to.

    It must never change: with another key the hashes fit nobody.
    """

    key: _Key | None = None

    def needed(self) -> bytes:
        """The key; ConfigError without one."""
        if self.key is None:
            raise ConfigError(
                'erasure.key is missing; give [erasure] key = "env:RECALLGATE_ERASURE_KEY" with 16 characters or more: '
                "under it an erased person stays known as one who is not written to"
            )
        return self.key.get_secret_value().encode()


class RetentionSettings(_Settings):
    """Messages that ended are kept for `days`, then written to the folder `archive`, or only deleted without one.

    At least 60 days: caps look back a month, and a way out of a message must work for sixty days. `page` messages are one
    transaction.
    """

    days: int = Field(ge=60, le=3650)
    archive: str | None = None
    page: int = Field(default=500, ge=1, le=5000)


def keyed(key: bytes, tenant: str, text: str) -> str:
    """A keyed hash of a text within a tenant: 128 bits as hexadecimal digits."""
    return hmac.digest(key, f"{tenant}\x1f{text}".encode(), "sha256")[:16].hex()
