"""Every registered adapter has what a vendor's adapter needs: its codes, rows for what it can do, proven callbacks, a face."""

import ast
import inspect
from collections.abc import Callable, Iterable, Sequence
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


def spanned(nodes: Iterable[ast.stmt]) -> set[int]:
    """The numbers of the lines that statements take."""
    return {line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def is_table(node: ast.stmt) -> bool:
    """True for a literal of four lines or more that a module or a class declares: codes, statuses, field names."""
    literal = ast.Dict | ast.Set | ast.List | ast.Tuple | ast.BinOp
    return isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, literal) and len(spanned([node])) >= 4


def outside_tables(path: Path) -> int:
    """The lines of code of a file, as they stand: without its tables, imports, docstrings, comments and empty lines."""
    text = path.read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(text)))
    declared = [one for node in nodes if isinstance(node, ast.Module | ast.ClassDef) for one in node.body]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    words = [node for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    left_out = spanned([*imports, *words, *filter(is_table, declared)])
    lines = enumerate(text.splitlines(), start=1)
    return sum(number not in left_out and line.strip()[:1] not in ("", "#") for number, line in lines)


# Three lines of a setting, which is too short for a table, and six of a function.
ADAPTER = '''"""A vendor.

Quirk: none.
"""

import json
from recallgate import (
    ErrorKind,
)

# Codes of the vendor.
ERRORS = {
    "1": ErrorKind.AUTH,
    "2": ErrorKind.UNKNOWN,
}
CODES = {
    "1": "sent",
}


def build() -> str:
    """The words of a request."""
    fields = {
        "a": 1,
        "b": 2,
    }
    return json.dumps(fields)
'''


def file_of(name: str) -> Path:
    return Path(inspect.getfile(adapter_class(name)))


def test_the_median_sms_adapter_has_a_hundred_lines_outside_its_tables() -> None:
    sizes = {name: outside_tables(file_of(name)) for name in VENDORS if adapter_class(name).channel.name == "sms"}

    assert len(sizes) >= 8
    assert median(sizes.values()) <= 100, sizes
    assert max(sizes.values()) <= 300, sizes


def test_only_tables_imports_words_and_blanks_are_left_out_of_the_count(tmp_path: Path) -> None:
    file = tmp_path / "vendor.py"
    file.write_text(ADAPTER, encoding="utf-8")

    assert outside_tables(file) == 3 + 6


def test_no_file_of_adapters_has_more_than_300_lines() -> None:
    folder = file_of("twilio.sms").parent
    long = {path.name: lines for path in folder.rglob("*.py") if (lines := len(path.read_text("utf-8").splitlines())) > 300}

    assert long == {}
