"""Collecting the counts of a campaign from the store.

Time zero is the first vendor accept of a message of the campaign, else the planned instant; of a held-out person the instant at
which the message would have gone. A return on day D has a local date D days after that of time zero.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError
from recallgate.review import traffic
from recallgate.review.cohort import Cohort, LocalDays, Member, load_cohort
from recallgate.review.collected import Collected, CostLine, Guardrail, Stage
from recallgate.review.counts import ChannelCounts, Costs, Pair, ReviewCounts
from recallgate.stats.checks import count, number, rate
from recallgate.store import campaigns

_MICROS = 1_000_000


@dataclass(frozen=True)
class CostInputs:
    """What the store does not know of the cost, in units of the currency in which messages are billed.

    `incentive_each` is what one redeemed offer costs its `payer`; `cac` is what it costs to win a new user.
    """

    labour: float = 0.0
    fixed: float = 0.0
    incentive_each: float = 0.0
    payer: str = "own"
    cac: float | None = None

    def __post_init__(self) -> None:
        for name in ("labour", "fixed", "incentive_each"):
            number(name, getattr(self, name), least=0)


_NO_INPUTS = CostInputs()


def collect(
    connection: Connection,
    tenant: str,
    campaign_id: str,
    *,
    now: datetime,
    window_days: int,
    margin_rate: float,
    costs: CostInputs = _NO_INPUTS,
    zone_of: Callable[[str], str | None] | None = None,
) -> Collected:
    """Count everything that the review of a campaign needs, as of `now`.

    `margin_rate` is the share of an order's amount that is margin. `zone_of` tells a person's zone where the store does not.
    Raises ConfigError for a campaign that is not known.
    """
    count("window_days", window_days)
    rate("margin_rate", margin_rate)
    scope = {"tenant": tenant, "campaign": campaign_id}
    known = campaigns.load(connection, tenant, campaign_id)
    if known is None:
        raise ConfigError(f"campaign: {campaign_id!r} is not in the store; launch it first, or check the id and the tenant")
    at = to_ms(now)
    cohort = load_cohort(connection, scope, now=at, window_days=window_days, margin_rate=margin_rate, zone_of=zone_of)
    treated = [member for member in cohort.members if not member.held_out]
    control = [member for member in cohort.members if member.held_out]
    spent = traffic.cost_by_person(connection, scope)
    human_clicks, other_clicks = traffic.clicks(connection, scope)
    channels = _channels(connection, scope, cohort, treated=treated, clicked=human_clicks)
    treatment = cohort.side(treated)
    total = Costs(
        message=sum(spent.values()) / _MICROS,
        labour=float(costs.labour),
        incentive=treatment.paid * costs.incentive_each,
        fixed=float(costs.fixed),
    )
    held_out_bp = known.holdout_bp
    counts = ReviewCounts(
        treatment=treatment,
        control=cohort.side(control) if control else None,
        weights=(10_000 - held_out_bp, held_out_bp) if control and 0 < held_out_bp < 10_000 else (),
        costs=total,
        cac=costs.cac,
        window_days=window_days,
        by_arm={name: cohort.side(group) for name, group in _grouped(treated, "arm").items()},
        by_tier=_pairs(cohort, treated, control, by="tier"),
        by_lapse=_pairs(cohort, treated, control, by="lapse"),
        by_country=_pairs(cohort, treated, control, by="country"),
        by_channel=channels,
    )
    return Collected(
        campaign=campaign_id,
        counts=counts,
        open_share=sum(member.open for member in cohort.members) / len(cohort.members) if cohort.members else 0.0,
        funnel=_funnel(connection, scope, counts),
        reasons=tuple(traffic.reasons(connection, scope)),
        states=tuple(traffic.states(connection, scope)),
        handling=traffic.handling(connection, scope, now=at),
        guardrails=_guardrails(connection, scope, cohort, channels),
        cost_by_channel=_cost_by_channel(channels, total),
        cost_by_payer=_cost_by_payer(costs.payer, total),
        cost_by_tier=_cost_by_tier(cohort, treated, spent, total),
        clicks_not_human=other_clicks,
    )


def _channels(
    connection: Connection, scope: Mapping[str, object], cohort: Cohort, *, treated: Sequence[Member], clicked: Mapping[str, int]
) -> tuple[ChannelCounts, ...]:
    refused = traffic.refusals(connection, scope)
    recalled = [member.person for member in treated if cohort.outcome(member.person).day is not None]
    touched = traffic.touches(connection, scope, recalled)
    returned: dict[str, int] = {}
    paid: dict[str, int] = {}
    for person in recalled:
        outcome = cohort.outcome(person)
        channel = traffic.credited_channel(touched.get(person, []), outcome.at)
        if channel is not None:
            returned[channel] = returned.get(channel, 0) + 1
            paid[channel] = paid.get(channel, 0) + outcome.paid
    return tuple(
        ChannelCounts(
            channel=found.channel,
            messages=found.messages,
            sent=found.sent,
            delivered=found.delivered,
            clicked=clicked.get(found.channel, 0),
            people=found.people,
            returned=returned.get(found.channel, 0),
            paid=paid.get(found.channel, 0),
            opted_out=refused.get((found.channel, "unsubscribed"), 0),
            complained=refused.get((found.channel, "complained"), 0),
            uncertain=found.uncertain,
            cost=found.cost_micros / _MICROS,
        )
        for found in traffic.channel_traffic(connection, scope)
    )


def _funnel(connection: Connection, scope: Mapping[str, object], counts: ReviewCounts) -> tuple[Stage, ...]:
    side = counts.treatment
    reached = traffic.reach(connection, scope)
    return (
        Stage("assigned", side.n),
        *(Stage(name, found.people, found.messages) for name, found in reached.items()),
        Stage("returned", side.returned),
        Stage("paid", side.paid),
    )


def _guardrails(
    connection: Connection, scope: Mapping[str, object], cohort: Cohort, channels: Sequence[ChannelCounts]
) -> tuple[Guardrail, ...]:
    days = LocalDays()
    members = {member.person: member for member in cohort.members}
    hit: set[tuple[str, str]] = set()
    for person, reason, at in traffic.suppressions(connection, scope):
        member = members[person]
        if 0 <= days.day(at, member.zone) - member.zero_day <= cohort.window_days:
            hit.add((person, reason))
    n_c = sum(member.held_out for member in cohort.members)
    n_t = len(cohort.members) - n_c
    found = []
    for reason in ("opt_out", "complaint"):
        k_c = sum(members[person].held_out for person, name in hit if name == reason)
        k_t = sum(name == reason for _, name in hit) - k_c
        found.append(Guardrail(reason, "*", k_t, n_t, k_c if n_c else None, n_c or None))
    for channel in channels:
        found.append(Guardrail("opt_out", channel.channel, min(channel.opted_out, channel.people), channel.people))
        found.append(Guardrail("complaint", channel.channel, min(channel.complained, channel.people), channel.people))
    return tuple(found)


def _pairs(cohort: Cohort, treated: Sequence[Member], control: Sequence[Member], *, by: str) -> dict[str, Pair]:
    groups, against = _grouped(treated, by), _grouped(control, by)
    return {
        name: Pair(cohort.side(groups.get(name, [])), cohort.side(against[name]) if name in against else None)
        for name in sorted({*groups, *against}, key=_in_order)
    }


def _grouped(members: Sequence[Member], by: str) -> dict[str, list[Member]]:
    found: dict[str, list[Member]] = {}
    for member in members:
        if (name := getattr(member, by)) is not None:
            found.setdefault(name, []).append(member)
    return {name: found[name] for name in sorted(found, key=_in_order)}


def _in_order(name: str) -> list[tuple[int, str]]:
    """Numbers within names by their size: 30-59 before 180-364."""
    return [(int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def _cost_by_channel(channels: Sequence[ChannelCounts], total: Costs) -> tuple[CostLine, ...]:
    lines = [CostLine(channel.channel, channel.cost) for channel in channels if channel.cost]
    others = {"labour": total.labour, "incentive": total.incentive, "fixed": total.fixed}
    return (*lines, *(CostLine(name, amount) for name, amount in others.items() if amount))


def _cost_by_payer(payer: str, total: Costs) -> tuple[CostLine, ...]:
    own = math.fsum((total.message, total.labour, total.fixed))
    if payer == "own" or not total.incentive:
        return (CostLine("own", own + total.incentive),)
    return (CostLine("own", own), CostLine(payer, total.incentive))


def _cost_by_tier(cohort: Cohort, treated: Sequence[Member], spent: Mapping[str, int], total: Costs) -> tuple[CostLine, ...]:
    """Messages and incentives by who got them, labour and fixed cost by head."""
    if not any(member.tier for member in treated):
        return ()
    buyers = sum(cohort.outcome(member.person).paid for member in treated)
    each = total.incentive / buyers if buyers else 0.0
    by_head = (total.labour + total.fixed) / len(treated)
    amounts: dict[str, list[float]] = {}
    for member in treated:
        own = spent.get(member.person, 0) / _MICROS + each * cohort.outcome(member.person).paid + by_head
        amounts.setdefault(member.tier or "-", []).append(own)
    return tuple(CostLine(name, math.fsum(parts)) for name, parts in sorted(amounts.items()))
