"""The protocols an installation has, and looking again at their files while the service runs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from screening.protocols.family import Family
from screening.protocols.load import installed_families
from screening.refusals import Refused
from screening.rulebook.shelf import Shelf
from screening.service.settings import Settings

_EVERY_SECONDS = 30.0
# Refuses families whose unverified rules nobody answers for.
Vouch = Callable[[Mapping[str, Family]], Awaitable[None]]


def own_shelf(settings: Settings) -> Shelf:
    """The installation's protocols, put in use where it has files of its own; refuses bad ones."""
    shelf = Shelf(settings.protocols)
    if settings.protocols is not None:
        shelf.open()
    return shelf


@asynccontextmanager
async def watching(
    shelf: Shelf, *, vouch: Vouch | None = None, every: float = _EVERY_SECONDS
) -> AsyncGenerator[None]:
    """Put the files in use, refusing to begin with bad ones, and look again while the block lasts."""
    shelf.open()
    if vouch is not None:
        await vouch(installed_families())
    task = asyncio.create_task(_look(shelf, vouch, every), name="protocols' files")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look(shelf: Shelf, vouch: Vouch | None, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        found = await asyncio.to_thread(shelf.look_again)
        if found is None:
            continue
        try:
            if vouch is not None:
                await vouch(found.families)
        except Refused as refused:
            shelf.refuse(refused)
        else:
            shelf.put(found)
