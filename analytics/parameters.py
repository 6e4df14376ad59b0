"""Parameters of an address that nobody reads are refused: the answer would look as if they had been heeded. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable

from analytics.indicators.catalogue import no_such
from screening.refusals import Refused


def refuse_others(
    asked: Iterable[tuple[str, object]], known: Collection[str], *, lists: Collection[str] = ()
) -> None:
    """Names the nearest of those that are known, and what was given twice: only the last would be read.

    `asked`: names and values, as often as they were given. `lists`: those that may hold several words.
    """
    for name, times in Counter(name for name, _ in asked).items():
        if name not in known:
            raise no_such("unknown_parameter", "parameter", name, known, parameter=name)
        if times > 1:
            how = f"its words separated by commas: {name}=a,b" if name in lists else "it can say one thing"
            told = f"parameter {name!r} was given {times} times; give it once, {how}"
            raise Refused("repeated_parameter", told, parameter=name)
