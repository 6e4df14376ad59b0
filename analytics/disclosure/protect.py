"""Which published numbers must be hidden as well, so that no sensitive one can be worked out from the rest.

Whoever reads the tables knows how they add up. So every sensitive number is given witnesses: other tables
of whole numbers that add up the same way, agree with all that is shown, and in which the sensitive number
lies at either end of the interval that must stay possible. A witness is a *move* away from the true tables;
the cheapest one is found by linear programming, and what it moves is hidden. The method is that of Kelly,
Golden and Assad, Cell suppression: disclosure protection for sensitive tabular data, Networks 22 (1992)
397-417, with tables linked in any way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import scipy

from analytics.disclosure.moves import Moves, System, matrix_of
from screening.refusals import Refused


@dataclass(frozen=True, slots=True)
class Sensitive:
    """Both ends of [low, high] must remain possible for this cell.

    Not `must`: where nothing keeps them possible, that is no reason to refuse.
    """

    cell: int
    low: int
    high: int
    must: bool = True


def protect(
    system: System, sensitive: Sequence[Sensitive], new: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which cells are hidden: the sensitive ones, and those that would tell them.

    `new`: told now. What is linked with none of these was judged when it was told, and nothing is added to it.
    Refuses what nothing can protect any more, because earlier publications tell it already.
    """
    hidden = ~system.shown
    for one in sensitive:
        if not system.fixed[one.cell]:
            hidden[one.cell] = True
    for part, among in _components(system, sensitive):
        if not new[part.cells].any():
            continue
        hidden[part.cells] = part.protect(hidden[part.cells], among)
    return hidden


@dataclass(slots=True)
class _Part:
    """Cells that are linked with each other, numbered anew; `reached`: how far witnesses have moved each."""

    cells: npt.NDArray[np.int64]
    system: System
    moves: Moves
    low: npt.NDArray[np.int64] = field(init=False)
    high: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.low, self.high = self.system.values.copy(), self.system.values.copy()

    def protect(self, hidden: npt.NDArray[np.bool_], among: Sequence[Sensitive]) -> npt.NDArray[np.bool_]:
        for one in sorted(among, key=lambda told: (self.system.values[told.cell], told.cell)):
            for end in (one.high, one.low):
                if not self.low[one.cell] <= end <= self.high[one.cell]:
                    move = self._move(one, end, hidden)
                    hidden = hidden | ((move != 0) & ~self._within_rounding(move))
                    self.low = np.minimum(self.low, self.system.values + move)
                    self.high = np.maximum(self.high, self.system.values + move)
        return hidden

    def _within_rounding(self, move: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        return (-self.system.below <= move) & (move <= self.system.above)

    def _move(self, one: Sensitive, end: int, hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """The cheapest whole-numbered move that brings the cell to `end`; none where there is none and need not be."""
        move = self.moves.cheapest(hidden, one.cell, int(end - self.system.values[one.cell]))
        if move is None and not one.must:
            return np.zeros_like(self.system.values)
        if move is None:
            raise Refused(
                "cannot_be_protected",
                "what was published before tells a small number together with this; ask for less detail",
                cell=int(self.cells[one.cell]),
            )
        return move


def _components(system: System, sensitive: Sequence[Sensitive]) -> list[tuple[_Part, list[Sensitive]]]:
    """The parts of the system that hold anything sensitive; nothing in one tells of another."""
    size = len(system.values)
    matrix = matrix_of(system.equations, size)
    _, label = scipy.sparse.csgraph.connected_components(abs(matrix).T @ abs(matrix), directed=False)
    found: list[tuple[_Part, list[Sensitive]]] = []
    by_part: dict[int, list[Sensitive]] = {}
    for one in sensitive:
        by_part.setdefault(int(label[one.cell]), []).append(one)
    for name, among in sorted(by_part.items()):
        cells = np.flatnonzero(label == name)
        rows = np.flatnonzero(abs(matrix)[:, cells].sum(axis=1))
        cut = _cut(system, cells)
        place = {int(cell): at for at, cell in enumerate(cells)}
        within = [replace(one, cell=place[one.cell]) for one in among]
        found.append((_Part(cells, cut, Moves(cut, matrix[rows][:, cells])), within))
    return found


def _cut(system: System, cells: npt.NDArray[np.int64]) -> System:
    return System(
        values=system.values[cells],
        equations=(),
        shown=system.shown[cells],
        fixed=system.fixed[cells],
        below=system.below[cells],
        above=system.above[cells],
        cost=system.cost[cells],
    )
