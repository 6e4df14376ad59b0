"""Holding the judge up from outside, so that taking messages in can be measured by itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

_TAKE_AWAY = """
delete from lab_pending where message_id in (select message_id from lab_pending for update skip locked)
"""
_PAUSE_SECONDS = 0.05


@asynccontextmanager
async def judge_held_up(url: str) -> AsyncGenerator[None]:
    """The judge waits for a lock on its own table; what was sent meanwhile is taken away from it again."""
    holding = await asyncpg.connect(url)
    try:
        async with holding.transaction():
            await holding.execute("lock table lab_judgement in exclusive mode")
            yield
            await holding.execute(_TAKE_AWAY)
        await everything_judged(url)
    finally:
        await holding.close()


async def everything_judged(url: str) -> None:
    """Waits until no message is pending."""
    watching = await asyncpg.connect(url)
    try:
        # what is waited for happens in another process
        while await watching.fetchval("select count(*) from lab_pending"):  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        await watching.close()
