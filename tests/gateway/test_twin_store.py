"""The plan of a whole store gives each person the answer that the gateway would give."""

import random
from datetime import timedelta

from gateway.ground import DAY, HOUR, NIGHT, account, ground, live, marketing
from recallgate import FrequencyCap, PersonEvent, PersonRecord, Phone
from recallgate.policies.case import Holdout
from recallgate.policies.default import default_chain
from recallgate.recall import twin_store
from recallgate.recall.duck import connect
from recallgate.recall.twin import Asked, counts, decide

CAPS = (FrequencyCap(limit=1, window=timedelta(hours=24)), FrequencyCap(limit=3, window=timedelta(days=7)))
ZONES = (("America/New_York", "US", "US-NY"), ("Asia/Shanghai", "CN", None), ("Europe/Paris", "FR", None), (None, None, None))


@live
async def test_the_plan_of_a_store_is_what_the_gateway_says_of_each() -> None:
    draw = random.Random(7)
    chain = default_chain(jitter=timedelta(0))
    async with ground(account(), chain=chain, global_holdout_bp=1500, at=NIGHT - 3 * DAY - 12 * HOUR) as here:
        gateway = here.gateway
        people = {}
        for n in range(60):
            zone, country, region = ZONES[n % 4]
            number = f"+1212555{n:04}" if country != "CN" else f"+86139100{n:05}"
            contacts = {"sms": [Phone(e164=number)]} if n % 9 else {}
            people[f"p{n:02}"] = (number, zone, country, region, bool(contacts))
            await gateway.save_people([PersonRecord(f"p{n:02}", zone=zone, country=country, region=region, contacts=contacts)])
        for name, (number, zone, country, region, _) in people.items():
            if draw.random() < 0.3:
                where = {"timezone": zone, "country": country, "region": region}
                await gateway.send(marketing(number, person=name, **where))
        here.clock.advance(20 * HOUR)
        for name, (number, *_) in people.items():
            match draw.randrange(8):
                case 0:
                    await gateway.suppress(person=name, reason="opt_out")
                case 1:
                    await gateway.suppress(address=number, channel="sms", reason="dnc_registry", expires_at=NIGHT + DAY)
                case 2:
                    await gateway.suppress(person=name, reason="hopeless")
                    if draw.random() < 0.5:
                        here.clock.advance(timedelta(minutes=1))
                        await gateway.record([PersonEvent(name, "returned", here.clock.now())])
        now = here.clock.now()
        asked = Asked("sms", now, caps=CAPS, holdouts=(Holdout("global", "holdout.global:1", 1500),))
        connection = connect()
        sources = await twin_store.copy_store(gateway, connection, asked)
        decide(connection, sources, asked, book=gateway.rules, table="answers")
        found = {name: (verdict, code) for name, verdict, code, _ in connection.execute("from answers").fetchall()}

        told = {}
        for name, (number, zone, country, region, reachable) in people.items():
            if not reachable:
                told[name] = ("unreachable", None)
                continue
            message = marketing(number, person=name, timezone=zone, country=country, region=region)
            shown = await gateway.explain(message)
            told[name] = (shown["verdict"], shown["code"])
        assert found == told
        assert len(counts(connection, "answers")) >= 6
