"""Tests against the vendors' own SDKs: collected where their pins are installed, on loopback alone."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oracles.loopback import Loopback
from oracles.pins import missing, vendors
from oracles.same import Same, proven_vendors, rows
from recallgate.testing.network import mocked_http

# run.py sets this: there a missing pin is a failure of the import and not a reason to leave a file out
_ALL = os.environ.get("RECALLGATE_ORACLES") == "all"
collect_ignore = [] if _ALL else [f"test_{vendor}.py" for vendor in vendors() if missing(vendor)]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """An explicitly named file is left out as well, like one that was found."""
    return True if collection_path.name in collect_ignore else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A whole run in which too few vendors were proven equal has failed, even if each test that ran has passed."""
    least = int(os.environ.get("RECALLGATE_ORACLES_LEAST", "0"))
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if not least or reporter is None or hasattr(session.config, "workerinput"):
        return
    kept = [row for report in reporter.getreports("passed") for row in rows(report.user_properties)]
    if (found := len(proven_vendors(kept))) < least:
        reporter.write_sep("!", f"ORACLES FAILED: {found} vendors are equal to their own clients, {least} must be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No oracle reaches its real host: nothing but this machine can be connected to, through no proxy."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with mocked_http():
        yield


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """The vendor's host: records what an SDK sends, and answers from a script."""
    with Loopback() as server:
        yield server


@pytest.fixture
def same(request: pytest.FixtureRequest) -> Same:
    """Compares our request with a recorded one, and puts a row into "What equals what"."""
    return Same(request.node)
