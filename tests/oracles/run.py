"""Run the oracles: `python tests/oracles/run.py`, then further arguments of pytest. Prints the table "What equals what".

A virtual environment `.venv-oracles` is made in the repository's root, with the vendors' own SDKs in the versions of
`requirements/*.txt`. What comes with them is pinned in `lock.txt`, so that nothing is worked out anew; `run.py lock` does that
after a pin was changed, and writes the file. Here a missing SDK is a failure, never a test left out, and a whole run in which
fewer than fifteen vendors are proven equal fails.
"""

import hashlib
import os
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
VENV = ROOT / ".venv-oracles"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


LOCK = FOLDER / "lock.txt"
OURS = f"{ROOT}[email,push,sms,voice,wecom,sandbox,testing]"
LEAST = 15


def main(arguments: list[str]) -> int:
    """Install what is missing, run the tests; answers pytest's exit code."""
    if arguments == ["lock"]:
        return lock()
    stamp, wanted = VENV / "ready", _digest([LOCK, ROOT / "pyproject.toml"])
    if not (PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted):
        _say(f"installing the vendors' SDKs into {VENV}")
        if failed := _made() or _locked() or _pip("--no-deps", "-e", str(ROOT)):
            return failed
        stamp.write_text(wanted)
    _say("our requests against those of the vendors' own clients")
    command = [str(PYTHON), "-m", "pytest", str(FOLDER), "-p", "no:cacheprovider", "-n", "auto", *arguments]
    asked = {"RECALLGATE_ORACLES": "all"} | ({} if arguments else {"RECALLGATE_ORACLES_LEAST": str(LEAST)})
    return subprocess.call(command, cwd=ROOT, env={**os.environ, **asked})


def lock() -> int:
    """Let pip work out what goes with the pins, and write it down."""
    pins = [argument for path in sorted((FOLDER / "requirements").glob("*.txt")) for argument in ("-r", str(path))]
    if failed := _made() or _pip(*pins, "-e", OURS, "hypothesis", "pytest-xdist"):
        return failed
    frozen = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(PYTHON), "freeze", "--exclude-editable"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    LOCK.write_text(f"# Made by `python tests/oracles/run.py lock`.\n{frozen}", encoding="utf-8")
    return 0


def _made() -> int:
    """The environment without a pip of its own, which some systems do not bring; the caller's serves it."""
    if not PYTHON.exists():
        venv.create(VENV)
    return 0


def _locked() -> int:
    """Install the lock in two halves at once: pip waits and unpacks one package after the other."""
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    middle = len(lines) // 2
    with ThreadPoolExecutor() as pool:
        return max(pool.map(lambda half: _pip("--no-deps", *half), (lines[:middle], lines[middle:])))


def _pip(*arguments: str) -> int:
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    return subprocess.call([*pip, "install", "-q", "--no-compile", *arguments], cwd=ROOT)


def _say(words: str) -> None:
    print(f"== oracles: {words}", flush=True)  # noqa: T201 - a script that talks


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
