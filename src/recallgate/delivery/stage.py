"""Staging: in one transaction, a chunk of due rows is read, judged, and what may leave is marked as leaving."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from recallgate.config import GatewayConfig, parse_message
from recallgate.delivery.accounts import Route, Router
from recallgate.delivery.cases import CaseMaker
from recallgate.delivery.chunk import Chunk, Staged
from recallgate.delivery.content import prepare
from recallgate.model.chance import Chance
from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError, ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.model.state import State
from recallgate.model.verdict import Allow
from recallgate.policies.case import Sent
from recallgate.policies.chain import Chain
from recallgate.store import attempts, facts as stored_facts
from recallgate.store.messages import Close, Row

_log = logging.getLogger("recallgate.delivery")
_PAUSE = timedelta(minutes=1)
_STRICTNESS = {Purpose.MARKETING: 1, Purpose.OTP: -1}


class Stager:
    """Judges chunks of rows for a gateway."""

    def __init__(self, config: GatewayConfig, chain: Chain, cases: CaseMaker, router: Router, chance: Chance) -> None:
        self._config = config
        self._chain = chain
        self._cases = cases
        self._router = router
        self._chance = chance
        self._links_base = config.link_domain or config.public_url
        self._counted = frozenset({"marketing"}).union(*(getattr(one, "counts_toward", ()) for one in chain.policies))

    def stage(self, connection: Connection, rows: Sequence[Row], *, now: datetime, lease_until: int) -> Staged:
        """Decide rows that this transaction has read, and write down what becomes of them."""
        chunk = Chunk(to_ms(now), len(rows))
        parsed = [(row, message) for row in rows if (message := self._parse(row, chunk)) is not None]
        for tenant in sorted({message.tenant for _, message in parsed}):
            self._tenant(connection, [(row, message) for row, message in parsed if message.tenant == tenant], chunk, now)
        chunk.write(connection, lease_until=lease_until)
        return chunk.staged

    def _parse(self, row: Row, chunk: Chunk) -> Message | None:
        try:
            return parse_message(row.payload)
        except ConfigError as exc:
            _log.error("message %s cannot be read and is kept as a dead letter: %s", row.id, exc)
            chunk.closes.append(Close(row.tenant, row.id, State.FAILED.value, "poison.unreadable", ErrorKind.UNKNOWN))
            return None

    def _tenant(self, connection: Connection, rows: list[tuple[Row, Message]], chunk: Chunk, now: datetime) -> None:
        facts = stored_facts.load(connection, [message for _, message in rows], now, consents=self._config.consent_required)
        again = [(row.tenant, row.id) for row, _ in rows if row.attempts]
        tried = attempts.tried(connection, again) if again else {}
        for row, message in rows:
            try:
                self._judge(row, message, facts, tried.get(row.id, []), chunk, now)
            except Exception as exc:  # one poisoned row must not stop its neighbours
                _log.error("message %s failed in staging and is kept as a dead letter: %s", row.id, type(exc).__name__)
                chunk.closes.append(
                    Close(row.tenant, row.id, State.FAILED.value, f"poison.{type(exc).__name__}", ErrorKind.UNKNOWN)
                )

    def _judge(
        self,
        row: Row,
        message: Message,
        facts: stored_facts.Facts,
        tried: list[tuple[str, str | None]],
        chunk: Chunk,
        now: datetime,
    ) -> None:
        campaign = message.origin.campaign if message.origin else None
        if ("channel", message.channel) in facts.paused or (campaign is not None and ("campaign", campaign) in facts.paused):
            chunk.put_back(row, now + _PAUSE, "paused")
            return
        case = self._cases.case(message, facts, now)
        decision = self._chain.decide(case, case_for=lambda other: self._cases.case(other, facts, now))
        chunk.decide(row, decision)
        verdict = decision.verdict
        if not isinstance(verdict, Allow):
            chunk.hold_or_drop(row, decision)
            return
        self._send(
            row, decision.message, facts, tried, chunk, now, country=case.place.country, rerouted=decision.message is not message
        )

    def _send(
        self,
        row: Row,
        message: Message,
        facts: stored_facts.Facts,
        tried: list[tuple[str, str | None]],
        chunk: Chunk,
        now: datetime,
        *,
        country: str | None,
        rerouted: bool,
    ) -> None:
        route = self._route(message, country, now=now, tried=tried, paused=facts.paused)
        if route.account is None:
            if route.wait_until is not None:
                chunk.put_back(row, route.wait_until, route.code)
            else:
                chunk.fail(row, SendError(route.kind or ErrorKind.UNSUPPORTED, route.code, f"no account takes {message.channel}"))
            return
        account = route.account
        try:
            prepared = prepare(
                message,
                account.config,
                account.view,
                country=country,
                base=self._links_base,
                code=self._chance.code,
                now_ms=chunk.now,
            )
        except SendError as exc:
            chunk.fail(row, exc)
            return
        counted = message.purpose in self._counted
        if counted and facts.shared:
            _count_at_once(facts, message, now)
        chunk.send(
            row, prepared.message, account, prepared.links, prepared.parts, counted=counted, rerouted=rerouted, country=country
        )

    def _route(
        self,
        message: Message,
        country: str | None,
        *,
        now: datetime,
        tried: list[tuple[str, str | None]],
        paused: frozenset[tuple[str, str]],
    ) -> Route:
        if not tried:
            return self._router.route(message, country=country, now=now, tried={}, paused=paused)
        # when every account had its turn, the vendor's fault may be over: a new round starts, fewest turns first
        for passed_over in (_failed_accounts(tried, urgent=message.purpose.urgent), _had_more_turns(tried), {}):
            route = self._router.route(message, country=country, now=now, tried=passed_over, paused=paused)
            if route.code != "all_tried":
                break
        return route


def _count_at_once(facts: stored_facts.Facts, message: Message, now: datetime) -> None:
    """The next message of the same chunk sees this one as sent."""
    campaign = message.origin.campaign if message.origin else None
    for subject, by in (("p:" + message.person if message.person else None, "person"), ("a:" + message.to.key, "address")):
        if subject in facts.shared:
            facts.sent.setdefault(subject, []).append(
                Sent(now, message.channel, message.purpose.value, message.tags, campaign, by)
            )


def _failed_accounts(tried: list[tuple[str, str | None]], *, urgent: bool) -> Mapping[str, Any]:
    """Accounts whose refusal another account may not share; a rate limit that was waited for is none."""
    return {account: kind for account, kind in tried if kind is not None and (urgent or kind != ErrorKind.RATE_LIMITED)}


def _had_more_turns(tried: list[tuple[str, str | None]]) -> Mapping[str, Any]:
    """Accounts that refused more often than the one that refused least."""
    turns = Counter(account for account, kind in tried if kind is not None)
    least = min(turns.values(), default=0)
    return {account: n for account, n in turns.items() if n > least}
