"""What every route needs: who may call it, and a transaction in the caller's name."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from litestar import HttpMethod, Request, route
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.params import PathParameter, QueryParameter
from litestar.types import Message, Scope

from screening.refusals import NotAllowed
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction
from screening.vocabulary import LARGEST_BIGINT, Role

T = TypeVar("T")

CallerRequest = Request[Actor, Any, State]
# A row's number in a path, and one in a query to go on from; what no row can have is refused.
PathId = Annotated[int, PathParameter(ge=0, le=LARGEST_BIGINT)]
Cursor = Annotated[int, QueryParameter(ge=0, le=LARGEST_BIGINT)]


# What any route may be answered with instead of its own answer.
_STATUSES = (400, 401, 403, 404, 409, 413, 415, 422, 503)


class Problem(msgspec.Struct, omit_defaults=True):
    """Why a call was refused (RFC 9457): `type` is a stable word, `detail` a sentence with what to do."""

    type: str
    title: str
    status: int
    detail: str
    faults: list[dict[str, str]] = []
    facts: dict[str, str] = {}


def refusals(container: Any, media: str, statuses: Iterable[int] = _STATUSES) -> dict[int, ResponseSpec]:
    """How refusals are described: of what shape, and of what media type."""
    return {
        status: ResponseSpec(
            container, media_type=media, generate_examples=False, description=HTTPStatus(status).phrase
        )
        for status in statuses
    }


_PROBLEM = "application/problem+json"
PROBLEMS: Mapping[int, ResponseSpec] = refusals(Problem, _PROBLEM)


@dataclass
class _Given(Schema):
    """A JSON schema as it is, among those that the framework derives."""

    given: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_schema(self) -> dict[str, Any]:
        return dict(self.given)


def takes(bodies: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a handler that reads its body itself: media type -> its type, or its JSON schema."""
    content = _content(bodies)

    @dataclass
    class Taking(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(content=content, required=True)

    return {"operation_class": Taking}


def gives(bodies: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a handler that answers 200 in one of several media types: likewise."""
    content = _content(bodies)

    @dataclass
    class Giving(Operation):
        def __post_init__(self) -> None:
            self.responses = {**(self.responses or {}), "200": OpenAPIResponse("The answer", content=content)}

    return {"operation_class": Giving}


def _content(bodies: Mapping[str, Any]) -> dict[str, OpenAPIMediaType]:
    return {
        media: OpenAPIMediaType(schema=_Given(given=kind if isinstance(kind, dict) else _json_schema(kind)))
        for media, kind in bodies.items()
    }


def _json_schema(kind: Any) -> dict[str, Any]:
    (schema,), named = msgspec.json.schema_components([kind], ref_template="{name}")
    return _inlined(schema, named)


def _inlined(part: Any, named: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(one, named) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(named[part["$ref"]], named)
    return {name: _inlined(one, named) for name, one in part.items()}


class Clock(Protocol):
    """Tells the civil day; only `screening/service` has a real one."""

    def today(self) -> date: ...


def allow(*roles: Role, refused: Mapping[int, ResponseSpec] = PROBLEMS) -> dict[str, Any]:
    """Keyword arguments of a route handler: `@get("/x", **allow(Role.ANALYST))`.

    A route without this declaration does not start: the app refuses it.
    """
    return {"opt": {"roles": frozenset(roles)}, "responses": dict(refused)}


def anyone() -> dict[str, Any]:
    """Declares a route that needs no token: health, metadata, static pages without data."""
    opt = {"roles": frozenset[Role](), "public": True, "exclude_from_auth": True}
    return {"opt": opt, "security": [{}], "responses": refusals(Problem, _PROBLEM, (400,))}


def read(path: str, **more: Any) -> Callable[[Callable[..., Any]], BaseRouteHandler]:
    """Declares a route that only reads: what HEAD is told of it is what GET would be, but the content."""
    return route(path, http_method=[HttpMethod.GET, HttpMethod.HEAD], **more)


async def without_content(message: Message, scope: Scope) -> None:
    """Hook of the application, before it sends: an answer to HEAD ends with its headers, also a refusal."""
    if message["type"] == "http.response.body" and scope.get("method") == HttpMethod.HEAD:
        message["body"] = b""


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
