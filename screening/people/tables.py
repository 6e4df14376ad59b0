"""People as the register last told of them, and every identity they go by.

`person` and `residence` are projections of the register's events in the history and can be rebuilt
from them. Sex and birth date come from their own columns of the feed, never from a number.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
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

from screening.storage.tables import metadata, words_only
from screening.vocabulary import Sex

person = Table(
    "person",
    metadata,
    # a new person's id is drawn before the insert, for `holder_id` to name it
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    # the person this one was found to be; own id where never merged. History stays where it was written.
    Column("holder_id", BigInteger, nullable=False, index=True),
    Column("merged_into", BigInteger, ForeignKey("person.id"), index=True),
    Column("born", Date, nullable=False),
    Column("sex", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False, server_default="nb"),
    Column("address", Text),
    Column("postcode", Text),
    Column("post_town", Text),
    Column("municipality", Text),
    Column("resident_since", Date),
    Column("protected_address", Boolean, nullable=False, server_default=text("false")),
    Column("digital_mailbox", Boolean, nullable=False, server_default=text("false")),
    Column("emigrated_on", Date),
    Column("died_on", Date),
    words_only("sex", Sex),
    CheckConstraint("language in ('nb', 'en')", name="language_word"),
)

identity = Table(
    "identity",
    metadata,
    Column("system", Text, nullable=False),  # 'no' for Norwegian numbers, else an ISO country code
    Column("number", Text, nullable=False),
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=False, index=True),
    UniqueConstraint("system", "number", name="uq_identity_system_number"),
)

residence = Table(
    "residence",
    metadata,
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=False),
    Column("municipality", Text, nullable=False),
    Column("since", Date, nullable=False),  # first day there
    Column("until", Date),  # first day no longer there; None while it lasts
    CheckConstraint("until is null or until > since", name="period_forward"),
    Index("ix_residence_person_id_since", "person_id", "since", unique=True),
)

register_file = Table(
    "register_file",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("received_on", Date, nullable=False),
    Column("source", Text, nullable=False),  # who sent it, or the file's name
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the bytes
    Column("received", Integer, nullable=False),
    Column("applied", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    CheckConstraint("received = applied + unchanged + rejected", name="counts_add_up"),
)

# Lines that were refused, as they came, for whoever has to put them right.
register_rejection = Table(
    "register_rejection",
    metadata,
    Column("file_id", BigInteger, ForeignKey("register_file.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("raw", Text, nullable=False),
)
