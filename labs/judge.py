"""Judging stored messages: each result ends as an event, as known already, or as an open case.

Set-based and repeatable: a message stays pending until the commit that holds all its outcomes. One judge
works at a time, whatever number of processes there is, in the order of arrival: a correction that arrived
after its original is never judged before it.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from invitations.kits.commands import note_analysed
from invitations.kits.queries import kits_by_barcode
from labs.judgement import (
    APPLIED,
    KNOWN,
    MENDABLE,
    NOT_JUDGED,
    QUARANTINED,
    WAITING,
    Held,
    Key,
    Knowledge,
    Outcome,
    Said,
    judge_message,
    results_told,
)
from labs.reading import read_message
from labs.results import Fault, Reading, ResultStatus, Verdict
from screening.history.commands import append_events
from screening.people.queries import persons_by_national_id
from screening.protocols.load import family
from screening.storage.transaction import Row, Transaction
from screening.vocabulary import FINDINGS_OF, EventKind, Sample

BATCH = 500
_ONE_JUDGE = 0x6A75646765  # the advisory lock that all judges share


class Judged(msgspec.Struct, frozen=True):
    """What one batch came to; `messages`: our ids, `persons`: whose life has grown, `more`: others are waiting."""

    messages: tuple[int, ...] = ()
    applied: int = 0
    quarantined: int = 0
    persons: frozenset[int] = frozenset()
    more: bool = False


class Woken(msgspec.Struct, frozen=True):
    """`last`: the message after which to go on; None: there are no more."""

    messages: int
    last: int | None


_PENDING = """
select m.id, m.channel, m.laboratory, m.verdict, m.faults, m.body, m.received_on
  from lab_pending q join lab_message m on m.id = q.message_id
 order by m.id limit $1
"""


async def judge_batch(
    tx: Transaction,
    *,
    programme: str,
    readings: Mapping[int, Reading] | None = None,
    limit: int = BATCH,
) -> Judged:
    """Judge up to `limit` messages, the oldest first."""
    await tx.run("select pg_advisory_xact_lock($1)", _ONE_JUDGE)
    rows = await tx.rows(_PENDING, limit)
    if not rows:
        return Judged()
    read = [(row["id"], (readings or {}).get(row["id"]) or _read_again(row)) for row in rows]
    known = await _knowledge(tx, programme, read)
    outcomes: list[Outcome] = []
    done: list[int] = []
    touched: set[Key] = set()
    for message, reading in read:
        keys = {told.key for told in results_told(message, reading)}
        if not keys & touched:
            done.append(message)
            outcomes += judge_message(message, reading, known)
        # whatever is about a specimen of which this batch has news waits for the next, which sees that news
        touched |= keys
    judged, woken = await _write(tx, done, outcomes)
    return msgspec.structs.replace(judged, more=len(rows) == limit or len(done) < len(rows) or woken)


def _read_again(row: Row) -> Reading:
    if row["verdict"] == Verdict.REJECTED:
        faults = tuple(msgspec.convert(row["faults"], list[Fault]))
        return Reading(row["laboratory"], "", Verdict.REJECTED, faults=faults)
    return read_message(row["channel"], row["body"], laboratory=row["laboratory"], today=row["received_on"])


_SETTLED_BEFORE = """
select message_id, position from lab_judgement where message_id = any($1) and outcome in ('applied', 'known')
union select message_id, position from quarantine where message_id = any($1) and state = 'discarded'
"""


async def _knowledge(tx: Transaction, programme: str, read: Sequence[tuple[int, Reading]]) -> Knowledge:
    told = [one for message, reading in read for one in results_told(message, reading)]
    settled = await tx.rows(_SETTLED_BEFORE, [message for message, _ in read])
    return Knowledge(
        programme=programme,
        findings=FINDINGS_OF[family(programme).versions[0].protocol.programme],
        people=await persons_by_national_id(tx, numbers=[one.result.person for one in told]),
        kits=await kits_by_barcode(tx, barcodes=[one.result.kit for one in told if one.result.kit]),
        held=await _held(tx, sorted({(one.laboratory, one.result.specimen) for one in told})),
        profiles={row[0]: row[1] for row in await tx.rows("select code, profile from laboratory")},
        settled=frozenset((row[0], row[1]) for row in settled),
    )


_HELD = """
select e.id, p.holder_id, e.kind, e.occurred_on, e.supersedes, e.body
  from unnest($1::text[], $2::text[]) as wanted(lab, specimen)
  join event e on e.body->>'lab' = wanted.lab and e.body->>'specimen' = wanted.specimen and e.body ? 'specimen'
  join person p on p.id = e.person_id
 where e.kind in ('tested', 'result_withdrawn') order by e.id
