"""`recallgate init`: a first configuration and a first program."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from recallgate.cli.output import say

_FILES = ("recallgate.toml", "send.py")


def init(
    folder: Annotated[str, typer.Argument(metavar="[FOLDER]", help="Where to write; this folder when left out.")] = ".",
) -> None:
    """Write recallgate.toml and send.py, a program that works without any vendor. Nothing is overwritten."""
    from recallgate.model.errors import ConfigError

    place = Path(folder)
    if there := [name for name in _FILES if (place / name).exists()]:
        raise ConfigError(f"init: {place / there[0]} is there already; choose another folder")
    place.mkdir(parents=True, exist_ok=True)
    start = files("recallgate.cli") / "start"
    for name in _FILES:
        (place / name).write_text((start / f"{name}.txt").read_text("utf-8"), encoding="utf-8")
        say(f"wrote {place / name}")
    say(f"Next: cd {place} && python send.py" if folder != "." else "Next: python send.py")
