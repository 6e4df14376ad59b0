"""The keys by which extracts tell people apart, one for each series of extracts."""

from sqlalchemy import CheckConstraint, Column, Date, LargeBinary, Table, text
from sqlalchemy.dialects.postgresql import UUID

from screening.storage.tables import metadata

# One series is one dataset carried on from day to day: its pseudonyms stay, those of two series share nothing.
extract_series = Table(
    "extract_series",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("key", LargeBinary, nullable=False),
    Column("begun_on", Date, nullable=False),
    CheckConstraint("length(key) >= 32", name="long_key"),
)
