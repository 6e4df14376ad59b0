"""How counted units become a figure: as a share, a rate, a median, a standardised rate, a curve at a day.

Every measure works on cells: sums that add up over buckets of people. `bin` keeps apart, inside one
stratum, what the measure must know of each unit (days waited, an age, a round); a plain share needs none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.methods.intervals import Method, interval, quantile
from analytics.methods.samples import mean, quantile_of
from analytics.methods.standardisation import STANDARDS, directly, indirectly
from analytics.methods.survival import Course, cumulative_incidence

DAYS_A_YEAR = 365.25
Numbers = npt.NDArray[np.int64]

# What ended the waiting, in a bin of `Waiting`: bin = 4 * day + end.
CENSORED, OUTCOME, COMPETING = 0, 1, 2


class Measure(Protocol):
    """`unit` is how a value is told; `figures` gives numerator, denominator, value, low and high of each stratum."""

    @property
    def unit(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def binned(self) -> bool: ...
    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame: ...


def per_text(per: int) -> str:
    return "%" if per == 100 else f"per {per:,}"


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the units were counted."""

    per: int = 100
    how: Method = Method.WILSON
    binned = False

    @property
    def unit(self) -> str:
        return per_text(self.per)

    @property
    def method(self) -> str:
        return self.how.value

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        sums = summed(cells, strata)
        return _valued(sums, *_share(sums, self.how), scale=self.per)


@dataclass(frozen=True, slots=True)
class Rate:
    """Events counted per person-year of `of`, which is in days."""

    per: int = 100_000
    how: Method = Method.BYAR_OR_EXACT
    binned = False

    @property
    def unit(self) -> str:
        return f"per {self.per:,} person-years"

    @property
    def method(self) -> str:
        return self.how.value

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        sums = summed(cells, strata)
        return _valued(sums, *_share(sums, self.how), scale=self.per * DAYS_A_YEAR)


@dataclass(frozen=True, slots=True)
class PerCounted:
    """How many units for each one counted, such as the number needed to screen; Wilson's limits turned over.

    Where none was counted there is neither figure nor limit: a limit with no other end is mistaken for a figure.
    """

    unit: str
    method = Method.WILSON.value
    binned = False

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        sums = summed(cells, strata)
        value, low, high = _share(sums, Method.WILSON)
        with np.errstate(divide="ignore"):
            turned = [1 / x for x in (value, high, low)]
        return _valued(sums, *turned, scale=1)


