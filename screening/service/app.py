"""The composition root: every room's doors behind one application."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, get
from litestar.config.response_cache import ResponseCacheConfig
from litestar.datastructures import Cookie, State
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Redirect

import analytics.dashboard.routes
import analytics.releases.routes
import analytics.routes
import invitations.routes
import labs.routes.fhir
import labs.routes.messages
import screening.followup.routes
import screening.people.routes
import screening.rulebook.routes
from analytics.live import Latest
from labs.mllp import MllpServer
from screening.refusals import NotFound
from screening.rulebook.shelf import Shelf
from screening.service.auth import COOKIE, BearerAuthentication, Verifier
from screening.service.guards import guard
from screening.service.laboratories import laboratories_of
from screening.service.logs import configure_logs
from screening.service.problems import HANDLERS
from screening.service.protocol_files import Vouch, watching
from screening.service.settings import PROGRAMMES
from screening.storage.database import Database
from screening.vocabulary import Role
from screening.web import Clock, anyone, without_content


class Services(msgspec.Struct, frozen=True):
    """What the application is put together from."""

    database: Database
    clock: Clock
    verifier: Verifier
    accept_synthetic: bool
    mllp_port: int | None = None  # None: no listener
    mllp_host: str = "127.0.0.1"
    processing: str = "P"  # HL7 messages taken: P production, T training, D debugging
    shelf: Shelf = msgspec.field(default_factory=Shelf)  # the protocols in use, and their files
    vouch: Vouch | None = None  # who must answer for unverified rules before they are used; None: nobody
    figures_at_most: float = 0  # seconds for which figures are shown without asking whether anything is new
    figures: Path | None = None  # where their dataset outlasts the process; None: nowhere
    demo: Callable[[str], str] | None = None  # a token for a role, where visitors are signed in unasked


@get("/demo", sync_to_thread=False, include_in_schema=False, **anyone())
def enter_demo(request: Request[Any, Any, State]) -> Redirect:
    """Signs a visitor of the demo in as programme staff; elsewhere nobody is."""
    token: Callable[[str], str] | None = request.app.state.demo
    if token is None:
        raise NotFound("not_a_demo", "this is no demo; sign in with the issuer")
    cookie = Cookie(key=COOKIE, value=token(Role.PROGRAMME_STAFF), path="/", httponly=True, samesite="strict")
    return Redirect("/dashboard", cookies=[cookie])


@get("/health", sync_to_thread=False, **anyone())
def health(request: Request[Any, Any, State]) -> dict[str, str]:
    """Whether the process answers, and by which protocols: changed files that are bad are not used."""
    shelf: Shelf = request.app.state.shelf
    refused = "changed files refused, the last good set stays in use"
    return {"status": "ok", "protocols": "in use" if shelf.trouble is None else refused}


def route_handlers() -> list[Any]:
    return [
        health,
        enter_demo,
        *screening.people.routes.handlers,
        *screening.followup.routes.handlers,
        *screening.rulebook.routes.handlers,
        *invitations.routes.handlers,
        *labs.routes.messages.handlers,
        *labs.routes.fhir.handlers,
        *analytics.routes.handlers,
        *analytics.dashboard.routes.handlers,
        *analytics.releases.routes.handlers,
    ]


def create_app(services: Services, *, more: Sequence[Any] = ()) -> Litestar:
    """The application; refuses to start with a route that does not say who may call it."""
    app = Litestar(
        route_handlers=[*route_handlers(), *more],
        middleware=[DefineMiddleware(BearerAuthentication, exclude=["^/schema"])],
        before_send=[guard, without_content],
        exception_handlers=HANDLERS,
        openapi_config=OpenAPIConfig(
            title="Screening programme platform",
            version="1",
            components=Components(
                security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
            ),
            security=[{"bearer": []}],
        ),
        response_cache_config=ResponseCacheConfig(),
        request_max_body_size=1024 * 1024,
        logging_config=None,
        state=State(
            {
                "database": services.database,
                "clock": services.clock,
                "verifier": services.verifier,
                "programmes": PROGRAMMES,
                "accept_synthetic": services.accept_synthetic,
                "demo": services.demo,
                "shelf": services.shelf,
                "latest": Latest(at_most=services.figures_at_most, kept=services.figures),
                "releases": True,
            }
        ),
    )
    undeclared = undeclared_routes(app)
    if undeclared:
        raise AssertionError(f"routes that do not say who may call them: {', '.join(undeclared)}")
    return app


def undeclared_routes(app: Litestar) -> list[str]:
    """Paths of routes without `allow(...)` or `anyone()`; the framework's own description is public."""
    return sorted(
        {
            path
            for route in app.routes
            for handler in getattr(route, "route_handlers", ())
            if isinstance(handler, HTTPRouteHandler)
            and handler.http_methods != {"OPTIONS"}  # added by the framework, tells only the methods
            and "roles" not in handler.opt
            for path in [route.path]
            if not path.startswith("/schema")
        }
    )


@asynccontextmanager
async def running(services: Services) -> AsyncGenerator[Litestar]:
    """The application with what lives beside it: the laboratories' intake, their judge, and the MLLP listener."""
    configure_logs()
    app = create_app(services)
    laboratories = laboratories_of(
        services.database, programmes=PROGRAMMES, today=services.clock.today, processing=services.processing
    )
    app.state.laboratories = laboratories
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(watching(services.shelf, vouch=services.vouch))
        await laboratories.start()
        stack.push_async_callback(laboratories.stop)
        if services.mllp_port is not None:
            mllp = MllpServer(laboratories.answer_mllp, host=services.mllp_host, port=services.mllp_port)
            await mllp.start()
            stack.push_async_callback(mllp.stop)
            app.state.mllp_port = mllp.port
        yield app
