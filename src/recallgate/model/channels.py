"""Channels: the medium as a public value. A further one registers by entry point, group `recallgate.channels`."""

from dataclasses import dataclass

from recallgate.model.event import EventType


@dataclass(frozen=True)
class Channel:
    """A medium: which addresses and contents it takes, which events can come back.

    `needs_app` is true where the recipient must have the app installed; `has_parts` where a long text is billed as several;
    `shared` where one address stands for many people, so that nothing is counted or suppressed on the address.
    """

    name: str
    addresses: tuple[str, ...]
    contents: tuple[str, ...]
    events: tuple[EventType, ...] = ()
    needs_app: bool = False
    has_parts: bool = False
    shared: bool = False

    def __str__(self) -> str:
        return self.name

    def accepts(self, address_type: str, content_type: str) -> str | None:
        """None when the pair fits, else what is wrong and what would fit."""
        if address_type not in self.addresses:
            return f"to: channel {self.name} takes an address of type {' or '.join(self.addresses)}, not {address_type}"
        if content_type not in self.contents:
            return f"content: channel {self.name} takes content of type {' or '.join(self.contents)}, not {content_type}"
        return None


_DELIVERY = (EventType.ACCEPTED, EventType.SENT, EventType.DELIVERED, EventType.UNDELIVERED)

SMS = Channel(
    "sms",
    addresses=("phone",),
    contents=("text", "template"),
    events=(*_DELIVERY, EventType.READ, EventType.CLICKED, EventType.REPLIED, EventType.UNSUBSCRIBED),
    has_parts=True,
)
VOICE = Channel(
    "voice",
    addresses=("phone",),
    contents=("call", "template"),
    events=(
        *_DELIVERY,
        EventType.ANSWERED,
        EventType.NO_ANSWER,
        EventType.BUSY,
        EventType.MACHINE,
        EventType.KEY_PRESSED,
        EventType.UNSUBSCRIBED,
    ),
)
PUSH = Channel(
    "push",
    addresses=("push", "webpush"),
    contents=("push", "template"),
    events=(*_DELIVERY, EventType.OPENED, EventType.CLICKED),
    needs_app=True,
)
EMAIL = Channel(
    "email",
    addresses=("email",),
    contents=("email", "template"),
    events=(
        *_DELIVERY,
        EventType.OPENED,
        EventType.CLICKED,
        EventType.REPLIED,
        EventType.COMPLAINED,
        EventType.UNSUBSCRIBED,
    ),
)
WECOM = Channel(
    "wecom",
    addresses=("wecom_user", "wecom_external"),
    contents=("text", "markdown", "card", "news", "media", "miniprogram", "template", "payload"),
    events=(*_DELIVERY, EventType.CLICKED, EventType.REPLIED, EventType.FRIEND_ADDED, EventType.UNSUBSCRIBED),
)
INAPP = Channel(
    "inapp",
    addresses=("inbox",),
    contents=("inapp",),
    events=(*_DELIVERY, EventType.OPENED, EventType.READ, EventType.CLICKED),
    needs_app=True,
)
ROBOT = Channel("robot", addresses=("conversation",), contents=("text", "markdown", "card", "news", "media", "payload"))
OA = Channel("oa", addresses=("oa_user",), contents=("text", "template", "news", "miniprogram"), events=_DELIVERY)
WEBHOOK = Channel("webhook", addresses=("endpoint",), contents=("payload", "text"))
WORKLIST = Channel(
    "worklist",
    addresses=("worker",),
    contents=("task",),
    events=(
        *_DELIVERY,
        EventType.EXPIRED,
        EventType.CANCELLED,
        EventType.ANSWERED,
        EventType.NO_ANSWER,
        EventType.BUSY,
        EventType.PROMISED,
        EventType.REFUSED,
        EventType.CONVERTED,
        EventType.UNSUBSCRIBED,
    ),
    shared=True,
)
AUDIENCE = Channel("audience", addresses=("audience",), contents=("payload",))

BUILT_IN = {channel.name: channel for channel in (SMS, VOICE, PUSH, EMAIL, WECOM, INAPP, ROBOT, OA, WEBHOOK, WORKLIST, AUDIENCE)}
SHARED = frozenset(channel.name for channel in BUILT_IN.values() if channel.shared)
