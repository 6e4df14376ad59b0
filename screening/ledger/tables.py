"""Where everyone stands, and everything the programme owes them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from screening.storage.tables import Xid8, metadata, words_only
from screening.vocabulary import ObligationKind, ObligationState, Status

standing = Table(
    "standing",
    metadata,
    Column("person_id", BigInteger, ForeignKey("person.id"), primary_key=True),
    Column("programme", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("protocol", Text, nullable=False),  # id of the version decided by
    Column("rule", Text, nullable=False),
    Column("episode_opened_on", Date),
    Column("episode_number", Integer, nullable=False, server_default=text("0")),
    Column("next_due_on", Date),
    Column("next_action_on", Date),  # None: nothing happens without news
    Column("decided_on", Date),  # None: never decided yet
    Column("last_event_id", BigInteger, nullable=False, server_default=text("0")),
    # Who last wrote here, kept by a trigger. News and corrections wake the standing, decisions write it, so a
    # person's rows of every table are as they were where this is. None: written before it was kept.
    Column("xid", Xid8, server_default=text("pg_current_xact_id()")),
    words_only("status", Status),
    Index("ix_standing_programme_next_action_on", "programme", "next_action_on"),
    Index("ix_standing_xid", "xid"),
)

obligation = Table(
    "obligation",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("person_id", BigInteger, ForeignKey("person.id"), nullable=False),
    Column("programme", Text, nullable=False),
    # an episode is named by the day it opened: a number would shift when an older result arrives late
    Column("episode", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column(
        "subject", Text, nullable=False
    ),  # 'colposcopy', 'reminder-1', 'result 2025-02-03 result_negative #17', …
    Column("opened_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("rule", Text, nullable=False),
    Column("letter", Text),  # template of the letter, for what is sent
    Column("state", Text, nullable=False, server_default=ObligationState.OPEN.value),
    Column("closed_on", Date),
    Column("closed_by", BigInteger, ForeignKey("event.id")),  # the evidence
    Column("closed_reason", Text),
    words_only("kind", ObligationKind),
    words_only("state", ObligationState),
    CheckConstraint("(state = 'open') = (closed_on is null)", name="closed_has_date"),
    CheckConstraint(
        "state = 'open' or (closed_by is not null) or (closed_reason is not null)", name="closed_has_evidence"
    ),
    UniqueConstraint("person_id", "programme", "episode", "kind", "subject", name="uq_obligation_owed_once"),
    Index("ix_obligation_open", "programme", "kind", "due_on", postgresql_where=text("state = 'open'")),
    Index("ix_obligation_due", "programme", "due_on", "id", postgresql_where=text("state = 'open'")),
)
