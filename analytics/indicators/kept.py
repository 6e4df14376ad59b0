"""A dataset that remembers what was counted of it: asked for one county after another, it counts once."""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from threading import Lock

import polars as pl

from analytics.extract.dataset import Dataset, undisturbed
from analytics.indicators.beside import counted
from analytics.indicators.cells import Wanted, added
from analytics.indicators.engine import Question, Results, answer, refuse_future
from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.period import Periods
from analytics.indicators.seen import Seen, words_seen

# By what figures are most often narrowed down: who asks for one county will ask for the next.
_NARROWED_BY = (Stratum.COUNTY, Stratum.AGE_GROUP)
_MOST = 2000  # of an indicator in a period: all indicators in a dozen periods, some 100 MB of a nation
_Key = tuple[str, str, Periods]
_Split = frozenset[Stratum]


class Kept:
    """Answers as `compute` does; cells split by more than is asked are kept, and summed when they are asked for.

    For as long as the dataset stays what it is; what nobody asked for lately is forgotten first. Asked by several
    threads, each thing is counted once, and who asks for what is kept waits for nobody.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._cells: OrderedDict[_Key, dict[_Split, pl.DataFrame]] = OrderedDict()
        self._seen: dict[str, Seen] = {}
        self._counting, self._looking = Lock(), Lock()

    def answer(self, asked: Question) -> Results:
        """Refuses a period that begins after the data cut."""
        refuse_future(asked.periods, self.dataset.manifest.data_cut)
        found = self._fitting(asked)
        if len(found) < len(asked.indicators):
            with self._counting:
                found = self._fitting(asked)
                found |= self._counted([of for of in asked.indicators if of.id not in found], asked)
        cells = [_narrowed(found[of.id], asked) for of in asked.indicators]
        return answer(pl.concat(cells), asked, self.dataset.manifest)

    def seen(self, programme: str) -> Seen:
        """The laboratories and units that events of the programme name."""
        if programme not in self._seen:
            with self._counting, undisturbed(self.dataset):
                if programme not in self._seen:
                    self._seen[programme] = words_seen(self.dataset, programme)
        return self._seen[programme]

    def _fitting(self, asked: Question) -> dict[str, pl.DataFrame]:
        """Of each indicator cells of at least the strata of the question, where there are any."""
        wanted, found = set(asked.strata), dict[str, pl.DataFrame]()
        with self._looking:
            for of in asked.indicators:
                key = _key(of, asked)
                fitting = [cells for split, cells in self._cells.get(key, {}).items() if split >= wanted]
                if fitting:
                    self._cells.move_to_end(key)
                    found[of.id] = fitting[0]
        return found

    def _counted(self, missing: Sequence[Indicator], asked: Question) -> Mapping[str, pl.DataFrame]:
        """From one reading: indicators share most of what happened."""
        split: dict[tuple[Stratum, ...], list[Indicator]] = defaultdict(list)
        for of in missing:
            split[tuple(_widened(asked.strata, of))].append(of)
        wanted = [Wanted(several, asked.periods, strata) for strata, several in split.items()]
        found: dict[str, pl.DataFrame] = {}
        for one, cells in zip(wanted, counted(self.dataset, wanted) if wanted else [], strict=True):
            for of in one.indicators:
                found[of.id] = cells.filter(pl.col("indicator") == of.id)
                self._keep(_key(of, asked), frozenset(one.strata), found[of.id])
        return found

    def _keep(self, key: _Key, split: _Split, cells: pl.DataFrame) -> None:
        with self._looking:
            self._cells.setdefault(key, {})[split] = cells
            if len(self._cells) > _MOST:
                self._cells.popitem(last=False)


def _key(of: Indicator, asked: Question) -> _Key:
    return of.programme.id, of.id, asked.periods


def _narrowed(cells: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """The indicator's cells by the strata of the question and no others."""
    rest = ["indicator", "part", *(stratum.value for stratum in asked.strata), "bin"]
    return added([cells.select(*rest, "numerator", "denominator")])


def _widened(strata: Sequence[Stratum], of: Indicator) -> list[Stratum]:
    return list(dict.fromkeys([*strata, *(one for one in _NARROWED_BY if one in of.strata)]))
