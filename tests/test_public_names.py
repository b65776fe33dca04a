"""The public names: all there, all documented by their type checker's half, and cheap to import."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import recallgate

INIT = Path(recallgate.__file__)
# rich and click are not listed: httpx imports them by itself where they are installed
HEAVY = {
    "aiosmtpd",
    "aiosmtplib",
    "alembic",
    "cryptography",
    "css_inline",
    "duckdb",
    "fastapi",
    "holidays",
    "jinja2",
    "jwt",
    "numpy",
    "pandas",
    "phonenumbers",
    "pytest",
    "recallgate_adapters",
    "starlette",
    "tenacity",
    "typer",
    "uvicorn",
}


def modules_after(code: str) -> set[str]:
    """Names of all modules in memory after `code` ran in a fresh interpreter."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return set(json.loads(told))


@pytest.mark.parametrize("name", recallgate.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(recallgate, name) is not None


def test_public_names_are_listed_once_and_in_dir() -> None:
    assert len(set(recallgate.__all__)) == len(recallgate.__all__)
    assert set(recallgate.__all__) <= set(dir(recallgate))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Gatway"):
        _ = recallgate.Gatway


def test_type_checkers_see_the_same_names() -> None:
    seen = {
        name.asname or name.name
        for node in ast.walk(ast.parse(INIT.read_text(encoding="utf-8")))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
    }

    assert seen == set(recallgate.__all__)


@pytest.mark.parametrize(
    "code",
    [
        "import recallgate",
        "from recallgate import Message, channels",
        "from recallgate import Gateway",
        "from recallgate import *",
    ],
)
def test_importing_brings_no_heavy_library(code: str) -> None:
    roots = {name.split(".")[0] for name in modules_after(code)}

    assert not roots & HEAVY


def test_import_recallgate_alone_brings_nothing_of_ours() -> None:
    assert {name for name in modules_after("import recallgate") if name.startswith("recallgate")} == {"recallgate"}


def test_messages_need_neither_database_nor_network() -> None:
    roots = {name.split(".")[0] for name in modules_after("from recallgate import Message, channels")}

    assert not roots & {"sqlalchemy", "sqlite3", "httpx"}
