"""Why: a stored message's story, a dry run of one that was not sent, a person's whole history."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from recallgate.delivery.cases import CaseMaker
from recallgate.delivery.chunk import as_json, step_record
from recallgate.delivery.story import person_story, person_summary
from recallgate.model.clock import from_ms
from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.model.redaction import mask, mask_email
from recallgate.model.verdict import Defer
from recallgate.policies.chain import Chain
from recallgate.store import people
from recallgate.store.dialect import execute
from recallgate.store.engine import Store
from recallgate.store.moves import MOVED

_INSTANTS = frozenset(
    [
        "at",
        "due_at",
        "created_at",
        "updated_at",
        "expires_at",
        "accepted_at",
        "delivered_at",
        "planned_at",
        "intent_at",
        "settle_at",
        "finished_at",
        "received_at",
        "until",
        "effective_at",
        "cleared_at",
        "started_at",
        "ended_at",
        "assigned_at",
        "paused_until",
    ]
)


async def explain_dry(store: Store, cases: CaseMaker, chain: Chain, message: Message, now: datetime) -> dict[str, Any]:
    """The verdict on a message at this instant with its full trace; nothing is written or reserved."""

    def work(connection: Connection) -> dict[str, Any]:
        facts = cases.load(connection, [message], now)
        case = cases.case(message, facts, now)
        decision = chain.decide(case, case_for=lambda other: cases.case(other, facts, now), trace=True)
        verdict = decision.verdict
        return {
            "message": message.id,
            "verdict": decision.kind,
            "channel": decision.channel,
            "code": verdict.code or None,
            "policy": verdict.policy or None,
            "rule_id": verdict.rule_id,
            "until": verdict.until.isoformat() if isinstance(verdict, Defer) else None,
            "would_go_at": decision.would_go_at.isoformat() if decision.would_go_at is not None else None,
            "facts": json.loads(as_json(verdict.facts)),
            "place": {
                "country": case.place.country,
                "region": case.place.region,
                "zones": list(case.place.zones),
                "tz_source": case.place.tz_source,
                "tz_uncertain": case.place.tz_uncertain,
            },
            "account": case.account.name if case.account is not None else None,
            "trace": json.loads(as_json([step_record(step) for step in decision.trace])),
            "summary": summarise(decision.kind, verdict.code, verdict.policy, verdict.rule_id),
        }

    return await store.run(work)


async def explain_stored(store: Store, tenant: str, identity: str) -> dict[str, Any]:
    """A stored message with every decision, attempt and event, oldest first; ConfigError when there is none."""

    def work(connection: Connection) -> dict[str, Any]:
        scope = {"tenant": tenant, "id": identity}

        def rows(query: str) -> list[dict[str, Any]]:
            return [_shown(row) for row in execute(connection, query, scope).mappings()]

        found = rows(
            "select id, channel, purpose, state, reason, kind, person, address, campaign, step, arm, offer, account, vendor_id,"
            " attempts,"
            " created_at, due_at, expires_at, accepted_at, delivered_at, planned_at, settle_at, parts, cost_micros"
            " from rg_message where tenant = :tenant and id = :id"
        )
        if not found:
            raise ConfigError(f"message {identity!r} is not in the store; check the id, the tenant and the store's address")
        message = found[0]
        message["address"] = _masked(str(message["address"]))
        decisions = rows(
            "select at, verdict, channel, code, policy, rule_id, until, facts, trace from rg_decision"
            " where tenant = :tenant and message_id = :id order by seq"
        )
        attempts = rows(
            "select n, account, channel, at, finished_at, outcome, kind, code, detail from rg_attempt"
            " where tenant = :tenant and message_id = :id order by n"
        )
        events = rows(
            "select at, received_at, type, status, kind, code, data from rg_event"
            " where tenant = :tenant and message_id = :id order by at, seq"
        )
        return {
            "message": message,
            "decisions": decisions,
            "attempts": attempts,
            "events": events,
            "story": _story(message, decisions, attempts, events),
        }

    return await store.run(work)


async def explain_person(store: Store, tenant: str, person: str, *, now: datetime) -> dict[str, Any]:
    """Everything the store knows of a person: where they stand (`summary`), what happened (`story`), and the rows behind."""

    def work(connection: Connection) -> dict[str, Any]:
        found = people.story(connection, tenant, person)
        shown = {name: [_shown(row) for row in rows] for name, rows in found.items()}
        for row in shown["suppressions"]:
            row["subject"] = "person" if str(row["subject"]).startswith("p:") else _masked(str(row["subject"])[2:])
        return {
            "person": person,
            **{name: rows for name, rows in shown.items() if name != "people"},
            "summary": person_summary(shown, now=now) if any(shown.values()) else [],
            "story": person_story(shown),
        }

    return await store.run(work)


def summarise(kind: str, code: str | None, policy: str | None, rule_id: str | None) -> str:
    """A verdict as half a sentence."""
    if kind == "allow" and code:
        return f"may leave, but no account is free ({code})"
    words = {"allow": "may leave now", "defer": "is held", "drop": "is dropped", "reroute": "takes another channel"}[kind]
    because = f" because {policy} says {code}" if code else ""
    return f"{words}{because}{f' (rule {rule_id})' if rule_id else ''}"


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if name in _INSTANTS and value is not None:
            shown[name] = from_ms(value).isoformat()
        elif name in ("facts", "trace", "data") and isinstance(value, str):
            shown[name] = json.loads(value)
        else:
            shown[name] = value
    return shown


def _masked(address: str) -> str:
    return mask_email(address) if "@" in address else mask(address)


def _story(
    message: Mapping[str, Any],
    decisions: Sequence[Mapping[str, Any]],
    attempts: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
) -> list[str]:
    lines = [(str(message["created_at"]), 0, f"accepted for {message['channel']} ({message['purpose']})")]
    for one in decisions:
        words = summarise(one["verdict"], one["code"], one["policy"], one["rule_id"])
        until = f" until {one['until']}" if one["until"] else ""
        facts = f" with {_said(one['facts'])}" if one["facts"] else ""
        lines.append((str(one["at"]), 1, f"on {one['channel']} it {words}{until}{facts}"))
    for one in attempts:
        lines.append((str(one["at"]), 2, f"attempt {one['n']} through account {one['account']}"))
        if one["outcome"]:
            fault = f": {one['kind']} {one['code'] or ''} {one['detail'] or ''}".rstrip() if one["kind"] else ""
            lines.append((str(one["finished_at"] or one["at"]), 3, f"attempt {one['n']} ended as {one['outcome']}{fault}"))
    for one in events:
        if one["type"] == MOVED:
            lines.append(
                (str(one["at"]), 4, f"it became {one['status']}" + (f" because of {one['code']}" if one["code"] else ""))
            )
            continue
        lines.append(
            (
                str(one["at"]),
                4,
                f"the vendor or the person told: {one['type']}" + (f" ({one['kind']} {one['code']})" if one["kind"] else ""),
            )
        )
    ordered = [f"{at} {words}" for at, _, words in sorted(lines, key=lambda line: (line[0], line[1]))]
    ending = f" because of {message['reason']}" if message["reason"] else ""
    planned = f"; it would have gone at {message['planned_at']}" if message["planned_at"] else ""
    return [*ordered, f"now it is {message['state']}{ending}{planned}"]


def _said(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
