"""Frequency caps: how many messages a person may get in a window of time, and the least gap between two."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.model.purpose import Purpose
from recallgate.model.verdict import Defer, Drop, Reroute, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case, Sent
from recallgate.policies.combine import strongest
from recallgate.policies.policy import ALLOW, utc_text
from recallgate.policies.spans import Calendar, span_text

Scope = Literal["global", "channel", "purpose", "tag", "campaign"]
OnExceed = Literal["drop", "defer", "reroute"]
_MARKETING = frozenset({Purpose.MARKETING})
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class FrequencyCap:
    """At most `limit` entries in a `window`: a timedelta that rolls with the clock, or a `Calendar`.

    An entry counts while `now - window < at <= now`. `scope` says which entries: all, or those of one channel, purpose, tag
    or campaign; `match` names it, and without one the message's own counts. Entries are counted per person and per address,
    the higher count decides. `connects` counts answered calls only. `subject_to` and `counts_toward` are the purposes that
    are held and that are counted; a purpose cap holds and counts its own unless told otherwise.
    """

    limit: int
    window: timedelta | Calendar
    scope: Scope = "global"
    match: str | None = None
    on_exceed: OnExceed = "drop"
    subject_to: frozenset[str] = frozenset()
    counts_toward: frozenset[str] = frozenset()
    connects: bool = False
    rule_id: str | None = None
    name: str = "frequency_cap"
    label: str = ""
    phase: int = field(default=phases.CAPS, init=False)
    _rolls: timedelta | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if type(self.limit) is not int or self.limit < 1:
            raise ConfigError("limit: a cap is at least 1; to stop a channel, pause it or leave it out of the play")
        if isinstance(self.window, timedelta) and self.window <= timedelta(0):
            raise ConfigError("window: a cap counts over a span longer than zero")
        if self.scope not in ("global", "channel", "purpose", "tag", "campaign"):
            raise ConfigError(f"scope: {self.scope!r} is none of global, channel, purpose, tag, campaign")
        if self.on_exceed not in ("drop", "defer", "reroute"):
            raise ConfigError(f"on_exceed: {self.on_exceed!r} is none of drop, defer, reroute")
        if self.scope == "global" and self.match is not None:
            raise ConfigError("match: a global cap counts everything; name a scope, such as channel, or leave match out")
        own = frozenset({Purpose(self.match)}) if self.scope == "purpose" and self.match else _MARKETING
        object.__setattr__(self, "subject_to", self.subject_to or own)
        object.__setattr__(self, "counts_toward", self.counts_toward or own)
        window = self.window
        object.__setattr__(self, "_rolls", window if isinstance(window, timedelta) else None)
        text = span_text(window) if isinstance(window, timedelta) else f"calendar_{window.unit}"
        object.__setattr__(self, "label", self.label or text)

    def __call__(self, case: Case, /) -> Verdict:
        if len(case.sent) < self.limit or case.message.purpose not in self.subject_to:
            return ALLOW
        if self._rolls and case.sent[-self.limit].at <= case.now - self._rolls:  # too few of any sort in the window
            return ALLOW
        worst: tuple[datetime, int, str, str] | None = None
        for key in self._keys(case):
            for after, end in self._windows(case):
                for by, times in self._counted(case, key, after).items():
                    if len(times) >= self.limit:
                        until = end or times[self.limit - 1].astimezone(UTC) + (case.now - after)
                        if worst is None or until > worst[0]:
                            worst = (until, len(times), by, key)
        return ALLOW if worst is None else self._exceeded(case, *worst)

    @property
    def looks_back(self) -> timedelta:
        """The span of history that the cap must be shown; a calendar unit may be an hour longer than its days."""
        return self.window if isinstance(self.window, timedelta) else self.window.longest

    def code(self, key: str) -> str:
        """`cap.global.1d`, `cap.channel.sms.1d`, `cap.campaign.7d`."""
        part = self.scope if self.scope in ("global", "campaign") else f"{self.scope}.{key}"
        return f"cap.{part}.{self.label}"

    def _keys(self, case: Case) -> Iterable[str]:
        """What the message is counted under; nothing when the cap does not concern it."""
        message = case.message
        own: Iterable[str]
        if self.scope == "global":
            return ("",)
        if self.scope == "channel":
            own = (message.channel,)
        elif self.scope == "purpose":
            own = (message.purpose.value,)
        elif self.scope == "tag":
            own = sorted(message.tags)
        else:
            campaign = campaign_of(case)
            own = () if campaign is None else (campaign,)
        return own if self.match is None else tuple(key for key in own if key == self.match)

    def _windows(self, case: Case) -> Iterable[tuple[datetime, datetime | None]]:
        """(start, not included; end where the calendar sets one), one per candidate zone."""
        if isinstance(self.window, timedelta):
            return ((case.now - self.window, None),)
        return {(start - _TICK, end) for start, end in (self.window.around(case.now, zone) for zone in case.place.zones)}

    def _counted(self, case: Case, key: str, after: datetime) -> dict[str, list[datetime]]:
        """The instants of the entries that count, newest first, for the person and for the address."""
        found: dict[str, list[datetime]] = {"person": [], "address": []}
        for entry in reversed(case.sent):
            if entry.at <= after:
                break
            if entry.at <= case.now and entry.purpose in self.counts_toward and self._fits(entry, key):
                found.setdefault(entry.by, []).append(entry.at)
        return found

    def _fits(self, entry: Sent, key: str) -> bool:
        if self.connects and not entry.connected:
            return False
        match self.scope:
            case "global":
                return True
            case "channel":
                return entry.channel == key
            case "purpose":
                return entry.purpose == key
            case "tag":
                return key in entry.tags
            case "campaign":
                return entry.campaign == key

    def _exceeded(self, case: Case, until: datetime, count: int, by: str, key: str) -> Verdict:
        code = self.code(key)
        facts = {"count": count, "limit": self.limit, "window": self.label, "by": by, "free_at": utc_text(until)}
        if self.on_exceed == "defer":
            return Defer(until=until, code=code, facts=facts, policy=self.name, rule_id=self.rule_id)
        if self.on_exceed == "reroute":
            exclude = frozenset({case.message.channel})
            return Reroute(exclude=exclude, code=code, facts=facts, policy=self.name, rule_id=self.rule_id)
        return Drop(code=code, facts=facts, policy=self.name, rule_id=self.rule_id)


def min_gap(gap: timedelta, *, scope: Scope = "global", match: str | None = None, on_exceed: OnExceed = "drop") -> FrequencyCap:
    """At least `gap` between two messages; exactly `gap` is enough. Code `cap.global.min_gap.6h`."""
    label = f"min_gap.{span_text(gap)}"
    return FrequencyCap(limit=1, window=gap, scope=scope, match=match, on_exceed=on_exceed, label=label)


def campaign_of(case: Case) -> str | None:
    """The campaign that the message belongs to, by its origin or by the person's run."""
    origin = case.message.origin
    if origin is not None and origin.campaign is not None:
        return origin.campaign
    return case.enrolment.campaign if case.enrolment is not None else None


@dataclass(frozen=True)
class OwnCaps:
    """The person's own maximum frequency, from the preference centre: the fact `own_caps`, a tuple of caps.

    It holds beside all other caps and lifts none of them.
    """

    name = "own_caps"
    phase = phases.CAPS
    needs = frozenset({"own_caps"})

    def __call__(self, case: Case, /) -> Verdict:
        caps = case.facts.get("own_caps")
        if not isinstance(caps, tuple):
            return ALLOW
        return strongest(cap(case) for cap in caps if isinstance(cap, FrequencyCap))