"""


async def _held(tx: Transaction, specimens: Sequence[tuple[str, str]]) -> dict[Key, Held]:
    """The event in force for each test of these specimens of a laboratory: the last one recorded."""
    rows = await tx.rows(_HELD, [one[0] for one in specimens], [one[1] for one in specimens])
    return {
        (row["body"]["lab"], row["body"]["specimen"], row["body"]["test"]): _held_row(row) for row in rows
    }


def _held_row(row: Row) -> Held:
    body = row["body"]
    analysed = body.get("analysed_on")
    said = Said(tuple(body["findings"]), row["occurred_on"], Sample(body["sample"]))
    return Held(
        event=row["id"],
        holder=row["holder_id"],
        said=said if row["kind"] == EventKind.TESTED else None,
        analysed_on=date.fromisoformat(analysed) if analysed else None,
        unseen=row["supersedes"] is None and body.get("status") == ResultStatus.CORRECTED,
    )


async def first_pending(tx: Transaction) -> int | None:
    """The message that is to be judged next; None where all are."""
    return await tx.value("select min(message_id) from lab_pending")


# A message that could not be judged waits for a person alone, whatever else of it is open.
_MENDABLE = """
with waiting as (
  select message_id, array_agg(position) filter (where code = any($1)) as positions,
         array_agg(code) filter (where code = any($1)) as codes
    from quarantine where state = 'open' and message_id > $2
   group by message_id having bool_or(code = any($1)) and not bool_or(code = $4)
   order by message_id limit $3)
select m.id, m.channel, m.laboratory, m.verdict, m.faults, m.body, m.received_on, w.positions, w.codes
  from waiting w join lab_message m on m.id = w.message_id order by m.id
