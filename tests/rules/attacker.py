"""A reader who wants to know what was hidden, has everything that was published, and a solver.

Knows how tables add up, that nothing is negative, that a part is never more than its whole, and that small
numbers are hidden. Reads published tables only: what protects them shares no line with this.
"""

from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp


@dataclass
class Attacker:
    """`atoms`: the finest groups of people, each with two unknowns: those counted, and the rest of them.

    `rounding`: numbers are told to the nearest multiple. `small`: no number from 1 up to this is ever shown.
    `whole`: reckons in whole people, which rules out more, and takes long where numbers are rounded.
    """

    atoms: list
    rounding: int = 1
    small: int = 1
    whole: bool = True
    lows: list = field(default_factory=list)
    highs: list = field(default_factory=list)
    rows: list = field(default_factory=list)

    def row(self, inside, what):
        """The sum over the atoms that lie inside."""
        counted = [float(inside(atom) and what in ("numerator", "denominator")) for atom in self.atoms]
        rest = [float(inside(atom) and what in ("rest", "denominator")) for atom in self.atoms]
        return np.array(counted + rest)

    def reads(self, inside, what, told):
        """One published number."""
        if told is None:
            return
        below, above = self.rounding // 2, (self.rounding - 1) // 2
        self.rows.append(self.row(inside, what))
        self.lows.append(0 if told == 0 else max(told - below, self.small))
        self.highs.append(0 if told == 0 else told + above)

    def bounds(self, inside, what):
        """The least and the greatest that a number can have been."""
        goal, ends = self.row(inside, what), []
        known = [LinearConstraint(np.array(self.rows), self.lows, self.highs)] if self.rows else []
        for sign in (1, -1):
            found = milp(
                sign * goal,
                integrality=np.full(len(goal), int(self.whole)),
                bounds=Bounds(0, np.inf),
                constraints=known,
            )
            if found.status == 3:  # without end
                ends.append(sign * -np.inf)
                continue
            assert found.success, "the published tables contradict each other"
            ends.append(sign * found.fun)
        low, high = ends
        return (ceil(low - 1e-6), high if high == np.inf else floor(high + 1e-6))
