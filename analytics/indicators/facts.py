"""What happened to the people of one bucket in one programme, each fact read and worked out once.

A fact is a function of `Facts`; asked for again it is not computed again, so indicators share whatever
they have in common. Facts are frames sorted by `key` (person and day as one number), with where the
person lived and how old she was that day.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import polars as pl

from analytics.extract.dataset import Bucket
from analytics.extract.shape import key
from analytics.indicators.programmes import Programme

PLACE = ("municipality", "county", "age", "age_in_year", "sex")

Fact = Callable[["Facts"], pl.DataFrame]
T = TypeVar("T")


@dataclass(slots=True)
class Reading:
    """Which rows and columns of a table are read: those of these kinds, and these columns."""

    kinds: set[str] = field(default_factory=set[str])
    columns: set[str] = field(default_factory=lambda: {"programme", "kind"})

    def add(self, kinds: Iterable[str], columns: Iterable[str]) -> None:
        self.kinds.update(kinds)
        self.columns.update(columns)

    def covers(self, kinds: Iterable[str], columns: Iterable[str]) -> bool:
        return self.kinds.issuperset(kinds) and self.columns.issuperset(columns)


@dataclass(frozen=True, slots=True)
class Facts:
    """One bucket as one programme knows it, up to the data cut.

    Its events are read once, all together: even one indicator asks for several kinds of them. `reading` (by
    table): what will be asked for, as `asked` tells it of another bucket; without it everything is read.
    """

    bucket: Bucket
    programme: Programme
    data_cut: date
    reading: Mapping[str, Reading] = field(default_factory=dict[str, Reading])
    asked: Mapping[str, Reading] = field(
        default_factory=lambda: {"events": Reading(), "obligations": Reading()}
    )
    _known: dict[object, Any] = field(default_factory=dict[object, Any])

    def once(self, name: object, told: Callable[[], T]) -> T:
        if name not in self._known:
            self._known[name] = told()
        return self._known[name]

    def of_frame(self, frame: pl.DataFrame, name: object, told: Callable[[], T]) -> T:
        """What is worked out of a frame, once where the frame itself is one that is kept here."""
        if any(kept is frame for kept in self._known.values()):
            return self.once((id(frame), name), told)
        return told()

    def events(self, kinds: Sequence[str], columns: Sequence[str], where: pl.Expr | None) -> pl.DataFrame:
        """Events of these kinds that concern the programme: its own, and those that concern every one."""
        own = pl.col("programme").is_in([self.programme.id, ""])
        return self._of_kinds("events", own, kinds, columns, where)

    def obligations(self, kinds: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
        """What the programme owes or owed, of these kinds."""
        own = pl.col("programme") == self.programme.id
        return self._of_kinds("obligations", own, kinds, columns, None)

    def _of_kinds(
        self, table: str, own: pl.Expr, kinds: Sequence[str], columns: Sequence[str], where: pl.Expr | None
    ) -> pl.DataFrame:
        needed = [*columns, *(where.meta.root_names() if where is not None else ())]
        self.asked[table].add(kinds, needed)
        expected = self.reading.get(table)
        if expected is not None and not expected.covers(kinds, needed):
            expected = None
        read = self.once((table, id(expected)), lambda: self._read(table, own, expected))
        if where is None:
            return read.lazy().filter(_among(kinds)).select(columns).collect()
        # a part of a kind, and soon another part: of tests there are many
        whole = self.once((table, id(expected), *kinds), lambda: read.filter(_among(kinds)))
        return whole.lazy().filter(where).select(columns).collect()

    def _read(self, table: str, own: pl.Expr, expected: Reading | None) -> pl.DataFrame:
        rows: pl.LazyFrame = getattr(self.bucket, table).filter(own)
        if expected is None:
            return rows.collect()
        return rows.filter(_among(sorted(expected.kinds))).select(sorted(expected.columns)).collect()


def _among(kinds: Sequence[str]) -> pl.Expr:
    return pl.col("kind").is_in(kinds) if len(kinds) > 1 else pl.col("kind") == kinds[0]


def fact(told: Fact) -> Fact:
    """Makes a function of Facts one that is worked out once."""

    def remembered(facts: Facts) -> pl.DataFrame:
        return facts.once(told, lambda: told(facts))

    remembered.__name__ = told.__name__
    remembered.__doc__ = told.__doc__
    return remembered


def happened(facts: Facts, kinds: Sequence[str], *columns: str, where: pl.Expr | None = None) -> pl.DataFrame:
    """Events of these kinds that concern the programme: its own, and those that concern every one."""
    told = ("person", "date", *PLACE, *columns)
    return keyed(facts.events([str(kind) for kind in kinds], told, where))


def owed(facts: Facts, kinds: Sequence[str], *columns: str, day: str = "due_on") -> pl.DataFrame:
    """Obligations of these kinds, whatever became of them; `date` is the day each was due, or opened."""
    told = ("person", *PLACE, *columns, day)
    return keyed(facts.obligations([str(kind) for kind in kinds], told).rename({day: "date"}))


def keyed(frame: pl.DataFrame) -> pl.DataFrame:
    """With `key`, in its order."""
    with_key = frame.with_columns(key=key())
    return with_key if with_key["key"].is_sorted() else with_key.sort("key", maintain_order=True)


def per_day(frame: pl.DataFrame, **together: pl.Expr) -> pl.DataFrame:
    """One row per person and day; what several rows of one day say together is told by `together`.

    Most days have one row, and only the others are gathered.
    """
    again = (pl.col("key") == pl.col("key").shift(1)) | (pl.col("key") == pl.col("key").shift(-1))
    marked = frame.with_columns(_again=again.fill_null(value=False))
    if not marked["_again"].any():
        return frame
    rest = [pl.col(name).first() for name in frame.columns if name not in together and name != "key"]
    gathered = marked.filter("_again").group_by("key", maintain_order=True).agg(*rest, **together)
    alone = marked.filter(~pl.col("_again")).drop("_again")
    return pl.concat([alone, gathered.select(alone.columns)]).sort("key")
