"""The event log of a published funnel: millions of people in whole columns, bucket by bucket.

Days are chosen so that everything that is to count lies well inside every window.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from analytics.extract.dataset import Bucket
from analytics.extract.schema import TABLES
from analytics.extract.shape import completed, with_findings
from analytics.funnels.people import Groups, Some, groups_of
from analytics.funnels.published import PublishedFunnel, Row
from analytics.indicators.period import Length
from analytics.indicators.programmes import Ages, Programme
from analytics.places import municipalities
from screening.refusals import Refused
from screening.vocabulary import Cancer, Destination, Sex

_BUCKET = 250_000
_USUAL_YEAR = 2020
_OPEN_END = 10  # years that an open age group is taken to span
_FOLLOW_UP_YEARS = 6
_OLDEST = 110
_NUMBERS = {"year": (1920, 2180), "round": (1, 40)}  # what the word of such a row may be
_SCREENED = 30  # days from the letter to the test
_AGO = -400  # days before the letter: in the window of a coverage, not in the year

Event = Mapping[str, Any]


def _tested(test: str, findings: str, day: int, **more: str) -> Event:
    return {"kind": "tested", "test": test, "findings": findings, "day": day, **more}


def _told(kind: str, day: int, **more: str) -> Event:
    return {"kind": kind, "day": day, **more}


_LATER = _SCREENED + 400
_EVENTS: Mapping[Cancer, Mapping[str, Sequence[Event]]] = {
    Cancer.CERVICAL: {
        "invited": [_told("reminded", 0, letter="reminder")],
        "covered": [_tested("hpv", "negative", _AGO, sample="clinician")],
        "negative": [_tested("hpv", "negative", _SCREENED, sample="clinician")],
        "positive": [_tested("hpv", "hpv_16", _SCREENED, sample="clinician")],
        "abnormal": [_tested("cytology", "lsil", _SCREENED)],
        "referred": [_told("referred", 50, to="colposcopy")],
        "assessed": [_told("appointment_attended", 80, to="colposcopy")],
        "cancer": [_tested("histology", "scc", 80)],
        "cin3": [_tested("histology", "cin3", 80)],
        "cin2": [_tested("histology", "cin2", 80)],
        "treated": [_told("treated", 120, code="conisation")],
        "high_grade_cytology": [_tested("cytology", "hsil", _SCREENED)],
        "confirmed": [_tested("histology", "cin2", 90)],
        "interval_invasive": [_told("diagnosed", _LATER, code="C53.9")],
        "interval_unknown": [_told("diagnosed", _LATER, code="C53.9")],
    },
    Cancer.COLORECTAL: {
        "invited": [_told("kit_dispatched", 0, letter="kit")],
        "covered": [_tested("fit", "negative", _AGO)],
        "negative": [_tested("fit", "negative", _SCREENED)],
        "positive": [_tested("fit", "positive", _SCREENED)],
        "referred": [_told("referred", 40, to="colonoscopy")],
        "clear": [_tested("colonoscopy", "normal", 60)],
        "cancer": [_tested("colonoscopy", "cancer", 60)],
        "advanced_adenoma": [_tested("colonoscopy", "advanced_adenoma", 60)],
        "non_advanced_adenoma": [_tested("colonoscopy", "non_advanced_adenoma", 60)],
        "treated": [_told("treated", 100, code="resection")],
        "interval_invasive": [_told("diagnosed", _LATER, code="C18.9")],
        "interval_unknown": [_told("diagnosed", _LATER, code="C18.9")],
    },
    Cancer.BREAST: {
        "invited": [_told("invited", 0, letter="invitation")],
        "covered": [_tested("mammography", "score_1", _AGO, reader="R1")],
        "no_reader": [_tested("mammography", "score_1", _SCREENED, reader=r) for r in ("R1", "R2")],
        "both_readers": [_tested("mammography", "score_3", _SCREENED, reader=r) for r in ("R1", "R2")],
        "one_reader": [
            _tested("mammography", "score_3", _SCREENED, reader="R1"),
            _tested("mammography", "score_1", _SCREENED, reader="R2"),
        ],
        "dismissed": [_tested("consensus", "dismiss", 33)],
        "recalled": [
            _tested("consensus", "recall", 33),
            _told("referred", 34, to="breast_assessment"),
        ],
        "assessed": [_told("appointment_attended", 40, to="breast_assessment")],
        "screen_detected_invasive": [_tested("histology", "invasive_cancer", 45, method="needle")],
        "screen_detected_dcis": [_tested("histology", "dcis", 45, method="needle")],
        "screen_detected_unknown": [_told("diagnosed", 45, code="unspecified")],
        "sampled": [_tested("histology", "benign", 45, method="needle")],
        "treated": [_told("treated", 80, code="breast_conserving")],
        "interval_invasive": [_told("diagnosed", _LATER, code="C50.9")],
        "interval_dcis": [_told("diagnosed", _LATER, code="D05.1")],
        "interval_unknown": [_told("diagnosed", _LATER, code="unspecified")],
        "interval_after_dismissal": [_told("diagnosed", _LATER, code="C50.9")],
    },
}
_EARLIER: Mapping[Cancer, Event] = {
    Cancer.CERVICAL: _tested("hpv", "negative", 0, sample="clinician"),
    Cancer.COLORECTAL: _tested("fit", "negative", 0),
    Cancer.BREAST: _tested("mammography", "score_1", 0, reader="R1"),
}
_TO = {
    Cancer.CERVICAL: Destination.COLPOSCOPY,
    Cancer.COLORECTAL: Destination.COLONOSCOPY,
    Cancer.BREAST: Destination.BREAST_ASSESSMENT,
}
_USUAL_AGE = 57
_INTERVAL = {
    Cancer.CERVICAL: Length(months=60),
    Cancer.COLORECTAL: Length(months=24),
    Cancer.BREAST: Length(months=24),
}


@dataclass(frozen=True, slots=True)
class EventLog:
    """A funnel as data of a programme of its own, in consecutive calendar years."""

    funnel: PublishedFunnel
    programme: Programme
    years: Sequence[int]
    data_cut: date

    def buckets(self) -> Generator[tuple[int, Bucket]]:
        """With the number of the row they belong to.

        Each is made when it is asked for: a national programme need not fit in memory.
        """
        first_person = 1
        for number, row in enumerate(self.funnel.rows):
            size, groups = groups_of(self.funnel, row)
            for start in range(0, size, _BUCKET):
                people = Some(start, min(size, start + _BUCKET))
                yield number, self._bucket(row, number, groups, people, first_person)
                first_person += people.count

    def _bucket(self, row: Row, number: int, groups: Groups, people: Some, first_person: int) -> Bucket:
        persons = np.arange(first_person, first_person + people.count, dtype=np.uint32)
        sent = date(int(row.label) if self.funnel.by == "year" else _USUAL_YEAR, 3, 1)
        told = [
            self._happened(event, row, sent, persons[some.first - people.first : some.end - people.first])
            for what, everybody in groups.items()
            for event in _EVENTS[self.funnel.cancer].get(what, ())
            for some in [_within(whom, people) for whom in everybody]
            if some.count > 0
        ]
        told += [
            self._happened({**_EARLIER[self.funnel.cancer], "day": day}, row, sent, persons)
            for day in self._earlier(row, sent)
        ]
        frames = {
            "persons": self._persons(row, sent, persons),
            "residences": self._residences(number, persons),
            "events": with_findings(pl.concat([_framed("events"), *told], how="diagonal_relaxed")),
            "obligations": _framed("obligations"),
            "standings": _framed("standings"),
        }
        done = completed(frames)
        return Bucket(**{name: done[name].lazy() for name in TABLES})

    def _earlier(self, row: Row, sent: date) -> list[int]:
        """Days, counted from the letter, of the screens before this one."""
        rounds = int(row.label) if self.funnel.by == "round" else 1
        tested = sent + timedelta(days=_SCREENED)
        ago = [tested.replace(year=tested.year - 2 * before) for before in range(1, rounds)]
        return [(day - sent).days for day in ago]

    def _happened(self, event: Event, row: Row, sent: date, persons: Any) -> pl.DataFrame:
        fixed = {key: value for key, value in event.items() if key != "day"}
        on = sent + timedelta(days=event["day"])
        arm = {"arm": row.label} if self.funnel.by == "arm" else {}
        columns = {"programme": self.programme.id, "date": on, "recorded_on": on, **fixed, **arm}
        return pl.DataFrame({"person": persons}).with_columns(
            **{name: pl.lit(value) for name, value in columns.items()}
        )

    def _persons(self, row: Row, sent: date, persons: Any) -> pl.DataFrame:
        """Spread over the years of the age group; birthdays well before the letter."""
        low, high = _limits(row.label) if self.funnel.by == "age_group" else (_USUAL_AGE, _USUAL_AGE + 1)
        ages = low + np.arange(len(persons)) % (high - low)
        sexes = [str(sex) for sex in self.programme.sexes]
        sex = pl.Series(sexes).gather(np.arange(len(persons)) % len(sexes))
        frame = pl.DataFrame({"person": persons, "sex": sex, "born": (sent.year - ages).astype(np.int32)})
        return frame.with_columns(born=pl.date(pl.col("born"), 1, 1))

    def _residences(self, number: int, persons: Any) -> pl.DataFrame:
        place = area_codes()[number] if self.funnel.by == "area" else area_codes()[0]
        return pl.DataFrame({"person": persons}).with_columns(
            municipality=pl.lit(place), since=pl.date(1900, 1, 1), until=pl.lit(None, pl.Date)
        )


def _within(some: Some, people: Some) -> Some:
    return Some(max(some.first, people.first), min(some.end, people.end))


def _framed(table: str) -> pl.DataFrame:
    """An empty frame of what rows of that table tell before the rest is worked out."""
    schema = {**TABLES[table].schema, "findings": pl.String()} if table == "events" else TABLES[table].schema
    placed = {"municipality", "county", "age", "age_in_year", "sex", "result"}
    return pl.DataFrame(schema={name: dtype for name, dtype in schema.items() if name not in placed})


def _limits(label: str) -> tuple[int, int]:
    """First age of a group and first after it: of 25-29, <20, 75+ or 50."""
    text = label.replace(" ", "").replace("–", "-")
    if text.startswith("<") and text[1:].isdecimal():
        return max(int(text[1:]) - _OPEN_END, 0), int(text[1:])
    if text.endswith("+") and text[:-1].isdecimal() and int(text[:-1]) <= _OLDEST:
        return int(text[:-1]), int(text[:-1]) + _OPEN_END
    low, _, high = text.partition("-")
    if low.isdecimal() and (high.isdecimal() or not high) and int(low) <= int(high or low) <= _OLDEST:
        return int(low), int(high or low) + 1
    raise Refused("unknown_age_group", f"{label!r} is no age group; write 25-29, <20 or 75+", age_group=label)


def area_codes() -> Sequence[str]:
    """Municipalities to stand for areas: those whose name no other has."""
    names = list(municipalities().values())
    return [number for number, name in municipalities().items() if names.count(name) == 1]


def event_log(funnel: PublishedFunnel) -> EventLog:
    """The funnel as data. Refuses more areas than there are places to stand for them, and strange ages, years, rounds."""
    if funnel.by == "area" and len(funnel.rows) > len(area_codes()):
        raise Refused(
            "too_many_areas", f"{funnel.file}: {len(funnel.rows)} areas; at most {len(area_codes())}"
        )
    for row in funnel.rows:
        if funnel.by in _NUMBERS and not _is_number(row.label, _NUMBERS[funnel.by]):
            first, last = _NUMBERS[funnel.by]
            message = f"{funnel.file}: {funnel.by} is {row.label!r}; expected a number from {first} to {last}"
            raise Refused("funnel_unreadable", message, file=funnel.file)
    years = sorted({int(row.label) for row in funnel.rows}) if funnel.by == "year" else [_USUAL_YEAR]
    return EventLog(funnel, _programme(funnel), years, date(years[-1] + _FOLLOW_UP_YEARS, 1, 1))


def _is_number(label: str, limits: tuple[int, int]) -> bool:
    return label.isdecimal() and limits[0] <= int(label) <= limits[1]


def _programme(funnel: PublishedFunnel) -> Programme:
    """A programme that leaves nobody out for her age, and groups ages as the file does."""
    return Programme(
        id=f"published-{funnel.cancer}",
        cancer=funnel.cancer,
        country="published",
        sexes=(Sex.FEMALE, Sex.MALE) if funnel.cancer == Cancer.COLORECTAL else (Sex.FEMALE,),
        ages=_ages(funnel.rows) if funnel.by == "age_group" else Ages(low=0, high=120),
        to=_TO[funnel.cancer],
        interval=_INTERVAL[funnel.cancer],
    )


def _ages(rows: Sequence[Row]) -> Ages:
    """Groups as the rows name them, with everybody younger or older where a row has no end."""
    closed = [_limits(row.label) for row in rows if not _open_ended(row.label)]
    ends = [_limits(row.label) for row in rows if _open_ended(row.label)]
    _refuse_overlap(closed)
    limits = sorted({age for group in closed for age in group})
    if not closed:
        limits = sorted(
            {high if row.label.startswith("<") else low for row, (low, high) in zip(rows, ends, strict=True)}
        )
    return Ages(low=limits[0], high=limits[-1], cuts=tuple(limits[1:-1]), others=bool(ends))


def _refuse_overlap(groups: Sequence[tuple[int, int]]) -> None:
    for (low, high), (following, _) in pairwise(sorted(groups)):
        if following < high:
            told = f"age groups {low}-{high - 1} and the one from {following} overlap; expected each age in one row"
            raise Refused("unknown_age_group", told, age_group=f"{low}-{high - 1}")


def _open_ended(label: str) -> bool:
    return label.startswith("<") or label.endswith("+")


def group_label(label: str) -> str:
    """A group of the file as our results name it."""
    if _open_ended(label):
        return label.replace(" ", "")
    low, high = _limits(label)
    return str(low) if high == low + 1 else f"{low}-{high - 1}"
