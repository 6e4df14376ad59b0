"""HL7's own transport: messages framed by 0x0B … 0x1C 0x0D on a connection that stays open."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from labs.hl7.reader import MAX_BYTES
from screening.refusals import Refused

START, END = b"\x0b", b"\x1c\x0d"
_IDLE_SECONDS = 600.0
_GRACE_SECONDS = 10.0
_MOST_CONNECTIONS = 200
_log = structlog.get_logger()


class Frame(msgspec.Struct, frozen=True):
    """What came in one frame; not `whole` where the connection ended before the frame did."""

    message: bytes
    whole: bool = True


Answer = Callable[[Frame], Awaitable[bytes]]


class MllpServer:
    """Listens, answers each message with what `answer` returns for it, one at a time on each connection.

    `idle_seconds`: how long a sender may take for a message, and rest between two. `most`: connections at
    once; one more is closed unanswered.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        host: str = "127.0.0.1",
        port: int = 2575,
        idle_seconds: float = _IDLE_SECONDS,
        most: int = _MOST_CONNECTIONS,
    ) -> None:
        self._answer = answer
        self._host = host
        self._port = port
        self._idle_seconds = idle_seconds
        self._most = most
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[Any] | None] = set()  # those that have no message in hand
        self._stopping = False

    @property
    def port(self) -> int:
        """The port listened on; tells which was chosen where 0 was asked for."""
        if self._server is None:
            return self._port
        return self._server.sockets[0].getsockname()[1]

    async def start(self) -> None:
        try:
            self._server = await asyncio.start_server(
                self._connected, self._host, self._port, limit=MAX_BYTES + len(START + END)
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
        self._stopping = True
        self._server.close()
        for connection in self._connections:
            if connection in self._waiting:
                connection.cancel()
        if self._connections:
            _, slow = await asyncio.wait(self._connections, timeout=_GRACE_SECONDS)
            for connection in slow:  # its sender does not read the answer
                connection.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._most:
            _log.warning("mllp connection refused", connections=len(self._connections))
            writer.close()
            return
        connection = asyncio.create_task(self._serve(reader, writer), name="mllp connection")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not self._stopping and (frame := await self._next(reader)) is not None:
                writer.write(START + await self._answer(frame) + END)
                await writer.drain()
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            _log.info("mllp connection ended")
        except Exception:  # noqa: BLE001  one sender's message must not end the listener; it gets no answer
            _log.exception("mllp message not answered")
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> Frame | None:
        """The next message; None when the sender is done."""
        connection = asyncio.current_task()
        self._waiting.add(connection)
        try:
            async with asyncio.timeout(self._idle_seconds):
                return await _frame(reader)
        finally:
            self._waiting.discard(connection)


async def _frame(reader: asyncio.StreamReader) -> Frame | None:
    """What is not framed is taken as it is; what is cut off is kept, if it had begun as a message."""
    try:
        framed = await reader.readuntil(END)
    except asyncio.IncompleteReadError as error:
        begun = error.partial.lstrip(b"\r\n")
        return Frame(begun.removeprefix(START), whole=False) if begun.startswith((START, b"MSH")) else None
    except asyncio.LimitOverrunError as error:
        return await _too_long(reader, error.consumed)
    return Frame(framed.lstrip(b"\r\n").removeprefix(START).removesuffix(END))


async def _too_long(reader: asyncio.StreamReader, consumed: int) -> Frame:
    """As much as is kept of a message over the limit; the rest is passed over up to its end."""
    kept = (await reader.readexactly(consumed))[: MAX_BYTES + 2].removeprefix(START)
    while True:
        try:
            await reader.readuntil(END)
        except asyncio.LimitOverrunError as error:
            await reader.readexactly(error.consumed)
        except asyncio.IncompleteReadError:
            return Frame(kept, whole=False)
        else:
            return Frame(kept)
