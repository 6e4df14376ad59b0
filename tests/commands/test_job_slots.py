"""A slot of a job is run by one worker, and by another if that one dies."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from screening.storage.jobs import ATTEMPTS, claim_slot, finish_slot, renew_lease, troubled_slots
from screening.storage.transaction import system_actor

TODAY = date(2025, 3, 3)
SLOT = datetime(2025, 3, 3, 4, tzinfo=UTC)
NEXT = SLOT + timedelta(days=1)
LONG, OVER = timedelta(minutes=5), timedelta(seconds=-1)
ACTOR = system_actor("scheduler")


@pytest.fixture
def worker(database):
    class Worker:
        async def claim(self, slot=SLOT, lease=LONG):
            return await self._do(claim_slot, slot=slot, lease=lease)

        async def renew(self, attempt, lease=LONG):
            return await self._do(renew_lease, slot=SLOT, attempt=attempt, lease=lease)

        async def finish(self, attempt, slot=SLOT, **more):
            return await self._do(finish_slot, slot=slot, attempt=attempt, outcome={"people": 3}, **more)

        async def _do(self, command, **more):
            return await database.run(lambda tx: command(tx, job="advance", **more), actor=ACTOR, today=TODAY)

    return Worker()


async def test_of_many_claimers_at_once_one_has_the_slot(worker):
    claims = await asyncio.gather(*(worker.claim() for _ in range(20)))
    assert Counter(claims) == {1: 1, None: 19}


async def test_a_job_whose_last_slot_still_runs_is_not_begun_again_until_that_ends(worker):
    claims = await asyncio.gather(*(worker.claim(slot) for slot in [SLOT, NEXT] * 10))
    assert Counter(claims) == {1: 1, None: 19}
    slots = {SLOT, NEXT}
    for slot in slots:
        await worker.finish(1, slot=slot)
    assert sorted([await worker.claim(slot) for slot in slots], key=str) == [1, None]


async def test_a_slot_whose_worker_died_does_not_hold_up_the_next(worker):
    await worker.claim(SLOT, lease=OVER)
    assert await worker.claim(NEXT) == 1


async def test_a_slot_that_is_done_is_never_claimed_again(worker, database):
    assert await worker.finish(await worker.claim(lease=OVER))
    assert await worker.claim() is None
    assert await database.pool.fetchval("select outcome from job_run") == {"people": 3}


async def test_a_slot_whose_worker_died_is_claimed_by_one_other_when_its_lease_is_over(worker):
    await worker.claim(lease=OVER)
    claims = await asyncio.gather(*(worker.claim() for _ in range(5)))
    assert Counter(claims) == {2: 1, None: 4}


async def test_a_worker_that_renews_keeps_its_slot(worker):
    attempt = await worker.claim(lease=OVER)
    assert await worker.renew(attempt)
    assert await worker.claim() is None


async def test_a_worker_whose_slot_was_taken_over_neither_renews_nor_finishes_it(worker, database):
    slow = await worker.claim(lease=OVER)
    other = await worker.claim()
    assert not await worker.renew(slow)
    assert not await worker.finish(slow)
    assert await database.pool.fetchval("select state from job_run") == "running"
    assert await worker.finish(other)


async def test_a_slot_that_failed_is_tried_again_after_a_pause_and_not_for_ever(worker, database):
    for attempt in range(1, ATTEMPTS + 1):
        assert await worker.claim() == attempt
        assert await worker.claim() is None
        await worker.finish(attempt, retry_after=OVER)
    assert await worker.claim() is None
    assert await database.pool.fetchval("select state from job_run") == "failed"


async def test_slots_that_failed_or_whose_worker_died_are_told(worker, database):
    await worker.finish(await worker.claim(SLOT), slot=SLOT, retry_after=LONG)
    await worker.claim(NEXT, lease=OVER)
    await worker.finish(await worker.claim(NEXT + timedelta(1)), slot=NEXT + timedelta(1))
    await worker.claim(NEXT + timedelta(2))

    async def troubled(since):
        return await database.run(lambda tx: troubled_slots(tx, since=since), actor=ACTOR, today=TODAY)

    assert await troubled(SLOT) == {"advance": 2}
    assert await troubled(NEXT) == {"advance": 1}


async def test_what_is_a_month_old_is_forgotten_and_the_newest_slot_never(worker, database):
    later = SLOT + timedelta(days=31)
    await worker.finish(await worker.claim(SLOT), slot=SLOT)
    await worker.finish(await worker.claim(later), slot=later)
    assert [row["slot"] for row in await database.pool.fetch("select slot from job_run")] == [later]