@dataclass(frozen=True, slots=True)
class Odds:
    """Units counted for each one not counted, such as benign for each malignant; limits from Wilson's of the share.

    Where all were counted there is neither figure nor limit.
    """

    unit: str
    method = Method.WILSON.value
    binned = False

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        sums = summed(cells, strata)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = [x / (1 - x) for x in _share(sums, Method.WILSON)]
        rest = pl.col("denominator") - pl.col("numerator")
        return _valued(sums.with_columns(denominator=rest), *odds, scale=1)


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a whole number told of each unit (its bin); limits as `analytics.methods.samples` gives them."""

    unit: str
    method = "student_t"
    binned = True

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        return by_stratum(cells, strata, self._figure)

    @staticmethod
    def _figure(bins: "Bins") -> "Figure":
        total = int((bins.bin * bins.denominator).sum())
        return Figure(total, int(bins.denominator.sum()), *mean(bins.bin, bins.denominator))


@dataclass(frozen=True, slots=True)
class Quantile:
    """The day by which a share of the units was reached (bin: days), exact, interpolated between days.

    Limits are order statistics, as `analytics.methods.samples` gives them.
    """

    share: float = 0.5
    unit = "days"
    method = "order_statistics"
    binned = True

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        return by_stratum(cells, strata, self._figure)

    def _figure(self, bins: "Bins") -> "Figure":
        units = int(bins.denominator.sum())
        return Figure(units, units, *quantile_of(bins.bin, bins.denominator, self.share))


@dataclass(frozen=True, slots=True)
class Waiting:
    """The share reached by a day, of those who could be: Aalen and Johansen, from bins 4 * day + what ended the waiting.

    Where the last who waited were still waiting when the data ended, before that day, it is not known.
    """

    day: int
    unit = "%"
    method = "aalen_johansen"
    binned = True

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        return by_stratum(cells, strata, self._figure)

    def _figure(self, bins: "Bins") -> "Figure":
        told = course(bins)
        share, low, high = cumulative_incidence(told).at(self.day) if told.known_until(self.day) else _UNKNOWN
        reached = int(told.outcome[told.days <= self.day].sum())
        return Figure(reached, int(bins.denominator.sum()), 100 * share, 100 * low, 100 * high)


@dataclass(frozen=True, slots=True)
class Standardised:
    """A rate per unit (or, with `days`, per person-year) at the ages of a standard population; bin: the age."""

    standard: str
    limits: tuple[int, ...]
    per: int = 100
    days: bool = False
    open_ended: bool = False
    binned = True

    @property
    def unit(self) -> str:
        return f"{per_text(self.per)}{' person-years' if self.days else ''}, standardised"

    @property
    def method(self) -> str:
        return "dobson"

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        return by_stratum(cells, strata, self._figure)

    def _figure(self, bins: "Bins") -> "Figure":
        starts = self.limits if self.open_ended else self.limits[:-1]
        counted, of = (spread_over(bins.bin, sums, starts) for sums in (bins.numerator, bins.denominator))
        weights = _weights(self.standard, self.limits, open_ended=self.open_ended)
        exposure = of / DAYS_A_YEAR if self.days else of
        rate = directly(counted, exposure, weights)
        figures = [float(x[0]) * self.per for x in (rate.rate, rate.low, rate.high)]
        return Figure(int(counted.sum()), int(of.sum()), *figures)


@dataclass(frozen=True, slots=True)
class Expected:
    """Observed over expected: each unit of a bin is expected to be counted with the chance `expected` gives that bin.

    With `days` units are days at risk, and chances are per person-year.
    """

    expected: Mapping[int, float]
    days: bool = False
    per: int = 1
    unit: str = "observed : expected"
    method = Method.BYAR_OR_EXACT.value
    binned = True

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        return by_stratum(cells, strata, self._figure)

    def _figure(self, bins: "Bins") -> "Figure":
        chance = np.array([self.expected.get(place, 0.0) for place in bins.bin.tolist()])
        of = bins.denominator / (DAYS_A_YEAR if self.days else 1)
        counted = int(bins.numerator.sum())
        ratio = indirectly(counted, float((chance * of).sum()))
        figures = [float(x[0]) * self.per for x in (ratio.rate, ratio.low, ratio.high)]
        return Figure(counted, int(bins.denominator.sum()), *figures)


@dataclass(frozen=True, slots=True)
class Cumulative:
    """The chance of being counted at least once in `rounds` (bin: number of the round), in discrete time.

    Of a round in which nobody was, nothing is known: then there is no figure, only the counts.
    """

    rounds: int
    unit = "%"
    method = "discrete_time"
    binned = True

    def figures(self, cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
        return by_stratum(cells, strata, self._figure)

    def _figure(self, bins: "Bins") -> "Figure":
        within = (bins.bin >= 1) & (bins.bin <= self.rounds)
        counted, of = (sums[within].astype(float) for sums in (bins.numerator, bins.denominator))
        if len(of) < self.rounds or not of.all():
            return Figure(int(counted.sum()), int(of.sum()), *_UNKNOWN)
        free = float(np.prod(1 - counted / of))
        with np.errstate(divide="ignore", invalid="ignore"):
            greenwood = float((counted / (of * (of - counted))).sum())
        low, high = _log_log(free, greenwood)
        return Figure(int(counted.sum()), int(of.sum()), 100 * (1 - free), 100 * (1 - high), 100 * (1 - low))


# -- what they share ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figure:
    """NaN where nothing can be said."""

    numerator: int
    denominator: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one stratum in order, each once, with their sums."""

    bin: Numbers
    numerator: Numbers
    denominator: Numbers


