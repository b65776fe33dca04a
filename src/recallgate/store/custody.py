"""What the store has of one person: found in every table, handed out, erased.

`OF_A_PERSON` and `OF_NOBODY` name every table between them; a test holds them against the tables that there are.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from recallgate.model.custody import ERASED
from recallgate.store import moves
from recallgate.store.dialect import bind, execute, postgres, values
from recallgate.store.ledger import SuppressionRow, suppress
from recallgate.store.sealed import SEALED, bound_to
from recallgate.store.tables import metadata
from recallgate.store.vault import Vault, mark, ring_of

_IDS, _SUBJECTS, _USERS = f"in {values('ids')}", f"in {values('subjects')}", f"in {values('users')}"
# Where a person's rows are found.
OF_A_PERSON: Mapping[str, str] = {
    "rg_person": "id = :person",
    "rg_contact": "person = :person",
    "rg_person_event": "person = :person",
    "rg_run": "person = :person",
    "rg_message": f"id {_IDS}",
    "rg_attempt": f"message_id {_IDS}",
    "rg_decision": f"message_id {_IDS}",
    "rg_event": f"(person = :person or message_id {_IDS} or dedupe {_USERS.replace('users', 'dedupes')})",
    "rg_link": f"message_id {_IDS}",
    "rg_click": f"message_id {_IDS}",
    "rg_inbox": f'("user" {_USERS} or id {_IDS})',
    "rg_worklist": f"(person = :person or id {_IDS})",
    "rg_worklist_turn": f"id {_IDS}",
    "rg_cap_entry": f"(subject {_SUBJECTS} or message_id {_IDS})",
    "rg_suppression": f"subject {_SUBJECTS}",
    "rg_consent": f"subject {_SUBJECTS}",
    "rg_registry_check": f"subject {_SUBJECTS}",
}
# Raw callbacks are searched for addresses one by one; the others hold accounts, campaigns, sums and machines.
OF_NOBODY = frozenset(
    [
        "rg_callback",
        "rg_token",
        "rg_account",
        "rg_pause",
        "rg_campaign",
        "rg_tally",
        "rg_number_check",
        "rg_template",
        "rg_job",
        "rg_worker",
        "rg_schema_version",
    ]
)

_STATEMENTS: tuple[tuple[str, str], ...] = (
    (
        "rg_worklist",
        (
            "update rg_worklist set person = null, payload = '{}', notes = null,"
            " state = case when state in ('open', 'taken') then 'withdrawn' else state end"
        ),
    ),
    (
        "rg_event",
        (
            "update rg_event set person = case when person = :person then :alias else person end, data = '{}',"
            " dedupe = 'erased|' || seq"
        ),
    ),
    ("rg_attempt", "update rg_attempt set detail = null"),
    ("rg_decision", "update rg_decision set facts = '{}', trace = null"),
    ("rg_link", "delete from rg_link"),
    ("rg_click", "update rg_click set agent = null"),
    ("rg_inbox", "delete from rg_inbox"),
    ("rg_consent", "delete from rg_consent"),
    ("rg_registry_check", "delete from rg_registry_check"),
    ("rg_contact", "delete from rg_contact"),
    ("rg_person", "delete from rg_person"),
    ("rg_person_event", "update rg_person_event set person = :alias, data = '{}', dedupe = 'erased|' || seq"),
    (
        "rg_run",
        (
            "update rg_run set person = :alias, data = '{}', waiting = null, wake_at = null,"
            " ended = case when state = 'ended' then ended else 'erased' end, ended_at = coalesce(ended_at, :now), state = 'ended'"
        ),
    ),
)
_BLANKED = (
    "update rg_message set person = case when person is null then null else :alias end, address = '',"
    f" payload = '{ERASED}', body_hash = '', idempotency_key = null, updated_at = :now,"
    " state = case when state in ('queued', 'held') then 'cancelled' else state end,"
    " reason = case when state in ('queued', 'held') then 'cancelled.erased'"
    "  when state = 'uncertain' then 'uncertain.closed' else reason end,"
    " settle_at = case when state = 'sending' then settle_at end"
    f" where tenant = :tenant and id {_IDS}"
)


@dataclass(frozen=True)
class Found:
    """Under which names somebody stands in the store. `shared` are addresses that other people have, too: they stay."""

    tenant: str
    person: str | None
    addresses: tuple[str, ...]
    shared: tuple[str, ...]
    messages: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        own = tuple("a:" + address for address in self.addresses)
        return own if self.person is None else ("p:" + self.person, *own)

    @property
    def scope(self) -> dict[str, Any]:
        users = [*self.addresses, *((self.person,) if self.person is not None else ())]
        return {
            "tenant": self.tenant,
            "person": self.person if self.person is not None else "",
            "ids": bind(self.messages),
            "subjects": bind(self.subjects),
            "users": bind(users),
        }


def find(connection: Connection, tenant: str, *, person: str | None = None, address: str | None = None) -> Found:
    """Everything under which a person (or somebody of whom only an address is known) stands in the store."""
    scope: dict[str, Any] = {"tenant": tenant, "person": person or ""}
    known = {address} if address is not None else set()
    own: dict[str, str] = {}
    if person is not None:
        known |= {key for (key,) in execute(connection, _CONTACTS, scope)}
        own = dict(tuple(row) for row in execute(connection, _MESSAGES, scope))
        if (ring := ring_of(connection)) is not None:
            own = {identity: ring.open(payload, bound_to(tenant, identity)) for identity, payload in own.items()}
        known |= {key for payload in own.values() for key in _addresses(payload)}
    shared = {
        key
        for (key,) in execute(
            connection,
            f"select distinct key from rg_contact where tenant = :tenant and person <> :person and key in {values('keys')}",
            {**scope, "keys": bind(sorted(known))},
        )
    }
    alone = sorted(known - shared)
    nameless = execute(
        connection,
        f"select id, payload from rg_message where tenant = :tenant and person is null and address in {values('keys')}",
        {"tenant": tenant, "keys": bind(alone)},
    )
    ids = sorted({*own, *(identity for identity, _ in nameless)})
    return Found(tenant, person, tuple(alone), tuple(sorted(shared)), tuple(ids))


_CONTACTS = "select key from rg_contact where tenant = :tenant and person = :person"
_MESSAGES = "select id, payload from rg_message where tenant = :tenant and person = :person"


def _addresses(payload: str) -> Iterable[str]:
    from recallgate.model.message import Message

    try:
        message = Message.model_validate_json(payload)
    except ValueError:  # what cannot be read can still be blanked
        return ()
    return [message.to.key, *(other.to.key for other in message.alternatives)]


def export(connection: Connection, found: Found) -> dict[str, list[dict[str, Any]]]:
    """Every row of somebody, by table."""
    rows, ring = {}, ring_of(connection)
    scope = {**found.scope, "dedupes": bind(_dedupes(connection, found))}
    for table, where in OF_A_PERSON.items():
        order = ", ".join(column.name for column in metadata.tables[table].primary_key)
        query = f"select * from {table} where tenant = :tenant and {where} order by {order}"
        rows[table.removeprefix("rg_")] = found_rows = execute(connection, query, scope).mappings()
        if ring is not None and table in SEALED:
            column, keys = SEALED[table]
            for row in found_rows:
                row[column] = ring.open(row[column], bound_to(found.tenant, *(row[key] for key in keys)))
    rows["callback"] = [_readable(row) for row in _callbacks(connection, found)]
    return rows


def erase(connection: Connection, found: Found, vault: Vault, *, alias: str, now: int, keep_out: bool) -> dict[str, int]:
    """Erase somebody in this transaction; answers how many rows of each table were touched.

    Waiting messages are cancelled. What must stay stays under a hash (suppressions, caps) or under `alias`, a name that
    leads to nobody (counts of messages, events and runs). `keep_out`: add an opt-out under the hash.
    """
    if not postgres(connection):
        execute(connection, "pragma secure_delete = on")  # freed parts of the file are overwritten, not only unlinked
    tenant, scope = found.tenant, {**found.scope, "alias": alias, "now": now}
    scope["dedupes"] = bind(_dedupes(connection, found))
    touched = {"callback": _forget_callbacks(connection, found)}
    waiting = execute(
        connection,
        f"select tenant, id from rg_message where tenant = :tenant and id {_IDS} and state in ('queued', 'held')",
        scope,
    )
    for table, statement in _STATEMENTS:
        more = " and type <> 'moved'" if table == "rg_event" else ""
        touched[table.removeprefix("rg_")] = execute(
            connection, f"{statement} where tenant = :tenant and {OF_A_PERSON[table]}{more}", scope
        ).rowcount
    touched["message"] = execute(connection, _BLANKED, scope).rowcount
    touched["cancelled"] = len(waiting)
    moves.note(connection, waiting)
    execute(connection, "update rg_person set cluster = :alias where tenant = :tenant and cluster = :person", scope)
    touched["cap_entry"] = _hide_caps(connection, found, vault)
    touched["suppression"] = _hide_suppressions(connection, found, vault)
    if keep_out:
        suppress(
            connection,
            [
                SuppressionRow(
                    tenant, vault.hidden(tenant, subject), "*", "*", "*", "opt_out", 0, "erasure", None, 0, now, now, None
                )
                for subject in found.subjects
            ],
        )
    mark(connection, tenant, vault)
    return touched


def _hide_suppressions(connection: Connection, found: Found, vault: Vault) -> int:
    changed = 0
    for subject in found.subjects:
        changed += execute(
            connection,
            "update rg_suppression set subject = :hidden, proof = null, source = 'erasure'"
            " where tenant = :tenant and subject = :subject",
            {"tenant": found.tenant, "subject": subject, "hidden": vault.hidden(found.tenant, subject)},
        ).rowcount
    return changed


def _hide_caps(connection: Connection, found: Found, vault: Vault) -> int:
    """Caps of a person who comes back still count. Entries of a shared address go only with the person's own messages."""
    changed = 0
    mine = [(subject, "") for subject in found.subjects]
    mine += [("a:" + address, f" and message_id {_IDS}") for address in found.shared]
    for subject, only in mine:
        changed += execute(
            connection,
            f"update rg_cap_entry set subject = :hidden where tenant = :tenant and subject = :subject{only}",
            {
                "tenant": found.tenant,
                "subject": subject,
                "hidden": vault.hidden(found.tenant, subject),
                **({"ids": bind(found.messages)} if only else {}),
            },
        ).rowcount
    return changed


