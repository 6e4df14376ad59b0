"""The scheduler: each slot is run once by somebody, whoever dies, and nothing waits for the night it missed."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from hypothesis import given
from hypothesis import strategies as st

from screening.refusals import Refused
from screening.service.scheduler import Job, Scheduler, calendar, latest_slot
from screening.storage.jobs import claim_slot
from screening.storage.transaction import system_actor

TODAY = date(2025, 3, 3)
OSLO = "Europe/Oslo"
HOURLY = calendar("0 * * * *", time_zone=OSLO, setting="test")
QUICK = timedelta(seconds=0.6)


def every(seconds):
    return IntervalTrigger(seconds=seconds, start_date=datetime(2025, 1, 1, tzinfo=UTC))


@contextlib.asynccontextmanager
async def running(database, *jobs, lease=QUICK):
    scheduler = Scheduler(database, jobs, today=lambda: TODAY, lease=lease)
    await scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.stop()


async def slots(database, job="work"):
    rows = await database.pool.fetch(
        "select state, attempts, outcome from job_run where job = $1 order by slot", job
    )
    return [tuple(row) for row in rows]


async def until(condition, seconds=15):
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  what is waited for happens in the database
            await asyncio.sleep(0.05)


async def test_three_replicas_run_each_slot_of_each_job_once(database):
    ran = Counter()

    def job(replica, name, seconds):
        async def work(today):
            assert today == TODAY
            ran[name] += 1
            await asyncio.sleep(0.05)
            return {"replica": replica}

        return Job(name, every(seconds), work)

    async with contextlib.AsyncExitStack() as replicas:
        for replica in range(3):
            jobs = [job(replica, "quick", 0.5), job(replica, "slow", 1)]
            await replicas.enter_async_context(running(database, *jobs, lease=timedelta(seconds=30)))
        await asyncio.sleep(5)
    for name, expected in (("quick", 10), ("slow", 5)):
        taken = await slots(database, name)
        assert {(state, attempts) for state, attempts, _ in taken} == {("done", 1)}
        assert len(taken) == ran[name] > expected / 2


async def test_several_missed_slots_are_made_up_for_once_by_the_newest(database):
    newest = latest_slot(HOURLY, datetime.now(UTC))  # noqa: TID251  slots are of the real clock
    await database.run(
        lambda tx: claim_slot(tx, job="work", slot=newest - timedelta(hours=9), lease=timedelta(seconds=-1)),
        actor=system_actor("scheduler"),
        today=TODAY,
    )
    ran = []

    async def work(today):
        ran.append(today)
        return {}

    async with running(database, Job("work", HOURLY, work)), running(database, Job("work", HOURLY, work)):
        await asyncio.sleep(1.5)
    assert ran == [TODAY]
    assert await database.pool.fetchval("select max(slot) from job_run") == newest


DYING = """
import asyncio, sys
from datetime import date, timedelta
from screening.service.scheduler import Job, Scheduler, calendar
from screening.storage.database import connect

async def work(today):
    print("began", flush=True)
    await asyncio.sleep(60)

async def main():
    async with connect(sys.argv[1]) as database:
        job = Job("work", calendar("0 * * * *", time_zone="Europe/Oslo", setting="test"), work)
        await Scheduler(database, [job], today=lambda: date(2025, 3, 3), lease=timedelta(seconds=1)).start()
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_slot_whose_worker_is_killed_is_run_by_another_and_not_before(database, url):
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, url, stdout=asyncio.subprocess.PIPE, cwd=os.getcwd()
    )
    assert await worker.stdout.readline() == b"began\n"

    async def work(today):
        return {"by": "the other"}

    async with running(database, Job("work", HOURLY, work)):
        await asyncio.sleep(2)
        assert await slots(database) == [("running", 1, None)], "alive, it renews its lease"
        worker.send_signal(signal.SIGKILL)
        await worker.wait()

        async def taken_over():
            return await slots(database) == [("done", 2, {"by": "the other"})]

        await until(taken_over)


async def test_a_job_longer_than_its_lease_keeps_its_slot(database):
    began = []

    async def long_work(today):
        began.append(today)
        await asyncio.sleep(2)
        return {}

    job = Job("work", HOURLY, long_work)
    async with running(database, job), running(database, job):
        await asyncio.sleep(1.5)
    assert len(began) == 1
    assert await slots(database) == [("done", 1, {})]


