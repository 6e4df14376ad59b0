"""Funnel plots: how far units of different size may lie from the whole by chance alone.

Proportions are compared on the arcsine scale, where their spread depends on size alone; Spiegelhalter's
over-dispersion widens the limits where units differ by more than chance for reasons nobody has adjusted for.
Where events are few that scale calls none of them too few: no limit is narrower than the binomial distribution's.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from analytics.methods.intervals import Array, Numbers, quantile

WARNING, ALARM = 0.95, 0.998  # two-sided: 1.96 and 3.09 standard deviations
_TRIMMED = 0.1  # of each tail, before the spread between units is estimated
FEW_UNITS = 10  # of fewer a tenth is nobody


@dataclass(frozen=True, slots=True)
class Funnel:
    """`target`: the share of all units together. `spread`: variance between units on the arcsine scale."""

    target: float
    spread: float

    def limits(self, totals: Numbers, level: float) -> tuple[Array, Array]:
        """Between which shares a unit of each total lies at that level."""
        middle = np.arcsin(np.sqrt(self.target))
        reach = quantile(level) * np.sqrt(1 / (4 * np.asarray(totals, dtype=np.float64)) + self.spread)
        low = np.sin(np.maximum(middle - reach, 0.0)) ** 2
        high = np.sin(np.minimum(middle + reach, np.pi / 2)) ** 2
        fewest, most = self._exact(np.asarray(totals, dtype=np.float64), level)
        return np.fmin(low, fewest), np.fmin(np.fmax(high, most), 1.0)

    def _exact(self, totals: Array, level: float) -> tuple[Array, Array]:
        """The shares at which a tail of the binomial distribution, made continuous, is half of what the level leaves."""
        tail = (1 - level) / 2
        fewest = scipy.special.bdtrik(tail, totals, self.target)
        most = scipy.special.bdtrik(1 - tail, totals, self.target) + 1
        return np.maximum(fewest, 0.0) / totals, most / totals

    def outside(self, counts: Numbers, totals: Numbers, level: float) -> Array:
        """-1 below the limits, 1 above, 0 inside."""
        share = np.asarray(counts, dtype=np.float64) / np.asarray(totals, dtype=np.float64)
        low, high = self.limits(totals, level)
        return np.where(share < low, -1.0, np.where(share > high, 1.0, 0.0))


def funnel(counts: Numbers, totals: Numbers, *, overdispersed: bool = True) -> Funnel:
    """The funnel of these units; without over-dispersion only chance within units is allowed for."""
    counted, of = np.asarray(counts, dtype=np.float64), np.asarray(totals, dtype=np.float64)
    target = float(counted.sum() / of.sum())
    spread = _spread(counted, of, target) if overdispersed and len(of) > 1 else 0.0
    return Funnel(target, spread)


def _spread(counted: Array, of: Array, target: float) -> float:
    """By the method of moments from winsorised scores; 0 where units differ no more than by chance.

    Of few units the one that lies furthest is left out instead: it would widen the limits it is judged by.
    """
    scores = 2 * np.sqrt(of) * (np.arcsin(np.sqrt(counted / of)) - np.arcsin(np.sqrt(target)))
    if 2 < len(of) < FEW_UNITS:
        others = np.arange(len(of)) != np.abs(scores).argmax()
        counted, of = counted[others], of[others]
        middle = np.arcsin(np.sqrt(counted.sum() / of.sum()))
        kept = 2 * np.sqrt(of) * (np.arcsin(np.sqrt(counted / of)) - middle)
    else:
        kept = np.clip(scores, *np.quantile(scores, [_TRIMMED, 1 - _TRIMMED]))
    excess = float((kept**2).sum()) - (len(of) - 1)
    weights = 4 * of
    room = float(weights.sum() - (weights**2).sum() / weights.sum())
    return max(0.0, excess / room) if room > 0 else 0.0
