"""Runs commands as a shell would, in the process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recallgate.cli.app import app


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON line on stdout; nothing else may stand there."""
        assert self.err == "", self.err
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("stats", "wilson", input="…")`; an exception that escapes is raised."""
    for name in ("RECALLGATE_CONFIG", "RECALLGATE_STORE", "RECALLGATE_PUBLIC_URL", "RECALLGATE_SECRET"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object, input: str | bytes | None = None) -> Ran:  # noqa: A002 - as in subprocess
        result = CliRunner().invoke(app, [str(one) for one in arguments], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Write a value as JSON, or a text as it is, into a file of its own."""

    def write(value: object, name: str | None = None) -> Path:
        path = tmp_path / (name or f"given-{len(list(tmp_path.iterdir()))}.json")
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    return write
