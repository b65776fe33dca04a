"""What the pages say runs: every Python block of README and docs, the two commands, and the names of commands."""

import ast
import asyncio
import inspect
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import httpx
import pytest
import respx
import typer

from recallgate.cli.app import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST = """async with Gateway("twilio.sms://SID:TOKEN@default?sender=+15005550006") as gateway:      # in our DSN a + is a plus
    delivery = await gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp"))
    print(delivery.state)
"""


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Fenced blocks of a language: (line of the first code line, code)."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in found]


SNIPPETS = [pytest.param(page, line, code, id=f"{page.name}:{line}") for page in PAGES for line, code in blocks(page, "python")]


@pytest.fixture
def vendor() -> Iterator[respx.MockRouter]:
    """The vendor of the pages: takes every message under a new id."""
    taken = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal taken
        taken += 1
        return httpx.Response(201, json={"sid": f"SM{taken:032x}", "status": "queued", "num_segments": "1"})

    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.post(host="api.twilio.com").mock(side_effect=answer)
        yield router


def compiled(page: Path, line: int, code: str) -> CodeType:
    """A block as code, in which `await` may stand at the top; its lines are those of the page."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    made: CodeType = compile("\n" * (line - 1) + code, str(page), "exec", flags=flags, dont_inherit=True)
    return made


def run(code: CodeType) -> dict[str, Any]:
    module = ModuleType("page")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="no store is configured")
        answer = eval(code, module.__dict__)  # noqa: S307 - the repository's own pages
        if inspect.iscoroutine(answer):
            asyncio.run(answer)
    return vars(module)


@pytest.mark.parametrize(("page", "line", "code"), SNIPPETS)
def test_a_python_block_runs(
    page: Path,
    line: int,
    code: str,
    vendor: respx.MockRouter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)

    made = run(compiled(page, line, code))

    for name, test in made.items():
        if name.startswith("test_"):  # a test in a page is run as pytest would, with an outbox of its own
            from recallgate.testing.outbox import make_outbox

            assert list(inspect.signature(test).parameters) == ["recallgate_outbox"]
            test(make_outbox())


def test_the_first_block_is_the_promised_one_and_prints_accepted(
    vendor: respx.MockRouter, capsys: pytest.CaptureFixture[str]
) -> None:
    line, code = blocks(ROOT / "README.md", "python")[0]

    run(compiled(ROOT / "README.md", line, code))

    assert code.endswith(FIRST)
    assert capsys.readouterr().out == "accepted\n"
    assert [call.request.url.host for call in vendor.calls] == ["api.twilio.com"]


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)^## ", README + "\n## ", re.MULTILINE | re.DOTALL)
    assert found is not None, f"README has no section {title!r}"
    return found[1]


@pytest.mark.parametrize(("title", "word"), [("Run it", "demo"), ("Test it", "test")])
def test_a_section_has_one_block_with_one_command(title: str, word: str) -> None:
    (block,) = re.findall(r"^```\w*\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)
    (command,) = block.splitlines()

    program, script, argument = shlex.split(command)

    assert (program, argument) == ("python3", word)
    assert (ROOT / script).is_file()


def test_both_commands_are_on_the_first_screen() -> None:
    assert README[: README.index("## What it does")].count("\n") < 40


def test_the_script_knows_the_two_commands_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    sys.path.insert(0, str(ROOT))
    try:
        import run as script
    finally:
        sys.path.remove(str(ROOT))

    assert set(script.COMMANDS) == {"demo", "test"}
    assert script.main([]) == "usage: python3 run.py demo|test [further arguments]"
    assert capsys.readouterr().out == ""


def test_named_commands_exist() -> None:
    known: Any = typer.main.get_command(app)
    named = [line.split("#")[0].split() for _, block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    asked = [[word for word in words[1:] if not word.startswith("-")] for words in named if words[0] == "recallgate"]

    assert asked
    for words in asked:
        command = known
        for word in words:
            assert word in command.commands, f"README names `recallgate {' '.join(words)}`, which is no command"
            command = command.commands[word]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target} is not there"
