"""The dashboard over a written extract: no database, nothing to write to, and for who sits at this machine."""

import re
from typing import Any

from litestar import Litestar, get
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult, DefineMiddleware
from litestar.response import Redirect

import analytics.dashboard.routes
from analytics.extract.dataset import Dataset
from analytics.live import Frozen
from screening.refusals import NotAllowed
from screening.rulebook.routes import get_protocol
from screening.rulebook.shelf import Shelf
from screening.service.clock import SimulatedClock
from screening.service.guards import guard
from screening.service.problems import HANDLERS
from screening.storage.transaction import Actor
from screening.vocabulary import Role
from screening.web import anyone

ADDRESS = "127.0.0.1"
_NAMES = (ADDRESS, "localhost")
_HOST = re.compile(rf"({'|'.join(map(re.escape, _NAMES))})(:\d+)?", re.IGNORECASE)
_OFFICE = Actor("office", frozenset({Role.PROGRAMME_STAFF}))


class AtThisMachine(AbstractAuthenticationMiddleware):
    """Who reaches this machine's own address may read the folder that is shown there. Under any other name it
    is a page of somebody else's that a browser here was led to.
    """

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        if not _HOST.fullmatch(connection.headers.get("host", "")):
            raise NotAllowed("other_host", f"this answers to {' and '.join(_NAMES)} only")
        return AuthenticationResult(user=_OFFICE, auth=None)


@get("/", sync_to_thread=False, include_in_schema=False, **anyone())
def lead_in() -> Redirect:
    return Redirect("/dashboard")


def reading_room(dataset: Dataset) -> Litestar:
    """The pages of the running service, as of the extract's day."""
    return Litestar(
        route_handlers=[lead_in, *analytics.dashboard.routes.handlers, get_protocol],
        middleware=[DefineMiddleware(AtThisMachine)],
        before_send=[guard],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
        state=State({
            "database": None,
            "clock": SimulatedClock(dataset.manifest.data_cut),
            "shelf": Shelf(),
            "latest": Frozen(dataset),
            "releases": False,
        }),
    )  # fmt: skip
