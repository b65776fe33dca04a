"""The demo from end to end: layer, preflight, launch, 28 virtual days, review."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from recallgate.cli.demo.campaign import CAMPAIGN, HOLDOUT_BP, LINK, campaign as demo_campaign
from recallgate.cli.demo.people import DAYS, START, Customer, Purchase, customers, purchases, start_instant, visits
from recallgate.cli.demo.world import AFTER_CLICK, UPLIFT, end_instant, gateway_config, habits, uplift
from recallgate.cli.memory import steady_heap
from recallgate.gateway import Gateway
from recallgate.model.chance import Simulation
from recallgate.model.clock import FrozenClock
from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity
from recallgate.recall.audience import Audience
from recallgate.recall.campaign import Campaign
from recallgate.recall.lapse import LapseBuckets
from recallgate.recall.launch import Launched, launch, settled
from recallgate.recall.messages import MessageMaker
from recallgate.recall.people import add_people
from recallgate.recall.preflight import Figures, Preflight, preflight
from recallgate.recall.runner import CampaignRunner
from recallgate.review.collecting import CostInputs
from recallgate.review.report import Report, review
from recallgate.rules.assignment import in_holdout
from recallgate.sandbox.simulate import Progress, SimulationSummary, simulate
from recallgate.sandbox.vendors import Vendors
from recallgate.sandbox.world import World

MARGIN, FIXED_COST, INCENTIVE, CAC = 0.35, 200.0, 3.0, 20.0
# Virtual time stands still at full and half hours only: what is due in between happens there, all at once.
GRAIN = timedelta(minutes=30)
OnProgress = Callable[[str, float], None]


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
    clock = FrozenClock(start_instant())
    seconds: dict[str, float] = {}
    watch = _Watch(seconds)

    tell("layering", 0.0)
    bought, people = _people(number, seed)
    store_path = _fresh(out)  # only now: a refused number leaves an earlier run alone
    history: dict[str, list[Purchase]] = {}
    for purchase in bought:
        history.setdefault(purchase.customer, []).append(purchase)
    audience = _audience(bought, people)
    campaign = settled(demo_campaign(), audience)
    watch("layering")

    share = next(one for one in campaign.experiment.holdouts() if one.kind == "play")
    world = World(
        seed,
        habits(),
        people={address.key: one.id for one in people.values() for found in one.contacts.values() for address in found},
        visits=visits(bought, people, seed),
        return_effect=uplift(history, lambda person: in_holdout(share.salt, person, share_bp=share.share_bp), seed),
        grain=GRAIN,
    )
    vendors = Vendors(world, clock)
    gateway = Gateway(
        config=gateway_config(service_account(), store=f"sqlite:///{store_path}"),
        clock=clock,
        transport=vendors.transport,
        simulation=Simulation(seed),
    )
    async with gateway:
        vendors.attach(gateway)
        await _introduce(gateway, people, tell)
        watch("people")
        maker = MessageMaker(campaign, link=LINK, key=hashlib.sha256(f"{seed}:codes".encode()).digest())
        checked = preflight(_figures(campaign, audience), campaign=campaign, tenant_windows=False)
        watch("preflight")
        launched = await launch(gateway, campaign, audience)
        gateway.add_job(CampaignRunner(gateway, campaign, maker=maker))
        watch("launch")

        def on_progress(at: Progress) -> None:
            tell(f"{at.now:%d %B}", at.share)

        simulated = await simulate(
            gateway, vendors, start=start_instant(), end=end_instant(DAYS), on_progress=on_progress, grain=GRAIN
        )
        watch("28 days")
        tell("review", 0.0)
        report = await _review(gateway, campaign, _layers(audience), out)
        status = await gateway.status()
        watch("review")
    lapsed = audience.count(campaign.churn.lapsed)
    return DemoResult(out, audience.people, lapsed, launched, checked, simulated, report, status["messages"], seconds)


def _fresh(out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    store = out / "recallgate.sqlite"
    for name in (
        "recallgate.sqlite",
        "recallgate.sqlite-wal",
        "recallgate.sqlite-shm",
        "report.html",
        "report.md",
        "review.json",
    ):
        with suppress(FileNotFoundError):
            (out / name).unlink()
    return store


def _people(number: int | None, seed: str) -> tuple[list[Purchase], dict[str, Customer]]:
    bought = list(purchases())
    ids = sorted({purchase.customer for purchase in bought})
    if number is not None:
        if not 200 <= number <= len(ids):
            raise ConfigError(f"customers: {number} is not between 200 and {len(ids)}")
        ids = sorted(sorted(ids, key=lambda one: hashlib.sha256(f"{seed}:{one}".encode()).digest())[:number])
        chosen = set(ids)
        bought = [purchase for purchase in bought if purchase.customer in chosen]
    return bought, {one.id: one for one in customers(ids, seed)}


def _audience(bought: Sequence[Purchase], people: Mapping[str, Customer]) -> Audience:
    """The audience as of the evening before the start: purchases of the campaign's days are not known yet."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("create table bought (person varchar, day varchar, amount decimal(12, 2))")
    connection.execute(
        "insert into bought select unnest($1), unnest($2), unnest($3)::decimal(12, 2) / 100",
        [
            [purchase.customer for purchase in bought if purchase.day < START],
            [purchase.day.isoformat() for purchase in bought if purchase.day < START],
            [purchase.cents for purchase in bought if purchase.day < START],
        ],
    )
    activity = Activity.from_sql(
        "select * from bought", connection=connection, person="person", at="day", amount="amount", event="purchase"
    )
    connection.execute("create table known (person varchar, country varchar, region varchar, locale varchar, channels varchar)")
    known = list(people.values())
    connection.execute(
        "insert into known select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)",
        [
            [one.id for one in known],
            [one.home.country for one in known],
            [one.home.region for one in known],
            [one.home.locale for one in known],
            [",".join(one.contacts) for one in known],
        ],
    )
    add_people(activity, "known")
    return Audience.build(activity, START - timedelta(days=1), tiers=demo_campaign().tiers)


async def _introduce(gateway: Gateway, people: Mapping[str, Customer], tell: OnProgress) -> None:
    """Tell the gateway of the people, and of those who had said no before."""
    known = list(people.values())
    for start in range(0, len(known), 1000):
        await gateway.save_people([one.record() for one in known[start : start + 1000]])
        tell("people", start / len(known))
    for one in known:
        if one.opted_out:
            await gateway.suppress(person=one.id, reason="opt_out", source="import")


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


@lru_cache(maxsize=1)
def service_account() -> Mapping[str, str]:
    """A service account for the sandbox's push vendor, with a key made for this run only."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    account = {
        "type": "service_account",
        "project_id": "recallgate-demo",
        "private_key_id": "demo",
        "private_key": pem,
        "client_email": "demo@recallgate-demo.iam.gserviceaccount.invalid",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return {"service_account": json.dumps(account)}


class _Watch:
    """Writes down how long each stage took."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._since = time.perf_counter()

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self._seconds[stage] = round(now - self._since, 2)
        self._since = now


async def _review(gateway: Gateway, campaign: Campaign, layers: Mapping[str, Any], out: Path) -> Report:
    """Review the campaign and write `report.html`, `report.md` and `review.json`."""
    now = gateway.clock.now()
    report = await gateway.store.run(
        lambda c: review(
            c,
            gateway.config.tenant,
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
