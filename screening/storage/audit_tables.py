"""Who did or saw what, and the hash chain over it."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from screening.storage.tables import Xid8, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("today", Date, nullable=False),
    Column("actor", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("organisation", Text),
    Column("action", Text, nullable=False),
    Column("persons", ARRAY(BigInteger), nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Index("ix_audit_xid", "xid"),
    Index("ix_audit_persons", "persons", postgresql_using="gin"),
)

# One row per sealed batch: every audit record whose transaction ended before `until_xid`, in (xid, id)
# order. Sealing happens after the commits it covers, so writers never queue for the chain.
audit_seal = Table(
    "audit_seal",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sealed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("from_xid", Xid8, nullable=False),
    Column("until_xid", Xid8, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)
