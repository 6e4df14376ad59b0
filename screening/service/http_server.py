"""The HTTP server, in the event loop of whoever starts it."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

from screening.refusals import Refused

_BACKLOG = 1024
_PAUSE_SECONDS = 0.01


@asynccontextmanager
async def serving(app: Litestar, *, host: str = "127.0.0.1", port: int = 8000) -> AsyncGenerator[int]:
    """The application answers while the block runs; yields the port, chosen freely where 0 was asked for.

    Ends by answering the calls in hand, and only then stops what the application runs behind them. Refuses
    a port that is taken.
    """
    chosen = _free_port(host, port)
    opened, ending = asyncio.Event(), asyncio.Event()
    # a task of its own: the framework's lifespan must end in the task in which it began
    running = asyncio.create_task(_serve(app, host, chosen, opened, ending), name="http")
    waiting = asyncio.create_task(opened.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if running.done():
            await running
        yield chosen
    finally:
        ending.set()
        await running


async def _serve(app: Litestar, host: str, port: int, opened: asyncio.Event, ending: asyncio.Event) -> None:
    # not left to the server: it would go on without a lifespan that failed, and swallow the reason
    async with _lifespan(app):
        server = Server(
            app, address=host, port=port, interface=Interfaces.ASGINL, backlog=_BACKLOG, websockets=False,
            log_enabled=False,
        )  # fmt: skip
        answering = asyncio.create_task(server.serve())
        await _open(host, port, answering)
        opened.set()
        await ending.wait()
        server.stop()
        await answering


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncGenerator[None]:
    """The application's own, with what goes wrong told as itself: the framework hands it on in a group."""
    try:
        async with app.lifespan():
            yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group
        raise


def _free_port(host: str, port: int) -> int:
    """The port, known to be free; the server itself would share a port that is taken, and lose half its calls."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            told = f"port {port} on {host}: {error.strerror}; choose another with --port"
            raise Refused("port_in_use", told) from error
        return probe.getsockname()[1]


async def _open(host: str, port: int, answering: asyncio.Task[None]) -> None:
    """Wait until the port is open; a server that ends before raises its own reason."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            if answering.done():
                answering.result()
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            writer.close()
            return
