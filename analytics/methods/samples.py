"""The mean and the quantiles of whole numbers told of each unit (days, tests), and how sure they are.

From counts by value, which add up over buckets of people: `values` ascending and different, `counts` how many
have each. Limits are NaN where the method cannot keep its promise of 95 %.
"""

import numpy as np
import scipy

from analytics.methods.counting import binomial_quantile
from analytics.methods.intervals import LEVEL, Array

# The mean of fewer skew numbers is not near enough to normal: of tests per person (mostly 0, 1, 2) Student's
# interval held the truth in 85 of 100 samples of ten, in 91 to 95 of thirty.
FEWEST_FOR_A_MEAN = 30
_NOTHING = float("nan"), float("nan")


def mean(values: Array, counts: Array) -> tuple[float, float, float]:
    """The mean with Student's limits; none of fewer than FEWEST_FOR_A_MEAN, nor where all are alike."""
    units = int(counts.sum())
    middle = float((counts * values).sum() / units)
    scatter = float((counts * (values - middle) ** 2).sum())
    if units < FEWEST_FOR_A_MEAN or not scatter:
        return middle, *_NOTHING
    reach = scipy.special.stdtrit(units - 1, (1 + LEVEL) / 2) * np.sqrt(scatter / (units - 1) / units)
    return middle, middle - float(reach), middle + float(reach)


def quantile_of(values: Array, counts: Array, share: float) -> tuple[float, float, float]:
    """The value below which a share lies, interpolated; limits are order statistics, whatever the spread.

    None where one of them would be the least or the greatest of all, which would tell of a single unit and of
    few units holds no 95 %; nor where both are the same value.
    """
    upto, units = counts.cumsum(), int(counts.sum())
    middle = _interpolated(values, upto, share * (units - 1))
    ranks = _ranks(units, share)
    if ranks is None:
        return middle, *_NOTHING
    low, high = (float(values[np.searchsorted(upto, rank, side="right")]) for rank in ranks)
    return (middle, low, high) if low < high else (middle, *_NOTHING)


def _interpolated(values: Array, upto: Array, place: float) -> float:
    """The value at a place (from 0) between the ordered ones, of which `upto` counts how many there are up to each."""
    below = int(np.floor(place))
    lower, upper = (values[np.searchsorted(upto, at, side="right")] for at in (below, int(np.ceil(place))))
    return float(lower + (upper - lower) * (place - below))


def _ranks(units: int, share: float) -> tuple[int, int] | None:
    """Places (from 0) of the ordered values between which the quantile lies with 95 % certainty, at most half of the
    rest on either side.
    """
    tail = (1 - LEVEL) / 2
    low, high = (int(binomial_quantile(level, units, share)) for level in (tail, 1 - tail))
    return (low - 1, high) if low > 1 and high < units - 1 else None
