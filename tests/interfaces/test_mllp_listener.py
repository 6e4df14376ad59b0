"""The listener by itself: who is closed, who is served, and what happens when it stops."""

import asyncio
from argparse import ArgumentParser
from contextlib import asynccontextmanager

from labs.mllp import MllpServer
from screening.service.commands.serve import arguments

START, END = b"\x0b", b"\x1c\r"


@asynccontextmanager
async def line(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_a_connection_that_rests_too_long_is_closed():
    async def never(_frame):
        raise AssertionError("nothing was sent")

    server = MllpServer(never, port=0, idle_seconds=0.05)
    await server.start()
    async with line(server.port) as (reader, _):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    await server.stop()


async def test_a_connection_too_many_is_closed_and_the_others_are_served():
    async def echo(frame):
        return frame.message

    server = MllpServer(echo, port=0, most=1)
    await server.start()
    async with line(server.port) as (reader, writer):
        writer.write(START + b"one" + END)
        assert await reader.readuntil(END) == START + b"one" + END
        async with line(server.port) as (too_many, _):
            assert await asyncio.wait_for(too_many.read(), 10) == b""
        writer.write(START + b"two" + END)
        assert await reader.readuntil(END) == START + b"two" + END
    await server.stop()


def test_serving_everybody_does_not_open_mllp_to_everybody():
    parser = ArgumentParser()
    arguments(parser)
    assert parser.parse_args(["--host", "0.0.0.0"]).mllp_host == "127.0.0.1"


async def test_a_message_in_hand_is_answered_when_the_listener_stops_and_resting_senders_are_let_go():
    begun, held = asyncio.Event(), asyncio.Event()

    async def slowly(frame):
        begun.set()
        await held.wait()
        return frame.message.upper()

    server = MllpServer(slowly, port=0)
    await server.start()
    async with (
        line(server.port) as (reader, writer),
        line(server.port) as (resting, half),
        line(server.port) as (other, _),
    ):
        half.write(START + b"half a mess")
        writer.write(START + b"one" + END + START + b"two" + END)
        await begun.wait()
        stopping = asyncio.create_task(server.stop())
        assert (await resting.read(), await other.read()) == (b"", b"")
        held.set()
        await stopping
        # the second was not taken in hand: its sender has no answer, and sends it again
        assert await reader.read() == START + b"ONE" + END
