"""The ground: people, history, ledger, audit, jobs; and the role that cannot rewrite what happened."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from screening.storage.tables import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "audit",
    "audit_seal",
    "demo_run",
    "job_run",
    "person",
    "register_file",
    "event",
    "identity",
    "register_rejection",
    "residence",
    "standing",
    "obligation",
)
# What happened stays as it was written: nobody may change or remove it, whatever role they have.
APPEND_ONLY = ("event", "audit", "audit_seal")
# Rows that are no record of anything: the application may remove them.
PASSING = ("job_run", "residence")


def upgrade():
    op.execute(
        "do $$ begin create role screening_application nologin;"
        " exception when duplicate_object or unique_violation then null; end $$"
    )
    op.execute("grant screening_application to current_user")
    op.execute("grant usage on schema public to screening_application")
    create_tables()
    op.execute(
        "create function refuse_rewriting() returns trigger language plpgsql as $$ begin"
        " raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = '42501'; end $$"
    )
    for name in TABLES:
        rights = "select, insert" if name in APPEND_ONLY else "select, insert, update"
        rights += ", delete" if name in PASSING else ""
        op.execute(f"grant {rights} on {name} to screening_application")
    op.execute("grant usage on all sequences in schema public to screening_application")
    for name in APPEND_ONLY:
        op.execute(
            f"create trigger {name}_append_only before update or delete or truncate on {name}"
            " for each statement execute function refuse_rewriting()"
        )


def downgrade():
    for name in reversed(TABLES):
        op.drop_table(name)
    op.execute("drop function refuse_rewriting()")
    op.execute("revoke usage on schema public from screening_application")


def create_tables():
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("today", sa.Date(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("persons", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_persons", "audit", ["persons"], unique=False, postgresql_using="gin")
    op.create_index("ix_audit_xid", "audit", ["xid"], unique=False)
    op.create_table(
        "audit_seal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("from_xid", Xid8(), nullable=False),
        sa.Column("until_xid", Xid8(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seal")),
    )
    op.create_table(
        "demo_run",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("today", sa.Date(), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=True),
        sa.Column("finished", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("one", name=op.f("ck_demo_run_single_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_demo_run")),
    )
    op.create_table(
        "job_run",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("outcome", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("state in ('running', 'done', 'failed')", name=op.f("ck_job_run_state_word")),
        sa.PrimaryKeyConstraint("job", "slot", name=op.f("pk_job_run")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("holder_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("born", sa.Date(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default="nb", nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("post_town", sa.Text(), nullable=True),
        sa.Column("municipality", sa.Text(), nullable=True),
        sa.Column("resident_since", sa.Date(), nullable=True),
        sa.Column("protected_address", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("digital_mailbox", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("emigrated_on", sa.Date(), nullable=True),
        sa.Column("died_on", sa.Date(), nullable=True),
        sa.CheckConstraint("language in ('nb', 'en')", name=op.f("ck_person_language_word")),
        sa.CheckConstraint("sex in ('female', 'male')", name=op.f("ck_person_sex_word")),
        sa.ForeignKeyConstraint(["merged_into"], ["person.id"], name=op.f("fk_person_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_merged_into"), "person", ["merged_into"], unique=False)
    op.create_index(op.f("ix_person_holder_id"), "person", ["holder_id"], unique=False)
    op.create_table(
        "register_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "received = applied + unchanged + rejected", name=op.f("ck_register_file_counts_add_up")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_file")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.UUID(), nullable=False),
        sa.Column("supersedes", sa.BigInteger(), nullable=True),
        sa.Column("body", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.CheckConstraint(
            "kind in ('registered', 'moved', 'emigrated', 'immigrated', 'died', 'death_reversed', 'protected', 'unprotected', 'merged', 'unmerged', 'invited', 'reminded', 'follow_up_letter_sent', 'result_given', 'letter_undeliverable', 'kit_dispatched', 'kit_undeliverable', 'kit_returned', 'kit_received', 'kit_rejected', 'tested', 'result_withdrawn', 'diagnosed', 'referred', 'appointment_booked', 'appointment_missed', 'appointment_attended', 'treated', 'follow_up_closed', 'opted_out', 'opted_in', 'deferred', 'ceased', 'reinstated')",
            name=op.f("ck_event_kind_word"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_event_person_id")),
        sa.ForeignKeyConstraint(["supersedes"], ["event.id"], name=op.f("fk_event_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("key", name=op.f("uq_event_key")),
    )
    op.create_index("ix_event_person_id", "event", ["person_id"], unique=False)
    op.create_index("ix_event_xid", "event", ["xid"], unique=False)
    op.create_index(
        "ix_event_supersedes",
        "event",
        ["supersedes"],
        unique=False,
        postgresql_where=sa.text("supersedes is not null"),
    )
    op.create_table(
        "identity",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_identity_person_id")),
        sa.UniqueConstraint("system", "number", name="uq_identity_system_number"),
    )
    op.create_index(op.f("ix_identity_person_id"), "identity", ["person_id"], unique=False)
    op.create_table(
        "register_rejection",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["register_file.id"], name=op.f("fk_register_rejection_file_id")
        ),
        sa.PrimaryKeyConstraint("file_id", "line", name=op.f("pk_register_rejection")),
    )
    op.create_table(
        "residence",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.CheckConstraint("until is null or until > since", name=op.f("ck_residence_period_forward")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_residence_person_id")),
    )
    op.create_index("ix_residence_person_id_since", "residence", ["person_id", "since"], unique=True)
    op.create_table(
        "standing",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("episode_opened_on", sa.Date(), nullable=True),
        sa.Column("episode_number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_due_on", sa.Date(), nullable=True),
        sa.Column("next_action_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("last_event_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status in ('outside', 'waiting', 'due', 'invited', 'in_follow_up', 'deferred', 'opted_out', 'ceased')",
            name=op.f("ck_standing_status_word"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_standing_person_id")),
        sa.PrimaryKeyConstraint("person_id", "programme", name=op.f("pk_standing")),
    )
    op.create_index(
        "ix_standing_programme_next_action_on", "standing", ["programme", "next_action_on"], unique=False
    )
    op.create_table(
        "obligation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("episode", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'open') = (closed_on is null)", name=op.f("ck_obligation_closed_has_date")
        ),
        sa.CheckConstraint(
            "kind in ('invite', 'remind', 'dispatch_kit', 'replace_kit', 'give_result', 'repeat_test', 'obtain_triage', 'obtain_result', 'read', 'consensus', 'refer', 'attend', 'obtain_histology', 'treat', 'test_of_cure', 'follow_up_letter')",
            name=op.f("ck_obligation_kind_word"),
        ),
        sa.CheckConstraint(
            "state = 'open' or (closed_by is not null) or (closed_reason is not null)",
            name=op.f("ck_obligation_closed_has_evidence"),
        ),
        sa.CheckConstraint(
            "state in ('open', 'fulfilled', 'withdrawn')", name=op.f("ck_obligation_state_word")
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["event.id"], name=op.f("fk_obligation_closed_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_obligation_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
        sa.UniqueConstraint(
            "person_id", "programme", "episode", "kind", "subject", name="uq_obligation_owed_once"
        ),
    )
    op.create_index(
        "ix_obligation_due",
        "obligation",
        ["programme", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_obligation_open",
        "obligation",
        ["programme", "kind", "due_on"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
