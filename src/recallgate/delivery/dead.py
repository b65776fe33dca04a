"""The desk of dead letters: why each of them died, what to do about it, and the way back into the queue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from recallgate.delivery.reasons import why
from recallgate.model.clock import from_ms, to_ms
from recallgate.model.errors import ErrorKind
from recallgate.model.redaction import mask, mask_email
from recallgate.store import dead
from recallgate.store.dead import DeadRow
from recallgate.store.engine import Store
from recallgate.transport.redact import redact

# What to do before a replay, by the code behind the message (the longest that fits its beginning decides), else by the kind.
_BY_REASON: Mapping[str, str] = {
    "poison.unreadable": "it was written by another release, or changed by hand: hand the message in anew; a replay fails again",
    "poison": "a fault of the program or of a template: read the log of that minute, mend it, then replay",
    "content": "a rule for texts stands against its words: hand in another text; a replay fails again",
    "no_account": "no account carries this channel or country: add one, then replay",
    "attempts": "every attempt failed: see that the vendor works again (`recallgate status`), then replay",
}
_BY_KIND: Mapping[ErrorKind, str] = {
    ErrorKind.AUTH: "the account's credentials were refused: renew them, then replay",
    ErrorKind.INSUFFICIENT_FUNDS: "the account has no money left: top it up, then replay",
    ErrorKind.RATE_LIMITED: "the vendor asked for a slower pace: lower the account's rate, then replay",
    ErrorKind.TEMPORARY: "the vendor had a passing fault: replay when it is over",
    ErrorKind.UNAVAILABLE: "the vendor could not be reached: replay when it can",
    ErrorKind.INVALID_RECIPIENT: "the address does not exist: correct it at the source; do not replay",
    ErrorKind.UNREGISTERED_TOKEN: "the app is gone from that device: wait for a new token; do not replay",
    ErrorKind.OPTED_OUT: "the person opted out at the vendor: do not replay",
    ErrorKind.UNREACHABLE: "the address cannot be reached on this channel: use another one",
    ErrorKind.BLOCKED_CONTENT: "the vendor blocks this text: change it, and hand the message in anew",
    ErrorKind.PAYLOAD_TOO_LARGE: "it is too long for the vendor: shorten it, and hand the message in anew",
    ErrorKind.TEMPLATE_OR_SIGNATURE: "its template or signature is not approved: have it approved, then replay",
    ErrorKind.UNSUPPORTED_REGION: "no account may write there: add one that may, then replay",
    ErrorKind.INVALID_SENDER: "its sender is not registered there: register it, then replay",
    ErrorKind.UNSUPPORTED: "no account can send such a message: add one that can, then replay",
    ErrorKind.UNKNOWN: "the vendor gave a code that the adapter does not know: look it up, tell the adapter, then replay",
}
_ELSE = "read the attempts (`recallgate explain`), remove the cause, then replay"


@dataclass(frozen=True)
class DeadLetter:
    """A failed message: why, and what to do. `address` is masked; `detail` are the vendor's words without personal data."""

    id: str
    channel: str
    purpose: str
    reason: str
    why: str
    remedy: str
    kind: str | None
    code: str | None
    detail: str | None
    address: str
    campaign: str | None
    account: str | None
    attempts: int
    created_at: datetime
    died_at: datetime


class DeadDesk:
    """Dead letters of one tenant."""

    def __init__(self, store: Store, now: Callable[[], datetime], *, tenant: str) -> None:
        self._store, self._now, self._tenant = store, now, tenant

    async def list(
        self,
        ids: Sequence[str] = (),
        *,
        kind: str | None = None,
        reason: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        most: int = 100,
    ) -> list[DeadLetter]:
        """Dead letters, the latest first, at most so many; narrowed down by what is given."""
        rows = await self._store.run(
            lambda c: dead.letters(
                c, self._tenant, ids=ids, kind=kind, reason=reason, campaign=campaign, channel=channel, most=most
            )
        )
        return [_letter(row) for row in rows]

    async def replay(self, ids: Sequence[str]) -> Sequence[str]:
        """Put dead letters back into the queue; answers the ids of those that were dead.

        Nothing is skipped: the chain decides again, with today's consents, caps and hours, and the message keeps the mark
        `replayed` among its events.
        """
        now = to_ms(self._now())

        def work(connection: Connection) -> Sequence[str]:
            return dead.replay(connection, self._tenant, ids, now=now)

        return await self._store.run(work)


def remedy(reason: str | None, kind: str | None) -> str:
    """What an operator does about a dead letter."""
    parts = (reason or "").split(".")
    for length in range(len(parts), 0, -1):
        if (words := _BY_REASON.get(".".join(parts[:length]))) is not None:
            return words
    return _BY_KIND.get(ErrorKind(kind), _ELSE) if kind in set(ErrorKind) else _ELSE


def _letter(row: DeadRow) -> DeadLetter:
    return DeadLetter(
        row.id,
        row.channel,
        row.purpose,
        row.reason or "",
        why(row.reason),
        remedy(row.reason, row.kind),
        row.kind,
        row.code,
        redact(row.detail) if row.detail else None,
        mask_email(row.address) if "@" in row.address else mask(row.address),
        row.campaign,
        row.account,
        row.attempts,
        from_ms(row.created_at),
        from_ms(row.updated_at),
    )
