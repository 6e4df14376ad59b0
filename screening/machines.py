"""State machines as one table: (state, what happened) -> state.

The database's CHECK, the diagram and the property test all come from the same table.
"""

from collections.abc import Mapping
from enum import StrEnum

from screening.refusals import Conflict

Table = Mapping[tuple[StrEnum, StrEnum], StrEnum]


def follow(table: Table, state: StrEnum, happened: StrEnum, *, what: str) -> StrEnum:
    """The state after; refuses what cannot happen in this state, naming what can."""
    reached = table.get((state, happened))
    if reached is None:
        possible = ", ".join(sorted(event for held, event in table if held == state)) or "nothing more"
        raise Conflict(
            "impossible_transition", f"{what} is {state}: {happened} cannot happen; possible: {possible}"
        )
    return reached


def diagram(table: Table) -> str:
    """The machine as a mermaid state diagram."""
    arrows = [f"    {state} --> {reached}: {event}" for (state, event), reached in table.items()]
    return "\n".join(["stateDiagram-v2", *arrows])
