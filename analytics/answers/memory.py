"""What was told of one programme, number by number. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from analytics.disclosure.cells import Cell, Cells, Place, What
from analytics.disclosure.judge import Verdict
from analytics.disclosure.together import Interval, Told

Row = tuple[str, str, str, str, str, int, bool, int | None, int | None]


class Judged(NamedTuple):
    """A number, whether it is hidden, and what must stay possible where it is sensitive."""

    cell: Cell
    value: int
    hidden: bool
    kept: Interval | None


@dataclass(slots=True)
class Memory:
    """Only ever more: a number that was hidden once stays hidden, so whoever asks again is answered the same.

    `upto`: the last row that was read.
    """

    upto: int = 0
    cells: dict[Cell, int] = field(default_factory=dict[Cell, int])
    hidden: set[Cell] = field(default_factory=set[Cell])
    kept: dict[Cell, Interval] = field(default_factory=dict[Cell, Interval])

    def add(self, judged: Iterable[Judged]) -> None:
        for cell, value, hidden, kept in judged:
            self.cells[cell] = value
            if hidden:
                self.hidden.add(cell)
            if kept is not None:
                self.kept[cell] = kept

    def knows(self, cells: Cells) -> bool:
        return cells.keys() <= self.cells.keys()

    def verdict(self, cells: Cells) -> Verdict:
        return Verdict(cells, frozenset(cell for cell in cells if cell in self.hidden), {})

    def told(self) -> Told:
        return Told(self.cells, Verdict(self.cells, frozenset(self.hidden), {}).shown, self.kept, exact=False)

    def also(self, judged: Iterable[Judged]) -> "Memory":
        """Another, of this and more."""
        more = Memory(self.upto, dict(self.cells), set(self.hidden), dict(self.kept))
        more.add(judged)
        return more

    def new_in(self, verdict: Verdict) -> list[Judged]:
        """What was judged for the first time."""
        return [
            Judged(cell, value, cell in verdict.hidden, verdict.sensitive.get(cell))
            for cell, value in verdict.cells.items()
            if cell not in self.cells
        ]


def row_of(one: Judged) -> Row:
    place = one.cell.place
    words = msgspec.json.encode(place.words).decode()
    low, high = one.kept or (None, None)
    name, definition, period, _ = place
    return name, definition, period, words, one.cell.what, one.value, one.hidden, low, high


def judged_of(row: Row) -> Judged:
    name, definition, period, words, what, value, hidden, low, high = row
    place = Place(name, definition, period, msgspec.json.decode(words, type=tuple[tuple[str, str], ...]))
    return Judged(
        Cell(place, What(what)), value, hidden, None if low is None or high is None else (low, high)
    )
