"""Results from a file: the same way as over the wire, with what became of each message."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec

from labs.contents import Content, FileFormat, contents
from labs.intake import Stored
from labs.results import Verdict
from labs.service import Laboratories
from screening.refusals import Refused
from screening.storage.transaction import Actor, Transaction

_CHUNK = 500
# Of a message with several results, the outcome that somebody must look at comes first.
_OUTCOMES = ("quarantined", "applied", "known")


class Taken(msgspec.Struct, frozen=True):
    """What became of one message of a file: `message` is our number of it, `line` where it begins."""

    line: int
    message: int
    control_id: str
    outcome: str
    notes: tuple[str, ...] = ()


class LoadReport(msgspec.Struct, frozen=True):
    """received = applied + known + quarantined + refused, always; counts are of messages."""

    received: int
    applied: int
    known: int
    quarantined: int
    refused: int
    messages: tuple[Taken, ...]


async def load_results(
    laboratories: Laboratories,
    *,
    content: bytes,
    form: FileFormat,
    actor: Actor,
    laboratory: str | None = None,
    progress: Callable[[int], object] | None = None,
) -> LoadReport:
    """Take in a file of messages, judge them, and say what became of each.

    `laboratory`: whose file it is; HL7 and CSV may tell it themselves, FHIR cannot. A file sent twice changes
    nothing: its messages are known. Refuses, before anything is taken, a file that is cut off between
    messages or in which they cannot be told apart.
    """
    if form == FileFormat.FHIR and laboratory is None:
        raise Refused(
            "laboratory_missing", "FHIR does not tell who sends it; name the laboratory with --laboratory"
        )
    messages = contents(content, form)
    stored: list[Stored] = []
    for start in range(0, len(messages), _CHUNK):
        chunk = messages[start : start + _CHUNK]
        stored += await asyncio.gather(*(_store(laboratories, one, form, laboratory, actor) for one in chunk))
        if progress is not None:
            progress(len(chunk))
    await laboratories.judge_all()
    return await _report(laboratories, messages, stored, actor)


async def _store(
    laboratories: Laboratories, one: Content, form: FileFormat, laboratory: str | None, actor: Actor
) -> Stored:
    match form:
        case FileFormat.HL7:
            return await laboratories.store_hl7(one.raw, actor=actor, laboratory=laboratory)
        case FileFormat.FHIR:
            return await laboratories.take_fhir_part(
                one.raw, one.method, laboratory=laboratory or "", actor=actor
            )
        case FileFormat.CSV:
            return await laboratories.take_csv(one.raw, laboratory=laboratory or "", actor=actor)


_JUDGED = """
select distinct on (message_id, position) message_id, outcome, note from lab_judgement
 where message_id = any($1) order by message_id, position, id desc
"""


async def _report(
    laboratories: Laboratories, messages: Sequence[Content], stored: Sequence[Stored], actor: Actor
) -> LoadReport:
    async def judged(tx: Transaction) -> dict[int, list[tuple[str, str | None]]]:
        rows = await tx.rows(_JUDGED, [one.id for one in stored])
        return {
            message: [(row["outcome"], row["note"]) for row in group]
            for message, group in groupby(rows, key=lambda row: row["message_id"])
        }

    found = await laboratories.run(judged, actor=actor)
    taken = tuple(
        _taken(one, kept, found.get(kept.id, [])) for one, kept in zip(messages, stored, strict=True)
    )
    counts = Counter(one.outcome for one in taken)
    return LoadReport(
        received=len(taken), applied=counts["applied"], known=counts["known"], quarantined=counts["quarantined"],
        refused=counts["refused"], messages=taken,
    )  # fmt: skip


def _taken(one: Content, stored: Stored, judged: Sequence[tuple[str, str | None]]) -> Taken:
    reading = stored.reading
    if reading.verdict == Verdict.REJECTED:
        notes = tuple(f"{fault.where}: {fault.message}" for fault in reading.faults)
        return Taken(one.line, stored.id, reading.control_id, "refused", notes)
    if stored.duplicate:
        return Taken(one.line, stored.id, reading.control_id, "known", ("sent before",))
    outcomes = {outcome for outcome, _ in judged}
    outcome = next(word for word in _OUTCOMES if word in outcomes)
    return Taken(one.line, stored.id, reading.control_id, outcome, tuple(note for _, note in judged if note))
