"""One of several processes that send as fast as they may.

`hammer.py STORE SECONDS` prints when it began and when vendors took what, as JSON.
Texts go through an account with a rate; mails go to one person with a cap of so many a day.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta
from typing import Any

from recallgate import Gateway, Message, Receipt
from recallgate.config import GatewayConfig
from recallgate.policies.chain import Chain
from recallgate.policies.default import default_policies
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.testing.fakes import fake_account

RATE, BURST, CAP = 40.0, 5, 25


async def hammer(store: str, seconds: float) -> dict[str, list[float]]:
    limited = fake_account("sms", name="limited", rate=RATE, burst=BURST)
    capped = fake_account("email", name="capped")
    kept = [one for one in default_policies() if one.name != "frequency_cap"]
    chain = Chain([*kept, FrequencyCap(limit=CAP, window=timedelta(hours=24))], jitter=timedelta(0))
    config = GatewayConfig(accounts=(limited, capped), tenant_zone="UTC")
    async with Gateway(config=config, store=store, chain=chain) as gateway:
        taken = {name: _watched(gateway.accounts[name].adapter) for name in ("limited", "capped")}
        stop = asyncio.Event()
        working = asyncio.create_task(gateway.run(stop))
        began, taken["began"] = time.monotonic(), [time.time()]
        while time.monotonic() - began < seconds:
            await gateway.submit(Message.sms("+14155550100", "Your order", purpose="service") for _ in range(20))
            await gateway.submit(
                Message.email("ann@example.com", "News", text="News", purpose="marketing", person="ann", country="GB")
                for _ in range(5)
            )
            await asyncio.sleep(0.1)
        stop.set()
        await working
        return taken


def _watched(adapter: Any) -> list[float]:
    """The instants, as seconds since 1970, at which a vendor takes messages."""
    times: list[float] = []
    answer = adapter.script.answer

    def watching(message: Message) -> Receipt:
        times.append(time.time())
        receipt: Receipt = answer(message)
        return receipt

    adapter.script.answer = watching
    return times


if __name__ == "__main__":
    print(json.dumps(asyncio.run(hammer(sys.argv[1], float(sys.argv[2])))))  # noqa: T201
