"""What analysts are answered of, and what they were told: kept where every process sees it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "analyst_cut",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("data_cut", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("manifest", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("until > data_cut", name=op.f("ck_analyst_cut_some_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyst_cut")),
    )
    create_file()
    create_told()
    for table in ("analyst_cut", "analyst_cut_file", "analyst_told"):
        op.execute(f"grant select, insert, update, delete on {table} to screening_application")
    op.execute("grant usage on all sequences in schema public to screening_application")


def downgrade():
    for table in ("analyst_told", "analyst_cut_file", "analyst_cut"):
        op.drop_table(table)


def create_file():
    op.create_table(
        "analyst_cut_file",
        sa.Column("cut_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cut_id"], ["analyst_cut.id"], name=op.f("fk_analyst_cut_file_cut_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cut_id", "name", name=op.f("pk_analyst_cut_file")),
    )
    # Parquet is compressed already
    op.execute("alter table analyst_cut_file alter column content set storage external")


def create_told():
    op.create_table(
        "analyst_told",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cut_id", sa.BigInteger(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("indicator", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(low is null) = (high is null)", name=op.f("ck_analyst_told_interval_whole")),
        sa.ForeignKeyConstraint(
            ["cut_id"], ["analyst_cut.id"], name=op.f("fk_analyst_told_cut_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analyst_told")),
        sa.UniqueConstraint(
            "cut_id", "programme", "indicator", "definition", "period", "words", "what", name="told_once"
        ),
    )
