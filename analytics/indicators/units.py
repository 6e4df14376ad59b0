"""Who or what is counted: the units of a denominator, one row each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.extract.shape import key, months
from analytics.indicators.facts import PLACE, Fact, Facts
from analytics.indicators.happened.everywhere import organ_gone, owed_calls, reinstated
from analytics.indicators.happened.screens import answered, valid_screens
from analytics.indicators.happened.telling import tellings
from analytics.indicators.history import attendance_of
from analytics.indicators.model import Indicator, Units, Window
from analytics.indicators.moves import aged, first_of_each, in_periods, inside, last_day, last_row, told
from analytics.indicators.period import Length, Period, Periods
from analytics.indicators.programmes import Ages
from analytics.indicators.windows import inside_window
from screening.vocabulary import ObligationState, Sex

Numbers = npt.NDArray[np.int32]
_FAR = 1 << 30  # a day number that never comes


def each(source: Fact) -> Units:
    """Every row of the fact that lies in the period, of people of the ages and sexes asked about."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        asked = ("each", source, of.ages, periods)
        return facts.once(
            asked, lambda: in_periods(source(facts), periods, aged(of.ages, of.programme.sexes))
        )

    return units


def first(source: Fact) -> Units:
    """Persons with at least one row in the period, from their first."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        asked = ("first", source, of.ages, periods)
        return facts.once(asked, lambda: first_of_each(each(source)(facts, of, periods)))

    return units


def that(source: Fact, condition: pl.Expr) -> Fact:
    """Those rows of the fact for which the condition holds."""

    def chosen(facts: Facts) -> pl.DataFrame:
        return source(facts).filter(condition)

    return chosen


def first_reaching(source: Fact, outcomes: Fact, within: Length | None = None) -> Units:
    """Persons from their first row in the period, of whom an outcome lies inside the window, or `within`."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        found = first(source)(facts, of, periods)
        window = of.window if within is None else Window(length=within)
        return found.filter(inside_window(found, facts, outcomes, window))

    return units


# -- people who live here ---------------------------------------------------------------------------


