"""The few moves from which every count is made. Pure: lazy frames in, lazy frames out.

Frames of units hold one row per unit: `person`, `date` (the anchor) and what is known of it. "The next
outcome after the anchor" is found by sorting both together and filling backward, which is many times
faster than a join by nearest date; the rank in the sort says whether the same day counts.
"""

from collections.abc import Iterable

import polars as pl

from analytics.extract.dataset import Bucket
from analytics.extract.schema import UNKNOWN
from analytics.indicators.model import Ages, Window
from analytics.indicators.period import Period
from analytics.places import counties

_FOREVER = pl.lit("9999-12-31").str.to_date()


def in_period(frame: pl.LazyFrame, period: Period, column: str = "date") -> pl.LazyFrame:
    return frame.filter(pl.col(column) >= period.start, pl.col(column) < period.end)


def events_of(bucket: Bucket, programme: str, kinds: Iterable[str]) -> pl.LazyFrame:
    """Events of these kinds that concern the programme: its own, and those that concern every one."""
    return bucket.events.filter(pl.col("programme").is_in([programme, ""]), pl.col("kind").is_in(list(kinds)))


def age(born: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Completed years, counted from the first of the birth month.

    Months are widened first: polars keeps them in eight bits, where a product would wrap silently.
    """
    return (_months(on) - _months(born)) // 12


def _months(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def age_group(years: pl.Expr, ages: Ages) -> pl.Expr:
    """Groups such as 25-29, counted from the lowest age of the indicator; the last ends where it ends."""
    low = (years - ages.low) // ages.step * ages.step + ages.low
    high = pl.min_horizontal(low + ages.step - 1, pl.lit(ages.high - 1))
    return pl.format("{}-{}", low, high)


def women_of_age(units: pl.LazyFrame, bucket: Bucket, ages: Ages) -> pl.LazyFrame:
    """Units of women who are of these ages on the anchor, with `age_group`."""
    women = bucket.persons.filter(pl.col("sex") == "female").select("person", "born")
    years = age(pl.col("born"), pl.col("date"))
    return (
        units.join(women, on="person")
        .with_columns(_age=years)
        .filter(pl.col("_age") >= ages.low, pl.col("_age") < ages.high)
        .with_columns(age_group=age_group(pl.col("_age"), ages))
        .drop("born", "_age")
    )


def with_county(units: pl.LazyFrame, bucket: Bucket) -> pl.LazyFrame:
    """The county of residence on the anchor, by name; null where the person does not live in Norway then."""
    homes = bucket.residences.select(
        "person",
        date="since",
        _home="county",
        _until=pl.col("until").fill_null(_FOREVER),
        _who="person",
        _unit=pl.lit(value=False),
    )
    filled = (
        pl.concat([homes, units.with_columns(_unit=pl.lit(value=True))], how="diagonal")
        .sort("person", "date", "_unit", maintain_order=True)
        .with_columns(pl.col("_home", "_until", "_who").forward_fill())
        .filter("_unit")
    )
    there = (pl.col("_who") == pl.col("person")) & (pl.col("date") < pl.col("_until"))
    name = pl.col("_home").replace_strict(dict(counties()), default=UNKNOWN, return_dtype=pl.String)
    return filled.with_columns(county=pl.when(there).then(name)).drop("_home", "_until", "_who", "_unit")


def placed(units: pl.LazyFrame, bucket: Bucket, ages: Ages) -> pl.LazyFrame:
    """Women of these ages on the anchor, with age group and county (`unknown` where none was registered)."""
    women = with_county(women_of_age(units, bucket, ages), bucket)
    return women.with_columns(pl.col("county").fill_null(UNKNOWN))


def first_of_each(units: pl.LazyFrame, *ties: str) -> pl.LazyFrame:
    """The earliest unit of each person; `ties` order those of one day."""
    ordered = units.sort("person", "date", *ties, nulls_last=True, maintain_order=True)
    return ordered.unique(subset="person", keep="first", maintain_order=True)


def with_next(units: pl.LazyFrame, outcomes: pl.LazyFrame, window: Window, name: str) -> pl.LazyFrame:
    """Adds `name`: the day of the first outcome of the same person inside the window, else null."""
    unit_rank, outcome_rank = (0, 1) if window.same_day else (1, 0)
    marks = outcomes.select(
        "person",
        "date",
        _next="date",
        _who="person",
        _rank=pl.lit(outcome_rank, pl.Int8),
        _unit=pl.lit(value=False),
    )
    rows = units.with_columns(_rank=pl.lit(unit_rank, pl.Int8), _unit=pl.lit(value=True))
    filled = (
        pl.concat([rows, marks], how="diagonal")
        .sort("person", "date", "_rank", maintain_order=True)
        .with_columns(pl.col("_next", "_who").backward_fill())
        .filter("_unit")
    )
    last_day = pl.col("date").dt.offset_by(window.length.offset)
    inside = (pl.col("_who") == pl.col("person")) & (pl.col("_next") <= last_day)
    return filled.with_columns(pl.when(inside).then("_next").alias(name)).drop(
        "_next", "_who", "_rank", "_unit"
    )


def reached(units: pl.LazyFrame, outcomes: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """Adds `counted`: whether an outcome of the same person lies inside the window."""
    found = with_next(units, outcomes, window, "_found")
    return found.with_columns(counted=pl.col("_found").is_not_null()).drop("_found")
