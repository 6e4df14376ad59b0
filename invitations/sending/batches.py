"""Batches: formed with a count, handed to a carrier, acknowledged with a count, or left in plain sight."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from invitations.carriers.carrier import Item, Outgoing, Receipt
from invitations.letters.render import Letter
from invitations.sending.states import BatchState, Channel, SendingState
from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.protocols.model import LETTER_EVENTS
from screening.refusals import NotFound
from screening.storage.transaction import Row, Transaction
from screening.vocabulary import EventKind, ObligationKind

SIZE = 500
# A carrier that refuses a sending is asked once more the next day; then the next channel takes it.
ATTEMPTS = 2
_WAIT = timedelta(days=1)

_CANCEL = """
update sending s set state = 'cancelled', changed_on = $2
  from obligation o
 where o.id = s.obligation_id and s.channel = $1 and s.state = 'planned' and o.state <> 'open'
   and s.attempts = 0
returning s.kit
"""
_CLAIM = """
select s.id from sending s
 where s.channel = $1 and s.state = 'planned' and s.not_before <= $2 order by s.id limit $3 for update skip locked
"""


async def form_batch(tx: Transaction, *, channel: Channel) -> int | None:
    """Put what is planned for a channel into one batch; None where nothing is.

    What is no longer owed by now is cancelled, not sent.
    """
    cancelled = await tx.rows(_CANCEL, channel, tx.today)
    kits = [row["kit"] for row in cancelled if row["kit"]]
    if kits:
        await tx.run("update kit set state = 'void', changed_on = $2 where barcode = any($1)", kits, tx.today)
    rows = await tx.rows(_CLAIM, channel, tx.today, SIZE)
    if not rows:
        return None
    number: int = await tx.value(
        "insert into batch (channel, formed_on, expected) values ($1, $2, $3) returning id",
        channel, tx.today, len(rows),
    )  # fmt: skip
    await tx.run(
        "update sending set state = 'handed', batch_id = $2, changed_on = $3 where id = any($1)",
        [row["id"] for row in rows], number, tx.today,
    )  # fmt: skip
    await tx.audit("formed batch", facts={"batch": number, "channel": channel, "expected": len(rows)})
    return number


_ITEMS = """
select s.id, s.programme, s.letter, s.language, s.kit, k.expires_on, o.subject, o.rule,
       p.name, p.address, p.postcode, p.post_town, b.formed_on,
       (select i.number from identity i where i.person_id = p.id order by i.number limit 1) as number
  from sending s join batch b on b.id = s.batch_id join person p on p.id = s.person_id
  join obligation o on o.id = s.obligation_id left join kit k on k.barcode = s.kit
 where s.batch_id = $1 and s.state = 'handed' order by s.id
"""


async def outgoing(tx: Transaction, *, batch: int) -> Outgoing:
    """What a carrier is given; the same every time it is asked for."""
    rows = await tx.rows(_ITEMS, batch)
    digital = await tx.value("select channel = 'digital' from batch where id = $1", batch)
    items = [_item(row, digital=bool(digital)) for row in rows]
    return Outgoing(batch, rows[0]["formed_on"] if rows else tx.today, items)


def _item(row: Row, *, digital: bool) -> Item:
    address = [row["name"], row["address"] or "", f"{row['postcode'] or ''} {row['post_town'] or ''}".strip()]
    return Item(
        sending=row["id"],
        letter=Letter(
            programme=row["programme"], template=row["letter"], language=row["language"],
            written_on=row["formed_on"], address=[] if digital else address, kit=row["kit"],
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
select s.id, s.obligation_id, s.person_id, s.programme, s.kind, s.letter, s.channel, s.kit, s.attempts, k.lot, k.expires_on
  from sending s left join kit k on k.barcode = s.kit where s.batch_id = $1 and s.state = 'handed' order by s.id
"""


async def acknowledge_batch(tx: Transaction, *, batch: int, receipt: Receipt) -> BatchState:
    """What the carrier counted is compared with what it was given; told again it has no second effect.

    Where the counts differ nothing is taken for sent: the batch stays open, for somebody to look.
    """
    row = await tx.row(_LOCK, batch)
    if row is None:
        raise NotFound("batch_unknown", f"no batch {batch}")
    if row["state"] == BatchState.ACKNOWLEDGED:
        return BatchState.ACKNOWLEDGED
    sendings = await tx.rows(_SENDINGS, batch)
    refused = [one for one in sendings if one["id"] in receipt.rejected]
    taken = [one for one in sendings if one["id"] not in receipt.rejected]
    matches = receipt.accepted == len(taken)
    state = BatchState.ACKNOWLEDGED if matches else BatchState.MISMATCHED
    trouble = None if matches else f"carrier counted {receipt.accepted}, given {len(taken)}"
    await tx.run(
        "update batch set state = $2, acknowledged = $3, acknowledged_on = $4, trouble = $5 where id = $1",
        batch, state, receipt.accepted, tx.today, trouble,
    )  # fmt: skip
    if matches:
        await _sent(tx, taken)
        await _refused(tx, refused)
    facts = {"batch": batch, "accepted": receipt.accepted, "expected": row["expected"], "state": state}
    await tx.audit("acknowledged batch", persons=[one["person_id"] for one in taken], facts=facts)
    return state


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


