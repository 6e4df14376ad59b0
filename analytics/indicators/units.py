"""Who or what is counted: the units of a denominator, one row each."""

from datetime import date, timedelta

import polars as pl

from analytics.extract.shape import age
from analytics.indicators.facts import Fact, Facts, keyed
from analytics.indicators.happened.everywhere import owed_calls
from analytics.indicators.model import Indicator, Units
from analytics.indicators.moves import first_of_each, in_periods, of_age
from analytics.indicators.period import Length, Periods
from screening.vocabulary import ObligationState


def each(source: Fact) -> Units:
    """Every row of the fact that lies in the period, of people of the ages and sexes asked about."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        return of_age(in_periods(source(facts), periods), of.ages, of.programme.sexes)

    return units


def first(source: Fact) -> Units:
    """Persons with at least one row in the period, from their first."""

    def units(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        return first_of_each(each(source)(facts, of, periods))

    return units


def residents(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
    """People of the target ages living in the country on the last day of each part of the period."""
    parts = [
        living_on(facts, part.end - timedelta(days=1)).with_columns(part=pl.lit(number, pl.Int32))
        for number, part in enumerate(periods.parts)
    ]
    return of_age(pl.concat(parts), of.ages, of.programme.sexes)


def living_on(facts: Facts, day: date) -> pl.DataFrame:
    """Everybody who lives in the country that day, with the age then; `date` is the day."""
    return facts.once(("living", day), lambda: _living_on(facts, day))


def _living_on(facts: Facts, day: date) -> pl.DataFrame:
    begun = facts.bucket.residences.filter(pl.col("since") <= day).collect()
    latest = begun.filter((pl.col("person") != pl.col("person").shift(-1)).fill_null(value=True))
    there = latest.filter(pl.col("until").is_null() | (pl.col("until") > day))
    born, on = pl.col("born"), pl.lit(day)
    return keyed(
        there.select(
            "person",
            "municipality",
            "county",
            "sex",
            date=on,
            age=age(born, on),
            age_in_year=day.year - born.dt.year(),
        )
    )


def calls_due(facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
    """Persons owed a letter or kit that fell due in the period, from the first; with `in_time`.

    What was withdrawn inside the window (tested, moved, reserved, died) was not owed any longer; what was
    withdrawn later had already been missed and stays.
    """
    return first_of_each(each(_owed_within(of.window.length))(facts, of, periods))


def _owed_within(length: Length) -> Fact:
    def still_owed(facts: Facts) -> pl.DataFrame:
        last_day = pl.col("date").dt.offset_by(length.offset)
        withdrawn = (pl.col("state") == ObligationState.WITHDRAWN.value) & (pl.col("closed_on") <= last_day)
        in_time = (pl.col("evidence_on") <= last_day).fill_null(value=False)
        kept = owed_calls(facts).filter(~withdrawn).with_columns(in_time=in_time)
        return kept.sort("key", "in_time")  # of several due on one day, the one that was missed

    return still_owed
