"""The first schema: every table of release 0.1."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Serial = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "rg_message",
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("channel", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("rank", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=True),
        Column("kind", Text, nullable=True),
        Column("person", Text, nullable=True),
        Column("address", Text, nullable=False),
        Column("campaign", Text, nullable=True),
        Column("step", Text, nullable=True),
        Column("arm", Text, nullable=True),
        Column("offer", Text, nullable=True),
        Column("run", Integer, nullable=False),
        Column("idempotency_key", Text, nullable=True),
        Column("body_hash", Text, nullable=False),
        Column("payload", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("lease_until", BigInteger, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("account", Text, nullable=True),
        Column("vendor_id", Text, nullable=True),
        Column("intent_at", BigInteger, nullable=True),
        Column("accepted_at", BigInteger, nullable=True),
        Column("delivered_at", BigInteger, nullable=True),
        Column("planned_at", BigInteger, nullable=True),
        Column("settle_at", BigInteger, nullable=True),
        Column("parts", Integer, nullable=True),
        Column("cost_micros", BigInteger, nullable=True),
    )
    op.create_index(
        "rg_message_due",
        "rg_message",
        ["channel", "rank", "due_at"],
        sqlite_where=sa.text("state in ('queued', 'held')"),
        postgresql_where=sa.text("state in ('queued', 'held')"),
    )
    op.create_index(
        "rg_message_key",
        "rg_message",
        ["tenant", "idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key is not null"),
        postgresql_where=sa.text("idempotency_key is not null"),
    )
    op.create_index(
        "rg_message_person",
        "rg_message",
        ["tenant", "person"],
        sqlite_where=sa.text("person is not null"),
        postgresql_where=sa.text("person is not null"),
    )
    op.create_index(
        "rg_message_run",
        "rg_message",
        ["tenant", "campaign", "person"],
        sqlite_where=sa.text("campaign is not null"),
        postgresql_where=sa.text("campaign is not null"),
    )
    op.create_index(
        "rg_message_sending",
        "rg_message",
        ["lease_until"],
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "rg_message_uncertain",
        "rg_message",
        ["settle_at"],
        sqlite_where=sa.text("state = 'uncertain'"),
        postgresql_where=sa.text("state = 'uncertain'"),
    )
    op.create_index(
        "rg_message_polled",
        "rg_message",
        ["settle_at"],
        sqlite_where=sa.text("state in ('accepted', 'sent') and settle_at is not null"),
        postgresql_where=sa.text("state in ('accepted', 'sent') and settle_at is not null"),
    )
    op.create_index(
        "rg_message_vendor",
        "rg_message",
        ["account", "vendor_id"],
        sqlite_where=sa.text("vendor_id is not null"),
        postgresql_where=sa.text("vendor_id is not null"),
    )
    op.create_table(
        "rg_attempt",
        Column("tenant", Text, primary_key=True),
        Column("message_id", Text, primary_key=True),
        Column("n", Integer, primary_key=True),
        Column("account", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("finished_at", BigInteger, nullable=True),
        Column("outcome", Text, nullable=True),
        Column("kind", Text, nullable=True),
        Column("code", Text, nullable=True),
        Column("detail", Text, nullable=True),
        Column("vendor_id", Text, nullable=True),
        Column("became", Text, nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rg_event",
        Column("seq", Serial, primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("dedupe", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("message_id", Text, nullable=True),
        Column("vendor_id", Text, nullable=True),
        Column("account", Text, nullable=True),
        Column("person", Text, nullable=True),
        Column("at", BigInteger, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("status", Text, nullable=True),
        Column("kind", Text, nullable=True),
        Column("code", Text, nullable=True),
        Column("data", Text, nullable=False),
    )
    op.create_index("rg_event_dedupe", "rg_event", ["tenant", "dedupe"], unique=True)
    op.create_index("rg_event_message", "rg_event", ["tenant", "message_id"])
    op.create_index(
        "rg_event_orphan",
        "rg_event",
        ["account", "vendor_id"],
        sqlite_where=sa.text("message_id is null and vendor_id is not null"),
        postgresql_where=sa.text("message_id is null and vendor_id is not null"),
    )
    op.create_index(
        "rg_event_refused",
        "rg_event",
        ["tenant", "person"],
        sqlite_where=sa.text("type = 'refused'"),
        postgresql_where=sa.text("type = 'refused'"),
    )
    op.create_table(
        "rg_callback",
        Column("seq", Serial, primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("method", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("headers", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("error", Text, nullable=False),
    )
    op.create_table(
        "rg_decision",
        Column("seq", Serial, primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("message_id", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("code", Text, nullable=True),
        Column("policy", Text, nullable=True),
        Column("rule_id", Text, nullable=True),
        Column("until", BigInteger, nullable=True),
        Column("facts", Text, nullable=False),
        Column("trace", Text, nullable=True),
    )
    op.create_index("rg_decision_message", "rg_decision", ["tenant", "message_id"])
    op.create_table(
        "rg_cap_entry",
        Column("tenant", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("message_id", Text, primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("channel", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("campaign", Text, nullable=True),
        Column("tags", Text, nullable=False),
        Column("state", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rg_suppression",
        Column("seq", Serial, primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("sender", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("all_purposes", Integer, nullable=False),
        Column("source", Text, nullable=False),
        Column("proof", Text, nullable=True),
        Column("review", Integer, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("effective_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("cleared_at", BigInteger, nullable=True),
    )
    op.create_index("rg_suppression_subject", "rg_suppression", ["tenant", "subject"])
    op.create_table(
        "rg_consent",
        Column("seq", Serial, primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("brand", Text, nullable=False),
        Column("granted", Integer, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("source", Text, nullable=False),
        Column("proof", Text, nullable=True),
    )
    op.create_index("rg_consent_subject", "rg_consent", ["tenant", "subject", "at"])
    op.create_table(
        "rg_link",
        Column("code", Text, primary_key=True),
        Column("tenant", Text, nullable=False),
        Column("message_id", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("rg_link_message", "rg_link", ["tenant", "message_id"])
    op.create_table(
        "rg_click",
        Column("seq", Serial, primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("code", Text, nullable=False),
        Column("message_id", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("method", Text, nullable=False),
        Column("agent", Text, nullable=True),
    )
    op.create_index("rg_click_message", "rg_click", ["tenant", "message_id"])
    op.create_table(
        "rg_token",
        Column("identity", Text, primary_key=True),
        Column("value", Text, nullable=True),
        Column("expires_at", BigInteger, nullable=False),
        Column("lease_until", BigInteger, nullable=False),
        Column("holder", Text, nullable=True),
    )
    op.create_table(
        "rg_account",
        Column("tenant", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("out_until", BigInteger, nullable=False),
        Column("reason", Text, nullable=True),
        Column("failures", Integer, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("arrival_us", BigInteger, nullable=False),
    )
    op.create_table(
        "rg_pause",
        Column("tenant", Text, primary_key=True),
        Column("scope", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("mode", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
    )
    op.create_table(
        "rg_inbox",
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("user", Text, nullable=False),
        Column("payload", Text, nullable=False),
        Column("collapse_key", Text, nullable=True),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("fetched_at", BigInteger, nullable=True),
        Column("gone_at", BigInteger, nullable=True),
        Column("impressions", Integer, nullable=False),
    )
    op.create_index("rg_inbox_user", "rg_inbox", ["tenant", "user", "created_at"])
    op.create_table(
        "rg_person",
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("cluster", Text, nullable=False),
        Column("zone", Text, nullable=True),
        Column("region", Text, nullable=True),
        Column("country", Text, nullable=True),
        Column("device_zone", Text, nullable=True),
        Column("locale", Text, nullable=True),
        Column("windows", Text, nullable=True),
        Column("paused_until", BigInteger, nullable=True),
        Column("caps", Text, nullable=True),
        Column("data", Text, nullable=False),
    )
    op.create_index("rg_person_cluster", "rg_person", ["tenant", "cluster"])
    op.create_table(
        "rg_contact",
        Column("tenant", Text, primary_key=True),
        Column("person", Text, primary_key=True),
        Column("channel", Text, primary_key=True),
        Column("position", Integer, primary_key=True),
        Column("address", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("dead_at", BigInteger, nullable=True),
    )
    op.create_index("rg_contact_key", "rg_contact", ["tenant", "key"])
    op.create_table(
        "rg_person_event",
        Column("seq", Serial, primary_key=True, autoincrement=True),
        Column("tenant", Text, nullable=False),
        Column("person", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("dedupe", Text, nullable=False),
        Column("amount_cents", BigInteger, nullable=True),
        Column("data", Text, nullable=False),
    )
    op.create_index("rg_person_event_dedupe", "rg_person_event", ["tenant", "person", "dedupe"], unique=True)
    op.create_index("rg_person_event_person", "rg_person_event", ["tenant", "person", "at"])
    op.create_table(
        "rg_campaign",
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("version", Text, nullable=False),
        Column("definition", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("holdout_bp", Integer, nullable=False),
        Column("holdout_salt", Text, nullable=False),
        Column("windows", Text, nullable=True),
        Column("launched_at", BigInteger, nullable=False),
        Column("notes", Text, nullable=False),
    )
    op.create_table(
        "rg_run",
        Column("tenant", Text, primary_key=True),
        Column("campaign", Text, primary_key=True),
        Column("person", Text, primary_key=True),
        Column("run", Integer, primary_key=True),
        Column("version", Text, nullable=False),
        Column("arm", Text, nullable=True),
        Column("holdout", Integer, nullable=False),
        Column("position", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("ended", Text, nullable=True),
        Column("ended_at", BigInteger, nullable=True),
        Column("started_at", BigInteger, nullable=False),
        Column("assigned_at", BigInteger, nullable=True),
        Column("wake_at", BigInteger, nullable=True),
        Column("waiting", Text, nullable=True),
        Column("data", Text, nullable=False),
    )
    op.create_index(
        "rg_run_due",
        "rg_run",
        ["campaign", "wake_at", "person"],
        sqlite_where=sa.text("state = 'active' and wake_at is not null"),
        postgresql_where=sa.text("state = 'active' and wake_at is not null"),
    )
    op.create_index("rg_run_person", "rg_run", ["tenant", "person"])
    op.create_table(
        "rg_worklist",
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("queue", Text, nullable=False),
        Column("person", Text, nullable=True),
        Column("payload", Text, nullable=False),
        Column("rank", Integer, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("state", Text, nullable=False),
        Column("agent", Text, nullable=True),
        Column("lease_until", BigInteger, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("done_at", BigInteger, nullable=True),
        Column("result", Text, nullable=True),
        Column("notes", Text, nullable=True),
        Column("seconds", Integer, nullable=False),
        Column("cost_micros", BigInteger, nullable=False),
        Column("amount_cents", BigInteger, nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "rg_worklist_next",
        "rg_worklist",
        ["tenant", "account", "rank", "due_at"],
        sqlite_where=sa.text("state in ('open', 'taken')"),
        postgresql_where=sa.text("state in ('open', 'taken')"),
    )
    op.create_table(
        "rg_worklist_turn",
        Column("tenant", Text, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("n", Integer, primary_key=True),
        Column("account", Text, nullable=False),
        Column("agent", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("ended_at", BigInteger, nullable=True),
        Column("result", Text, nullable=True),
        Column("seconds", Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("rg_worklist_turn_day", "rg_worklist_turn", ["tenant", "account", "at"])
    op.create_table(
        "rg_tally",
        Column("tenant", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("bucket", BigInteger, primary_key=True),
        Column("amount", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rg_number_check",
        Column("tenant", Text, primary_key=True),
        Column("number", Text, primary_key=True),
        Column("checked_at", BigInteger, nullable=False),
        Column("marked", Integer, nullable=False),
        Column("source", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rg_registry_check",
        Column("tenant", Text, primary_key=True),
        Column("subject", Text, primary_key=True),
        Column("checked_at", BigInteger, nullable=False),
        Column("source", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rg_template",
        Column("tenant", Text, primary_key=True),
        Column("account", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("vendor_id", Text, nullable=False),
        Column("variables", Text, nullable=False),
        Column("body", Text, nullable=True),
        Column("signature", Text, nullable=True),
        Column("state", Text, nullable=False),
        Column("state_at", BigInteger, nullable=True),
        Column("reason", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rg_job",
        Column("name", Text, primary_key=True),
        Column("due_at", BigInteger, nullable=False),
        Column("lease_until", BigInteger, nullable=False),
        Column("holder", Text, nullable=True),
        Column("ran_at", BigInteger, nullable=False),
    )
    op.create_table(
        "rg_worker",
        Column("id", Text, primary_key=True),
        Column("host", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("engine", Text, nullable=False),
        Column("started_at", BigInteger, nullable=False),
        Column("seen_at", BigInteger, nullable=False),
        Column("in_flight", Integer, nullable=False),
        Column("health", Text, nullable=False),
    )


def downgrade() -> None:
    for table in (
        "rg_worker",
        "rg_job",
        "rg_template",
        "rg_registry_check",
        "rg_number_check",
        "rg_tally",
        "rg_worklist_turn",
        "rg_worklist",
        "rg_run",
        "rg_campaign",
        "rg_person_event",
        "rg_contact",
        "rg_person",
        "rg_inbox",
        "rg_pause",
        "rg_account",
        "rg_token",
        "rg_click",
        "rg_link",
        "rg_consent",
        "rg_suppression",
        "rg_cap_entry",
        "rg_decision",
        "rg_callback",
        "rg_event",
        "rg_attempt",
        "rg_message",
    ):
        op.drop_table(table)
