"""The real application in a process of its own, for a benchmark that speaks to it from outside."""

import asyncio
import multiprocessing
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

import uvloop

from screening.service.app import Services, running
from screening.service.auth import OwnKey, Verifier
from screening.service.bench.population import TODAY
from screening.service.clock import SimulatedClock
from screening.service.http_server import serving
from screening.storage.database import connect
from screening.vocabulary import Role

LABORATORY = "BENCH"
_ISSUER, _AUDIENCE = "https://bench.invalid", "screening"
_PROCESSES = multiprocessing.get_context("spawn")


class Doors(NamedTuple):
    """Where the application listens, and the token of the laboratory that may post."""

    http: str
    mllp: int
    token: str


@contextmanager
def running_application(url: str) -> Generator[Doors]:
    """The application on this database, with its listeners and its judge, until the block ends."""
    ours, theirs = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_run, args=(url, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def _run(url: str, told: Connection) -> None:
    uvloop.run(_serve(url, told))


async def _serve(url: str, told: Connection) -> None:
    key = OwnKey()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connect(url))
        services = Services(
            database=database,
            clock=SimulatedClock(TODAY),
            verifier=Verifier(key, issuer=_ISSUER, audience=_AUDIENCE),
            accept_synthetic=False,
            mllp_port=0,
        )
        app = await stack.enter_async_context(running(services))
        address = await stack.enter_async_context(serving(app, port=0))
        told.send(Doors(address, app.state.mllp_port, key.mint(_claims())))
        await asyncio.to_thread(told.recv)


def _claims() -> dict[str, object]:
    return {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": "bench",
        "exp": 4_102_444_800,  # the year 2100
        "roles": [Role.LABORATORY],
        "laboratory": LABORATORY,
    }
