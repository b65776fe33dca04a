"""From a step of a play to a message for one person: the reachable ways, the offer's price and code, the words."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from recallgate.model.address import Address
from recallgate.model.clock import from_ms
from recallgate.model.ids import derived_id
from recallgate.model.message import Alternative, Message, Origin
from recallgate.model.purpose import Purpose
from recallgate.recall.campaign import Campaign
from recallgate.recall.content import content_of
from recallgate.recall.offer import code_for
from recallgate.recall.play import ways_for
from recallgate.recall.steps import Send, Way
from recallgate.store.campaigns import RunRow

_ADDRESS: TypeAdapter[Any] = TypeAdapter(Address)


class MessageMaker:
    """Makes the messages of one campaign. `link` is where its words lead; `key`, a secret, makes the offer's codes."""

    def __init__(self, campaign: Campaign, *, link: str = "", key: bytes) -> None:
        self.campaign = campaign
        self._link = link
        self._key = key

    def message(
        self, run: RunRow, step: Send, person: Mapping[str, Any] | None, now: datetime, *, data: Mapping[str, Any] | None = None
    ) -> Message | None:
        """The message of a step, or None when the person has no address on any of its channels; `data` is the run's, read."""
        if person is None:
            return None
        contacts = person["contacts"]
        data = json.loads(run.data) if data is None else data
        idle = idle_days(data, now)
        ways = ways_for(step, days_idle=idle, reachable=frozenset(contacts))
        if not ways:
            return None
        variables = self.variables(run, person, data, idle)
        first, *others = (self._way(way, contacts, variables) for way in ways)
        offer = self.campaign.offer
        return Message(
            id=derived_id(from_ms(run.started_at), run.tenant, run.campaign, run.version, run.person, str(run.run), step.name),
            tenant=run.tenant,
            channel=first.channel,
            to=first.to,
            content=first.content,
            alternatives=tuple(others),
            purpose=Purpose(step.purpose),
            brand=self.campaign.brand or None,
            person=run.person,
            expires_at=now + step.expires_after,
            locale=person["locale"],
            timezone=person["zone"],
            country=person["country"],
            region=person["region"],
            priority=step.priority,
            tags=frozenset({self.campaign.play.name}),
            origin=Origin(campaign=run.campaign, step=step.name, arm=run.arm, offer=offer.id if offer else None, run=run.run),
        )

    def variables(self, run: RunRow, person: Mapping[str, Any], data: Mapping[str, Any], idle: int) -> dict[str, object]:
        """What texts may name: the person's fields, the facts of the run, the offer's price, value and code, the link."""
        offer = self.campaign.offer
        found: dict[str, object] = {**person["data"], **{name: value for name, value in data.items() if value is not None}}
        found.setdefault("name", "")
        found |= {"link": self._link, "brand": self.campaign.brand, "arm": run.arm or "", "offer": offer.id if offer else ""}
        if offer is not None:
            tier = str(data.get("tier") or "all")
            choices = offer.per_tier.get(tier) or offer.per_tier.get("all") or ()
            terms = offer.terms_for(tier, alternative=self._alternative(run.arm, len(choices)))
            price = offer.ladder.price_at(idle) if offer.ladder is not None else None
            found |= {
                "price": _money(price if price is not None else terms.value_cents),
                "value": terms.text or offer.user_value,
                "code": code_for(offer, run.person, key=self._key),
            }
        return found

    def _alternative(self, arm: str | None, number: int) -> int:
        """Arms take the alternatives of a tier in order: the first arm the first, and so on, as far as there are any."""
        names = [one.name for one in self.campaign.experiment.arms]
        return max(0, min(names.index(arm), number - 1)) if arm in names else 0

    def _way(self, way: Way, contacts: Mapping[str, Any], variables: Mapping[str, object]) -> Alternative:
        address = _ADDRESS.validate_json(contacts[way.channel][0])
        return Alternative(channel=way.channel, to=address, content=content_of(way, variables))


def idle_days(data: Mapping[str, Any], now: datetime) -> int:
    """Whole days since the last activity that the run knows of."""
    last = data.get("last")
    if not last:
        return 0
    return (now.date() - date.fromisoformat(str(last)[:10])).days


def _money(cents: int) -> str:
    return f"{cents // 100}" if cents % 100 == 0 else f"{cents / 100:.2f}"
