"""What a vendor author writes: an adapter describes requests and reads answers, and does no I/O of its own."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from recallgate.model.address import AudienceMember
from recallgate.model.channels import Channel
from recallgate.model.errors import ConfigError, ErrorKind, SendError
from recallgate.model.event import Event, EventType
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt


class AdapterConfig(BaseModel):
    """Base of an adapter's settings: typed, misspelt keys refused, secrets as `SecretStr`.

    `base_url` can always be replaced. In a DSN `vendor.channel://USER:PASSWORD@default?key=value` user and password fill
    the fields named by `dsn_user` and `dsn_password`; a host other than `default` replaces `base_url`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    dsn_user: ClassVar[str] = ""
    dsn_password: ClassVar[str] = ""
    base_url: str = ""


class AdapterOptions(BaseModel):
    """Base of an adapter's own options of a message, found under the adapter's name in `Message.options`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True)
class Tools:
    """What an adapter may know of the world: the time, fresh random text, and where callbacks go.

    `callback_url(message, kind)` is None where no public address is configured. `kind` tells callbacks of one account
    apart (`status`, `keys`, …) and comes back in the query as `k`; the message id comes back as `m`; `extra` is added.
    `nonce(n)` answers n random characters of 0-9 and a-f.
    """

    now: Callable[[], datetime]
    nonce: Callable[[int], str]
    callback_url: Callable[..., str | None]


@dataclass(frozen=True)
class Callback:
    """A vendor's HTTP request as it came. `url` is the public URL with its query; `headers` ignore case."""

    method: str
    url: str
    headers: httpx.Headers
    body: bytes
    received_at: datetime

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form body, in order, repeated ones kept."""
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def message_id(self) -> str | None:
        """Our message id, where we had put it into the callback's address."""
        return self.query.get("m")

    def __repr__(self) -> str:
        return f"Callback({self.method}, {len(self.body)} bytes)"


@dataclass(frozen=True)
class Reply:
    """What the vendor wants to hear back."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class CallbackReading:
    """What a verified callback said: events in order, and the answer for the vendor."""

    events: tuple[Event, ...] = ()
    reply: Reply = field(default_factory=Reply)


@dataclass(frozen=True)
class Token:
    """An access token and when it ends."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Basic:
    """HTTP Basic from two fields of the config."""

    user: str
    password: str


@dataclass(frozen=True)
class Bearer:
    """`Authorization: Bearer` from a field of the config."""

    field: str


@dataclass(frozen=True)
class Signed:
    """A pure function that returns the request with its signature."""

    sign: Callable[[httpx.Request], httpx.Request]


@dataclass(frozen=True)
class TokenAuth:
    """A token is fetched first. The core runs it: once at a time, shared through the store, refreshed once on `expired`.

    `build` makes the token request, `parse` reads its answer, `apply` puts the token on a request, `expired` says
    whether an answer means that the token is bad. `identity` names the credential without revealing it.
    """

    build: Callable[[], httpx.Request]
    parse: Callable[[httpx.Response], Token]
    apply: Callable[[httpx.Request, Token], httpx.Request]
    expired: Callable[[httpx.Response], bool]
    identity: str


Auth = Basic | Bearer | Signed | TokenAuth | None


class TokenStore(Protocol):
    """Where tokens are kept and who may fetch one; a lease keeps two processes from fetching together."""

    async def load(self, identity: str) -> Token | None: ...

    async def lease(self, identity: str, holder: str, seconds: float) -> bool: ...

    async def save(self, identity: str, token: Token) -> None: ...

    async def drop(self, identity: str, value: str) -> None: ...


CallbackAuth = Literal["signature", "secret_path", "none"]


@dataclass(frozen=True)
class Capabilities:
    """What an adapter can do beyond sending one message; what follows from its methods is filled in by itself.

    `callbacks`: how a callback proves its origin, `none` where the vendor sends none. `reports`: delivery reports come.
    `idempotency`: seconds for which the vendor remembers our key, None where it has no such key. `key_in_batch`: a message has
    the same key alone and in a batch. `lookup_proves_absence`: seconds after which an empty answer to a look-up by our own id
    proves that the vendor never took the message, None where it proves nothing. `validity`: the vendor drops messages that
    are older than we say. `templates_only`: free text is refused. `per_user_link`: links may differ per recipient.
    `max_parts`, `max_bytes`: limits on content.
    """

    callbacks: CallbackAuth = "none"
    reports: bool = False
    inbound: bool = False
    idempotency: int | None = None
    key_in_batch: bool = True
    lookup_proves_absence: int | None = None
    validity: bool = False
    templates_only: bool = False
    per_user_link: bool = True
    max_parts: int | None = None
    max_bytes: int | None = None
    http2: bool = False
    default_rate: float | None = None
    batch: int = 1
    lookup: bool = False
    cancel: bool = False
    upload: bool = False
    template_status: bool = False


