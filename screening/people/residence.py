"""Where people live, as periods that never overlap: a projection of the register's events."""

from collections.abc import Sequence
from datetime import date

from screening.storage.transaction import Transaction

# A new address from the day the present one began, or before, corrects it; a later one follows it.
_CORRECT = """
delete from residence r using unnest($1::bigint[], $2::date[]) as m(person_id, since)
 where r.person_id = m.person_id and r.since >= m.since
"""
_END = """
update residence r set until = m.since from unnest($1::bigint[], $2::date[]) as m(person_id, since)
 where r.person_id = m.person_id and r.since < m.since and (r.until is null or r.until > m.since)
"""
_BEGIN = """
insert into residence (person_id, municipality, since)
select person_id, municipality, since
  from unnest($1::bigint[], $2::text[], $3::date[]) as m(person_id, municipality, since)
"""


async def open_residences(tx: Transaction, *, moves: Sequence[tuple[int, str, date]]) -> None:
    """From that day on the person lives there: (person, municipality, day), one a person."""
    if not moves:
        return
    latest = {person: (municipality, day) for person, municipality, day in moves}
    people, days = list(latest), [day for _, day in latest.values()]
    await tx.run(_CORRECT, people, days)
    await tx.run(_END, people, days)
    await tx.run(_BEGIN, people, [municipality for municipality, _ in latest.values()], days)


async def close_residences(tx: Transaction, *, person: int, until: date) -> None:
    """From that day on the person lives nowhere in the country."""
    await tx.run("delete from residence where person_id = $1 and since >= $2", person, until)
    await tx.run(
        "update residence set until = $2 where person_id = $1 and (until is null or until > $2)",
        person,
        until,
    )
