"""The page about policies: its code runs, and its table is the code's."""

import re
import tomllib
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from recallgate import GatewayConfig, policies
from recallgate.delivery.asked import KNOWN
from recallgate.delivery.configured import chain_of, rules_of
from recallgate.policies.default import default_policies

PAGE = (Path(__file__).parent.parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")


def test_the_code_on_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)

    for block in blocks:
        exec(compile(block, "docs/policies.md", "exec"), {})  # noqa: S102 - our own page

    assert len(blocks) == 2


def test_the_settings_on_the_page_make_a_chain():
    (settings,) = re.findall(r"```toml\n(\[policies.*?)```", PAGE, re.S)
    config = GatewayConfig.from_mapping(tomllib.loads(settings))
    chain = chain_of(config, rules_of(config, date(2026, 11, 22)))

    assert {"budget", "frequency_cap"} <= set(chain.names)
    assert (config.rules_warn_days, len(config.holidays["CN"]), config.words[0].words) == (180, 2, ("casino",))


def test_the_page_tells_where_every_fact_comes_from():
    told = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| [^|]+\|$", PAGE, re.M)
    facts = {name for cell in told for name in re.findall(r"`(\w+)`", cell)}

    assert KNOWN - {"pause"} <= facts


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
