"""The page that says which system works: what it names exists; and the systems that are shown by nothing else."""

import ast
import re
from pathlib import Path

import pytest

from gateway.ground import ground, live, marketing
from recallgate.policies.lines import decide_line
from recallgate.recall.experiment import Arm, Experiment

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
SECTIONS = {int(number): words for number, words in re.findall(r"^## (\d+) (.*?)(?=^## |\Z)", PAGE, re.M | re.S)}
STATES = {int(number): state for number, state in re.findall(r"^\| (\d+) \|.*\| ([a-z ]+) \|$", PAGE, re.M)}
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:src|tests)/[\w/]+\.py)`", PAGE)))


def test_every_system_has_its_section() -> None:
    assert list(SECTIONS) == list(STATES) == list(range(50, 65))


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_test_that_the_page_names_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))

    assert name in {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_the_page_names_exists(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("number", range(50, 65))
def test_a_system_works_by_a_test_or_is_said_to_be_open(number: int) -> None:
    section, state = SECTIONS[number], STATES[number]

    assert ("Open:" in section) is (state != "works")
    assert state in ("works", "partly open", "open")
    assert "::test_" in section


@live
async def test_short_links_are_of_the_senders_own_domain() -> None:
    async with ground(public_url="https://gateway.example", link_domain="https://s.brand.example") as here:
        await here.gateway.send(marketing(words="Your cart waits: https://shop.example/c"))
        (sent,) = here.script().sent

    assert "https://s.brand.example/l/" in sent.text
    assert "shop.example" not in sent.text


def test_link_against_no_link_is_an_experiment() -> None:
    experiment = Experiment(holdout_bp=1_000, play="winback", arms=(Arm("link", 1), Arm("no_link", 1)))
    arms = [experiment.assign(f"p{n}").arm for n in range(2_000)]

    assert {arm for arm in arms if arm is not None} == {"link", "no_link"}


@pytest.mark.parametrize("purpose", ["otp", "transactional", "service", "marketing"])
def test_a_xinjiang_number_is_not_called_for_any_purpose(purpose: str) -> None:
    line = {"now": "2026-06-10T04:00:00Z", "channel": "voice", "purpose": purpose, "phone": "+8613999900000"}

    assert decide_line(line)["code"] == "region.blocked"
    assert decide_line({**line, "open_regions": ["CN-XJ"]})["verdict"] == "allow"
    assert decide_line({**line, "channel": "sms"})["verdict"] == "allow"
