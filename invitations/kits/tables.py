"""Home-sampling kits: each bound to one person before it leaves."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    text,
)

from invitations.kits.states import OPEN, KitState
from screening.storage.tables import metadata, words_only

kit_number = Sequence("kit_number", minvalue=0, start=1, maxvalue=999_999_999, metadata=metadata)

kit_lot = Table(
    "kit_lot",
    metadata,
    Column("lot", Text, primary_key=True),
    Column("expires_on", Date, nullable=False),
    Column("remaining", Integer, nullable=False),
    CheckConstraint("remaining >= 0", name="not_overdrawn"),
)

kit = Table(
    "kit",
    metadata,
    Column("barcode", Text, primary_key=True),
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=False, index=True),
    Column("programme", Text, nullable=False),
    Column("lot", Text, ForeignKey("kit_lot.lot"), nullable=False),
    Column("expires_on", Date, nullable=False),
    Column("state", Text, nullable=False, server_default=KitState.ORDERED.value),
    Column("ordered_on", Date, nullable=False),
    Column("changed_on", Date, nullable=False),
    words_only("state", KitState),
    Index(
        "ix_kit_one_open",
        "person_id",
        "programme",
        unique=True,
        postgresql_where=text("state in (" + ", ".join(f"'{state}'" for state in OPEN) + ")"),
    ),
)
