"""Reconciling everyone whose next action has come: level-triggered, in batches, by any number of workers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial

import msgspec
import structlog

from screening.ledger.lives import Life, decide_life, load_lives
from screening.ledger.reconcile import Changes, OpenRow, reconcile
from screening.protocols.decision import Decision
from screening.protocols.family import Family
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction, system_actor

BATCH = 2000
_log = structlog.get_logger()


class Advanced(msgspec.Struct, frozen=True):
    """What one or many batches did; `statuses` counts the people by the status they came to.

    `set_aside`: people who could not be decided, by a fault of ours; they are tried again the next day.
    """

    people: int = 0
    opened: int = 0
    fulfilled: int = 0
    withdrawn: int = 0
    set_aside: int = 0
    statuses: dict[str, int] = {}

    def __add__(self, other: "Advanced") -> "Advanced":
        return Advanced(
            people=self.people + other.people,
            opened=self.opened + other.opened,
            fulfilled=self.fulfilled + other.fulfilled,
            withdrawn=self.withdrawn + other.withdrawn,
            set_aside=self.set_aside + other.set_aside,
            statuses=dict(Counter(self.statuses) + Counter(other.statuses)),
        )


_CLAIM = """
select person_id, last_event_id from standing
 where programme = $1 and next_action_on <= $2
 order by next_action_on
 limit $3
 for update skip locked
"""
_CLAIM_THESE = """
select person_id, last_event_id from standing
 where programme = $1 and person_id = any($2)
 order by person_id
 for update
"""


async def advance(
    database: Database,
    *,
    family: Family,
    today: date,
    actor: Actor | None = None,
    batch: int = BATCH,
    progress: Callable[[int], object] | None = None,
) -> Advanced:
    """Reconcile everyone whose next action has come by `today`, batch by batch, until nobody is left.

    Each batch commits by itself, so a crash loses no more than the batch in hand, and running it again
    goes on where it stopped.
    """
    total = Advanced()
    while True:
        done = await database.run(
            lambda tx: advance_batch(tx, family=family, batch=batch),
            actor=actor or system_actor("advance"),
            today=today,
        )
        total += done
        if progress is not None:
            progress(done.people)
        if done.people + done.set_aside < batch:
            return total
        await asyncio.sleep(0)


_PAGE = "select person_id from standing where programme = $1 and person_id > $2 order by person_id limit $3"
_DUE = """
update standing set next_action_on = $3
 where programme = $1 and person_id = any($2) and (next_action_on is null or next_action_on > $3)
