"""Which published numbers must be hidden as well, so that no sensitive one can be worked out from the rest.

Whoever reads the tables knows how they add up. So every sensitive number is given witnesses: other tables
of whole numbers that add up the same way, agree with all that is shown, and in which the sensitive number
lies at either end of the interval that must stay possible. A witness is a *move* away from the true tables;
the cheapest one is found by linear programming, and what it moves is hidden. The method is that of Kelly,
Golden and Assad, Cell suppression: disclosure protection for sensitive tabular data, Networks 22 (1992)
397-417, with tables linked in any way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import scipy

from screening.refusals import Refused

Equation = Mapping[int, int]  # cell -> factor; the sum over the cells of a true table is 0
_WHOLE = 1e-6


@dataclass(frozen=True, slots=True)
class Sensitive:
    """Both ends of [low, high] must remain possible for this cell.

    Not `must`: where nothing keeps them possible, that is no reason to refuse.
    """

    cell: int
    low: int
    high: int
    must: bool = True


@dataclass(frozen=True, slots=True)
class System:
    """Numbers as they are, how they add up, and what the reader would be told of them.

    `shown`: would be published. `fixed`: was published before, so can no longer be hidden. `slack`: a shown
    number is told only to within so much below and above (its rounding). `cost`: what is lost by hiding it.
    No number is negative.
    """

    values: npt.NDArray[np.int64]
    equations: Sequence[Equation]
    shown: npt.NDArray[np.bool_]
    fixed: npt.NDArray[np.bool_]
    below: npt.NDArray[np.int64]
    above: npt.NDArray[np.int64]
    cost: npt.NDArray[np.float64]


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
    matrix: "scipy.sparse.csr_array"
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
        cell = one.cell
        problem = _Problem(self.system, self.matrix, hidden, cell, int(end - self.system.values[cell]))
        move = problem.solved(whole=False)
        if move is None or np.abs(move - move.round()).max() > _WHOLE:
            move = problem.solved(whole=True)
        if move is None and not one.must:
            return np.zeros_like(self.system.values)
        if move is None:
            raise Refused(
                "cannot_be_protected",
                "what was published before tells a small number together with this; ask for less detail",
                cell=int(self.cells[cell]),
            )
        return move.round().astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Problem:
    """Every cell has three ways to move: freely (hidden, or within its rounding), and up or down at its cost."""

    system: System
    matrix: "scipy.sparse.csr_array"
    hidden: npt.NDArray[np.bool_]
    cell: int
    by: int

    def solved(self, *, whole: bool) -> npt.NDArray[np.float64] | None:
        """None where no witness is possible."""
        size, solver = len(self.system.values), cast("Any", scipy.optimize)
        found = solver.milp(
            c=np.concatenate([np.zeros(size), self.system.cost, self.system.cost]),
            integrality=np.full(3 * size, int(whole)),
            bounds=solver.Bounds(*self._bounds()),
            constraints=solver.LinearConstraint(
                scipy.sparse.hstack([self.matrix, self.matrix, -self.matrix], format="csr"), 0, 0
            ),
            options={"mip_rel_gap": 1.0},  # in whole numbers any witness will do
        )
        return None if found.x is None else found.x[:size] + found.x[size : 2 * size] - found.x[2 * size :]

    def _bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Of the free moves, those up and those down; in all no number falls below zero."""
        system, zero = self.system, -self.system.values.astype(float)
        low = np.where(self.hidden, zero, np.maximum(-system.below, zero))
        high = np.where(self.hidden, np.inf, system.above)
        low[self.cell] = high[self.cell] = self.by
        dear = np.where(~self.hidden & ~system.fixed, np.inf, 0.0)
        dear[self.cell] = 0.0
        lowered = np.where(dear > 0, np.maximum(low - zero, 0.0), 0.0)
        nothing = np.zeros(len(low))
        return np.concatenate([low, nothing, nothing]), np.concatenate([high, dear, lowered])


def _components(system: System, sensitive: Sequence[Sensitive]) -> list[tuple[_Part, list[Sensitive]]]:
    """The parts of the system that hold anything sensitive; nothing in one tells of another."""
    size = len(system.values)
    matrix = _matrix(system.equations, size)
    _, label = scipy.sparse.csgraph.connected_components(abs(matrix).T @ abs(matrix), directed=False)
    found: list[tuple[_Part, list[Sensitive]]] = []
    by_part: dict[int, list[Sensitive]] = {}
    for one in sensitive:
        by_part.setdefault(int(label[one.cell]), []).append(one)
    for name, among in sorted(by_part.items()):
        cells = np.flatnonzero(label == name)
        rows = np.flatnonzero(abs(matrix)[:, cells].sum(axis=1))
        place = {int(cell): at for at, cell in enumerate(cells)}
        within = [replace(one, cell=place[one.cell]) for one in among]
        found.append((_Part(cells, _cut(system, cells), matrix[rows][:, cells]), within))
    return found


def _matrix(equations: Sequence[Equation], size: int) -> "scipy.sparse.csr_array":
    rows = [row for row, equation in enumerate(equations) for _ in equation]
    cells = [cell for equation in equations for cell in equation]
    factors = [factor for equation in equations for factor in equation.values()]
    return scipy.sparse.csr_array((np.array(factors, float), (rows, cells)), shape=(len(equations), size))


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
