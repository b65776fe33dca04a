"""Quiet hours: marketing leaves only in the windows that law, tenant, play and recipient have in common."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from recallgate.model.verdict import Defer, Drop, Reroute, Verdict
from recallgate.model.zones import zone as find_zone
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.consent import newest_consent
from recallgate.policies.policy import ALLOW
from recallgate.rules.hours import EmptyHours, Hours, Layer
from recallgate.rules.regulations import RuleBook
from recallgate.rules.windows import DAY, Spans, clock_text, intersect

_KEPT = 4096


@dataclass(frozen=True)
class QuietHours:
    """Outside the effective window: defer to its next opening, drop, or reroute.

    The effective window is the intersection of the rows of `book` with tenant, play and recipient windows, in all zones that
    the recipient may be in. Only marketing is held, unless a row lists more purposes. `blocks` switches on optional blocks
    of rows by name. The Defer's `jitter` is the room between the opening and the end of that window.
    """

    book: RuleBook = field(default_factory=RuleBook.default)
    on_outside: Literal["defer", "drop", "reroute"] = "defer"
    blocks: frozenset[str] = frozenset()
    name = "quiet_hours"
    phase = phases.HOURS
    mandatory = True
    _known: dict[Hashable, Hours | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, case: Case, /) -> Verdict:
        hours = self.hours(case)
        if hours is None:
            facts = {"tz_source": case.place.tz_source}
            return Drop(code="quiet_hours.no_common_window", facts=facts, policy=self.name)
        if hours.is_open(case.now, case.place.zones):
            return ALLOW
        return self._closed(case, hours)

    def hours(self, case: Case) -> Hours | None:
        """The effective hours of a case; None when its windows have nothing in common on any weekday."""
        message, place = case.message, case.place
        lifted = case.consents_lift_hours and _consented(case)
        key = (
            place.country,
            place.region,
            message.channel,
            message.purpose,
            case.tenant_windows,
            case.play_windows,
            case.person.windows,
            case.holidays,
            case.guard,
            lifted,
        )
        try:
            return self._known[key]
        except KeyError:
            pass
        if len(self._known) >= _KEPT:
            self._known.clear()
        found = self._known[key] = self._build(case, lifted=lifted)
        return found

    def _build(self, case: Case, *, lifted: bool) -> Hours | None:
        message, place = case.message, case.place
        rows = self.book.select(country=place.country, region=place.region, channel=message.channel, purpose=message.purpose)
        if not rows and not case.marketing:
            return Hours()
        if lifted:
            rows = tuple(row for row in rows if not row.consent_lifts_hours)
        try:
            return Hours.of(
                rows,
                tenant=case.tenant_windows,
                play=case.play_windows,
                recipient=case.person.windows,
                holidays=case.holidays,
                guard=case.guard,
                blocks=self.blocks,
            )
        except EmptyHours:
            return None

    def _closed(self, case: Case, hours: Hours) -> Verdict:
        now, zones = case.now, case.place.zones
        zone = next((one for one in zones if not hours.is_open(now, (one,))), zones[0])
        local = now.astimezone(find_zone(zone))
        layers = [one for one in hours.each_alone() if not one.is_open(now, zones)]
        rule_id = _strictest(layers, now, zones)
        holiday = local.date() in hours.holidays and any(one.layers[0].blocks_holidays for one in layers)
        code = "quiet_hours.holiday" if holiday else "quiet_hours.outside_window"
        facts: dict[str, object] = {
            "local": f"{local:%H:%M}",
            "zone": zone,
            "window": _window_text(hours, local),
            "guard_minutes": hours.guard_minutes,
            "tz_source": case.place.tz_source,
        }
        if case.place.tz_uncertain:
            facts["tz_uncertain"] = True
        if self.on_outside == "reroute":
            exclude = frozenset({case.message.channel})
            return Reroute(exclude=exclude, code=code, facts=facts, policy=self.name, rule_id=rule_id)
        until = hours.next_opening(now, zones) if self.on_outside == "defer" else None
        if until is None:
            if self.on_outside == "defer":
                code = "quiet_hours.never_opens"
            return Drop(code=code, facts=facts, policy=self.name, rule_id=rule_id)
        room = hours.end_of_window(until, zones) - until
        return Defer(until=until, jitter=room, code=code, facts=facts, policy=self.name, rule_id=rule_id)


def _consented(case: Case) -> bool:
    newest = newest_consent(case)
    return newest is not None and newest.granted


def _strictest(closed: list[Hours], now: datetime, zones: tuple[str, ...]) -> str | None:
    """Of the rules that close now, the one that opens last; of several, the one with the fewest open minutes a week."""
    if not closed:
        return None
    far = now + timedelta(days=36)

    def order(one: Hours) -> tuple[float, int]:
        opens = one.next_opening(now, zones) or far
        return (-opens.timestamp(), _minutes_a_week(one.layers[0]))

    return min(closed, key=order).layers[0].name


def _minutes_a_week(layer: Layer) -> int:
    return sum(end - start for spans in layer.by_day for start, end in spans)


def _window_text(hours: Hours, local: datetime) -> str:
    """The windows of the local date in words: `09:00-12:30, 13:30-21:00`, or `closed`."""
    spans: Spans = ((0, DAY),)
    for layer in hours.layers:
        spans = intersect(spans, layer.on(local.date(), holidays=hours.holidays))
    return ", ".join(f"{clock_text(start)}-{clock_text(end)}" for start, end in spans) or "closed"
