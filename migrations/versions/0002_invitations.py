"""What goes out: kits, sendings and the batches they leave in."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("batch", "kit_lot", "kit", "sending")
APPEND_ONLY = ()


def upgrade():
    create_tables()
    for name in TABLES:
        rights = "select, insert" if name in APPEND_ONLY else "select, insert, update"
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
    op.execute("drop sequence kit_number")


def create_tables():
    op.execute("create sequence kit_number minvalue 0 start 1 maxvalue 999999999")
    op.create_table(
        "batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="formed", nullable=False),
        sa.Column("formed_on", sa.Date(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("acknowledged", sa.Integer(), nullable=True),
        sa.Column("acknowledged_on", sa.Date(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.CheckConstraint("channel in ('digital', 'print')", name=op.f("ck_batch_channel_word")),
        sa.CheckConstraint(
            "state in ('formed', 'handed', 'acknowledged', 'mismatched')", name=op.f("ck_batch_state_word")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("key", name=op.f("uq_batch_key")),
    )
    op.create_index(
        "ix_batch_unacknowledged",
        "batch",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state <> 'acknowledged'"),
    )
    op.create_table(
        "kit_lot",
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_kit_lot_not_overdrawn")),
        sa.PrimaryKeyConstraint("lot", name=op.f("pk_kit_lot")),
    )
    op.create_table(
        "kit",
        sa.Column("barcode", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="ordered", nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "state in ('ordered', 'dispatched', 'undeliverable', 'returned', 'received', 'rejected', 'analysed', 'void')",
            name=op.f("ck_kit_state_word"),
        ),
        sa.ForeignKeyConstraint(["lot"], ["kit_lot.lot"], name=op.f("fk_kit_lot")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_kit_person_id")),
        sa.PrimaryKeyConstraint("barcode", name=op.f("pk_kit")),
    )
    op.create_index(
        "ix_kit_one_open",
        "kit",
        ["person_id", "programme"],
        unique=True,
        postgresql_where=sa.text("state in ('ordered', 'dispatched')"),
    )
    op.create_index(op.f("ix_kit_person_id"), "kit", ["person_id"], unique=False)
    op.create_table(
        "sending",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("obligation_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="planned", nullable=False),
        sa.Column("kit", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reported", sa.Text(), nullable=True),
        sa.Column("reported_on", sa.Date(), nullable=True),
        sa.Column("not_before", sa.Date(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=False),
        sa.CheckConstraint("channel in ('digital', 'print')", name=op.f("ck_sending_channel_word")),
        sa.CheckConstraint(
            "state in ('planned', 'handed', 'acknowledged', 'delivered', 'failed', 'undeliverable', 'cancelled')",
            name=op.f("ck_sending_state_word"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_sending_batch_id")),
        sa.ForeignKeyConstraint(["kit"], ["kit.barcode"], name=op.f("fk_sending_kit")),
        sa.ForeignKeyConstraint(["obligation_id"], ["obligation.id"], name=op.f("fk_sending_obligation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sending_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending")),
        sa.UniqueConstraint("key", name=op.f("uq_sending_key")),
    )
    op.create_index(op.f("ix_sending_batch_id"), "sending", ["batch_id"], unique=False)
    op.create_index(op.f("ix_sending_person_id"), "sending", ["person_id"], unique=False)
    op.create_index(
        "uq_sending_obligation_id",
        "sending",
        ["obligation_id"],
        unique=True,
        postgresql_where=sa.text("state not in ('cancelled', 'failed')"),
    )
    op.create_index(
        "ix_sending_failed",
        "sending",
        ["obligation_id"],
        unique=False,
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_sending_planned",
        "sending",
        ["channel", "not_before", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'planned'"),
    )
