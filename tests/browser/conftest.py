"""The browser, or a loud word that there is none, and a report to look at."""

import warnings

import pytest

from browser.chromium import NAMES, Browser, find
from demo.runs import demo

MISSING = f"NO BROWSER: none of {', '.join(NAMES)} is installed, so the report was not looked at; apt-get install chromium"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser | None:
    program = find()
    if program is None:
        warnings.warn(MISSING, UserWarning, stacklevel=1)
        return None
    return Browser(program, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def page(browser: Browser | None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The demo's report, of few people; nothing when nobody can look at it."""
    if browser is None:
        return ""
    return (demo(tmp_path_factory.mktemp("demo") / "out", customers=300, seed="2026").out / "report.html").read_text("utf-8")
