"""Batches: formed with a count, handed to a carrier, acknowledged with a count, or left in plain sight."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from invitations.carriers.carrier import Item, Outgoing, Receipt
from invitations.letters.render import Letter
from invitations.sending.deliveries import apply_outcomes, send_on, set_state
from invitations.sending.states import BatchState, Channel, SendingState
from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.protocols.model import LETTER_EVENTS
from screening.refusals import NotFound
from screening.storage.leases import FOR_A_WHILE, FREE
from screening.storage.transaction import Row, Transaction
from screening.vocabulary import ObligationKind

SIZE = 500
# A carrier that refuses a sending is asked once more the next day; then the next channel takes it.
ATTEMPTS = 2

# A letter sent again, because nobody received it the first time, is owed by its own evidence; who died or left the
# programme since is reminded of nothing.
_UNWANTED = """
(p.died_on is not null
 or (o.state <> 'open'
     and not exists (select 1 from event e where e.id = o.closed_by and e.body -> 'sending' = to_jsonb(s.id)))
 or (s.kind in ('invite', 'remind') and t.status in ('outside', 'opted_out', 'ceased'))) as unwanted
"""
# A protected address is known to no print house.
_UNPRINTABLE = "(s.channel = 'print' and (p.protected_address or p.address is null)) as unprintable"
_ABOUT = """
sending s join obligation o on o.id = s.obligation_id join person p on p.id = s.person_id
  left join standing t on t.person_id = s.person_id and t.programme = s.programme
"""
_CLAIM = f"""
select s.id, s.person_id, s.kit, {_UNWANTED}, {_UNPRINTABLE} from {_ABOUT}
 where s.channel = $1 and s.state = 'planned' and s.not_before <= $2
 order by s.not_before, s.id limit $3 for update of s skip locked
"""


# Of the same debt another letter may be owed by now than when it was planned.
_HAND = """
update sending s set state = 'handed', batch_id = $2, changed_on = $3, letter = coalesce(o.letter, s.letter)
  from obligation o where o.id = s.obligation_id and s.id = any($1)
"""


async def form_batch(tx: Transaction, *, channel: Channel) -> bool:
    """Put what is planned for a channel into one batch, if anything is; whether more may be planned.

    What is no longer owed by now is cancelled, and what must not be printed fails; neither is sent.
    """
    claimed = await tx.rows(_CLAIM, channel, tx.today, SIZE)
    rows = await _keep_back(tx, claimed)
    if rows:
        await _form(tx, channel, rows)
    return len(claimed) == SIZE


async def _form(tx: Transaction, channel: Channel, rows: Sequence[Row]) -> None:
    number: int = await tx.value(
        "insert into batch (channel, formed_on, expected) values ($1, $2, $3) returning id",
        channel, tx.today, len(rows),
    )  # fmt: skip
    await tx.run(_HAND, [row["id"] for row in rows], number, tx.today)
    await tx.audit("formed batch", facts={"batch": number, "channel": channel, "expected": len(rows)})


async def _keep_back(tx: Transaction, rows: Sequence[Row]) -> list[Row]:
    """The rest of these sendings, after those that must not leave any more were taken out."""
    cancelled = [row for row in rows if row["unwanted"]]
    failed = [row for row in rows if row["unprintable"] and not row["unwanted"]]
    kept = [*cancelled, *failed]
    if kept:
        await set_state(tx, cancelled, SendingState.CANCELLED)
        await set_state(tx, failed, SendingState.FAILED)
        await tx.run(
            "update kit set state = 'void', changed_on = $2 where barcode = any($1) and state = 'ordered'",
            [row["kit"] for row in kept if row["kit"]], tx.today,
        )  # fmt: skip
        facts = {"cancelled": len(cancelled), "failed": len(failed)}
        await tx.audit("kept back letters", persons=[row["person_id"] for row in kept], facts=facts)
    return [row for row in rows if not (row["unwanted"] or row["unprintable"])]


_TAKE = f"""
update batch set lease_until = {FOR_A_WHILE} where id = $1 and state in ('formed', 'handed') and {FREE}
returning key, channel, state, formed_on
"""
_ITEMS = f"""
select s.id, s.key, s.person_id, s.programme, s.letter, s.language, s.kit, k.expires_on, o.subject, o.rule,
       p.name, p.address, p.postcode, p.post_town, {_UNWANTED}, {_UNPRINTABLE},
       (select i.number from identity i where i.person_id = p.id order by i.number limit 1) as number
  from {_ABOUT} left join kit k on k.barcode = s.kit
 where s.batch_id = $1 and s.state = 'handed' order by s.id
