"""Who or what is counted: the units of a denominator, one row each."""

from datetime import date, timedelta

import polars as pl

from analytics.extract.shape import months
from analytics.indicators.facts import PLACE, Fact, Facts, fact, keyed
from analytics.indicators.happened.everywhere import ceased, owed_calls
from analytics.indicators.happened.screens import answered, valid_screens
from analytics.indicators.history import attendance_of
from analytics.indicators.model import Indicator, Units, Window
from analytics.indicators.moves import first_of_each, in_periods, last_day, last_row, of_age, told
from analytics.indicators.period import Length, Period, Periods
from analytics.indicators.programmes import Ages
from analytics.indicators.windows import inside_window
from screening.vocabulary import ObligationState, Sex

NO_ORGAN = ("no_cervix", "no_breast", "no_bowel")  # reasons for ceasing: there is nothing left to screen


def each(source: Fact) -> Units:
    """Every row of the fact that lies in the period, of people of the ages and sexes asked about."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        asked = ("each", source, of.ages, periods)
        return facts.once(
            asked, lambda: of_age(in_periods(source(facts), periods), of.ages, of.programme.sexes)
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
    parts = [
        of_age(living_on(facts, part.end - timedelta(days=1)), ages, ()).with_columns(
            part=pl.lit(number, pl.Int32)
        )
        for number, part in enumerate(periods.parts)
    ]
    return pl.concat(parts)


def residents_with_the_organ(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
    """Residents, but not those who had ceased by that day because there is nothing left to screen."""
    here = residents(facts, of, periods)
    without = ceased(facts).filter(pl.col("code").is_in(NO_ORGAN))
    return here.filter(last_day(here, without).is_null())


def residents_last_tested_otherwise(than: Fact) -> Units:
    """Residents whose last test with an answer was not one of these: those who are not under its interval."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        here = residents(facts, of, periods)
        last, other = last_day(here, answered(facts)), last_day(here, than(facts))
        return here.filter((last != other).fill_null(value=True))

    return units


def living_on(facts: Facts, day: date) -> pl.DataFrame:
    """Everybody of the programme's sexes who lives in the country that day; `date` is the day."""
    return facts.once(("living", day), lambda: _living_on(facts, day))


def _living_on(facts: Facts, day: date) -> pl.DataFrame:
    begun = homes(facts).filter(pl.col("since") <= day)
    latest = (pl.col("person") != pl.col("person").shift(-1)).fill_null(value=True)
    there = pl.col("until").is_null() | (pl.col("until") > day)
    return keyed(begun.filter(latest & there).select(*_as_of(day)))


@fact
def homes(facts: Facts) -> pl.DataFrame:
    """Where people of the programme's sexes lived, with the month and year of their birth as numbers."""
    lived = facts.bucket.residences
    if len(facts.programme.sexes) < len(Sex):
        lived = lived.filter(pl.col("sex").is_in([str(sex) for sex in facts.programme.sexes]))
    born = pl.col("born")
    return lived.with_columns(_year=born.dt.year(), _month=months(born)).drop("born").collect()


def _as_of(day: date) -> list[pl.Expr]:
    return [
        pl.col("person"),
        pl.lit(day).alias("date"),
        pl.col("municipality", "county", "sex"),
        ((day.year * 12 + day.month - pl.col("_month")) // 12).alias("age"),
        (day.year - pl.col("_year")).alias("age_in_year"),
    ]


def time_lived(cancers: Fact) -> Units:
    """Days lived in the country in each part of the period (`of`), and first cancers in it (`counted`); `bin`: age.

    Age is that in the middle of the part; a cancer counts at the age of its day.
    """

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        lived = [_lived(facts, number, part) for number, part in enumerate(periods.parts)]
        ill = in_periods(cancers(facts), periods).select("person", "part", "date", *PLACE, of=0, counted=1)
        every = pl.concat([*lived, ill], how="diagonal_relaxed").with_columns(bin=pl.col(of.ages.column))
        return of_age(every, of.ages, of.programme.sexes)

    return units


def _lived(facts: Facts, number: int, part: Period) -> pl.DataFrame:
    last = min(part.end, facts.data_cut)
    there = homes(facts).filter(
        pl.col("since") < last, pl.col("until").is_null() | (pl.col("until") > part.start)
    )
    first, end = pl.max_horizontal("since", pl.lit(part.start)), pl.min_horizontal("until", pl.lit(last))
    days = (end - first).dt.total_days()
    middle = part.start + (part.end - part.start) / 2
    return there.select(*_as_of(middle), of=days, counted=pl.lit(0), part=pl.lit(number, pl.Int32))


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