class _Vendor:
    """What adapters and drivers share: names, tables, settings.

    `unverified` are those codes of the tables that no document of the vendor and no library of its own was found to say.
    `needs` are modules that recallgate does not bring by itself, each with what to install for it: `{"jwt": "acme[jwt]"}`.
    """

    vendor: ClassVar[str]
    channel: ClassVar[Channel]
    product: ClassVar[str | None] = None
    api: ClassVar[int] = 1
    Config: ClassVar[type[AdapterConfig]] = AdapterConfig
    Options: ClassVar[type[AdapterOptions]] = AdapterOptions
    errors: ClassVar[Mapping[str, ErrorKind]] = {}
    report_errors: ClassVar[Mapping[str, ErrorKind]] = {}
    statuses: ClassVar[Mapping[str, EventType | None]] = {}
    capabilities: ClassVar[Capabilities] = Capabilities()
    unverified: ClassVar[Collection[str]] = ()
    needs: ClassVar[Mapping[str, str]] = {}
    auth: Auth = None

    def __init__(self, config: Any, tools: Tools) -> None:
        self.config = config
        self.tools = tools

    @classmethod
    def adapter_name(cls) -> str:
        return f"{cls.vendor}.{cls.product or cls.channel.name}"

    @classmethod
    def abilities(cls) -> Capabilities:
        """The declared capabilities together with those that follow from the methods."""
        from dataclasses import replace

        return replace(
            cls.capabilities,
            batch=max(cls.capabilities.batch, getattr(cls, "batch_size", 1)),
            lookup=hasattr(cls, "build_lookup"),
            cancel=hasattr(cls, "build_cancel"),
            upload=hasattr(cls, "build_upload"),
            template_status=hasattr(cls, "build_template_status"),
        )

    def options(self, message: Message) -> Any:
        """The message's options for this adapter, validated; those of other adapters are none of its business."""
        try:
            return self.Options.model_validate(dict(message.options.get(self.adapter_name(), {})))
        except ValidationError as exc:
            fault = exc.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise SendError(ErrorKind.UNSUPPORTED, "option", f"options[{self.adapter_name()}].{where}: {fault['msg']}") from None

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Verify the callback (`ForgedCallback` when it fails), then read it; unknown statuses are kept as UNKNOWN."""
        raise ConfigError(f"{self.adapter_name()} takes no callbacks: the vendor sends none")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.adapter_name()})"


class Adapter(_Vendor):
    """A vendor over HTTP: `build` describes the request, `parse` reads the answer.

    `public_only`: it calls hosts that messages name, and none of them may be in a private network.
    """

    public_only: bool = False

    def build(self, message: Message) -> httpx.Request:
        """The request for one message, without credentials where `auth` adds them.

        Raises `SendError(UNSUPPORTED)` for what the vendor cannot do.
        """
        raise NotImplementedError

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        """The receipt; raises `SendError` when the vendor refused or its answer cannot be read."""
        raise NotImplementedError


class Driver(_Vendor):
    """A vendor without HTTP: it owns its connection, and raises the same `SendError`s."""

    async def open(self) -> None:
        """Make ready; called once before the first send."""

    async def send(self, message: Message) -> Receipt:
        """Send one message. A break after the message may have been taken raises `SendError(UNCERTAIN)`."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give back what was opened."""


@runtime_checkable
class Batches(Protocol):
    """Many messages of equal content in one request; outcomes in the same order and number."""

    batch_size: ClassVar[int]

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request: ...

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]: ...


@runtime_checkable
class LooksUp(Protocol):
    """The vendor can be asked what became of a message: by its id, or by ours when its id is not known.

    No request: it cannot be asked about this message. No events: nothing is known yet, or (`lookup_proves_absence`) never was.
    """

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None: ...

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]: ...


