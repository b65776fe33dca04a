"""A package as an installer leaves it in a folder, without a network and without a build: its modules and its dist-info."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path


def install(source: Path, site: Path) -> None:
    """Put the package of a source folder into `site`, so that its entry points are found there."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))
    about = project["project"]
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        for file in sorted((source / package).rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                copy = site / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    told = site / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    lines = []
    for group, points in about["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items()), ""]
    (told / "entry_points.txt").write_text("\n".join(lines))


def python(*command: str, folder: Path, site: Path | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in a folder, with `site` before everything that is installed."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", "COLUMNS": "200", **more}
    environment.pop("PYTEST_ADDOPTS", None)
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def recallgate(*arguments: str, folder: Path, site: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command of recallgate as a shell would."""
    return python("-c", "from recallgate.cli import main; main()", *arguments, folder=folder, site=site)
