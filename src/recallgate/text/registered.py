"""Templates that vendors approve: our name, each account's id for it, its variables in order, its signature and state."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from recallgate.model.errors import ConfigError
from recallgate.text.template import render, variables_of


class TemplateState(StrEnum):
    """Where a template stands with its vendor. Only an approved one can be sent."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"  # the vendor took it back for now, after complaints for example
    GONE = "gone"
    UNKNOWN = "unknown"


_SETTLED = frozenset({TemplateState.DRAFT, TemplateState.REJECTED, TemplateState.GONE})


@dataclass(frozen=True)
class RegisteredTemplate:
    """One template at one account.

    `variables` are in the vendor's order; `body` has them as `{{ name }}` and is what length, cost and content rules are
    worked out on. `signature` is the one that the vendor approved with it. `state_at`: when the vendor said so.
    """

    name: str
    account: str
    vendor_id: str
    variables: tuple[str, ...] = ()
    body: str | None = None
    signature: str | None = None
    state: TemplateState = TemplateState.DRAFT
    state_at: datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        where = f"template {self.name} at {self.account}"
        if len(set(self.variables)) != len(self.variables):
            raise ConfigError(f"{where}: a variable is listed twice; list each once, in the vendor's order")
        if self.body is not None and (other := set(variables_of(self.body)) ^ set(self.variables)):
            raise ConfigError(f"{where}: body and variables differ in {', '.join(sorted(other))}")

    @property
    def usable(self) -> bool:
        return self.state is TemplateState.APPROVED

    def missing(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The variables that have no value."""
        return tuple(name for name in self.variables if not values.get(name))

    def ordered(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The values in the vendor's order; raises ConfigError that names what is missing, and what nobody asked for."""
        if lost := self.missing(values):
            raise ConfigError(f"template {self.name}: no value for {', '.join(lost)}")
        if extra := sorted(set(values) - set(self.variables)):
            raise ConfigError(
                f"template {self.name}: {', '.join(extra)} is no variable of it; it has {', '.join(self.variables)}"
            )
        return tuple(values[name] for name in self.variables)

    def preview(self, values: Mapping[str, str]) -> str | None:
        """The text that people will read; None where the body is not known."""
        return None if self.body is None else render(self.body, values)


@dataclass(frozen=True)
class TemplateNews:
    """What a vendor told about a template, asked or unasked."""

    account: str
    vendor_id: str
    state: TemplateState
    at: datetime
    reason: str = ""


class TemplateRegistry:
    """All registered templates, immutable; news make a new registry. One name has at most one record an account."""

    def __init__(self, records: Iterable[RegisteredTemplate] = ()) -> None:
        self.records = tuple(records)
        self._by_name = {(one.name, one.account): one for one in self.records}
        self._by_id = {(one.account, one.vendor_id): one for one in self.records}
        if len(self._by_name) != len(self.records) or len(self._by_id) != len(self.records):
            raise ConfigError("templates: two records have the same name or the same vendor id at one account; keep one")

    def find(self, name: str, *, account: str) -> RegisteredTemplate | None:
        """The record of our name at an account."""
        return self._by_name.get((name, account))

    def accounts(self, name: str) -> tuple[str, ...]:
        """The accounts at which the template may be sent now, in the order of the records."""
        return tuple(one.account for one in self.records if one.name == name and one.usable)

    def told(self, news: TemplateNews) -> "TemplateRegistry":
        """The registry after some news; older ones than what is known, and those of strangers, change nothing."""
        known = self._by_id.get((news.account, news.vendor_id))
        if known is None or (known.state_at is not None and news.at < known.state_at):
            return self
        changed = replace(known, state=news.state, state_at=news.at, reason=news.reason)
        return TemplateRegistry(changed if one is known else one for one in self.records)

    def to_ask(self, now: datetime, *, every: timedelta = timedelta(hours=1)) -> tuple[RegisteredTemplate, ...]:
        """The records whose vendor is to be asked again, longest ago first; drafts and refused ones wait for their author."""
        due = [one for one in self.records if one.state not in _SETTLED and (one.state_at is None or now - one.state_at >= every)]
        return tuple(sorted(due, key=lambda one: (one.state_at is not None, one.state_at or now)))
