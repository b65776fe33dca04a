"""What an adapter imports beyond recallgate's own dependencies is said by it, and is in the extra that it names."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from adapters.contracts import VENDORS
from recallgate import AccountConfig, ConfigError, Gateway
from recallgate.registry import adapter_class
from recallgate_adapters.vonage_voice import VonageVoice

ROOT = Path(__file__).parent.parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
MODULES = {"pyjwt": "jwt", "httpx[http2]": "h2"}  # where a package is not called like its module
HELD_BACK = {"vonage.sms": {"cryptography", "jwt"}}  # its file of signatures serves calls as well; fields need neither


def distribution(line: str) -> str:
    name = re.split(r"[<>=!~; ]", line, maxsplit=1)[0].lower()
    return MODULES.get(name, name.replace("-", "_"))


ALWAYS = {distribution(line).partition("[")[0] for line in PROJECT["dependencies"]} | {"recallgate", "recallgate_adapters"}


def reached(module: str, seen: set[str] | None = None) -> set[str]:
    """The files of an adapter: its own and those of the package that they import."""
    seen = set() if seen is None else seen
    if module not in seen:
        seen.add(module)
        for name in imported(module):
            if name.startswith("recallgate_adapters."):
                reached(name, seen)
    return seen


def imported(module: str) -> set[str]:
    """Modules that a file imports when it runs, wherever in it."""
    tree = ast.parse((ROOT / "adapters" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    nodes = [node for node in ast.walk(tree) if id(node) not in typing]
    found = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return found | {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}


@pytest.mark.parametrize("name", VENDORS)
def test_an_adapter_says_what_it_needs(name: str) -> None:
    cls = adapter_class(name)
    tops = {each.partition(".")[0] for file in reached(cls.__module__) for each in imported(file)}
    foreign = tops - ALWAYS - set(sys.stdlib_module_names) - HELD_BACK.get(name, set())

    assert set(cls.needs) == foreign | ({"h2"} if cls.capabilities.http2 else set())


@pytest.mark.parametrize("name", [name for name in VENDORS if adapter_class(name).needs])
def test_what_an_adapter_needs_is_in_its_extra(name: str) -> None:
    for module, package in adapter_class(name).needs.items():
        found = re.fullmatch(r"recallgate\[(\w+)\]", package)
        assert found, package
        assert module in {distribution(line) for line in EXTRAS[found[1]]}


def test_a_missing_module_is_named_before_any_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VonageVoice, "needs", {"no_such_module": "recallgate[voice]"})
    account = AccountConfig.build("vonage.voice", {"application_id": "a", "private_key": "k", "sender": "14155550100"})

    with pytest.raises(ConfigError, match=r"vonage.voice: no_such_module is not installed; pip install 'recallgate\[voice\]'"):
        Gateway(account, store="sqlite://")
