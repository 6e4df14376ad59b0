"""Reading the database: every table as of one instant, bucket by bucket.

This is the only module of `analytics` that sends SQL. Full extract: the watermark is recorded so that
an incremental one can begin where this one ended.
"""

import io
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

import asyncpg
import polars as pl

from analytics.extract.dataset import Dataset, Manifest, in_memory, replacing
from analytics.extract.pseudonyms import pseudonyms
from analytics.extract.shape import (
    Frames,
    completed,
    last_versions,
    standing_events,
    with_evidence,
    with_findings,
)
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction

# People per bucket: the tables of one bucket fit easily in memory, also with a long history.
BUCKET = 250_000

_PERSONS = """
select id as person_id, date_trunc('month', born)::date as born, sex
  from person where id = holder_id and holder_id >= $1 and holder_id < $2
"""
_RESIDENCES = """
select * from (
    select p.id as person_id, r.municipality, r.since, least(r.until, p.died_on, p.emigrated_on) as until
      from residence r join person p on p.id = r.person_id
     where p.id = p.holder_id and p.holder_id >= $1 and p.holder_id < $2) lived
 where until is null or until > since
"""
_EVENTS = """
select e.id, p.holder_id as person_id, coalesce(e.programme, '') as programme, e.kind, e.occurred_on as date,
       e.recorded_on, e.body->>'test' as test, e.body->>'sample' as sample, e.body->>'findings' as findings,
       e.body->>'lab' as lab, e.body->>'letter' as letter, e.body->>'to' as "to",
       coalesce(e.body->>'code', e.body->>'reason', e.body->>'scope') as code, e.body->>'reader' as reader,
       e.body->>'side' as side, e.body->>'unit' as unit, e.body->>'arm' as arm, e.body->>'method' as method,
       e.body->>'date' as for_date, e.body->>'ug_per_g' as ug_per_g, null as cutoff,
       e.body->>'size_mm' as size_mm, e.body->>'nodes' as nodes, e.body->>'stage' as stage
  from event e join person p on p.id = e.person_id
 where p.holder_id >= $1 and p.holder_id < $2
"""
_OBLIGATIONS = """
select p.holder_id as person_id, o.programme, o.episode, o.kind, o.subject, o.opened_on, o.due_on, o.state,
       o.closed_on, o.closed_reason, o.closed_by
  from obligation o join person p on p.id = o.person_id
 where p.holder_id >= $1 and p.holder_id < $2
"""
_STANDINGS = """
select s.person_id, s.programme, s.status, s.reason, s.protocol, s.next_due_on
  from standing s join person p on p.id = s.person_id
 where p.id = p.holder_id and p.holder_id >= $1 and p.holder_id < $2
"""
_CORRECTIONS = "select supersedes, max(id) as id from event where supersedes is not null group by supersedes"
_EXTENT = "select coalesce(min(holder_id), 0), coalesce(max(holder_id) + 1, 0) from person"
_WATERMARK = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# What changes when anything a dataset is made of changes, and is cheap to ask.
_FINGERPRINT = """
select (select max(id) from event) as events, (select max(id) from obligation) as obligations,
       (select count(*) from obligation where state = 'open') as still_open,
       (select count(*) from standing where next_action_on <= $1) as awaiting_decision,
       (select max(id) from person) as people
"""

_NUMBERS = frozenset({"id", "person_id", "closed_by", "nodes"})
_MEASURES = frozenset({"ug_per_g", "cutoff", "size_mm"})
_DAYS = frozenset(
    {
        "born",
        "since",
        "until",
        "date",
        "recorded_on",
        "episode",
        "opened_on",
        "due_on",
        "closed_on",
        "next_due_on",
        "for_date",
    }
)
_QUERIES: Mapping[str, str] = {
    "persons": _PERSONS,
    "residences": _RESIDENCES,
    "events": _EVENTS,
    "obligations": _OBLIGATIONS,
    "standings": _STANDINGS,
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant of the database, open for reading; every query of an extract sees the same rows."""

    tx: Transaction
    key: bytes
    corrections: Mapping[int, int]

    async def buckets(self, size: int) -> AsyncGenerator[Frames]:
        first, end = cast("tuple[int, int]", await self.tx.row(_EXTENT))
        for start in range(first, end, size):
            yield await self._bucket(start, start + size)

    async def _bucket(self, start: int, end: int) -> Frames:
        raw = {name: await self._copied(query, start, end) for name, query in _QUERIES.items()}
        events = standing_events(raw["events"], pl.Series(list(self.corrections), dtype=pl.Int64))
        raw["obligations"] = with_evidence(raw["obligations"], events, last_versions(self.corrections))
        raw["events"] = with_findings(events)
        ids = raw["persons"]["person_id"]
        names = pl.DataFrame({"person_id": ids, "person": pseudonyms(ids, self.key)})
        return completed({name: frame.join(names, on="person_id") for name, frame in raw.items()})

    async def _copied(self, query: str, start: int, end: int) -> pl.DataFrame:
        """COPY as CSV: text keeps NULL apart from empty, and needs no guess about types."""
        text = io.BytesIO()
        await self.tx.connection.copy_from_query(query, start, end, output=text, format="csv", header=True)
        text.seek(0)
        header = text.readline().decode().strip().split(",")
        schema = {name: _dtype(name) for name in header}
        return pl.read_csv(text, has_header=False, schema=schema, raise_if_empty=False)


@asynccontextmanager
async def snapshot(
    database: Database, *, actor: Actor, today: date, key: bytes | None
) -> AsyncGenerator[Snapshot]:
    """Opens one instant for reading, and records that everybody's data was read.

    Without a `key` a new one is drawn and forgotten: nobody can link this extract to another.
    """
    async with database.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        tx = Transaction(connection=cast("asyncpg.Connection", connection), actor=actor, today=today)
        corrections = {row["supersedes"]: row["id"] for row in await tx.rows(_CORRECTIONS)}
        yield Snapshot(tx, key or secrets.token_bytes(32), corrections)
        await tx.audit("took the analytics extract", facts={"pseudonymous": True})


async def extract(
    database: Database, directory: Path, *, actor: Actor, today: date, key: bytes | None = None
) -> Manifest:
    """Write the dataset as Parquet, replacing the one there; the old one stays until the new is whole."""
    with replacing(directory) as store:
        async with snapshot(database, actor=actor, today=today, key=key) as now:
            watermark = await now.tx.value(_WATERMARK)
            async for frames in now.buckets(BUCKET):
                store.add(frames)
        return store.finish(today, watermark)


async def read(database: Database, *, actor: Actor, today: date) -> Dataset:
    """The dataset in memory, for small programmes and for the served dashboard."""
    async with snapshot(database, actor=actor, today=today, key=None) as now:
        watermark = await now.tx.value(_WATERMARK)
        return in_memory(
            [frames async for frames in now.buckets(BUCKET)], data_cut=today, watermark=watermark
        )


async def fingerprint(tx: Transaction) -> tuple[object, ...]:
    """Two equal fingerprints on one day mean that nothing a dataset is made of has changed in between."""
    row = await tx.row(_FINGERPRINT, tx.today)
    return (tx.today, *(row or ()))


def _dtype(column: str) -> pl.DataType:
    if column in _NUMBERS:
        return pl.Int64()
    if column in _MEASURES:
        return pl.Float64()
    return pl.Date() if column in _DAYS else pl.String()
