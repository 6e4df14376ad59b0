"""Reading the database: every table as of one instant, bucket by bucket.

This is the only module of `analytics` that sends SQL.
"""

import asyncio
import io
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast
from uuid import UUID

import asyncpg
import polars as pl

from analytics.extract import queries
from analytics.extract.dataset import Dataset, Manifest, Store, Taken, in_memory, replacing
from analytics.extract.pseudonyms import pseudonyms
from analytics.extract.renewal import Part, held_there, parts, renewed, why_in_full
from analytics.extract.shape import Frames, bucket_of
from screening.ledger.lives import decide_life, load_lives
from screening.protocols.load import family
from screening.refusals import Refused
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction

# People per bucket: the tables of one bucket fit easily in memory, also with a long history.
BUCKET = 250_000
_DECIDED_AT_ONCE = 2000
_KEY_BYTES = 32

Progress = Callable[[int], object]  # told of each bucket that is written


@dataclass(frozen=True, slots=True)
class Extracted:
    """What an extract did. `read_again`: of how many people; None: of all, `because` of this.

    `read_at`: what was committed by this instant is in it; `fingerprint`: that of the same instant.
    """

    manifest: Manifest
    read_again: int | None
    because: str
    read_at: datetime
    fingerprint: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant of the database, open for reading; every query of an extract sees the same rows.

    `known_on`: told as known on that day; None: as known now.
    """

    tx: Transaction
    key: bytes
    known_on: date | None = None

    async def rows(self, part: Part) -> Frames:
        """The rows of these people, as the database holds them."""
        found = {name: await self._copied(query, part) for name, query in queries.ROWS.items()}
        if self.known_on is not None:
            found |= await self._decided_again(found["persons"]["person_id"], self.known_on)
        return found

    def bucket(self, rows: Frames) -> Frames:
        """Those rows as the tables of a dataset."""
        return bucket_of(rows, self.pseudonyms(rows["persons"]["person_id"]), known_on=self.known_on)

    def pseudonyms(self, ids: pl.Series) -> pl.Series:
        return pseudonyms(ids, self.key)

    async def _copied(self, query: str, part: Part) -> pl.DataFrame:
        """COPY as CSV: text keeps NULL apart from empty, and needs no guess about types."""
        some = part.people is not None
        whose, values = (queries.THESE, [part.people]) if some else (queries.RANGE, [part.start, part.end])
        text = io.BytesIO()
        await self.tx.connection.copy_from_query(
            query.format(whose=whose), *values, output=text, format="csv", header=True
        )
        text.seek(0)
        header = text.readline().decode().strip().split(",")
        schema = {name: queries.dtype(name) for name in header}
        return await asyncio.to_thread(
            pl.read_csv, text, has_header=False, schema=schema, raise_if_empty=False
        )

    async def _decided_again(self, ids: pl.Series, day: date) -> Frames:
        """Where everyone stood and what was owed by what was known that day: `decide` says it again."""
        standings: list[tuple[object, ...]] = []
        owed: list[tuple[object, ...]] = []
        for programme in [row[0] for row in await self.tx.rows(queries.PROGRAMMES)]:
            rules = family(programme)
            for some in ids.to_frame().iter_slices(_DECIDED_AT_ONCE):
                people = some["person_id"].to_list()
                for life in await load_lives(self.tx, persons=people, programme=programme):
                    one, who = decide_life(rules, life, day), (life.id, programme)
                    standings.append((*who, str(one.status), one.reason, one.protocol, one.next_due_on))
                    owed += [
                        (*who, due.episode, str(due.kind), due.subject, due.opened_on, due.due_on)
                        for due in one.obligations
                    ]
        return {"standings": _framed(standings, queries.STANDING), "still_open": _framed(owed, queries.OPEN)}


def _framed(rows: Sequence[tuple[object, ...]], columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={name: queries.dtype(name) for name in columns}, orient="row")


@asynccontextmanager
async def snapshot(database: Database, *, actor: Actor, today: date) -> AsyncGenerator[Transaction]:
    """Opens one instant for reading, and records that everybody's data was read."""
    async with database.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        tx = Transaction(connection=cast("asyncpg.Connection", connection), actor=actor, today=today)
        yield tx
        await tx.audit("took the analytics extract", facts={"pseudonymous": True})


