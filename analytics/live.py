"""The dataset of the running service: taken from the database when asked for, kept until something changes."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from analytics.extract.dataset import Dataset
from analytics.extract.read import fingerprint, read
from screening.web import CallerRequest, commit, database_of, today_of

T = TypeVar("T")
_STATE = "analytics_dataset"


async def fingerprint_of(request: CallerRequest) -> tuple[object, ...]:
    """Equal for two requests between which nothing was recorded, and nothing fell due."""
    return await commit(request, fingerprint)


async def dataset_of(request: CallerRequest) -> Dataset:
    """The dataset as of now. Two requests between which nothing was recorded share one."""
    now = await fingerprint_of(request)
    held: tuple[tuple[object, ...], Dataset] | None = getattr(request.app.state, _STATE, None)
    if held is None or held[0] != now:
        held = (now, await read(database_of(request), actor=request.user, today=today_of(request)))
        setattr(request.app.state, _STATE, held)
    return held[1]


async def computed(work: Callable[[Dataset], T], dataset: Dataset) -> T:
    """Counting keeps every core busy for a while; other requests are answered meanwhile."""
    return await asyncio.to_thread(work, dataset)
