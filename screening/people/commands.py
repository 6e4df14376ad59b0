"""Taking in the register's feed: people, where they live, and what happened to them."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import IO, Any

import msgspec

from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.people.changes import PLAIN, Happening, arrival, changes, completed, values_of
from screening.people.feed import FeedFormat, Line, Parsed, Rejection, absent_columns, parse_feed
from screening.people.merges import apply_merges
from screening.people.model import Known
from screening.people.residence import close_residences, open_residences
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction
from screening.vocabulary import EventKind

CHUNK = 5000
_PIECE = 1024 * 1024  # bytes of a file at once


class FeedReport(msgspec.Struct, frozen=True):
    """received = applied + unchanged + rejected, always."""

    received: int = 0
    applied: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()

    def __add__(self, other: "FeedReport") -> "FeedReport":
        return FeedReport(
            received=self.received + other.received,
            applied=self.applied + other.applied,
            unchanged=self.unchanged + other.unchanged,
            rejected=self.rejected + other.rejected,
            rejections=(*self.rejections, *other.rejections),
        )


class Source(msgspec.Struct, frozen=True):
    """Where a feed came from, and what it concerns. `absent`: the columns of which its file tells nothing."""

    name: str
    programmes: tuple[str, ...]
    accept_synthetic: bool
    absent: frozenset[str] = frozenset()


async def load_feed(
    database: Database,
    *,
    file: IO[bytes],
    form: FeedFormat,
    source: Source,
    actor: Actor,
    today: date,
    progress: Callable[[int], object] | None = None,
    most_told: int | None = None,
) -> FeedReport:
    """Take in a whole file, chunk by chunk; each chunk commits whole, so a file broken off can be sent again.

    Loading the same file twice changes nothing: a line is compared with what is known. `most_told`: how many
    rejections the report names; all are counted, and kept with the file.
    """
    digest = await asyncio.to_thread(_digest, file)
    source = msgspec.structs.replace(source, absent=absent_columns(file, form))
    lines = parse_feed(file, form, today=today, accept_synthetic=source.accept_synthetic)
    first = list(islice(lines, CHUNK))  # a file that is refused whole leaves no trace of having been taken in
    file_id = await database.run(
        lambda tx: _open_file(tx, name=source.name, digest=digest), actor=actor, today=today
    )
    total = FeedReport()
    for chunk in _chunks(first, lines):
        done = await database.run(
            lambda tx, chunk=chunk: load_chunk(tx, file_id=file_id, chunk=chunk, source=source),
            actor=actor,
            today=today,
        )
        total = _told(total + done, most_told)
        if progress is not None:
            progress(done.received)
    return total


def _digest(file: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.digest()


def _told(report: FeedReport, most: int | None) -> FeedReport:
    return msgspec.structs.replace(report, rejections=report.rejections[:most])


def _chunks(first: list[Parsed], rest: Iterator[Parsed]) -> Iterator[list[Parsed]]:
    chunk = first
    while chunk:
        yield chunk
        chunk = list(islice(rest, CHUNK))


async def _open_file(tx: Transaction, *, name: str, digest: bytes) -> int:
    return await tx.value(
        "insert into register_file (received_on, source, digest, received, applied, unchanged, rejected)"
        " values ($1, $2, $3, 0, 0, 0, 0) returning id",
        tx.today,
        name,
        digest,
    )


async def load_chunk(tx: Transaction, *, file_id: int, chunk: Sequence[Parsed], source: Source) -> FeedReport:
    """One chunk: compare, then write people, residences, events and the audit record together."""
    lines, rejections = _distinct(chunk)
    known = await _known(tx, lines)
    new = [(number, line) for number, line in lines if (line.country, line.national_id) not in known]
    if source.absent:
        lines = [
            (number, completed(line, there.values, source.absent) if there else line)
            for number, line in lines
            for there in [known.get((line.country, line.national_id))]
        ]
    known |= await _insert_people(tx, new, source.programmes)
    news: list[News] = []
    changed: list[tuple[Known, Line]] = []
    applied = {number for number, _ in new}
    for number, line in lines:
        person = known[line.country, line.national_id]
        if number in applied:
            happened: list[Happening] = list(arrival(line))
        else:
            happened = list(changes(person.values, line, tx.today))
            if person.values != values_of(line):
                changed.append((person, line))
                applied.add(number)
        news += [_news(person.id, what, file_id, number) for what in happened]
    await _update_people(tx, changed)
    merged, refused = await apply_merges(
        tx, lines=[] if "merged_into" in source.absent else lines, known=known
    )
    applied |= merged.keys()
    news += [_news(person, what, file_id, number) for number, (person, what) in merged.items()]
    rejections += refused
    applied -= {one.line for one in refused}
    await append_events(tx, news=news)
    await _project(tx, news)
    return await _report(tx, file_id, chunk, applied, rejections, known)


def _distinct(chunk: Sequence[Parsed]) -> tuple[list[tuple[int, Line]], list[Rejection]]:
    """Lines with one person each; a second, different line about the same person is refused."""
    lines: dict[tuple[str, str], tuple[int, Line]] = {}
    rejections: list[Rejection] = []
    for number, line in chunk:
        if isinstance(line, Rejection):
            rejections.append(line)
            continue
        earlier = lines.setdefault((line.country, line.national_id), (number, line))
        if earlier[1] != line:
            told = f"line {number}: says other things of the person of line {earlier[0]}; expected one line a person"
            rejections.append(Rejection(number, "person_twice", told, msgspec.json.encode(line).decode()))
    return list(lines.values()), rejections


_KNOWN = f"""
select i.system, i.number, p.id, p.holder_id, p.merged_into, {", ".join(f"p.{name}" for name in PLAIN)}
  from unnest($1::text[], $2::text[]) as wanted(system, number)
  join identity i using (system, number) join person p on p.id = i.person_id
 order by p.id for update of p
