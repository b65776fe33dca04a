"""docs/write-an-adapter.md is followed word by word: its files are written, its edits made, its commands run, their output read.

Two things differ from what a reader does: `pip install` puts the package into a folder without asking an index, and the second
terminal is a process in the background, on a free port.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from installing import install

PAGE = (Path(__file__).parents[2] / "docs" / "write-an-adapter.md").read_text(encoding="utf-8")
PORT = "8431"
_BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


@dataclass
class Reader:
    """Somebody with a terminal, an editor and this page."""

    home: Path
    port: str
    folder: Path = field(init=False)
    output: str = ""
    background: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.home / "work"
        self.folder.mkdir()
        tools = self.home / "bin"
        tools.mkdir()
        for name, words in (("python", '"$@"'), ("recallgate", "-c 'from recallgate.cli import main; main()' \"$@\"")):
            (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}\n', encoding="utf-8")
            (tools / name).chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(self.home / "site"), "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        kept = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        return {**kept, **own, "NO_COLOR": "1", "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}

    def follow(self, note: str, kind: str, text: str) -> None:
        """Do what a block of the page says."""
        text = text.replace(PORT, self.port)
        match kind, note.partition(":")[0]:
            case "text", _:
                for line in text.splitlines():
                    assert line in self.output, f"the page promises {line!r}; there came:\n{self.output}"
            case "diff", "edit":
                self._edit(self.folder / note.partition(": ")[2], text.splitlines())
            case "sh", "second terminal":
                self._start(text.strip())
            case "sh", _:
                self.output = ""
                for command in text.strip().splitlines():
                    self._run(command, fails=note == "fails")
            case _, "file":
                (self.folder / note.partition(": ")[2]).write_text(text, encoding="utf-8")
            case _:
                raise AssertionError(f"the page has a block that nobody can follow: {kind} {note}")

    def _run(self, command: str, *, fails: bool) -> None:
        if command.startswith("cd "):
            self.folder = self.folder / command.removeprefix("cd ")
            return
        if command.startswith("pip install"):
            if command == "pip install -e .":
                install(self.folder, self.home / "site")
            return
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        self.output += done.stdout
        assert (done.returncode != 0) == fails, f"{command}\n{done.stdout}{done.stderr}"
        if "adapters new" not in command:
            return
        assert "FILL_BASE_URL" in done.stdout

    def _edit(self, file: Path, lines: list[str]) -> None:
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file.name}: the page edits what is there {text.count(before)} times:\n{before}"
        file.write_text(text.replace(before, after), encoding="utf-8")
        # an installed package in editable mode changes with its files; the copy of the test is made anew
        if file.suffix == ".py":
            (self.home / "site" / file.relative_to(self.folder)).write_bytes(file.read_bytes())

    def _start(self, command: str) -> None:
        started = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        self.background.append(started)
        assert started.stdout is not None
        assert any("Listening" in line for line in started.stdout), "the sandbox does not listen"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    reader = Reader(tmp_path, port)
    yield reader
    for process in reader.background:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.slow
def test_a_stranger_gets_through_the_page(reader: Reader) -> None:
    blocks = list(_BLOCK.finditer(PAGE))

    for block in blocks:
        reader.follow(block["note"] or "", block["kind"], block["text"])

    assert len(blocks) >= 30
    assert reader.output.endswith("complete\n")


def test_every_block_of_the_page_is_of_a_kind_that_is_followed() -> None:
    assert PAGE.count("```") == 2 * len(list(_BLOCK.finditer(PAGE)))
    assert {block["kind"] for block in _BLOCK.finditer(PAGE)} == {"sh", "text", "py", "json", "toml", "diff"}
    bare = [block["kind"] for block in _BLOCK.finditer(PAGE) if not block["note"]]
    assert set(bare) == {"sh", "text"}
