"""Consent that must be recorded: for channels on which nobody is written to by default, such as audiences for advertising."""

from sqlalchemy import Connection

from recallgate.model.message import Message
from recallgate.store.dialect import bind, execute
from recallgate.store.facts import subjects


def refused_without_consent(connection: Connection, message: Message, *, now: int) -> str | None:
    """None where a consent for exactly this channel is recorded and stands, else `consent.missing` or `consent.withdrawn`.

    A grant for all channels is none for this one; a withdrawal for all channels, and an opt-out or complaint of the person or
    the address on any channel, take it away until it is given anew.
    """
    scope = {"tenant": message.tenant, "subjects": bind(list(subjects(message))), "channel": message.channel, "now": now}
    granted_at = withdrawn_at = None
    for at, granted, channel, topic, brand in execute(
        connection,
        "select at, granted, channel, topic, brand from rg_consent where tenant = :tenant and at <= :now"
        " and subject in {values:subjects} and channel in ('*', :channel)",
        scope,
    ):
        if topic not in ("*", message.topic) or brand not in ("*", message.brand):
            continue
        if granted and channel == message.channel:
            granted_at = max(at, granted_at or at)
        elif not granted:
            withdrawn_at = max(at, withdrawn_at or at)
    out = execute(
        connection,
        "select max(effective_at) from rg_suppression where tenant = :tenant and cleared_at is null and effective_at <= :now"
        " and subject in {values:subjects} and reason in ('opt_out', 'complaint')"
        " and (expires_at is null or expires_at > :now)",
        scope,
    ).scalar()
    if granted_at is None:
        return "consent.missing"
    ended = max((at for at in (withdrawn_at, out) if at is not None), default=None)
    return None if ended is None or granted_at > ended else "consent.withdrawn"


def opted_out_since(connection: Connection, tenant: str, *, since: int, now: int, channel: str = "audience") -> list[str]:
    """Address keys of people and addresses that opted out, complained or withdrew a consent since an instant, sorted.

    They are to be taken out of audiences that were exported before: their contacts, and what was exported of them. Who has
    given the consent anew since then stays.
    """
    rows = execute(
        connection,
        "with gone(subject, at) as ("
        " select subject, max(received_at) from rg_suppression where tenant = :tenant and reason in ('opt_out', 'complaint')"
        " and received_at >= :since and effective_at <= :now and cleared_at is null"
        " and (expires_at is null or expires_at > :now) group by subject"
        " union all select subject, max(at) from rg_consent where tenant = :tenant and granted = 0"
        " and channel in ('*', :channel) and at >= :since group by subject),"
        " found(person, key, at) as ("
        " select c.person, substr(g.subject, 3), g.at from gone g"
        " left join rg_contact c on c.tenant = :tenant and c.key = substr(g.subject, 3) where g.subject like 'a:%'"
        " union all select c.person, c.key, g.at from gone g"
        " join rg_contact c on c.tenant = :tenant and c.person = substr(g.subject, 3) where g.subject like 'p:%'"
        " union all select m.person, m.address, g.at from gone g"
        " join rg_message m on m.tenant = :tenant and m.person = substr(g.subject, 3) and m.channel = :channel"
        " where g.subject like 'p:%')"
        " select distinct f.key from found f where not exists (select 1 from rg_consent y where y.tenant = :tenant"
        " and y.subject in ('a:' || f.key, 'p:' || f.person) and y.granted = 1 and y.channel = :channel and y.at > f.at)"
        " order by 1",
        {"tenant": tenant, "since": since, "now": now, "channel": channel},
    )
    return [key for (key,) in rows]
