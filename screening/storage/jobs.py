"""Slots of the scheduler's jobs: which worker runs one, and what became of it.

A slot is one time a job's calendar names. The first of all workers to claim it runs it, under a lease
that it renews while it works. A worker that dies stops renewing, and once its lease is over the slot can
be claimed again; so can one that failed, a few times. Of each job one slot runs at a time. Leases are
measured by the database's clock alone.
Claims write no audit record: the work they lead to does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from screening.storage.transaction import Transaction

ATTEMPTS = 5
# Long enough to look back on, short enough for a job of every minute.
_KEPT = timedelta(days=30)

_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtext('job ' || $1))"
_CLAIM = """
insert into job_run (job, slot, state, lease_until)
select $1, $2, 'running', now() + $3
 where not exists (select 1 from job_run where job = $1 and slot <> $2 and state = 'running' and lease_until >= now())
on conflict (job, slot) do update
   set state = 'running', attempts = job_run.attempts + 1, started_at = now(), lease_until = now() + $3
 where job_run.state <> 'done' and job_run.lease_until < now() and job_run.attempts < $4
returning attempts
"""
_RENEW = """
update job_run set lease_until = now() + $4 where job = $1 and slot = $2 and attempts = $3 and state = 'running'
"""
_FINISH = """
update job_run set state = $4, outcome = $5, lease_until = now() + $6
 where job = $1 and slot = $2 and attempts = $3 and state = 'running'
"""
_FORGET = "delete from job_run where job = $1 and slot < $2"
_TROUBLED = """
select job, count(*) as slots from job_run
 where slot >= $1 and (state = 'failed' or (state = 'running' and lease_until < now())) group by job order by job
"""


async def claim_slot(tx: Transaction, *, job: str, slot: datetime, lease: timedelta) -> int | None:
    """Which attempt at this slot is ours.

    None where it is done, another worker has it or another slot of the job, or it failed for good.
    """
    await tx.run(_ONE_AT_A_TIME, job)
    return await tx.value(_CLAIM, job, slot, lease, ATTEMPTS)


async def renew_lease(tx: Transaction, *, job: str, slot: datetime, attempt: int, lease: timedelta) -> bool:
    """Whether the slot is still ours; another worker has it where our lease ran out."""
    return await tx.run(_RENEW, job, slot, attempt, lease) == 1


async def finish_slot(
    tx: Transaction,
    *,
    job: str,
    slot: datetime,
    attempt: int,
    outcome: Mapping[str, object],
    retry_after: timedelta | None = None,
) -> bool:
    """Write down what became of a slot; `retry_after`: it failed, and may be tried again after that long.

    False, and nothing written, where the slot is no longer ours. Forgets the job's slots of a month ago.
    """
    state = "done" if retry_after is None else "failed"
    ours = await tx.run(_FINISH, job, slot, attempt, state, dict(outcome), retry_after or timedelta()) == 1
    await tx.run(_FORGET, job, slot - _KEPT)
    return ours


async def troubled_slots(tx: Transaction, *, since: datetime) -> dict[str, int]:
    """Slots that failed, or whose worker died, by job."""
    return {row["job"]: row["slots"] for row in await tx.rows(_TROUBLED, since)}
