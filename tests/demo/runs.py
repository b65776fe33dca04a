"""The demo as a process of its own, and what its files say."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("RECALLGATE_")}
COMMAND = (sys.executable, "-c", "from recallgate.cli import main; main()")
START = datetime(2026, 6, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True)
class Demo:
    """A finished run: its folder and what it printed with --json."""

    out: Path
    told: dict[str, Any]

    @property
    def store(self) -> Path:
        return self.out / "recallgate.sqlite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.store}"

    @property
    def review(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "review.json").read_bytes())
        return found


def begin(*arguments: object, **environment: str) -> "subprocess.Popen[str]":
    """Start the command; several may run side by side."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def ended(process: "subprocess.Popen[str]", *, seconds: float = 300) -> tuple[int, str, str]:
    """Exit code and both streams."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return process.returncode, out, err


def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
    return ended(begin(*arguments, **environment))


def demo(out: Path, *, customers: int, seed: str) -> Demo:
    code, told, err = run("demo", "--customers", customers, "--seed", seed, "--out", out, "--json")
    assert code == 0, err
    return Demo(out, json.loads(told))


def utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def column(rows: Sequence[tuple[Any, ...]], place: int = 0) -> list[Any]:
    return [row[place] for row in rows]
