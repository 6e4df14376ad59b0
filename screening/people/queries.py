"""Finding people by what others know of them."""

from collections.abc import Sequence
from typing import Any

from screening.people.model import PersonRow
from screening.refusals import NotFound
from screening.storage.transaction import Transaction

_BY_NUMBER = """
select i.number, p.id, p.holder_id, p.born, p.sex, p.died_on
  from identity i join person p on p.id = i.person_id
 where i.system = $1 and i.number = any($2)
"""


async def persons_by_national_id(
    tx: Transaction, *, numbers: Sequence[str], country: str = "NO"
) -> dict[str, PersonRow]:
    """Who goes by these numbers; a number nobody goes by is absent."""
    rows = await tx.rows(_BY_NUMBER, country, list(set(numbers)))
    return {row["number"]: PersonRow(*tuple(row)[1:]) for row in rows}


async def find_person(tx: Transaction, *, number: str, country: str) -> int | None:
    """The id under which the whole life of whoever goes by this number is held, None: nobody does; audited."""
    person = (await persons_by_national_id(tx, numbers=[number], country=country)).get(number)
    await tx.audit("searched person", persons=[person.holder_id] if person else [])
    return None if person is None else person.holder_id


def found(person: int | None) -> int:
    """Refuses where nobody was found; said after the commit, for a search in vain is audited too."""
    if person is None:
        raise NotFound("person_unknown", "nobody in the register goes by that number")
    return person


_RECORD = """
select id, holder_id, born, sex, name, language, address, postcode, post_town, municipality, resident_since,
       protected_address, digital_mailbox, emigrated_on, died_on
  from person where id = $1
"""


async def person_record(tx: Transaction, *, person: int) -> dict[str, Any]:
    """What the register says of a person; the reading is audited."""
    row = await tx.row(_RECORD, person)
    if row is None:
        raise NotFound("person_unknown", f"no person {person}; expected the id that `people search` gives")
    await tx.audit("read person", persons=[person])
    return dict(row)
