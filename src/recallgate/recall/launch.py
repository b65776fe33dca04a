"""Launching a campaign: who enters, who is held out, which arm; and the plan that says so before anything is sent."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from recallgate.gateway import Gateway
from recallgate.model.clock import to_ms
from recallgate.model.verdict import Allow, Defer
from recallgate.recall.audience import Audience
from recallgate.recall.campaign import Campaign
from recallgate.recall.condition import Facts
from recallgate.recall.lapse import LapseBuckets
from recallgate.recall.messages import MessageMaker
from recallgate.recall.program import DoSend
from recallgate.store import campaigns, people
from recallgate.store.campaigns import CampaignRow, RunRow

_PAGE = 1000
# Facts that a run keeps, so that choices, ladders and the review need no second look at the activity.
_KEPT = (
    "tier",
    "rfm",
    "orders",
    "monetary_cents",
    "days_since_last",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "cause",
)


@dataclass(frozen=True)
class Launched:
    """How many people entered, by arm; `holdout` of them are kept without contact."""

    people: int
    holdout: int
    arms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """What a launch would do now: people by arm, first messages by channel and by verdict code, and their cost."""

    people: int
    holdout: int
    arms: Mapping[str, int]
    channels: Mapping[str, int]
    verdicts: Mapping[str, int]
    unreachable: int
    cost_cents: int


def settled(campaign: Campaign, audience: Audience) -> Campaign:
    """The campaign with its holdout share settled for the size of its segment."""
    return replace(campaign, experiment=campaign.experiment.sized(audience.count(campaign.segment)))


async def launch(
    gateway: Gateway, campaign: Campaign, audience: Audience, *, only: Callable[[str], bool] | None = None
) -> Launched:
    """Store the campaign and enrol its segment; people who are in it already are not enrolled again.

    `only` narrows this launch to the people for whom it is true: for a launch in waves, or in several processes.
    Messages leave as the campaign's runner moves the runs on. The experiment needs its share: see `settled`.
    """
    now = gateway.clock.now()
    tenant = gateway.config.tenant
    holdouts = [one for one in campaign.experiment.holdouts() if one.kind == "play"]
    row = CampaignRow(
        tenant,
        campaign.id,
        campaign.version,
        json.dumps(campaign.definition(), ensure_ascii=False, sort_keys=True),
        "launched",
        holdouts[0].share_bp if holdouts else 0,
        holdouts[0].salt if holdouts else f"holdout.play:{campaign.id}",
        json.dumps(dict(campaign.play.windows), sort_keys=True),
        to_ms(now),
        json.dumps({"hypothesis": campaign.hypothesis, "what_changed": campaign.what_changed}, ensure_ascii=False),
    )
    await gateway.store.run(lambda c: campaigns.save(c, row))
    arms: Counter[str] = Counter()
    held = total = 0
    wanted = (facts for facts in audience.facts(campaign.segment) if only is None or only(str(facts["person"])))
    for page in _pages(wanted):
        clusters = await gateway.store.run(partial(_clusters, tenant=tenant, names=[str(facts["person"]) for facts in page]))
        rows = [_run(campaign, facts, clusters, tenant=tenant, now=now) for facts in page]
        total += await gateway.store.run(partial(campaigns.enrol, rows=rows))
        held += sum(one.holdout for one in rows)
        arms.update(one.arm for one in rows if one.arm is not None)
    return Launched(total, held, dict(sorted(arms.items())))


async def plan(gateway: Gateway, campaign: Campaign, audience: Audience, *, maker: MessageMaker) -> Planned:
    """What would happen at a launch now, judged by the gateway's own policies; nothing is written or sent."""
    now = gateway.clock.now()
    tenant = gateway.config.tenant
    first = next((item for item in campaign.program.instructions if isinstance(item, DoSend)), None)
    arms: Counter[str] = Counter()
    channels: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    held = total = unreachable = 0
    for page in _pages(audience.facts(campaign.segment), size=200):
        names = [str(facts["person"]) for facts in page]

        def judge(connection: Connection, page: list[Facts] = page, names: list[str] = names) -> tuple[int, int, int]:
            clusters = _clusters(connection, tenant, names)
            known = people.load_people(connection, tenant, names)
            runs = [_run(campaign, facts, clusters, tenant=tenant, now=now) for facts in page]
            arms.update(one.arm for one in runs if one.arm is not None)
            made = [
                message
                for one in runs
                if first is not None and (message := maker.message(one, first.step, known.get(one.person), now)) is not None
            ]
            if made:
                facts_of_page = gateway.cases.load(connection, made, now)
                for message in made:
                    case = gateway.cases.case(message, facts_of_page, now)
                    verdict = gateway.chain.decide(case).verdict
                    channels[message.channel] += isinstance(verdict, (Allow, Defer))
                    verdicts[verdict.code or "allow"] += 1
            return len(runs), sum(one.holdout for one in runs), len(runs) - len(made)

        entered, kept, lost = await gateway.store.run(judge)
        total, held, unreachable = total + entered, held + kept, unreachable + lost
    cost = sum(campaign.costs.per_part.get(channel, 0) * number for channel, number in channels.items())
    return Planned(
        total, held, dict(sorted(arms.items())), dict(sorted(channels.items())), dict(sorted(verdicts.items())), unreachable, cost
    )


def _run(campaign: Campaign, facts: Facts, clusters: Mapping[str, str], *, tenant: str, now: datetime) -> RunRow:
    person = str(facts["person"])
    assignment = campaign.experiment.assign(clusters.get(person, person))
    at = to_ms(now)
    return RunRow(
        tenant,
        campaign.id,
        person,
        0,
        campaign.play.version,
        assignment.arm,
        int(assignment.holdout is not None),
        0,
        "active",
        None,
        None,
        at,
        None,
        at,
        None,
        json.dumps(_kept(facts), ensure_ascii=False, sort_keys=True),
    )


def _kept(facts: Facts) -> dict[str, Any]:
    kept: dict[str, Any] = {name: facts[name] for name in _KEPT if facts.get(name) is not None}
    last = facts.get("last")
    kept["last"] = last.isoformat() if isinstance(last, (date, datetime)) else None
    days = facts.get("days_since_last")
    if isinstance(days, int):
        kept["lapse_bucket"] = LapseBuckets().label_of(days)
    return kept


def _clusters(connection: Connection, tenant: str, names: list[str]) -> dict[str, str]:
    return {identity: row["cluster"] for identity, row in people.load_people(connection, tenant, names).items()}


def _pages(items: Iterable[Facts], size: int = _PAGE) -> Iterable[list[Facts]]:
    page: list[Facts] = []
    for item in items:
        page.append(item)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
