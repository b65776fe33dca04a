"""Where short messages are submitted by SMPP, and what this centre expects."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from recallgate import AdapterConfig, ErrorKind

_HERE = ("localhost", "127.0.0.1", "::1")


class SmppConfig(AdapterConfig):
    """A message centre and the account there.

    `base_url` of the form smpp://host:port (smpps:// for TLS) may stand for `host`, `port` and `tls`. `sender` is a number
    with a plus, a short code or a name of up to eleven characters; `source_ton` and `source_npi` replace what follows from its
    form. `bind` other than `transmitter` brings receipts and replies. `window` is how many submits may wait for an answer at
    once. `gsm7` says how the centre takes seven-bit texts, `reference_bits` how parts are numbered. `hex_ids`: the centre gives
    ids in hexadecimal and its receipts have them in decimal. `reference` tells the centre a number of ours with each message.
    `network_errors` says what the `err` codes of this centre's receipts mean.
    """

    dsn_user: ClassVar[str] = "system_id"
    dsn_password: ClassVar[str] = "password"  # noqa: S105 - the name of a field
    host: str = Field(min_length=1)
    port: int = Field(default=2775, ge=1, le=65_535)
    tls: bool = False
    ca_file: str | None = None
    system_id: str = Field(min_length=1, max_length=15, pattern=r"^[!-~]+$")
    password: SecretStr = Field(max_length=8)
    system_type: str = Field(default="", max_length=12, pattern=r"^[ -~]*$")
    sender: str | None = None
    source_ton: int | None = Field(default=None, ge=0, le=6)
    source_npi: int | None = Field(default=None, ge=0, le=18)
    bind: Literal["transceiver", "transmitter"] = "transceiver"
    window: int = Field(default=10, ge=1, le=1000)
    gsm7: Literal["unpacked", "packed"] = "unpacked"
    reference_bits: Literal[8, 16] = 8
    max_parts: int = Field(default=10, ge=1, le=255)
    hex_ids: bool = False
    reference: bool = False
    network_errors: Mapping[str, ErrorKind] = Field(default_factory=dict)
    answer_s: float = Field(default=20.0, gt=0)
    enquire_s: float = Field(default=30.0, gt=0)
    throttled_s: float = Field(default=5.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _place(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("base_url"):
            return values
        values = dict(values)
        try:
            parts = urlsplit(str(values["base_url"]))
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host:
            raise ValueError("base_url: write smpp://host:port")
        values.setdefault("host", host)
        if port:
            values.setdefault("port", port)
        if parts.scheme == "smpps":
            values.setdefault("tls", True)
        return values

    @property
    def here(self) -> bool:
        """Whether the centre is this machine."""
        return self.host in _HERE
