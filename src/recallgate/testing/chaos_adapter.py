"""The adapters of the chaos vendor: with keys and without. Messages whose text is `fault:NAME` name their own fault."""

import json
from pathlib import Path

import httpx

from recallgate.adapter import Adapter, AdapterConfig, Callback, CallbackReading, Capabilities, Tools, read_json, retry_after
from recallgate.model.channels import SMS
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.event import Event, EventType
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.testing.chaos import KEY


class ChaosConfig(AdapterConfig):
    """Where the chaos vendor listens (`base_url`)."""


class ChaosSms(Adapter):
    """The chaos vendor as it is: it knows no keys, and takes every copy for another message."""

    vendor, channel, product = "chaos", SMS, "sms"
    Config = ChaosConfig
    capabilities = Capabilities(callbacks="secret_path", reports=True)
    keys = False

    def __init__(self, config: ChaosConfig, tools: Tools) -> None:
        super().__init__(config, tools)

    def build(self, message: Message) -> httpx.Request:
        self.options(message)
        told = {"id": message.id, "text": getattr(message.content, "text", ""), "reports": self.tools.callback_url(message)}
        headers = {KEY: message.id} if self.keys else {}
        return httpx.Request("POST", f"{self.config.base_url}/send", json=told, headers=headers)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if response.status_code == 429:
            raise SendError(ErrorKind.RATE_LIMITED, "429", "slower", retry_at=retry_after(response, self.tools.now()))
        answer = read_json(response)
        if "kind" in answer:
            raise SendError(ErrorKind(answer["kind"]), "refused", "refused by the chaos vendor")
        return Receipt(message.id, str(answer["id"]))

    def read_callback(self, callback: Callback) -> CallbackReading:
        told = json.loads(callback.body)
        event = Event(EventType(told["type"]), message_id=callback.message_id, vendor_id=told["id"], at=callback.received_at)
        return CallbackReading((event,))


class ChaosKeySms(ChaosSms):
    """The same vendor for those who give it a key: a second copy gets the first one's answer."""

    product = "keysms"
    capabilities = Capabilities(callbacks="secret_path", reports=True, idempotency=86_400)
    keys = True


def install(folder: Path) -> None:
    """Make the vendor known to processes that have `folder` on their path: what a package's installation does."""
    made = folder / "recallgate_chaos-0.dist-info"
    made.mkdir(parents=True, exist_ok=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: recallgate-chaos\nVersion: 0\n")
    names = {"chaos.sms": "ChaosSms", "chaos.keysms": "ChaosKeySms"}
    lines = "".join(f"{name} = recallgate.testing.chaos_adapter:{cls}\n" for name, cls in names.items())
    (made / "entry_points.txt").write_text(f"[recallgate.adapters]\n{lines}")
