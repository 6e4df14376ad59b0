"""Looking at batches: what left, what was counted, what waits."""

from typing import Any

from screening.refusals import NotFound
from screening.storage.transaction import Transaction

_COLUMNS = "id, key, channel, state, formed_on, expected, acknowledged, acknowledged_on, attempts, trouble"
_SHOWN = 200


async def list_batches(tx: Transaction, *, state: str | None = None) -> list[dict[str, Any]]:
    """Up to 200 batches, newest first."""
    rows = await tx.rows(
        f"select {_COLUMNS} from batch where $1::text is null or state = $1 order by id desc limit $2",
        state,
        _SHOWN,
    )
    return [dict(row) for row in rows]


async def batch_record(tx: Transaction, *, batch: int) -> dict[str, Any]:
    """A batch with how many of its sendings are in each state."""
    row = await tx.row(f"select {_COLUMNS} from batch where id = $1", batch)
    if row is None:
        raise NotFound("batch_unknown", f"no batch {batch}")
    states = await tx.rows(
        "select state, count(*) as n from sending where batch_id = $1 group by state order by state", batch
    )
    return {**dict(row), "sendings": {one["state"]: one["n"] for one in states}}


async def unacknowledged_batches(tx: Transaction, *, older_than_days: int) -> int:
    """Batches that a carrier should have counted by now: nobody may wait for a letter that never left."""
    return await tx.value(
        "select count(*) from batch where state <> 'acknowledged' and formed_on < $1::date - $2::int",
        tx.today,
        older_than_days,
    )


async def failed_sendings(tx: Transaction) -> int:
    """Letters and kits that no channel could take: somebody must find a way to these people.

    Those that are owed still, and those that bounced in the last week, after they had been counted as sent.
    """
    return await tx.value(
        "select count(distinct o.id) from sending s join obligation o on o.id = s.obligation_id"
        " where s.state = 'failed' and (o.state = 'open' or s.changed_on > $1::date - 7) and not exists"
        " (select 1 from sending l where l.obligation_id = o.id and l.state not in ('cancelled', 'failed'))",
        tx.today,
    )
