"""Velocity: too many messages to one country or number block in a short time are fraud, or an accident."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.model.purpose import Purpose
from recallgate.model.verdict import Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW
from recallgate.policies.refusal import OnRefusal, refuse
from recallgate.policies.spans import span_text


@dataclass(frozen=True, kw_only=True)
class Velocity:
    """At most `limit` messages in `window` to one country, or to one block of numbers that share all but `open_digits`.

    It counts all people together, unlike a cap, and holds the purposes `subject_to`: codes by default, which strangers can
    ask for. The fact `velocity` maps keys such as `country:FR:1h` (see `key`) to how many left in the window.
    """

    limit: int
    window: timedelta
    per: Literal["country", "block"] = "country"
    open_digits: int = 4
    subject_to: frozenset[str] = frozenset({Purpose.OTP})
    channels: frozenset[str] = frozenset({"sms", "voice"})
    on_refusal: OnRefusal = "drop"
    name = "velocity"
    phase = phases.REGION
    needs = frozenset({"velocity"})

    def __post_init__(self) -> None:
        if type(self.limit) is not int or self.limit < 1 or self.window <= timedelta(0):
            raise ConfigError("limit: a velocity is at least 1 in a window longer than zero")
        if self.per not in ("country", "block") or not 1 <= self.open_digits <= 8:
            raise ConfigError("per: write country, or block with open_digits from 1 to 8")

    def key(self, case: Case) -> str | None:
        """What the message is counted under; None when it does not concern this rule."""
        if case.message.channel not in self.channels or case.message.purpose not in self.subject_to:
            return None
        if self.per == "country":
            value = case.place.country
        else:
            value = case.message.to.key[: -self.open_digits] if case.message.to.type == "phone" else None
        return None if value is None else f"{self.per}:{value}:{span_text(self.window)}"

    def __call__(self, case: Case, /) -> Verdict:
        counts = case.facts.get("velocity")
        if not isinstance(counts, Mapping) or (key := self.key(case)) is None:
            return ALLOW
        count = counts.get(key, 0)
        if count < self.limit:
            return ALLOW
        facts = {"count": count, "limit": self.limit, "window": span_text(self.window), "country": case.place.country}
        return refuse(case, self.on_refusal, code=f"velocity.{self.per}", policy=self.name, facts=facts)
