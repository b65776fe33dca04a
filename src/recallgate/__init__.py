"""recallgate: a messaging gateway and user recall. The public names, loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_NAMES = {
    "recallgate.model.address": (
        "Address AudienceMember Conversation EmailAddress Endpoint InboxId OfficialAccountUser Phone PushToken "
        "WebPushSubscription WecomExternal WecomUser Worker"
    ),
    "recallgate.model.channels": "Channel",
    "recallgate.model.chance": "Chance Simulation",
    "recallgate.model.clock": "Clock FrozenClock SystemClock",
    "recallgate.model.content": (
        "Attachment CallScript Card Content Email Inapp InappAction KeyAnswer Markdown Media MiniProgram News Pause "
        "Payload Play Push Say Task Template Text"
    ),
    "recallgate.model.errors": ("ConfigError ErrorKind ForgedCallback IdempotencyConflict RecallgateError SendError StoreError"),
    "recallgate.model.event": "Event EventType",
    "recallgate.model.message": "Alternative Message Origin",
    "recallgate.model.purpose": "Purpose",
    "recallgate.model.receipt": "Price Receipt",
    "recallgate.model.redaction": "mask mask_email",
    "recallgate.model.state": "State",
    "recallgate.model.verdict": "Allow Defer Drop Reroute Verdict",
    "recallgate.adapter": (
        "Adapter AdapterConfig AdapterOptions Auth Basic Batches Bearer Callback CallbackReading Cancels Capabilities "
        "CallbackAuth Driver LooksUp Reply Signed Templates Token TokenAuth Tools Uploads authorize http_kind read_json "
        "retry_after"
    ),
    "recallgate.policies.budget": "Budget",
    "recallgate.policies.case": "Case Person",
    "recallgate.policies.chain": "Chain",
    "recallgate.policies.combine": "all_of first_match override shadow when",
    "recallgate.policies.default": "default_chain",
    "recallgate.policies.frequency_cap": "FrequencyCap min_gap",
    "recallgate.policies.policy": "Policy policy",
    "recallgate.policies.spans": "Calendar",
    "recallgate.policies.velocity": "Velocity",
    "recallgate.text.registered": "RegisteredTemplate TemplateNews TemplateState",
    "recallgate.config": "AccountConfig GatewayConfig",
    "recallgate.gateway": "ChannelSender ClickAnswer Delivery Gateway PersonEvent PersonRecord",
    "recallgate.blocking": "BlockingGateway",
    "recallgate.sandbox.face": "FaceReply Fault IdSource Taken VendorFace WorldEvent",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = ["channels", *sorted(_HOME)]

if TYPE_CHECKING:
    from recallgate.adapter import (
        Adapter as Adapter,
        AdapterConfig as AdapterConfig,
        AdapterOptions as AdapterOptions,
        Auth as Auth,
        Basic as Basic,
        Batches as Batches,
        Bearer as Bearer,
        Callback as Callback,
        CallbackAuth as CallbackAuth,
        CallbackReading as CallbackReading,
        Cancels as Cancels,
        Capabilities as Capabilities,
        Driver as Driver,
        LooksUp as LooksUp,
        Reply as Reply,
        Signed as Signed,
        Templates as Templates,
        Token as Token,
        TokenAuth as TokenAuth,
        Tools as Tools,
        Uploads as Uploads,
        authorize as authorize,
        http_kind as http_kind,
        read_json as read_json,
        retry_after as retry_after,
    )
    from recallgate.blocking import BlockingGateway as BlockingGateway
    from recallgate.config import AccountConfig as AccountConfig, GatewayConfig as GatewayConfig
    from recallgate.gateway import (
        ChannelSender as ChannelSender,
        ClickAnswer as ClickAnswer,
        Delivery as Delivery,
        Gateway as Gateway,
        PersonEvent as PersonEvent,
        PersonRecord as PersonRecord,
    )
    from recallgate.model import channels as channels
    from recallgate.model.address import (
        Address as Address,
        AudienceMember as AudienceMember,
        Conversation as Conversation,
        EmailAddress as EmailAddress,
        Endpoint as Endpoint,
        InboxId as InboxId,
        OfficialAccountUser as OfficialAccountUser,
        Phone as Phone,
        PushToken as PushToken,
        WebPushSubscription as WebPushSubscription,
        WecomExternal as WecomExternal,
        WecomUser as WecomUser,
        Worker as Worker,
    )
    from recallgate.model.chance import Chance as Chance, Simulation as Simulation
    from recallgate.model.channels import Channel as Channel
    from recallgate.model.clock import Clock as Clock, FrozenClock as FrozenClock, SystemClock as SystemClock
    from recallgate.model.content import (
        Attachment as Attachment,
        CallScript as CallScript,
        Card as Card,
        Content as Content,
        Email as Email,
        Inapp as Inapp,
        InappAction as InappAction,
        KeyAnswer as KeyAnswer,
        Markdown as Markdown,
        Media as Media,
        MiniProgram as MiniProgram,
        News as News,
        Pause as Pause,
        Payload as Payload,
        Play as Play,
        Push as Push,
        Say as Say,
        Task as Task,
        Template as Template,
        Text as Text,
    )
    from recallgate.model.errors import (
        ConfigError as ConfigError,
        ErrorKind as ErrorKind,
        ForgedCallback as ForgedCallback,
        IdempotencyConflict as IdempotencyConflict,
        RecallgateError as RecallgateError,
        SendError as SendError,
        StoreError as StoreError,
    )
    from recallgate.model.event import Event as Event, EventType as EventType
    from recallgate.model.message import Alternative as Alternative, Message as Message, Origin as Origin
    from recallgate.model.purpose import Purpose as Purpose
    from recallgate.model.receipt import Price as Price, Receipt as Receipt
    from recallgate.model.redaction import mask as mask, mask_email as mask_email
    from recallgate.model.state import State as State
    from recallgate.model.verdict import (
        Allow as Allow,
        Defer as Defer,
        Drop as Drop,
        Reroute as Reroute,
        Verdict as Verdict,
    )
    from recallgate.policies.budget import Budget as Budget
    from recallgate.policies.case import Case as Case, Person as Person
    from recallgate.policies.chain import Chain as Chain
    from recallgate.policies.combine import (
        all_of as all_of,
        first_match as first_match,
        override as override,
        shadow as shadow,
        when as when,
    )
    from recallgate.policies.default import default_chain as default_chain
    from recallgate.policies.frequency_cap import FrequencyCap as FrequencyCap, min_gap as min_gap
    from recallgate.policies.policy import Policy as Policy, policy as policy
    from recallgate.policies.spans import Calendar as Calendar
    from recallgate.policies.velocity import Velocity as Velocity
    from recallgate.sandbox.face import (
        FaceReply as FaceReply,
        Fault as Fault,
        IdSource as IdSource,
        Taken as Taken,
        VendorFace as VendorFace,
        WorldEvent as WorldEvent,
    )
    from recallgate.text.registered import (
        RegisteredTemplate as RegisteredTemplate,
        TemplateNews as TemplateNews,
        TemplateState as TemplateState,
    )


def __getattr__(name: str) -> Any:
    if name == "channels":
        return import_module("recallgate.model.channels")
    if name == "metadata":
        return import_module("recallgate.store.tables").metadata
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'recallgate' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
