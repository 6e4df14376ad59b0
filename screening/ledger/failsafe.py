"""The two questions on which lives depend: is anybody lost, and is anything forgotten?"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec
import structlog

from screening.ledger.lives import Life, decide_life, load_lives
from screening.protocols.decision import Decision
from screening.protocols.family import Family
from screening.storage.database import Database
from screening.storage.transaction import Actor, Row, Transaction, system_actor
from screening.vocabulary import Status

_PAGE = 5000
_log = structlog.get_logger()


class Failsafe(msgspec.Struct, frozen=True):
    """The answer for one programme on one day.

    `population`: people in the target population; `by_status` adds up to it. `lost`: people of the
    register without a decided status. `unreconciled`: people whose next action has come and was not
    taken. `overdue`: open obligations past their due date, by kind. `verified`: people of the target
    population decided again; `disagreements`: those for whom what is stored is not what is decided.
    `undecided`: people of the register for whom deciding fails, by a fault of ours.
    """

    population: int
    by_status: dict[str, int]
    outside: dict[str, int]
    lost: int
    unreconciled: int
    overdue: dict[str, int]
    verified: int
    disagreements: int
    disagreeing: list[int]
    undecided: int = 0

    @property
    def holds(self) -> bool:
        return self.lost == 0 and self.disagreements == 0 and self.undecided == 0


async def check_failsafe(
    database: Database,
    *,
    family: Family,
    as_of: date,
    actor: Actor | None = None,
    progress: Callable[[int], object] | None = None,
) -> Failsafe:
    """Count everyone once, list what is overdue, and decide again for everyone.

    A decision stays true from the day it was made until its next action, so deciding as of today must
    give what is stored; people who are due for reconciliation are counted as such and not compared.
    """
    who = actor or system_actor("failsafe")
    counts = await database.run(lambda tx: _count(tx, family.name), actor=who, today=as_of)
    verified, undecided, disagreeing, last = 0, 0, list[int](), 0
    while True:
        page = await database.run(
            lambda tx, after=last: verify_page(tx, family=family, after=after), actor=who, today=as_of
        )
        if page is None:
            break
        last = page.last
        verified += page.decided
        undecided += page.failing
        disagreeing += page.differing
        if progress is not None:
            progress(page.decided)
    return msgspec.structs.replace(
        counts,
        verified=verified,
        disagreements=len(disagreeing),
        disagreeing=disagreeing[:100],
        undecided=undecided,
    )


_LOST = """
select count(*) from person p
 where not exists (select 1 from standing s
                    where s.person_id = p.id and s.programme = $1 and s.decided_on is not null)
"""
_BY_STATUS = """
select status, case when status = 'outside' then reason end as reason, count(*) as people
  from standing where programme = $1 and decided_on is not null group by 1, 2
"""
_OVERDUE = """
select kind, count(*) as owed from obligation
 where programme = $1 and state = 'open' and due_on < $2 group by kind order by kind
"""


async def overdue_obligations(tx: Transaction, *, programme: str) -> dict[str, int]:
    """Open obligations past their due date, by kind."""
    return {row["kind"]: row["owed"] for row in await tx.rows(_OVERDUE, programme, tx.today)}


async def _count(tx: Transaction, programme: str) -> Failsafe:
    rows = await tx.rows(_BY_STATUS, programme)
    by_status = {str(status): 0 for status in Status if status != Status.OUTSIDE}
    outside: dict[str, int] = {}
    for row in rows:
        if row["status"] == Status.OUTSIDE:
            outside[row["reason"]] = row["people"]
        else:
            by_status[row["status"]] += row["people"]
    unreconciled = "select count(*) from standing where programme = $1 and next_action_on <= $2"
    await tx.audit("checked failsafe", facts={"programme": programme})
    return Failsafe(
        population=sum(by_status.values()),
        by_status=by_status,
        outside=dict(sorted(outside.items())),
        lost=await tx.value(_LOST, programme),
        unreconciled=await tx.value(unreconciled, programme, tx.today),
        overdue=await overdue_obligations(tx, programme=programme),
        verified=0,
        disagreements=0,
        disagreeing=[],
    )


_STORED = """
select person_id, status, reason, rule, protocol, next_due_on, next_action_on, episode_opened_on
  from standing where programme = $1 and person_id > $2 order by person_id limit $3
"""
_OWED = """
select person_id, episode, kind, subject, due_on, letter from obligation
 where programme = $1 and state = 'open' and person_id = any($2)
"""
_Owed = tuple[date, str, str, date, str | None]


class Verified(msgspec.Struct, frozen=True):
    """A page of people decided again.

    `last`: where the page ends; `decided`: people of the target population; `failing`: for whom deciding
    fails; `differing`: whose stored decision or debts are others.
    """

    last: int
    decided: int
    failing: int
    differing: list[int]


async def verify_page(tx: Transaction, *, family: Family, after: int) -> Verified | None:
    """The people after that one; None where there are no more.

    Reads one instant: a worker that commits in between would look like a disagreement. Decides beside the
    loop, which has others to answer meanwhile.
    """
    await tx.run("set transaction isolation level repeatable read")
    stored = await tx.rows(_STORED, family.name, after, _PAGE)
    if not stored:
        return None
    persons = [row["person_id"] for row in stored]
    owed: dict[int, set[_Owed]] = {person: set() for person in persons}
    for person, *row in await tx.rows(_OWED, family.name, persons):
        owed[person].add((row[0], row[1], row[2], row[3], row[4]))
    lives = await load_lives(tx, persons=persons, programme=family.name)
    return await asyncio.to_thread(_verified, family, stored, lives, owed, tx.today)


def _verified(
    family: Family, stored: Sequence[Row], lives: Sequence[Life], owed: Mapping[int, set[_Owed]], today: date
) -> Verified:
    differing: list[int] = []
    decided = failing = 0
    for row, life in zip(stored, lives, strict=True):
        try:
            decision = decide_life(family, life, today)
        except Exception:  # noqa: BLE001  whoever else there is must be looked at; these are counted
            _log.exception("a person could not be decided", programme=family.name, person=life.id)
            failing += 1
            continue
        if row["next_action_on"] is not None and row["next_action_on"] <= today:
            continue
        decided += decision.status != Status.OUTSIDE
        if not _agrees(decision, tuple(row)[1:], owed[life.id]):
            differing.append(life.id)
    return Verified(stored[-1]["person_id"], decided, failing, differing)


def _agrees(decision: Decision, stored: tuple[object, ...], owed: set[_Owed]) -> bool:
    again = (
        decision.status, decision.reason, decision.rule, decision.protocol,
        decision.next_due_on, decision.next_action_on, decision.episode_opened_on,
    )  # fmt: skip
    return again == stored and owed == {
        (o.episode, o.kind, o.subject, o.due_on, o.letter) for o in decision.obligations
    }
