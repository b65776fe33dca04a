"""The desk for people's data: everything of a person in one file, and nothing of them any more."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.custody import ErasureSettings
from recallgate.model.errors import ConfigError
from recallgate.model.sealing import KeyRing
from recallgate.store import custody, sealed
from recallgate.store.custody import Found
from recallgate.store.dialect import execute
from recallgate.store.engine import Store
from recallgate.store.vault import Vault, fits

_JSON = frozenset({"payload", "facts", "trace", "windows", "caps", "waiting", "data", "address", "tags"})


OTHER_KEY = (
    "erasure.key: people were erased under another key, and would be written to again; give the key that was used then, "
    "as [erasure] key or RECALLGATE_ERASURE_KEY"
)


@dataclass(frozen=True)
class Erasure:
    """What an erasure did: rows touched by table, messages cancelled, and how many were leaving at that moment.

    What is leaving still leaves; nothing of it comes back.
    """

    rows: dict[str, int]
    cancelled: int
    leaving: int
    shared_addresses: int


class CustodyDesk:
    """Export and erasure for one tenant."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        *,
        tenant: str,
        settings: ErasureSettings,
        ring: KeyRing | None,
        nonce: Callable[[int], str],
    ) -> None:
        self._store, self._now, self._tenant, self._settings = store, now, tenant, settings
        self._ring, self._nonce = ring, nonce

    async def export(self, person: str | None = None, *, address: str | None = None) -> dict[str, Any]:
        """Everything that is stored of a person, or of somebody of whom only an address is known, by table; JSON throughout."""
        self._one(person, address)

        def work(connection: Connection) -> tuple[Found, dict[str, list[dict[str, Any]]]]:
            found = custody.find(connection, self._tenant, person=person, address=address)
            return found, custody.export(connection, found)

        found, rows = await self._store.run(work)
        return {
            "person": person,
            "addresses": [*found.addresses, *found.shared],
            "exported_at": self._now().isoformat(),
            "tables": {table: [_plain(row) for row in one] for table, one in rows.items()},
        }

    async def erase(self, person: str | None = None, *, address: str | None = None, keep_out: bool = True) -> Erasure:
        """Erase a person, or somebody of whom only an address is known, in one transaction.

        Waiting messages are cancelled; messages, events, clicks and runs stay as counts that lead to nobody; suppressions and
        caps stay under a keyed hash, and with `keep_out` so does an opt-out: whoever is imported again is still not written to,
        until they opt in. Addresses that other people have, too, stay with them. Raises ConfigError without `[erasure] key`.
        """
        self._one(person, address)
        vault = Vault(self._settings.needed())
        now, alias = to_ms(self._now()), f"erased:{self._nonce(16)}"

        def work(connection: Connection) -> Erasure:
            if not fits(connection, self._tenant, vault):
                raise ConfigError(OTHER_KEY)
            found = custody.find(connection, self._tenant, person=person, address=address)
            ids = found.scope
            leaving = execute(
                connection,
                "select count(*) from rg_message where tenant = :tenant and state = 'sending' and id in {values:ids}",
                ids,
            ).scalar()
            touched = custody.erase(connection, found, vault, alias=alias, now=now, keep_out=keep_out)
            cancelled = touched.pop("cancelled")
            return Erasure(touched, cancelled, int(leaving or 0), len(found.shared))

        return await self._store.run(work)

    async def lacks(self) -> str | None:
        """Why nothing may be sent: people were erased, or values sealed, under keys that are not here; None when all fits.

        From then on the current key of sealed values counts as used.
        """
        key = self._settings.key
        vault = Vault(self._settings.needed() if key is not None else None, self._ring)

        def work(connection: Connection) -> str | None:
            if not fits(connection, self._tenant, vault):
                return OTHER_KEY
            if lost := sealed.missing(connection, self._tenant, self._ring):
                return f"encryption.keys: values in this store need the keys {', '.join(lost)}; some are missing, or are others"
            if self._ring is not None:
                sealed.mark(connection, self._tenant, self._ring)
            return None

        return await self._store.run(work, small=True)

    async def rotate(self, *, page: int = 500) -> int:
        """Seal everything with the current key, plain values too; answers how many rows were looked at.

        A page is one transaction, workers may go on meanwhile; they need the older keys until this is through.
        """
        ring = self._ring
        if ring is None:
            raise ConfigError("encryption: it is not set; give [encryption] current and keys")
        if (fault := await self.lacks()) is not None:
            raise ConfigError(fault)
        looked = 0
        for table in sealed.SEALED:
            after: list[Any] = []
            while True:
                turn = partial(sealed.rotate, tenant=self._tenant, table=table, ring=ring, after=after, most=page)
                seen, after = await self._store.run(turn)
                looked += seen
                if not after:
                    break
        await self._store.run(lambda c: sealed.only_current(c, self._tenant, ring))
        return looked

    def _one(self, person: str | None, address: str | None) -> None:
        if (person is None) == (address is None):
            raise ConfigError("person or address: give exactly one")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _read(value) if name in _JSON and isinstance(value, str) else value for name, value in row.items()}


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