"""


async def make_due(
    database: Database, *, programme: str, today: date, actor: Actor, batch: int = BATCH
) -> int:
    """Let everyone be decided again, as after a change of the rules; how many people there are.

    Which rules decide is known to no row, so nobody's next action comes sooner by itself when they change.
    """
    last = people = 0
    while True:
        page = await database.run(
            partial(_make_page_due, programme=programme, after=last, limit=batch), actor=actor, today=today
        )
        if not page:
            return people
        last, people = page[-1], people + len(page)


async def _make_page_due(tx: Transaction, *, programme: str, after: int, limit: int) -> list[int]:
    page = [row[0] for row in await tx.rows(_PAGE, programme, after, limit)]
    if page:
        await tx.run(_DUE, programme, page, tx.today)
        await tx.audit("made due", persons=page, facts={"programme": programme})
    return page


async def advance_batch(tx: Transaction, *, family: Family, batch: int = BATCH) -> Advanced:
    """Claim up to `batch` people whom no other worker holds, and reconcile them."""
    claimed = await tx.rows(_CLAIM, family.name, tx.today, batch)
    return await _advance(tx, family, {row[0]: row[1] for row in claimed})


async def advance_people(tx: Transaction, *, family: Family, persons: Sequence[int]) -> Advanced:
    """Reconcile these people now, whether or not their next action has come."""
    claimed = await tx.rows(_CLAIM_THESE, family.name, list(persons))
    return await _advance(tx, family, {row[0]: row[1] for row in claimed})


async def _advance(tx: Transaction, family: Family, seen: Mapping[int, int]) -> Advanced:
    """`seen`: person -> the last event that the decision before knew of."""
    if not seen:
        return Advanced()
    persons = list(seen)
    lives = await load_lives(tx, persons=persons, programme=family.name)
    ledger = await _open_rows(tx, family.name, persons)
    decided = _decided(family, lives, tx.today)
    lives, aside = (
        [life for life in lives if life.id in decided],
        [one for one in persons if one not in decided],
    )
    decisions = [decided[life.id] for life in lives]
    changes = [
        reconcile(one, ledger.get(life.id, ()), seen=seen[life.id])
        for life, one in zip(lives, decisions, strict=True)
    ]
    if aside:
        await tx.run(_PUT_OFF, family.name, aside, tx.today + timedelta(days=1))
    await _write_changes(tx, family.name, lives, changes)
    await _write_standings(tx, family.name, lives, decisions)
    done = Advanced(
        people=len(lives),
        opened=sum(len(one.opened) for one in changes),
        fulfilled=sum(len(one.fulfilled) for one in changes),
        withdrawn=sum(len(one.withdrawn) for one in changes),
        set_aside=len(aside),
        statuses=dict(Counter(str(one.status) for one in decisions)),
    )
    await tx.audit(
        "reconciled", persons=persons, facts={"programme": family.name, **msgspec.to_builtins(done)}
    )
    return done


_PUT_OFF = "update standing set next_action_on = $3 where programme = $1 and person_id = any($2)"


def _decided(family: Family, lives: Sequence[Life], today: date) -> dict[int, Decision]:
    """The decisions; who is missing could not be decided, and must not hold up all others."""
    decided: dict[int, Decision] = {}
    for life in lives:
        try:
            decided[life.id] = decide_life(family, life, today)
        except Exception:  # noqa: BLE001  whatever it was, it is told, and the failsafe counts it until it is mended
            _log.exception("a person could not be decided", programme=family.name, person=life.id)
    return decided


_OPEN_ROWS = """
select person_id, id, episode, kind, subject, due_on, letter from obligation
 where person_id = any($1) and programme = $2 and closed_on is null
"""


async def _open_rows(tx: Transaction, programme: str, persons: Sequence[int]) -> dict[int, list[OpenRow]]:
    found: dict[int, list[OpenRow]] = {}
    for person, *row in await tx.rows(_OPEN_ROWS, list(persons), programme):
        found.setdefault(person, []).append(OpenRow(*row))
    return found


# A row closed before is opened again where it is owed again: a correction can undo what closed it.
_OPEN = """
insert into obligation (person_id, programme, episode, kind, subject, opened_on, due_on, rule, letter)
select person_id, $9, episode, kind, subject, opened_on, due_on, rule, letter
  from unnest($1::bigint[], $2::date[], $3::text[], $4::text[], $5::date[], $6::date[], $7::text[], $8::text[])
       as o(person_id, episode, kind, subject, opened_on, due_on, rule, letter)
on conflict on constraint uq_obligation_owed_once do update
   set state = 'open', closed_on = null, closed_by = null, closed_reason = null,
       due_on = excluded.due_on, rule = excluded.rule, letter = excluded.letter
 where obligation.state <> 'open'
"""
_FULFIL = """
update obligation o set state = 'fulfilled', closed_on = c.closed_on, closed_by = c.event
  from unnest($1::bigint[], $2::date[], $3::bigint[]) as c(id, closed_on, event) where o.id = c.id
"""
_WITHDRAW = """
update obligation o set state = 'withdrawn', closed_on = $3, closed_reason = c.reason
  from unnest($1::bigint[], $2::text[]) as c(id, reason) where o.id = c.id
"""
_MOVE = """
update obligation o set due_on = c.due_on, letter = c.letter
  from unnest($1::bigint[], $2::date[], $3::text[]) as c(id, due_on, letter) where o.id = c.id
