"""Policies from another package, found by their entry points."""

from pathlib import Path

import pytest

from policies.cases import NOON, case, short
from recallgate.model.errors import ConfigError
from recallgate.policies.default import default_chain
from recallgate.registry import names, policy

CODE = """
from dataclasses import dataclass
from datetime import timedelta

from recallgate.model.verdict import Allow, Defer, Drop
from recallgate.policies.policy import HOURS, policy


@policy(name="no_noon", phase=HOURS)
def no_noon(case):
    return Defer(until=case.now + timedelta(hours=1), code="no_noon.lunch") if case.now.hour == 16 else Allow()


@dataclass(frozen=True)
class Closed:
    weekday: int = 2
    name = "closed"
    phase = HOURS

    def __call__(self, case):
        return Drop(code="closed.day") if case.now.isoweekday() == self.weekday else Allow()


nothing = object()
"""
POINTS = """[recallgate.policies]
closed = acme_rules:Closed
missing = acme_rules_of_old:Closed
no_noon = acme_rules:no_noon
nothing = acme_rules:nothing.__class__
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package with policies, installed beside this one for the time of a test."""
    (tmp_path / "acme_rules.py").write_text(CODE)
    info = tmp_path / "acme_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    names.cache_clear()
    yield
    names.cache_clear()


def test_a_packages_policy_is_found_by_name_and_works_in_a_chain():
    chain = default_chain((policy("no_noon"),))

    assert short(chain.decide(case(now=NOON)).verdict) == "defer no_noon.lunch 03-10 17:00"


def test_a_class_is_made_with_its_settings():
    assert short(policy("closed")(case())) == "drop closed.day"
    assert short(policy("closed", {"weekday": 7})(case())) == "allow"


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("closd", None, "there are: closed"),
        ("closed", {"day": 7}, "does not take these settings"),
        ("no_noon", {"hour": 3}, "takes no settings; remove hour"),
        ("nothing", None, "gives no policy"),
        ("missing", None, "cannot be loaded"),
    ],
)
def test_what_is_wrong_is_named(name, settings, words):
    with pytest.raises(ConfigError, match=words):
        policy(name, settings)
