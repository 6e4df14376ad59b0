"""What every route needs: who may call it, and a transaction in the caller's name."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Protocol, TypeVar

from litestar import Request
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from screening.refusals import NotAllowed
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction
from screening.vocabulary import Role

T = TypeVar("T")

CallerRequest = Request[Actor, Any, State]


class Clock(Protocol):
    """Tells the civil day; only `screening/service` has a real one."""

    def today(self) -> date: ...


def allow(*roles: Role) -> dict[str, Any]:
    """Keyword arguments of a route handler: `@get("/x", **allow(Role.ANALYST))`.

    A route without this declaration does not start: the app refuses it.
    """
    return {"opt": {"roles": frozenset(roles)}}


def anyone() -> dict[str, Any]:
    """Declares a route that needs no token: health, metadata, static pages without data."""
    return {"opt": {"roles": frozenset[Role](), "public": True, "exclude_from_auth": True}}


def require_role(actor: Actor, handler: BaseRouteHandler) -> None:
    """Refuses, naming what would be needed, a caller with none of the roles that the route declares.

    Called where the caller becomes known, not as the framework's guard: for each call of a guard it copies
    the route, which costs more than taking in a result.
    """
    wanted: frozenset[Role] = handler.opt["roles"]
    if not wanted & actor.roles:
        raise NotAllowed(
            "role_may_not",
            f"this call needs one of the roles {', '.join(sorted(wanted))}; the token carries"
            f" {', '.join(sorted(actor.roles)) or 'none'}",
        )


def database_of(request: CallerRequest) -> Database:
    return request.app.state.database


def today_of(request: CallerRequest) -> date:
    clock: Clock = request.app.state.clock
    return clock.today()


async def commit(request: CallerRequest, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do `work` in one transaction in the caller's name."""
    return await database_of(request).run(work, actor=request.user, today=today_of(request))
