"""Where and how mail is submitted: one account at one server."""

from email.utils import parseaddr
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from recallgate import AdapterConfig, AdapterOptions

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_HERE = ("localhost", "127.0.0.1", "::1")


class SmtpConfig(AdapterConfig):
    """A submission server and the sender.

    `base_url` of the form smtp://host:port (smtps:// for TLS from the start) may stand for `host` and `port`. `security`
    is `starttls` (required, never skipped), `tls` or `none`; a password goes over `none` to this machine only. `sender` is
    the From header, `envelope_sender` where bounces go (default: the sender's address). `feedback_id` is the sender's
    name in Feedback-ID. `timeout_s` is for each command; `ca_file` replaces the system's certificate authorities.
    """

    dsn_user: ClassVar[str] = "username"
    dsn_password: ClassVar[str] = "password"  # noqa: S105 - the name of a field
    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65_535)
    username: str | None = None
    password: SecretStr | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str
    envelope_sender: str | None = None
    reply_to: str | None = None
    message_id_domain: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]+$")
    list_id: str | None = None
    unsubscribe_mailto: str | None = None
    feedback_id: str | None = None
    max_connections: int = Field(default=8, ge=1, le=200)
    timeout_s: float = Field(default=20.0, gt=0)
    ca_file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _place(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = dict(values)
        if values.get("base_url"):
            try:
                parts = urlsplit(str(values["base_url"]))
                host, port = parts.hostname, parts.port
            except ValueError:
                host = port = None
            if not host:
                raise ValueError("base_url: write smtp://host:port")
            values.setdefault("host", host)
            if port:
                values.setdefault("port", port)
            if parts.scheme == "smtps":
                values.setdefault("security", "tls")
        if str(values.get("port", "")) == "465":
            values.setdefault("security", "tls")
        values.setdefault("port", _PORTS.get(str(values.get("security", "starttls")), 0))
        return values

    @field_validator("sender", "envelope_sender", "reply_to", "unsubscribe_mailto")
    @classmethod
    def _is_mailbox(cls, value: str | None) -> str | None:
        if value is not None:
            address = parseaddr(value)[1]
            if "@" not in address.strip("@") or not value.isprintable() or " " in address:
                raise ValueError("write name@domain or Name <name@domain>")
        return value

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> "SmtpConfig":
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password: give both or neither")
        if self.username is not None and self.security == "none" and self.host not in _HERE:
            raise ValueError("security: none would send the password in clear; use starttls or tls")
        return self


class SmtpOptions(AdapterOptions):
    """`unsubscribe_url`: the https address for one-click unsubscribe, where the content has no such header."""

    unsubscribe_url: str | None = Field(default=None, pattern=r"^https://[!-;=?-~]+$")