async def _refused(tx: Transaction, refused: Sequence[Row]) -> None:
    """A refused sending is planned again: the same channel once more, then print; print failing is failure."""
    for one in refused:
        again = one["attempts"] + 1 < ATTEMPTS
        digital = one["channel"] == Channel.DIGITAL
        state = SendingState.PLANNED if again or digital else SendingState.FAILED
        await tx.run(
            "update sending set state = $2, channel = $3, attempts = $4, batch_id = null, not_before = $5, changed_on = $6"
            " where id = $1",
            one["id"], state, one["channel"] if again else Channel.PRINT, one["attempts"] + 1 if again else 0,
            tx.today + _WAIT if again else tx.today, tx.today,
        )  # fmt: skip


async def note_trouble(tx: Transaction, *, batch: int, trouble: str) -> None:
    """The carrier could not be reached; the batch will be handed over again."""
    await tx.run("update batch set attempts = attempts + 1, trouble = $2 where id = $1", batch, trouble[:500])
    await tx.audit("carrier failed", facts={"batch": batch})


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a carrier says became of one sending. `undeliverable`: it came back or nobody is there."""

    sending: int
    outcome: str
    on: date
    reference: str | None = None


class ReportCounts(msgspec.Struct):
    received: int = 0
    applied: int = 0
    unchanged: int = 0
    rejected: int = 0


_REPORTED = """
select s.id, s.person_id, s.programme, s.kind, s.letter, s.channel, s.state, s.kit
  from sending s where s.id = any($1) order by s.id for update
"""
_DELIVERED = frozenset({SendingState.ACKNOWLEDGED})
_CAME_BACK = frozenset({SendingState.ACKNOWLEDGED, SendingState.DELIVERED})
_OUTCOMES = frozenset({"delivered", "undeliverable", "failed"})


async def record_deliveries(tx: Transaction, *, reports: Sequence[Report]) -> ReportCounts:
    """Delivery reports, in any order and any number of times; each is applied, unchanged or rejected."""
    known = {row["id"]: row for row in await tx.rows(_REPORTED, [one.sending for one in reports])}
    counts = ReportCounts(received=len(reports))
    delivered: list[Row] = []
    printed: list[Row] = []
    back: list[tuple[Row, date]] = []
    for report in reports:
        row = known.get(report.sending)
        if row is None or report.outcome not in _OUTCOMES or report.on > tx.today:
            counts.rejected += 1
        elif row["state"] not in (_DELIVERED if report.outcome == "delivered" else _CAME_BACK):
            counts.unchanged += 1
        else:
            counts.applied += 1
            known.pop(report.sending)  # a second report on it in this call finds it as it now is, next time
            if report.outcome == "delivered":
                delivered.append(row)
            elif row["channel"] == Channel.DIGITAL:
                printed.append(row)
            else:
                back.append((row, report.on))
    await _set(tx, delivered, SendingState.DELIVERED)
    await _print_instead(tx, printed)
    await _came_back(tx, back)
    people = [row["person_id"] for row in (*delivered, *printed, *(row for row, _ in back))]
    await tx.audit("delivery reports", persons=people, facts=msgspec.to_builtins(counts))
    return counts


async def _set(tx: Transaction, sendings: Sequence[Row], state: SendingState) -> None:
    if sendings:
        await tx.run(
            "update sending set state = $2, changed_on = $3 where id = any($1)",
            [row["id"] for row in sendings], state, tx.today,
        )  # fmt: skip


async def _print_instead(tx: Transaction, sendings: Sequence[Row]) -> None:
    """What nobody received digitally goes out on paper."""
    if sendings:
        await tx.run(
            "update sending set state = 'planned', channel = 'print', batch_id = null, attempts = 1, not_before = $2,"
            " changed_on = $2 where id = any($1)",
            [row["id"] for row in sendings], tx.today,
        )  # fmt: skip


async def _came_back(tx: Transaction, back: Sequence[tuple[Row, date]]) -> None:
    await _set(tx, [row for row, _ in back], SendingState.UNDELIVERABLE)
    kits = [row["kit"] for row, _ in back if row["kit"]]
    if kits:
        moved = (
            "update kit set state = 'undeliverable', changed_on = $2"
            " where barcode = any($1) and state = 'dispatched'"
        )
        await tx.run(moved, kits, tx.today)
    await append_events(tx, news=[_back_news(row, on) for row, on in back])


def _back_news(row: Row, on: date) -> News:
    kind = EventKind.KIT_UNDELIVERABLE if row["kit"] else EventKind.LETTER_UNDELIVERABLE
    body = {"sending": row["id"], "letter": row["letter"]} | ({"kit": row["kit"]} if row["kit"] else {})
    return News(
        person_id=row["person_id"], kind=kind, occurred_on=on, source="post",
        key=natural_key("sending", row["id"], kind), programme=row["programme"], body=body,
    )  # fmt: skip
