"""What changed from one release to the next, and why. Pure.

The same tables are counted once more from the new data as they were known at the old cut. What differs
between the old numbers and those is corrected: what was known then no longer stands. What differs between
those and the new numbers is late: it was recorded since. Where the definition is another, that is why.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from analytics.disclosure.cells import Cell, Cells, What


class Because(StrEnum):
    DEFINITION = "definition"
    LATE_DATA = "late data"
    CORRECTIONS = "corrections"
    BOTH = "late data and corrections"


@dataclass(frozen=True, slots=True)
class Change:
    """`late` and `corrected` add up to the difference; None where the definition is another."""

    cell: Cell
    before: int
    now: int
    late: int | None
    corrected: int | None

    @property
    def because(self) -> Because:
        if self.late is None:
            return Because.DEFINITION
        if self.late and self.corrected:
            return Because.BOTH
        return Because.LATE_DATA if self.late else Because.CORRECTIONS


def changes(before: Cells, then: Cells, now: Cells) -> Iterator[Change]:
    """Every number of both that differs, in the order of the new ones. `then`: the new data as known at the old cut."""
    earlier = {_whatever_defined(cell): (cell, value) for cell, value in before.items()}
    for cell, value in now.items():
        was = earlier.get(_whatever_defined(cell))
        if was is None or cell.what == What.REST or was[1] == value:
            continue
        if was[0] != cell:
            yield Change(cell, was[1], value, None, None)
        else:
            known_then = then.get(cell, 0)
            yield Change(cell, was[1], value, value - known_then, known_then - was[1])


def told(found: Iterable[Change], before: Collection[Cell], now: Collection[Cell]) -> list[Change]:
    """Those that readers can see for themselves: both numbers are shown."""
    was_shown = {_whatever_defined(cell) for cell in before}
    return [one for one in found if one.cell in now and _whatever_defined(one.cell) in was_shown]


def added_and_gone(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, list[str]]:
    """Indicator -> digest of its definition: which are new, no longer there, or defined otherwise."""
    return {
        "new": sorted(now.keys() - before.keys()),
        "gone": sorted(before.keys() - now.keys()),
        "defined_otherwise": sorted(name for name in now.keys() & before.keys() if now[name] != before[name]),
    }


def _whatever_defined(cell: Cell) -> Cell:
    return cell._replace(place=cell.place._replace(definition=""))