@runtime_checkable
class Cancels(Protocol):
    """A message taken but not yet delivered can be called back."""

    def build_cancel(self, message: Message, vendor_id: str) -> httpx.Request: ...

    def parse_cancel(self, response: httpx.Response) -> bool: ...


@runtime_checkable
class Uploads(Protocol):
    """Media is uploaded first; the id is kept per account and content hash for as long as the vendor keeps it."""

    def build_upload(self, media: Any) -> httpx.Request: ...

    def parse_upload(self, response: httpx.Response) -> tuple[str, timedelta]: ...


@runtime_checkable
class Templates(Protocol):
    """The vendor can be asked whether a template is approved."""

    def build_template_status(self, template: str) -> httpx.Request: ...

    def parse_template_status(self, response: httpx.Response) -> str: ...


@runtime_checkable
class TellsNews(Protocol):
    """A driver that hears news on its own wire: the gateway hands in `tell`, and opens the driver with itself.

    `tell` returns when the events are durable; until then the vendor must not learn that they were taken.
    """

    tell: Callable[[Sequence[Event]], Awaitable[object]] | None


@runtime_checkable
class AsksConsent(Protocol):
    """A driver that writes nobody without a consent recorded for its channel: the gateway hands in `consented`.

    It answers None, or the code of the refusal. Who opts out later is taken out again with `forget`, which passes over
    identifiers that it has no use for and answers how many it took out.
    """

    consented: Callable[[Message], Awaitable[str | None]] | None

    async def forget(self, members: Sequence[AudienceMember]) -> int: ...


AdapterClass = type[Adapter] | type[Driver]


# HTTP statuses that decide when the vendor's code does not. 408, 500, 502 and 504 may come after the message was taken.
HTTP_KINDS: dict[int, ErrorKind] = {
    401: ErrorKind.AUTH,
    402: ErrorKind.INSUFFICIENT_FUNDS,
    403: ErrorKind.AUTH,
    408: ErrorKind.UNCERTAIN,
    413: ErrorKind.PAYLOAD_TOO_LARGE,
    429: ErrorKind.RATE_LIMITED,
    500: ErrorKind.UNCERTAIN,
    502: ErrorKind.UNCERTAIN,
    503: ErrorKind.UNAVAILABLE,
    504: ErrorKind.UNCERTAIN,
}


def http_kind(status: int) -> ErrorKind:
    """The kind of a refusal by HTTP status alone; a 2xx that cannot be read is uncertain."""
    if status < 400:
        return ErrorKind.UNCERTAIN
    return HTTP_KINDS.get(status, ErrorKind.UNCERTAIN if status >= 500 else ErrorKind.UNKNOWN)


def read_json(response: httpx.Response) -> dict[str, Any]:
    """The answer as a JSON object; anything else is a `SendError` by HTTP status (an unreadable 2xx is uncertain)."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer is not a JSON object")


LONGEST_WAIT = timedelta(days=7)


def retry_after(response: httpx.Response, now: datetime, *, most: timedelta = LONGEST_WAIT) -> datetime | None:
    """The instant that a Retry-After header names, in seconds or as a date, at most a week off; garbage and past are ignored."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        wait = most if len(digits) > 9 else timedelta(seconds=min(int(digits), int(most.total_seconds())))
    else:
        from email.utils import parsedate_to_datetime

        try:
            at = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return None
        if at.tzinfo is None:
            return None
        wait = min(at - now, most)
    return now + wait if wait > timedelta(0) else None


def authorize(vendor: Adapter, request: httpx.Request, token: Token | None = None) -> httpx.Request:
    """The request with the adapter's credentials on it; `token` is needed where `auth` is a `TokenAuth`."""
    match vendor.auth:
        case None:
            return request
        case Basic(user, password):
            from base64 import b64encode

            pair = f"{_reveal(vendor.config, user)}:{_reveal(vendor.config, password)}"
            request.headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
            return request
        case Bearer(name):
            request.headers["authorization"] = f"Bearer {_reveal(vendor.config, name)}"
            return request
        case Signed(sign):
            return sign(request)
        case TokenAuth() as auth:
            if token is None:
                raise SendError(ErrorKind.AUTH, "token", "no access token was fetched; an unsigned request never leaves")
            return auth.apply(request, token)


def _reveal(config: AdapterConfig, name: str) -> str:
    value = getattr(config, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
