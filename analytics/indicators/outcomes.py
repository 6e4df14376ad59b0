"""What is counted of each unit: reached within the window or not, found or not, how many days it took."""

import polars as pl

from analytics.indicators.facts import Fact, Facts
from analytics.indicators.measures import CENSORED, COMPETING, OUTCOME, Waiting
from analytics.indicators.model import Counted, Indicator
from analytics.indicators.moves import inside, last_day, next_day
from analytics.indicators.period import Periods


def reached(outcomes: Fact) -> Counted:
    """Whether an outcome of the same person lies inside the window."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        found = next_day(units, outcomes(facts), same_day=of.window.same_day)
        return units.with_columns(counted=inside(units["date"], found, of.window.length))

    return counted


def flagged(column: str, *, is_so: bool = True) -> Counted:
    """What the unit itself says."""

    def counted(units: pl.DataFrame, _facts: Facts, _of: Indicator, _periods: Periods) -> pl.DataFrame:
        return units.with_columns(counted=pl.col(column) == is_so)

    return counted


def covered_by(tests: Fact) -> Counted:
    """Whether the person's last test before the end of the period lies in the window that looks back from it.

    The window is date arithmetic from the first day after the period: 5.5 years to the end of 2025
    begin on 1 July 2020.
    """

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        since = pl.Series([of.window.length.after(part.end) for part in periods.parts])
        last = last_day(units, tests(facts))
        return units.with_columns(counted=(last >= since.gather(units["part"])).fill_null(value=False))

    return counted


def waited_for(outcomes: Fact, ruled_out_by: Fact) -> Counted:
    """How many days until the outcome, until something ruled it out, or until the data end; for `Waiting`.

    Days after the one that is asked about are one day: nothing later matters.
    """

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        latest = of.measure.day + 1 if isinstance(of.measure, Waiting) else of.window.length.days
        days = {
            OUTCOME: _days(units, next_day(units, outcomes(facts))),
            COMPETING: _days(units, next_day(units, ruled_out_by(facts))),
            CENSORED: (pl.lit(facts.data_cut) - pl.col("date")).dt.total_days(),
        }
        first = pl.min_horizontal(*days.values(), pl.lit(latest))
        end = pl.when(days[OUTCOME] == first).then(OUTCOME).when(days[COMPETING] == first).then(COMPETING)
        return units.with_columns(
            counted=(days[OUTCOME] == first).fill_null(value=False), bin=4 * first + end.otherwise(CENSORED)
        )

    return counted


def days_until(outcomes: Fact) -> Counted:
    """Days to the outcome, of those who reached it inside the window; the others are no units of a median."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        found = next_day(units, outcomes(facts), same_day=of.window.same_day)
        seen = units.with_columns(bin=_days(units, found), _in=inside(units["date"], found, of.window.length))
        return seen.filter("_in").with_columns(counted=pl.lit(value=True)).drop("_in")

    return counted


def _days(units: pl.DataFrame, found: pl.Series) -> pl.Series:
    return (found - units["date"]).dt.total_days()
