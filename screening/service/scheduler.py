"""The alarm clock of the jobs, for any number of replicas on one database.

APScheduler only rings. Which slot it rings for is named by the job's calendar, the same in every replica,
and the slot's row in `job_run` decides who runs it (`screening.storage.jobs`). A bell that nobody heard is
mended by a second one that rings for every job now and then: it finds the newest slot not taken, or
whose worker died, or that failed. Jobs do whatever is due, so of several slots missed the newest is enough.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import msgspec
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from screening.refusals import Refused
from screening.storage.database import Database
from screening.storage.jobs import claim_slot, finish_slot, renew_lease
from screening.storage.transaction import system_actor

LEASE = timedelta(seconds=60)
# Of what is told to stop; whoever told it ends it after some time by force.
_PATIENCE = timedelta(seconds=20)
_LONGEST_LOOK_BACK = timedelta(days=800)
# The last is what the driver says of a connection whose end it has only half heard of.
_UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_log = structlog.get_logger()

Outcome = Mapping[str, object]  # counts, for `job_run` and the log; never personal data


class Job(msgspec.Struct, frozen=True):
    """What is done at each of its slots; doing it again, or late, is harmless."""

    name: str
    trigger: BaseTrigger
    work: Callable[[date], Awaitable[Outcome]]


def calendar(crontab: str, *, time_zone: str, setting: str) -> BaseTrigger:
    """The slots of a crontab line in a time zone; `setting`: where the line comes from, for the refusal."""
    fields = crontab.split()
    if len(fields) == 5 and any(character.isdigit() for character in fields[4]):
        # 0 is Sunday to some and Monday to others
        raise Refused(
            "cadence_invalid", f"{setting}={crontab!r}: name weekdays mon, tue, wed, thu, fri, sat, sun"
        )
    try:
        return CronTrigger.from_crontab(crontab, timezone=time_zone)
    except (ValueError, LookupError) as error:
        expected = "expected minute, hour, day of month, month, weekday as in `30 4 * * mon-fri`"
        raise Refused(
            "cadence_invalid", f"{setting}={crontab!r} in {time_zone}: {error}; {expected}"
        ) from error


def latest_slot(trigger: BaseTrigger, now: datetime) -> datetime | None:
    """The newest slot of a calendar that has come by `now`, in UTC; None where there was none in two years."""
    look_back = timedelta(seconds=1)
    slot = trigger.get_next_fire_time(None, now - look_back)
    while slot is None or slot > now:
        look_back *= 2
        if look_back > _LONGEST_LOOK_BACK:
            return None
        slot = trigger.get_next_fire_time(None, now - look_back)
    while (later := trigger.get_next_fire_time(slot, slot)) is not None and later <= now:
        slot = later
    return slot.astimezone(UTC)


class Scheduler:
    """Runs jobs at their slots, unless another replica does."""

    def __init__(
        self, database: Database, jobs: Sequence[Job], *, today: Callable[[], date], lease: timedelta = LEASE,
        patience: timedelta = _PATIENCE,
    ) -> None:  # fmt: skip
        self._database = database
        self._jobs = jobs
        self._today = today
        self._lease = lease
        self._running: dict[str, asyncio.Task[None]] = {}
        self._patience = patience
        self._stopping = False
        self._alarms = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    async def start(self) -> None:
        """Ring from now on, and at once for slots that nobody took while no scheduler ran."""
        for job in self._jobs:
            self._alarms.add_job(self._wake, job.trigger, args=[job], id=job.name)
        again = IntervalTrigger(seconds=self._lease.total_seconds() / 3, timezone=UTC)  # type: ignore[arg-type]
        self._alarms.add_job(self._wake_all, again, id="second bell", next_run_time=datetime.now(UTC))
        self._alarms.start()

    async def stop(self) -> None:
        """Begin nothing more, wait a while for what runs, end; what is broken off is taken up by others."""
        self._stopping = True
        self._alarms.pause()
        if self._running:
            _, slow = await asyncio.wait(self._running.values(), timeout=self._patience.total_seconds())
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
        self._alarms.shutdown(wait=False)
        await asyncio.sleep(0)  # it shuts down in the loop's next turn

    async def _wake_all(self) -> None:
        for job in self._jobs:
            await self._wake(job)

    async def _wake(self, job: Job) -> None:
        if self._stopping or job.name in self._running:
            return
        slot = latest_slot(job.trigger, datetime.now(UTC))
        if slot is not None:
            task = asyncio.create_task(self._take(job, slot), name=job.name)
            self._running[job.name] = task
            task.add_done_callback(lambda _: self._running.pop(job.name))

    async def _take(self, job: Job, slot: datetime) -> None:
        try:
            attempt = await self._database.run(
                lambda tx: claim_slot(tx, job=job.name, slot=slot, lease=self._lease),
                actor=system_actor("scheduler"),
                today=self._today(),
            )
            if attempt is not None:
                await self._run(job, slot, attempt)
        except _UNREACHABLE as error:
            # what was done stays done; the slot's lease will be over and it is claimed again
            _log.error("job not settled", job=job.name, slot=slot.isoformat(), **_told(error))

    async def _run(self, job: Job, slot: datetime, attempt: int) -> None:
        renewing = asyncio.create_task(self._renew(job, slot, attempt), name=f"lease of {job.name}")
        retry_after: timedelta | None = None
        try:
            outcome = await job.work(self._today())
        except Exception as error:  # noqa: BLE001  the scheduler outlives a failing job, which is told and tried again
            outcome, retry_after = _told(error), self._lease
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("job failed", job=job.name, slot=slot.isoformat(), frames=frames, **outcome)
        finally:
            renewing.cancel()
        ours = await self._database.run(
            lambda tx: finish_slot(
                tx, job=job.name, slot=slot, attempt=attempt, outcome=outcome, retry_after=retry_after
            ),
            actor=system_actor("scheduler"),
            today=self._today(),
        )
        if retry_after is None:
            _log.info("job done", job=job.name, slot=slot.isoformat(), attempt=attempt, ours=ours, **outcome)

    async def _renew(self, job: Job, slot: datetime, attempt: int) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                ours = await self._database.run(
                    lambda tx: renew_lease(tx, job=job.name, slot=slot, attempt=attempt, lease=self._lease),
                    actor=system_actor("scheduler"),
                    today=self._today(),
                )
            except _UNREACHABLE as error:
                _log.warning("lease not renewed", job=job.name, **_told(error))
                continue
            if not ours:
                _log.warning("another worker took over", job=job.name, slot=slot.isoformat())
                return


def _told(error: Exception) -> dict[str, object]:
    """An error without its particulars: the database's further lines can quote personal data."""
    said = str(error).splitlines()
    return {"error": type(error).__name__, "reason": said[0] if said else ""}
