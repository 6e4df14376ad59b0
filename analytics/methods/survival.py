"""How long until something happens, when for some it was not seen to its end.

From counts by whole day, which add up over buckets of people: no row per person is needed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.methods.intervals import LEVEL, Array, quantile


@dataclass(frozen=True, slots=True)
class Course:
    """What ended the waiting on each day: the outcome, something that rules it out, or the end of the data.

    Arrays of one length; `days` ascending and different. Those censored on a day were still waiting on it.
    """

    days: npt.NDArray[np.int64]
    outcome: Array
    competing: Array
    censored: Array

    @property
    def waiting(self) -> Array:
        """Still waiting at the start of each day."""
        leaving = self.outcome + self.competing + self.censored
        return leaving[::-1].cumsum()[::-1]

    def known_until(self, day: int) -> bool:
        """Whether the share by that day follows from what was seen: nobody was left waiting when the data ended before."""
        return len(self.days) == 0 or int(self.days[-1]) >= day or not self.censored[-1]


@dataclass(frozen=True, slots=True)
class Curve:
    """A step function of the day, from 0 before the first; `low` and `high` are NaN where it is still 0."""

    days: npt.NDArray[np.int64]
    share: Array
    low: Array
    high: Array

    def at(self, day: int) -> tuple[float, float, float]:
        """Share, low and high at the end of that day; NaN limits before the first outcome."""
        place = int(np.searchsorted(self.days, day, side="right")) - 1
        if place < 0:
            return 0.0, float("nan"), float("nan")
        return float(self.share[place]), float(self.low[place]), float(self.high[place])


def cumulative_incidence(course: Course, level: float = LEVEL) -> Curve:
    """Aalen and Johansen's share with the outcome by each day; who met a competing event is at no more risk.

    Without competing events this is one minus Kaplan and Meier's estimate. Limits are on the complementary
    log-log scale.
    """
    waiting, outcome = course.waiting, course.outcome
    ended = outcome + course.competing
    free = np.concatenate([[1.0], np.cumprod(1 - ended / waiting)[:-1]])  # of any event, before the day
    share = np.cumsum(free * outcome / waiting)
    low, high = _limits(share, _variance(share, free, outcome, ended, waiting), level)
    return Curve(course.days, share, low, high)


def still_waiting(course: Course, level: float = LEVEL) -> Curve:
    """Kaplan and Meier's share to whom the outcome has not happened by each day; all else is censoring."""
    waiting, outcome = course.waiting, course.outcome
    share = np.cumprod(1 - outcome / waiting)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(outcome / (waiting * (waiting - outcome)))
    low, high = _limits(share, share**2 * greenwood, level)
    return Curve(course.days, share, low, high)


def _variance(share: Array, free: Array, outcome: Array, ended: Array, waiting: Array) -> Array:
    """Marubini and Valsecchi's, by sums that grow day by day instead of a double loop."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.where(waiting > ended, ended / (waiting * (waiting - ended)), 0.0)
    own = free**2 * outcome * (waiting - outcome) / waiting**3
    both = free * outcome / waiting**2
    squares = share**2 * ends.cumsum() - 2 * share * (share * ends).cumsum() + (share**2 * ends).cumsum()
    return squares + own.cumsum() - 2 * (share * both.cumsum() - (share * both).cumsum())


def _limits(share: Array, variance: Array, level: float) -> tuple[Array, Array]:
    """exp(-exp(…)) of the share's log-log, so that limits stay between 0 and 1."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inner = np.log(-np.log(share))
        spread = quantile(level) * np.sqrt(np.maximum(variance, 0)) / np.abs(share * np.log(share))
        low, high = np.exp(-np.exp(inner + spread)), np.exp(-np.exp(inner - spread))
    inside = (share > 0) & (share < 1)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)
