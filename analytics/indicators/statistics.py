"""Confidence intervals. A method is always named beside the interval it gave.

Levels are two-sided; golden values and their sources stand in tests/indicators/test_statistics.py.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from math import sqrt
from statistics import NormalDist

from scipy import special

Interval = tuple[float, float]
LEVEL = 0.95


class Method(StrEnum):
    WILSON = "wilson"
    CLOPPER_PEARSON = "clopper_pearson"
    BYAR = "byar"
    POISSON_EXACT = "poisson_exact"


def quantile(level: float) -> float:
    """The standard normal quantile of a two-sided interval: 1.959964 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(count: int, total: int, level: float = LEVEL) -> Interval:
    """Score interval of a proportion. Good from small counts to all of them; never leaves [0, 1]."""
    z = quantile(level)
    share, z2 = count / total, z * z
    middle = share + z2 / (2 * total)
    width = z * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    scale = 1 + z2 / total
    low = 0.0 if count == 0 else (middle - width) / scale
    high = 1.0 if count == total else (middle + width) / scale
    return low, high


def clopper_pearson(count: int, total: int, level: float = LEVEL) -> Interval:
    """Exact interval of a proportion, from quantiles of the beta distribution; wider than needed."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(special.betaincinv(count, total - count + 1, tail))
    high = 1.0 if count == total else float(special.betaincinv(count + 1, total - count, 1 - tail))
    return low, high


def byar(count: int, level: float = LEVEL) -> Interval:
    """Byar's approximation for a Poisson count; good from about ten. Lower limit of zero is zero."""
    z = quantile(level)
    low = 0.0 if count == 0 else count * (1 - 1 / (9 * count) - z / (3 * sqrt(count))) ** 3
    above = count + 1
    return low, above * (1 - 1 / (9 * above) + z / (3 * sqrt(above))) ** 3


def poisson_exact(count: int, level: float = LEVEL) -> Interval:
    """Exact interval of a Poisson count, from quantiles of the gamma distribution."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(special.gammaincinv(count, tail))
    return low, float(special.gammaincinv(count + 1, 1 - tail))


def _of_total(limits: Callable[[int], Interval]) -> Callable[[int, int], Interval]:
    def rate(count: int, total: int) -> Interval:
        low, high = limits(count)
        return low / total, high / total

    return rate


_METHODS: Mapping[Method, Callable[[int, int], Interval]] = {
    Method.WILSON: wilson,
    Method.CLOPPER_PEARSON: clopper_pearson,
    Method.BYAR: _of_total(byar),
    Method.POISSON_EXACT: _of_total(poisson_exact),
}


def interval(method: Method, numerator: int, denominator: int) -> Interval | None:
    """The 95 % interval of numerator / denominator, as shares; None where nothing was observed."""
    return _METHODS[method](numerator, denominator) if denominator else None
