"""A dataset that remembers what was counted of it: asked for one county after another, it counts once."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

import polars as pl

from analytics.extract.dataset import Dataset
from analytics.indicators.cells import added
from analytics.indicators.engine import Question, Results, answer, count, refuse_future
from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.period import Periods

# By what figures are most often narrowed down: who asks for one county will ask for the next.
_NARROWED_BY = (Stratum.COUNTY, Stratum.AGE_GROUP)
_Key = tuple[str, str, Periods]


class Kept:
    """Answers as `compute` does; cells split by more than is asked are kept, and summed when they are asked for.

    For as long as the dataset stays what it is. Asked by several threads, each thing is counted once.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._cells: dict[_Key, list[tuple[frozenset[Stratum], pl.DataFrame]]] = {}
        self._lock = Lock()

    def answer(self, asked: Question) -> Results:
        """Refuses a period that begins after the data cut."""
        refuse_future(asked.periods, self.dataset.manifest.data_cut)
        cells = [self._of(indicator, asked) for indicator in asked.indicators]
        return answer(pl.concat(cells), asked, self.dataset.manifest)

    def _of(self, of: Indicator, asked: Question) -> pl.DataFrame:
        """The indicator's cells by the strata of the question and no others."""
        with self._lock:
            held = self._cells.setdefault((of.programme.id, of.id, asked.periods), [])
            wide = next((cells for strata, cells in held if strata >= set(asked.strata)), None)
            if wide is None:
                strata = _widened(asked.strata, of)
                wide = count(self.dataset, replace(asked, indicators=[of], by=[*asked.by, *strata]))
                held.append((frozenset(strata), wide))
        rest = ["indicator", "part", *(stratum.value for stratum in asked.strata), "bin"]
        return added([wide.select(*rest, "numerator", "denominator")])


def _widened(strata: Sequence[Stratum], of: Indicator) -> list[Stratum]:
    return list(dict.fromkeys([*strata, *(one for one in _NARROWED_BY if one in of.strata)]))
