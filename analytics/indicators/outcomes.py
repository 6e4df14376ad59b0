"""What is counted of each unit: reached within the window or not, found or not, how many days it took."""

import numpy as np
import polars as pl

from analytics.extract.shape import key
from analytics.indicators.facts import Fact, Facts
from analytics.indicators.happened.everywhere import exits
from analytics.indicators.history import round_of, screen_of
from analytics.indicators.measures import CENSORED, COMPETING, OUTCOME, Waiting
from analytics.indicators.model import Counted, Indicator
from analytics.indicators.moves import NEVER, Days, inside, next_day, number_between, numbers
from analytics.indicators.period import Length, Periods
from analytics.indicators.windows import inside_window, last_of, next_of


def reached(outcomes: Fact) -> Counted:
    """Whether an outcome of the same person lies inside the window."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        return units.with_columns(counted=inside_window(units, facts, outcomes, of.window))

    return counted


def repeated(tests: Fact) -> Counted:
    """Whether a test lies inside the window and after the unit was asked for (`opened_on`), so not the one that asked."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        begin = pl.col("date").dt.offset_by(of.window.begin.offset) if of.window.begin else pl.col("date")
        from_then = pl.max_horizontal(begin, pl.col("opened_on").dt.offset_by("1d"))
        asked = units.select("person", date=from_then).with_columns(key=key())
        return units.with_columns(
            counted=inside(units["date"], next_day(asked, tests(facts)), of.window.length)
        )

    return counted


def came_back(returns: Fact, sent: Fact) -> Counted:
    """Reached, and nothing else was sent in between: what comes back is the last that was sent."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        found = next_day(units, returns(facts))
        following = next_day(units, sent(facts), same_day=False)
        last = following.is_null() | (found <= following).fill_null(value=False)
        return units.with_columns(counted=inside(units["date"], found, of.window.length) & last)

    return counted


def flagged(what: str | pl.Expr) -> Counted:
    """What the unit itself says."""
    so = pl.col(what) if isinstance(what, str) else what

    def counted(units: pl.DataFrame, _facts: Facts, _of: Indicator, _periods: Periods) -> pl.DataFrame:
        return units.with_columns(counted=so.fill_null(value=False))

    return counted


def both(one: Counted, other: Counted) -> Counted:
    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        first = one(units, facts, of, periods)
        return other(units, facts, of, periods).with_columns(pl.col("counted") & first["counted"])

    return counted


def neither(one: Counted) -> Counted:
    """Counted where `one` does not count."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        return one(units, facts, of, periods).with_columns(~pl.col("counted"))

    return counted


def either(one: Counted, other: Counted) -> Counted:
    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        first = one(units, facts, of, periods)
        return other(units, facts, of, periods).with_columns(pl.col("counted") | first["counted"])

    return counted


def at_age(what: Counted) -> Counted:
    """Adds the age as `bin`, for standardised figures."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        return what(units, facts, of, periods).with_columns(bin=pl.col(of.ages.column))

    return counted


def covered_by(tests: Fact, back: Length | None = None) -> Counted:
    """Whether the person's last test before the end of the period lies in the window that looks back from it.

    The window (or `back`, where it is another) is date arithmetic from the first day after the period:
    5.5 years to the end of 2025 begin on 1 July 2020.
    """

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        since = since_of(units, back or of.window.length, periods)
        return units.with_columns(counted=pl.Series(last_of(units, facts, tests) >= since))

    return counted


def covered_by_age(tests: Fact, *, from_age: int, back: Length) -> Counted:
    """As `covered_by`, with another window from an age on."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        older = units[of.ages.column].to_numpy() >= from_age
        windows = (since_of(units, length, periods) for length in (back, of.window.length))
        return units.with_columns(
            counted=pl.Series(last_of(units, facts, tests) >= np.where(older, *windows))
        )

    return counted


def since_of(units: pl.DataFrame, back: Length, periods: Periods) -> Days:
    """For each unit the first day of the window that looks back from the end of its part of the period."""
    first = pl.Series([back.after(part.end) for part in periods.parts], dtype=pl.Date)
    return numbers(first).take(units["part"].to_numpy())


def ever(tests: Fact) -> Counted:
    """Whether there was a test on the anchor day or any day before it."""

    def counted(units: pl.DataFrame, facts: Facts, _of: Indicator, _periods: Periods) -> pl.DataFrame:
        return units.with_columns(counted=pl.Series(last_of(units, facts, tests) > -NEVER))

    return counted


def number_of(tests: Fact, *, among_tested: bool = False) -> Counted:
    """How many tests lie in the window that looks back from the end of the period, as `bin`.

    `among_tested`: people without any are no units.
    """

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        asked = ("number", tests, of.window.length)
        number = facts.of_frame(
            units, asked, lambda: _number(units, tests(facts), since_of(units, of.window.length, periods))
        )
        told = units.with_columns(bin=number, counted=pl.lit(value=True))
        return told.filter(pl.col("bin") > 0) if among_tested else told

    return counted


