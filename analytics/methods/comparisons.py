"""Two shares compared: how many times as large, and by how much."""

from dataclasses import dataclass
from enum import StrEnum
from math import exp, log, sqrt

from analytics.methods.intervals import LEVEL, quantile, wilson


class Comparison(StrEnum):
    RISK_RATIO = "risk_ratio"
    RISK_DIFFERENCE = "risk_difference"


@dataclass(frozen=True, slots=True)
class Arm:
    """`count` of `total` people in one arm or area."""

    count: int
    total: int

    @property
    def share(self) -> float:
        return self.count / self.total


@dataclass(frozen=True, slots=True)
class Compared:
    value: float
    low: float
    high: float
    method: str


def risk_ratio(of: Arm, to: Arm, level: float = LEVEL) -> Compared:
    """`of` over `to`, with Wald's interval on the logarithm. Needs at least one event in each."""
    ratio = of.share / to.share
    spread = quantile(level) * sqrt(1 / of.count - 1 / of.total + 1 / to.count - 1 / to.total)
    return Compared(ratio, exp(log(ratio) - spread), exp(log(ratio) + spread), "log_wald")


def risk_difference(of: Arm, to: Arm, level: float = LEVEL) -> Compared:
    """`of` minus `to`, with Wald's interval."""
    difference = of.share - to.share
    variance = sum(arm.share * (1 - arm.share) / arm.total for arm in (of, to))
    spread = quantile(level) * sqrt(variance)
    return Compared(difference, difference - spread, difference + spread, "wald")


def risk_difference_newcombe(of: Arm, to: Arm, level: float = LEVEL) -> Compared:
    """`of` minus `to`, with Newcombe's interval from the two of Wilson (method 10); good for small counts."""
    difference = of.share - to.share
    low_of, high_of = wilson(of.count, of.total, level)
    low_to, high_to = wilson(to.count, to.total, level)
    below = sqrt((of.share - low_of) ** 2 + (high_to - to.share) ** 2)
    above = sqrt((high_of - of.share) ** 2 + (to.share - low_to) ** 2)
    return Compared(difference, difference - below, difference + above, "newcombe")
