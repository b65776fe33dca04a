"""The installed command as real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PYTHON = [sys.executable, "-c", "from recallgate.cli import main; main()"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("RECALLGATE_")}


def call(*arguments: str, cwd: Path, given: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PYTHON, *arguments],
        cwd=cwd,
        input=given,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture
def running(tmp_path) -> Iterator["list[subprocess.Popen[str]]"]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*PYTHON, *arguments], cwd=cwd, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def test_first_program_runs(tmp_path):
    assert call("init", cwd=tmp_path).returncode == 0

    ran = subprocess.run(
        [sys.executable, "send.py"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, encoding="utf-8", timeout=60, check=False
    )

    assert ran.stderr == ""
    assert ran.stdout.splitlines()[0] == "accepted"
    assert ran.stdout.splitlines()[-1] == "now it is accepted"


def test_json_is_utf8_in_any_locale(tmp_path):
    locale = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}

    ran = call("lint", "sms", "-", "--country", "CN", "--json", cwd=tmp_path, given="好久不见", **locale)

    assert json.loads(ran.stdout)["text"] == "好久不见"


def test_no_traceback_for_bad_input(tmp_path):
    ran = call("decide", "--json", cwd=tmp_path, given='{"now": "soon"}\n')

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: line 1: now")
    assert ran.stderr.count("\n") == 1


def test_reader_that_goes_away_is_no_fault(tmp_path):
    (tmp_path / "many.jsonl").write_text('{"k": 1, "n": 2}\n' * 20_000)
    process = start("stats", "wilson", "--json", "many.jsonl", cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.readline()
    process.stdout.close()
    told = process.stderr.read()
    process.wait(timeout=60)

    assert "Traceback" not in told


def test_help_needs_neither_store_nor_vendors(tmp_path):
    code = "import sys; import recallgate.cli.app; print(*sorted(sys.modules))"

    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=True
    ).stdout.split()

    assert not {"sqlalchemy", "httpx", "pydantic", "duckdb", "phonenumbers", "starlette", "alembic"} & set(loaded)


@pytest.mark.parametrize(
    ("arguments", "ready"),
    [(("worker",), "worker is running"), (("serve", "--port", "0", "--with-worker"), "serving on http://")],
)
def test_a_service_ends_when_asked(tmp_path, running, arguments, ready):
    assert call("db", "upgrade", "--store", "sqlite:///a.sqlite", cwd=tmp_path).returncode == 0
    process = start(*arguments, "--store", "sqlite:///a.sqlite", cwd=tmp_path)
    running.append(process)
    assert process.stderr is not None
    assert process.stderr.readline().startswith(ready)

    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "Traceback" not in told


def test_sandbox_says_where_it_listens(tmp_path, running):
    process = start("sandbox", "--http-port", "0", "--smtp-port", "0", "--smpp-port", "0", "--seed", "s", cwd=tmp_path)
    running.append(process)
    assert process.stdout is not None
    lines = []
    while "Listening" not in (line := process.stdout.readline()):
        assert line
        lines.append(line)

    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)

    assert any("twilio.sms" in line and "http://127.0.0.1:" in line for line in lines)
    assert (process.returncode, "Traceback" in told) == (0, False)
