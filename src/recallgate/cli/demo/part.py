"""A part of the demo: a share of its people, carried through the 28 days in a process of its own, with a store of its own.

People do not influence one another here, so what becomes of a person is the same in any part; the parts' stores are put
together for the review. `python -m recallgate.cli.demo.part` carries a part for another process, and tells it by lines of JSON.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from recallgate.cli.demo.campaign import LINK, campaign as demo_campaign
from recallgate.cli.demo.people import DAYS, START, Customer, Purchase, customers, purchases, start_instant, visits
from recallgate.cli.demo.world import end_instant, gateway_config, habits, uplift
from recallgate.cli.memory import steady_heap
from recallgate.gateway import Gateway
from recallgate.model.chance import Simulation
from recallgate.model.clock import FrozenClock
from recallgate.model.errors import ConfigError, RecallgateError
from recallgate.recall.activity import Activity
from recallgate.recall.audience import Audience
from recallgate.recall.campaign import Campaign
from recallgate.recall.launch import Launched, launch, settled
from recallgate.recall.messages import MessageMaker
from recallgate.recall.people import add_people
from recallgate.recall.runner import CampaignRunner
from recallgate.rules.assignment import in_holdout
from recallgate.sandbox.simulate import Progress, SimulationSummary, simulate
from recallgate.sandbox.vendors import Vendors
from recallgate.sandbox.world import World

# Virtual time stands still at full and half hours only: what is due in between happens there, all at once.
GRAIN = timedelta(minutes=30)
OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Ground:
    """What a part begins with: its customers and what they bought; of all customers the audience, the campaign, the number."""

    bought: Sequence[Purchase]
    people: Mapping[str, Customer]
    audience: Audience
    campaign: Campaign
    customers: int


@dataclass(frozen=True)
class Part:
    """Which share of the people: every `of`-th, beginning with the one at `index`."""

    index: int
    of: int

    def among(self, names: Sequence[str]) -> frozenset[str]:
        return frozenset(sorted(names)[self.index :: self.of])


@dataclass(frozen=True)
class Carried:
    """What came of a part, and how long its stages took."""

    launched: Launched
    simulated: SimulationSummary
    seconds: Mapping[str, float]


class Watch:
    """Writes down how long each stage took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._since, 2)
        self._since = now


# From this many customers on, they live in two processes; the number never depends on the machine, nor does the review.
TWO_PARTS_FROM = 1000
CUSTOMERS = 23_570


def parts_of(number: int | None) -> int:
    """In how many processes so many customers live; raises ConfigError for a number that the data set does not have."""
    if number is not None and not 200 <= number <= CUSTOMERS:
        raise ConfigError(f"customers: {number} is not between 200 and {CUSTOMERS}")
    return 1 if number is not None and number < TWO_PARTS_FROM else 2


def lay_ground(number: int | None, seed: str, part: Part) -> Ground:
    """The customers of the data set, or `number` of them drawn by the seed, layered as of the day before the start.

    Of the people only those of the part are kept: all of them would be a third of the memory of a process.
    """
    bought = list(purchases())
    ids = sorted({purchase.customer for purchase in bought})
    if number is not None:
        ids = sorted(sorted(ids, key=lambda one: hashlib.sha256(f"{seed}:{one}".encode()).digest())[:number])
        chosen = set(ids)
        bought = [purchase for purchase in bought if purchase.customer in chosen]
    ours, people, known = part.among(ids), dict[str, Customer](), list[tuple[str, str | None, str | None, str, str]]()
    for one in customers(ids, seed):
        known.append((one.id, one.home.country, one.home.region, one.home.locale, ",".join(one.contacts)))
        if one.id in ours:
            people[one.id] = one
    audience = _audience(bought, known)
    return Ground(
        [purchase for purchase in bought if purchase.customer in ours],
        people,
        audience,
        settled(demo_campaign(), audience),
        len(ids),
    )


