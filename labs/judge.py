"""Judging stored messages: each result ends as an event, as known already, or as an open case.

Set-based and repeatable: a message stays pending until the commit that holds all its outcomes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from invitations.kits.commands import note_analysed
from invitations.kits.queries import KitRow, kits_by_barcode
from labs.reading import read_message
from labs.results import Fault, LabResult, Reading, ResultStatus, Verdict
from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.people.queries import PersonRow, persons_by_national_id
from screening.storage.transaction import Row, Transaction
from screening.vocabulary import EventKind

BATCH = 500


class Judged(msgspec.Struct, frozen=True):
    """What one batch came to; `persons`: whose history has grown."""

    messages: int = 0
    applied: int = 0
    quarantined: int = 0
    persons: frozenset[int] = frozenset()


class Held(msgspec.Struct, frozen=True):
    """What we hold of one test of one specimen: the event in force, and what it says; None: withdrawn."""

    event: int
    findings: tuple[str, ...] | None


class Outcome(msgspec.Struct):
    """What became of one result (`position` -1: of the whole message)."""

    message: int
    position: int
    outcome: str
    code: str = ""
    note: str | None = None
    news: News | None = None
    kit: str | None = None


Key = tuple[str, str, str]  # (laboratory, specimen, test)

_PENDING = """
select m.id, m.channel, m.laboratory, m.verdict, m.faults, m.body, m.received_on
  from lab_pending q join lab_message m on m.id = q.message_id
 order by m.id limit $1 for update of q skip locked
"""


async def judge_batch(
    tx: Transaction,
    *,
    programme: str,
    readings: Mapping[int, Reading] | None = None,
    limit: int = BATCH,
) -> Judged:
    """Judge up to `limit` messages that nobody else is judging."""
    rows = await tx.rows(_PENDING, limit)
    if not rows:
        return Judged()
    known = readings or {}
    read = [(row, known.get(row["id"]) or _read_again(row)) for row in rows]
    results = [result for _, reading in read for result in reading.results]
    people = await persons_by_national_id(tx, numbers=[result.person for result in results])
    kits = await kits_by_barcode(tx, barcodes=[result.kit for result in results if result.kit])
    held = await _held(tx, [person.id for person in people.values()])
    profiles = {row["code"]: row["profile"] for row in await tx.rows("select code, profile from laboratory")}
    outcomes: list[Outcome] = []
    done: list[int] = []
    touched: set[Key] = set()
    for row, reading in read:
        keys = {(reading.laboratory, one.specimen, str(one.test)) for one in reading.results}
        if keys & touched:
            continue  # about a specimen this batch has news of already: the next batch sees that news
        touched |= keys
        done.append(row["id"])
        outcomes += _judge(row["id"], reading, people, kits, held, profiles, programme)
    return await _write(tx, done, outcomes)


def _read_again(row: Row) -> Reading:
    if row["verdict"] == Verdict.REJECTED:
        faults = tuple(msgspec.convert(row["faults"], list[Fault]))
        return Reading(row["laboratory"], "", Verdict.REJECTED, faults=faults)
    return read_message(row["channel"], row["body"], laboratory=row["laboratory"], today=row["received_on"])


def _judge(
    message: int, reading: Reading, people: Mapping[str, PersonRow], kits: Mapping[str, KitRow],
    held: Mapping[Key, Held], profiles: Mapping[str, str], programme: str,
) -> list[Outcome]:  # fmt: skip
    if reading.verdict != Verdict.ACCEPTED:
        fault = reading.faults[0]
        code = "refused" if reading.verdict == Verdict.REJECTED else "unusable"
        outcome = "refused" if reading.verdict == Verdict.REJECTED else "quarantined"
        return [Outcome(message, -1, outcome, code, f"{fault.where}: {fault.message}")]
    judged: list[Outcome] = []
    for position, result in enumerate(reading.results):
        person = people.get(result.person)
        kit = kits.get(result.kit) if result.kit else None
        complaint = _complaint(result, person, kit)
        if complaint is not None or person is None:
            code, note = complaint or ("person_unknown", "")
            judged.append(Outcome(message, position, "quarantined", code, note))
            continue
        prior = held.get((reading.laboratory, result.specimen, str(result.test)))
        judged.append(
            _apply(message, position, result, person, prior, reading.laboratory, profiles, programme)
        )
    return judged


def _complaint(result: LabResult, person: PersonRow | None, kit: KitRow | None) -> tuple[str, str] | None:
    """Why a result cannot be somebody's: (code, sentence without the person's number)."""
    if person is None:
        return "person_unknown", "nobody in the register goes by the number of this result"
    if result.taken_on < person.born:
        return "before_birth", f"specimen taken {result.taken_on}, before the person was born"
    if person.died_on is not None and result.taken_on > person.died_on:
        return "after_death", f"specimen taken {result.taken_on}, after the person died"
    return _kit_complaint(result, person, kit) if result.kit else None


def _kit_complaint(result: LabResult, person: PersonRow, kit: KitRow | None) -> tuple[str, str] | None:
    if kit is None:
        return "kit_unknown", f"kit {result.kit} was not dispatched by this programme"
    if kit.holder_id != person.holder_id:
        return "kit_of_another", f"kit {result.kit} was sent to somebody else than the person of this result"
    if result.taken_on > kit.expires_on:
        return "kit_expired", f"kit {result.kit} expired {kit.expires_on}, sample taken {result.taken_on}"
    return None


def _apply(
    message: int, position: int, result: LabResult, person: PersonRow, prior: Held | None, laboratory: str,
    profiles: Mapping[str, str], programme: str,
) -> Outcome:  # fmt: skip
    """First report, correction, withdrawal, or something we have been told before."""
    withdrawn = result.status == ResultStatus.ENTERED_IN_ERROR
    if prior is None and withdrawn:
        return Outcome(
            message, position, "quarantined", "nothing_to_withdraw", "withdraws a result that we never had"
        )
    if prior is not None and prior.findings == (None if withdrawn else result.findings):
        return Outcome(message, position, "known", note="says what we know already")
    if prior is not None and result.status == ResultStatus.FINAL:
        told = "another result of this specimen is in force; send a correction (status C)"
        return Outcome(message, position, "quarantined", "contradicts", told)
    note = (
        "a correction of a result that we never had"
        if prior is None and result.status != ResultStatus.FINAL
        else None
    )
    news = _news(message, position, result, person, prior, laboratory, profiles, programme)
    return Outcome(message, position, "applied", note=note, news=news, kit=result.kit)


def _news(
    message: int, position: int, result: LabResult, person: PersonRow, prior: Held | None, laboratory: str,
    profiles: Mapping[str, str], programme: str,
) -> News:  # fmt: skip
    body: dict[str, Any] = {
        "test": result.test, "sample": result.sample, "findings": list(result.findings), "lab": laboratory,
        "profile": profiles.get(laboratory), "specimen": result.specimen, "message": message,
    }  # fmt: skip
    if result.kit:
        body["kit"] = result.kit
    if result.analysed_on:
        body["analysed_on"] = result.analysed_on
    withdrawn = result.status == ResultStatus.ENTERED_IN_ERROR
    return News(
        person_id=person.id,
        kind=EventKind.RESULT_WITHDRAWN if withdrawn else EventKind.TESTED,
        occurred_on=result.taken_on,
        source=f"laboratory {laboratory}",
        key=natural_key("result", laboratory, message, position),
        programme=programme,
        body=body,
        supersedes=prior.event if prior else None,
    )


_HELD = """
select id, kind, body->>'lab' as lab, body->>'specimen' as specimen, body->>'test' as test, body->'findings' as findings
  from event where person_id = any($1) and kind in ('tested', 'result_withdrawn') and body ? 'specimen' order by id
