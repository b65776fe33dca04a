"""Accounts: each setting of every registered adapter reaches it, and the account's own stay within reach."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from recallgate import AccountConfig, Adapter, AdapterConfig, ConfigError, GatewayConfig, channels
from recallgate.adapter import Bearer
from recallgate.cli.examples import example_of
from recallgate.config import RESERVED, shadowed
from recallgate.registry import ADAPTERS, adapter_class, names

ALL = sorted(names(ADAPTERS))


class NamesakeConfig(AdapterConfig):
    """Shares names with the account."""

    dsn_password = "token"
    token: SecretStr
    callback_secret: str | None = None
    currency: str = "EUR"
    signature: str | None = None


class Namesake(Adapter):
    """An adapter whose settings are called like an account's."""

    vendor, channel = "namesake", channels.SMS
    Config = NamesakeConfig
    auth = Bearer("token")


class LostConfig(AdapterConfig):
    """`name` is the account's."""

    name: str = ""


class Lost(Namesake):
    """An adapter with a setting that no account can give it."""

    Config = LostConfig  # type: ignore[assignment] # another config than its base


@pytest.fixture
def namesake(monkeypatch: pytest.MonkeyPatch) -> type[Adapter]:
    """`namesake.sms` is known to accounts, and `lost.sms`."""
    known: dict[str, type[Adapter]] = {"namesake.sms": Namesake, "lost.sms": Lost}
    monkeypatch.setattr("recallgate.config.adapter_class", known.__getitem__)
    return Namesake


@pytest.mark.parametrize("name", ALL)
def test_every_setting_reaches_its_adapter(name: str) -> None:
    kind = adapter_class(name)
    config, _ = example_of(kind)
    defaults = {key: info.default for key, info in kind.Config.model_fields.items() if not info.is_required() and info.default}
    given: dict[str, Any] = {**defaults, **config}

    account = AccountConfig.build(name, given, name="one")

    assert account.settings == kind.Config.model_validate(given)
    assert account.settings.model_fields_set >= set(given)


@pytest.mark.parametrize("name", ALL)
def test_a_setting_with_a_name_of_the_accounts_is_the_adapters(name: str) -> None:
    kind = adapter_class(name)
    config, _ = example_of(kind)
    texts = dict.fromkeys(shadowed(kind), "namesake")

    account = AccountConfig.build(name, {**config, **texts}, name="one")

    for key, text in texts.items():
        told = getattr(account.settings, key)
        assert (told.get_secret_value() if isinstance(told, SecretStr) else told) == text
        assert getattr(account, key) == AccountConfig.model_fields[key].default


@pytest.mark.parametrize("name", ALL)
def test_no_setting_has_a_name_that_accounts_keep(name: str) -> None:
    assert not RESERVED & set(adapter_class(name).Config.model_fields)


def test_the_accounts_own_is_written_with_account_before_it(namesake: type[Adapter]) -> None:
    dsn = "namesake.sms://:TOKEN@default?callback_secret=theirs&account.callback_secret=ours&account.rate=3"

    account = AccountConfig.from_dsn(dsn)

    assert account.settings.callback_secret == "theirs"  # type: ignore[attr-defined] # a NamesakeConfig
    assert account.callback_secret == SecretStr("ours")
    assert account.rate == 3


def test_a_table_in_toml_may_hold_the_accounts_own(
    namesake: type[Adapter], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "ours")
    file = tmp_path / "recallgate.toml"
    given = 'adapter = "namesake.sms"\ntoken = "t"\ncallback_secret = "theirs"\naccount.callback_secret = "env:OURS"\n'
    file.write_text(f"[accounts.one]\n{given}")

    (account,) = GatewayConfig.from_toml(file).accounts

    assert account.settings.callback_secret == "theirs"  # type: ignore[attr-defined] # a NamesakeConfig
    assert account.callback_secret == SecretStr("ours")


def test_a_currency_is_told_to_both(namesake: type[Adapter]) -> None:
    account = AccountConfig.from_dsn("namesake.sms://:TOKEN@default?currency=GBP&unit_cost=0.04")

    assert account.settings.currency == "GBP"  # type: ignore[attr-defined] # a NamesakeConfig
    assert (account.currency, account.unit_cost) == ("GBP", Decimal("0.04"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rate": 1, "account.rate": 2}, "rate and account.rate are the same setting; keep one"),
        ({"account.colour": "red"}, "account.colour is not a setting; there are "),
        ({"account": 3}, "account: write account.rate = 1"),
        ({"colour": "red"}, "colour is not a setting"),
        ({"scheme": "http"}, "scheme is not a setting"),
    ],
)
def test_a_setting_that_is_nobodys_is_refused_by_name(namesake: type[Adapter], values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        AccountConfig.build("namesake.sms", {"token": "t", **values})

    assert words in str(refused.value)


def test_an_adapter_with_a_setting_that_accounts_keep_is_refused(namesake: type[Adapter]) -> None:
    with pytest.raises(ConfigError, match=r"'lost\.sms': its setting name can never be given"):
        AccountConfig.build("lost.sms", {})


def test_an_empty_user_is_none(namesake: type[Adapter]) -> None:
    account = AccountConfig.from_dsn("namesake.sms://:TOKEN@default")

    assert account.settings.token == SecretStr("TOKEN")  # type: ignore[attr-defined] # a NamesakeConfig


def test_a_user_that_nobody_takes_is_refused(namesake: type[Adapter]) -> None:
    with pytest.raises(ConfigError, match="takes no user or password there"):
        AccountConfig.from_dsn("namesake.sms://someone:TOKEN@default")
