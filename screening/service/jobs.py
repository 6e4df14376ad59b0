"""What is done again and again: each job does whatever is due on a day, and may be run at any time.

advance  decide again for everyone whose next action has come
send     letters and kits that are due, by the carriers of this installation
sweep    judge laboratory messages that a killed process left behind
wake     judge again what waited for a person, a kit or a code that is there now
seal     audit records into the hash chain
watch    tell the log, loudly and in counts, what is not as it should be
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial

import msgspec
import structlog

from invitations.carriers.carrier import Carrier
from invitations.sending.queries import failed_sendings, unacknowledged_batches
from invitations.sending.send import send_due
from invitations.sending.states import Channel
from labs.commands import open_cases
from labs.service import Laboratories
from screening.ledger.advance import Advanced, advance
from screening.ledger.failsafe import overdue_obligations
from screening.protocols.load import family
from screening.refusals import NotFound
from screening.service.carriers import open_carriers
from screening.service.laboratories import laboratories_of
from screening.service.scheduler import Job, Outcome, Scheduler, calendar
from screening.service.settings import PROGRAMMES, Settings
from screening.storage.audit import seal_pending, unsealed_records
from screening.storage.database import Database
from screening.storage.jobs import troubled_slots
from screening.storage.transaction import Transaction, system_actor

_DAY = timedelta(days=1)
_SEALED_WITHIN = timedelta(hours=1)
_log = structlog.get_logger()


class Equipment(msgspec.Struct, frozen=True):
    """What jobs work on, and with.

    `acknowledged_within`: days a carrier has to count a batch before the watch tells of it.
    """

    database: Database
    carriers: Mapping[Channel, Carrier]
    programmes: Sequence[str] = PROGRAMMES
    acknowledged_within: int = 3


async def run_job(name: str, equipment: Equipment, *, today: date) -> Outcome:
    """Do one job now, whether or not it is its time; counts of what was done."""
    if name not in JOBS:
        raise NotFound("job_unknown", f"no job {name!r}; there are {', '.join(JOBS)}")
    return await JOBS[name](equipment, today)


def scheduled_jobs(equipment: Equipment, settings: Settings) -> list[Job]:
    """Every job with the calendar this installation has set for it."""
    cadences: Mapping[str, str] = msgspec.structs.asdict(settings.cadences)
    return [
        Job(
            name=name,
            trigger=calendar(
                cadences[name], time_zone=settings.time_zone, setting=f"SCREENING_CADENCE_{name.upper()}"
            ),
            work=partial(work, equipment),
        )
        for name, work in JOBS.items()
    ]


@asynccontextmanager
async def scheduling(
    database: Database, settings: Settings, *, today: Callable[[], date]
) -> AsyncGenerator[Scheduler]:
    """All jobs at their times while the block lasts; leaving it waits for the one that runs."""
    async with open_carriers(settings) as carriers:
        equipment = Equipment(database, carriers, acknowledged_within=settings.acknowledged_within)
        scheduler = Scheduler(database, scheduled_jobs(equipment, settings), today=today)
        await scheduler.start()
        try:
            yield scheduler
        finally:
            await scheduler.stop()


async def _advance(equipment: Equipment, today: date) -> Outcome:
    total = Advanced()
    for programme in equipment.programmes:
        total += await advance(equipment.database, family=family(programme), today=today)
    return msgspec.to_builtins(total)


async def _send(equipment: Equipment, today: date) -> Outcome:
    planned = acknowledged = waiting = short = failures = 0
    for programme in equipment.programmes:
        report = await send_due(
            equipment.database, programme=programme, carriers=equipment.carriers, today=today
        )
        for failure in report.failures:
            _log.warning("carrier failed", programme=programme, reason=failure)
        planned, acknowledged = planned + report.planned, acknowledged + report.acknowledged
        waiting, short = waiting + report.waiting, short + report.short_of_kits
        failures += len(report.failures)
    return {"planned": planned, "acknowledged": acknowledged, "waiting": waiting, "short_of_kits": short,
            "failures": failures}  # fmt: skip


async def _sweep(equipment: Equipment, today: date) -> Outcome:
    return {"messages": await _laboratories(equipment, today).judge_all()}


async def _wake(equipment: Equipment, today: date) -> Outcome:
    return {"messages": await _laboratories(equipment, today).wake()}


def _laboratories(equipment: Equipment, today: date) -> Laboratories:
    return laboratories_of(equipment.database, programmes=equipment.programmes, today=lambda: today)


async def _seal(equipment: Equipment, today: date) -> Outcome:
    sealed = await seal_pending(equipment.database, today=today)
    if sealed.digest is not None:
        # kept with the log, away from the database, it shows a chain that was made anew
        _log.info("audit sealed", seal=sealed.number, digest=sealed.digest)
    return {"seals": sealed.seals, "records": sealed.records}


async def _watch(equipment: Equipment, today: date) -> Outcome:
    seen = await equipment.database.run(partial(_look, equipment), actor=system_actor("watch"), today=today)
    for what, counts in seen.items():
        if counts:
            _log.warning(what.replace("_", " "), count=counts)
    return seen


async def _look(equipment: Equipment, tx: Transaction) -> dict[str, object]:
    overdue = {
        programme: counts
        for programme in equipment.programmes
        if (counts := await overdue_obligations(tx, programme=programme))
    }
    return {
        "obligations_overdue": overdue,
        "batches_not_acknowledged": await unacknowledged_batches(
            tx, older_than_days=equipment.acknowledged_within
        ),
        "letters_failed": await failed_sendings(tx),
        "results_in_quarantine": await open_cases(tx),
        "jobs_in_trouble": await troubled_slots(tx, since=datetime.now(UTC) - _DAY),
        "audit_records_not_sealed": await unsealed_records(tx, older_than=_SEALED_WITHIN),
    }


JOBS: Mapping[str, Callable[[Equipment, date], Awaitable[Outcome]]] = {
    "advance": _advance,
    "send": _send,
    "sweep": _sweep,
    "wake": _wake,
    "seal": _seal,
    "watch": _watch,
}