"""


async def _write_changes(
    tx: Transaction, programme: str, lives: Sequence[Life], changes: Sequence[Changes]
) -> None:
    opened = [(life.id, one) for life, change in zip(lives, changes, strict=True) for one in change.opened]
    if opened:
        await tx.run(
            _OPEN,
            [person for person, _ in opened],
            [one.episode for _, one in opened],
            [one.kind for _, one in opened],
            [one.subject for _, one in opened],
            [one.opened_on for _, one in opened],
            [one.due_on for _, one in opened],
            [one.rule for _, one in opened],
            [one.letter for _, one in opened],
            programme,
        )
    fulfilled = [pair for change in changes for pair in change.fulfilled]
    if fulfilled:
        await tx.run(
            _FULFIL,
            [row for row, _ in fulfilled],
            [one.on for _, one in fulfilled],
            [one.event for _, one in fulfilled],
        )
    await _write_settled(tx, programme, lives, changes)
    withdrawn = [pair for change in changes for pair in change.withdrawn]
    if withdrawn:
        await tx.run(_WITHDRAW, [row for row, _ in withdrawn], [reason for _, reason in withdrawn], tx.today)
    moved = [pair for change in changes for pair in change.moved]
    if moved:
        await tx.run(
            _MOVE, [row for row, _ in moved], [one.due_on for _, one in moved], [one.letter for _, one in moved]
        )  # fmt: skip


_SETTLE = """
insert into obligation (person_id, programme, episode, kind, subject, opened_on, due_on, rule, state, closed_on, closed_by)
select person_id, $10, episode, kind, subject, opened_on, due_on, rule, 'fulfilled', closed_on, event
  from unnest($1::bigint[], $2::date[], $3::text[], $4::text[], $5::date[], $6::date[], $7::text[], $8::date[], $9::bigint[])
       as c(person_id, episode, kind, subject, opened_on, due_on, rule, closed_on, event)
on conflict on constraint uq_obligation_owed_once do nothing
"""


async def _write_settled(
    tx: Transaction, programme: str, lives: Sequence[Life], changes: Sequence[Changes]
) -> None:
    """What came and went between two decisions, as it does when a history arrives all at once."""
    settled = [
        (life.id, one, one.owed)
        for life, change in zip(lives, changes, strict=True)
        for one in change.settled
        if one.owed is not None
    ]
    if settled:
        await tx.run(
            _SETTLE,
            [person for person, _, _ in settled],
            [one.episode for _, one, _ in settled],
            [one.kind for _, one, _ in settled],
            [one.subject for _, one, _ in settled],
            [owed.opened_on for _, _, owed in settled],
            [owed.due_on for _, _, owed in settled],
            [owed.rule for _, _, owed in settled],
            [one.on for _, one, _ in settled],
            [one.event for _, one, _ in settled],
            programme,
        )


_STAND = """
update standing s
   set status = d.status, reason = d.reason, protocol = d.protocol, rule = d.rule,
       episode_opened_on = d.episode_opened_on, episode_number = d.episode_number,
       next_due_on = d.next_due_on, next_action_on = d.next_action_on, decided_on = $11, last_event_id = d.last_event_id
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::int[], $8::date[],
              $9::date[], $10::bigint[])
       as d(person_id, status, reason, protocol, rule, episode_opened_on, episode_number, next_due_on,
            next_action_on, last_event_id)
 where s.person_id = d.person_id and s.programme = $12
"""


async def _write_standings(
    tx: Transaction, programme: str, lives: Sequence[Life], decisions: Sequence[Decision]
) -> None:
    await tx.run(
        _STAND,
        [life.id for life in lives],
        [one.status for one in decisions],
        [one.reason for one in decisions],
        [one.protocol for one in decisions],
        [one.rule for one in decisions],
        [one.episode_opened_on for one in decisions],
        [one.episode_number for one in decisions],
        [one.next_due_on for one in decisions],
        [one.next_action_on for one in decisions],
        [life.history[-1].id if life.history else 0 for life in lives],
        tx.today,
        programme,
    )
