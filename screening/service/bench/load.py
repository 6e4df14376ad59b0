"""A lean sender in a process of its own: every connection sends one message, waits for its answer, sends the next."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from zlib import crc32

import uvloop

_PROCESSES = multiprocessing.get_context("spawn")


class Sent(NamedTuple):
    """What came of it: answers received, those that were not the one expected, and how long each took."""

    messages: int
    refused: int
    seconds: float
    middle_ms: float
    worst_hundredth_ms: float


class Channel(NamedTuple):
    """How to speak to one door. `template` takes the message's own number three times and the person's once.

    `end_of` tells how many bytes the first answer in a buffer takes, 0 while it is not whole.
    """

    port: int
    template: bytes
    head: bytes  # what stands before the body; takes the body's length where it has a place for it
    tail: bytes
    end_of: Callable[[bytes], int]
    expected: bytes


def send(channel: Channel, *, connections: int, seconds: float, series: str, people: int) -> Sent:
    """Send for so many seconds over so many connections, from a process that does nothing else."""
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_run, args=(theirs, channel, connections, seconds, series, people))
    process.start()
    sent = ours.recv()
    process.join()
    return sent


def _run(told: Any, channel: Channel, connections: int, seconds: float, series: str, people: int) -> None:
    told.send(uvloop.run(_send(channel, connections, seconds, series, people)))


async def _send(channel: Channel, connections: int, seconds: float, series: str, people: int) -> Sent:
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    senders: list[_Sender] = []
    for number in range(connections):
        name = f"{series}-{number}"
        _, sender = await loop.create_connection(
            lambda name=name: _Sender(channel, name, people, begun + seconds), "127.0.0.1", channel.port
        )
        senders.append(sender)
    await asyncio.gather(*(sender.done for sender in senders))
    took = time.perf_counter() - begun
    waits = sorted(wait for sender in senders for wait in sender.waits)
    return Sent(
        messages=len(waits),
        refused=sum(sender.refused for sender in senders),
        seconds=took,
        middle_ms=round(1000 * waits[len(waits) // 2], 2),
        worst_hundredth_ms=round(1000 * waits[len(waits) * 99 // 100], 2),
    )


class _Sender(asyncio.Protocol):
    def __init__(self, channel: Channel, name: str, people: int, until: float) -> None:
        self._channel = channel
        self._name = name.encode()
        self._people = people
        self._until = until
        self._buffer = b""
        self._number = 0
        self._sent_at = 0.0
        self.waits: list[float] = []
        self.refused = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._channel.end_of(self._buffer)
        if not end:
            return
        now = time.perf_counter()
        self.waits.append(now - self._sent_at)
        self.refused += self._channel.expected not in self._buffer[:end]
        self._buffer = self._buffer[end:]
        if now >= self._until:
            self._transport.close()
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  named by the protocol
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        self._number += 1
        own = b"%s-%d" % (self._name, self._number)
        person = crc32(own) % self._people + 1
        body = self._channel.template % (own, person, own)
        head = self._channel.head
        self._sent_at = time.perf_counter()
        self._transport.write((head % len(body) if b"%d" in head else head) + body + self._channel.tail)


def end_of_mllp(buffer: bytes) -> int:
    return buffer.find(b"\x1c\r") + 2 if b"\x1c\r" in buffer else 0


def end_of_http(buffer: bytes) -> int:
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return 0
    named = buffer.lower().find(b"content-length:", 0, head)
    length = int(buffer[named + 15 : buffer.find(b"\r\n", named)])
    whole = head + 4 + length
    return whole if len(buffer) >= whole else 0
