"""What the messages of a campaign came to: traffic by channel, touches, decisions, states, opt-outs. One statement a subject."""

# ruff: noqa: S608  # statements are put together from constants of this room; values are bound

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.model.state import State
from recallgate.review.collected import Handling, ReasonCount, StateCount
from recallgate.store.dialect import bind, execute, values

HOUR_MS = 3_600_000
# How long after a touch a return is credited to its channel; `*` is any channel.
CREDIT_MS: Mapping[tuple[str, str], int] = {
    ("*", "clicked"): 5 * 24 * HOUR_MS,
    ("sms", "delivered"): 12 * HOUR_MS,
    ("push", "opened"): 24 * HOUR_MS,
    ("voice", "answered"): 12 * HOUR_MS,
}
_OF_CAMPAIGN = "m.tenant = :tenant and m.campaign = :campaign"
_TREATED = (
    f"{_OF_CAMPAIGN} and exists (select 1 from rg_run r where r.tenant = m.tenant and r.campaign = m.campaign"
    " and r.person = m.person and r.holdout = 0)"
)
_CLICK = "cross join rg_click c where c.tenant = m.tenant and c.message_id = m.id"  # the message first, then its clicks by key
_EVENT = "cross join rg_event e where e.tenant = m.tenant and e.message_id = m.id"
_DELIVERED = f"(m.delivered_at is not null or m.state = '{State.DELIVERED}')"


class ChannelTraffic(NamedTuple):
    """Messages of the treatment group on one channel, and the people reached with at least one that was taken."""

    channel: str
    messages: int
    sent: int
    delivered: int
    uncertain: int
    people: int
    cost_micros: int


class Reach(NamedTuple):
    """How many people of the treatment group a stage counts, and how many messages."""

    people: int
    messages: int


def channel_traffic(connection: Connection, scope: Mapping[str, object]) -> list[ChannelTraffic]:
    rows = execute(
        connection,
        f"select m.channel, count(*), count(m.accepted_at), count(case when {_DELIVERED} then 1 end),"
        f" count(case when m.state = '{State.UNCERTAIN}' or m.kind = 'uncertain' then 1 end),"
        " count(distinct case when m.accepted_at is not null then m.person end), coalesce(sum(m.cost_micros), 0)"
        f" from rg_message m where {_TREATED} group by m.channel order by m.channel",
        scope,
    )
    return [ChannelTraffic(*row) for row in rows]


def reach(connection: Connection, scope: Mapping[str, object]) -> dict[str, Reach]:
    """People and messages that were intended, sent, delivered and clicked by a human."""
    row = execute(
        connection,
        f"select count(distinct m.person), count(*),"
        " count(distinct case when m.accepted_at is not null then m.person end), count(m.accepted_at),"
        f" count(distinct case when {_DELIVERED} then m.person end), count(case when {_DELIVERED} then 1 end)"
        f" from rg_message m where {_TREATED}",
        scope,
    ).one()
    clicked = execute(
        connection,
        f"select count(distinct m.person), count(distinct m.id) from rg_message m {_CLICK}"
        f" and c.verdict = 'human' and {_TREATED}",
        scope,
    ).one()
    return {
        "intended": Reach(row[0], row[1]),
        "sent": Reach(row[2], row[3]),
        "delivered": Reach(row[4], row[5]),
        "clicked": Reach(clicked[0], clicked[1]),
    }


def clicks(connection: Connection, scope: Mapping[str, object]) -> tuple[dict[str, int], int]:
    """Messages with a human click by channel, and the number of hits that were not human."""
    human: dict[str, int] = {}
    other = 0
    for channel, verdict, messages, hits in execute(
        connection,
        f"select m.channel, c.verdict, count(distinct m.id), count(*) from rg_message m {_CLICK}"
        f" and {_TREATED} group by m.channel, c.verdict",
        scope,
    ):
        if verdict == "human":
            human[channel] = messages
        else:
            other += hits
    return human, other


