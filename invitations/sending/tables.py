"""Promises to the world: recorded before they are sent, acknowledged with counts."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from invitations.sending.states import BatchState, Channel, SendingState
from screening.storage.tables import metadata, words_only

batch = Table(
    "batch",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # by which carriers know it: never given twice, not even by a database restored from a backup
    Column("key", Uuid, nullable=False, unique=True, server_default=text("gen_random_uuid()")),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=BatchState.FORMED.value),
    Column("formed_on", Date, nullable=False),
    Column("expected", Integer, nullable=False),
    Column("acknowledged", Integer),
    Column("acknowledged_on", Date),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", DateTime(timezone=True)),  # until then one sender has it in hand; None: nobody
    Column("trouble", Text),  # what the carrier said last, where it did not take the batch
    words_only("channel", Channel),
    words_only("state", BatchState),
    Index("ix_batch_unacknowledged", "state", postgresql_where=text("state <> 'acknowledged'")),
)

# One row for each obligation, for ever: this, and no job's good behaviour, makes a sending exactly-once.
sending = Table(
    "sending",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Uuid, nullable=False, unique=True, server_default=text("gen_random_uuid()")),
    Column("obligation_id", BigInteger, ForeignKey("obligation.id"), nullable=False),
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=False, index=True),
    Column("programme", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("letter", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=SendingState.PLANNED.value),
    Column("kit", Text, ForeignKey("kit.barcode")),
    Column("batch_id", BigInteger, ForeignKey("batch.id"), index=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("reported", Text),  # what became of it, told before its carrier had counted it
    Column("reported_on", Date),
    Column("not_before", Date, nullable=False),  # a refused sending waits before it is tried again
    Column("planned_on", Date, nullable=False),
    Column("changed_on", Date, nullable=False),
    words_only("channel", Channel),
    words_only("state", SendingState),
    # at most one that leaves or left; what was cancelled or failed may be owed again
    Index(
        "uq_sending_obligation_id",
        "obligation_id",
        unique=True,
        postgresql_where=text("state not in ('cancelled', 'failed')"),
    ),
    Index("ix_sending_failed", "obligation_id", postgresql_where=text("state = 'failed'")),
    Index("ix_sending_planned", "channel", "not_before", "id", postgresql_where=text("state = 'planned'")),
)
