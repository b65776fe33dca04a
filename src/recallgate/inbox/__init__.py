"""The in-app inbox: a channel of the core, kept in the store and read by the app."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from recallgate.adapter import AdapterConfig, Capabilities, Driver
from recallgate.model import channels
from recallgate.model.clock import from_ms, to_ms
from recallgate.model.content import Inapp
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.event import Event, EventType
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.store import inbox as rows
from recallgate.store.engine import Store


class InboxConfig(AdapterConfig):
    """`max_body`: characters of a body that the app can show."""

    max_body: int = 4000


class InboxInapp(Driver):
    """Stores in-app messages; the gateway hands it the store. Taken is not reached: that is told when it is shown."""

    vendor = "inbox"
    channel = channels.INAPP
    Config: ClassVar[type[AdapterConfig]] = InboxConfig
    capabilities = Capabilities(reports=True)
    errors: ClassVar = {
        "too_large": ErrorKind.PAYLOAD_TOO_LARGE,
        "expired": ErrorKind.UNKNOWN,
        "store_unavailable": ErrorKind.TEMPORARY,
    }
    statuses: ClassVar = {
        "fetched": EventType.DELIVERED,
        "shown": EventType.OPENED,
        "read": EventType.READ,
        "clicked": EventType.CLICKED,
        "dismissed": EventType.READ,
        "expired": EventType.EXPIRED,
    }

    store: Store | None = None

    async def send(self, message: Message) -> Receipt:
        content = message.content
        if not isinstance(content, Inapp):
            raise SendError(ErrorKind.UNSUPPORTED, "content", f"the inbox takes inapp content, not {content.type}")
        if len(content.body) > self.config.max_body:
            raise SendError(
                ErrorKind.PAYLOAD_TOO_LARGE, "too_large", f"the body is longer than {self.config.max_body} characters"
            )
        if self.store is None:
            raise SendError(ErrorKind.TEMPORARY, "store_unavailable", "the inbox has no store; use it through a gateway")
        now = self.tools.now()
        expires = to_ms(message.expires_at) if message.expires_at is not None else None
        row = (message.tenant, message.id, message.to.key, content.model_dump_json(), content.collapse_key, to_ms(now), expires)
        await self.store.run(lambda c: rows.put(c, [row]), small=True)
        return Receipt(message_id=message.id, vendor_id=message.id)


@dataclass(frozen=True)
class InboxItem:
    """A message as the app shows it."""

    id: str
    content: Inapp
    created_at: datetime


class Inbox:
    """What an app calls to show messages and to tell what the user did with them."""

    def __init__(self, store: Store, *, tenant: str = "default") -> None:
        self._store = store
        self._tenant = tenant

    async def list(self, user: str, *, now: datetime, most: int = 50) -> Sequence[InboxItem]:
        """What the user may see now, newest first. Being fetched counts as delivered, not as seen."""
        found = await self._store.run(lambda c: rows.unread(c, self._tenant, user, now=to_ms(now), most=most))
        return [InboxItem(identity, Inapp.model_validate(json.loads(payload)), from_ms(at)) for identity, payload, at in found]

    async def told(self, identity: str, did: str, *, now: datetime) -> Event:
        """The event for something the user did: fetched, shown, read, clicked, dismissed. Twice is once."""
        kind = InboxInapp.statuses.get(did)
        if kind is None:
            raise ValueError(f"did: {did!r} is none of {', '.join(InboxInapp.statuses)}")
        if did in ("read", "clicked", "dismissed"):
            await self._store.run(lambda c: rows.gone(c, self._tenant, identity, now=to_ms(now)), small=True)
        elif did == "shown":
            await self._store.run(lambda c: rows.shown(c, self._tenant, identity), small=True)
        return Event(kind, message_id=identity, vendor_id=identity, at=now, vendor_event_id=f"{identity}:{did}", status=did)
