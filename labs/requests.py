"""What the laboratories' routes share."""

from labs.service import Laboratories
from screening.refusals import NotAllowed
from screening.vocabulary import Role
from screening.web import CallerRequest


def laboratories_of(request: CallerRequest) -> Laboratories:
    return request.app.state.laboratories


def own_laboratory(request: CallerRequest) -> str:
    """The laboratory the caller speaks for."""
    if not request.user.organisation:
        raise NotAllowed("laboratory_missing", "the token names no laboratory (claim `laboratory`)")
    return request.user.organisation


def visible_laboratory(request: CallerRequest) -> str | None:
    """Whose messages the caller may see: a laboratory its own; None: programme staff, everybody's."""
    return None if Role.PROGRAMME_STAFF in request.user.roles else own_laboratory(request)
