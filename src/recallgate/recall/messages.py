"""From a step of a play to a message for one person: the reachable ways, the offer's price and code, the words."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from recallgate.model.address import Address
from recallgate.model.clock import from_ms
from recallgate.model.ids import derived_id
from recallgate.model.message import Message, Origin
from recallgate.recall.campaign import Campaign
from recallgate.recall.content import Wording
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
        self._wordings: dict[int, Wording] = {}
        self._arms = [arm.name for arm in campaign.experiment.arms]
        self._tags = frozenset({campaign.play.name})

    def message(
        self, run: RunRow, step: Send, person: Mapping[str, Any] | None, now: datetime, *, data: Mapping[str, Any] | None = None
    ) -> Message | None:
        """The message of a step, or None when the person has no address on any of its channels; `data` is the run's, read."""
        if person is None:
            return None
        contacts = person["contacts"]
        data = json.loads(run.data) if data is None else data
        idle = idle_days(data, now)
        ways = [self._wording(way) for way in ways_for(step, days_idle=idle, reachable=contacts.keys())]
        if not ways:
            return None
        variables = self._variables(run, person, data, idle, frozenset().union(*(way.names for way in ways)))
        first, *others = (
            {"channel": way.way.channel, "to": _address(contacts[way.way.channel][0]), "content": way(variables)} for way in ways
        )
        offer = self.campaign.offer
        # One reading for the message with all its parts: reading each part on its own costs as much again.
        try:
            return Message.model_validate(
                {
                    **first,
                    "id": derived_id(
                        from_ms(run.started_at), run.tenant, run.campaign, run.version, run.person, str(run.run), step.name
                    ),
                    "tenant": run.tenant,
                    "alternatives": others,
                    "purpose": step.purpose,
                    "brand": self.campaign.brand or None,
                    "person": run.person,
                    "expires_at": now + step.expires_after,
                    "locale": person["locale"],
                    "timezone": person["zone"],
                    "country": person["country"],
                    "region": person["region"],
                    "priority": step.priority,
                    "tags": self._tags,
                    "origin": _origin(run.campaign, step.name, run.arm, offer.id if offer else None, run.run),
                }
            )
        except ValidationError:
            for way in ways:
                way.content(variables)  # says which words are at fault, and why
            raise

    def _wording(self, way: Way) -> Wording:
        found = self._wordings.get(id(way))  # a wording keeps its way, so that no other can come by the same id
        if found is None:
            found = self._wordings[id(way)] = Wording(way)
        return found

    def _variables(
        self, run: RunRow, person: Mapping[str, Any], data: Mapping[str, Any], idle: int, wanted: frozenset[str]
    ) -> dict[str, object]:
        """What texts may name: the person's fields, the facts of the run, the offer's price, value and code, the link."""
        offer = self.campaign.offer
        found: dict[str, object] = {**person["data"], **{name: value for name, value in data.items() if value is not None}}
        found.setdefault("name", "")
        found |= {"link": self._link, "brand": self.campaign.brand, "arm": run.arm or "", "offer": offer.id if offer else ""}
        if offer is not None and not wanted.isdisjoint(("price", "value")):
            tier = str(data.get("tier") or "all")
            choices = offer.per_tier.get(tier) or offer.per_tier.get("all") or ()
            terms = offer.terms_for(tier, alternative=self._alternative(run.arm, len(choices)))
            price = offer.ladder.price_at(idle) if offer.ladder is not None else None
            found["price"] = _money(price if price is not None else terms.value_cents)
            found["value"] = terms.text or offer.user_value
        if offer is not None and "code" in wanted:
            found["code"] = code_for(offer, run.person, key=self._key)
        return found

    def _alternative(self, arm: str | None, number: int) -> int:
        """Arms take the alternatives of a tier in order: the first arm the first, and so on, as far as there are any."""
        return max(0, min(self._arms.index(arm), number - 1)) if arm in self._arms else 0


@lru_cache(maxsize=4096)  # a person's next message goes to the same address
def _address(stored: str) -> Address:
    found: Address = _ADDRESS.validate_json(stored)
    return found


@lru_cache(maxsize=1024)
def _origin(campaign: str, step: str, arm: str | None, offer: str | None, run: int) -> Origin:
    return Origin(campaign=campaign, step=step, arm=arm, offer=offer, run=run)


def idle_days(data: Mapping[str, Any], now: datetime) -> int:
    """Whole days since the last activity that the run knows of."""
    last = data.get("last")
    if not last:
        return 0
    return (now.date() - date.fromisoformat(str(last)[:10])).days


def _money(cents: int) -> str:
    return f"{cents // 100}" if cents % 100 == 0 else f"{cents / 100:.2f}"
