"""Settings: accounts from a DSN, a TOML file or the environment; one error names the field and the remedy."""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from recallgate.adapter import AdapterClass, AdapterConfig
from recallgate.model.custody import ErasureSettings, RetentionSettings
from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.model.sealing import EncryptionSettings
from recallgate.policies.settings import TABLES, RuleSettings, rule_tables
from recallgate.registry import adapter_class

_TABLES = ("erasure", "retention", "encryption")
Windows = tuple[tuple[tuple[int, ...], str, str], ...]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AccountConfig(_Settings):
    """One configured adapter: what it is called, how it is reached, how much it may carry.

    `rate` is messages a second, `concurrency` requests in flight, `order` the place in failover (lowest first), `weight` its
    share of the messages beside those of others in the same place (an account without one only stands in), `deadline_s` the
    whole time one call may take. `reports`: `poll` asks the vendor what became of each message, `auto` does so where it tells
    nothing by itself and can be asked, `none` never. `open_regions` lists region blocks that this account has lifted;
    `countries` restricts it (empty: all). `transport`: `lanes`, or `fast` with the extra of that name, which takes half the CPU
    and is not seen by respx's default mocker. `proxy`: the address of an HTTP proxy; without one, what HTTPS_PROXY, HTTP_PROXY
    and NO_PROXY say. `reputation`: a name shared by accounts that send under one domain or signature, whose
    complaints and bounces are counted together. `unit_cost` is what one part, call or message costs, in units of `currency`.
    """

    name: str = Field(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_.-]+$")
    adapter: str
    settings: AdapterConfig
    rate: float | None = Field(default=None, gt=0)
    burst: int = Field(default=1, ge=1)
    concurrency: int = Field(default=50, ge=1, le=10_000)
    order: int = 0
    weight: int | None = Field(default=None, ge=1)
    countries: frozenset[str] = frozenset()
    reputation: str | None = None
    open_regions: frozenset[str] = frozenset()
    deadline_s: float = Field(default=30.0, gt=0)
    reports: Literal["auto", "poll", "none"] = "auto"
    transport: Literal["lanes", "fast"] = "lanes"
    proxy: SecretStr | None = None
    unit_cost: Decimal = Field(default=Decimal(0), ge=0)
    currency: str = "USD"
    signature: str | None = None
    signature_last: bool = False
    optout_suffix: str | None = None
    callback_secret: SecretStr | None = None

    @field_validator("proxy")
    @classmethod
    def _is_http(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("write http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ where it asks for them")
        return value

    @property
    def cls(self) -> AdapterClass:
        return adapter_class(self.adapter)

    @classmethod
    def build(cls, adapter: str, values: Mapping[str, Any], *, name: str | None = None) -> "AccountConfig":
        """An account from flat values: the adapter's settings, and the rest for the account.

        A name that both have is the adapter's, and `account.NAME` the account's; `currency` is told to both.
        Raises ConfigError where the adapter's config has a name that it can never be given (`RESERVED`).
        """
        kind = adapter_class(adapter)
        where = f"account {name or adapter}"
        own, settings = _divided(adapter, kind, values, where)
        also = tuple(sorted(_OWN))
        whole = {
            **own,
            "name": name or values.get("name") or adapter,
            "adapter": adapter,
            "settings": _validated(kind.Config, settings, where, also=also),
        }
        return _validated(cls, whole, where)

    @classmethod
    def from_dsn(cls, dsn: str, *, name: str | None = None) -> "AccountConfig":
        """`vendor.channel://USER:PASSWORD@default?key=value`; percent-encoded, a plus is a plus.

        The host `default` keeps the vendor's own address; any other replaces it, with https unless `?scheme=http`.
        """
        parts = urlsplit(dsn)
        if not parts.scheme or "://" not in dsn:
            raise ConfigError("dsn: write vendor.channel://USER:PASSWORD@default?key=value")
        kind = adapter_class(parts.scheme)
        values: dict[str, Any] = {}
        for pair in filter(None, parts.query.split("&")):
            key, _, value = pair.partition("=")
            if unquote(key) in values:
                raise ConfigError(f"dsn: {unquote(key)} is given twice; keep one")
            values[unquote(key)] = unquote(value)
        for field, text in ((kind.Config.dsn_user, parts.username), (kind.Config.dsn_password, parts.password)):
            if text:  # in `vendor.channel://:TOKEN@default` the user is there, and empty
                if not field:
                    raise ConfigError(f"dsn: {parts.scheme} takes no user or password there; give its settings in the query")
                values[field] = unquote(text)
        scheme = values.pop("scheme", "https")
        if parts.hostname and parts.hostname != "default":
            port = f":{parts.port}" if parts.port else ""
            values["base_url"] = f"{scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"
        return cls.build(parts.scheme, values, name=name)


RESERVED = frozenset({"name", "adapter", "dsn", "scheme", "account"})  # keys of an account that no adapter is given
_SHARED = frozenset({"currency"})
_OWN = frozenset(AccountConfig.model_fields) - {"name", "adapter", "settings"}


def shadowed(kind: AdapterClass) -> tuple[str, ...]:
    """Names that adapter and account both have: the adapter's are written plainly, the account's as `account.NAME`."""
    return tuple(sorted((_OWN - _SHARED) & set(kind.Config.model_fields)))


def _divided(adapter: str, kind: AdapterClass, values: Mapping[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The account's values and the adapter's."""
    theirs = set(kind.Config.model_fields)
    if lost := sorted(theirs & RESERVED):
        raise ConfigError(f"adapter {adapter!r}: its setting {lost[0]} can never be given, since accounts keep it; rename it")
    nested = values.get("account", {})  # TOML reads account.rate = 1 as a table
    if not isinstance(nested, Mapping):
        raise ConfigError(f"{where}: account: write account.rate = 1, or a table of the account's own settings")
    marked = {key.removeprefix("account."): value for key, value in values.items() if key.startswith("account.")} | dict(nested)
    plain = {
        key: value
        for key, value in values.items()
        if key not in ("name", "adapter", "account") and not key.startswith("account.")
    }
    own = {key: value for key, value in plain.items() if key in _OWN and (key not in theirs or key in _SHARED)}
    if twice := sorted(marked.keys() & own.keys() - theirs):
        raise ConfigError(f"{where}: {twice[0]} and account.{twice[0]} are the same setting; keep one")
    if strange := sorted(marked.keys() - _OWN):
        raise ConfigError(f"{where}: account.{strange[0]} is not a setting; there are {', '.join(sorted(_OWN))}")
    settings = {key: value for key, value in plain.items() if key in theirs or key not in _OWN}
    return own | marked, settings


class GatewayConfig(RuleSettings):
    """Everything a gateway needs: its accounts, where it stores, where vendors and people reach it.

    `store`: `sqlite:///path` or `sqlite://` (memory). `public_url`: where callbacks and links are served; without it no
    callbacks are asked for and links are left as they are. `link_domain` replaces it in short links. `link_hosts`, when set, are
    the only hosts (and their subdomains) that short links lead to; other links are left as they are. `tenant_windows`:
    further allowed hours, `[[days], "HH:MM", "HH:MM"]`. `engine` runs the workers, each with `concurrency` messages of a lane in
    flight; a worker that dies keeps what it was sending for `lease_s`. `report_wait_s`: for how long a report settles what was
    perhaps sent. `routing`: among accounts in the same place, `delivered_ratio` prefers the one that delivered more lately.
    `high_mark`: with more due messages of a channel than this, campaigns prepare no further ones until vendors have taken some.
    `global_holdout_bp`: share in 1/100 percent kept from all marketing. `erasure`, `retention` and `encryption` say under which
    key erased people are known, how long messages are kept, and with which keys their contents are sealed. What holds for
    messages is told by `RuleSettings`.
    """

    tenant: str = "default"
    store: str | None = None
    public_url: str | None = None
    link_domain: str | None = None
    link_hosts: frozenset[str] = frozenset()
    secret: SecretStr | None = Field(default=None, min_length=16)
    accounts: tuple[AccountConfig, ...] = ()
    tenant_zone: str | None = None
    country_zones: Mapping[str, str] = Field(default_factory=dict)
    tenant_windows: Windows = ()
    guard_minutes: int = Field(default=5, ge=0, le=120)
    jitter_minutes: int = Field(default=30, ge=0, le=720)
    global_holdout_bp: int = Field(default=0, ge=0, le=10_000)
    global_holdout_salt: str = "holdout.global:1"
    report_wait_s: float = Field(default=900.0, gt=0)
    routing: Literal["order", "delivered_ratio"] = "order"
    engine: Literal["embedded", "pgqueuer"] = "embedded"
    concurrency: int = Field(default=1000, ge=1, le=100_000)
    lease_s: float = Field(default=60.0, ge=1)
    max_attempts: int = Field(default=6, ge=1, le=50)
    high_mark: int = Field(default=100_000, ge=1)
    erasure: ErasureSettings = ErasureSettings()
    retention: RetentionSettings | None = None
    encryption: EncryptionSettings | None = None

    @field_validator("public_url", "link_domain")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, starting with https://")
        return value.rstrip("/") if value else value

    @property
    def guard(self) -> timedelta:
        return timedelta(minutes=self.guard_minutes)

    @classmethod
    def from_toml(cls, path: str | Path) -> "GatewayConfig":
        """Read `[gateway]`, `[accounts.NAME]` and the tables of rules; a value `env:NAME` is taken from the environment."""
        file = Path(path)
        if not file.exists():
            raise ConfigError(f"config: {file} does not exist; make one with `recallgate init`")
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as exc:
            raise ConfigError(f"config: {file} is not TOML: {exc}") from exc
        return cls.from_mapping(data, source=str(file))

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], *, source: str = "config") -> "GatewayConfig":
        unknown = set(data) - {"gateway", "accounts", *_TABLES, *TABLES}
        if unknown:
            raise ConfigError(
                f"{source}: unknown table [{sorted(unknown)[0]}]; there are [gateway], [accounts.NAME], [rules.ROW], [holidays], "
                "[erasure], [retention], [encryption], [words.LIST] and [policies.NAME]"
            )
        accounts = []
        for name, raw in data.get("accounts", {}).items():
            values = {key: _from_environment(value, f"accounts.{name}.{key}") for key, value in raw.items()}
            if "dsn" in values:
                accounts.append(AccountConfig.from_dsn(values["dsn"], name=name))
                continue
            if "adapter" not in values:
                raise ConfigError(f"{source}: accounts.{name}.adapter is missing; name one of `recallgate adapters list`")
            accounts.append(AccountConfig.build(values.pop("adapter"), values, name=name))
        gateway = {key: _from_environment(value, f"gateway.{key}") for key, value in data.get("gateway", {}).items()}
        custody = {name: _from_environment(data[name], name) for name in _TABLES if name in data}
        return _validated(cls, {**gateway, **custody, **rule_tables(data, source), "accounts": tuple(accounts)}, source)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "GatewayConfig":
        """`RECALLGATE_CONFIG` (a TOML file), or `RECALLGATE_STORE`, `RECALLGATE_PUBLIC_URL`, `RECALLGATE_ACCOUNT_NAME=dsn`;
        `RECALLGATE_ERASURE_KEY` is `[erasure] key`."""
        if "RECALLGATE_CONFIG" in environ:
            return cls.from_toml(environ["RECALLGATE_CONFIG"])
        prefix = "RECALLGATE_ACCOUNT_"
        accounts = {
            key[len(prefix) :].lower(): {"dsn": value} for key, value in sorted(environ.items()) if key.startswith(prefix)
        }
        fields = {"RECALLGATE_STORE": "store", "RECALLGATE_PUBLIC_URL": "public_url", "RECALLGATE_SECRET": "secret"}
        gateway = {field: environ[key] for key, field in fields.items() if key in environ}
        tables: dict[str, Any] = {"gateway": gateway, "accounts": accounts}
        if "RECALLGATE_ERASURE_KEY" in environ:
            tables["erasure"] = {"key": environ["RECALLGATE_ERASURE_KEY"]}
        return cls.from_mapping(tables, source="environment")


def parse_message(data: Mapping[str, Any] | str | bytes, *, source: str = "message") -> Message:
    """A message from JSON or a mapping; ConfigError names the field."""
    try:
        return Message.model_validate_json(data) if isinstance(data, (str, bytes)) else Message.model_validate(data)
    except ValidationError as exc:
        raise ConfigError(explain_fault(exc, source)) from None


def explain_fault(exc: ValidationError, where: str, *, known: tuple[str, ...] = ()) -> str:
    """The first fault of a validation, as field and remedy, without the value (it may be a secret)."""
    fault = exc.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in fault["loc"]) or "value"
    if fault["type"] == "extra_forbidden":
        return f"{where}: {field} is not a setting; there are {', '.join(known)}" if known else f"{where}: {field} is not known"
    if fault["type"] == "missing":
        return f"{where}: {field} is missing"
    return f"{where}: {field}: {fault['msg'].removeprefix('Value error, ')}"


_M = TypeVar("_M", bound=BaseModel)


def _validated(model: type[_M], values: Mapping[str, Any], where: str, *, also: tuple[str, ...] = ()) -> _M:
    try:
        return model.model_validate(dict(values))
    except ValidationError as exc:
        raise ConfigError(explain_fault(exc, where, known=(*sorted(model.model_fields), *also))) from None


def _from_environment(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _from_environment(one, f"{where}.{key}") for key, one in value.items()}
    if isinstance(value, str) and value.startswith("env:"):
        name = value[4:]
        if name not in os.environ:
            raise ConfigError(f"{where}: the environment variable {name} is not set")
        return os.environ[name]
    return value
