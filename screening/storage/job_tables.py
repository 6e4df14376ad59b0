"""The scheduler's truth: which slot of which job was taken, by a lease that outlives no dead worker."""

from sqlalchemy import Boolean, CheckConstraint, Column, Date, DateTime, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from screening.storage.tables import metadata, words_only

JOB_STATES = ("running", "done", "failed")

job_run = Table(
    "job_run",
    metadata,
    Column("job", Text, primary_key=True),
    Column("slot", DateTime(timezone=True), primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("1")),
    Column("lease_until", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("outcome", JSONB),
    words_only("state", JOB_STATES),
)

# The demo's calendar and progress; a database without this row is nobody's demo.
demo_run = Table(
    "demo_run",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("arguments", JSONB, nullable=False),
    Column("today", Date, nullable=False),
    Column("sent_on", Date),  # the last day whose letters left; they leave once a day, in the morning
    Column("finished", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("one", name="single_row"),
)
