"""What the analytics dataset holds: every table with its grain, every column with its meaning and unit.

A change of any of these raises `VERSION`; a dataset of another version is refused, never guessed at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

VERSION = 1
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    dtype: pl.DataType
    meaning: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the dataset. Rows are sorted by `order`; no two rows agree on the grain."""

    name: str
    grain: str
    order: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pl.Schema:
        return pl.Schema({column.name: column.dtype for column in self.columns})


_TEXT = pl.String()
_DAY = pl.Date()
_PERSON = Column(
    "person", pl.Int64(), "pseudonym of the person who holds the record; stable only for one key"
)
_PROGRAMME = Column(
    "programme", _TEXT, "family id, such as no-cervical; empty where the row concerns every programme"
)

PERSONS = Table(
    "persons",
    "one row per person; merged identities are one person",
    ("person",),
    (
        _PERSON,
        Column("born", _DAY, "first day of the month of birth: ages are counted from there", "civil date"),
        Column("sex", _TEXT, "female or male, as the register says"),
    ),
)

RESIDENCES = Table(
    "residences",
    "one row per person and period of living in one municipality",
    ("person", "since"),
    (
        _PERSON,
        Column("municipality", _TEXT, "four digits, Statistics Norway"),
        Column("county", _TEXT, "first two digits of the municipality"),
        Column("since", _DAY, "first day there", "civil date"),
        Column("until", _DAY, "first day no longer there, dead or abroad; null while it lasts", "civil date"),
    ),
)

EVENTS = Table(
    "events",
    "one row per event that still stands: superseded and withdrawn ones are left out",
    ("programme", "person", "date", "kind", "test", "recorded_on"),
    (
        _PROGRAMME,
        _PERSON,
        Column("date", _DAY, "day it occurred; for tests the day the specimen was taken", "civil date"),
        Column("kind", _TEXT, "word of screening.vocabulary.EventKind"),
        Column("test", _TEXT, "hpv, cytology or histology; null for other kinds"),
        Column("recorded_on", _DAY, "day the programme learned of it", "civil date"),
        Column("sample", _TEXT, "clinician or self; null where unknown"),
        Column("result", _TEXT, "the worst finding of the test, see RESULT_ORDER; null where none was given"),
        Column("findings", pl.List(pl.String), "every finding of the test, sorted"),
        Column("lab", _TEXT, "code of the laboratory"),
        Column("letter", _TEXT, "template of the letter sent"),
        Column("to", _TEXT, "what was referred or invited to, such as colposcopy"),
        Column("code", _TEXT, "code of a diagnosis or treatment, or the reason given"),
    ),
)

OBLIGATIONS = Table(
    "obligations",
    "one row per thing the programme owes or owed a person",
    ("programme", "person", "episode", "kind", "subject"),
    (
        _PROGRAMME,
        _PERSON,
        Column("episode", _DAY, "day on which the episode opened that it belongs to", "civil date"),
        Column("kind", _TEXT, "word of screening.vocabulary.ObligationKind"),
        Column("subject", _TEXT, "which of its kind in the episode"),
        Column("opened_on", _DAY, "day it came to be owed", "civil date"),
        Column("due_on", _DAY, "last day on which it is in time", "civil date"),
        Column("state", _TEXT, "open, fulfilled or withdrawn"),
        Column("closed_on", _DAY, "day it was closed; null while open", "civil date"),
        Column("closed_reason", _TEXT, "why it was withdrawn"),
        Column("evidence", _TEXT, "kind of the event that fulfilled it"),
        Column("evidence_on", _DAY, "day on which that event occurred", "civil date"),
    ),
)

STANDINGS = Table(
    "standings",
    "one row per person and programme: where the person stands at the data cut",
    ("programme", "person"),
    (
        _PROGRAMME,
        _PERSON,
        Column("status", _TEXT, "word of screening.vocabulary.Status"),
        Column("reason", _TEXT, "why, in the protocol's words"),
        Column("protocol", _TEXT, "id of the protocol version decided by"),
        Column("next_due_on", _DAY, "day the next primary test falls due", "civil date"),
    ),
)

TABLES: Mapping[str, Table] = {t.name: t for t in (PERSONS, RESIDENCES, EVENTS, OBLIGATIONS, STANDINGS)}

# Worst last. A test with several findings counts as its worst; an invalid part never hides a finding.
RESULT_ORDER: Mapping[str, tuple[str, ...]] = {
    "hpv": ("invalid", "negative", "positive"),
    "cytology": (
        "unsatisfactory", "nilm", "asc_us", "lsil", "asc_h", "agc", "hsil", "ais", "adenocarcinoma", "scc",
    ),
    "histology": ("normal", "cin1", "cin2", "cin3", "ais", "adenocarcinoma", "scc"),
}  # fmt: skip


def dictionary() -> str:
    """The data dictionary, as Markdown: what each table and column means."""
    return "\n".join(line for table in TABLES.values() for line in _described(table))


def _described(table: Table) -> list[str]:
    head = [f"## {table.name}", "", f"{table.grain}; sorted by {', '.join(table.order)}.", ""]
    rows = [f"| {c.name} | {c.dtype} | {c.unit} | {c.meaning} |" for c in table.columns]
    return [*head, "| column | type | unit | meaning |", "|---|---|---|---|", *rows, ""]
