"""The gateway that a command works with: from a TOML file, a DSN, a store's address, or the environment."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from recallgate.model.errors import ConfigError

if TYPE_CHECKING:
    from recallgate.config import GatewayConfig
    from recallgate.gateway import Gateway

_T = TypeVar("_T")
ConfigOption = Annotated[str | None, typer.Option("--config", metavar="TOML", help="Settings; else the environment's.")]
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="The store, such as sqlite:///recallgate.sqlite.")
]
DsnOption = Annotated[
    str | None, typer.Option("--dsn", metavar="DSN", help="One account; env:NAME takes it from the environment, out of sight.")
]


def settings_of(config: str | None) -> "GatewayConfig":
    """The settings of a TOML file, else of the environment."""
    from recallgate.config import GatewayConfig

    return GatewayConfig.from_toml(config) if config is not None else GatewayConfig.from_environment()


def gateway_of(
    config: str | None = None,
    *,
    store: str | None = None,
    dsn: str | None = None,
    memory: bool = False,
    engine: str | None = None,
    concurrency: int | None = None,
) -> "Gateway":
    """A gateway, not yet open. `memory` allows one without a store; a store in a file must exist, unless settings name it."""
    from recallgate.engines.choose import engine_named
    from recallgate.gateway import Gateway

    settings = settings_of(config)
    if engine is not None:
        settings = settings.model_copy(update={"engine": engine_named(engine).name})
    if concurrency is not None:
        settings = settings.model_copy(update={"concurrency": concurrency})
    address = store or settings.store
    if address is None:
        if not memory:
            raise ConfigError("store: none is named; give --store sqlite:///path, or --config with gateway.store")
        address = "sqlite://"
    if store is not None and not memory:
        check_file(store)
    return Gateway(*([] if dsn is None else [_dsn(dsn)]), config=settings, store=address)


def check_file(store: str) -> None:
    """Raise ConfigError for a store in a file that is not there: a misspelt path must not become an empty store."""
    path = store.removeprefix("sqlite:///")
    if path != store and path not in ("", ":memory:") and not Path(path).is_file():
        raise ConfigError(f"store: there is no file {path}; check the address, or make it with `recallgate db upgrade`")


def with_gateway(gateway: "Gateway", work: Callable[["Gateway"], Awaitable[_T]]) -> _T:
    """Open the gateway, do the work, close it."""

    async def run() -> _T:
        async with gateway:
            return await work(gateway)

    return asyncio.run(run())


def verdict_words(told: dict[str, Any]) -> str:
    """A decision as a sentence."""
    until = f" until {told['until']}" if told.get("until") else ""
    return f"The message {told['summary']}{until}."


def _dsn(text: str) -> str:
    if not text.startswith("env:"):
        return text
    name = text.removeprefix("env:")
    if name not in os.environ:
        raise ConfigError(f"dsn: the environment variable {name} is not set")
    return os.environ[name]
