"""An application behind a real socket, in the event loop that is already running."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope, Send

from screening.refusals import Refused

_START_SECONDS = 30.0
_POLL_SECONDS = 0.01
_PASSED_OVER = 64 * 1024 * 1024  # bytes


@asynccontextmanager
async def serving(app: Litestar, *, port: int, host: str = "127.0.0.1") -> AsyncGenerator[str]:
    """Serve while the block runs; gives the URL once it answers. Port 0: any that is free.

    Leaving the block answers the requests in hand first. Refuses a port that somebody else has.
    """
    chosen = port or _free_port(host)
    _refuse_taken(host, chosen)
    server = Server(
        _hearing_out(app), address=host, port=chosen, interface=Interfaces.ASGINL, log_enabled=False
    )
    task = asyncio.create_task(server.serve(), name=f"http {chosen}")
    try:
        await _answers(host, chosen, task)
        yield f"http://{host}:{chosen}"
    finally:
        server.stop()
        await task


def _hearing_out(app: ASGIApp) -> ASGIApp:
    """A refusal that is given before the whole body came is lost on a client that is still sending.

    So the rest is taken and passed over first, up to a bound.
    """

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        left = True

        async def receiving() -> Any:
            nonlocal left
            message = await receive()
            left = message["type"] == "http.request" and message["more_body"]
            return message

        async def sending(message: Any) -> None:
            passed_over = 0
            while left and message["type"] == "http.response.start" and passed_over < _PASSED_OVER:
                passed_over += len((await receiving()).get("body", b""))
            await send(message)

        await app(scope, receiving, sending)

    return answering


async def _answers(host: str, port: int, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while not task.done():
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                writer.close()
                return
    await task


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            told = f"port {port} on {host}: {error.strerror}; choose another with --port"
            raise Refused("port_in_use", told) from error


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
