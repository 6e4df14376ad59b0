"""Worklists and timelines."""

from typing import Any

from screening.refusals import NotFound
from screening.storage.transaction import Transaction

_WORKLIST = """
select o.id as obligation, o.person_id as person,
       (select i.number from identity i where i.person_id = o.person_id order by i.number limit 1) as national_id,
       o.kind, o.subject, o.opened_on, o.due_on, o.due_on < $5 as overdue, o.rule
  from obligation o
 where o.programme = $1 and o.kind = $2 and o.state = 'open' and o.id > $3
   and ($6::text[] = '{}' or exists (select from person p where p.id = o.person_id and p.municipality ^@ any($6)))
 order by o.id limit $4
"""


async def worklist(tx: Transaction, *, programme: str, kind: str, after: int, limit: int) -> dict[str, Any]:
    """Open obligations of a kind, a page at a time; `next` is the cursor of the page after, if any.

    Only of people who live in the reader's areas, where the reader has such.
    """
    rows = await tx.rows(_WORKLIST, programme, kind, after, limit, tx.today, list(tx.actor.areas))
    await tx.audit("read worklist", persons=[row["person"] for row in rows], facts={"kind": kind})
    items = [dict(row) for row in rows]
    return {"items": items, "next": items[-1]["obligation"] if len(items) == limit else None}


_TIMELINE = """
select e.id, e.kind, e.occurred_on, e.recorded_on, e.recorded_at, e.source, e.programme, e.body, e.supersedes,
       (select s.id from event s where s.supersedes = e.id order by s.id limit 1) as superseded_by
  from event e join person p on p.id = e.person_id
 where p.holder_id = (select holder_id from person where id = $1)
 order by e.occurred_on, e.id
"""
_OWED = """
select kind, subject, opened_on, due_on, state, closed_on, closed_reason, rule, programme
  from obligation where person_id = $1 order by opened_on, id
"""


async def timeline(tx: Transaction, *, person: int) -> dict[str, Any]:
    """Everything that happened to a person and everything owed, oldest first; the reading is audited."""
    if await tx.value("select 1 from person where id = $1", person) is None:
        raise NotFound("person_unknown", f"no person {person}; expected the id that `people search` gives")
    events = await tx.rows(_TIMELINE, person)
    owed = await tx.rows(_OWED, person)
    standings = await tx.rows(
        "select programme, status, reason, next_due_on from standing where person_id = $1 order by programme",
        person,
    )
    await tx.audit("read timeline", persons=[person])
    return {
        "person": person,
        "standings": [dict(row) for row in standings],
        "events": [dict(row) for row in events],
        "obligations": [dict(row) for row in owed],
    }
