"""The numbers of some tables beside all that was told before, as a reader lays them side by side.

Whether two of them were counted from the same data is nowhere asked: numbers that agree are taken for one number,
and a number that is told for the first time for one of the same data as all the others. That is the careful
reading: between two data cuts little may have happened, and a reader may suspect that nothing did.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analytics.disclosure.cells import Cell, Cells, What

Interval = tuple[int, int]
Names = Mapping[Cell, Cell]  # a cell of some table -> the number it tells, where that is not the one of today


@dataclass(frozen=True, slots=True)
class Told:
    """What was told before: the true numbers, which of them were shown, and what had to be protected.

    `exact`: the numbers themselves; else as the audience's rounding leaves them.
    """

    cells: Cells
    shown: Collection[Cell]
    sensitive: Mapping[Cell, Interval]
    exact: bool = True

    def numbers_of(self, now: Cells) -> Names:
        """The cells that hold another number now."""
        return {cell: _was(cell, value) for cell, value in self.cells.items() if now[cell] != value}


def _was(cell: Cell, value: int) -> Cell:
    place = cell.place
    return Cell(place._replace(definition=f"{place.definition} was {value}"), cell.what)


class Reading(NamedTuple):
    """`numbers`: every number once. `known`: those that were shown before; `exactly`: to the digit.

    `tables`: cells with their values and names; sums hold within one table. `alike`: pairs of a number that was
    hidden before and what it is now, changed by so few people that the one tells the other.
    """

    numbers: Mapping[Cell, int]
    known: frozenset[Cell]
    exactly: frozenset[Cell]
    tables: Sequence[tuple[Cells, Names]]
    alike: Sequence[tuple[Cell, Cell]]


def read_together(own: Cells, before: Sequence[Told], few: int) -> Reading:
    """`before`: the oldest first. `few`: a change by fewer people is none to a reader."""
    now = dict(own)
    for one in reversed(before):
        now |= {cell: value for cell, value in one.cells.items() if cell not in now}
    numbers, named = dict(now), [one.numbers_of(now) for one in before]
    for one, names in zip(before, named, strict=True):
        numbers |= {name: one.cells[cell] for cell, name in names.items()}
    earlier = list(zip(before, named, strict=True))
    return Reading(
        numbers,
        known=frozenset(names.get(cell, cell) for one, names in earlier for cell in one.shown),
        exactly=frozenset(names.get(cell, cell) for one, names in earlier if one.exact for cell in one.shown),
        tables=[(now, {}), *((one.cells, names) for one, names in earlier if names)],
        alike=[pair for one, names in earlier for pair in _alike(one, names, own, few)],
    )


def _alike(one: Told, names: Names, own: Cells, few: int) -> list[tuple[Cell, Cell]]:
    """Without rests, which follow from the two others."""
    shown = frozenset(one.shown)
    return [
        (name, cell)
        for cell, name in names.items()
        if cell.what != What.REST
        and cell in own
        and cell not in shown
        and abs(own[cell] - one.cells[cell]) < few
    ]
