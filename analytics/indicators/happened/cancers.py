"""Cancers, and which of them screening found and which came between two screens."""

from collections.abc import Mapping

import polars as pl

from analytics.indicators.facts import Fact, Facts, fact, keyed
from analytics.indicators.happened import bowel, breast, cervical
from analytics.indicators.happened.screens import valid_screens
from analytics.indicators.moves import inside, next_day, next_row, told, where
from analytics.indicators.period import Length
from screening.vocabulary import Cancer

_CANCERS: Mapping[Cancer, Fact] = {
    Cancer.CERVICAL: cervical.cancers,
    Cancer.BREAST: breast.cancers,
    Cancer.COLORECTAL: bowel.cancers,
}
_TISSUE: Mapping[Cancer, Fact] = {
    Cancer.CERVICAL: cervical.tissue,
    Cancer.BREAST: breast.tissue,
    Cancer.COLORECTAL: bowel.lesions,
}
# How long after a positive test a cancer is still one that screening found.
EPISODE: Mapping[Cancer, Length] = {
    Cancer.CERVICAL: Length(months=18),
    Cancer.BREAST: Length(months=6),
    Cancer.COLORECTAL: Length(months=12),
}


def cancers(facts: Facts) -> pl.DataFrame:
    """One row per person and day on which cancer was seen or reported, with `kind`."""
    return _CANCERS[facts.programme.cancer](facts)


@fact
def first_cancers(facts: Facts) -> pl.DataFrame:
    """The first cancer of each person."""
    every = cancers(facts)
    return every.filter((pl.col("person") != pl.col("person").shift(1)).fill_null(value=True))


@fact
def followed_screens(facts: Facts) -> pl.DataFrame:
    """Screens with an answer, each with what came of it.

    `detected`: kind of the worst cancer of the episode, for positive screens followed by one; else null.
    `interval_on`, `interval_kind`: the first cancer after a screen that detected none, before the next screen.
    `next_on`: the next screen. `sampled`: tissue was taken in the episode.
    """
    screens = valid_screens(facts)
    length = EPISODE[facts.programme.cancer]
    found, detected = cancers(facts), _detected(screens, facts, length)
    row = next_row(screens, found, same_day=True)
    interval_on, next_on = told(found, row), next_day(screens, valid_screens(facts), same_day=False)
    between = detected.is_null() & interval_on.is_not_null() & (next_on.is_null() | (interval_on < next_on))
    between = between.fill_null(value=False)
    tissue = next_day(screens, _TISSUE[facts.programme.cancer](facts))
    return screens.with_columns(
        detected=detected,
        interval_on=where(between, interval_on),
        interval_kind=where(between, told(found, row, "kind").cast(pl.String)),
        next_on=next_on,
        sampled=inside(screens["date"], tissue, length),
    )


def _detected(screens: pl.DataFrame, facts: Facts, length: Length) -> pl.Series:
    """The worst kind first, so that a woman with invasive and in situ cancer counts as invasive."""
    found = cancers(facts)
    kinds = sorted(found["kind"].cast(pl.String).unique().to_list(), key=_BY_SEVERITY.index)
    worst = pl.Series([None] * screens.height, dtype=pl.String)
    for kind in kinds:
        seen = inside(screens["date"], next_day(screens, found.filter(pl.col("kind") == kind)), length)
        worst = where(
            seen & screens["positive"], pl.Series([kind]).new_from_index(0, screens.height)
        ).fill_null(worst)
    return worst


_BY_SEVERITY = [breast.UNKNOWN_KIND, breast.IN_SITU, breast.INVASIVE, "cancer"]


@fact
def detected_cancers(facts: Facts) -> pl.DataFrame:
    """Screens that detected a cancer."""
    return followed_screens(facts).filter(pl.col("detected").is_not_null())


@fact
def interval_cancers(facts: Facts) -> pl.DataFrame:
    """Interval cancers on the day of diagnosis, with the day of the screen before as `screened_on`."""
    came = followed_screens(facts).filter(pl.col("interval_on").is_not_null())
    return keyed(came.rename({"date": "screened_on", "interval_on": "date"}).drop("key"))


@fact
def described_cancers(facts: Facts) -> pl.DataFrame:
    """Screens that detected a cancer, with what is known of its size, nodes and stage.

    Each is taken from the first report within the episode that tells it; null where none does.
    """
    found = detected_cancers(facts)
    reports, length = breast.diagnoses(facts), EPISODE[facts.programme.cancer]
    for column in ("size_mm", "nodes", "stage"):
        told_of = reports.filter(pl.col(column).is_not_null())
        row = next_row(found, told_of, same_day=True)
        known = inside(found["date"], told(told_of, row), length)
        found = found.with_columns(where(known, told(told_of, row, column)).alias(column))
    return found
