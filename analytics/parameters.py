"""Parameters of an address that nobody reads are refused: the answer would look as if they had been heeded. Pure."""

from collections.abc import Collection, Iterable

from analytics.indicators.catalogue import no_such


def refuse_others(asked: Iterable[str], known: Collection[str]) -> None:
    """Names the nearest of those that are known."""
    for name in asked:
        if name not in known:
            raise no_such("unknown_parameter", "parameter", name, known, parameter=name)
