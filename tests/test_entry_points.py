"""The entry points of pyproject.toml are the installed ones, and each leads to what it promises."""

import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from recallgate import Adapter, Driver, VendorFace
from recallgate.registry import adapter_class, face_class

PROJECT: dict[str, Any] = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GROUPS: dict[str, dict[str, str]] = PROJECT["entry-points"]
AGAIN = "pyproject.toml and the installation differ; run: pip install -e '.[dev]'"


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_the_table_is_what_is_installed(group: str) -> None:
    installed = {
        point.name: point.value
        for point in entry_points(group=group)
        if point.dist is not None and point.dist.name == PROJECT["name"]
    }

    assert installed == GROUPS[group], AGAIN


@pytest.mark.parametrize("name", sorted(GROUPS["recallgate.adapters"]))
def test_an_adapter_loads_under_its_own_name(name: str) -> None:
    found = adapter_class(name)

    assert issubclass(found, (Adapter, Driver))
    assert found.adapter_name() == name
    assert found.api == 1


@pytest.mark.parametrize("name", sorted(GROUPS["recallgate.faces"]))
def test_a_face_loads_and_belongs_to_an_adapter(name: str) -> None:
    found = face_class(name)

    assert isinstance(found, type)
    assert issubclass(found, VendorFace)
    assert name in GROUPS["recallgate.adapters"]


def test_the_command_is_installed() -> None:
    (point,) = [one for one in entry_points(group="console_scripts") if one.name == PROJECT["name"]]

    assert point.value == PROJECT["scripts"]["recallgate"], AGAIN
    assert callable(point.load())
