"""Releases, and the files each was frozen as."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from analytics.releases.states import ReleaseState
from screening.storage.tables import metadata, words_only

release = Table(
    "release",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("programme", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("data_cut", Date, nullable=False),
    Column("state", Text, nullable=False, server_default=ReleaseState.MADE.value),
    Column("manifest", JSONB, nullable=False),
    Column(
        "digest", LargeBinary, nullable=False, unique=True
    ),  # SHA-256 of manifest.json: the same is made once
    Column("made_by", Text, nullable=False),
    Column("made_on", Date, nullable=False),
    Column("approved_by", Text),
    Column("approved_on", Date),
    Column("published_by", Text),
    Column("published_on", Date),
    Column("ended_by", Text),
    Column("ended_on", Date),
    Column("ended_reason", Text),
    words_only("state", ReleaseState),
    CheckConstraint("approved_by <> made_by", name="two_people"),
    CheckConstraint("(approved_by is null) = (approved_on is null)", name="approval_whole"),
    CheckConstraint("(published_by is null) = (published_on is null)", name="publication_whole"),
    CheckConstraint("published_by is null or approved_by is not null", name="approved_before_published"),
    CheckConstraint("(ended_by is null) = (ended_on is null)", name="end_whole"),
    CheckConstraint("(ended_by is null) = (ended_reason is null)", name="end_has_reason"),
    Index("ix_release_programme", "programme", "period"),
)

# What was frozen stays so: rows are added, never changed. Not `open`: true numbers, which nobody outside reads.
release_file = Table(
    "release_file",
    metadata,
    Column("release_id", BigInteger, ForeignKey("release.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("release_id", "name"),
)
