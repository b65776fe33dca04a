"""What a store's connections carry besides the database: keys of sealed values, and the one under which the erased are known.

A connection without a vault costs one look at its options a page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from recallgate.model.custody import keyed
from recallgate.model.sealing import KeyRing
from recallgate.store.dialect import bind, execute, values

OPTION = "recallgate_vault"
_MARK = "erased.key:"
ERASED_COUNT = "erased"  # the tally of erased people: nobody looks for hashes before there is one


@dataclass(frozen=True)
class Vault:
    """The secrets of a store: `erasure` is the key of hashed subjects, `ring` those of sealed values."""

    erasure: bytes | None = field(default=None, repr=False)
    ring: KeyRing | None = None

    def hidden(self, tenant: str, subject: str) -> str:
        """A subject (`p:` or `a:`) as it is kept after its erasure."""
        assert self.erasure is not None, "asked for only where there is a key"
        return "h:" + keyed(self.erasure, tenant, subject)

    def mark(self, tenant: str) -> str:
        """What tells this key from another."""
        return _MARK + self.hidden(tenant, "")


def vault_of(connection: Connection) -> Vault | None:
    """The vault that the store gave to its connections, if any."""
    found: Vault | None = connection.get_execution_options().get(OPTION)
    return found


def ring_of(connection: Connection) -> KeyRing | None:
    """The keys of sealed values; None where nothing is encrypted."""
    vault = vault_of(connection)
    return vault.ring if vault is not None else None


def hidden_of(connection: Connection, tenant: str, subjects: Iterable[str]) -> dict[str, str]:
    """Hashed form -> subject; empty where there is no key, or nobody was erased yet."""
    vault = vault_of(connection)
    if vault is None or vault.erasure is None or not erased(connection, tenant):
        return {}
    return {vault.hidden(tenant, subject): subject for subject in subjects}


def erased(connection: Connection, tenant: str) -> int:
    """How many people were erased."""
    found = execute(
        connection,
        f"select amount from rg_tally where tenant = :tenant and key = '{ERASED_COUNT}' and bucket = 0",
        {"tenant": tenant},
    ).scalar()
    return int(found or 0)


def mark(connection: Connection, tenant: str, vault: Vault) -> None:
    """Count an erased person, and remember by which key: a mark from which nobody learns the key."""
    for key, amount in ((ERASED_COUNT, 1), (vault.mark(tenant), 0)):
        execute(
            connection,
            "insert into rg_tally (tenant, key, bucket, amount) values (:tenant, :key, 0, :amount)"
            " on conflict (tenant, key, bucket) do update set amount = rg_tally.amount + excluded.amount",
            {"tenant": tenant, "key": key, "amount": amount},
        )


def fits(connection: Connection, tenant: str, vault: Vault | None) -> bool:
    """Whether those who were erased so far are known under this vault's key."""
    rows = execute(
        connection,
        f"select key from rg_tally where tenant = :tenant and substr(key, 1, {len(_MARK)}) = '{_MARK}' and bucket = 0",
        {"tenant": tenant},
    )
    known = {key for (key,) in rows}
    return not known or (vault is not None and vault.erasure is not None and known == {vault.mark(tenant)})


def known_hidden(connection: Connection, tenant: str, hashes: Sequence[str]) -> set[str]:
    """Which of these hashes belong to erased people."""
    rows = execute(
        connection,
        f"select distinct subject from rg_suppression where tenant = :tenant and subject in {values('hashes')}",
        {"tenant": tenant, "hashes": bind(hashes)},
    )
    return {subject for (subject,) in rows}
