"""Plays that an event starts, such as an order: one run for each value of the trigger's key."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from recallgate.gateway import Gateway
from recallgate.model.clock import from_ms, to_ms
from recallgate.model.errors import ConfigError
from recallgate.model.purpose import Purpose
from recallgate.recall.campaign import Campaign
from recallgate.store import campaigns, people
from recallgate.store.campaigns import CampaignRow, RunRow
from recallgate.store.people import Started

_MOST = 500


class EventStarter:
    """A job that starts a run for each new event of a campaign's trigger; add it beside the campaign's runner.

    Two events with the same key, such as one order told twice, are one run. What happened before the campaign was stored
    starts nothing. Marketing plays have their holdout; services have none.
    """

    every = timedelta(seconds=1)

    def __init__(self, gateway: Gateway, campaign: Campaign) -> None:
        trigger = campaign.play.trigger
        if trigger.kind != "event" or trigger.event is None:
            raise ConfigError(f"play {campaign.play.name}: its trigger is no event; launch it with its segment")
        self.name = f"starter:{campaign.id}"
        self.campaign = campaign
        self._gateway = gateway
        self._event, self._key = trigger.event, trigger.key
        self._marketing = any(send.purpose == Purpose.MARKETING for send in campaign.play.sends())
        # services have no holdout: nobody is kept from news of their own order
        self._experiment = campaign.experiment if self._marketing else replace(campaign.experiment, holdout_bp=0)

    async def store(self) -> None:
        """Store the campaign: from now on its events start runs."""
        held = [one for one in self._experiment.holdouts() if one.kind == "play"]
        row = CampaignRow(
            self._gateway.config.tenant,
            self.campaign.id,
            self.campaign.version,
            json.dumps(self.campaign.definition(), ensure_ascii=False, sort_keys=True),
            "launched",
            held[0].share_bp if held else 0,
            held[0].salt if held else f"holdout.play:{self.campaign.id}",
            json.dumps(dict(self.campaign.play.windows), sort_keys=True),
            to_ms(self._gateway.clock.now()),
            json.dumps({"hypothesis": self.campaign.hypothesis, "what_changed": self.campaign.what_changed}, ensure_ascii=False),
        )
        await self._gateway.store.run(partial(campaigns.save, row=row))

    async def run(self, now: datetime) -> int:
        """Start what is to be started; answers how many runs were new."""
        return await self._gateway.store.run(lambda c: self._start(c, to_ms(now)))

    async def next_due(self) -> datetime | None:
        """Now when an event waits for its run, else None."""
        waits = await self._gateway.store.run(lambda c: bool(self._found(c, most=1)), small=True)
        return self._gateway.clock.now() if waits else None

    def _found(self, connection: Connection, *, most: int = _MOST) -> list[Started]:
        tenant = self._gateway.config.tenant
        return people.starts(connection, tenant, self.campaign.id, event=self._event, key=self._key, most=most)

    def _start(self, connection: Connection, now: int) -> int:
        found = self._found(connection)
        if not found:
            return 0
        known = people.load_people(connection, self._gateway.config.tenant, [one.person for one in found])
        rows = [self._row(one, str(known.get(one.person, {}).get("cluster") or one.person), now) for one in found]
        return campaigns.enrol(connection, rows)

    def _row(self, one: Started, cluster: str, now: int) -> RunRow:
        assignment = self._experiment.assign(cluster)
        data = {**one.data, "key": one.key, "last": from_ms(one.at).isoformat()}
        return RunRow(
            self._gateway.config.tenant,
            self.campaign.id,
            one.person,
            one.seq,
            self.campaign.play.version,
            assignment.arm,
            int(assignment.holdout is not None),
            0,
            "active",
            None,
            None,
            one.at,
            None,
            now,
            None,
            json.dumps(data, ensure_ascii=False, sort_keys=True),
        )
