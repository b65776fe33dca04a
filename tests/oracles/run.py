"""Run the oracles: `python tests/oracles/run.py`, then further arguments of pytest. Prints the table "What equals what".

A virtual environment `.venv-oracles` is made in the repository's root, with the vendors' own SDKs in the versions of
`requirements/*.txt` and recallgate with what its tests need. Here a missing SDK is a failure, never a test left out.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
VENV = ROOT / ".venv-oracles"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main(arguments: list[str]) -> int:
    """Install what is missing, run the tests; answers pytest's exit code."""
    requirements = sorted((FOLDER / "requirements").glob("*.txt"))
    stamp, wanted = VENV / "ready", _digest([*requirements, ROOT / "pyproject.toml"])
    if not (PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted):
        if not PYTHON.exists():
            venv.create(VENV, with_pip=True)
        pins = [argument for path in requirements for argument in ("-r", str(path))]
        pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if failed := subprocess.call([*pip, *pins, "-e", f"{ROOT}[dev]"], cwd=ROOT):
            return failed
        stamp.write_text(wanted)
    command = [str(PYTHON), "-m", "pytest", str(FOLDER), "-p", "no:cacheprovider", *arguments]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, "RECALLGATE_ORACLES": "all"})


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