"""


async def _held(tx: Transaction, persons: Sequence[int]) -> dict[Key, Held]:
    """The event in force for each specimen and test of these people: the last one recorded."""
    held: dict[Key, Held] = {}
    for row in await tx.rows(_HELD, list(persons)):
        findings = tuple(row["findings"]) if row["kind"] == EventKind.TESTED else None
        held[row["lab"], row["specimen"], row["test"]] = Held(row["id"], findings)
    return held


_JUDGEMENTS = """
insert into lab_judgement (message_id, position, outcome, event_id, note, judged_on)
select m, p, o, e, n, $6 from unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::text[]) as j(m, p, o, e, n)
"""
_CASES = """
insert into quarantine (message_id, position, code, message, opened_on)
select m, p, c, t, $5 from unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) as q(m, p, c, t)
on conflict on constraint uq_quarantine_one_case do update
   set code = excluded.code, message = excluded.message, state = 'open', closed_on = null, closed_by = null
"""
_SETTLED = """
update quarantine q set state = 'resolved', closed_on = $3, closed_by = $4, note = 'judged again: ' || j.outcome
  from unnest($1::bigint[], $2::int[], $5::text[]) as j(message_id, position, outcome)
 where q.message_id = j.message_id and q.position in (j.position, -1) and q.state = 'open'
"""


async def _write(tx: Transaction, done: Sequence[int], outcomes: Sequence[Outcome]) -> Judged:
    applied = [one for one in outcomes if one.news is not None]
    events = await append_events(tx, news=[one.news for one in applied if one.news is not None])
    cases = [one for one in outcomes if one.outcome in ("quarantined", "refused")]
    fine = [one for one in outcomes if one.outcome in ("applied", "known")]
    await tx.run(
        _JUDGEMENTS,
        [one.message for one in outcomes],
        [one.position for one in outcomes],
        [one.outcome for one in outcomes],
        [events.get(str(one.news.key)) if one.news else None for one in outcomes],
        [one.note for one in outcomes],
        tx.today,
    )
    if fine:
        await tx.run(
            _SETTLED, [one.message for one in fine], [one.position for one in fine], tx.today, tx.actor.subject,
            [one.outcome for one in fine],
        )  # fmt: skip
    if cases:
        await tx.run(
            _CASES, [one.message for one in cases], [one.position for one in cases], [one.code for one in cases],
            [one.note or "" for one in cases], tx.today,
        )  # fmt: skip
    kits = [one.kit for one in applied if one.kit]
    if kits:
        await note_analysed(tx, barcodes=kits)
    await tx.run("delete from lab_pending where message_id = any($1)", list(done))
    persons = frozenset(one.news.person_id for one in applied if one.news)
    facts = {"messages": len(done), "applied": len(applied), "quarantined": len(cases)}
    await tx.audit("judged messages", persons=sorted(persons), facts=facts)
    return Judged(len(done), len(applied), len(cases), persons)