def _dedupes(connection: Connection, found: Found) -> list[str]:
    """Keys of events that were told of an address without a message: the address is a part of them."""
    rows = execute(
        connection, "select dedupe from rg_event where tenant = :tenant and message_id is null", {"tenant": found.tenant}
    )
    parts = set(found.addresses)
    return [dedupe for (dedupe,) in rows if not parts.isdisjoint(dedupe.split("|"))]


def _callbacks(connection: Connection, found: Found) -> list[dict[str, Any]]:
    """Raw callbacks that could not be read and have one of the addresses somewhere."""
    marks = [mark.encode() for address in found.addresses for mark in {address.lstrip("+"), quote(address, safe="")}]
    rows = execute(connection, "select * from rg_callback where tenant = :tenant", {"tenant": found.tenant}).mappings()
    return [row for row in rows if any(mark in bytes(row["body"]) + f"{row['url']} {row['headers']}".encode() for mark in marks)]


def _forget_callbacks(connection: Connection, found: Found) -> int:
    numbers: Sequence[str] = [str(row["seq"]) for row in _callbacks(connection, found)]
    return execute(
        connection,
        f"delete from rg_callback where tenant = :tenant and cast(seq as text) in {values('numbers')}",
        {"tenant": found.tenant, "numbers": bind(numbers)},
    ).rowcount


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "headers": json.loads(row["headers"]), "body": bytes(row["body"]).decode("utf-8", "replace")}
