"""Set up and start: `python3 run.py demo` or `python3 run.py test`, on a machine that has Python 3.11 and nothing else.

A virtual environment `.venv` is made beside this file, recallgate is installed into it with what the command needs, and the
command runs; further arguments are handed on. The interpreter's own packages are never touched, so that a Python managed by
a distribution does not object. Only the standard library is used, in words that Python 3.8 can read, so that it can say
what is missing.
"""

# ruff: noqa: S603, T201 - it starts programs, and talks to the person who started it

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
OLDEST = (3, 11)
COMMANDS = {
    "demo": ("demo", [str(BIN / "recallgate"), "demo"]),
    # more processes than cores: many tests wait for a database or for processes of their own
    "test": ("dev", [str(PYTHON), "-m", "pytest", "-n", str(max(4, os.cpu_count() or 1))]),
}
GET_PIP = "https://bootstrap.pypa.io/get-pip.py"


def main(arguments: "list[str]") -> "str | int":
    """Run a command; answers its exit code, or one line that says what is wrong."""
    if not arguments or arguments[0] not in COMMANDS:
        return "usage: python3 run.py demo|test [further arguments]"
    if sys.version_info < OLDEST:
        newer = [name for name in (f"python3.{minor}" for minor in range(20, 10, -1)) if quiet(name, "--version")]
        if not newer:
            return f"recallgate needs Python 3.11 or newer; this is {sys.version.split()[0]}: {sys.executable}"
        return subprocess.call([newer[0], __file__, *arguments])
    extra, command = COMMANDS[arguments[0]]
    fault = install(extra)
    return fault or subprocess.call([*command, *arguments[1:]], cwd=ROOT)


def install(extra: str) -> str:
    """Make `.venv` ready for an extra, unless it is; answers the fault in one line, or nothing."""
    stamp = VENV / f"ready-{extra}"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and quiet(PYTHON, "-c", "import recallgate"):
        return ""
    print(f"setting up {VENV} with recallgate[{extra}]; this takes a minute or two", flush=True)
    if not quiet(PYTHON, "-m", "pip", "--version") and (fault := make_environment()):
        return fault
    target = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-e", f".[{extra}]"]
    if subprocess.call(target, cwd=ROOT):
        return "pip could not install recallgate; its message is above"
    stamp.write_text(wanted)
    return ""


def make_environment() -> str:
    """Make `.venv` with pip in it, in the first of four ways that works; answers the fault in one line, or nothing."""
    if quiet(sys.executable, "-m", "venv", "--clear", VENV) and quiet(PYTHON, "-m", "pip", "--version"):
        return ""
    # Debian keeps ensurepip in a package of its own: the environment is made bare, and pip comes from elsewhere
    if not quiet(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV):
        return "this Python has no venv module; install it, on Debian: apt-get install python3-venv"
    if quiet(sys.executable, "-m", "pip", "--python", PYTHON, "install", "pip"):
        return ""
    if shutil.which("uv") and quiet("uv", "pip", "install", "--python", PYTHON, "pip"):
        return ""
    try:
        with urllib.request.urlopen(GET_PIP, timeout=60) as answer:
            script = answer.read()
    except OSError:
        script = b""
    if script and subprocess.run([str(PYTHON), "-", "-q"], input=script, check=False).returncode == 0:
        return ""
    shutil.rmtree(VENV, ignore_errors=True)
    return "no pip can be had for the virtual environment; install one, on Debian: apt-get install python3-venv"


def quiet(*command: object) -> bool:
    """Whether a command ran and succeeded; what it says is dropped, since another way may follow."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
