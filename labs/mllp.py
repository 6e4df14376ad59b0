"""HL7's own transport: messages framed by 0x0B … 0x1C 0x0D on a connection that stays open."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from labs.hl7.reader import MAX_BYTES
from screening.refusals import Refused

START, END = b"\x0b", b"\x1c\x0d"
_IDLE_SECONDS = 600
_log = structlog.get_logger()

Answer = Callable[[bytes], Awaitable[bytes]]


class MllpServer:
    """Listens, answers each message with what `answer` returns for it, one at a time on each connection."""

    def __init__(self, answer: Answer, *, host: str = "127.0.0.1", port: int = 2575) -> None:
        self._answer = answer
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port listened on; tells which was chosen where 0 was asked for."""
        if self._server is None:
            return self._port
        return self._server.sockets[0].getsockname()[1]

    async def start(self) -> None:
        try:
            self._server = await asyncio.start_server(
                self._serve, self._host, self._port, limit=MAX_BYTES + len(START + END)
            )
        except OSError as error:
            told = (
                f"MLLP port {self._port} on {self._host}: {error.strerror}; choose another with --mllp-port"
            )
            raise Refused("port_in_use", told) from error

    async def stop(self) -> None:
        """Take no more connections, let messages in hand be answered, close."""
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            while (message := await self._next(reader)) is not None:
                # a stop that comes now lets this message be answered: it is stored, and its sender must know
                answer = await asyncio.shield(self._answer(message))
                writer.write(START + answer + END)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError, TimeoutError):
            _log.info("mllp connection ended")
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> bytes | None:
        """The next message; None when the sender is done. What is not framed is answered as it is."""
        async with asyncio.timeout(_IDLE_SECONDS):
            try:
                framed = await reader.readuntil(END)
            except asyncio.IncompleteReadError as error:
                # cut off before its end: nobody waits for an answer, but no byte is lost
                return error.partial.removeprefix(START) or None if error.partial.strip(b"\r\n") else None
            except asyncio.LimitOverrunError as error:
                return await self._too_long(reader, error.consumed)
        return framed.lstrip(b"\r\n").removeprefix(START).removesuffix(END)

    async def _too_long(self, reader: asyncio.StreamReader, consumed: int) -> bytes:
        """As much as is kept of a message over the limit; the rest is passed over up to its end."""
        kept = (await reader.readexactly(consumed))[: MAX_BYTES + 1].removeprefix(START)
        while True:
            try:
                await reader.readuntil(END)
            except asyncio.LimitOverrunError as error:
                await reader.readexactly(error.consumed)
            except asyncio.IncompleteReadError:
                return kept
            else:
                return kept
