"""Releases of indicators: frozen, approved by a second person, published."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    create_release()
    op.create_table(
        "release_file",
        sa.Column("release_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_release_file_release_id")),
        sa.PrimaryKeyConstraint("release_id", "name", name=op.f("pk_release_file")),
    )
    op.execute("grant select, insert, update on release to screening_application")
    op.execute("grant select, insert on release_file to screening_application")
    op.execute("grant usage on all sequences in schema public to screening_application")
    op.execute(
        "create trigger release_file_append_only before update or delete or truncate on release_file"
        " for each statement execute function refuse_rewriting()"
    )


def downgrade():
    op.drop_table("release_file")
    op.drop_table("release")


def create_release():
    op.create_table(
        "release",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("data_cut", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="made", nullable=False),
        sa.Column("manifest", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_on", sa.Date(), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('made', 'approved', 'published', 'rejected', 'withdrawn')",
            name=op.f("ck_release_state_word"),
        ),
        sa.CheckConstraint("approved_by <> made_by", name=op.f("ck_release_two_people")),
        sa.CheckConstraint(
            "(approved_by is null) = (approved_on is null)", name=op.f("ck_release_approval_whole")
        ),
        sa.CheckConstraint(
            "(published_by is null) = (published_on is null)", name=op.f("ck_release_publication_whole")
        ),
        sa.CheckConstraint(
            "published_by is null or approved_by is not null",
            name=op.f("ck_release_approved_before_published"),
        ),
        sa.CheckConstraint("(ended_by is null) = (ended_on is null)", name=op.f("ck_release_end_whole")),
        sa.CheckConstraint(
            "(ended_by is null) = (ended_reason is null)", name=op.f("ck_release_end_has_reason")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("digest", name=op.f("uq_release_digest")),
    )
    op.create_index("ix_release_programme", "release", ["programme", "period"], unique=False)
