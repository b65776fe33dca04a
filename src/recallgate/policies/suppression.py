"""Suppression: people and addresses that are not written to."""

from dataclasses import dataclass
from datetime import datetime

from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.model.verdict import Drop, Reroute, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case, Suppression
from recallgate.policies.policy import ALLOW

ALL_PURPOSES = frozenset({"invalid", "hard_bounce", "manual", "region_block"})
DEAD_ADDRESS = frozenset({"invalid", "hard_bounce"})  # another address of the person may still work
CODES = {"hopeless": "pruned.hopeless"}


@dataclass(frozen=True)
class SuppressionPolicy:
    """No message to a suppressed address or person, within the record's channel, topic, sender and time.

    Invalid addresses, hard bounces, manual and region blocks stop all purposes; every other reason stops marketing, and
    with `all_purposes` and no single topic also service and transactional messages, but never a code just asked for.
    A dead address reroutes where the message has another channel. A return ends `hopeless`.
    """

    name = "suppression"
    phase = phases.SUPPRESSION
    mandatory = True

    def __call__(self, case: Case, /) -> Verdict:
        if not case.suppressions:
            return ALLOW
        message, now = case.message, case.now
        for record in case.suppressions:
            if not (_in_force(record, now) and _concerns(record, message) and _stops(record, message.purpose)):
                continue
            if record.reason == "hopeless" and _returned_since(record, case.person.returned_at):
                continue
            return _answer(record, message)
        return ALLOW


def _in_force(record: Suppression, now: datetime) -> bool:
    started = record.effective_at is None or record.effective_at <= now
    return started and (record.expires_at is None or now < record.expires_at)


def _returned_since(record: Suppression, returned_at: datetime | None) -> bool:
    return returned_at is not None and (record.effective_at is None or returned_at >= record.effective_at)


def _concerns(record: Suppression, message: Message) -> bool:
    if record.channel not in ("*", message.channel) or record.topic not in ("*", message.topic):
        return False
    if record.sender in ("*", message.sender, message.brand):
        return True
    return message.sender is None and message.brand is None  # nobody knows who will send: rather not


def _stops(record: Suppression, purpose: Purpose) -> bool:
    if purpose is Purpose.MARKETING or record.reason in ALL_PURPOSES:
        return True
    return record.all_purposes and record.topic == "*" and purpose is not Purpose.OTP


def _answer(record: Suppression, message: Message) -> Verdict:
    code = CODES.get(record.reason, f"suppressed.{record.reason}")
    facts = {"subject": record.subject, "channel": record.channel, "topic": record.topic}
    elsewhere = any(other.channel != message.channel for other in message.alternatives)
    if record.reason in DEAD_ADDRESS and record.subject == "address" and elsewhere:
        return Reroute(exclude=frozenset({message.channel}), code=code, facts=facts, policy=SuppressionPolicy.name)
    return Drop(code=code, facts=facts, policy=SuppressionPolicy.name, terminal=record.reason == "hopeless")
