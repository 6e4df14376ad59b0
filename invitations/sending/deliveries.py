"""What becomes of letters and kits after they were handed over, as their carriers tell it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from invitations.sending.states import SENDING, Channel, SendingNews, SendingState
from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.storage.transaction import Row, Transaction
from screening.vocabulary import EventKind


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a carrier says became of one sending. `undeliverable`: it came back or nobody is there."""

    sending: UUID
    outcome: str
    on: date


class ReportCounts(msgspec.Struct):
    """`applied` includes what waits for the carrier's count, and takes effect with it."""

    received: int = 0
    applied: int = 0
    unchanged: int = 0
    rejected: int = 0


_REPORTED = """
select s.id, s.key, s.person_id, s.programme, s.kind, s.letter, s.channel, s.state, s.kit
  from sending s where s.key = any($1) order by s.id for update
"""
_OUTCOMES = frozenset({"delivered", "undeliverable", "failed"})


def _news(channel: str, outcome: str) -> SendingNews:
    if outcome == "delivered":
        return SendingNews.DELIVERED
    return SendingNews.REFUSED if channel == Channel.DIGITAL else SendingNews.CAME_BACK


async def record_deliveries(tx: Transaction, *, reports: Sequence[Report]) -> ReportCounts:
    """Delivery reports, in any order and any number of times; each is applied, unchanged or rejected."""
    known = {row["key"]: row for row in await tx.rows(_REPORTED, [one.sending for one in reports])}
    counts = ReportCounts(received=len(reports))
    told: list[tuple[Row, str, date]] = []
    early: list[tuple[Row, str, date]] = []
    for report in reports:
        row = known.get(report.sending)
        if row is None or report.outcome not in _OUTCOMES or report.on > tx.today:
            counts.rejected += 1
        elif row["state"] == SendingState.HANDED:
            early.append((row, report.outcome, report.on))
        elif (row["state"], _news(row["channel"], report.outcome)) not in SENDING:
            counts.unchanged += 1
        else:
            told.append((row, report.outcome, report.on))
            known.pop(report.sending)  # a second report on it in this call finds it as it now is, next time
    counts.applied = len(told) + len(early)
    await _keep(tx, early)
    await apply_outcomes(tx, told)
    persons = [row["person_id"] for row, _, _ in (*told, *early)]
    await tx.audit("delivery reports", persons=persons, facts=msgspec.to_builtins(counts))
    return counts


_KEEP = """
update sending set reported = $2, reported_on = $3 where id = $1 and (reported is null or reported = 'delivered')
"""


async def _keep(tx: Transaction, early: Sequence[tuple[Row, str, date]]) -> None:
    """News of what its carrier has not counted yet waits for that; what came back stays so."""
    for row, outcome, on in early:
        await tx.run(_KEEP, row["id"], outcome, on)


async def apply_outcomes(tx: Transaction, told: Sequence[tuple[Row, str, date]]) -> None:
    """Write what became of sendings that their carriers have counted."""
    by_news: dict[SendingNews, list[tuple[Row, date]]] = {}
    for row, outcome, on in told:
        by_news.setdefault(_news(row["channel"], outcome), []).append((row, on))
    delivered = [row for row, _ in by_news.get(SendingNews.DELIVERED, ())]
    await set_state(tx, delivered, SendingState.DELIVERED)
    # nobody received it digitally: on paper, then
    await send_on(tx, [row for row, _ in by_news.get(SendingNews.REFUSED, ())], attempts=0)
    await _came_back(tx, by_news.get(SendingNews.CAME_BACK, ()))


async def set_state(tx: Transaction, sendings: Sequence[Row], state: SendingState) -> None:
    if sendings:
        await tx.run(
            "update sending set state = $2, changed_on = $3 where id = any($1)",
            [row["id"] for row in sendings], state, tx.today,
        )  # fmt: skip


# Where what did not arrive goes next: the same channel once more, then print where that may be; else nowhere.
# Another carrier knows it by another key, so that what the first one tells again is not taken for news of the second.
_ONWARD = """
update sending s
   set state = case when n.channel is null then 'failed' else 'planned' end, channel = coalesce(n.channel, s.channel),
       key = case when n.channel <> s.channel then gen_random_uuid() else s.key end,
       attempts = case when n.channel = s.channel then s.attempts + 1 else 0 end, batch_id = null, reported = null,
       not_before = case when n.channel = s.channel then $2::date + 1 else $2 end, changed_on = $2
  from (select s.id, case when s.attempts + 1 < $3 then s.channel
                          when s.channel = 'digital' and not p.protected_address and p.address is not null then 'print'
                     end as channel
          from sending s join person p on p.id = s.person_id where s.id = any($1)) n
 where n.id = s.id
"""


async def send_on(tx: Transaction, sendings: Sequence[Row], *, attempts: int) -> None:
    """Plan again what did not arrive; by the same channel while it was tried less often than `attempts`."""
    if sendings:
        await tx.run(_ONWARD, [row["id"] for row in sendings], tx.today, attempts)


async def _came_back(tx: Transaction, back: Sequence[tuple[Row, date]]) -> None:
    await set_state(tx, [row for row, _ in back], SendingState.UNDELIVERABLE)
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
