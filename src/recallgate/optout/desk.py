"""The ledger desk: what people chose, lists from elsewhere, and the whole ledger as files."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError
from recallgate.optout.rows import Column, consent_of, consents, suppression_of, suppressions
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.store import asked, ledger, people
from recallgate.store.asked import RegistryCheckRow
from recallgate.store.engine import Store
from recallgate.store.ledger import ConsentRow, SuppressionRow
from recallgate.store.people import PersonRow

PAGE = 2_000
Progress = Callable[[int], None]
_Row = TypeVar("_Row")


class LedgerDesk:
    """Consents and suppressions beside those that events bring. Everything is appended; nothing is edited or deleted."""

    def __init__(self, store: Store, now: Callable[[], datetime], *, tenant: str) -> None:
        self._store, self._now, self._tenant = store, now, tenant

    async def opt_in(
        self, *, person: str | None = None, address: str | None = None, channel: str, topic: str = "*", source: str, proof: str
    ) -> int:
        """Somebody asks to be written to again: ends their opt-outs on a channel, and records the consent with its proof.

        Only `opt_out` ends. A complaint, a dead address, a do-not-call list or an operator's hand stay: who complained is not
        written to because of a form. Answers how many suppressions ended. Raises ConfigError without a proof.
        """
        if not proof.strip():
            raise ConfigError("proof: keep the words that the person agreed to; without them it is no consent")
        subject, now = subject_of(person, address), to_ms(self._now())
        row = ConsentRow(self._tenant, subject, channel, topic, "*", 1, now, source, proof)

        def work(connection: Connection) -> int:
            found = ledger.clear(connection, self._tenant, subject, reason="opt_out", now=now, channel=channel, topic=topic)
            ledger.record_consents(connection, [row])
            return found

        return await self._store.run(work, small=True, urgent=True)

    async def prefer(
        self,
        person: str,
        *,
        topics_off: Sequence[tuple[str, str]] = (),
        topics_on: Sequence[tuple[str, str]] = (),
        at_most: Sequence[tuple[int, timedelta, str | None]] = (),
        paused_until: datetime | None = None,
        hours: Sequence[tuple[Sequence[int], str, str]] = (),
    ) -> None:
        """What a person chose in a preference centre; the latest choice stands for frequency, pause and hours.

        `topics_off` and `topics_on` are (channel, topic), `*` for all; `at_most` (messages, span, channel or None for all);
        `hours` ((ISO weekdays), "HH:MM", "HH:MM").
        """
        for limit, span, channel in at_most:
            FrequencyCap(limit=limit, window=span, scope="channel" if channel else "global", match=channel)
        now = to_ms(self._now())
        caps = [[limit, int(span.total_seconds()), channel] for limit, span, channel in at_most]
        windows = [[list(days), start, end] for days, start, end in hours]
        row = PersonRow(
            self._tenant,
            person,
            person,
            windows=json.dumps(windows) if windows else None,
            paused_until=to_ms(paused_until) if paused_until is not None else None,
            caps=json.dumps(caps) if caps else None,
        )
        off = [
            SuppressionRow(self._tenant, f"p:{person}", channel, topic, "*", "opt_out", 0, "preferences", None, 0, now, now, None)
            for channel, topic in topics_off
        ]
        on = [
            ConsentRow(self._tenant, f"p:{person}", channel, topic, "*", 1, now, "preferences", None)
            for channel, topic in topics_on
        ]

        def work(connection: Connection) -> None:
            people.prefer(connection, row)
            for one in on:
                ledger.clear(
                    connection, self._tenant, one.subject, reason="opt_out", now=now, channel=one.channel, topic=one.topic
                )
            ledger.record_consents(connection, on)
            ledger.suppress(connection, off)

        await self._store.run(work, small=True, urgent=True)

    async def registry_checked(
        self,
        addresses: Iterable[str],
        *,
        at: datetime,
        listed: Iterable[str] = (),
        valid_for: timedelta | None = None,
        source: str = "registry",
    ) -> int:
        """A comparison with a do-not-call registry: when it was, and which of the addresses stand on it.

        Those listed are suppressed for marketing, for `valid_for` where a list has its time. Answers how many were compared.
        """
        if at > self._now():
            raise ConfigError("at: a comparison cannot lie in the future")
        when, on_list = to_ms(at), set(listed)
        until = when + valid_for // timedelta(milliseconds=1) if valid_for is not None else None
        done = 0
        for page in _pages(addresses):
            checks = [RegistryCheckRow(self._tenant, f"a:{address}", when, source) for address in page]
            rows = [
                SuppressionRow(self._tenant, f"a:{one}", "*", "*", "*", "dnc_registry", 0, source, None, 0, when, when, until)
                for one in page
                if one in on_list
            ]
            await self._store.run(partial(_compare, checks=checks, rows=rows))
            done += len(page)
        return done

    async def import_suppressions(
        self,
        records: Iterable[Mapping[str, Column]],
        *,
        reason: str | None = None,
        source: str = "import",
        progress: Progress | None = None,
    ) -> int:
        """Suppressions from records with the columns of `export_suppressions`; answers how many were new.

        `person` or `address` is needed in each; what else is missing gets its default, `reason` the one given here. A page is
        one transaction, and the same records again add nothing. Raises ConfigError that names row and column.
        """
        now = self._now()
        rows = (
            suppression_of(record, n, tenant=self._tenant, now=now, reason=reason, source=source)
            for n, record in enumerate(records, 1)
        )
        return await self._import(rows, ledger.suppress, progress)

    async def import_consents(
        self, records: Iterable[Mapping[str, Column]], *, source: str = "import", progress: Progress | None = None
    ) -> int:
        """Consents from records with the columns of `export_consents`; they lift no opt-out. Answers how many were new."""
        now = self._now()
        rows = (consent_of(record, n, tenant=self._tenant, now=now, source=source) for n, record in enumerate(records, 1))
        return await self._import(rows, ledger.record_new_consents, progress)

    async def _import(
        self, rows: Iterable[_Row], write: Callable[[Connection, Sequence[_Row]], int], progress: Progress | None
    ) -> int:
        new = read = 0
        for page in _pages(rows):
            new += await self._store.run(partial(write, rows=page))  # type: ignore[call-arg]
            read += len(page)
            if progress is not None:
                progress(read)
        return new

    async def export_suppressions(self, *, page: int = PAGE) -> list[dict[str, str]]:
        """All suppressions, ended ones too, oldest first, one mapping a row."""
        return await self._export(partial(suppressions, tenant=self._tenant), page)

    async def export_consents(self, *, page: int = PAGE) -> list[dict[str, str]]:
        """All consents and withdrawals, oldest first, one mapping a row."""
        return await self._export(partial(consents, tenant=self._tenant), page)

    async def _export(self, read: Callable[..., tuple[list[dict[str, str]], int]], page: int) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        after = 0
        while True:
            rows, last = await self._store.run(partial(read, after=after, most=page))
            found += rows
            if len(rows) < page:
                return found
            after = last


def _compare(connection: Connection, *, checks: Sequence[RegistryCheckRow], rows: Sequence[SuppressionRow]) -> None:
    asked.save_registry_checks(connection, checks)
    ledger.suppress(connection, rows)


def subject_of(person: str | None, address: str | None) -> str:
    """`p:` and a person, or `a:` and an address; ConfigError for both or none."""
    if (person is None) == (address is None):
        raise ConfigError("person or address: give exactly one")
    return f"p:{person}" if person is not None else f"a:{address}"


def _pages(items: Iterable[_Row], size: int = PAGE) -> Iterator[list[_Row]]:
    rest = iter(items)
    while page := list(islice(rest, size)):
        yield page