async def carry(store: Path, ground: Ground, *, seed: str, tell: OnProgress) -> Carried:
    """Introduce the part's people to a gateway with an empty store, launch the campaign for them, and live through the days."""
    watch = Watch()
    clock = FrozenClock(start_instant())
    people, campaign = ground.people, ground.campaign
    vendors = Vendors(_world(ground.bought, people, campaign, seed), clock)
    gateway = Gateway(
        config=gateway_config(service_account(), store=f"sqlite:///{store}"),
        clock=clock,
        transport=vendors.transport,
        simulation=Simulation(seed),
    )
    async with gateway:
        vendors.attach(gateway)
        await _introduce(gateway, people, tell)
        watch("people")
        maker = MessageMaker(campaign, link=LINK, key=hashlib.sha256(f"{seed}:codes".encode()).digest())
        launched = await launch(gateway, campaign, ground.audience, only=people.__contains__)
        ground.audience.activity.connection.close()  # nobody asks it again, and it holds on to its memory
        gateway.add_job(CampaignRunner(gateway, campaign, maker=maker))
        watch("launch")

        def on_progress(at: Progress) -> None:
            tell(f"{at.now:%d %B}", at.share)

        simulated = await simulate(
            gateway, vendors, start=start_instant(), end=end_instant(DAYS), on_progress=on_progress, grain=GRAIN
        )
    watch("28 days")
    return Carried(launched, simulated, watch.seconds)


def together(parts: Sequence[Carried]) -> tuple[Launched, SimulationSummary]:
    """What all parts did."""
    first = parts[0].simulated
    return (
        Launched(
            sum(one.launched.people for one in parts),
            sum(one.launched.holdout for one in parts),
            _summed([one.launched.arms for one in parts]),
        ),
        SimulationSummary(
            first.start,
            first.end,
            sum(one.simulated.handled for one in parts),
            max(one.simulated.instants for one in parts),
            _summed([one.simulated.counts for one in parts]),
            sum(one.simulated.left for one in parts),
        ),
    )


def _summed(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(one.get(name, 0) for one in counts) for name in sorted({name for one in counts for name in one})}


def _world(bought: Sequence[Purchase], people: Mapping[str, Customer], campaign: Campaign, seed: str) -> World:
    history: dict[str, list[Purchase]] = {}
    for purchase in bought:
        history.setdefault(purchase.customer, []).append(purchase)
    share = next(one for one in campaign.experiment.holdouts() if one.kind == "play")
    return World(
        seed,
        habits(),
        people={address.key: one.id for one in people.values() for found in one.contacts.values() for address in found},
        visits=visits(bought, people, seed),
        return_effect=uplift(history, lambda person: in_holdout(share.salt, person, share_bp=share.share_bp), seed),
        grain=GRAIN,
    )


def _audience(bought: Sequence[Purchase], known: Sequence[tuple[str, str | None, str | None, str, str]]) -> Audience:
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
    connection.execute(
        "insert into known select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)",
        [list(column) for column in zip(*known, strict=True)],
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


async def _for_another(store: Path, number: int | None, part: Part, seed: str) -> None:
    """Carry a part and tell of it on standard output, a line of JSON each: how far it is, at last what came of it, or a fault."""
    last = 0.0

    def tell(stage: str, share: float) -> None:
        nonlocal last
        if stage != "people" and time.monotonic() - last > 0.1:
            last = time.monotonic()
            print(json.dumps({"stage": stage, "share": share}), flush=True)

    steady_heap()
    try:
        carried = await carry(store, lay_ground(number, seed, part), seed=seed, tell=tell)
    except Exception as exc:
        print(json.dumps({"fault": str(exc) if isinstance(exc, RecallgateError) else repr(exc)}), flush=True)
        raise
    print(json.dumps({"carried": _plain(carried)}), flush=True)


def _plain(carried: Carried) -> dict[str, Any]:
    found = asdict(carried)
    for name in ("start", "end"):
        found["simulated"][name] = found["simulated"][name].isoformat()
    return found


def carried_from(found: Mapping[str, Any]) -> Carried:
    """What another process told of its part."""
    simulated = {**found["simulated"], **{name: datetime.fromisoformat(found["simulated"][name]) for name in ("start", "end")}}
    return Carried(Launched(**found["launched"]), SimulationSummary(**simulated), found["seconds"])


if __name__ == "__main__":
    place, wanted, index, of, seed = sys.argv[1:]
    asyncio.run(_for_another(Path(place), int(wanted) if wanted else None, Part(int(index), int(of)), seed))