def touches(connection: Connection, scope: Mapping[str, object], people: Sequence[str]) -> dict[str, list[tuple[int, str, str]]]:
    """What may be credited with the returns of these people, by person: (at, channel, what), oldest first."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for person, at, channel, what in execute(
        connection,
        f"select m.person, c.at, m.channel, 'clicked' from rg_message m {_CLICK}"
        f" and c.verdict = 'human' and {_OF_CAMPAIGN} and m.person in {values('people')}"
        f" union all select m.person, m.delivered_at, m.channel, 'delivered' from rg_message m"
        f" where m.delivered_at is not null and {_OF_CAMPAIGN} and m.person in {values('people')}"
        f" union all select m.person, e.at, m.channel, e.type from rg_message m {_EVENT}"
        f" and e.type in ('opened', 'answered') and {_OF_CAMPAIGN} and m.person in {values('people')}"
        " order by 1, 2, 3, 4",
        {**scope, "people": bind(people)},
    ):
        found.setdefault(person, []).append((at, channel, what))
    return found


def credited_channel(history: list[tuple[int, str, str]], returned_at: int) -> str | None:
    """The channel of the last touch before a return that is still within its window, None without such a touch."""
    for at, channel, what in reversed(history):
        window = CREDIT_MS.get((channel, what), CREDIT_MS.get(("*", what)))
        if window is not None and 0 <= returned_at - at <= window:
            return channel
    return None


def refusals(connection: Connection, scope: Mapping[str, object]) -> dict[tuple[str, str], int]:
    """People by (channel, unsubscribed or complained) who answered a message of the campaign like that.

    A reply, a key press or a page of preferences leaves no event of that name but the record that it led to.
    """
    rows = execute(
        connection,
        "select channel, type, count(*) from ("
        f"select m.channel as channel, e.type as type, m.person as person from rg_message m {_EVENT}"
        f" and e.type in ('unsubscribed', 'complained') and {_TREATED}"
        " union select m.channel, case s.reason when 'opt_out' then 'unsubscribed' else 'complained' end, m.person"
        " from rg_suppression s cross join rg_message m where s.tenant = :tenant and s.reason in ('opt_out', 'complaint')"
        " and s.subject like 'p:%' and m.tenant = s.tenant and m.person = substr(s.subject, 3) and m.channel = s.channel"
        f" and m.accepted_at <= s.received_at and {_TREATED}) as refused group by channel, type",
        scope,
    )
    return {(channel, kind): people for channel, kind, people in rows}


def suppressions(connection: Connection, scope: Mapping[str, object]) -> list[tuple[str, str, int]]:
    """Opt-outs and complaints of members, by whatever way they came: (person, reason, received at)."""
    rows = execute(
        connection,
        "select person, reason, received_at from ("
        "select substr(s.subject, 3) as person, s.reason, s.received_at from rg_suppression s where s.tenant = :tenant"
        " and s.reason in ('opt_out', 'complaint') and s.subject like 'p:%'"
        " union all select k.person, s.reason, s.received_at from rg_suppression s cross join rg_contact k"
        " where s.tenant = :tenant and s.reason in ('opt_out', 'complaint') and s.subject like 'a:%'"
        " and k.tenant = s.tenant and k.key = substr(s.subject, 3)) as found where exists (select 1 from rg_run r"
        " where r.tenant = :tenant and r.campaign = :campaign and r.person = found.person) order by received_at, person",
        scope,
    )
    return [(person, reason, at) for person, reason, at in rows]


def reasons(connection: Connection, scope: Mapping[str, object]) -> list[ReasonCount]:
    """Messages that were deferred, rerouted or dropped, by policy and code; each message counts once a code."""
    rows = execute(
        connection,
        "select d.verdict, coalesce(d.policy, ''), coalesce(d.code, ''), count(distinct d.message_id) as messages"
        f" from rg_message m cross join rg_decision d where d.tenant = m.tenant and d.message_id = m.id"
        f" and {_OF_CAMPAIGN} and d.verdict <> 'allow' group by 1, 2, 3 order by d.verdict, messages desc, 2, 3",
        scope,
    )
    return [ReasonCount(*row) for row in rows]


def states(connection: Connection, scope: Mapping[str, object]) -> list[StateCount]:
    rows = execute(
        connection,
        f"select m.state, coalesce(m.reason, ''), count(*) as messages from rg_message m where {_OF_CAMPAIGN}"
        " group by 1, 2 order by m.state, messages desc, 2",
        scope,
    )
    return [StateCount(*row) for row in rows]


def handling(connection: Connection, scope: Mapping[str, object], *, now: int) -> Handling:
    """Retries, failovers and messages of unknown fate."""
    retries, failovers = execute(
        connection,
        "select coalesce(sum(tries - 1), 0), count(case when accounts > 1 then 1 end) from (select count(*) as tries,"
        f" count(distinct a.account) as accounts from rg_message m cross join rg_attempt a"
        f" where a.tenant = m.tenant and a.message_id = m.id and {_OF_CAMPAIGN} group by m.id) as tried",
        scope,
    ).one()
    waiting, uncertain = execute(
        connection,
        f"select count(case when m.state = '{State.UNCERTAIN}' and m.settle_at > :now then 1 end), count(*) from rg_message m"
        f" where {_OF_CAMPAIGN} and (m.state = '{State.UNCERTAIN}' or (m.state = '{State.FAILED}' and m.kind = 'uncertain'))",
        {**scope, "now": now},
    ).one()
    return Handling(retries, failovers, waiting, uncertain - waiting)


def cost_by_person(connection: Connection, scope: Mapping[str, object]) -> dict[str, int]:
    """Millionths of a currency unit that the messages to each treated person cost."""
    rows = execute(
        connection,
        f"select m.person, sum(m.cost_micros) from rg_message m where m.cost_micros > 0 and {_TREATED} group by m.person",
        scope,
    )
    return {person: int(cost) for person, cost in rows}
