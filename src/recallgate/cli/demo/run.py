"""The demo from end to end: layer, preflight, launch, 28 virtual days, review."""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recallgate.cli.demo.campaign import CAMPAIGN, HOLDOUT_BP
from recallgate.cli.demo.part import Carried, OnProgress, Part, Watch, carried_from, carry, lay_ground, parts_of, together
from recallgate.cli.demo.people import DAYS
from recallgate.cli.demo.world import AFTER_CLICK, UPLIFT, end_instant
from recallgate.cli.memory import steady_heap
from recallgate.model.errors import RecallgateError
from recallgate.recall.audience import Audience
from recallgate.recall.campaign import Campaign
from recallgate.recall.lapse import LapseBuckets
from recallgate.recall.launch import Launched
from recallgate.recall.preflight import Figures, Preflight, preflight
from recallgate.review.collecting import CostInputs
from recallgate.review.report import Report, review
from recallgate.sandbox.simulate import SimulationSummary
from recallgate.store import messages
from recallgate.store.engine import Store
from recallgate.store.merge import absorb

TENANT = "default"
MARGIN, FIXED_COST, INCENTIVE, CAC = 0.35, 200.0, 3.0, 20.0


@dataclass(frozen=True)
class DemoResult:
    """What the demo made: its files, its review, and the numbers of its run (wall-clock ones are of this run only)."""

    out: Path
    people: int
    lapsed: int
    launched: Launched
    preflight: Preflight
    simulated: SimulationSummary
    report: Report
    states: Mapping[str, int]
    seconds: Mapping[str, float]


async def run_demo(out: Path, *, number: int | None = None, seed: str = "2026", progress: OnProgress | None = None) -> DemoResult:
    """Run the demo into a folder: `report.html`, `report.md`, `review.json`, `recallgate.sqlite`.

    The same seed and number give the same `review.json`, byte for byte.
    """
    steady_heap()
    tell = progress or (lambda stage, share: None)
    watch = Watch()
    tell("layering", 0.0)
    count = parts_of(number)
    store = _fresh(out)  # only now: a refused number leaves an earlier run alone
    other = _Elsewhere(store.with_suffix(".part.sqlite"), number, seed) if count > 1 else None
    try:
        if other is not None:
            await other.start()  # it layers for itself meanwhile
        ground = lay_ground(number, seed, Part(0, count))
        campaign, audience = ground.campaign, ground.audience
        layers, lapsed = _layers(audience), audience.count(campaign.churn.lapsed)
        checked = preflight(_figures(campaign, audience), campaign=campaign, tenant_windows=False)
        watch("layering")
        parts = [await carry(store, ground, seed=seed, tell=tell if other is None else other.behind(tell))]
        if other is not None:
            parts.append(await other.carried(tell))
    finally:
        if other is not None:
            await other.end()
    watch("28 days")
    tell("review", 0.0)
    if other is not None:
        absorb(store, other.store)
        other.store.unlink()
        watch("parts put together")
    opened = Store(f"sqlite:///{store}")
    await opened.open()
    try:
        report = await _review(opened, campaign, layers, out)
        states = await opened.run(lambda c: messages.count_by_state(c, TENANT))
    finally:
        await opened.close()
    watch("review")
    launched, simulated = together(parts)
    return DemoResult(out, audience.people, lapsed, launched, checked, simulated, report, states, watch.seconds)


