"""Who followed a link: a person, a machine, or nobody can tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

HitVerdict = Literal["human", "bot", "unknown"]

_BOTS = re.compile(
    r"(?i)bot\b|crawl|spider|slurp|preview|scan|fetch|monitor|curl/|wget|python-|httpx|go-http|java/|okhttp|headless|facebookexternalhit"
    r"|proofpoint|mimecast|barracuda|safelinks|urldefense|whatsapp|telegrambot|skypeuri"
)
_QUICK_MS = 2_000


@dataclass(frozen=True)
class HitReading:
    """The verdict on one request for a link, and why."""

    verdict: HitVerdict
    reason: str


def read_hit(
    *,
    method: str,
    agent: str | None,
    kind: str,
    at_ms: int,
    delivered_ms: int | None,
    code: str,
    recent: Sequence[tuple[str, int]] = (),
    datacentre: bool = False,
) -> HitReading:
    """Judge a hit. `recent` are (code, instant) of hits on the message's links; `datacentre` comes from the app's own list.

    Time alone never makes a human: a scanner may come 12 s later from another network.
    """
    if kind == "trap":
        return HitReading("bot", "hidden trap link")
    if method != "GET":
        return HitReading("bot", f"{method} request")
    if not agent:
        return HitReading("bot", "no user agent")
    if _BOTS.search(agent):
        return HitReading("bot", "known crawler agent")
    if datacentre:
        return HitReading("bot", "datacentre network")
    if delivered_ms is not None and at_ms - delivered_ms < _QUICK_MS:
        return HitReading("bot", "within 2 s of delivery")
    others = {other for other, hit_at in recent if abs(at_ms - hit_at) <= _QUICK_MS and other != code}
    if len(others) >= 2:
        return HitReading("bot", "3 or more links within 2 s")
    if "Mozilla/" not in agent:
        return HitReading("unknown", "neither a browser nor a known crawler")
    return HitReading("human", "browser")
