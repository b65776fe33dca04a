"""The whole path over HTTP beside a bare loop on the same transport: messages a second, 50 in flight, a server on loopback.

The path: `submit` is done before; then claim, policies, intent commit, HTTP call, outcome commit. The bare loop sends the
same bodies through the same kind of transport with nothing around it. Rounds alternate; the medians are compared.
Usage: python benchmarks/lanes.py [--transport lanes|fast] [--messages 10000] [--rounds 3]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from fakes import account, texts
from servers import TRANSPORTS, Transport, sink

from recallgate import Adapter, AdapterConfig, Gateway, Message, Receipt, channels, read_json
from recallgate.cli.memory import steady_heap

_IN_FLIGHT = 50


class HttpSms(Adapter):
    """One JSON request a message. `answers` counts what was read, for whoever waits for the end."""

    vendor, channel = "sink", channels.SMS
    answers = 0

    def build(self, message: Message) -> httpx.Request:
        body = {"to": message.to.key, "text": message.text, "ref": message.id}
        return httpx.Request("POST", f"{self.config.base_url}/messages", json=body)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        HttpSms.answers += 1
        return Receipt(message.id, str(read_json(response)["id"]) + message.id)


async def bare(base: str, count: int, *, transport: Transport, in_flight: int = _IN_FLIGHT) -> float:
    """Requests a second of the transport alone: build, send, read."""
    client = httpx.AsyncClient(transport=transport(in_flight), trust_env=False)
    waiting = list(texts(count, purpose="service"))

    async def lane() -> None:
        while waiting:
            message = waiting.pop()
            body = {"to": message.to.key, "text": message.text, "ref": message.id}
            response = await client.send(client.build_request("POST", f"{base}/messages", json=body))
            assert response.json()["id"]

    before = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(in_flight)))
    spent = time.perf_counter() - before
    await client.aclose()
    return count / spent


async def whole(base: str, count: int, folder: Path, *, transport: Transport, in_flight: int = _IN_FLIGHT) -> float:
    """Messages a second through the gateway, from the claim to the committed outcome."""
    taken = account(HttpSms, settings=AdapterConfig(base_url=base), concurrency=in_flight)
    store = f"sqlite:///{folder}/{time.monotonic_ns()}.sqlite"
    counts: dict[str, int] = {}
    async with Gateway(taken, store=store, transport=lambda _: transport(in_flight)) as gateway:
        await gateway.submit(texts(count, purpose="service"))
        stop = asyncio.Event()
        HttpSms.answers, before = 0, time.perf_counter()
        worker = asyncio.create_task(gateway.run(stop))
        # counting rows is work, too: they are not looked at before the last answer is there
        while HttpSms.answers < count or (counts := (await gateway.status())["messages"]) != {"accepted": count}:
            if time.perf_counter() - before > 120:
                raise SystemExit(f"after two minutes there are {HttpSms.answers} answers; states: {counts}")
            await asyncio.sleep(0.02)
        spent = time.perf_counter() - before
        stop.set()
        await worker
    return count / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--transport", choices=TRANSPORTS, default="lanes")
    given = parser.parse_args()
    transport = TRANSPORTS[given.transport]
    rates: dict[str, list[float]] = {"bare": [], "whole": []}
    with tempfile.TemporaryDirectory() as folder, sink() as base:
        asyncio.run(bare(base, 500, transport=transport))
        asyncio.run(whole(base, 500, Path(folder), transport=transport))
        steady_heap()  # for both, as `recallgate worker` does once it stands
        for _ in range(given.rounds):
            rates["bare"].append(asyncio.run(bare(base, given.messages, transport=transport)))
            rates["whole"].append(asyncio.run(whole(base, given.messages, Path(folder), transport=transport)))
    alone, ours = statistics.median(rates["bare"]), statistics.median(rates["whole"])
    print(f"transport   {given.transport}")
    print(f"bare loop   {alone:7.0f} requests a second, {_IN_FLIGHT} in flight")
    print(f"whole path  {ours:7.0f} messages a second")
    print(f"fraction    {ours / alone:7.2f}")


if __name__ == "__main__":
    main()
