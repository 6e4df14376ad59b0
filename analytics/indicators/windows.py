"""Whether an outcome lies inside an indicator's window."""

import polars as pl

from analytics.extract.shape import key
from analytics.indicators.model import Window
from analytics.indicators.moves import inside, next_day


def inside_window(units: pl.DataFrame, outcomes: pl.DataFrame, window: Window) -> pl.Series:
    """For each unit, whether an outcome of the same person lies inside the window around its day."""
    begun = units
    if window.begin is not None:
        begun = units.select("person", date=pl.col("date").dt.offset_by(window.begin.offset)).with_columns(
            key=key()
        )
    return inside(units["date"], next_day(begun, outcomes, same_day=window.same_day), window.length)
