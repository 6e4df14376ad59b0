"""Parameters of an address that nobody reads are refused: the answer would look as if they had been heeded. Pure."""

from collections.abc import Collection, Iterable

from analytics.indicators.catalogue import unknown
from screening.refusals import Refused


def refuse_others(asked: Iterable[str], known: Collection[str]) -> None:
    """Names the nearest of those that are known."""
    for name in asked:
        if name not in known:
            raise Refused("unknown_parameter", unknown("parameter", name, known), parameter=name)
