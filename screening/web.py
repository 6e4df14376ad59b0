"""What every route needs: who may call it, and a transaction in the caller's name."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Protocol, TypeVar

from litestar import Request
from litestar.connection import ASGIConnection
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
    return {"opt": {"roles": frozenset(roles)}, "guards": [_caller_has_role]}


def anyone() -> dict[str, Any]:
    """Declares a route that needs no token: health, metadata, static pages without data."""
    return {"opt": {"roles": frozenset[Role](), "public": True, "exclude_from_auth": True}}


# a coroutine without need of one: the framework runs plain guards in threads, at the price of the whole call
async def _caller_has_role(
    connection: ASGIConnection[Any, Actor, Any, State], handler: BaseRouteHandler
) -> None:
    wanted: frozenset[Role] = handler.opt["roles"]
    if not wanted & connection.user.roles:
        raise NotAllowed(
            "role_may_not",
            f"this call needs one of the roles {', '.join(sorted(wanted))}; the token carries"
            f" {', '.join(sorted(connection.user.roles)) or 'none'}",
        )


def database_of(request: CallerRequest) -> Database:
    return request.app.state.database


def today_of(request: CallerRequest) -> date:
    clock: Clock = request.app.state.clock
    return clock.today()


async def commit(request: CallerRequest, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do `work` in one transaction in the caller's name."""
    return await database_of(request).run(work, actor=request.user, today=today_of(request))
