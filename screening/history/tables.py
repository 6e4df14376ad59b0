"""The append-only history of what happened to people."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from screening.storage.tables import Xid8, metadata, words_only
from screening.vocabulary import EventKind

event = Table(
    "event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=False),
    Column("programme", Text),  # None: concerns every programme (register events)
    Column("kind", Text, nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("recorded_on", Date, nullable=False),  # the transaction's civil day
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("source", Text, nullable=False),  # who told: 'register', 'laboratory ahus', 'sender', …
    Column(
        "key", UUID(as_uuid=True), nullable=False, unique=True
    ),  # natural key: the same news twice is one event
    Column("supersedes", BigInteger, ForeignKey("event.id")),  # the event this one corrects
    Column("body", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    words_only("kind", EventKind),
    Index("ix_event_person_id", "person_id"),
    Index("ix_event_xid", "xid"),
    Index("ix_event_supersedes", "supersedes", postgresql_where=text("supersedes is not null")),
    Index(
        "ix_event_specimen",  # what is known of a laboratory's specimen
        text("(body ->> 'lab')"),
        text("(body ->> 'specimen')"),
        postgresql_where=text("body ? 'specimen'"),
    ),
)
