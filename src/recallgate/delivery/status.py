"""What operators ask of a gateway: how deep and how late queues are, what is uncertain or dead, who works, how accounts are."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from recallgate.delivery.accounts import LiveAccount
from recallgate.model.clock import from_ms, to_ms
from recallgate.store import backlog, campaigns, jobs, messages

_BEAT_MS = 15_000  # a worker that has been silent for longer is shown as gone


def account_health(accounts: Mapping[str, LiveAccount], now: datetime) -> dict[str, Any]:
    """Each account as this process finds it."""
    return {
        name: {
            "available": account.available(now),
            "out_until": account.out_until.isoformat() if account.out_until else None,
            "reason": account.out_reason,
            "breaker_open": account.breaker.open_until is not None,
        }
        for name, account in accounts.items()
    }


def status(connection: Connection, tenant: str, *, accounts: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Messages by state, the queue of each channel and its lateness in seconds, leases, pauses, workers, accounts.

    An account is open to messages when some live worker finds it so; without workers, as the asking process does.
    """
    at = to_ms(now)
    counts = messages.count_by_state(connection, tenant)
    depths = backlog.depths(connection, tenant, now=at)
    workers = jobs.workers(connection)
    leaving = backlog.leaving(connection, tenant, now=at)
    late = [at - depth.oldest_due_at for depth in depths if depth.oldest_due_at is not None]
    live = [json.loads(one.health) for one in workers if one.silent_ms <= _BEAT_MS]
    return {
        "messages": counts,
        "queue": {
            depth.channel: {
                "due": depth.due,
                "waiting": depth.waiting,
                "lateness_s": 0.0 if depth.oldest_due_at is None else round((at - depth.oldest_due_at) / 1000, 3),
            }
            for depth in depths
        },
        "queue_depth": sum(depth.due for depth in depths),
        "lateness_s": round(max(late, default=0) / 1000, 3),
        "uncertain": counts.get("uncertain", 0),
        "dead": counts.get("failed", 0),
        "leases": {
            "held": leaving.rows,
            "overdue": leaving.overdue,
            "oldest_s": 0.0 if leaving.oldest_at is None else round((at - leaving.oldest_at) / 1000, 3),
        },
        "paused": [{"scope": scope, "name": name} for scope, name in sorted(campaigns.pauses(connection, tenant))],
        "accounts": {name: _shared(name, own, live) for name, own in accounts.items()},
        "workers": [
            {
                "id": one.id,
                "host": one.host,
                "pid": one.pid,
                "engine": one.engine,
                "since": from_ms(one.started_at).isoformat(),
                "silent_s": round(one.silent_ms / 1000, 3),
                "alive": one.silent_ms <= _BEAT_MS,
                "in_flight": one.in_flight,
            }
            for one in workers
        ],
    }


def _shared(name: str, own: Mapping[str, Any], live: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    told = [health[name] for health in live if name in health]
    if not told:
        return own
    return {
        **min(told, key=lambda one: bool(one["available"])),
        "available": any(one["available"] for one in told),
        "breaker_open": any(one["breaker_open"] for one in told),
    }
