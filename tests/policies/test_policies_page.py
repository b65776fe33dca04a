"""The page about policies: its code runs, and its table is the code's."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from recallgate import policies
from recallgate.policies.default import default_policies

PAGE = (Path(__file__).parent.parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_code_on_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)

    for block in blocks:
        exec(compile(block, "docs/policies.md", "exec"), {})  # noqa: S102 - our own page

    assert len(blocks) == 2


def test_the_first_policy_of_the_page_has_ten_lines():
    (body,) = re.findall(r"(def vips_of.*?)\n\n\nchain =", PAGE, re.S)

    assert len([line for line in body.splitlines() if line.strip()]) <= 10


def test_the_table_lists_every_policy_with_its_phase_and_its_facts():
    rows = re.findall(r"^\| `(\w+)` \| (\d) \|(.*?)\|(.*?)\|$", PAGE, re.M)
    told = {
        name: (int(phase), frozenset(re.findall(r"`(\w+)`", facts)), "not in the default" in holds)
        for name, phase, facts, holds in rows
    }
    default = {one.name for one in default_policies()}

    assert told == {name: (*found, name not in default) for name, found in written().items()}


def written() -> dict[str, tuple[int, frozenset[str]]]:
    """Name, phase and needs of each policy class of the room."""
    found = {}
    for module in iter_modules(policies.__path__):
        for made in vars(import_module(f"recallgate.policies.{module.name}")).values():
            of_this_module = isinstance(made, type) and made.__module__.endswith(f".{module.name}")
            if of_this_module and module.name != "combine" and isinstance(getattr(made, "name", None), str):
                phase = getattr(made, "phase", 8)  # of a cap it is a field
                found[made.name] = (phase, getattr(made, "needs", frozenset()))
    return found
