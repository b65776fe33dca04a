"""Repeats: what was perhaps sent goes again to the same account with the same key, which the vendor takes for one message."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from recallgate.config import parse_message
from recallgate.delivery.accounts import LiveAccount
from recallgate.delivery.chunk import Ready
from recallgate.delivery.stage import Stager
from recallgate.model.clock import to_ms
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.store import asked, attempts, settling
from recallgate.store.attempts import Unsettled
from recallgate.store.messages import Row
from recallgate.store.settling import Try

_MARGIN_MS = 5_000


def repeatable(one: Unsettled, account: LiveAccount, tries: Sequence[Try], *, now: int, most: int) -> bool:
    """Whether a copy reaches the vendor while it still remembers the key of the first one."""
    ability = account.view.capabilities
    remembered = ability.idempotency
    first = min((had.at for had in tries if had.account == account.name), default=None)
    if remembered is None or first is None or one.attempts >= most:
        return False
    if one.expires_at is not None and one.expires_at <= now:
        return False
    if account.batch > 1 and not ability.key_in_batch and one.purpose != Purpose.OTP:
        return False  # it may have gone in a batch, under the batch's key
    latest = now + int(account.config.deadline_s * 1000) + _MARGIN_MS
    return latest < first + remembered * 1000


def repeated(
    connection: Connection, rows: Sequence[tuple[Unsettled, LiveAccount, int]], *, stager: Stager, now: datetime
) -> tuple[list[Ready], list[tuple[Unsettled, int]]]:
    """Commit the intents of copies, judged as any message is; those that must not leave now stay uncertain.

    `rows` come with their account and the instant of their next look; those that stay are answered with it. No other worker
    ever sees them in the queue.
    """
    at = to_ms(now)
    by_id = {one.id: (one, until) for one, _, until in rows}
    own = {one.id: [(one.tenant, subject, one.id) for subject in one.subjects] for one, _, _ in rows}
    settling.count(connection, [row for entries in own.values() for row in entries], state="released")  # no rival of itself
    attempts.settle(connection, [(one.tenant, one.id, "queued", settling.REPEATED, at) for one, _, _ in rows], now=at)
    staged = stager.stage(
        connection,
        [
            Row(one.tenant, one.id, one.channel, "queued", one.payload, at, one.created_at, one.attempts, one.account, one.rank)
            for one, _, _ in rows
        ],
        now=now,
        lease_until=at + max(int(2000 * account.config.deadline_s) for _, account, _ in rows) + 60_000,
        pinned={one.id: account.name for one, account, _ in rows},
    )
    leaving = {ready.message.id for ready in staged.ready}
    stayed = [pair for identity, pair in by_id.items() if identity not in leaving]
    settling.count(connection, [row for one, _ in stayed for row in own[one.id]], state="counted")
    settling.back(connection, [(one.tenant, one.id, one.reason, one.due_at, until) for one, until in stayed], now=at)
    paid = [one._replace(amount=-one.amount) for ready in staged.ready for one in ready.tallies]
    if paid:
        asked.count(connection, paid)  # the first copy was paid for
    return _as_before(connection, staged.ready), stayed


def _as_before(connection: Connection, staged: Sequence[Ready]) -> list[Ready]:
    """The same words as the first time: a vendor refuses its key for another body, so links keep their first codes."""
    first: dict[tuple[str, str, str], str] = {}
    swaps: dict[str, list[tuple[str, str]]] = {}
    for link in settling.codes(connection, [(ready.message.tenant, ready.message.id) for ready in staged]):
        known = first.setdefault((link.message_id, link.target, link.kind), link.code)
        if known != link.code:
            swaps.setdefault(link.message_id, []).append((link.code, known))
    return [ready._replace(message=_swapped(ready.message, swaps.get(ready.message.id, ()))) for ready in staged]


def _swapped(message: Message, swaps: Sequence[tuple[str, str]]) -> Message:
    if not swaps:
        return message
    text = message.model_dump_json()
    for new, known in swaps:
        text = text.replace(new, known)
    return parse_message(text)
