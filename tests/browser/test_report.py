"""The demo's report in a real browser, on a desk and in a hand."""

import zlib
from functools import cache

import pytest

from browser.chromium import Browser, Measured

pytestmark = pytest.mark.browser
DESK, HAND = 1280, 390
SECTIONS = (
    "effect",
    "plan",
    "quality",
    "cost",
    "arms",
    "tiers",
    "lapse",
    "countries",
    "funnel",
    "channels",
    "guardrails",
    "delivery",
    "states",
)


class _Looked:
    """Each width is measured once."""

    def __init__(self, browser: Browser, page: str) -> None:
        self.at = cache(lambda width: browser.measure(page, width=width))


@pytest.fixture(scope="module")
def looked(browser: Browser | None, request: pytest.FixtureRequest) -> _Looked | None:
    return None if browser is None else _Looked(browser, request.getfixturevalue("page"))


@pytest.fixture(params=[DESK, HAND], ids=["desk", "hand"])
def measured(looked: _Looked | None, request: pytest.FixtureRequest) -> Measured | None:
    """None when there is no browser: the run has warned, and nothing is claimed."""
    return None if looked is None else looked.at(request.param)


def test_page_renders(measured: Measured | None) -> None:
    if measured is not None:
        assert measured.height > 3000
        assert "demo-winback" in measured.text
        assert measured.drawings >= 4


def test_nothing_is_wider_than_the_page(measured: Measured | None) -> None:
    if measured is not None:
        assert measured.scroll_width <= measured.width
        assert list(measured.outside) == []


def test_every_section_is_shown_and_reached(measured: Measured | None) -> None:
    if measured is not None:
        assert tuple(measured.sections) == SECTIONS
        assert measured.broken_links == 0


@pytest.mark.parametrize(
    "words",
    [
        "Recall rate",
        "Natural return",
        "95 % interval",
        "Return on cost (ROI)",
        "Warnings",
        "outside the allowed hours",
        "voucher",
        "sms",
        "Sample ratio check",
    ],
)
def test_reader_finds_what_matters(words: str, measured: Measured | None) -> None:
    if measured is not None:
        assert words.lower() in measured.text.lower()


def test_page_that_is_too_wide_is_noticed(browser: Browser | None, page: str) -> None:
    wide = page.replace("<footer>", '<div style="width:900px;height:9px"></div><footer>')

    if browser is not None:
        found = browser.measure(wide, width=HAND)
        assert found.scroll_width >= 900
        assert any("DIV" in one for one in found.outside)


@pytest.mark.parametrize(("width", "height"), [(DESK, 900), (HAND + 110, 844)], ids=["desk", "hand"])
def test_picture_is_not_blank(browser: Browser | None, page: str, width: int, height: int) -> None:
    if browser is not None:
        picture = browser.picture(page, width=width, height=height)

        assert picture.startswith(b"\x89PNG")
        assert len(colours(picture)) > 20


def colours(picture: bytes) -> set[bytes]:
    """The different pixels of some rows, filters left as they are: a blank page has a handful."""
    packed, at = b"", 8
    while at < len(picture):
        size, kind = int.from_bytes(picture[at : at + 4], "big"), picture[at + 4 : at + 8]
        packed += picture[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    raw = zlib.decompress(packed)
    return {raw[place : place + 4] for place in range(0, len(raw) - 4, 997)}