"""


async def wake_mended(tx: Transaction, *, programme: str, after: int, limit: int) -> Woken:
    """Have those messages judged again whose open cases would no longer be judged as they were.

    Of up to `limit` messages with such cases after the one numbered `after`.
    """
    rows = await tx.rows(_MENDABLE, list(MENDABLE), after, limit, NOT_JUDGED)
    read = [(row["id"], _read_again(row)) for row in rows]
    known = await _knowledge(tx, programme, read)
    mended = [row["id"] for row, (_, reading) in zip(rows, read, strict=True) if _mended(row, reading, known)]
    if mended:
        await tx.run(
            "insert into lab_pending (message_id) select unnest($1::bigint[]) on conflict do nothing", mended
        )
        await tx.audit("woke messages whose cases are mended", facts={"messages": len(mended)})
    return Woken(len(mended), rows[-1]["id"] if len(rows) == limit else None)


def _mended(row: Row, reading: Reading, known: Knowledge) -> bool:
    now = {(one.position, one.code) for one in judge_message(row["id"], reading, known)}
    return bool(now) and not now.issuperset(zip(row["positions"], row["codes"], strict=True))


async def set_aside(tx: Transaction, *, message: int) -> Judged:
    """A message that cannot be judged, by a fault of ours, waits for a person instead of holding up the rest."""
    await tx.run("select pg_advisory_xact_lock($1)", _ONE_JUDGE)
    if await tx.value("select 1 from lab_pending where message_id = $1", message) is None:
        return Judged()
    note = "could not be judged, by a fault of this platform; judge it again when that is mended"
    judged, _ = await _write(tx, [message], [Outcome(message, -1, QUARANTINED, NOT_JUDGED, note)])
    return msgspec.structs.replace(judged, more=True)


async def _write(tx: Transaction, done: Sequence[int], outcomes: Sequence[Outcome]) -> tuple[Judged, bool]:
    """What they came to, and whether other messages wait again because of it."""
    applied = [one for one in outcomes if one.outcome == APPLIED]
    events = await append_events(tx, news=[one.news for one in applied if one.news is not None])
    await _write_judgements(tx, outcomes, events)
    await tx.run("delete from lab_pending where message_id = any($1)", list(done))
    await _settle_cases(tx, outcomes)
    cases = [one for one in outcomes if one.outcome not in (APPLIED, KNOWN)]
    await _open_cases(tx, cases)
    woken = await _wake_cases(tx, applied)
    await _note_kits(tx, applied)
    persons = frozenset(one.holder for one in applied if one.holder is not None)
    facts = {"messages": len(done), "applied": len(applied), "quarantined": len(cases)}
    await tx.audit("judged messages", persons=sorted(persons), facts=facts)
    return Judged(tuple(done), len(applied), len(cases), persons), woken


_JUDGEMENTS = """
insert into lab_judgement (message_id, position, outcome, event_id, note, judged_on)
select m, p, o, e, n, $6 from unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::text[]) as j(m, p, o, e, n)
"""


async def _write_judgements(tx: Transaction, outcomes: Sequence[Outcome], events: Mapping[str, int]) -> None:
    await tx.run(
        _JUDGEMENTS,
        [one.message for one in outcomes],
        [one.position for one in outcomes],
        [one.outcome for one in outcomes],
        [events.get(str(one.news.key)) if one.news else None for one in outcomes],
        [one.note for one in outcomes],
        tx.today,
    )


# Where a message is judged result by result, its case as a whole is over, whatever each result came to.
_SETTLE = """
update quarantine q set state = 'resolved', closed_on = $3, closed_by = $4, note = 'judged again: ' || j.outcome
  from unnest($1::bigint[], $2::int[], $5::text[]) as j(message_id, position, outcome)
 where q.message_id = j.message_id and q.state = 'open'
   and (q.position = j.position and j.outcome = any($6) or q.position = -1 and j.position >= 0)
"""


async def _settle_cases(tx: Transaction, outcomes: Sequence[Outcome]) -> None:
    if outcomes:
        await tx.run(
            _SETTLE, [one.message for one in outcomes], [one.position for one in outcomes], tx.today,
            tx.actor.subject, [one.outcome for one in outcomes], [APPLIED, KNOWN],
        )  # fmt: skip


_OPEN = """
insert into quarantine (message_id, position, code, message, specimen, test, opened_on)
select m, p, c, n, s, t, $7
  from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[]) as q(m, p, c, n, s, t)
on conflict on constraint uq_quarantine_one_case do update
   set code = excluded.code, message = excluded.message, state = 'open', closed_on = null, closed_by = null
 where quarantine.state = 'open' or quarantine.code <> excluded.code
"""


async def _open_cases(tx: Transaction, cases: Sequence[Outcome]) -> None:
    if cases:
        await tx.run(
            _OPEN,
            [one.message for one in cases],
            [one.position for one in cases],
            [one.code for one in cases],
            [one.note for one in cases],
            [one.told.result.specimen if one.told else None for one in cases],
            [one.told.result.test if one.told else None for one in cases],
            tx.today,
        )


_WAKE = """
insert into lab_pending (message_id)
select distinct q.message_id
  from unnest($1::text[], $2::text[], $3::text[]) as told(laboratory, specimen, test)
  join quarantine q on q.specimen = told.specimen and q.test = told.test
  join lab_message m on m.id = q.message_id and m.laboratory = told.laboratory
 where q.state = 'open' and q.code = any($4)
on conflict do nothing
"""


async def _wake_cases(tx: Transaction, applied: Sequence[Outcome]) -> bool:
    """What waited for news of the same specimen is judged again, now that there is some; whether any did."""
    keys = [one.told.key for one in applied if one.told is not None]
    columns = ([key[part] for key in keys] for part in range(3))
    return bool(keys) and await tx.run(_WAKE, *columns, list(WAITING)) > 0


async def _note_kits(tx: Transaction, applied: Sequence[Outcome]) -> None:
    kits = [one.told.result.kit for one in applied if one.told is not None and one.told.result.kit]
    if kits:
        await note_analysed(tx, barcodes=kits)
