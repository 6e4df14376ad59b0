"""Parameters of an address that nobody reads are refused: the answer would look as if they had been heeded."""

from collections.abc import Collection

from analytics.indicators.catalogue import unknown
from screening.refusals import Refused
from screening.web import CallerRequest


def refuse_others(request: CallerRequest, known: Collection[str]) -> None:
    """Names the nearest of those that are known."""
    for name in request.query_params:
        if name not in known:
            raise Refused("unknown_parameter", unknown("parameter", name, known), parameter=name)
