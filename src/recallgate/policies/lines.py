"""One decision from plain data: what `recallgate decide --json` does with a line."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from recallgate.model.channels import BUILT_IN
from recallgate.model.message import Message
from recallgate.model.verdict import Defer
from recallgate.phone.location import Location, locate
from recallgate.policies.case import Account, Case, Consent, Enrolment, Holdout, Person, Sent, Suppression
from recallgate.policies.chain import Chain, Step
from recallgate.policies.default import default_chain
from recallgate.policies.fields import Fields, Windows
from recallgate.policies.frequency_cap import OnExceed
from recallgate.policies.placeholders import ADDRESSES, CONTENTS
from recallgate.policies.policy import utc_text
from recallgate.rules.hours import EmptyHours, Hours
from recallgate.rules.place import Place, resolve
from recallgate.rules.regulations import RuleBook

COUNTED = frozenset(
    {"counted", "reserved", "confirmed", "uncertain", "sending", "accepted", "sent", "delivered", "undelivered", "bounced"}
)
NOT_COUNTED = frozenset(
    {"released", "rejected", "failed", "held", "deferred", "queued", "suppressed", "dropped", "holdout", "cancelled", "dry_run"}
)


def decide_line(data: Mapping[str, object]) -> dict[str, object]:
    """The default chain's decision on one JSON object, as one JSON object; a key that is absent or null was not given.

    The case: now, channel, purpose (these three are required), expires_at, not_before, tags, campaign, topic, brand, sender,
    person, cluster. The place: country, region, zone, device_zone, phone, country_zone, tenant_zone, min_open_hours. The
    hours: holidays, tenant_windows, play_windows, recipient_windows, guard_minutes, consent_lifts_hours, refused_at. What is
    known: history, suppressions, consents, enrolled_at, returned_at, run_ended, paused_until, registry_checked_at, holdouts,
    open_regions. The caps: on_exceed. Raises ValueError that names the key and the remedy.
    """
    fields = Fields(data)
    case = _case(fields)
    on_exceed = fields.word("on_exceed", ("drop", "defer", "reroute"), default="drop")
    fields.nothing_left()
    decision = _chain(on_exceed).decide(case, case_for=lambda other: replace(case, message=other), trace=True)
    verdict = decision.verdict
    return {
        "verdict": decision.kind,
        "until": utc_text(verdict.until) if isinstance(verdict, Defer) else None,
        "code": verdict.code or None,
        "policy": verdict.policy or None,
        "rule_id": verdict.rule_id,
        "tz_source": case.place.tz_source,
        "facts": dict(verdict.facts),
        "channel": decision.channel,
        "trace": [_step(step) for step in decision.trace],
    }


@lru_cache(maxsize=3)
def _chain(on_exceed: OnExceed) -> Chain:
    return default_chain(on_exceed=on_exceed, jitter=timedelta(0))


def _step(step: Step) -> dict[str, object]:
    verdict = step.verdict
    return {
        "policy": step.policy,
        "verdict": step.kind,
        "code": verdict.code or None,
        "rule_id": verdict.rule_id,
        "until": utc_text(verdict.until) if isinstance(verdict, Defer) else None,
        "facts": dict(verdict.facts),
        "channel": step.channel,
        "at": utc_text(step.at),
    }


def _case(fields: Fields) -> Case:
    now = fields.required_instant("now")
    channel = fields.required_word("channel", tuple(BUILT_IN))
    purpose = fields.required_word("purpose", ("otp", "transactional", "service", "marketing"))
    campaign, enrolled_at = fields.text("campaign"), fields.instant("enrolled_at")
    phone, tenant_windows = fields.text("phone"), fields.windows("tenant_windows")
    location = _location(phone)
    place = _place(fields, location, channel=channel, purpose=purpose, tenant_windows=tenant_windows)
    message = _message(fields, channel, purpose=purpose, phone=phone, place=place)
    run = None
    if enrolled_at is not None:
        run = Enrolment(campaign or "campaign", 1, enrolled_at, fields.text("run_ended"))
    facts = {"registry_age": fields.instant("registry_checked_at")} if fields.given("registry_checked_at") else {}
    return Case(
        message=message,
        now=now,
        person=_person(fields, channel, place),
        place=place,
        sent=tuple(sorted(_history(fields), key=lambda entry: entry.at)),
        suppressions=tuple(_suppressions(fields)),
        consents=tuple(_consents(fields)) if fields.given("consents") else None,
        enrolment=run,
        account=Account("line", "line", open_regions=frozenset(fields.texts("open_regions"))),
        holidays=fields.holidays("holidays", place.country, place.region),
        holdouts=tuple(_holdouts(fields)),
        tenant_windows=tenant_windows,
        play_windows=fields.windows("play_windows"),
        consents_lift_hours=fields.claim("consent_lifts_hours", default=False),
        guard=timedelta(minutes=fields.count("guard_minutes", default=5, least=0)),
        facts=facts,
    )


def _message(fields: Fields, channel: str, *, purpose: str, phone: str | None, place: Place) -> Message:
    to = ADDRESSES[channel]
    if phone is not None and channel in ("sms", "voice"):
        to = {"type": "phone", "e164": phone}
    others = [name for name in fields.texts("alternatives") if name != channel]
    if unknown := [name for name in others if name not in BUILT_IN]:
        raise ValueError(f"alternatives: {unknown[0]!r} is no channel; the channels are {', '.join(BUILT_IN)}")
    campaign = fields.text("campaign")
    return Message.model_validate(
        {
            "id": "line",
            "channel": channel,
            "to": to,
            "content": CONTENTS[channel],
            "purpose": purpose,
            "topic": fields.text("topic"),
            "brand": fields.text("brand"),
            "sender": fields.text("sender"),
            "person": fields.text("person"),
            "not_before": fields.instant("not_before"),
            "expires_at": fields.instant("expires_at"),
            "tags": fields.texts("tags"),
            "origin": {"campaign": campaign} if campaign else None,
            "alternatives": [{"channel": name, "to": ADDRESSES[name], "content": CONTENTS[name]} for name in others],
        }
    )


def _location(phone: str | None) -> Location | None:
    if phone is None:
        return None
    if not (phone.startswith("+") and phone[1:].isascii() and phone[1:].isdecimal() and 7 <= len(phone) - 1 <= 15):
        raise ValueError("phone: not an E.164 number; write a plus sign, the country code and the number: +14155550123")
    return locate(phone)


def _place(fields: Fields, location: Location | None, *, channel: str, purpose: str, tenant_windows: Windows) -> Place:
    country, region = fields.country("country"), fields.region("region")
    where = country or (region.partition("-")[0] if region else None) or (location.country if location else None)
    part = region or (location.region if location else None)
    rows = RuleBook.default().select(country=where, region=part, channel=channel, purpose=purpose)
    try:
        hours = Hours.of(rows, tenant=tenant_windows if purpose == "marketing" else ())
    except EmptyHours as empty:
        raise ValueError(f"tenant_windows: {empty}") from None
    return resolve(
        zone=fields.zone("zone"),
        region=region,
        country=country,
        device_zone=fields.zone("device_zone"),
        phone_location=location,
        country_zone=fields.zone("country_zone"),
        tenant_zone=fields.zone("tenant_zone"),
        hours=hours,
        min_open=timedelta(hours=fields.hours("min_open_hours", default=2.0)),
        on=fields.required_instant("now").date(),
    )


def _person(fields: Fields, channel: str, place: Place) -> Person:
    name = fields.text("person") or "person"
    refused: dict[str, datetime] = {}
    raw = fields.raw("refused_at")
    if isinstance(raw, Mapping):
        each = Fields(raw, inside="refused_at")
        refused = {str(key): each.required_instant(str(key)) for key in raw}
    elif raw is not None:
        refused = {channel: fields.required_instant("refused_at")}
    return Person(
        id=name,
        cluster=fields.text("cluster") or name,
        region=place.region,
        country=place.country,
        windows=fields.windows("recipient_windows"),
        paused_until=fields.instant("paused_until"),
        returned_at=fields.instant("returned_at"),
        refused_at=refused,
    )


def _history(fields: Fields) -> list[Sent]:
    entries = []
    for one in fields.objects("history"):
        state = one.word("state", tuple(sorted(COUNTED | NOT_COUNTED)), default="confirmed")
        entry = Sent(
            at=one.required_instant("at"),
            channel=one.required_word("channel", tuple(BUILT_IN)),
            purpose=one.word("purpose", ("otp", "transactional", "service", "marketing"), default="marketing"),
            tags=frozenset(one.texts("tags")),
            campaign=one.text("campaign"),
            by=one.word("by", ("person", "address"), default="person"),
            connected=one.claim("connected", default=False),
        )
        if state in COUNTED:
            entries.append(entry)
    return entries


_REASONS = ("opt_out", "complaint", "hard_bounce", "invalid", "dnc_registry", "manual", "region_block", "hopeless")


def _suppressions(fields: Fields) -> list[Suppression]:
    return [
        Suppression(
            reason=one.required_word("reason", _REASONS),
            channel=one.word("channel", ("*", *BUILT_IN), default="*"),
            topic=one.text("topic") or "*",
            sender=one.text("sender") or "*",
            all_purposes=one.claim("all_purposes", default=False),
            subject=one.word("subject", ("address", "person"), default="address"),
            effective_at=one.instant("effective_at"),
            expires_at=one.instant("expires_at"),
        )
        for one in fields.objects("suppressions")
    ]


def _consents(fields: Fields) -> list[Consent]:
    return [
        Consent(
            channel=one.word("channel", ("*", *BUILT_IN), default="*"),
            granted=one.claim("granted", default=True),
            at=one.required_instant("at"),
            topic=one.text("topic") or "*",
            brand=one.text("brand") or "*",
        )
        for one in fields.objects("consents")
    ]


def _holdouts(fields: Fields) -> list[Holdout]:
    return [
        Holdout(
            kind=one.word("kind", ("global", "play"), default="global"),
            salt=one.required_text("salt"),
            share_bp=one.count("share_bp", default=0, least=0, most=10_000),
        )
        for one in fields.objects("holdouts")
    ]
