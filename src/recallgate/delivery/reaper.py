"""The reaper: what a crash left behind, and what nobody ever heard of again."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from recallgate.config import GatewayConfig, parse_message
from recallgate.model.clock import Clock, from_ms, to_ms
from recallgate.model.purpose import Purpose
from recallgate.model.state import State
from recallgate.store import attempts
from recallgate.store.dialect import execute
from recallgate.store.engine import Store


class Reaper:
    """A job: rows stuck in `sending` become `uncertain`; uncertain ones whose wait is over are settled by purpose.

    Marketing and service close as uncertain and are counted in the review. An otp is sent again and marked as a possible
    duplicate; a transactional message only when its tags say `resend`.
    """

    name = "reaper"

    def __init__(self, store: Store, clock: Clock, config: GatewayConfig) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self.every = timedelta(seconds=min(5.0, config.lease_s / 3))

    async def run(self, now: datetime) -> int:
        return await self._store.run(lambda c: self._reap(c, now))

    async def next_due(self) -> datetime | None:
        found = await self._store.run(_next_due, small=True)
        return from_ms(found) if found is not None else None

    def _reap(self, connection: Connection, now: datetime) -> int:
        at = to_ms(now)
        wait = to_ms(now + timedelta(seconds=self._config.report_wait_s))
        done = attempts.reap(connection, now=at, settle_at=wait)
        rows: list[tuple[str, str, str, str, int | None]] = []
        for one in attempts.unsettled(connection, now=at, most=500):
            expired = one.expires_at is not None and one.expires_at <= at
            again = not expired and one.attempts < self._config.max_attempts and _may_repeat(one.purpose, one.payload)
            state = State.QUEUED if again else State.UNCERTAIN
            rows.append(
                (one.tenant, one.id, state, "uncertain.sent_again" if again else "uncertain.closed", at if again else None)
            )
        if rows:
            attempts.settle(connection, rows, now=at)
        return done + len(rows)


def _may_repeat(purpose: str, payload: str) -> bool:
    if purpose == Purpose.OTP:
        return True
    return purpose == Purpose.TRANSACTIONAL and "resend" in parse_message(payload).tags


def _next_due(connection: Connection) -> int | None:
    found = execute(
        connection,
        "select min(at) from (select min(settle_at) as at from rg_message where state = 'uncertain' and settle_at is not null"
        " union all select min(lease_until) from rg_message where state = 'sending')",
    ).scalar()
    return int(found) if found is not None else None