async def test_stopping_waits_for_the_job_that_runs(database):
    async def work(today):
        await asyncio.sleep(0.5)
        return {"finished": True}

    async with running(database, Job("work", HOURLY, work)):
        await asyncio.sleep(0.3)
    assert await slots(database) == [("done", 1, {"finished": True})]


async def test_a_job_that_takes_too_long_to_end_is_broken_off_and_taken_up_by_another(database):
    async def endless(today):
        await asyncio.sleep(3600)

    first = Scheduler(
        database,
        [Job("work", HOURLY, endless)],
        today=lambda: TODAY,
        lease=QUICK,
        patience=timedelta(seconds=0.1),
    )
    await first.start()
    await asyncio.sleep(0.3)
    async with asyncio.timeout(5):
        await first.stop()

    async def quick(today):
        return {}

    async with running(database, Job("work", HOURLY, quick)):

        async def done():
            return await slots(database) == [("done", 2, {})]

        await until(done)


async def test_a_job_that_fails_is_tried_again_and_others_go_on(database):
    failures = iter([ConnectionError("first line\nKey (number)=(13916940001)"), Refused("x", "second")])

    async def failing(today):
        for error in failures:
            raise error
        return {"people": 1}

    async def fine(today):
        return {}

    async with running(database, Job("work", HOURLY, failing), Job("other", HOURLY, fine)):

        async def first_failed():
            return await slots(database) == [
                ("failed", 1, {"error": "ConnectionError", "reason": "first line"})
            ]

        async def third_worked():
            return await slots(database) == [("done", 3, {"people": 1})]

        await until(first_failed)
        await until(third_worked)
    assert await slots(database, "other") == [("done", 1, {})]


async def test_a_database_that_is_away_for_a_moment_stops_no_job_for_good(database, url):
    ran = 0

    async def work(today):
        nonlocal ran
        ran += 1
        if ran == 1:
            connection = await asyncpg.connect(url)
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'screening'"
                " and datname = current_database()"
            )
            await connection.close()
            await asyncio.sleep(0.1)
        return {}

    async with running(database, Job("work", HOURLY, work)):

        async def settled():
            with contextlib.suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):
                return [state for state, _, _ in await slots(database)] == ["done"]

        await until(settled)
    assert ran >= 1
    assert [state for state, _, _ in await slots(database)] == ["done"]


CRONTABS = (
    "*/5 * * * *",
    "*/10 7-19 * * *",
    "0 7 * * *",
    "30 4 1 * *",
    "15 2 * * *",
    "0 5 1 1 *",
    "0 6 * * mon",
)


@given(
    st.sampled_from(CRONTABS),
    st.datetimes(datetime(2024, 6, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_newest_slot_has_come_and_no_later_one_has(crontab, now):
    trigger = calendar(crontab, time_zone=OSLO, setting="test")
    slot = latest_slot(trigger, now)
    assert slot <= now
    assert trigger.get_next_fire_time(None, slot + timedelta(microseconds=1)) > now


def test_a_calendar_whose_first_slot_is_to_come_has_none_yet():
    assert (
        latest_slot(DateTrigger(datetime(2025, 3, 4, tzinfo=UTC)), datetime(2025, 3, 3, tzinfo=UTC)) is None
    )


def test_slots_are_named_by_the_programmes_time_and_alike_in_every_replica():
    daily = calendar("0 7 * * *", time_zone=OSLO, setting="test")
    summer, winter = datetime(2025, 7, 1, 12, tzinfo=UTC), datetime(2025, 1, 1, 12, tzinfo=UTC)
    assert latest_slot(daily, summer).hour == 5
    assert latest_slot(daily, winter).hour == 6
    assert latest_slot(daily, summer) == latest_slot(daily, summer.astimezone(ZoneInfo("Asia/Tokyo")))


@pytest.mark.parametrize(
    ("crontab", "zone", "told"),
    [
        ("every day", OSLO, "expected minute, hour"),
        ("61 * * * *", OSLO, "expected minute, hour"),
        ("0 7 * * *", "Europe/Olso", "Europe/Olso"),
        ("0 7 * * 0", OSLO, "name weekdays"),
    ],
)
def test_a_calendar_that_cannot_be_read_is_refused_by_its_setting(crontab, zone, told):
    with pytest.raises(Refused, match="SCREENING_CADENCE_SEND=") as refused:
        calendar(crontab, time_zone=zone, setting="SCREENING_CADENCE_SEND")
    assert told in refused.value.message
