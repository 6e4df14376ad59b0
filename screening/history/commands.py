"""Appending to the history: the only writer of `event`."""

from collections.abc import Sequence

from screening.history.events import News
from screening.storage.transaction import Transaction

# Whose life the news belongs to stays so until it is written: a merge waits, or is waited for, and a
# statement of its own sees what was committed meanwhile.
_HOLD = "select from person where id = any($1) order by id for share"
# One statement: append what is new, and make everyone it concerns due for reconciliation now. The standing
# is updated even where it is due already: only the row lock keeps a reconciliation that has not seen the
# news from putting it off again. All lock in one order, so that two that bring news wait and do not collide.
_APPEND = """
with news as (
    select * from unnest($1::bigint[], $2::text[], $3::text[], $4::date[], $5::text[], $6::uuid[],
                         $7::bigint[], $8::jsonb[])
        with ordinality as n(person_id, programme, kind, occurred_on, source, key, supersedes, body, position)
), appended as (
    insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, supersedes, body)
    select person_id, programme, kind, occurred_on, $9, source, key, supersedes, body
      from news order by position
    on conflict (key) do nothing
    returning id, person_id, programme, key
), touched as (
    select distinct p.holder_id as person_id, a.programme from appended a join person p on p.id = a.person_id
), locked as (
    select s.person_id, s.programme
      from touched t join standing s on s.person_id = t.person_id
                                    and (t.programme is null or s.programme = t.programme)
     order by s.person_id, s.programme for update of s
), woken as (
    update standing s set next_action_on = $9
      from locked where s.person_id = locked.person_id and s.programme = locked.programme
)
select id, key from appended
"""


async def append_events(tx: Transaction, *, news: Sequence[News]) -> dict[str, int]:
    """Which of the news were new: their natural key -> event id. News already known has no effect.

    Everyone concerned becomes due for reconciliation on the transaction's day. The caller audits.
    """
    if not news:
        return {}
    await tx.run(_HOLD, sorted({item.person_id for item in news}))
    rows = await tx.rows(
        _APPEND,
        [item.person_id for item in news],
        [item.programme for item in news],
        [item.kind for item in news],
        [item.occurred_on for item in news],
        [item.source for item in news],
        [item.key for item in news],
        [item.supersedes for item in news],
        [dict(item.body) for item in news],
        tx.today,
    )
    return {str(row["key"]): row["id"] for row in rows}