async def extract(
    database: Database,
    directory: Path,
    *,
    actor: Actor,
    today: date,
    known_on: date | None = None,
    in_full: bool = False,
    span: int = BUCKET,
    progress: Progress = lambda _: None,
) -> Extracted:
    """Write the dataset as Parquet, replacing the one there; the old one stays until the new is whole.

    Where the one there can be carried on, only people of whom anything was written since are read again;
    the result is what reading everything would give. `in_full`: everything is read all the same, with the
    same pseudonyms. `known_on`: as known on that day: what was recorded or withdrawn later is left out,
    statuses and what was open are decided again, and only the register is told as it stands today. Refuses
    one to come, which nobody knows.
    """
    if known_on is not None and known_on > today:
        told = f"known on {known_on}: today is {today}, and what will be known then nobody knows"
        raise Refused("known_on_to_come", told, known_on=known_on.isoformat(), today=today.isoformat())
    held = held_there(directory)
    with replacing(directory) as store:
        async with snapshot(database, actor=actor, today=today) as tx:
            series, key = await _series(tx, held)
            now = Snapshot(tx, key, known_on)
            watermark = await tx.value(queries.WATERMARK)
            read_at, mark = await tx.began_at(), await fingerprint(tx)
            extent = cast("tuple[int, int]", await tx.row(queries.EXTENT))
            told = None if known_on is None else known_on.isoformat()
            taken = Taken(
                str(series), await tx.value(queries.ORIGIN), extent[0] // span * span, span, known_on=told
            )
            because = "asked for in full" if in_full else why_in_full(held, taken, watermark)
            changed = None if because or held is None else await _changed(tx, held.watermark)
            plan = parts(extent[1], taken, changed, held.buckets if held else 0)
            await _fill(store, now, plan, directory, progress)
        manifest = store.finish(known_on or today, watermark, taken)
    return Extracted(manifest, None if changed is None else len(changed), because, read_at, mark)


async def _series(tx: Transaction, held: Manifest | None) -> tuple[UUID, bytes]:
    """The series the dataset there belongs to, where this database knows it; else a new one."""
    if held is not None and held.taken is not None:
        series = UUID(held.taken.series)
        key = await tx.value(queries.SERIES, series)
        if key is not None:
            return series, key
    key = secrets.token_bytes(_KEY_BYTES)
    return await tx.value(queries.NEW_SERIES, key, tx.today), key


async def _changed(tx: Transaction, watermark: int) -> Sequence[int]:
    rows = await tx.rows(queries.CHANGED, str(watermark))
    return sorted({person for row in rows for person in row})


async def _fill(store: Store, now: Snapshot, plan: Sequence[Part], held: Path, progress: Progress) -> None:
    """While one bucket is put in shape and written, the rows of the next are on their way."""

    async def following(place: int) -> Frames:
        wanted = place < len(plan) and plan[place].read
        return await now.rows(plan[place]) if wanted else {}

    rows = await following(0)
    for place, part in enumerate(plan):
        _, rows = await asyncio.gather(
            asyncio.to_thread(_write, store, now, part, rows, held), following(place + 1)
        )
        progress(1)


def _write(store: Store, now: Snapshot, part: Part, rows: Frames, held: Path) -> None:
    if not part.read:
        store.keep(held, part.number)
    elif part.people is None:
        store.add(now.bucket(rows))
    else:
        gone = now.pseudonyms(pl.Series(part.people, dtype=pl.Int64))
        store.add(renewed(held, part.number, now.bucket(rows), gone))


async def read(database: Database, *, actor: Actor, today: date) -> Dataset:
    """The dataset in memory, for small programmes and for the served dashboard.

    Its key is drawn and forgotten: nobody can link it to another.
    """
    async with snapshot(database, actor=actor, today=today) as tx:
        now = Snapshot(tx, secrets.token_bytes(_KEY_BYTES))
        first, end = cast("tuple[int, int]", await tx.row(queries.EXTENT))
        watermark = await tx.value(queries.WATERMARK)
        plan = parts(end, Taken("", "", first, BUCKET), None, 0)
        buckets = [now.bucket(await now.rows(part)) for part in plan]
    return in_memory(buckets, data_cut=today, watermark=watermark)


async def fingerprint(tx: Transaction) -> tuple[object, ...]:
    """Two equal fingerprints on one day mean that nothing a dataset is made of has changed in between."""
    row = await tx.row(queries.FINGERPRINT, tx.today)
    return (tx.today, *(row or ()))
