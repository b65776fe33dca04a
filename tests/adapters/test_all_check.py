"""Every registered adapter has what a vendor's adapter needs: its codes, rows for what it can do, proven callbacks, a face."""

import ast
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import pytest

from adapters.contracts import VENDORS, contracts
from recallgate.registry import adapter_class
from recallgate.testing.kit_base import Contract
from recallgate.testing.kit_findings import find, text_of_tests


@pytest.mark.parametrize("name", VENDORS)
def test_nothing_is_missing_around_an_adapter(name: str) -> None:
    assert name in contracts(), "no contract: subclass AdapterContract or DriverContract in this folder"
    adapter, tables = adapter_class(name), [one.table() for one in contracts()[name]]

    missing = find(adapter, tables, source=text_of_tests(adapter, contracts()[name])).missing

    assert missing == []


class Counted:
    """As much of pytest's `metafunc` as a contract asks: how many rows each argument of a case has."""

    def __init__(self, case: Callable[..., object]) -> None:
        self.function, self.definition = case, None
        self.fixturenames = [name for name in inspect.signature(case).parameters if name != "self"]
        self.rows = 1

    def parametrize(self, _: str, values: Sequence[object], **__: object) -> None:
        self.rows *= len(values)


def cases(contract: type[Contract]) -> int:
    """How many tests pytest makes of a contract."""
    total = 0
    for name in dir(contract):
        case = getattr(contract, name)
        if name.startswith("test_") and case is not None:
            counted = Counted(case)
            contract().pytest_generate_tests(counted)
            for mark in getattr(case, "pytestmark", []):
                counted.parametrize("", mark.args[1])
            total += counted.rows
    return total


@pytest.mark.parametrize("name", VENDORS)
def test_the_kit_tries_an_adapter_in_25_ways_or_more(name: str) -> None:
    assert sum(cases(one) for one in contracts()[name]) >= 25


# Sizes


def outside_tables(path: Path) -> int:
    """The statements of a file that are no table, no declared setting and no import; one that is wrapped is one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    declared = {id(node) for body in bodies for node in body if isinstance(node, ast.Assign | ast.AnnAssign)}
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and id(node) not in declared]
    words = [node for node in statements if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return sum(not isinstance(node, ast.Import | ast.ImportFrom) for node in statements) - len(words)


def file_of(name: str) -> Path:
    return Path(inspect.getfile(adapter_class(name)))


def test_the_median_sms_adapter_has_a_hundred_lines_outside_its_tables() -> None:
    sizes = {name: outside_tables(file_of(name)) for name in VENDORS if adapter_class(name).channel.name == "sms"}

    assert len(sizes) >= 8
    assert median(sizes.values()) <= 100, sizes


def test_no_file_of_adapters_has_more_than_300_lines() -> None:
    folder = file_of("twilio.sms").parent
    long = {path.name: lines for path in folder.rglob("*.py") if (lines := len(path.read_text("utf-8").splitlines())) > 300}

    assert long == {}
