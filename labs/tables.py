"""Every byte received, what was made of it, and what waits for a person to look."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from labs.results import Verdict
from screening.storage.tables import metadata, words_only

CHANNELS = ("hl7", "fhir", "json", "csv")
OUTCOMES = ("applied", "known", "quarantined", "refused")
CASE_STATES = ("open", "resolved", "discarded")
PROFILES = ("extended", "standard")

laboratory = Table(
    "laboratory",
    metadata,
    Column("code", Text, primary_key=True),  # as in MSH-4 and in the token's `laboratory` claim
    Column("name", Text, nullable=False),
    Column("profile", Text, nullable=False),
    words_only("profile", PROFILES),
)

# Append-only. The first message of a control id is the one that counts; others with other bytes conflict.
lab_message = Table(
    "lab_message",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("received_on", Date, nullable=False),
    Column("channel", Text, nullable=False),
    Column("laboratory", Text, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the body, up to the last line's end
    Column("verdict", Text, nullable=False),
    Column("faults", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    words_only("channel", CHANNELS),
    words_only("verdict", Verdict),
    Index(
        "ix_lab_message_accepted",
        "laboratory",
        "control_id",
        unique=True,
        postgresql_where=text("verdict <> 'AR'"),
    ),
    Index(
        "ix_lab_message_refused",
        "laboratory",
        "control_id",
        "digest",
        unique=True,
        postgresql_where=text("verdict = 'AR'"),
    ),
)

# Messages not judged yet; written in the same commit as the message, removed in that of the judgement.
lab_pending = Table(
    "lab_pending",
    metadata,
    Column("message_id", BigInteger, ForeignKey("lab_message.id"), primary_key=True),
)

lab_judgement = Table(
    "lab_judgement",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("message_id", BigInteger, ForeignKey("lab_message.id"), nullable=False),
    Column("position", Integer, nullable=False),  # which result of the message, from 0; -1: the message
    Column("outcome", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.id")),
    Column("note", Text),
    Column("judged_on", Date, nullable=False),
    words_only("outcome", OUTCOMES),
    Index("ix_lab_judgement_message_id", "message_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("message_id", BigInteger, ForeignKey("lab_message.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("specimen", Text),  # what it is about; None where the whole message waits
    Column("test", Text),
    Column("state", Text, nullable=False, server_default="open"),
    Column("opened_on", Date, nullable=False),
    Column("closed_on", Date),
    Column("closed_by", Text),
    Column("note", Text),
    words_only("state", CASE_STATES),
    UniqueConstraint("message_id", "position", name="uq_quarantine_one_case"),
    Index("ix_quarantine_open", "opened_on", postgresql_where=text("state = 'open'")),
    Index("ix_quarantine_specimen", "specimen", postgresql_where=text("state = 'open'")),
)
