"""What comes back: laboratories, every message as received, judgements and quarantine."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("lab_message", "laboratory", "lab_pending", "quarantine", "lab_judgement")
APPEND_ONLY = ("lab_message", "lab_judgement")
# Rows that are no record of anything: the application may remove them.
PASSING = ("lab_pending",)


def upgrade():
    create_tables()
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
    op.drop_index("ix_event_specimen", "event")
    for name in reversed(TABLES):
        op.drop_table(name)


def create_tables():

    op.create_table(
        "lab_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("laboratory", sa.Text(), nullable=False),
        sa.Column("control_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("faults", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "channel in ('hl7', 'fhir', 'json', 'csv')", name=op.f("ck_lab_message_channel_word")
        ),
        sa.CheckConstraint("verdict in ('AA', 'AE', 'AR')", name=op.f("ck_lab_message_verdict_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_message")),
    )
    op.create_index(
        "ix_lab_message_accepted",
        "lab_message",
        ["laboratory", "control_id"],
        unique=True,
        postgresql_where=sa.text("verdict <> 'AR'"),
    )
    op.create_index(
        "ix_lab_message_refused",
        "lab_message",
        ["laboratory", "control_id", "digest"],
        unique=True,
        postgresql_where=sa.text("verdict = 'AR'"),
    )
    op.create_table(
        "laboratory",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.CheckConstraint("profile in ('extended', 'standard')", name=op.f("ck_laboratory_profile_word")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_laboratory")),
    )
    op.create_table(
        "lab_pending",
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["lab_message.id"], name=op.f("fk_lab_pending_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_lab_pending")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("specimen", sa.Text(), nullable=True),
        sa.Column("test", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'resolved', 'discarded')", name=op.f("ck_quarantine_state_word")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["lab_message.id"], name=op.f("fk_quarantine_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("message_id", "position", name="uq_quarantine_one_case"),
    )
    op.create_index(
        "ix_quarantine_open",
        "quarantine",
        ["opened_on"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_quarantine_specimen",
        "quarantine",
        ["specimen"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_event_specimen",
        "event",
        [sa.literal_column("(body ->> 'lab')"), sa.literal_column("(body ->> 'specimen')")],
        unique=False,
        postgresql_where=sa.text("body ? 'specimen'"),
    )
    op.create_table(
        "lab_judgement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("judged_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "outcome in ('applied', 'known', 'quarantined', 'refused')",
            name=op.f("ck_lab_judgement_outcome_word"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_lab_judgement_event_id")),
        sa.ForeignKeyConstraint(["message_id"], ["lab_message.id"], name=op.f("fk_lab_judgement_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_judgement")),
    )
    op.create_index("ix_lab_judgement_message_id", "lab_judgement", ["message_id"], unique=False)
