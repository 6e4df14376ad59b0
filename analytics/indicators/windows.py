"""The next outcome of each unit, and whether it lies inside an indicator's window."""

import polars as pl

from analytics.extract.shape import key
from analytics.indicators.facts import Fact, Facts
from analytics.indicators.model import Window
from analytics.indicators.moves import Days, days_of, last_number, next_number, no_later, numbers
from analytics.indicators.period import Length


def next_of(units: pl.DataFrame, facts: Facts, outcomes: Fact, *, same_day: bool = True) -> pl.Series:
    """For each unit the day of the person's first outcome from its day on; null where there is none."""
    return days_of(_next(units, facts, outcomes, same_day=same_day))


def _next(
    units: pl.DataFrame, facts: Facts, outcomes: Fact, *, same_day: bool = True, begin: Length | None = None
) -> Days:
    """As numbers, from each unit's day on, or from `begin` after it."""
    asked = ("next", outcomes, same_day, begin)
    return facts.of_frame(
        units, asked, lambda: next_number(_begun(units, begin), outcomes(facts), same_day=same_day)
    )


def _begun(units: pl.DataFrame, begin: Length | None) -> pl.DataFrame:
    if begin is None:
        return units
    return units.select("person", date=pl.col("date").dt.offset_by(begin.offset)).with_columns(key=key())


def last_of(units: pl.DataFrame, facts: Facts, tests: Fact) -> Days:
    """For each unit the number of the day of the person's last test up to its day; -NEVER where there is none."""
    return facts.of_frame(units, ("last", tests), lambda: last_number(units, tests(facts)))


def inside_window(units: pl.DataFrame, facts: Facts, outcomes: Fact, window: Window) -> pl.Series:
    """For each unit, whether an outcome of the same person lies inside the window around its day."""
    found = _next(units, facts, outcomes, same_day=window.same_day, begin=window.begin)
    return no_later(numbers(units["date"]), found, window.length)
