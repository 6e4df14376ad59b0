"""What a person had behind her on the anchor day: earlier screens, and how she answered the call before."""

import numpy as np
import polars as pl

from analytics.extract.shape import DAYS, key
from analytics.indicators.facts import Facts
from analytics.indicators.happened.calling import calls
from analytics.indicators.happened.screens import answered, valid_screens
from analytics.indicators.moves import Keys, last_row, next_day, number_before, told
from analytics.indicators.period import Length

ROUNDS = 10  # the last stands for itself and all after it
LAPSE = Length(months=60)  # a screen longer after the one before is as an initial one
SCREENS = ("initial", "subsequent")
ATTENDANCE = ("first call", "attended before", "did not attend before")


def at_the_screen(units: pl.DataFrame) -> pl.DataFrame:
    """The units on the day of the screen they followed from (`screened_on`), where that is not their own day."""
    if "screened_on" not in units.columns:
        return units
    return units.select("person", date="screened_on").with_columns(key=key())


def round_of(units: pl.DataFrame, facts: Facts) -> pl.Series:
    """1 + how many screens with an answer the person had before that screen, at most ROUNDS."""
    known, units = valid_screens(facts), at_the_screen(units)
    nothing_yet = units["person"].cast(pl.Int64) * DAYS
    before = number_before(units["key"], known) - number_before(nothing_yet, known)
    return pl.Series(np.minimum(before + 1, ROUNDS))


def screen_of(units: pl.DataFrame, facts: Facts) -> pl.Series:
    """0 for an initial screen, 1 for a subsequent one: LAPSE or less after one with an answer."""
    known, units = valid_screens(facts), at_the_screen(units)
    last = told(known, last_row(units, known, same_day=False))
    return (last >= units["date"].dt.offset_by(f"-{LAPSE.offset}")).fill_null(value=False).cast(pl.Int32)


def attendance_of(units: pl.DataFrame, facts: Facts) -> pl.Series:
    """Place in ATTENDANCE: whether there was a call before the one the unit belongs to, and a test between the two.

    A test on the day of a call answers that call, so it is none of the call before.
    """
    sent = calls(facts)
    own = last_row(units, sent, same_day=True)
    before = _before(own, sent["person"].to_numpy())
    called = told(sent, before)
    earlier = units.select("person", date=called).with_columns(key=told(sent, before, "key"))
    known = earlier.filter(pl.col("date").is_not_null())
    answer = next_day(known, answered(facts))
    seen = (answer < told(sent, own).filter(called.is_not_null())).fill_null(value=False)
    place = np.zeros(units.height, dtype=np.int32)
    place[called.is_not_null().to_numpy()] = np.where(seen.to_numpy(), 1, 2)
    return pl.Series(place)


def _before(rows: Keys, person: Keys) -> Keys:
    """The row before each, where it is of the same person; else -1."""
    earlier = np.maximum(rows - 1, 0)
    same = (
        (rows > 0) & (person.take(rows, mode="clip") == person.take(earlier, mode="clip"))
        if len(person)
        else rows > 0
    )
    return np.where(same, earlier, -1)
