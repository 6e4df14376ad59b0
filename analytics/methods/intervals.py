"""Confidence intervals of shares and counts. A method is always named beside the interval it gave.

Levels are two-sided. Each takes one count or an array of them; nothing observed has no interval (NaN).
Golden values and their sources stand in tests/indicators/test_methods.py.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

Array = npt.NDArray[Any]
Numbers = npt.ArrayLike
Interval = tuple[Any, Any]  # numbers where numbers came, arrays where arrays came
LEVEL = 0.95
_EXACT_BELOW = 10  # Byar's approximation is good from here


class Method(StrEnum):
    WILSON = "wilson"
    CLOPPER_PEARSON = "clopper_pearson"
    BYAR = "byar"
    POISSON_EXACT = "poisson_exact"
    BYAR_OR_EXACT = "byar_or_exact"


def quantile(level: float = LEVEL) -> float:
    """The standard normal quantile of a two-sided interval: 1.959964 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(count: Numbers, total: Numbers, level: float = LEVEL) -> Interval:
    """Score interval of a proportion. Good from small counts to all of them; never leaves [0, 1]."""
    counted, of = _floats(count), _observed(total)
    z = quantile(level)
    share, z2 = counted / of, z * z
    middle = share + z2 / (2 * of)
    width = z * np.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    scale = 1 + z2 / of
    return _within(counted, of, (middle - width) / scale, (middle + width) / scale)


def clopper_pearson(count: Numbers, total: Numbers, level: float = LEVEL) -> Interval:
    """Exact interval of a proportion, from quantiles of the beta distribution; wider than needed."""
    counted, of = _floats(count), _observed(total)
    tail = (1 - level) / 2
    low = scipy.special.betaincinv(np.maximum(counted, 1), of - counted + 1, tail)
    high = scipy.special.betaincinv(counted + 1, np.maximum(of - counted, 1), 1 - tail)
    return _within(counted, of, low, high)


def byar(count: Numbers, level: float = LEVEL) -> Interval:
    """Byar's approximation for a Poisson count; good from about ten. Lower limit of zero is zero."""
    counted, z = _floats(count), quantile(level)
    some = np.maximum(counted, 1)  # spares a division by zero whose result is not used
    low = some * (1 - 1 / (9 * some) - z / (3 * np.sqrt(some))) ** 3
    above = counted + 1
    high = above * (1 - 1 / (9 * above) + z / (3 * np.sqrt(above))) ** 3
    return np.where(counted == 0, 0.0, low)[()], high


def poisson_exact(count: Numbers, level: float = LEVEL) -> Interval:
    """Exact interval of a Poisson count, from quantiles of the gamma distribution."""
    counted, tail = _floats(count), (1 - level) / 2
    low = scipy.special.gammaincinv(np.maximum(counted, 1), tail)
    return np.where(counted == 0, 0.0, low)[()], scipy.special.gammaincinv(counted + 1, 1 - tail)


def byar_or_exact(count: Numbers, level: float = LEVEL) -> Interval:
    """Exact below ten, Byar from ten on: the usual practice for published rates."""
    few = _floats(count) < _EXACT_BELOW
    exact, approximate = poisson_exact(count, level), byar(count, level)
    return np.where(few, exact[0], approximate[0])[()], np.where(few, exact[1], approximate[1])[()]


def _floats(numbers: Numbers) -> Any:
    return np.asarray(numbers, dtype=np.float64)[()]


def _observed(total: Numbers) -> Any:
    """A total of 0 becomes NaN, and so does all that is computed from it."""
    of = _floats(total)
    return np.where(of > 0, of, np.nan)[()]


def _within(counted: Any, of: Any, low: Any, high: Any) -> Interval:
    """None of some begins at 0, all of some ends at 1, whatever rounding says."""
    nothing, everything = counted == 0, counted == of
    unseen = np.isnan(of)
    low = np.where(nothing & ~unseen, 0.0, low)
    return low[()], np.where(everything, 1.0, high)[()]


def _of_total(limits: Callable[[Numbers], Interval]) -> Callable[[Numbers, Numbers], Interval]:
    def rate(count: Numbers, total: Numbers) -> Interval:
        low, high = limits(count)
        of = _observed(total)
        return low / of, high / of

    return rate


_METHODS: Mapping[Method, Callable[[Numbers, Numbers], Interval]] = {
    Method.WILSON: wilson,
    Method.CLOPPER_PEARSON: clopper_pearson,
    Method.BYAR: _of_total(byar),
    Method.POISSON_EXACT: _of_total(poisson_exact),
    Method.BYAR_OR_EXACT: _of_total(byar_or_exact),
}


def interval(method: Method, numerator: Numbers, denominator: Numbers) -> Interval:
    """The 95 % interval of numerator / denominator, as shares; NaN where nothing was observed."""
    return _METHODS[method](numerator, denominator)
