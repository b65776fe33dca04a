"""Tables, prefixed `rg_`, the tenant in every key. Instants are UTC integer milliseconds; JSON is text.

`metadata` is public as `recallgate.metadata`, so that a host application can run the migrations with its own.
"""

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.event import listens_for

metadata = MetaData()
Instant = BigInteger
Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for this type


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows that `where` picks, on every database."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


@listens_for(metadata, "before_create")
def _on_postgres(target: MetaData, connection: Connection, **_: object) -> None:
    """PostgreSQL's word for partial indexes, only where it is needed: naming it imports all of that dialect."""
    if connection.dialect.name == "postgresql":
        for table in target.tables.values():
            for index in table.indexes:
                if "where" in index.info:
                    index.dialect_options["postgresql"]["where"] = text(index.info["where"])


def _instant(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, Instant, nullable=null)


message = Table(
    "rg_message",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("channel"),
    _text("purpose"),
    Column("rank", Integer, nullable=False),  # lane and priority: the smaller leaves first
    _text("state"),
    _text("reason", null=True),  # code of the verdict or error behind the state
    _text("kind", null=True),
    _text("person", null=True),
    _text("address"),
    _text("campaign", null=True),
    _text("step", null=True),
    _text("arm", null=True),
    _text("offer", null=True),
    Column("run", Integer, nullable=False),
    _text("idempotency_key", null=True),
    _text("body_hash"),
    _text("payload"),
    _instant("created_at"),
    _instant("updated_at"),
    _instant("due_at"),
    _instant("expires_at", null=True),
    _instant("lease_until"),
    Column("attempts", Integer, nullable=False),
    _text("account", null=True),
    _text("vendor_id", null=True),
    _instant("intent_at", null=True),
    _instant("accepted_at", null=True),
    _instant("delivered_at", null=True),
    _instant("planned_at", null=True),  # of a held-out person: when the message would have gone
    _instant("settle_at", null=True),  # when an uncertain one is looked at, or one is asked about that tells nothing by itself
    Column("parts", Integer, nullable=True),
    Column("cost_micros", BigInteger, nullable=True),
    _partial("rg_message_key", "tenant", "idempotency_key", where="idempotency_key is not null", unique=True),
    _partial("rg_message_due", "channel", "rank", "due_at", where="state in ('queued', 'held')"),
    _partial("rg_message_sending", "lease_until", where="state = 'sending'"),
    _partial("rg_message_uncertain", "settle_at", where="state = 'uncertain'"),
    _partial("rg_message_polled", "settle_at", where="state in ('accepted', 'sent') and settle_at is not null"),
    _partial("rg_message_vendor", "account", "vendor_id", where="vendor_id is not null"),
    _partial("rg_message_run", "tenant", "campaign", "person", where="campaign is not null"),
    _partial("rg_message_person", "tenant", "person", where="person is not null"),
)

attempt = Table(
    "rg_attempt",
    metadata,
    _text("tenant", key=True),
    _text("message_id", key=True),
    Column("n", Integer, primary_key=True),
    _text("account"),
    _text("channel"),
    _instant("at"),
    _instant("finished_at", null=True),
    _text("outcome", null=True),
    _text("kind", null=True),
    _text("code", null=True),
    _text("detail", null=True),
    _text("vendor_id", null=True),
    _text("became", null=True),  # the state in which it left its message, where the outcome does not say
    sqlite_with_rowid=False,
)

event = Table(
    "rg_event",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("dedupe"),
    _text("type"),
    _text("message_id", null=True),
    _text("vendor_id", null=True),
    _text("account", null=True),
    _text("person", null=True),
    _instant("at"),
    _instant("received_at"),
    _text("status", null=True),
    _text("kind", null=True),
    _text("code", null=True),
    _text("data"),
    Index("rg_event_dedupe", "tenant", "dedupe", unique=True),
    Index("rg_event_message", "tenant", "message_id"),
    _partial("rg_event_orphan", "account", "vendor_id", where="message_id is null and vendor_id is not null"),
    _partial("rg_event_refused", "tenant", "person", where="type = 'refused'"),
)

callback = Table(
    "rg_callback",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("account"),
    _instant("received_at"),
    _text("method"),
    _text("url"),
    _text("headers"),
    Column("body", LargeBinary, nullable=False),
    _text("error"),
)

