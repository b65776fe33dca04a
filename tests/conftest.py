"""What the whole run says at its end: which oracles could not run here, and what those that ran have proven."""

import os
from typing import Any

from oracles.pins import announcement
from oracles.same import rows, said, table
from postgres import postgres_server

__all__ = ["postgres_server"]

for _name in [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")]:
    del os.environ[_name]  # tests talk to loopback only, and not through somebody's proxy


def pytest_report_header() -> str | None:
    return announcement() or None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The header is not printed under -q, so what could not run is said here too."""
    kept = [row for report in terminalreporter.getreports("passed") for row in rows(report.user_properties)]
    if kept:
        terminalreporter.write_sep("=", "What equals what")
        for line in table(kept):
            terminalreporter.write_line(line)
        terminalreporter.write_sep("=", said(kept), bold=True)
    if told := announcement():
        terminalreporter.write_sep("!", "oracles")
        terminalreporter.write_line(told, yellow=True)
