"""The least count that chance does not exceed with a given probability: whole, and never below nought."""

import numpy as np
import scipy

from analytics.methods.intervals import Array, Numbers


def binomial_quantile(level: float, trials: Numbers, chance: float) -> Array:
    """Of so many trials, each a success with this chance: the least number that is not exceeded with `level`."""
    of = np.asarray(trials, dtype=np.float64)
    none = (1 - chance) ** of >= level
    return np.where(none, 0.0, np.ceil(scipy.special.bdtrik(level, np.maximum(of, 1), chance)))


def poisson_quantile(level: float, expected: Numbers) -> Array:
    """Of events that come by chance, so many expected: the least number that is not exceeded with `level`."""
    awaited = np.asarray(expected, dtype=np.float64)
    none = np.exp(-awaited) >= level
    return np.where(none, 0.0, np.ceil(scipy.special.pdtrik(level, awaited)))
