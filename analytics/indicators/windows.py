"""The next outcome of each unit, and whether it lies inside an indicator's window."""

import polars as pl

from analytics.extract.shape import key
from analytics.indicators.facts import Fact, Facts
from analytics.indicators.model import Window
from analytics.indicators.moves import inside, last_day, next_day
from analytics.indicators.period import Length


def next_of(
    units: pl.DataFrame, facts: Facts, outcomes: Fact, *, same_day: bool = True, begin: Length | None = None
) -> pl.Series:
    """For each unit the day of the person's first outcome from its day on, or from `begin` after it."""
    asked = ("next", outcomes, same_day, begin)
    return facts.of_frame(
        units, asked, lambda: next_day(_begun(units, begin), outcomes(facts), same_day=same_day)
    )


def _begun(units: pl.DataFrame, begin: Length | None) -> pl.DataFrame:
    if begin is None:
        return units
    return units.select("person", date=pl.col("date").dt.offset_by(begin.offset)).with_columns(key=key())


def last_of(units: pl.DataFrame, facts: Facts, tests: Fact) -> pl.Series:
    """For each unit the day of the person's last test up to its day."""
    return facts.of_frame(units, ("last", tests), lambda: last_day(units, tests(facts)))


def inside_window(units: pl.DataFrame, facts: Facts, outcomes: Fact, window: Window) -> pl.Series:
    """For each unit, whether an outcome of the same person lies inside the window around its day."""
    found = next_of(units, facts, outcomes, same_day=window.same_day, begin=window.begin)
    return inside(units["date"], found, window.length)
