"""Looked at once more before somebody dials: hours, opt-outs, refusals and returns since the task was put on the list."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from recallgate.model.address import Phone
from recallgate.model.content import Task
from recallgate.model.message import Message
from recallgate.model.verdict import Allow, Defer, Verdict
from recallgate.phone.location import locate
from recallgate.policies.case import Case, Person
from recallgate.policies.exit_on_return import ExitOnReturn
from recallgate.policies.pause import Pause
from recallgate.policies.policy import ALLOW
from recallgate.policies.quiet_hours import QuietHours
from recallgate.policies.refusal_cooldown import RefusalCooldown
from recallgate.policies.suppression import SuppressionPolicy
from recallgate.rules.place import resolve
from recallgate.rules.regulations import RuleBook
from recallgate.store import facts as stored_facts
from recallgate.store.facts import Facts

_GUARD, _PAUSE = timedelta(minutes=5), timedelta(minutes=1)


@dataclass(frozen=True)
class LastCheck:
    """May this call be made now? A task may have waited for days, and a human's call is a call like a machine's.

    Opt-outs count for the list, for voice and for the number itself; hours and cool-downs are those of voice.
    """

    book: RuleBook = field(default_factory=RuleBook.default)
    guard: timedelta = _GUARD
    tenant_zone: str | None = None

    def __call__(self, connection: Connection, message: Message, now: datetime, *, phone: str | None) -> Verdict:
        call = message if phone is None else message.model_copy(update={"channel": "voice", "to": Phone(e164=phone)})
        facts = stored_facts.load(connection, [message, call], now, consents=False)
        campaign = message.origin.campaign if message.origin else None
        if not {("channel", message.channel), ("campaign", campaign)}.isdisjoint(facts.paused):
            return Defer(until=now + _PAUSE, code="paused")
        own, as_call = (self._case(one, facts, now, phone) for one in (message, call))
        suppression = SuppressionPolicy()
        for verdict in (
            suppression(own),
            suppression(as_call),
            ExitOnReturn()(own),
            Pause()(own),
            RefusalCooldown(self.book)(as_call),
            QuietHours(self.book)(as_call),
        ):
            if not isinstance(verdict, Allow):
                return verdict
        return ALLOW

    def _case(self, message: Message, facts: Facts, now: datetime, phone: str | None) -> Case:
        who = message.person or message.to.key
        person = facts.people.get(who) or Person(id=who, cluster=who)
        place = resolve(
            zone=message.timezone or person.zone,
            region=message.region or person.region,
            country=message.country or person.country,
            device_zone=person.device_zone,
            phone_location=locate(phone) if phone else None,
            tenant_zone=self.tenant_zone,
            on=now.date(),
        )
        origin = message.origin
        run = (origin.campaign or "", message.person or "", origin.run) if origin is not None else ("", "", 0)
        return Case(
            message=message,
            now=now,
            person=person,
            place=place,
            suppressions=tuple(
                record for subject in stored_facts.subjects(message) for record in facts.suppressions.get(subject, ())
            ),
            enrolment=facts.enrolments.get(run),
            guard=self.guard,
        )


def phone_of(message: Message, contacts: Mapping[str, Sequence[str]]) -> str | None:
    """The number to call: the task's own, else the person's for voice or sms; `contacts` are addresses as JSON by channel."""
    content = message.content
    if isinstance(content, Task) and content.phone:
        return content.phone
    for channel in ("voice", "sms"):
        for stored in contacts.get(channel, ()):
            if isinstance(found := json.loads(stored).get("e164"), str):
                return found
    return None
