"""map(bucket) -> cells, and cells add up: the part of counting that may run anywhere, on any machine.

One cell is one stratum of one indicator in one part of the period (and one bin, where the measure needs
bins). Cells of different buckets add up, because no person is in two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.extract.dataset import Bucket
from analytics.extract.schema import TABLES
from analytics.indicators.facts import Facts, Reading
from analytics.indicators.model import TIMES, Indicator, Stratum
from analytics.indicators.period import Periods
from analytics.indicators.programmes import Programme
from analytics.indicators.strata import Split, split

Reads = Mapping[str, Mapping[str, Reading]]  # programme -> table -> what is read of it
SUMS = ("numerator", "denominator")
_DENSE = 1 << 16  # so many cells are counted by direct addressing even for a handful of units


Words = tuple[tuple[str, tuple[str, ...]], ...]  # the words of each stratum; the last turns fastest
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be counted: these indicators, by the parts of the periods and by these strata."""

    indicators: Sequence[Indicator]
    periods: Periods
    strata: Sequence[Stratum]


@dataclass(frozen=True, slots=True)
class Splits:
    """`codes` of units, each standing for one word of every stratum."""

    words: Words
    codes: Codes

    @property
    def size(self) -> int:
        return int(np.prod([len(words) for _, words in self.words]))


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums of one indicator; `codes` of the cells that occur are those of splits times `span` plus the bin."""

    indicator: str
    words: Words
    span: int
    codes: Codes
    numerator: Codes
    denominator: Codes


def schema(strata: Sequence[Stratum]) -> pl.Schema:
    """Columns of cells split so; `part` is the text of the part of the period."""
    names = [stratum.value for stratum in strata if stratum not in TIMES]
    texts: dict[str, pl.DataType] = dict.fromkeys(["indicator", "part", *names], pl.String())
    return pl.Schema({**texts, **dict.fromkeys(["bin", *SUMS], pl.Int64())})


def cells_of(
    bucket: Bucket, wanted: Sequence[Wanted], data_cut: date, reads: Reads | None = None
) -> list[pl.DataFrame]:
    """The cells of each of these; all of them share what happened, where they are of one programme.

    `reads`: what they read, as `reads_of` tells it; without it everything is read.
    """
    found = [[pl.DataFrame(schema=schema(one.strata))] for one in wanted]
    for programme in _programmes(wanted):  # one after another: what happened in one takes much memory
        facts = Facts(bucket, programme, data_cut, (reads or {}).get(programme.id, {}))
        for one, cells in zip(wanted, found, strict=True):
            cells.extend(_cells(facts, one))
    return [pl.concat(cells) for cells in found]


def _programmes(wanted: Sequence[Wanted]) -> Iterable[Programme]:
    return {of.programme.id: of.programme for one in wanted for of in one.indicators}.values()


def _cells(facts: Facts, wanted: Wanted) -> list[pl.DataFrame]:
    """Of the indicators of that programme."""
    alike: dict[Words, list[Tally]] = {}
    for of in wanted.indicators:
        if of.programme.id == facts.programme.id:
            told = _tally(facts, of, wanted.periods, wanted.strata)
            alike.setdefault(told.words, []).append(told)
    return [_decoded(tallies) for tallies in alike.values()]


def reads_of(wanted: Sequence[Wanted], data_cut: date) -> Reads:
    """What all these read of a bucket, by programme and table: found by asking them of nobody."""
    nobody = Bucket(**{name: pl.LazyFrame(schema=table.schema) for name, table in TABLES.items()})
    found: dict[str, Mapping[str, Reading]] = {}
    for programme in _programmes(wanted):
        facts = Facts(nobody, programme, data_cut)
        for one in wanted:
            _cells(facts, one)
        found[programme.id] = facts.asked
    return found


def _tally(facts: Facts, of: Indicator, periods: Periods, strata: Sequence[Stratum]) -> Tally:
    units = of.units(facts, of, periods)
    counted = of.counted(units, facts, of, periods)
    # where none was left out, units fall to the strata as before, and that was perhaps worked out already
    same = units if counted.height == units.height else counted
    asked = ("split", tuple(strata), of.ages, periods)
    split_ = facts.of_frame(same, asked, lambda: _split(same, facts, of, periods, strata))
    return tally(of.id, counted, split_, binned=of.measure.binned)


def _split(
    units: pl.DataFrame, facts: Facts, of: Indicator, periods: Periods, strata: Sequence[Stratum]
) -> Splits:
    """By the part of the period, and by each stratum in turn."""
    parts = Split("part", units["part"].to_numpy(), [part.text for part in periods.parts])
    splits = [parts, *(split(stratum, units, facts, of) for stratum in strata if stratum not in TIMES)]
    code = np.zeros(units.height, dtype=np.int64)
    for one in splits:
        code *= len(one.words)
        code += one.codes
    return Splits(tuple((one.name, tuple(one.words)) for one in splits), code)


def tally(indicator: str, units: pl.DataFrame, splits: Splits, *, binned: bool) -> Tally:
    """Sums of `counted` and of `of` (1 where it is not told) by every combination of words that occurs."""
    code, span = splits.codes, 1
    if binned:
        bins = units["bin"].to_numpy().astype(np.int64)
        span = int(bins.max()) + 1 if len(bins) else 1
        code = code * span + bins
    size = splits.size * span
    if size <= max(_DENSE, 4 * len(code)):
        return Tally(indicator, splits.words, span, *_sums(units, code, size))
    occurring, place = np.unique(code, return_inverse=True)
    return Tally(indicator, splits.words, span, occurring, *_sums(units, place, len(occurring))[1:])


def _sums(units: pl.DataFrame, code: Codes, size: int) -> tuple[Codes, Codes, Codes]:
    """The codes below `size` that occur, and both sums of each.

    Exact: floats hold whole numbers up to 2^53, far above any count of days.
    """
    counted = units["counted"].to_numpy()
    if counted.dtype == np.bool_ and "of" not in units.columns:
        both = np.bincount(2 * code + counted, minlength=2 * size).reshape(size, 2)
        numerator, total = both[:, 1], both.sum(axis=1)
        occurring = np.flatnonzero(total)
    else:
        of = units["of"].to_numpy() if "of" in units.columns else None
        numerator, total = (np.bincount(code, weights=sums, minlength=size) for sums in (counted, of))
        occurring = np.flatnonzero(np.bincount(code, minlength=size))
    return occurring, numerator[occurring].astype(np.int64), total[occurring].astype(np.int64)


def _decoded(tallies: Sequence[Tally]) -> pl.DataFrame:
    """In words, all at once: those of several indicators are told as fast as those of one."""
    indicators = np.repeat(np.arange(len(tallies)), [len(one.codes) for one in tallies])
    code, bins = (
        np.concatenate(parts)
        for parts in zip(*(np.divmod(one.codes, one.span) for one in tallies), strict=True)
    )
    columns = {"bin": pl.Series(bins, dtype=pl.Int64)}
    for name, words in reversed(tallies[0].words):
        code, place = np.divmod(code, max(len(words), 1))
        columns[name] = _text(words).gather(place)
    columns["indicator"] = _text(tuple(one.indicator for one in tallies)).gather(indicators)
    sums = {name: np.concatenate([getattr(one, name) for one in tallies]) for name in SUMS}
    names = ["indicator", *(name for name, _ in tallies[0].words), "bin"]
    return pl.DataFrame({**{name: columns[name] for name in names}, **sums})


@lru_cache(maxsize=1024)
def _text(words: tuple[str, ...]) -> pl.Series:
    return pl.Series(words, dtype=pl.String)


def added(cells: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Cells of several buckets as those of one; in no particular order."""
    together = pl.concat(cells)
    keys = [name for name in together.columns if name not in SUMS]
    return together.group_by(keys).agg(pl.col(SUMS).sum())
