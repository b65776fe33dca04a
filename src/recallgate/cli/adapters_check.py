"""`recallgate adapters check`: the conformance kit for an installed adapter, and what its table does not show."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from recallgate.cli.inputs import read_object
from recallgate.cli.output import JsonFlag, pairs, print_json, say, table

_CONTRACTS = ("AdapterContract", "DriverContract")
_MODULE = """from recallgate.registry import adapter_class
from recallgate.testing import AdapterContract


class TestTable(AdapterContract):
    adapter = adapter_class({name!r})
    exchanges = {exchanges!r}
"""


def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An adapter, such as acme.sms.")],
    tests: Annotated[
        str | None, typer.Option(metavar="PATH", help="The file or folder of its contract; else its own tests are looked for.")
    ] = None,
    exchanges: Annotated[
        str | None, typer.Option(metavar="T.json", help="Check this table of exchanges, without a contract.")
    ] = None,
    json_output: JsonFlag = False,
) -> None:
    """Run the conformance kit for an adapter, and tell what is missing around it. Ends with 1 when something fails or lacks.

    Its contract is looked for in the `tests` beside its package and in those of the current folder. Without a contract and
    without a table the kit runs on an example, and the table is what is missing.
    """
    from recallgate.registry import adapter_class

    cls = adapter_class(name)
    if cls.__module__.partition(".")[0] == "recallgate":
        say(f"{name} is a channel of the core, not a vendor: its tests are the core's.")
        return
    files = [] if exchanges is not None else contracts_of(cls, tests)
    report = _run(name, files) if files else _run_on_table(name, cls, exchanges)
    complete = not report["failed"] and not report["missing"] and report["passed"] > 0
    shown: dict[str, Any] = {
        "name": name,
        "complete": complete,
        "passed": report["passed"],
        "failed": report["failed"],
        "codes_without_row": report["codes"],
        "capabilities_without_row": report["capabilities"],
        "callbacks": {"verified_by": report["callbacks_verified_by"], "unverified": report["callbacks_unverified"]},
        "face": report["face"],
        "missing": report["missing"],
        "checked": [str(file) for file in files] or [exchanges or "an example"],
    }
    if json_output:
        print_json(shown)
    else:
        _tell(shown)
    if not complete:
        raise typer.Exit(1)


def contracts_of(cls: type[Any], given: str | None) -> list[Path]:
    """The test files with a contract for an adapter: those given, else those beside its package, else those here."""
    from recallgate.model.errors import ConfigError

    if given is not None:
        path = Path(given)
        if not path.exists():
            raise ConfigError(f"tests: there is no file or folder {given}")
        found = [path] if path.is_file() else _with_contract(path, cls.__name__)
        if not found:
            raise ConfigError(f"tests: no file in {given} has a contract for {cls.__name__}")
        return found
    for root in (project_of(cls), Path.cwd()):
        if root is not None and (found := _with_contract(root / "tests", cls.__name__)):
            return found
    return []


def project_of(cls: type[Any]) -> Path | None:
    """The folder with the pyproject.toml that an adapter's module belongs to; None for an installed copy."""
    module = Path(sys.modules[cls.__module__].__file__ or "").resolve()
    if "site-packages" in module.parts:
        return None
    return next((folder for folder in list(module.parents)[:3] if (folder / "pyproject.toml").exists()), None)


def _with_contract(folder: Path, class_name: str) -> list[Path]:
    if not folder.is_dir():
        return []
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.rglob("test_*.py"))}
    return [path for path, text in texts.items() if class_name in text and any(f"({contract}" in text for contract in _CONTRACTS)]


def _run_on_table(name: str, cls: type[Any], exchanges: str | None) -> dict[str, Any]:
    """Run the kit on a table that stands alone; what it does not say of settings and message comes from an example."""
    from recallgate.adapter import Driver
    from recallgate.cli.examples import example_of
    from recallgate.model.errors import ConfigError

    if issubclass(cls, Driver):
        raise ConfigError(f"{name} has no HTTP, its contract says how it is reached: give it with --tests")
    found = read_object(exchanges, "exchanges") if exchanges is not None else {}
    if "config" not in found or "message" not in found:
        config, message = example_of(cls)
        found = {"config": config, "message": message, **found}
    with TemporaryDirectory() as folder:
        module = Path(folder) / "test_table.py"
        table_file = Path(folder) / "table.json"
        table_file.write_text(json.dumps(found), encoding="utf-8")
        module.write_text(_MODULE.format(name=name, exchanges=str(table_file)), encoding="utf-8")
        report = _run(name, [module])
    if exchanges is None:
        report["missing"].insert(0, "no contract and no table of exchanges was found: give --tests or --exchanges")
    return report


def _run(name: str, files: list[Path]) -> dict[str, Any]:
    """Run the kit in a process of its own: nothing of this one changes what it finds."""
    from recallgate.model.errors import ConfigError

    try:
        import pytest  # noqa: F401 - only whether it is there
    except ImportError as exc:
        raise ConfigError("the kit needs pytest; pip install 'recallgate[testing]'") from exc
    with TemporaryDirectory() as folder:
        told = Path(folder) / "report.json"
        plugin = ["-p", "recallgate.testing.kit_check", "--recallgate-adapter", name, "--recallgate-report", str(told)]
        done = subprocess.run(  # noqa: S603 - our own interpreter, on files that the person named
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *(str(file.resolve()) for file in files)],
            cwd=files[0].resolve().parent,
            env={key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"},
            capture_output=True,
            text=True,
            check=False,
        )
        if not told.exists():
            lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            raise ConfigError(f"the kit could not be run: {lines[-1] if lines else 'pytest said nothing'}")
        report: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return report


def _tell(shown: dict[str, Any]) -> None:
    pairs(
        {
            "adapter": shown["name"],
            "checked": ", ".join(shown["checked"]),
            "cases": f"{shown['passed']} passed, {len(shown['failed'])} failed",
            "callbacks": shown["callbacks"]["verified_by"],
            "face": shown["face"],
        }
    )
    if shown["failed"]:
        table(("case", "why it failed"), [(one["case"], one["why"]) for one in shown["failed"]])
    if shown["missing"]:
        say()
        say("missing:")
    for sentence in shown["missing"]:
        say(f"  {sentence}")
    if shown["complete"]:
        say("complete")
