"""A dataset that remembers what was counted of it: asked for one county after another, it counts once."""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import NamedTuple

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
_Split = frozenset[Stratum]
_Key = tuple[str, str, Periods]


class _Part(NamedTuple):
    """What a question asks of one indicator."""

    of: Indicator
    periods: Periods
    split: _Split

    @property
    def key(self) -> _Key:
        return self.of.programme.id, self.of.id, self.periods

    @property
    def widened(self) -> _Split:
        return self.split.union(one for one in _NARROWED_BY if one in self.of.strata)


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
        return self.answer_each([asked])[0]

    def answer_each(self, questions: Sequence[Question]) -> list[Results]:
        """The answer to each; what is not kept is counted from one reading, for indicators share most of it."""
        parts = [_parts(asked) for asked in questions]
        for asked in questions:
            refuse_future(asked.periods, self.dataset.manifest.data_cut)
        cells = iter(self._cells_of([part for of_one in parts for part in of_one]))
        return [
            answer(pl.concat(_narrowed(next(cells), asked) for _ in of_one), asked, self.dataset.manifest)
            for asked, of_one in zip(questions, parts, strict=True)
        ]

    def cells(self, asked: Question) -> pl.DataFrame:
        """What the answer is made of, see `analytics.indicators.cells.schema`; only of those of whom `where` is true."""
        refuse_future(asked.periods, self.dataset.manifest.data_cut)
        found = pl.concat(_narrowed(cells, asked) for cells in self._cells_of(_parts(asked)))
        return found.filter(*(pl.col(stratum.value) == word for stratum, word in asked.where.items()))

    def seen(self, programme: str) -> Seen:
        """The laboratories and units that events of the programme name."""
        if programme not in self._seen:
            with self._counting, undisturbed(self.dataset):
                if programme not in self._seen:
                    self._seen[programme] = words_seen(self.dataset, programme)
        return self._seen[programme]

    def _cells_of(self, parts: Sequence[_Part]) -> list[pl.DataFrame]:
        """Of each part cells of at least its split."""
        found = self._kept(parts)
        if len(found) < len(parts):
            with self._counting:
                found = self._kept(parts)
                missing = {at: part for at, part in enumerate(parts) if at not in found}
                anew = self._counted(list(missing.values()))
                found |= {at: _fitting(anew[part.key], part.split)[0] for at, part in missing.items()}
        return [found[at] for at in range(len(parts))]

    def _kept(self, parts: Sequence[_Part]) -> dict[int, pl.DataFrame]:
        """The place of a part -> its cells, where there are any."""
        found: dict[int, pl.DataFrame] = {}
        with self._looking:
            for at, part in enumerate(parts):
                fitting = _fitting(self._cells.get(part.key, {}), part.split)
                if fitting:
                    self._cells.move_to_end(part.key)
                    found[at] = fitting[0]
        return found

    def _counted(self, missing: Sequence[_Part]) -> Mapping[_Key, Mapping[_Split, pl.DataFrame]]:
        """From one reading, and kept."""
        # one programme at a time: indicators of several may have the same name
        alike: dict[tuple[str, Periods, _Split], list[Indicator]] = defaultdict(list)
        for part in _widest(missing):
            alike[part.of.programme.id, part.periods, part.split].append(part.of)
        wanted = [
            Wanted(several, periods, [one for one in Stratum if one in split])
            for (_, periods, split), several in alike.items()
        ]
        found: dict[_Key, dict[_Split, pl.DataFrame]] = defaultdict(dict)
        for one, cells in zip(wanted, counted(self.dataset, wanted) if wanted else [], strict=True):
            by_indicator = cells.partition_by("indicator", as_dict=True)
            for of in one.indicators:
                part = _Part(of, one.periods, frozenset(one.strata))
                found[part.key][part.split] = by_indicator.get((of.id,), cells.clear())
        self._keep(found)
        return found

    def _keep(self, found: Mapping[_Key, Mapping[_Split, pl.DataFrame]]) -> None:
        with self._looking:
            for key, cells in found.items():
                self._cells[key] = self._cells.get(key, {}) | dict(cells)
                self._cells.move_to_end(key)
            while len(self._cells) > _MOST:
                self._cells.popitem(last=False)


def _parts(asked: Question) -> list[_Part]:
    return [_Part(of, asked.periods, frozenset(asked.strata)) for of in asked.indicators]


def _widest(parts: Sequence[_Part]) -> list[_Part]:
    """Each once, split so widely that it serves the narrower ones too."""
    splits: dict[_Key, set[_Split]] = defaultdict(set)
    for part in parts:
        splits[part.key].add(part.widened)
    of = {part.key: part for part in parts}
    return [
        of[key]._replace(split=split)
        for key, each in splits.items()
        for split in each
        if not any(split < other for other in each)
    ]


def _fitting(kept: Mapping[_Split, pl.DataFrame], wanted: _Split) -> list[pl.DataFrame]:
    """What is split by all that is wanted, the smallest first."""
    return sorted((cells for split, cells in kept.items() if split >= wanted), key=lambda cells: cells.height)


def _narrowed(cells: pl.DataFrame, asked: Question) -> pl.DataFrame:
    """The indicator's cells by the strata of the question and no others."""
    rest = ["indicator", "part", *(stratum.value for stratum in asked.strata), "bin"]
    return added([cells.select(*rest, "numerator", "denominator")])
