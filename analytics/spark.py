"""The same indicators on an existing Spark cluster: buckets are counted wherever there is room, cells add up here.

Extra `spark`. Every executor needs this package and sees the extract under the same path; what travels is the
question in words, never data of people: only cells come back. Set POLARS_MAX_THREADS=1 on the executors, and
PYSPARK_PYTHON to the interpreter this package is installed in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from analytics.extract.dataset import open_extract
from analytics.indicators.cells import SUMS, Wanted, cells_of, reads_of, schema
from analytics.indicators.engine import Question, Results, answer, question
from analytics.indicators.period import period

_TYPES: Mapping[pl.DataType, str] = {pl.String(): "string", pl.Int64(): "bigint"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in words, as it is told to other machines. Empty `ids`: all that can be split so."""

    programme: str
    period: str
    by: Sequence[str] = ()
    ids: Sequence[str] = ()
    where: Mapping[str, str] = field(default_factory=dict[str, str])

    def question(self) -> Question:
        """Refuses as `analytics.indicators.engine.question` does."""
        return question(self.programme, period(self.period), by=self.by, ids=self.ids, where=self.where)


def compute_on_spark(session: Any, folder: Path, asked: Asked) -> Results:
    """The answer `compute` would give, counted by the session's executors, one task for each bucket."""
    wanted, source = asked.question(), open_extract(folder).manifest
    columns = schema(wanted.strata)
    buckets = session.range(0, source.buckets, numPartitions=max(source.buckets, 1))
    told = ", ".join(f"`{name}` {_TYPES[dtype]}" for name, dtype in columns.items())
    cells = buckets.mapInArrow(_counting(str(folder), asked), told)
    keys = [name for name in columns.names() if name not in SUMS]
    sums = cells.groupBy(*keys).sum(*SUMS).toArrow()
    added = pl.DataFrame(pl.from_arrow(sums)).rename({f"sum({name})": name for name in SUMS})
    return answer(added.cast(columns), wanted, source)


def _counting(folder: str, asked: Asked) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What an executor does with numbers of buckets: their cells, as record batches."""

    def counted(batches: Iterator[Any]) -> Iterator[Any]:
        wanted, dataset = asked.question(), open_extract(Path(folder))
        cut, each = dataset.manifest.data_cut, [Wanted(wanted.indicators, wanted.periods, wanted.strata)]
        reads = reads_of(each, cut)
        for batch in batches:
            for number in batch.column("id").to_pylist():
                [cells] = cells_of(dataset.buckets[number], each, cut, reads)
                yield from cells.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()

    return counted