def residents(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
    """People of the target ages living in the country on the last day of each part of the period."""
    asked = ("residents", of.ages, periods)
    return facts.once(asked, lambda: _residents(facts, of.ages, periods))


def _residents(facts: Facts, ages: Ages, periods: Periods) -> pl.DataFrame:
    lived = homes(facts)
    days = [part.end - timedelta(days=1) for part in periods.parts]
    there = np.column_stack([lived.on(day) & lived.of_ages(ages, day) for day in days])
    return _as_of(days, there, lived).with_columns(key=key())


def residents_with_the_organ(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
    """Residents, but not those of whom nothing was left to screen by that day, and who were not reinstated since."""
    here = residents(facts, of, periods)
    gone, back = last_day(here, organ_gone(facts)), last_day(here, reinstated(facts))
    return here.filter(gone.is_null() | (back > gone).fill_null(value=False))


def residents_last_tested_otherwise(than: Fact) -> Units:
    """Residents whose last test with an answer was not one of these: those who are not under its interval."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        here = residents(facts, of, periods)
        last, other = last_day(here, answered(facts)), last_day(here, than(facts))
        return here.filter((last != other).fill_null(value=True))

    return units


@dataclass(frozen=True, slots=True)
class Homes:
    """Where people of the programme's sexes lived: one row per person and home, as whole columns of day numbers.

    `until`: first day no longer there; `following`: day the person's next home began; both far off where
    there is none.
    """

    frame: pl.DataFrame
    since: Numbers
    until: Numbers
    following: Numbers
    year: Numbers
    month: Numbers  # of birth, counted on from year 0

    def on(self, day: date) -> npt.NDArray[np.bool_]:
        """Which of these are where the person lives that day."""
        number = _number(day)
        return (self.since <= number) & (self.following > number) & (self.until > number)

    def of_ages(self, ages: Ages, day: date) -> npt.NDArray[np.bool_]:
        """Which of these are of those ages that day."""
        if ages.others:
            return np.ones(len(self.since), dtype=bool)
        age = self.age(day) if ages.column == "age" else self.age_in_year(day)
        return (age >= ages.low) & (age < ages.high)

    def days_in(self, part: Period, data_cut: date) -> Numbers:
        """How many days of that part of the period the person lived in each; 0 or less: none."""
        end = np.minimum(self.until, _number(min(part.end, data_cut)))
        return end - np.maximum(self.since, _number(part.start))

    def age(self, day: date) -> Numbers:
        return (day.year * 12 + day.month - self.month) // 12

    def age_in_year(self, day: date) -> Numbers:
        return day.year - self.year


def homes(facts: Facts) -> Homes:
    return facts.once("homes", lambda: _homes(facts))


def _homes(facts: Facts) -> Homes:
    lived = facts.bucket.residences
    if len(facts.programme.sexes) < len(Sex):
        lived = lived.filter(pl.col("sex").is_in([str(sex) for sex in facts.programme.sexes]))
    born = pl.col("born")
    told_ = lived.with_columns(_year=born.dt.year(), _month=months(born)).collect()
    since = told_["since"].to_physical().to_numpy()
    until = told_["until"].to_physical().fill_null(_FAR).to_numpy()
    person = told_["person"].to_numpy()
    following = np.append(np.where(person[1:] == person[:-1], since[1:], _FAR), _FAR)[: len(person)]
    return Homes(
        told_.select("person", "municipality", "county", "sex"),
        since, until, following.astype(np.int32), told_["_year"].to_numpy(), told_["_month"].to_numpy(),
    )  # fmt: skip


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _as_of(days: Sequence[date], there: npt.NDArray[np.bool_], lived: Homes) -> pl.DataFrame:
    """Homes told of the person as of those days on which they are `there` (a row each, a column per day: `part`)."""
    found = np.flatnonzero(there)
    row = found // len(days)
    part = found - row * len(days)
    told_ = pl.DataFrame({"date": days}).select(
        "date", _year=pl.col("date").dt.year(), _month=months(pl.col("date"))
    )
    day, year, month = (told_[name].to_physical().to_numpy().take(part) for name in told_.columns)
    return lived.frame[row].with_columns(
        date=pl.Series(day).cast(pl.Date),
        age=pl.Series((month - lived.month.take(row)) // 12),
        age_in_year=pl.Series(year - lived.year.take(row)),
        part=pl.Series(part.astype(np.int32)),
    )


def time_lived(cancers: Fact) -> Units:
    """Days lived in the country in each part of the period (`of`), and first cancers in it (`counted`); `bin`: age.

    Age is that in the middle of the part; a cancer counts at the age of its day.
    """

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        lived = _time_lived(facts, of.ages, periods)
        found = in_periods(cancers(facts), periods, aged(of.ages, of.programme.sexes))
        ill = found.select("person", "part", "date", *PLACE, of=0, counted=1)
        together = pl.concat([lived, ill.select(lived.columns)], how="vertical_relaxed")
        return together.with_columns(bin=pl.col(of.ages.column))

    return units


def _time_lived(facts: Facts, ages: Ages, periods: Periods) -> pl.DataFrame:
    lived = homes(facts)
    middles = [part.start + (part.end - part.start) / 2 for part in periods.parts]
    days = np.column_stack([lived.days_in(part, facts.data_cut) for part in periods.parts])
    there = np.column_stack([lived.of_ages(ages, middle) for middle in middles]) & (days > 0)
    return _as_of(middles, there, lived).with_columns(of=pl.Series(days[there]), counted=pl.lit(0))


# -- people who were called or owed something ------------------------------------------------------------


def calls_due(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
    """Persons owed a letter or kit that fell due in the period, from the first; with `in_time`.

    What was withdrawn inside the window (tested, moved, reserved, died) was not owed any longer; what was
    withdrawn later had already been missed and stays.
    """
    return first_of_each(each(_owed_within(of.window.length))(facts, of, periods))


def _owed_within(length: Length) -> Fact:
    def still_owed(facts: Facts) -> pl.DataFrame:
        in_time = (pl.col("evidence_on") <= last_of(length)).fill_null(value=False)
        kept = owed_calls(facts).filter(~withdrawn_within(length)).with_columns(in_time=in_time)
        return kept.sort("key", "in_time")  # of several due on one day, the one that was missed

    return still_owed


def last_of(length: Length) -> pl.Expr:
    return pl.col("date").dt.offset_by(length.offset)


def withdrawn_within(length: Length) -> pl.Expr:
    """Whether what was owed had ceased to be so before it was late by `length`."""
    late = (pl.col("closed_on") <= last_of(length)).fill_null(value=False)
    return (pl.col("state") == ObligationState.WITHDRAWN.value) & late


def called_again_after_attending(sent: Fact) -> Units:
    """Persons called in the period, from the first call, who were tested after the call before that."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        called = first(sent)(facts, of, periods)
        return called.filter(attendance_of(called, facts) == 1)

    return units


def called_again_after_a_screen(sent: Fact) -> Units:
    """Persons called in the period, from the first call, who had been screened before; `since` is the day of that."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        called = first(sent)(facts, of, periods)
        known = valid_screens(facts)
        since = told(known, last_row(called, known, same_day=False))
        return called.with_columns(since=since).filter(pl.col("since").is_not_null())

    return units


def repeats_owed(due: Fact) -> Units:
    """What fell due in the period and was still owed when the window ended, or was fulfilled."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        return each(that(due, ~withdrawn_within(of.window.length)))(facts, of, periods)

    return units


def results_to_tell(tests: Fact) -> Units:
    """Tests of the period whose result the programme told the person, or was to tell; with `in_time`: inside the window.

    What was withdrawn inside the window (she died, moved abroad or reserved herself, or the result was corrected) was
    not owed any longer; what was withdrawn later had already been missed and stays.
    """

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        about = tellings(facts)
        in_time, withdrawn = (_inside(about, day, of.window.length) for day in ("told_on", "withdrawn_on"))
        owed_ = about.with_columns(in_time=in_time).filter(~withdrawn)
        by_test = owed_.group_by("key").agg(pl.col("in_time").any())
        return each(tests)(facts, of, periods).join(by_test, on="key", maintain_order="left")

    return units


def _inside(units: pl.DataFrame, day: str, length: Length) -> pl.Series:
    """Whether that day lies in the window that begins with the unit's."""
    begun = (units[day] >= units["date"]).fill_null(value=False)
    return begun & inside(units["date"], units[day], length)
