"""A pytest plugin that runs the conformance kit of one adapter and writes what came of it: `recallgate adapters check`.

`-p recallgate.testing.kit_check --recallgate-adapter NAME --recallgate-report FILE` keeps the cases of contracts for that
adapter, whatever else the collected files hold, and leaves a JSON report.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from recallgate.registry import adapter_class
from recallgate.testing.kit_base import Contract
from recallgate.testing.kit_findings import find, text_of_tests


class KitReport:
    """Counts the cases of one adapter's contracts."""

    def __init__(self, adapter: str, path: Path) -> None:
        self._adapter = adapter_class(adapter)
        self._path = path
        self._contracts: set[type[Contract]] = set()
        self._passed: set[str] = set()
        self._failed: dict[str, str] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the kit's cases of this adapter."""
        kept: list[pytest.Item] = []
        left: list[pytest.Item] = []
        for item in items:
            contract = self._contract_of(item)
            if contract is not None:
                self._contracts.add(contract)
            (left if contract is None else kept).append(item)
        config.hook.pytest_deselected(items=left)
        items[:] = kept

    def _contract_of(self, item: pytest.Item) -> type[Contract] | None:
        """The contract whose case an item is; None for other tests, also for those that a contract's author added to it."""
        contract: Any = getattr(item, "cls", None)
        home = str(getattr(getattr(item, "function", None), "__module__", ""))
        ours = isinstance(contract, type) and issubclass(contract, Contract) and home.startswith("recallgate.testing.")
        return contract if ours and contract.adapter is self._adapter else None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failed[report.nodeid] = _last_line(report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        case = report.nodeid.split("::", 1)[-1]
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self._failed[case] = crash.message.splitlines()[0] if crash else _last_line(report.longreprtext)
        elif report.when == "call" and report.passed:
            self._passed.add(case)

    def pytest_sessionfinish(self) -> None:
        tables = [contract.table() for contract in self._contracts]
        found = find(self._adapter, tables, source=text_of_tests(self._adapter, self._contracts))
        written: dict[str, Any] = {
            "contracts": sorted(contract.__name__ for contract in self._contracts),
            "passed": len(self._passed - self._failed.keys()),
            "failed": [{"case": case, "why": why} for case, why in sorted(self._failed.items())],
            **asdict(found),
            "missing": found.missing,
        }
        self._path.write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("recallgate")
    group.addoption("--recallgate-adapter", default=None, help="run the conformance kit of this adapter only")
    group.addoption("--recallgate-report", default=None, help="write what came of it to this file, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    name, path = config.getoption("--recallgate-adapter"), config.getoption("--recallgate-report")
    if name is not None and path is not None:
        config.pluginmanager.register(KitReport(name, Path(path)), "recallgate-kit-report")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line.removeprefix("E").strip() for line in reversed(lines) if line.startswith("E ")), lines[-1] if lines else "")
