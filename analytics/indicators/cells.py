"""map(bucket) -> cells, and cells add up: the part of counting that may run anywhere, on any machine.

One cell is one stratum of one indicator in one part of the period (and one bin, where the measure needs
bins). Cells of different buckets add up, because no person is in two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.extract.dataset import Bucket
from analytics.indicators.facts import Facts
from analytics.indicators.model import TIMES, Indicator, Stratum
from analytics.indicators.period import Periods
from analytics.indicators.strata import Split, split

SUMS = ("numerator", "denominator")
_DENSE = 1 << 16  # so many cells are counted by direct addressing even for a handful of units


@dataclass(frozen=True, slots=True)
class Splits:
    """`codes` of units, each standing for one word of every stratum; the last stratum turns fastest."""

    words: Sequence[tuple[str, Sequence[str]]]
    codes: npt.NDArray[np.int64]

    @property
    def size(self) -> int:
        return int(np.prod([len(words) for _, words in self.words]))


def schema(strata: Sequence[Stratum]) -> pl.Schema:
    """Columns of cells split so; `part` is the text of the part of the period."""
    names = [stratum.value for stratum in strata if stratum not in TIMES]
    texts: dict[str, pl.DataType] = dict.fromkeys(["indicator", "part", *names], pl.String())
    return pl.Schema({**texts, **dict.fromkeys(["bin", *SUMS], pl.Int64())})


def cells_of(
    bucket: Bucket,
    indicators: Sequence[Indicator],
    periods: Periods,
    strata: Sequence[Stratum],
    data_cut: date,
) -> pl.DataFrame:
    """The cells of all these indicators, which share what happened where they are of one programme."""
    facts: dict[str, Facts] = {}
    found = [pl.DataFrame(schema=schema(strata))]
    for of in indicators:
        name = of.programme.id
        known = facts.setdefault(name, Facts(bucket, of.programme, data_cut))
        found.append(_cells(known, of, periods, strata))
    return pl.concat(found)


def _cells(facts: Facts, of: Indicator, periods: Periods, strata: Sequence[Stratum]) -> pl.DataFrame:
    units = of.units(facts, of, periods)
    counted = of.counted(units, facts, of, periods)
    # where none was left out, units fall to the strata as before, and that was perhaps worked out already
    same = units if counted.height == units.height else counted
    asked = ("split", tuple(strata), of.ages, periods)
    split_ = facts.of_frame(same, asked, lambda: _split(same, facts, of, periods, strata))
    told = tally(counted, split_, binned=of.measure.binned)
    return told.insert_column(0, _text((of.id,)).new_from_index(0, told.height).alias("indicator"))


def _split(
    units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods, strata: Sequence[Stratum]
) -> Splits:
    """By the part of the period, and by each stratum in turn."""
    parts = Split("part", units["part"].to_numpy().astype(np.int64), [part.text for part in periods.parts])
    splits = [parts, *(split(stratum, units, facts, of) for stratum in strata if stratum not in TIMES)]
    code = np.zeros(units.height, dtype=np.int64)
    for one in splits:
        code = code * len(one.words) + one.codes
    return Splits([(one.name, one.words) for one in splits], code)


def tally(units: pl.DataFrame, splits: Splits, *, binned: bool) -> pl.DataFrame:
    """Sums of `counted` and of `of` (1 where it is not told) by every combination of words that occurs."""
    code, span = splits.codes, 1
    if binned:
        bins = units["bin"].to_numpy().astype(np.int64)
        span = int(bins.max()) + 1 if len(bins) else 1
        code = code * span + bins
    occurring, place = _numbered(code, splits.size * span)
    sums = _sums(units, place, len(occurring))
    return pl.DataFrame({**_decoded(occurring, splits, span), **dict(zip(SUMS, sums, strict=True))})


def _numbered(code: npt.NDArray[np.int64], size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The codes that occur, and for each unit the place of its own among them."""
    if size > max(_DENSE, 4 * len(code)):
        occurring, place = np.unique(code, return_inverse=True)
        return occurring, place
    occurring = np.flatnonzero(np.bincount(code, minlength=size))
    places = np.zeros(size, dtype=np.int64)
    places[occurring] = np.arange(len(occurring))
    return occurring, places[code]


def _sums(units: pl.DataFrame, place: npt.NDArray[np.int64], cells: int) -> tuple[pl.Series, pl.Series]:
    """Exact: floats hold whole numbers up to 2^53, far above any count of days."""
    counted = units["counted"].to_numpy()
    if counted.dtype == np.bool_:
        numerator = np.bincount(place[counted], minlength=cells)
    else:
        numerator = np.bincount(place, weights=counted, minlength=cells)
    of = units["of"].to_numpy() if "of" in units.columns else None
    total = np.bincount(place, weights=of, minlength=cells)
    return pl.Series(numerator.astype(np.int64)), pl.Series(total.astype(np.int64))


def _decoded(code: npt.NDArray[np.int64], splits: Splits, span: int) -> dict[str, pl.Series]:
    rest, bins = np.divmod(code, span)
    columns = {"bin": pl.Series(bins, dtype=pl.Int64)}
    for name, words in reversed(splits.words):
        rest, place = np.divmod(rest, max(len(words), 1))
        columns[name] = _text(tuple(words)).gather(place)
    return {name: columns[name] for name in [*(name for name, _ in splits.words), "bin"]}


@lru_cache(maxsize=1024)
def _text(words: tuple[str, ...]) -> pl.Series:
    return pl.Series(words, dtype=pl.String)


def added(cells: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Cells of several buckets as those of one; in no particular order."""
    together = pl.concat(cells)
    keys = [name for name in together.columns if name not in SUMS]
    return together.group_by(keys).agg(pl.col(SUMS).sum())
