"""Debian's chromium without a window: what a page measures, and how it looks."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

# The page stands in a frame of a chosen width, since a window cannot be as narrow as a phone. The frame is asked what it
# measures.
WRAPPER = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="border:0;width:{width}px;height:{height}px" srcdoc="{page}"></iframe>
<script id="found" type="text/plain"></script>
<script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument, wide = page.documentElement.clientWidth;
  const out = [...page.querySelectorAll("body *")].filter(one => {{
    const box = one.getBoundingClientRect();
    return box.width > 1 && getComputedStyle(one).position !== "absolute" && (box.right > wide + 1 || box.left < -1);
  }});
  const shown = one => one.getBoundingClientRect().height > 0 && one.getBoundingClientRect().width > 0;
  document.getElementById("found").textContent = JSON.stringify({{
    width: wide,
    scroll_width: page.documentElement.scrollWidth,
    height: page.documentElement.scrollHeight,
    outside: out.map(one => one.tagName + "." + one.getAttribute("class") + ": " + one.textContent.trim().slice(0, 60)),
    sections: [...page.querySelectorAll("section")].filter(shown).map(one => one.id),
    drawings: [...page.querySelectorAll("svg")].filter(shown).length,
    broken_links: [...page.querySelectorAll("nav a")].filter(a => !page.querySelector(a.getAttribute("href"))).length,
    text: page.body.innerText,
  }});
}};
</script></body>
"""


@dataclass(frozen=True)
class Measured:
    """What a page said of itself at one width; lengths are in CSS pixels."""

    width: int
    scroll_width: int
    height: int
    outside: Sequence[str]
    sections: Sequence[str]
    drawings: int
    broken_links: int
    text: str


def find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser with a profile of its own in `home`."""

    def __init__(self, program: str, home: Path) -> None:
        self._program = program
        self._home = home

    def measure(self, page: str, *, width: int) -> Measured:
        dumped = self._run("--virtual-time-budget=5000", "--dump-dom", str(self._wrapped(page, width=width, height=900)))
        found = re.search(r'<script id="found" type="text/plain">(.*?)</script>', dumped, re.DOTALL)
        assert found is not None, dumped[:500]
        told: dict[str, Any] = json.loads(found[1])
        return Measured(**told)

    def picture(self, page: str, *, width: int, height: int) -> bytes:
        """A PNG of the top of the page."""
        path = self._home / f"picture-{width}.png"
        self._run(f"--screenshot={path}", f"--window-size={width},{height}", str(self._wrapped(page, width=width, height=height)))
        return path.read_bytes()

    def _wrapped(self, page: str, *, width: int, height: int) -> Path:
        path = self._home / f"page-{width}-{height}.html"
        path.write_text(WRAPPER.format(width=width, height=height, page=html.escape(page)), encoding="utf-8")
        return path

    def _run(self, *arguments: str) -> str:
        profile = self._home / "profile"
        ran = subprocess.run(
            [self._program, *QUIET, f"--user-data-dir={profile}", *arguments],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        )
        return ran.stdout
