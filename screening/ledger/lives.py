"""Reading people and their histories, as `decide` wants them, for one person or a batch."""

from collections.abc import Sequence
from datetime import date

import msgspec

from screening.history.events import Event
from screening.protocols.decide import decide
from screening.protocols.decision import Decision, Person
from screening.protocols.family import Family
from screening.storage.transaction import Transaction
from screening.vocabulary import Status


class Life(msgspec.Struct, gc=False):
    """A person with everything that happened to them, in the order recorded.

    `merged` : this entry was found to be somebody else's, whose life holds the history.
    """

    id: int
    person: Person
    merged: bool
    history: list[Event]


_PEOPLE = "select id, holder_id, born, sex, resident_since, municipality from person where id = any($1)"
# A merged person's events stay where they were written and are read through the holder. `offset 0`: person by
# person, by the index; a table that grew since it was last analysed is otherwise read whole for each batch.
_EVENTS = """
select p.holder_id, e.id, e.kind, e.occurred_on, e.recorded_on, e.body, e.supersedes
  from (select id, holder_id from person where holder_id = any($1) offset 0) p
  cross join lateral (
    select * from event where person_id = p.id and (programme is null or programme = $2) offset 0
  ) e
 order by e.id
"""


async def load_lives(tx: Transaction, *, persons: Sequence[int], programme: str) -> list[Life]:
    """The lives of these people, in one programme, in the order of their ids."""
    lives = {
        row["id"]: Life(
            id=row["id"],
            person=Person(row["born"], row["sex"], row["resident_since"], row["municipality"] or ""),
            merged=row["holder_id"] != row["id"],
            history=[],
        )
        for row in await tx.rows(_PEOPLE, list(persons))
    }
    for holder, number, kind, occurred, recorded, body, supersedes in await tx.rows(
        _EVENTS, list(persons), programme
    ):
        life = lives.get(holder)
        if life is not None:
            life.history.append(Event(number, kind, occurred, recorded, body, supersedes))
    return [lives[person] for person in sorted(lives)]


def decide_life(family: Family, life: Life, today: date) -> Decision:
    """`decide`, and the answer for an entry that was merged into another: nothing is owed twice."""
    decision = decide(family, life.person, [] if life.merged else life.history, today)
    if not life.merged:
        return decision
    return msgspec.structs.replace(
        decision,
        status=Status.OUTSIDE,
        reason="merged",
        next_due_on=None,
        next_action_on=None,
        obligations=(),
    )
