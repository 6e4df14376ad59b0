"""The few moves from which every count is made. Pure: frames in, frames out.

Frames of units hold one row per unit, sorted by `key`: `person`, `date` (the anchor) and what is known
of it. "The next outcome after the anchor" is a look-up of one sorted column of keys in another, which is
fifty times faster than a join by nearest date in groups.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.extract.shape import BEFORE_1970, DAYS
from analytics.indicators.period import Length, Periods
from analytics.indicators.programmes import Ages
from screening.vocabulary import Sex

Keys = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]  # day numbers, counted from 1970
NEVER = 1 << 29  # stands for a day that does not come; its negative for one that never was
_ANYBODY = pl.lit(value=True)


def in_periods(units: pl.DataFrame, periods: Periods, of: pl.Expr = _ANYBODY) -> pl.DataFrame:
    """Units whose anchor lies in the period, with the number of its part as `part`; only those of whom `of` holds."""
    whole = periods.whole
    inside = units.filter(of & pl.col("date").is_between(whole.start, whole.end, closed="left"))
    return inside.with_columns(part=pl.Series(periods.part_of(numbers(inside["date"]))))


def of_age(units: pl.DataFrame, ages: Ages, sexes: Sequence[Sex]) -> pl.DataFrame:
    """Units of people of these ages on the anchor, and of these sexes (none named: of any)."""
    return units.filter(aged(ages, sexes))


def aged(ages: Ages, sexes: Sequence[Sex]) -> pl.Expr:
    """Whether a unit's person is of these ages on the anchor, and of these sexes (none named: of any)."""
    wanted = _ANYBODY
    if not ages.others:
        wanted = pl.col(ages.column).is_between(ages.low, ages.high, closed="left")
    if 0 < len(sexes) < len(Sex):
        wanted = wanted & pl.col("sex").is_in([str(sex) for sex in sexes])
    return wanted


def first_of_each(units: pl.DataFrame) -> pl.DataFrame:
    """The earliest unit of each person in each part of the period."""
    same = (pl.col("person") == pl.col("person").shift(1)) & (pl.col("part") == pl.col("part").shift(1))
    return units.filter(~same.fill_null(value=False))


def next_row(units: pl.DataFrame, outcomes: pl.DataFrame, *, same_day: bool) -> Keys:
    """For each unit the row of the first outcome of the same person after its day, -1 where there is none.

    `same_day`: an outcome on the day itself counts.
    """
    wanted, known = units["key"].to_numpy(), outcomes["key"].to_numpy()
    row = np.searchsorted(known, wanted, side="left" if same_day else "right")
    return _of_same_person(row, wanted, known)


def last_row(units: pl.DataFrame, outcomes: pl.DataFrame, *, same_day: bool) -> Keys:
    """For each unit the row of the last outcome of the same person before its day, -1 where there is none."""
    wanted, known = units["key"].to_numpy(), outcomes["key"].to_numpy()
    row = np.searchsorted(known, wanted, side="right" if same_day else "left") - 1
    return _of_same_person(row, wanted, known)


def _of_same_person(row: Keys, wanted: Keys, known: Keys) -> Keys:
    if len(known) == 0:
        return np.full(len(wanted), -1)
    found = known.take(row, mode="clip")  # a row before the first or after the last is nobody's or not hers
    return np.where(_same_person(found, wanted) & (row >= 0) & (row < len(known)), row, -1)


def _same_person(one: Keys, other: Keys) -> npt.NDArray[np.bool_]:
    """Where two keys differ in the day alone."""
    return (one ^ other) < DAYS


def next_number(units: pl.DataFrame, outcomes: pl.DataFrame, *, same_day: bool = True) -> Days:
    """For each unit the day of the first outcome of the same person after its day; NEVER where there is none."""
    wanted, known = units["key"].to_numpy(), outcomes["key"].to_numpy()
    row = np.searchsorted(known, wanted, side="left" if same_day else "right")
    return _day_of_same_person(row, wanted, known, row < len(known), NEVER)


