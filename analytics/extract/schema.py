"""What the analytics dataset holds: every table with its grain, every column with its meaning and unit.

A change of any of these raises `VERSION`; a dataset of another version, or with other words, is
refused, never guessed at. Words are kept as numbers with their list (Enum, Categorical), so that a
column of fifty million of them is small and quick to compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from analytics.places import COUNTY, UNKNOWN
from screening.vocabulary import EventKind, ObligationKind, ObligationState, Sex, Status, Test

VERSION = 3

# Worst last. A test with several findings counts as its worst; an invalid part never hides a finding.
RESULT_ORDER: Mapping[Test, tuple[str, ...]] = {
    Test.HPV: ("invalid", "negative", "positive"),
    Test.CYTOLOGY: (
        "unsatisfactory", "nilm", "asc_us", "lsil", "asc_h", "agc", "hsil", "ais", "adenocarcinoma", "scc",
    ),
    Test.FIT: ("not_analysable", "negative", "positive"),
    Test.MAMMOGRAPHY: ("score_1", "score_2", "score_3", "score_4", "score_5"),
    Test.CONSENSUS: ("dismiss", "recall"),
    Test.COLONOSCOPY: (
        "incomplete", "normal", "non_advanced_adenoma", "serrated", "advanced_adenoma", "cancer",
    ),
    Test.HISTOLOGY: (
        "normal", "benign", "non_advanced_adenoma", "serrated", "advanced_adenoma", "cin1", "cin2", "cin3",
        "dcis", "ais", "adenocarcinoma", "scc", "invasive_cancer", "cancer",
    ),
}  # fmt: skip


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


def _words(*words: str) -> pl.Enum:
    return pl.Enum(list(dict.fromkeys(str(word) for word in words)))


_TEXT = pl.Categorical()
_DAY = pl.Date()
_NUMBER = pl.Int32()
_MEASURE = pl.Float64()
_AGE = pl.Int16()
_SEX = _words(*Sex)
_RESULT = _words(*(word for order in RESULT_ORDER.values() for word in order))
_PERSON = Column("person", pl.UInt32(), "pseudonym of the person who holds the record; stable for one key")
_PROGRAMME = Column(
    "programme", _TEXT, "family id, such as no-cervical; empty where the row concerns every programme"
)
_MUNICIPALITY = Column("municipality", _TEXT, "four digits, Statistics Norway")
_COUNTY = Column(
    "county", COUNTY, f"number of the county it lies in today; {UNKNOWN} where the municipality is not known"
)


def _where_and_how_old(day: str) -> tuple[Column, ...]:
    """What every count is split by, told of the person on that day."""
    return (
        Column("municipality", _TEXT, f"of residence on {day}; {UNKNOWN} where none was registered"),
        Column("county", COUNTY, f"of residence on {day}; {UNKNOWN} where none was registered"),
        Column("age", _AGE, f"completed years on {day}, counted from the first of the birth month", "years"),
        Column("age_in_year", _AGE, f"age reached in the calendar year of {day}", "years"),
        Column("sex", _SEX, "as the register says"),
    )


PERSONS = Table(
    "persons",
    "one row per person; merged identities are one person",
    ("person",),
    (
        _PERSON,
        Column("born", _DAY, "first day of the month of birth: ages are counted from there", "civil date"),
        Column("sex", _SEX, "as the register says"),
    ),
)

RESIDENCES = Table(
    "residences",
    "one row per person and period of living in one municipality",
    ("person", "since"),
    (
        _PERSON,
        _MUNICIPALITY,
        _COUNTY,
        Column("since", _DAY, "first day there", "civil date"),
        Column("until", _DAY, "first day no longer there, dead or abroad; null while it lasts", "civil date"),
        Column("born", _DAY, "first day of the person's month of birth", "civil date"),
        Column("sex", _SEX, "as the register says"),
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
        Column("kind", _words(*EventKind), "word of screening.vocabulary.EventKind"),
        Column("test", _words(*Test), "word of screening.vocabulary.Test; null for other kinds"),
        Column("recorded_on", _DAY, "day the programme learned of it", "civil date"),
        Column("sample", _TEXT, "who took the specimen, clinician or self; null where unknown"),
        Column(
            "result", _RESULT, "the worst finding of the test, see RESULT_ORDER; null where none was given"
        ),
        Column("findings", _TEXT, "every finding of the test, sorted, separated by spaces"),
        Column("lab", _TEXT, "code of the laboratory"),
        Column("letter", _TEXT, "template of the letter sent"),
        Column("to", _TEXT, "what was referred or invited to, word of screening.vocabulary.Destination"),
        Column("code", _TEXT, "code of a diagnosis or treatment, or the reason given"),
        Column("reader", _TEXT, "who read the mammogram"),
        Column("side", _TEXT, "left or right; null where both or unknown"),
        Column("unit", _TEXT, "clinic, endoscopist or mobile unit"),
        Column("arm", _TEXT, "arm of a comparison that the person was allotted to"),
        Column("method", _TEXT, "how tissue was taken: needle or open"),
        Column("for_date", _DAY, "day of the appointment that was booked", "civil date"),
        Column("ug_per_g", _MEASURE, "haemoglobin found in the stool", "micrograms per gram"),
        Column(
            "cutoff",
            _MEASURE,
            "above which the test was positive on the day it was analysed",
            "micrograms per gram",
        ),
        Column("size_mm", _MEASURE, "largest diameter of the invasive tumour", "millimetres"),
        Column("nodes", _NUMBER, "lymph nodes with tumour", "count"),
        Column("stage", _TEXT, "grouped stage, I to IV"),
        *_where_and_how_old("the day it occurred"),
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
        Column("kind", _words(*ObligationKind), "word of screening.vocabulary.ObligationKind"),
        Column("subject", pl.String(), "which of its kind in the episode"),
        Column("opened_on", _DAY, "day it came to be owed", "civil date"),
        Column("due_on", _DAY, "last day on which it is in time", "civil date"),
        Column("state", _words(*ObligationState), "open, fulfilled or withdrawn"),
        Column("closed_on", _DAY, "day it was closed; null while open", "civil date"),
        Column("closed_reason", _TEXT, "why it was withdrawn"),
        Column("evidence", _words(*EventKind), "kind of the event that fulfilled it"),
        Column("evidence_on", _DAY, "day on which that event occurred", "civil date"),
        *_where_and_how_old("the day it is due"),
    ),
)

STANDINGS = Table(
    "standings",
    "one row per person and programme: where the person stands at the data cut",
    ("programme", "person"),
    (
        _PROGRAMME,
        _PERSON,
        Column("status", _words(*Status), "word of screening.vocabulary.Status"),
        Column("reason", _TEXT, "why, in the protocol's words"),
        Column("protocol", _TEXT, "id of the protocol version decided by"),
        Column("next_due_on", _DAY, "day the next primary test falls due", "civil date"),
    ),
)

TABLES: Mapping[str, Table] = {t.name: t for t in (PERSONS, RESIDENCES, EVENTS, OBLIGATIONS, STANDINGS)}


def dictionary() -> str:
    """The data dictionary, as Markdown: what each table and column means."""
    return "\n".join(line for table in TABLES.values() for line in _described(table))


def fingerprint() -> str:
    """Two programs with the same one write the same tables with the same words."""
    words = [str(column.dtype) for table in TABLES.values() for column in table.columns]
    return sha256("\n".join([dictionary(), *words]).encode()).hexdigest()[:16]


def _described(table: Table) -> list[str]:
    head = [f"## {table.name}", "", f"{table.grain}; sorted by {', '.join(table.order)}.", ""]
    rows = [f"| {c.name} | {_type(c.dtype)} | {c.unit} | {c.meaning} |" for c in table.columns]
    return [*head, "| column | type | unit | meaning |", "|---|---|---|---|", *rows, ""]


def _type(dtype: pl.DataType) -> str:
    return f"one of {len(dtype.categories)} words" if isinstance(dtype, pl.Enum) else str(dtype)
