"""Statistical process control: is this month different, or only as different as months are?

Each chart gives a centre and limits for each point; the rules then name the points that chance hardly
explains. Limits are three standard deviations from the centre; where counts are too small for that to mean
what it means elsewhere, they are exact.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from analytics.methods.counting import binomial_quantile, poisson_quantile
from analytics.methods.intervals import Array, Numbers

_MOVING_RANGE = 1.128  # mean range of two normal values, in standard deviations
_SHIFT, _TREND = 8, 6
# The usual rule for the normal limits of a p chart: at least five expected of each kind (Emura and Lin, Quality and
# Reliability Engineering International 2015, set it beside its rivals).
FEWEST_EXPECTED = 5
_BEYOND_THREE = 0.00135  # of a normal spread lies beyond three standard deviations, on each side
SHIFT_OF_THE_NHS = 7  # "Making data count" calls a shift at seven


class Rule(StrEnum):
    """Why a point is special."""

    BEYOND_LIMITS = "beyond_limits"  # outside three standard deviations
    TWO_OF_THREE = "two_of_three"  # the second of two in three beyond two, on one side
    SHIFT = "shift"  # the last of eight on one side of the centre
    TREND = "trend"  # the last of six, each above (or each below) the one before


@dataclass(frozen=True, slots=True)
class Chart:
    """One entry per point; `low` and `high` are the limits, `deviation` what they are three of.

    `exact`: whether a point's limits are those of the counts' own distribution.
    """

    values: Array
    centre: Array
    low: Array
    high: Array
    deviation: Array
    exact: Array

    @property
    def skew(self) -> bool:
        """Whether most points are of so few events that they lie below the centre more often than above: then runs and
        trends say nothing.
        """
        return bool(self.exact.mean() > 0.5)

    @property
    def scores(self) -> Array:
        """Distance from the centre in standard deviations; 0 where nothing varies."""
        apart = self.values - self.centre
        return np.divide(apart, self.deviation, out=np.zeros(len(apart)), where=self.deviation > 0)


def p_chart(counts: Numbers, totals: Numbers) -> Chart:
    """Shares of totals that vary from point to point; limits are exact at points that are expected to have fewer than
    FEWEST_EXPECTED events, or fewer without.
    """
    counted, of = _arrays(counts, totals)
    centre = float(counted.sum() / of.sum())
    chart = _chart(counted / of, centre, np.sqrt(centre * (1 - centre) / of), highest=1.0)
    low, high = (binomial_quantile(level, of, centre) / of for level in (_BEYOND_THREE, 1 - _BEYOND_THREE))
    return _exact_where(of * min(centre, 1 - centre) < FEWEST_EXPECTED, chart, low, high)


def u_chart(counts: Numbers, exposures: Numbers) -> Chart:
    """Events per unit of exposure, such as cancers per person-year; limits are exact where a p chart's would be."""
    counted, of = _arrays(counts, exposures)
    centre = float(counted.sum() / of.sum())
    chart = _chart(counted / of, centre, np.sqrt(centre / of))
    low, high = (poisson_quantile(level, of * centre) / of for level in (_BEYOND_THREE, 1 - _BEYOND_THREE))
    return _exact_where(of * centre < FEWEST_EXPECTED, chart, low, high)


def _exact_where(few: Array, chart: Chart, low: Array, high: Array) -> Chart:
    return replace(chart, low=np.where(few, low, chart.low), high=np.where(few, high, chart.high), exact=few)


def xmr_chart(values: Numbers) -> Chart:
    """Single values, such as a median waiting time; the spread is that from one point to the next."""
    measured = np.asarray(values, dtype=np.float64)
    step = float(np.abs(np.diff(measured)).mean()) / _MOVING_RANGE if len(measured) > 1 else 0.0
    return _chart(measured, measured.mean(), np.full(len(measured), step), lowest=-np.inf)


def _arrays(counts: Numbers, totals: Numbers) -> tuple[Array, Array]:
    return np.asarray(counts, dtype=np.float64), np.asarray(totals, dtype=np.float64)


def _chart(
    values: Array, centre: float, deviation: Array, *, lowest: float = 0.0, highest: float = np.inf
) -> Chart:
    middle = np.full(len(values), centre)
    low, high = middle - 3 * deviation, middle + 3 * deviation
    exact = np.zeros(len(values), dtype=bool)
    return Chart(values, middle, np.clip(low, lowest, None), np.clip(high, None, highest), deviation, exact)


def special_points(chart: Chart, *, shift: int = _SHIFT, trend: int = _TREND) -> Sequence[frozenset[Rule]]:
    """For each point the rules it breaks; a run is named at its last point and after. Of a skew chart no runs."""
    checks: Mapping[Rule, Callable[[], Array]] = {
        Rule.BEYOND_LIMITS: lambda: (chart.values > chart.high) | (chart.values < chart.low),
        Rule.TWO_OF_THREE: lambda: _two_of_three(chart.scores),
        Rule.SHIFT: lambda: _run(np.sign(chart.values - chart.centre), shift),
        Rule.TREND: lambda: _trend(chart.values, trend),
    }
    asked = [Rule.BEYOND_LIMITS] if chart.skew else list(checks)
    broken = {rule: checks[rule]() for rule in asked}
    return [frozenset(rule for rule, points in broken.items() if points[i]) for i in range(len(chart.values))]


def _two_of_three(scores: Array) -> Array:
    found = np.zeros(len(scores), dtype=bool)
    for side in (1, -1):
        far = side * scores > 2
        last_three = np.convolve(far, np.ones(3))[: len(far)]
        found |= far & (last_three >= 2)
    return found


def _run(side: Array, length: int) -> Array:
    """Whether the last `length` points lie on one side; a point on the centre ends a run."""
    found = np.zeros(len(side), dtype=bool)
    for end in range(length, len(side) + 1):
        found[end - 1] = abs(side[end - length : end].sum()) == length
    return found


def _trend(values: Array, length: int) -> Array:
    """Whether the last `length` points rise, or fall, all the way."""
    steps = np.sign(np.diff(values))
    return np.concatenate([[False], _run(steps, length - 1)])[: len(values)]
