"""Which protocols with unverified rules somebody answers for."""

from sqlalchemy import CheckConstraint, Column, Date, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from screening.storage.tables import metadata

protocol_activation = Table(
    "protocol_activation",
    metadata,
    Column("protocol", Text, nullable=False),  # id of the version
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the rules: another text asks anew
    Column("unverified", Integer, nullable=False),  # how many of its rules nobody had checked
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("activated_on", Date, nullable=False),
    PrimaryKeyConstraint("protocol", "digest"),
    CheckConstraint("reason <> ''", name="has_reason"),
)
