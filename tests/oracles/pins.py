"""Which oracles are installed here: the pins of `requirements/<vendor>.txt` against the interpreter's packages."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FOLDER = Path(__file__).parent
HOW = "python tests/oracles/run.py"
_PIN = re.compile(r"(?P<package>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;#]+)")


def missing(vendor: str) -> list[str]:
    """The pins of a vendor that are not installed here in their version; all of them must be for its tests to run."""
    return [f"{package}=={wanted}" for package, wanted in _pins(vendor) if not _installed(package, wanted)]


def vendors() -> list[str]:
    """The vendors that have an oracle, by the names of their test files."""
    return sorted(path.stem.removeprefix("test_") for path in FOLDER.glob("test_*.py"))


def announcement() -> str:
    """One line that says which oracles cannot run here and how to run them; empty when all can."""
    absent = [vendor for vendor in vendors() if missing(vendor)]
    if not absent:
        return ""
    every = "ORACLES NOT RUN" if absent == vendors() else f"SOME ORACLES NOT RUN ({', '.join(absent)})"
    return f"{every}: the vendors' own SDKs are not installed in this interpreter. Run them: {HOW}"


def _pins(vendor: str) -> list[tuple[str, str]]:
    path = FOLDER / "requirements" / f"{vendor}.txt"
    pins = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else [f"no-such-file-{path.name}==0"]:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pin = _PIN.match(line.strip())
        if pin is None:
            raise ValueError(f"requirements/{vendor}.txt: write package==version, not {line!r}")
        pins.append((pin["package"], pin["version"]))
    return pins


def _installed(package: str, wanted: str) -> bool:
    try:
        return version(package) == wanted
    except PackageNotFoundError:
        return False
