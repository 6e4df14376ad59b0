"""Two entries of the register found to be one person; and found, later, to be two after all.

The history stays where it was written. `holder_id` names the entry through which a whole life is read;
taking a merge back gives each entry its own history again.
"""

from collections.abc import Mapping, Sequence

from screening.people.changes import Happening
from screening.people.feed import Line, Rejection
from screening.people.model import Known
from screening.storage.transaction import Transaction
from screening.vocabulary import EventKind

_ROOT = """
with recursive up as (
    select id, merged_into from person where id = $1
    union all
    select p.id, p.merged_into from person p join up on p.id = up.merged_into
) select id from up where merged_into is null
"""
_BELOW = """
with recursive down as (
    select id from person where id = $1
    union all
    select p.id from person p join down on p.merged_into = down.id
) update person set holder_id = $2 where id in (select id from down) returning id
"""
_WAKE = "update standing set next_action_on = $2 where person_id = any($1)"


async def apply_merges(
    tx: Transaction, *, lines: Sequence[tuple[int, Line]], known: Mapping[tuple[str, str], Known]
) -> tuple[dict[int, tuple[int, Happening]], list[Rejection]]:
    """Merges and their reversals told by these lines: line -> (person, what happened); and the refused."""
    done: dict[int, tuple[int, Happening]] = {}
    refused: list[Rejection] = []
    for number, line in lines:
        person = known[line.country, line.national_id]
        if line.merged_into is None and person.merged_into is None:
            continue
        into = await _target(tx, line) if line.merged_into else None
        if line.merged_into and into is None:
            told = f"line {number}: merged_into names nobody in the register; load that person first"
            refused.append(Rejection(number, "merge_target_unknown", told, line.name))
        elif into is not None and await tx.value(_ROOT, into) == person.id:
            told = f"line {number}: the two entries would be merged into each other"
            refused.append(Rejection(number, "merge_circular", told, line.name))
        elif into != person.merged_into:
            await _merge(tx, person.id, into)
            kind = EventKind.MERGED if into is not None else EventKind.UNMERGED
            done[number] = (person.id, (kind, line.event_date or tx.today, {"into": into}))
    return done, refused


async def _target(tx: Transaction, line: Line) -> int | None:
    return await tx.value(
        "select person_id from identity where system = $1 and number = $2", line.country, line.merged_into
    )


async def _merge(tx: Transaction, person: int, into: int | None) -> None:
    """Hang the entry, with all that was merged into it, under another, or set it free."""
    before = await tx.value("select holder_id from person where id = $1", person)
    await tx.run("update person set merged_into = $2 where id = $1", person, into)
    holder = person if into is None else await tx.value(_ROOT, into)
    moved = [row[0] for row in await tx.rows(_BELOW, person, holder)]
    await tx.run(_WAKE, [*moved, before, holder], tx.today)
