"""The data cuts that analysts are answered of, and what they were told of each."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from screening.storage.tables import metadata

# Used from `data_cut` up to, but not on, `until`; one that has ended is removed with all that was told of it.
# `code`: the program that counts it: another one may count otherwise, and few of a difference are small numbers too.
analyst_cut = Table(
    "analyst_cut",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("data_cut", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("code", Text, nullable=False),
    Column("manifest", JSONB, nullable=False),
    CheckConstraint("until > data_cut", name="some_days"),
)

# The dataset itself, so that every process counts the same: one Parquet file for each table and bucket.
analyst_cut_file = Table(
    "analyst_cut_file",
    metadata,
    Column("cut_id", BigInteger, ForeignKey("analyst_cut.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("cut_id", "name"),
)

# Every number that was judged, once. `hidden`: not told; `low`, `high`: what must stay possible where it is small.
analyst_told = Table(
    "analyst_told",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("cut_id", BigInteger, ForeignKey("analyst_cut.id", ondelete="CASCADE"), nullable=False),
    Column("programme", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("low", BigInteger),
    Column("high", BigInteger),
    CheckConstraint("(low is null) = (high is null)", name="interval_whole"),
    UniqueConstraint(
        "cut_id", "programme", "indicator", "definition", "period", "words", "what", name="told_once"
    ),
)