"""


async def outgoing(tx: Transaction, *, batch: int) -> Outgoing | None:
    """What a carrier is given; once it has the batch, the same every time it is asked for.

    Until then, what must not leave any more is kept back. None where nothing is left to do, or another sender
    has the batch in hand.
    """
    known = await tx.row(_TAKE, batch)
    if known is None:
        return None
    rows = await tx.rows(_ITEMS, batch)
    if known["state"] == BatchState.FORMED:
        given, rows = len(rows), await _keep_back(tx, rows)
        if len(rows) < given:
            await tx.run("update batch set expected = $2 where id = $1", batch, len(rows))
    facts = {"batch": batch, "channel": known["channel"], "letters": len(rows)}
    await tx.audit("gave batch to carrier", persons=[row["person_id"] for row in rows], facts=facts)
    digital, formed_on = known["channel"] == Channel.DIGITAL, known["formed_on"]
    items = [_item(row, formed_on, digital=digital) for row in rows]
    return Outgoing(known["key"], batch, formed_on, items)


async def note_taken(tx: Transaction, *, batch: int) -> None:
    """The carrier has the batch and has not counted it yet: what is in it has left."""
    await tx.run(
        "update batch set state = 'handed', lease_until = null where id = $1 and state in ('formed', 'handed')",
        batch,
    )


async def let_go_of_batches(tx: Transaction) -> None:
    """Nobody has a batch in hand any more: told by who knows that every other sender has ended."""
    await tx.run("update batch set lease_until = null where lease_until is not null")


def _item(row: Row, formed_on: date, *, digital: bool) -> Item:
    address = [row["name"], row["address"] or "", f"{row['postcode'] or ''} {row['post_town'] or ''}".strip()]
    return Item(
        sending=row["key"],
        letter=Letter(
            programme=row["programme"], template=row["letter"], language=row["language"],
            written_on=formed_on, address=[] if digital else address, kit=row["kit"],
            kit_expires_on=row["expires_on"], taken_on=_taken_on(row["subject"]),
            rule=row["rule"],
        ),
        name=row["name"], address=row["address"], postcode=row["postcode"], post_town=row["post_town"],
        recipient=row["number"] if digital else None,
    )  # fmt: skip


def _taken_on(subject: str) -> date | None:
    """An obligation to tell a result names the day its specimen was taken: `result 2025-02-20 …`."""
    words = subject.split()
    return date.fromisoformat(words[1]) if len(words) > 1 and words[0] == "result" else None


_LOCK = "select id, channel, state, expected, attempts from batch where id = $1 for update"
_SENDINGS = """
select s.id, s.key, s.obligation_id, s.person_id, s.programme, s.kind, s.letter, s.channel, s.kit,
       s.reported, s.reported_on, k.lot, k.expires_on
  from sending s left join kit k on k.barcode = s.kit where s.batch_id = $1 and s.state = 'handed' order by s.id
"""


async def acknowledge_batch(tx: Transaction, *, batch: int, receipt: Receipt) -> BatchState:
    """What the carrier counted is compared with what it was given; told again it has no second effect.

    Where the counts differ, or the names where it gives them, nothing is taken for sent: the batch stays open for
    somebody to look, and to acknowledge it with the right count and what was rejected.
    """
    row = await tx.row(_LOCK, batch)
    if row is None:
        raise NotFound("batch_unknown", f"no batch {batch}")
    if row["state"] == BatchState.ACKNOWLEDGED:
        return BatchState.ACKNOWLEDGED
    sendings = await tx.rows(_SENDINGS, batch)
    refused = [one for one in sendings if one["key"] in receipt.rejected]
    taken = [one for one in sendings if one["key"] not in receipt.rejected]
    matches = (
        receipt.accepted == len(taken)
        and len(refused) == len(receipt.rejected)
        and receipt.which in {None, frozenset(one["key"] for one in taken)}
    )
    state = BatchState.ACKNOWLEDGED if matches else BatchState.MISMATCHED
    trouble = None if matches else _mismatch(receipt, taken, refused)
    await tx.run(
        "update batch set state = $2, acknowledged = $3, acknowledged_on = $4, trouble = $5,"
        " lease_until = null where id = $1",
        batch, state, receipt.accepted, tx.today, trouble,
    )  # fmt: skip
    if matches:
        await _sent(tx, taken)
        await send_on(tx, refused, attempts=ATTEMPTS)
    facts = {"batch": batch, "accepted": receipt.accepted, "expected": row["expected"], "state": state}
    await tx.audit("acknowledged batch", persons=[one["person_id"] for one in taken], facts=facts)
    return state


def _mismatch(receipt: Receipt, taken: Sequence[Row], refused: Sequence[Row]) -> str:
    told = f"carrier counted {receipt.accepted}, given {len(taken)}"
    strangers = len(receipt.rejected) - len(refused)
    if receipt.which is not None:
        strangers += len(receipt.which - {one["key"] for one in taken})
    return f"{told}; it names {strangers} that were not for it to take" if strangers else told


async def _sent(tx: Transaction, taken: Sequence[Row]) -> None:
    if not taken:
        return
    ids = [one["id"] for one in taken]
    await tx.run(
        "update sending set state = 'acknowledged', changed_on = $2 where id = any($1)", ids, tx.today
    )
    kits = [one["kit"] for one in taken if one["kit"]]
    if kits:
        moved = "update kit set state = 'dispatched', changed_on = $2 where barcode = any($1) and state = 'ordered'"
        await tx.run(moved, kits, tx.today)
    await append_events(tx, news=[_sent_news(one, tx.today) for one in taken])
    early = [(one, one["reported"], one["reported_on"]) for one in taken if one["reported"]]
    await apply_outcomes(tx, early)


def _sent_news(one: Row, today: date) -> News:
    kind = LETTER_EVENTS[ObligationKind(one["kind"])]
    body: dict[str, Any] = {
        "sending": one["id"], "obligation": one["obligation_id"], "letter": one["letter"], "channel": one["channel"],
    }  # fmt: skip
    if one["kit"]:
        body |= {"kit": one["kit"], "lot": one["lot"], "expires_on": one["expires_on"]}
    return News(
        person_id=one["person_id"], kind=kind, occurred_on=today, source="sender",
        key=natural_key("sending", one["id"], kind), programme=one["programme"], body=body,
    )  # fmt: skip


async def note_trouble(tx: Transaction, *, batch: int, trouble: str) -> None:
    """The carrier could not be reached; the batch will be handed over again."""
    await tx.run(
        "update batch set attempts = attempts + 1, trouble = $2, lease_until = null where id = $1",
        batch,
        trouble[:500],
    )
    await tx.audit("carrier failed", facts={"batch": batch})
