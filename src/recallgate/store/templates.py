"""Templates that vendors approve, as they are stored."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from recallgate.model.clock import from_ms, to_ms
from recallgate.store.dialect import execute
from recallgate.store.rows import change
from recallgate.text.registered import RegisteredTemplate, TemplateRegistry, TemplateState

_COLUMNS = ("tenant", "account", "name", "vendor_id", "variables", "body", "signature", "state", "state_at", "reason")


def save(connection: Connection, tenant: str, records: Sequence[RegisteredTemplate]) -> None:
    """Store or renew records; one a name and account."""
    rows = [
        (
            tenant,
            one.account,
            one.name,
            one.vendor_id,
            json.dumps(list(one.variables), ensure_ascii=False),
            one.body,
            one.signature,
            one.state.value,
            to_ms(one.state_at) if one.state_at is not None else None,
            one.reason,
        )
        for one in records
    ]
    updates = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3:])
    change(
        connection,
        f"insert into rg_template ({', '.join(_COLUMNS)}) select p.* from {{page}} p where true"
        f" on conflict (tenant, account, name) do update set {updates}",
        _COLUMNS,
        rows,
    )


def load(connection: Connection, tenant: str) -> TemplateRegistry:
    """All records of a tenant."""
    rows = execute(
        connection,
        f"select {', '.join(_COLUMNS[1:])} from rg_template where tenant = :tenant order by account, name",
        {"tenant": tenant},
    )
    return TemplateRegistry(
        RegisteredTemplate(
            name,
            account,
            vendor_id,
            tuple(json.loads(variables)),
            body,
            signature,
            TemplateState(state),
            from_ms(at) if at is not None else None,
            reason,
        )
        for account, name, vendor_id, variables, body, signature, state, at, reason in rows
    )
