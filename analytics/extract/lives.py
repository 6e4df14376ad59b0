"""Lives told in a few words, as a dataset: for hand-counted cohorts and generated populations.

The frames pass through the same `arranged` as what is read from the database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.extract.dataset import Dataset, in_memory
from analytics.extract.schema import TABLES
from analytics.extract.shape import completed, with_findings
from screening.vocabulary import EventKind

Day = date  # inside Happening, `date` is its own field
_EVERY_PROGRAMME = (EventKind.MOVED, EventKind.EMIGRATED, EventKind.IMMIGRATED, EventKind.DIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Living in one municipality; `until` is the first day no longer there."""

    municipality: str = "0301"
    since: date = date(1900, 1, 1)
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event. `findings` in words separated by spaces; `recorded_on` is the same day where it is not told."""

    date: date
    kind: str
    test: str | None = None
    sample: str | None = None
    findings: str | None = None
    lab: str | None = None
    letter: str | None = None
    to: str | None = None
    code: str | None = None
    reader: str | None = None
    side: str | None = None
    unit: str | None = None
    arm: str | None = None
    method: str | None = None
    for_date: Day | None = None
    ug_per_g: float | None = None
    cutoff: float | None = None
    size_mm: float | None = None
    nodes: int | None = None
    stage: str | None = None
    recorded_on: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One obligation; `evidence_on` set means fulfilled, `withdrawn_on` withdrawn, neither open."""

    kind: str
    opened_on: date
    due_on: date
    episode: date | None = None
    evidence: str | None = None
    evidence_on: date | None = None
    withdrawn_on: date | None = None
    subject: str = "1"

    @property
    def state(self) -> str:
        if self.evidence_on is not None:
            return "fulfilled"
        return "open" if self.withdrawn_on is None else "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One person as one programme knows her."""

    born: date
    sex: str = "female"
    homes: Sequence[Home] = (Home(),)
    events: Sequence[Happening] = ()
    owed: Sequence[Owed] = ()
    status: str = "waiting"
    programme: str = "no-cervical"


def dataset(lives: Iterable[Life], *, data_cut: date, buckets: int = 1) -> Dataset:
    """People are numbered in the order given and dealt out to the buckets in turn."""
    dealt: list[list[tuple[int, Life]]] = [[] for _ in range(buckets)]
    for number, life in enumerate(lives, start=1):
        dealt[number % buckets].append((number, life))
    return in_memory([_frames(people) for people in dealt], data_cut=data_cut)


def _frames(people: Sequence[tuple[int, Life]]) -> dict[str, pl.DataFrame]:
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
    for number, life in people:
        _tell(number, life, rows)
    frames = {name: _framed(name, held) for name, held in rows.items()}
    frames["events"] = with_findings(frames["events"])
    return completed(frames)


def _tell(number: int, life: Life, rows: dict[str, list[dict[str, object]]]) -> None:
    who: dict[str, object] = {"person": number}
    there = who | {"programme": life.programme}
    rows["persons"].append(who | {"born": life.born.replace(day=1), "sex": life.sex})
    for home in life.homes:
        rows["residences"].append(
            who | {"municipality": home.municipality, "since": home.since, "until": home.until}
        )
    rows["standings"].append(there | {"status": life.status, "reason": "", "protocol": ""})
    for event in life.events:
        known = {"recorded_on": event.recorded_on or event.date}
        told = who | {"programme": ""} if event.kind in _EVERY_PROGRAMME else there
        rows["events"].append(told | _columns(event) | known)
    for owed in life.owed:
        closed_on = owed.evidence_on or owed.withdrawn_on
        more = {"state": owed.state, "closed_on": closed_on, "episode": owed.episode or owed.opened_on}
        rows["obligations"].append(there | _columns(owed) | more)


def _columns(told: Happening | Owed) -> dict[str, object]:
    return {name: getattr(told, name) for name in told.__dataclass_fields__}


def _framed(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """The columns that are told; findings are still words in one text here, as the database tells them."""
    told = _TOLD[name]
    schema = {column: dtype for column, dtype in TABLES[name].schema.items() if column in told}
    if name == "events":
        schema["findings"] = pl.String()
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)


# What a life tells of each table; the rest follows from it.
_PLACED = {"municipality", "county", "age", "age_in_year", "sex"}
_TOLD = {
    "persons": {"person", "born", "sex"},
    "residences": {"person", "municipality", "since", "until"},
    "events": set(TABLES["events"].schema) - _PLACED - {"result"},
    "obligations": set(TABLES["obligations"].schema) - _PLACED,
    "standings": set(TABLES["standings"].schema),
}
