"""The ground of the conformance kit: what a contract is told, and what its cases are made of."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr, ValidationError

from recallgate.adapter import Adapter, AdapterConfig, Tools
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.testing.exchanges import NOW, load_table, message_of, rows, tools_of

UNREADABLE: Mapping[str, bytes] = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><body>Welcome to the hotel network</body></html>",
    "list": b"[]",
    "null": b"null",
    "number": b"42",
    "empty_object": b"{}",
    "cut_off": b'{"id": "12',
    "not_utf8": b"\xff\xfe\x00{",
    "oversized": b"x" * 2_000_000,
}
HTTP_FAULTS = {
    401: ErrorKind.AUTH,
    403: ErrorKind.AUTH,
    408: ErrorKind.UNCERTAIN,
    429: ErrorKind.RATE_LIMITED,
    500: ErrorKind.UNCERTAIN,
    502: ErrorKind.UNCERTAIN,
    503: ErrorKind.UNAVAILABLE,
    504: ErrorKind.UNCERTAIN,
}
FAULT_BODIES = {"empty": b"", "html": UNREADABLE["html"], "object": b"{}", "list": b"[1]"}
RETRY_AFTER: Mapping[str, tuple[str | None, timedelta | None]] = {
    "absent": (None, None),
    "seconds": ("30", timedelta(seconds=30)),
    "date": (format_datetime(NOW + timedelta(minutes=2), usegmt=True), timedelta(minutes=2)),
    "past": (format_datetime(NOW - timedelta(minutes=2), usegmt=True), None),
    "garbage": ("soon", None),
}
_SECTIONS = {
    "request_row": "requests",
    "answer_row": "answers",
    "callback_row": "callbacks",
    "batch_row": "batches",
    "lookup_row": "lookups",
}
NEW_CODE = "98765"


class Contract:
    """Settings and helpers of the cases; `AdapterContract` puts them together.

    `config` and `message` are plain values; where a contract has none, they stand in its table. `unreadable` are bodies of a
    2xx from which no receipt can be made: take out those that the vendor really sends. `faults` are kinds by HTTP status:
    change those where the vendor means otherwise. `stranger` are settings of another account, for vendors that sign with a
    key of which the config knows the public half.
    """

    adapter: ClassVar[type[Adapter]]
    config: ClassVar[Mapping[str, Any]] = {}
    message: ClassVar[Mapping[str, Any]] = {}
    exchanges: ClassVar[str | Path | Mapping[str, Any]] = {}
    unreadable: ClassVar[Mapping[str, bytes]] = UNREADABLE
    faults: ClassVar[Mapping[int, ErrorKind]] = HTTP_FAULTS
    stranger: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not hasattr(cls, "adapter"):
            return
        table = cls.table()
        cls.config, cls.message = cls.config or table.get("config", {}), cls.message or table.get("message", {})
        by_signature = cls.adapter.capabilities.callbacks == "signature"
        takes_callbacks = cls.adapter.read_callback is not Adapter.read_callback
        unfit = {
            "batch": not hasattr(cls.adapter, "build_batch"),
            "lookup": not hasattr(cls.adapter, "build_lookup"),
            "callback": not takes_callbacks,
            "forged": not by_signature,
            "no_callbacks": takes_callbacks,
            "credentials": not cls.gives_credentials(),
            "idempotency": not cls.adapter.capabilities.idempotency,
            "a_code_is_refused": not cls.adapter.errors,
        }
        for name in dir(cls):
            if any(name.startswith(f"test_{part}_") for part, is_unfit in unfit.items() if is_unfit):
                setattr(cls, name, None)

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Give every case its rows; called by pytest."""
        table = load_table(self.exchanges)
        choices: dict[str, Mapping[Any, Any]] = {
            name: {row["name"]: row for row in rows(table, section)} for name, section in _SECTIONS.items()
        }
        choices |= {"body": self.unreadable, "fault": self.faults, "fault_body": FAULT_BODIES, "wait": RETRY_AFTER}
        choices["code"] = {code: (code, kind) for code, kind in table.get("codes", {}).items()}
        choices["part"] = {part: part for part in table.get("signed", ["body"])}
        for name in metafunc.fixturenames:
            if name == "fault":
                metafunc.parametrize(name, list(self.faults.items()), ids=[str(status) for status in self.faults])
            elif name in choices:
                metafunc.parametrize(name, list(choices[name].values()), ids=list(choices[name]))

    # What the cases are made of

    @classmethod
    def made(cls, tools: Tools | None = None, **config: Any) -> Adapter:
        """An adapter with the contract's config, and what is laid over it."""
        return cls.adapter(cls.adapter.Config(**{**cls.config, **config}), tools or tools_of())

    @classmethod
    def gives_credentials(cls) -> bool:
        return cls.made().auth is not None

    @classmethod
    def table(cls) -> Mapping[str, Any]:
        return load_table(cls.exchanges)

    @classmethod
    def new_code(cls) -> str:
        """A code that the vendor does not have."""
        return str(cls.table().get("new_code", NEW_CODE))

    @classmethod
    def a_message(cls, **over: Any) -> Message:
        return message_of(cls.message, over)

    @classmethod
    def secrets(cls) -> list[str]:
        """Every secret of the config, as text."""
        config = cls.made().config
        values = (getattr(config, name) for name in type(config).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr) and value.get_secret_value()]


def refused(call: Callable[..., object], *arguments: object) -> SendError:
    """The `SendError` of a call that must raise one."""
    try:
        call(*arguments)
    except SendError as exc:
        return exc
    raise AssertionError("nothing was refused; a SendError was expected")


def outcome(adapter: Adapter, message: Message, response: httpx.Response) -> Receipt | SendError:
    """The receipt, or the error in its place."""
    try:
        return adapter.parse(message, response)
    except SendError as exc:
        return exc


def parts(request: httpx.Request) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """What makes two requests equal."""
    return request.method, str(request.url), sorted(request.headers.multi_items()), request.content


def same(seen: object, wanted: object, what: str) -> None:
    """Two values are equal, or the failure shows both: the assertions of an installed module are not spelt out by pytest."""
    assert seen == wanted, f"{what}: {seen!r} instead of {wanted!r}"


class Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def config_fault(config: type[AdapterConfig], values: Mapping[str, Any]) -> str:
    """What a config says of wrong values; empty where it takes them."""
    try:
        config(**values)
    except ValidationError as exc:
        return str(exc)
    return ""