"""


async def _known(tx: Transaction, lines: Sequence[tuple[int, Line]]) -> dict[tuple[str, str], Known]:
    rows = await tx.rows(_KNOWN, [line.country for _, line in lines], [line.national_id for _, line in lines])
    return {
        (row["system"], row["number"]): Known(
            id=row["id"],
            holder_id=row["holder_id"],
            merged_into=row["merged_into"],
            values={name: row[name] for name in PLAIN},
        )
        for row in rows
    }


_IDS = "select nextval(pg_get_serial_sequence('person', 'id')) from generate_series(1, $1)"
_STANDINGS = """
insert into standing (person_id, programme, status, reason, protocol, rule, next_action_on)
select person, programme, 'outside', 'not_decided', '', '', $3
  from unnest($1::bigint[]) as person cross join unnest($2::text[]) as programme
"""


async def _insert_people(
    tx: Transaction, new: Sequence[tuple[int, Line]], programmes: Sequence[str]
) -> dict[tuple[str, str], Known]:
    """People we did not know; from their first commit on they have a standing in every programme."""
    if not new:
        return {}
    ids = [row[0] for row in await tx.rows(_IDS, len(new))]
    people = [(person, person, *values_of(line).values()) for person, (_, line) in zip(ids, new, strict=True)]
    await tx.connection.copy_records_to_table("person", records=people, columns=["id", "holder_id", *PLAIN])
    identities = [
        (line.country, line.national_id, person) for person, (_, line) in zip(ids, new, strict=True)
    ]
    await tx.connection.copy_records_to_table(
        "identity", records=identities, columns=["system", "number", "person_id"]
    )
    await tx.run(_STANDINGS, ids, list(programmes), tx.today)
    return {
        (line.country, line.national_id): Known(person, person, None, values_of(line))
        for person, (_, line) in zip(ids, new, strict=True)
    }


_UPDATE = f"""
update person set {", ".join(f"{name} = ${position}" for position, name in enumerate(PLAIN, start=2))} where id = $1
"""
# A birth date or a sex that was put right may change where somebody stands, though nothing happened to them.
_WAKE = "update standing set next_action_on = $2 where person_id = any($1)"


async def _update_people(tx: Transaction, changed: Sequence[tuple[Known, Line]]) -> None:
    if changed:
        await tx.connection.executemany(
            _UPDATE, [(person.id, *values_of(line).values()) for person, line in changed]
        )
        await tx.run(_WAKE, [person.holder_id for person, _ in changed], tx.today)


def _news(person: int, what: Happening, file_id: int, number: int) -> News:
    """Named by the receipt and not by the bytes: the same line says something new after another one."""
    kind, day, body = what
    return News(
        person_id=person,
        kind=kind,
        occurred_on=day,
        source="register",
        key=natural_key("register", file_id, number, kind),
        body=body,
    )


_LIVES_THERE = frozenset(
    {EventKind.REGISTERED, EventKind.IMMIGRATED, EventKind.MOVED, EventKind.DEATH_REVERSED}
)
_LEAVES = frozenset({EventKind.EMIGRATED, EventKind.DIED})


async def _project(tx: Transaction, news: Sequence[News]) -> None:
    """Residence periods follow from the events, in their order."""
    await open_residences(
        tx,
        moves=[
            (item.person_id, item.body["municipality"], item.occurred_on)
            for item in news
            if item.kind in _LIVES_THERE and item.body.get("municipality")
        ],
    )
    for item in (one for one in news if one.kind in _LEAVES):
        await close_residences(tx, person=item.person_id, until=item.occurred_on)


async def _report(
    tx: Transaction, file_id: int, chunk: Sequence[Parsed], applied: set[int], rejections: Sequence[Rejection],
    known: dict[tuple[str, str], Known],
) -> FeedReport:  # fmt: skip
    report = FeedReport(
        received=len(chunk),
        applied=len(applied),
        unchanged=len(chunk) - len(applied) - len(rejections),
        rejected=len(rejections),
        rejections=tuple(rejections),
    )
    await tx.connection.copy_records_to_table(
        "register_rejection",
        records=[
            (file_id, one.line, one.code, one.message, one.raw.replace("\x00", "�")) for one in rejections
        ],
        columns=["file_id", "line", "code", "message", "raw"],
    )
    await tx.run(
        "update register_file set received = received + $2, applied = applied + $3, unchanged = unchanged + $4,"
        " rejected = rejected + $5 where id = $1",
        file_id, report.received, report.applied, report.unchanged, report.rejected,
    )  # fmt: skip
    facts: dict[str, Any] = {"file": file_id, "received": report.received, "applied": report.applied}
    await tx.audit("loaded register feed", persons=[one.id for one in known.values()], facts=facts)
    return report
