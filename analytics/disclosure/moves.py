"""Moves away from the true tables: other numbers that add up the same way and agree with all that is shown.

The cheapest is found by linear programming. One model is kept for tables that hang together: from one question
to the next only a few bounds change, so the solver goes on from where it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import highspy
import numpy as np
import numpy.typing as npt
import scipy

Equation = Mapping[int, int]  # cell -> factor; the sum over the cells of a true table is 0
Flags = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]
_WHOLE = 1e-6
_STATUS = highspy.HighsModelStatus


class _Model(highspy.Highs):
    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()  # past the callbacks, which print the solver's name on stdout


@dataclass(frozen=True, slots=True)
class System:
    """Numbers as they are, how they add up, and what the reader would be told of them.

    `shown`: would be published. `fixed`: was published before, so can no longer be hidden. `below`, `above`:
    a shown number is told only to within so much (its rounding). `cost`: what is lost by hiding it.
    No number is negative.
    """

    values: npt.NDArray[np.int64]
    equations: Sequence[Equation]
    shown: Flags
    fixed: Flags
    below: npt.NDArray[np.int64]
    above: npt.NDArray[np.int64]
    cost: Reals


def matrix_of(equations: Sequence[Equation], size: int) -> "scipy.sparse.csr_array":
    rows = [row for row, equation in enumerate(equations) for _ in equation]
    cells = [cell for equation in equations for cell in equation]
    factors = [factor for equation in equations for factor in equation.values()]
    return scipy.sparse.csr_array((np.array(factors, float), (rows, cells)), shape=(len(equations), size))


class Moves:
    """Every cell has three ways to move: freely (hidden, or within its rounding), and up or down at its cost.

    Asked the same in the same order, it finds the same: one thread, no limit of time.
    """

    def __init__(self, system: System, matrix: "scipy.sparse.csr_array") -> None:
        self._system = system
        self._linked = abs(matrix)
        self._cells = len(system.values)
        self._ways = scipy.sparse.hstack([matrix, matrix, -matrix], format="csc")
        self._any = self._model(whole=False)
        self._whole: _Model | None = None

    def cheapest(self, hidden: Flags, cell: int, by: int) -> npt.NDArray[np.int64] | None:
        """Whole-numbered, and moves the cell by so much; None where there is none."""
        bounds = self._bounds(hidden, cell, by)
        ways = _solved(self._any, *bounds)
        if ways is not None and np.abs(ways - ways.round()).max() > _WHOLE:
            ways = self._made_whole(ways, *bounds)
        if ways is None:
            return None
        freely, up, down = ways.round().astype(np.int64).reshape(3, -1)
        return freely + up - down

    def _made_whole(self, ways: Reals, low: Reals, high: Reals) -> Reals | None:
        """In whole numbers any witness will do: one that differs near what is broken, else any at all."""
        if self._whole is None:
            self._whole = self._model(whole=True)
        near = np.any(np.abs(ways - ways.round()).reshape(3, -1) > _WHOLE, axis=0, keepdims=True)[0]
        while not (near := self._around(near)).all():
            open_ = np.tile(near, 3)
            kept = ways.round()
            found = _solved(self._whole, np.where(open_, low, kept), np.where(open_, high, kept))
            if found is not None:
                return found
        return _solved(self._whole, low, high)

    def _around(self, near: Flags) -> Flags:
        """With the cells of every equation that these stand in."""
        return (self._linked.T @ (self._linked @ near.astype(float))) > 0

    def _bounds(self, hidden: Flags, cell: int, by: int) -> tuple[Reals, Reals]:
        """Of the free moves, those up and those down; in all no number falls below zero."""
        system, zero = self._system, -self._system.values.astype(float)
        low = np.where(hidden, zero, np.maximum(-system.below, zero))
        high = np.where(hidden, np.inf, system.above)
        low[cell] = high[cell] = by
        dear = np.where(~hidden & ~system.fixed, np.inf, 0.0)
        dear[cell] = 0.0
        lowered = np.where(dear > 0, np.maximum(low - zero, 0.0), 0.0)
        nothing = np.zeros(len(low))
        return np.concatenate([low, nothing, nothing]), np.concatenate([high, dear, lowered])

    def _model(self, *, whole: bool) -> _Model:
        equations, ways = cast("tuple[int, int]", self._ways.shape)
        program = cast("Any", highspy.HighsLp())
        program.num_row_, program.num_col_ = equations, ways
        program.col_cost_ = np.concatenate([np.zeros(self._cells), self._system.cost, self._system.cost])
        program.col_lower_ = program.col_upper_ = np.zeros(ways)
        program.row_lower_ = program.row_upper_ = np.zeros(equations)
        matrix = program.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kColwise
        matrix.start_, matrix.index_, matrix.value_ = self._ways.indptr, self._ways.indices, self._ways.data
        if whole:
            program.integrality_ = [highspy.HighsVarType.kInteger] * ways
        model = _Model()
        for option, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 1.0)):
            model.setOptionValue(option, value)
        model.passModel(program)
        return model


def _solved(model: _Model, low: Reals, high: Reals) -> Reals | None:
    """None where nothing keeps to the bounds."""
    model.changeColsBounds(len(low), np.arange(len(low), dtype=np.int32), low, high)
    model.run()
    status = model.getModelStatus()
    if status in (_STATUS.kInfeasible, _STATUS.kUnboundedOrInfeasible):  # no cost is negative
        return None
    if status != _STATUS.kOptimal:
        raise RuntimeError(f"the solver ended with {model.modelStatusToString(status)}")
    return np.array(model.getSolution().col_value)