decision = Table(
    "rg_decision",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("message_id"),
    _instant("at"),
    _text("verdict"),
    _text("channel"),
    _text("code", null=True),
    _text("policy", null=True),
    _text("rule_id", null=True),
    _instant("until", null=True),
    _text("facts"),
    _text("trace", null=True),
    Index("rg_decision_message", "tenant", "message_id"),
)

cap_entry = Table(
    "rg_cap_entry",
    metadata,
    _text("tenant", key=True),
    _text("subject", key=True),  # p:<person> or a:<address>
    _text("message_id", key=True),
    _instant("at"),
    _text("channel"),
    _text("purpose"),
    _text("campaign", null=True),
    _text("tags"),
    _text("state"),
    sqlite_with_rowid=False,  # one tree to write instead of two
)

suppression = Table(
    "rg_suppression",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("subject"),
    _text("channel"),
    _text("topic"),
    _text("sender"),
    _text("reason"),
    Column("all_purposes", Integer, nullable=False),
    _text("source"),
    _text("proof", null=True),
    Column("review", Integer, nullable=False),
    _instant("received_at"),
    _instant("effective_at"),
    _instant("expires_at", null=True),
    _instant("cleared_at", null=True),
    Index("rg_suppression_subject", "tenant", "subject"),
)

consent = Table(
    "rg_consent",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("subject"),
    _text("channel"),
    _text("topic"),
    _text("brand"),
    Column("granted", Integer, nullable=False),
    _instant("at"),
    _text("source"),
    _text("proof", null=True),
    Index("rg_consent_subject", "tenant", "subject", "at"),
)

link = Table(
    "rg_link",
    metadata,
    _text("code", key=True),
    _text("tenant"),
    _text("message_id"),
    _text("target"),
    _text("kind"),
    _instant("created_at"),
    Index("rg_link_message", "tenant", "message_id"),
    sqlite_with_rowid=False,
)

click = Table(
    "rg_click",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("code"),
    _text("message_id"),
    _instant("at"),
    _text("verdict"),
    _text("reason"),
    _text("method"),
    _text("agent", null=True),
    Index("rg_click_message", "tenant", "message_id"),
)

token = Table(
    "rg_token",
    metadata,
    _text("identity", key=True),
    _text("value", null=True),
    _instant("expires_at"),
    _instant("lease_until"),
    _text("holder", null=True),
)

account = Table(
    "rg_account",
    metadata,
    _text("tenant", key=True),
    _text("name", key=True),
    _instant("out_until"),
    _text("reason", null=True),
    Column("failures", Integer, nullable=False),
    _instant("updated_at"),
    Column("arrival_us", BigInteger, nullable=False),  # of its rate: when the next message falls due, in microseconds
)

pause = Table(
    "rg_pause",
    metadata,
    _text("tenant", key=True),
    _text("scope", key=True),  # campaign, account or channel
    _text("name", key=True),
    _text("mode"),  # paused or stopped
    _instant("at"),
)

inbox = Table(
    "rg_inbox",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("user"),
    _text("payload"),
    _text("collapse_key", null=True),
    _instant("created_at"),
    _instant("expires_at", null=True),
    _instant("fetched_at", null=True),
    _instant("gone_at", null=True),
    Column("impressions", Integer, nullable=False),
    Index("rg_inbox_user", "tenant", "user", "created_at"),
)

person = Table(
    "rg_person",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("cluster"),
    _text("zone", null=True),
    _text("region", null=True),
    _text("country", null=True),
    _text("device_zone", null=True),
    _text("locale", null=True),
    _text("windows", null=True),
    _instant("paused_until", null=True),
    _text("caps", null=True),  # the person's own maximum frequency
    _text("data"),
    Index("rg_person_cluster", "tenant", "cluster"),
)

contact = Table(
    "rg_contact",
    metadata,
    _text("tenant", key=True),
    _text("person", key=True),
    _text("channel", key=True),
    Column("position", Integer, primary_key=True),
    _text("address"),
    _text("key"),
    _instant("dead_at", null=True),
    Index("rg_contact_key", "tenant", "key"),
)

person_event = Table(
    "rg_person_event",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("person"),
    _text("type"),
    _instant("at"),
    _text("dedupe"),
    Column("amount_cents", BigInteger, nullable=True),
    _text("data"),
    Index("rg_person_event_dedupe", "tenant", "person", "dedupe", unique=True),
    Index("rg_person_event_person", "tenant", "person", "at"),
)

