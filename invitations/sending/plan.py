"""Recording the intent: each open obligation to send something gets its one sending."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from invitations.kits.barcode import barcode
from invitations.sending.states import Channel
from screening.storage.transaction import Transaction
from screening.vocabulary import ObligationKind

SENDINGS = (
    ObligationKind.INVITE, ObligationKind.REMIND, ObligationKind.GIVE_RESULT, ObligationKind.FOLLOW_UP_LETTER,
)  # fmt: skip
KITS = (ObligationKind.DISPATCH_KIT, ObligationKind.REPLACE_KIT)
# A kit must keep through the post both ways and some weeks on a shelf.
KIT_MUST_LAST = timedelta(days=120)
BATCH = 2000


class Planned(msgspec.Struct, frozen=True):
    """`short`: kits that are owed and could not be planned for want of a lot that lasts; they stay owed."""

    letters: int = 0
    kits: int = 0
    short: int = 0


# What failed is planned again by another way, or by the same once the register has told of another address.
_FAILED = """exists (
  select 1 from sending f
   where f.obligation_id = o.id and f.state = 'failed' and f.channel = {channel}
     and not exists (select 1 from event e where e.person_id = o.person_id and e.kind in ('moved', 'unprotected')
                                             and e.recorded_on >= f.changed_on))"""
_UNSENT = "not exists (select 1 from sending s where s.obligation_id = o.id and s.state not in ('cancelled', 'failed'))"
# A protected address is known to no carrier: such a person is written to digitally or, visibly, not at all.
_PRINTABLE = "not p.protected_address and p.address is not null and not " + _FAILED.format(channel="'print'")
_DIGITAL = "p.digital_mailbox and 'digital' = any($5) and not " + _FAILED.format(channel="'digital'")
_LETTERS = f"""
insert into sending (obligation_id, person_id, programme, kind, letter, language, channel, not_before, planned_on,
                     changed_on)
select o.id, o.person_id, o.programme, o.kind, o.letter, p.language, w.channel, $2, $2, $2
  from obligation o join person p on p.id = o.person_id
       cross join lateral (
         select case when {_DIGITAL} then 'digital' when {_PRINTABLE} then 'print' end as channel) w
 where o.programme = $1 and o.state = 'open' and o.due_on <= $2 and o.kind = any($3)
   and w.channel is not null and {_UNSENT}
 order by o.due_on, o.id limit $4
on conflict (obligation_id) where state not in ('cancelled', 'failed') do nothing
returning person_id
"""


async def plan_letters(
    tx: Transaction, *, programme: str, channels: Collection[Channel], limit: int = BATCH
) -> int:
    """How many letters were planned; the same obligation is never planned twice.

    `channels`: those in use here. Without a digital mailbox, everyone is written to on paper.
    """
    rows = await tx.rows(
        _LETTERS, programme, tx.today, [str(kind) for kind in SENDINGS], limit, [str(one) for one in channels]
    )
    if rows:
        await tx.audit("planned letters", persons=[row[0] for row in rows])
    return len(rows)


_TO_PRINT = """
update sending s set channel = 'print', changed_on = $3
  from person p
 where p.id = s.person_id and s.programme = $1 and s.state = 'planned' and s.channel <> all($2 || '{print}'::text[])
   and not p.protected_address and p.address is not null
returning s.person_id
"""


async def move_to_print(tx: Transaction, *, programme: str, channels: Collection[Channel]) -> int:
    """How many letters were taken from a channel that is no longer in use; they had not left by it."""
    rows = await tx.rows(_TO_PRINT, programme, [str(one) for one in channels], tx.today)
    if rows:
        await tx.audit("moved letters to print", persons=[row[0] for row in rows])
    return len(rows)


_OWED_KITS = f"""
select o.id, o.person_id, o.kind, o.letter, p.language
  from obligation o join person p on p.id = o.person_id
 where o.programme = $1 and o.state = 'open' and o.due_on <= $2 and o.kind = any($3)
   and {_PRINTABLE} and {_UNSENT}
   and not exists (select 1 from kit k where k.person_id = o.person_id and k.programme = o.programme
                                         and k.state in ('returned', 'received'))
 order by o.due_on, o.id limit $4 for update of o skip locked
"""
# Whether something was sent already is asked before a row is locked, and not again afterwards: who binds kits beside
# another would bind a second one for the same person. Both would wait for the same lot anyway.
_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtext('plan kits'))"
_LOT = """
select lot, expires_on, remaining from kit_lot
 where remaining > 0 and expires_on >= $1 order by expires_on, lot limit 1 for update
"""
_VOID = """
update kit set state = 'void', changed_on = $2
 where person_id = any($1) and programme = $3 and state in ('ordered', 'dispatched')
"""
_KIT_ROWS = """
insert into kit (barcode, person_id, programme, lot, expires_on, ordered_on, changed_on)
select barcode, person_id, $4, $5, $6, $3, $3 from unnest($1::text[], $2::bigint[]) as k(barcode, person_id)
"""
_KIT_SENDINGS = """
insert into sending (obligation_id, person_id, programme, kind, letter, language, channel, kit, not_before, planned_on,
                     changed_on)
select obligation, person, $7, kind, letter, language, 'print', kit, $8, $8, $8
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
       as s(obligation, person, kind, letter, language, kit)
"""


async def plan_kits(tx: Transaction, *, programme: str, limit: int = BATCH) -> Planned:
    """Bind a kit to each person who is owed one; what cannot be bound stays owed, and is reported."""
    await tx.run(_ONE_AT_A_TIME)
    owed = await tx.rows(_OWED_KITS, programme, tx.today, [str(kind) for kind in KITS], limit)
    if not owed:
        return Planned()
    lot = await tx.row(_LOT, tx.today + KIT_MUST_LAST)
    if lot is None:
        return Planned(short=len(owed))
    bound = owed[: lot["remaining"]]
    await tx.run("update kit_lot set remaining = remaining - $2 where lot = $1", lot["lot"], len(bound))
    await tx.run(_VOID, [row["person_id"] for row in bound], tx.today, programme)
    await _bind(tx, programme, bound, lot["lot"], lot["expires_on"])
    await tx.audit("bound kits", persons=[row["person_id"] for row in bound], facts={"lot": lot["lot"]})
    return Planned(kits=len(bound))


async def _bind(tx: Transaction, programme: str, bound: Sequence[Any], lot: str, expires_on: date) -> None:
    numbers = await tx.rows("select nextval('kit_number') from generate_series(1, $1)", len(bound))
    barcodes = [barcode(row[0]) for row in numbers]
    people = [row["person_id"] for row in bound]
    await tx.run(_KIT_ROWS, barcodes, people, tx.today, programme, lot, expires_on)
    await tx.run(
        _KIT_SENDINGS, [row["id"] for row in bound], people, [row["kind"] for row in bound],
        [row["letter"] for row in bound], [row["language"] for row in bound], barcodes, programme, tx.today,
    )  # fmt: skip
