"""Rates made comparable between populations of different ages.

Standard populations are five-year groups from 0-4 on. A vector is refused where its sum is not the
printed one, and ages are refused where their limits are not those of the standard: a wrong vector of 19
numbers circulates widely, and gives rates that look right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analytics.methods.intervals import LEVEL, Array, Numbers, byar, byar_or_exact
from screening.refusals import Refused

FEWEST = 10  # standardised rates of fewer events are too unsure to be shown
_OPEN = 200  # an age nobody reaches: the end of the last, open group


@dataclass(frozen=True, slots=True)
class Standard:
    """Weights of age groups of `step` years from 0 on, the last open; `printed_sum` as published."""

    name: str
    weights: tuple[float, ...]
    printed_sum: float
    step: int = 5

    def __post_init__(self) -> None:
        total = round(sum(self.weights), 6)
        if total != self.printed_sum:
            message = (
                f"the weights of {self.name} add up to {total:g}, published is {self.printed_sum:g};"
                " check the vector against its source"
            )
            raise Refused("wrong_standard_population", message, standard=self.name)

    @property
    def open_from(self) -> int:
        """First age of the last group."""
        return self.step * (len(self.weights) - 1)

    def for_ages(self, limits: Sequence[int], *, open_ended: bool = False) -> Array:
        """Shares of the groups limits[i] <= age < limits[i + 1], adding up to 1.

        `open_ended`: the last limit begins a group without end. A range that is not the whole of life
        is renormalised to itself. Refuses limits that cut a group of the standard.
        """
        ends = [*limits, _OPEN] if open_ended else list(limits)
        self._refuse_cut_groups(ends)
        widths = [self._weight(low, high) for low, high in pairwise(ends)]
        return np.array(widths) / sum(widths)

    def _refuse_cut_groups(self, limits: Sequence[int]) -> None:
        wrong = [age for age in limits if age != _OPEN and (age % self.step or age > self.open_from)]
        if wrong:
            message = (
                f"age {wrong[0]} is no limit of {self.name}, whose groups are of {self.step} years up to"
                f" {self.open_from} and over; group the data by those limits"
            )
            raise Refused("ages_do_not_match", message, standard=self.name, age=wrong[0])

    def _weight(self, low: int, high: int) -> float:
        """Of whole groups only; the open one belongs wholly to a group without end."""
        starts = range(0, self.open_from + 1, self.step)
        held = [w for start, w in zip(starts, self.weights, strict=True) if low <= start < high]
        if high != _OPEN and high > self.open_from:
            raise AssertionError("limits were checked before")
        return float(sum(held))


ESP2013 = Standard(
    "European standard population 2013",
    (
        5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000, 5500, 5000, 4000, 2500,
        1500, 1000,
    ),
    100_000,
)  # fmt: skip
SEGI = Standard(
    "world standard population of Segi and Doll",
    (
        12000, 10000, 9000, 9000, 8000, 8000, 6000, 6000, 6000, 6000, 5000, 4000, 4000, 3000, 2000, 1000, 500, 500,
    ),
    100_000,
)  # fmt: skip
WHO = Standard(
    "WHO world standard population 2000-2025",
    (
        8.86, 8.69, 8.60, 8.47, 8.22, 7.93, 7.61, 7.15, 6.59, 6.04, 5.37, 4.55, 3.72, 2.96, 2.21, 1.52, 0.91, 0.63,
    ),
    100.03,  # as printed; weights are normalised before use
)  # fmt: skip
STANDARDS: Mapping[str, Standard] = {"esp2013": ESP2013, "segi": SEGI, "who": WHO}


@dataclass(frozen=True, slots=True)
class Standardised:
    """Rates per one person (or person-year), one for each row of counts; NaN where suppressed."""

    rate: Array
    low: Array
    high: Array


def directly(counts: Numbers, population: Numbers, weights: Array, level: float = LEVEL) -> Standardised:
    """Directly standardised rates with Dobson's interval; one row per rate, one column per age group.

    Groups without population contribute nothing and their weight goes to the others. Rates of fewer
    than FEWEST events are NaN.
    """
    events = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    people = np.atleast_2d(np.asarray(population, dtype=np.float64))
    share = np.where(people > 0, weights, 0.0)
    share = _divided(share, share.sum(axis=1, keepdims=True))
    rate = (share * _divided(events, people)).sum(axis=1)
    variance = (share**2 * _divided(events, people**2)).sum(axis=1)
    total = events.sum(axis=1)
    low, high = byar(total, level)
    per_event = np.sqrt(_divided(variance, total))
    shown = np.where(total >= FEWEST, 1.0, np.nan)
    return Standardised(
        rate * shown, (rate + per_event * (low - total)) * shown, (rate + per_event * (high - total)) * shown
    )


def indirectly(observed: Numbers, expected: Numbers, level: float = LEVEL) -> Standardised:
    """Observed over expected, such as a standardised detection ratio; exact interval below ten, Byar from there."""
    seen = np.atleast_1d(np.asarray(observed, dtype=np.float64))
    awaited = np.atleast_1d(np.asarray(expected, dtype=np.float64))
    awaited = np.where(awaited > 0, awaited, np.nan)
    low, high = byar_or_exact(seen, level)
    return Standardised(seen / awaited, low / awaited, high / awaited)


def _divided(above: Array, below: Array) -> Array:
    """0 where there is nothing to divide by."""
    return np.divide(
        above, below, out=np.zeros(np.broadcast_shapes(above.shape, below.shape)), where=below > 0
    )
