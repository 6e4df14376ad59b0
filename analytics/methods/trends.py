"""How a rate changes from year to year: log-linear, and whether it changed its course."""

from dataclasses import dataclass

import numpy as np

from analytics.methods.intervals import LEVEL, Array, Numbers, quantile

_STEPS, _CLOSE = 50, 1e-9
_FEWEST_YEARS = 3
_FEWEST_PER_SEGMENT = 3  # years on each side of a turn, the turn counted on both


@dataclass(frozen=True, slots=True)
class Trend:
    """Annual percent change with its interval. `dispersion`: 1 where the years scatter as counts by chance do."""

    change: float
    low: float
    high: float
    dispersion: float


@dataclass(frozen=True, slots=True)
class Turn:
    """The year in which the course changed, and the annual percent change before and after it."""

    year: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class _Fit:
    beta: Array
    covariance: Array
    dispersion: float
    criterion: float  # Bayes' information criterion; smaller is better


def annual_change(counts: Numbers, totals: Numbers, years: Numbers, level: float = LEVEL) -> Trend | None:
    """Poisson regression of the log rate on the year; None for fewer than three years, no event, or where no change
    fits best, as where all events lie in the last year.

    Where the years scatter more than by chance the interval is widened (quasi-Poisson); never narrowed.
    """
    events, people, when = _floats(counts, totals, years)
    if not _enough(events, people):
        return None
    fit = _fitted(_line(when), events, people)
    if fit is None:
        return None
    slope = float(fit.beta[1])
    spread = quantile(level) * float(np.sqrt(fit.covariance[1, 1] * max(1.0, fit.dispersion)))
    return Trend(_percent(slope), _percent(slope - spread), _percent(slope + spread), fit.dispersion)


def turn(counts: Numbers, totals: Numbers, years: Numbers) -> Turn | None:
    """The year in which a log-linear course bent, where one bend describes the counts better than none.

    Better by Bayes' information criterion, with the year of the bend counted as a parameter.
    """
    events, people, when = _floats(counts, totals, years)
    inner = when[_FEWEST_PER_SEGMENT - 1 : len(when) - _FEWEST_PER_SEGMENT + 1]
    if not _enough(events, people) or len(inner) == 0:
        return None
    fits = {year: _fitted(_bent(when, year), events, people) for year in inner}
    bent = {year: fit for year, fit in fits.items() if fit is not None}
    straight = _fitted(_line(when), events, people)
    if straight is None or not bent:
        return None
    year, best = min(bent.items(), key=lambda one: one[1].criterion)
    if best.criterion + np.log(len(when)) >= straight.criterion:
        return None
    return Turn(int(year), _percent(float(best.beta[1])), _percent(float(best.beta[1] + best.beta[2])))


def _floats(*numbers: Numbers) -> list[Array]:
    return [np.asarray(one, dtype=np.float64) for one in numbers]


def _enough(events: Array, people: Array) -> bool:
    return len(events) >= _FEWEST_YEARS and bool(events.sum() > 0) and bool((people > 0).all())


def _line(when: Array) -> Array:
    return np.column_stack([np.ones(len(when)), when - when.mean()])


def _bent(when: Array, at: float) -> Array:
    return np.column_stack([_line(when), np.maximum(when - at, 0)])


def _fitted(design: Array, events: Array, people: Array) -> _Fit | None:
    """None where the likelihood has no summit."""
    beta = _summit(design, events, people)
    if beta is None:
        return None
    expected = people * np.exp(design @ beta)
    free = max(len(events) - design.shape[1], 1)
    likelihood = float((events * np.log(expected) - expected).sum())
    return _Fit(
        beta,
        np.linalg.inv(_information(design, expected)),
        float(((events - expected) ** 2 / expected).sum()) / free,
        design.shape[1] * float(np.log(len(events))) - 2 * likelihood,
    )


def _summit(design: Array, events: Array, people: Array) -> Array | None:
    """By Newton's steps on the Poisson likelihood, which has at most one; without one they go on for ever."""
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(events.sum() / people.sum())
    for _ in range(_STEPS):
        expected = people * np.exp(design @ beta)
        information = _information(design, expected)
        if not np.isfinite(information).all() or np.linalg.matrix_rank(information) < len(beta):
            return None
        step = np.linalg.solve(information, design.T @ (events - expected))
        beta = beta + step
        if np.abs(step).max() < _CLOSE:
            return beta
    return None


def _information(design: Array, expected: Array) -> Array:
    return (design * expected[:, None]).T @ design


def _percent(log_ratio: float) -> float:
    return float(np.expm1(log_ratio)) * 100
