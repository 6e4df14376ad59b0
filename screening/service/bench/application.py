"""The real application in a process of its own, for a benchmark that speaks to it from outside."""

import asyncio
import multiprocessing
import socket
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from screening.service.app import Services, create_app
from screening.service.auth import OwnKey, Verifier
from screening.service.bench.population import TODAY
from screening.service.clock import SimulatedClock
from screening.storage.database import connect
from screening.vocabulary import Role

LABORATORY = "BENCH"
_ISSUER, _AUDIENCE = "https://bench.invalid", "screening"
_PROCESSES = multiprocessing.get_context("spawn")


class Doors(NamedTuple):
    """Where the application listens, and the token of the laboratory that may post."""

    http: int
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
    async with connect(url) as database:
        verifier = Verifier(key, issuer=_ISSUER, audience=_AUDIENCE)
        app = create_app(
            Services(database, SimulatedClock(TODAY), verifier, accept_synthetic=False, mllp_port=0)
        )
        port = _free_port()
        server = Server(app, port=port, interface=Interfaces.ASGI, log_enabled=False, backlog=1024)
        serving = asyncio.create_task(server.serve())
        while "mllp_port" not in app.state:  # the last thing the application does as it starts
            await asyncio.sleep(0.01)
        told.send(Doors(port, app.state.mllp_port, key.mint(_claims())))
        await asyncio.to_thread(told.recv)
        server.stop()
        await serving


def _claims() -> dict[str, object]:
    return {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": "bench",
        "exp": 4_102_444_800,  # the year 2100
        "roles": [Role.LABORATORY],
        "laboratory": LABORATORY,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