class _Elsewhere:
    """The second part, in a process of its own; `behind` shows the progress of whichever part is behind."""

    def __init__(self, store: Path, number: int | None, seed: str) -> None:
        self.store = store
        self._arguments = (str(store), "" if number is None else str(number), "1", "2", seed)
        self._share = 0.0
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[Carried] | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "recallgate.cli.demo.part",
            *self._arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 20,
        )
        self._listening = asyncio.create_task(self._listen(self._process))

    def behind(self, tell: OnProgress) -> OnProgress:
        return lambda stage, share: tell(stage, share if stage == "people" else min(share, self._share))

    async def carried(self, tell: OnProgress) -> Carried:
        """What came of the part; raises RecallgateError with its last words when it failed."""
        assert self._listening is not None
        while not self._listening.done():
            await asyncio.wait([self._listening], timeout=0.2)
            tell("last days", self._share)
        return self._listening.result()

    async def end(self) -> None:
        """Leave no process behind, whatever happened here."""
        if self._listening is not None and not self._listening.done():
            self._listening.cancel()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _listen(self, process: asyncio.subprocess.Process) -> Carried:
        assert process.stdout is not None
        fault = "it said nothing"
        while line := await process.stdout.readline():
            told = json.loads(line)
            if "carried" in told:
                await process.wait()
                return carried_from(told["carried"])
            fault = told.get("fault", fault)
            self._share = told.get("share", self._share)
        raise RecallgateError(f"demo: the second process ended early: {fault}")


def _fresh(out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    store = out / "recallgate.sqlite"
    files = [f"recallgate{part}.sqlite{kind}" for part in ("", ".part") for kind in ("", "-wal", "-shm", "-journal")]
    for name in (*files, "report.html", "report.md", "review.json"):
        with suppress(FileNotFoundError):
            (out / name).unlink()
    return store


def _figures(campaign: Campaign, audience: Audience) -> Figures:
    people = audience.count(campaign.segment)
    return Figures.read(
        {
            "audience": people,
            "holdout_bp": campaign.experiment.holdout_bp,
            "lost": audience.count(campaign.churn.lapsed),
            "base_rate": 0.03,
            "expected_lift": 0.03,
            "value": 12.0,
            "cost_per_person": 0.04,
            "cac": 20.0,
            "budget": 5000.0,
        }
    )


async def _review(store: Store, campaign: Campaign, layers: Mapping[str, Any], out: Path) -> Report:
    """Review the campaign and write `report.html`, `report.md` and `review.json`."""
    now = end_instant(DAYS)
    report = await store.run(
        lambda c: review(
            c,
            TENANT,
            CAMPAIGN,
            now=now,
            window_days=DAYS,
            margin_rate=MARGIN,
            costs=CostInputs(fixed=FIXED_COST, incentive_each=INCENTIVE, payer="shop", cac=CAC),
            plan=_plan_section(campaign, layers),
            currency="USD",
        )
    )
    for name, text in (("report.html", report.html()), ("report.md", report.markdown()), ("review.json", report.json())):
        (out / name).write_text(text, encoding="utf-8")
    return report


def _plan_section(campaign: Campaign, layers: Mapping[str, Any]) -> Mapping[str, object]:
    offer = campaign.offer
    assert offer is not None
    return {
        "hypothesis": campaign.hypothesis,
        "what_changed": campaign.what_changed,
        "segment": "no purchase for 30 days, reachable by push, mail or SMS",
        "layers": layers,
        "offer": f"{offer.user_value}; the price follows the age of the lapse: 10, 8, 6 and 5 dollars; arms: voucher, gift",
        "play": [f"{step.name}: {' or '.join(way.channel for way in step.ways)}" for step in campaign.play.sends()],
        "holdout": f"{HOLDOUT_BP / 100:g} % of the segment, by hash of the person",
        "world": "Returns of people without contact are what they really did. Contact was simulated: what it adds is set in the "
        f"demo's world, {', '.join(f'{channel} {share:.1%}' for channel, share in UPLIFT.items())} for each person reached "
        f"on a channel, {AFTER_CLICK:.0%} after a click.",
    }


def _layers(audience: Audience) -> Mapping[str, Any]:
    return {
        "customers": audience.people,
        "lapse": {cell.label: cell.count for cell in audience.describe(LapseBuckets.starting_at(30).sql())},
        "tiers": {cell.label: cell.count for cell in audience.describe("tier")},
    }
