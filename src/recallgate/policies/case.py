"""The case: everything a policy may look at, frozen, loaded for a whole page at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from recallgate.adapter import Capabilities
from recallgate.model.message import Message
from recallgate.rules.place import Place


@dataclass(frozen=True, slots=True)
class Sent:
    """One counted send of the past: an entry of the cap ledger. `state` is reserved, confirmed or uncertain."""

    at: datetime
    channel: str
    purpose: str
    tags: frozenset[str] = frozenset()
    campaign: str | None = None
    by: str = "person"
    connected: bool = False


@dataclass(frozen=True, slots=True)
class Suppression:
    """A person or address that is not written to. `*` in channel, topic or sender means any."""

    reason: str
    channel: str = "*"
    topic: str = "*"
    sender: str = "*"
    all_purposes: bool = False
    subject: str = "address"
    effective_at: datetime | None = None
    expires_at: datetime | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent for marketing, or its withdrawal: per channel, topic and brand (`*` any), the newest that fits decides."""

    channel: str
    granted: bool
    at: datetime
    topic: str = "*"
    brand: str = "*"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of the recipient beside the message. `cluster` joins people who share an address."""

    id: str
    cluster: str
    zone: str | None = None
    region: str | None = None
    country: str | None = None
    device_zone: str | None = None
    windows: tuple[tuple[tuple[int, ...], str, str], ...] = ()
    paused_until: datetime | None = None
    returned_at: datetime | None = None
    refused_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holdout:
    """A share of people kept without contact: in it when `bucket(salt, cluster) < share_bp`. `kind` is global or play."""

    kind: str
    salt: str
    share_bp: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The person's run in the play that sends the message; absent for messages from anywhere else."""

    campaign: str
    run: int
    started_at: datetime
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What policies may know of the account that would send: name, adapter, ability, opened regions, caller id's health."""

    name: str
    adapter: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    open_regions: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """One message at one instant, with every fact that the chain's policies declared.

    `sent` is newest last, for the person and for the address (`Sent.by`). `consents` is None where no consent ledger is
    kept, and then consent passes. `facts` holds what policies with facts of their own asked for, by policy name.
    """

    message: Message
    now: datetime
    person: Person
    place: Place
    sent: tuple[Sent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    consents: tuple[Consent, ...] | None = None
    enrolment: Enrolment | None = None
    account: Account | None = None
    holidays: frozenset[date] = frozenset()
    holdouts: tuple[Holdout, ...] = ()
    tenant_windows: tuple[tuple[tuple[int, ...], str, str], ...] = ()
    play_windows: tuple[tuple[tuple[int, ...], str, str], ...] = ()
    consents_lift_hours: bool = False
    guard: timedelta = timedelta(minutes=5)
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def marketing(self) -> bool:
        return self.message.purpose == "marketing"