_NAN = float("nan")
_UNKNOWN = (_NAN, _NAN, _NAN)  # value, low and high of which nothing can be said
_FIGURES = {
    "numerator": pl.Int64, "denominator": pl.Int64, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip


def summed(cells: pl.DataFrame, strata: Sequence[str]) -> pl.DataFrame:
    """Numerator and denominator of each stratum; without strata one row, even where nothing was counted."""
    sums = pl.col("numerator", "denominator").sum()
    return cells.group_by(strata).agg(sums) if strata else cells.select(sums)


def by_stratum(cells: pl.DataFrame, strata: Sequence[str], figure: Callable[[Bins], Figure]) -> pl.DataFrame:
    """`figure` of the bins of each stratum; without strata one row, even where nothing was counted."""
    sums = (
        cells.group_by([*strata, "bin"]).agg(pl.col("numerator", "denominator").sum()).sort([*strata, "bin"])
    )
    columns = [sums[name].to_numpy() for name in ("bin", "numerator", "denominator")]
    if not strata:
        return _rows([_figure_of(Bins(*columns), figure)])
    first = sums.select(
        pl.any_horizontal(pl.col(s).ne_missing(pl.col(s).shift(1)) for s in strata)
    ).to_series()
    starts = first.arg_true().to_list()
    pieces = pairwise([*starts, sums.height])
    figures = [_figure_of(Bins(*(column[a:b] for column in columns)), figure) for a, b in pieces]
    return pl.concat([sums[starts].select(strata), _rows(figures)], how="horizontal")


def _figure_of(bins: Bins, figure: Callable[[Bins], Figure]) -> Figure:
    """Where nothing was observed only what was counted is told."""
    if bins.denominator.sum():
        return figure(bins)
    return Figure(int(bins.numerator.sum()), 0, *_UNKNOWN)


def _rows(figures: Sequence[Figure]) -> pl.DataFrame:
    rows = [(f.numerator, f.denominator, f.value, f.low, f.high) for f in figures]
    return pl.DataFrame(rows, schema=_FIGURES, orient="row").with_columns(pl.selectors.float().fill_nan(None))


def _share(sums: pl.DataFrame, how: Method) -> tuple[Any, Any, Any]:
    numerator, denominator = (sums[name].to_numpy().astype(float) for name in ("numerator", "denominator"))
    low, high = interval(how, numerator, denominator)
    return numerator / np.where(denominator > 0, denominator, np.nan), low, high


def _valued(sums: pl.DataFrame, value: Any, low: Any, high: Any, *, scale: float) -> pl.DataFrame:
    """Null where nothing was observed, and where a figure has no end: such a figure has no limits either."""
    columns = {
        name: pl.Series(
            name, np.where(np.isfinite(value) & np.isfinite(told), told, np.nan) * scale, nan_to_null=True
        )
        for name, told in {"value": value, "low": low, "high": high}.items()
    }
    return sums.with_columns(**columns)


def course(bins: Bins) -> Course:
    """The bins of `Waiting` as a course."""
    day, end = np.divmod(bins.bin, 4)
    told, place = np.unique(day, return_inverse=True)
    by_end = [
        np.bincount(place, weights=np.where(end == kind, bins.denominator, 0), minlength=len(told))
        for kind in (OUTCOME, COMPETING, CENSORED)
    ]
    return Course(told, *by_end)


def spread_over(bins: Numbers, sums: Numbers, starts: Sequence[int]) -> Any:
    """The sums by the age group in which each bin lies."""
    place = np.searchsorted(np.array(starts), bins, side="right") - 1
    return np.bincount(place, weights=sums.astype(float), minlength=len(starts))


@cache
def _weights(standard: str, limits: tuple[int, ...], *, open_ended: bool) -> Any:
    return STANDARDS[standard].for_ages(limits, open_ended=open_ended)


def _log_log(free: float, greenwood: float) -> tuple[float, float]:
    if not 0 < free < 1 or not np.isfinite(greenwood):
        return _UNKNOWN[1:]
    spread = quantile() * np.sqrt(greenwood) / abs(np.log(free))
    inner = np.log(-np.log(free))
    return float(np.exp(-np.exp(inner + spread))), float(np.exp(-np.exp(inner - spread)))