def _number(units: pl.DataFrame, tests: pl.DataFrame, since: Days) -> pl.Series:
    return pl.Series(number_between(units, tests, since, numbers(units["date"]) + 1))


def waited_for(outcomes: Fact, ruled_out_by: Fact = exits) -> Counted:
    """How many days until the outcome, until something ruled it out, or until the data end; for `Waiting`.

    Days after the one that is asked about are one day: nothing later matters.
    """

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        latest = of.measure.day + 1 if isinstance(of.measure, Waiting) else of.window.length.days
        days = {
            OUTCOME: _days(units, next_of(units, facts, outcomes)),
            COMPETING: _days(units, next_of(units, facts, ruled_out_by)),
            CENSORED: units.select((pl.lit(facts.data_cut) - pl.col("date")).dt.total_days()).to_series(),
        }
        first = pl.min_horizontal(*days.values(), pl.lit(latest))
        seen = (days[OUTCOME] == first).fill_null(value=False)
        end = pl.when(seen).then(OUTCOME).when(days[COMPETING] == first).then(COMPETING).otherwise(CENSORED)
        return units.with_columns(counted=seen, bin=4 * first + end)

    return counted


def days_until(outcomes: Fact) -> Counted:
    """Days to the outcome, of those who reached it inside the window; the others are no units of a median."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        found = next_of(units, facts, outcomes, same_day=of.window.same_day)
        days, in_time = _days(units, found), inside(units["date"], found, of.window.length)
        return units.with_columns(bin=days, counted=in_time).filter("counted")

    return counted


def _days(units: pl.DataFrame, found: pl.Series) -> pl.Series:
    return (found - units["date"]).dt.total_days()


def interval_cancer(*, kinds: tuple[str, ...] = ()) -> Counted:
    """Whether a cancer came inside the window, between a screen that found none and the next; of these kinds, or any."""

    def counted(units: pl.DataFrame, _facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
        came = inside(units["date"], units["interval_on"], of.window.length)
        of_kind = units["interval_kind"].is_in(list(kinds)) if kinds else units["interval_on"].is_not_null()
        return units.with_columns(counted=came & of_kind.fill_null(value=False))

    return counted


def at_risk(units: pl.DataFrame, facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
    """Days at risk of an interval cancer inside the window, as `of`; counted where one ended them.

    From the screen (or where the window begins) to the cancer, the next screen, death, emigration, the end
    of the window or of the data, whichever comes first. What came on the day the window begins, where that is
    not the screen's, belongs to the window before.
    """
    begin = of.window.begin.offset if of.window.begin else "0d"
    first, limit = pl.col("date").dt.offset_by(begin), pl.col("date").dt.offset_by(of.window.length.offset)
    leaving = next_of(units, facts, exits)
    end = pl.min_horizontal("interval_on", "next_on", leaving, limit, pl.lit(facts.data_cut))
    told = units.with_columns(_first=first, _end=end).filter(
        pl.col("_end") > pl.col("_first") if of.window.begin else pl.col("_end") >= pl.col("_first")
    )
    came = (pl.col("interval_on") == pl.col("_end")).fill_null(value=False)
    return told.with_columns(of=(pl.col("_end") - pl.col("_first")).dt.total_days(), counted=came)


def but_not(kind: str, what: Counted) -> Counted:
    """Counted, unless the interval cancer was of that kind; it ends the time at risk all the same."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        other = (pl.col("interval_kind") != kind).fill_null(value=True)
        return what(units, facts, of, periods).with_columns(pl.col("counted") & other)

    return counted


def within_of_the_last(units: pl.DataFrame, _facts: Facts, of: Indicator, _periods: Periods) -> pl.DataFrame:
    """Whether the unit came inside the window after what it follows (`since`)."""
    return units.with_columns(counted=inside(units["since"], units["date"], of.window.length))


def counted_before(units: pl.DataFrame, _facts: Facts, _of: Indicator, _periods: Periods) -> pl.DataFrame:
    """What the units came with."""
    return units


def counted_in_rounds(what: Counted) -> Counted:
    """Adds the number of the person's screen as `bin`."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        told = what(units, facts, of, periods)
        return told.with_columns(bin=round_of(told, facts))

    return counted


def at_age_and_screen(what: Counted) -> Counted:
    """Adds 2 * age, plus one for a subsequent screen, as `bin`."""

    def counted(units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods) -> pl.DataFrame:
        told = what(units, facts, of, periods)
        return told.with_columns(bin=2 * pl.col("age").cast(pl.Int32) + screen_of(told, facts))

    return counted
