"""A dataset that remembers what was counted of it: asked for one county after another, it counts once."""

from collections import defaultdict
from collections.abc import Sequence
from threading import Lock

import polars as pl

from analytics.extract.dataset import Dataset
from analytics.indicators.beside import counted
from analytics.indicators.cells import Wanted, added
from analytics.indicators.engine import Question, Results, answer, refuse_future
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
        with self._lock:
            self._count_missing(asked)
            cells = [self._narrowed(of, asked) for of in asked.indicators]
        return answer(pl.concat(cells), asked, self.dataset.manifest)

    def _count_missing(self, asked: Question) -> None:
        """From one reading: indicators share most of what happened."""
        missing: dict[tuple[Stratum, ...], list[Indicator]] = defaultdict(list)
        for of in asked.indicators:
            if not self._fitting(of, asked):
                missing[tuple(_widened(asked.strata, of))].append(of)
        wanted = [Wanted(several, asked.periods, strata) for strata, several in missing.items()]
        for one, cells in zip(wanted, counted(self.dataset, wanted) if wanted else [], strict=True):
            for of in one.indicators:
                own = cells.filter(pl.col("indicator") == of.id)
                self._held(of, asked).append((frozenset(one.strata), own))

    def _held(self, of: Indicator, asked: Question) -> list[tuple[frozenset[Stratum], pl.DataFrame]]:
        return self._cells.setdefault((of.programme.id, of.id, asked.periods), [])

    def _fitting(self, of: Indicator, asked: Question) -> list[pl.DataFrame]:
        """Cells of at least the strata of the question, as often as they were counted."""
        return [cells for strata, cells in self._held(of, asked) if strata >= set(asked.strata)]

    def _narrowed(self, of: Indicator, asked: Question) -> pl.DataFrame:
        """The indicator's cells by the strata of the question and no others."""
        rest = ["indicator", "part", *(stratum.value for stratum in asked.strata), "bin"]
        return added([self._fitting(of, asked)[0].select(*rest, "numerator", "denominator")])


def _widened(strata: Sequence[Stratum], of: Indicator) -> list[Stratum]:
    return list(dict.fromkeys([*strata, *(one for one in _NARROWED_BY if one in of.strata)]))
