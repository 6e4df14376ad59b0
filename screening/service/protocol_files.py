"""Looking again at the protocols' files while the service runs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from screening.rulebook.shelf import Shelf

_EVERY_SECONDS = 30.0


@asynccontextmanager
async def watching(shelf: Shelf, *, every: float = _EVERY_SECONDS) -> AsyncGenerator[None]:
    """Put the files in use, refusing to begin with bad ones, and look again while the block lasts."""
    shelf.open()
    task = asyncio.create_task(_look(shelf, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look(shelf: Shelf, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(shelf.look_again)