def last_number(units: pl.DataFrame, outcomes: pl.DataFrame, *, same_day: bool = True) -> Days:
    """For each unit the day of the last outcome of the same person before its day; -NEVER where there is none."""
    wanted, known = units["key"].to_numpy(), outcomes["key"].to_numpy()
    row = np.searchsorted(known, wanted, side="right" if same_day else "left") - 1
    return _day_of_same_person(row, wanted, known, row >= 0, -NEVER)


def _day_of_same_person(
    row: Keys, wanted: Keys, known: Keys, there: npt.NDArray[np.bool_], otherwise: int
) -> Days:
    """The day that the key of that row tells, where it is of the same person."""
    if len(known) == 0:
        return np.full(len(wanted), otherwise, dtype=np.int32)
    found = known.take(row, mode="clip")
    day = (found & (DAYS - 1)) - BEFORE_1970
    return np.where(_same_person(found, wanted) & there, day, otherwise).astype(np.int32)


def numbers(days: pl.Series, otherwise: int = NEVER) -> Days:
    """Days as numbers; `otherwise` where there is none."""
    return (
        days.to_physical().fill_null(otherwise).to_numpy()
        if days.null_count()
        else days.to_physical().to_numpy()
    )


def days_of(numbers: Days) -> pl.Series:
    """Numbers as days; null where there is none."""
    known = pl.Series("date", numbers).cast(pl.Date)
    return where(pl.Series(np.abs(numbers) < NEVER), known)


def told(outcomes: pl.DataFrame, rows: Keys, column: str = "date") -> pl.Series:
    """That column of these rows; null where the row is -1."""
    if outcomes.height == 0:
        return pl.Series(column, [None] * len(rows), dtype=outcomes.schema[column])
    gathered = outcomes[column].gather(np.maximum(rows, 0))
    return where(pl.Series(rows >= 0), gathered).alias(column)


def where(so: pl.Series, value: pl.Series) -> pl.Series:
    """The value where it is so, else null."""
    return value.zip_with(so.fill_null(value=False), pl.Series([None], dtype=value.dtype))


def next_day(units: pl.DataFrame, outcomes: pl.DataFrame, *, same_day: bool = True) -> pl.Series:
    return days_of(next_number(units, outcomes, same_day=same_day))


def last_day(units: pl.DataFrame, outcomes: pl.DataFrame, *, same_day: bool = True) -> pl.Series:
    return days_of(last_number(units, outcomes, same_day=same_day))


def number_between(units: pl.DataFrame, outcomes: pl.DataFrame, since: Days, until: Days) -> Keys:
    """How many outcomes of the same person lie on `since` or after and before `until`."""
    known = outcomes["key"].to_numpy()
    none = units["person"].to_numpy().astype(np.int64) * DAYS + BEFORE_1970
    return np.searchsorted(known, none + until) - np.searchsorted(known, none + since)


def inside(start: pl.Series, end: pl.Series, length: Length) -> pl.Series:
    """Whether each `end` lies no later than `length` after its `start`; not, where either is missing."""
    return no_later(numbers(start, -NEVER), numbers(end), length)


def no_later(start: Days, end: Days, length: Length) -> pl.Series:
    """As `inside`, of numbers.

    Months are reckoned by the calendar only where counting days leaves it open.
    """
    if length.weekdays:
        days = _weekdays_between(days_of(start), days_of(end))
        return days.is_between(0, length.weekdays).fill_null(value=False)
    days = end - start
    surely, possibly = sorted(days_ * length.months + length.days for days_ in (28, 31))
    found = days <= surely
    rows = np.flatnonzero((days > surely) & (days <= possibly))
    if len(rows):
        limits = pl.Series(start[rows]).cast(pl.Date).dt.offset_by(length.offset)
        found[rows] = end[rows] <= numbers(limits)
    return pl.Series(found)


def _weekdays_between(start: pl.Series, end: pl.Series) -> pl.Series:
    """Mondays to Fridays from the day after `start` to `end`; public holidays are not known here and count."""
    told_ = pl.DataFrame({"start": start, "end": end})
    return told_.select(
        pl.business_day_count(pl.col("start").dt.offset_by("1d"), pl.col("end").dt.offset_by("1d"))
    ).to_series()
