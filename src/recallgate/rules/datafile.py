"""The dated data files of this room."""

import json
from importlib.resources import files
from typing import Any


def read(name: str) -> dict[str, Any]:
    """The file `data/<name>.json`; callers turn it into frozen models at once and keep those."""
    loaded: dict[str, Any] = json.loads(files("recallgate.rules").joinpath("data", f"{name}.json").read_text("utf-8"))
    return loaded