campaign = Table(
    "rg_campaign",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    _text("version"),
    _text("definition"),
    _text("state"),
    Column("holdout_bp", Integer, nullable=False),
    _text("holdout_salt"),
    _text("windows", null=True),
    _instant("launched_at"),
    _text("notes"),
)

run = Table(
    "rg_run",
    metadata,
    _text("tenant", key=True),
    _text("campaign", key=True),
    _text("person", key=True),
    Column("run", Integer, primary_key=True),
    _text("version"),
    _text("arm", null=True),
    Column("holdout", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    _text("state"),  # active or ended
    _text("ended", null=True),
    _instant("ended_at", null=True),
    _instant("started_at"),
    _instant("assigned_at", null=True),
    _instant("wake_at", null=True),
    _text("waiting", null=True),
    _text("data"),
    _partial("rg_run_due", "campaign", "wake_at", "person", where="state = 'active' and wake_at is not null"),
    Index("rg_run_person", "tenant", "person"),
)

worklist = Table(
    "rg_worklist",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),  # the message's
    _text("account"),
    _text("queue"),
    _text("person", null=True),
    _text("payload"),
    Column("rank", Integer, nullable=False),  # VIPs, then priority: the smaller is called first
    _instant("created_at"),
    _instant("due_at"),
    _instant("expires_at", null=True),
    _text("state"),  # open, taken, done, expired or withdrawn
    _text("agent", null=True),
    _instant("lease_until"),
    Column("tries", Integer, nullable=False),
    _instant("done_at", null=True),
    _text("result", null=True),
    _text("notes", null=True),
    Column("seconds", Integer, nullable=False),  # of labour
    Column("cost_micros", BigInteger, nullable=False),
    Column("amount_cents", BigInteger, nullable=True),
    _partial("rg_worklist_next", "tenant", "account", "rank", "due_at", where="state in ('open', 'taken')"),
    sqlite_with_rowid=False,
)

worklist_turn = Table(
    "rg_worklist_turn",
    metadata,
    _text("tenant", key=True),
    _text("id", key=True),
    Column("n", Integer, primary_key=True),
    _text("account"),
    _text("agent"),
    _instant("at"),
    _instant("ended_at", null=True),
    _text("result", null=True),
    Column("seconds", Integer, nullable=False),
    Index("rg_worklist_turn_day", "tenant", "account", "at"),
    sqlite_with_rowid=False,
)

tally = Table(
    "rg_tally",
    metadata,
    _text("tenant", key=True),
    _text("key", key=True),  # b:<budget>, v:<country or block>, h:<account>:<what>
    Column("bucket", BigInteger, primary_key=True),  # the number of the span of time, from 1970 on
    Column("amount", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

number_check = Table(
    "rg_number_check",
    metadata,
    _text("tenant", key=True),
    _text("number", key=True),  # the caller id, or the name of its account
    _instant("checked_at"),
    Column("marked", Integer, nullable=False),
    _text("source"),
    sqlite_with_rowid=False,
)

registry_check = Table(
    "rg_registry_check",
    metadata,
    _text("tenant", key=True),
    _text("subject", key=True),
    _instant("checked_at"),
    _text("source"),
    sqlite_with_rowid=False,
)

template = Table(
    "rg_template",
    metadata,
    _text("tenant", key=True),
    _text("account", key=True),
    _text("name", key=True),
    _text("vendor_id"),
    _text("variables"),
    _text("body", null=True),
    _text("signature", null=True),
    _text("state"),
    _instant("state_at", null=True),
    _text("reason"),
    sqlite_with_rowid=False,
)

job = Table(
    "rg_job",
    metadata,
    _text("name", key=True),  # a job, or one shard of it
    _instant("due_at"),
    _instant("lease_until"),
    _text("holder", null=True),
    _instant("ran_at"),
)

worker = Table(
    "rg_worker",
    metadata,
    _text("id", key=True),
    _text("host"),
    Column("pid", Integer, nullable=False),
    _text("engine"),
    _instant("started_at"),
    _instant("seen_at"),
    Column("in_flight", Integer, nullable=False),
    _text("health"),  # JSON: the accounts as this process sees them
)

schema_version = Table("rg_schema_version", metadata, Column("version_num", Text, primary_key=True))
HEAD = "0001"
