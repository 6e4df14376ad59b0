"""Sealing the audit records into the hash chain, and verifying it.

Records are sealed after the commits that wrote them, so writers never queue for the chain. A seal ends
before the oldest transaction that was still under way: every record it covers is decided and visible,
however long its transaction took, and none can be added to it later. A seal is its own record; sealing
writes no audit record, or the chain would never come to rest.

What is hashed names nobody: people are internal ids, facts hold no national identity numbers, and an id
means something only through `person` and `identity`. Deleting a person's name and numbers there leaves the
hashed text as it was, so no salted commitments are needed to keep a chain that outlives a deletion.

Until a record is sealed, whoever owns the database can change it unseen; and they could make the whole
chain anew. Against that, digests kept elsewhere help: sealing logs each one.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import cast

import msgspec

from screening.refusals import Refused
from screening.storage.chain import COLUMNS, ORIGIN, Broken, Digest, Seal, find_fault
from screening.storage.database import Database
from screening.storage.transaction import Actor, Row, Transaction, system_actor

# A seal, and a verifying transaction, end soon after this many records: no snapshot is held for long.
SEAL_SIZE = 100_000
_PAGE = 1000
_SHOWN = 100
_LOCK = 7_351_904_227

_LAST = "select * from audit_seal order by number desc limit 1"
# The transaction ids below `settled` have all ended; `full` is where a seal of $2 records would end.
_HORIZON = """
select now() as sealed_at, h.settled,
       (select xid from audit where xid >= $1 and xid < h.settled order by xid offset $2 limit 1) as full
  from (select pg_snapshot_xmin(pg_current_snapshot()) as settled) h
"""
_RECORDS = f"""
select {", ".join(COLUMNS)} from audit where xid >= $1 and xid < $2 order by xid, id
"""
_ADD = """
insert into audit_seal (number, sealed_at, from_xid, until_xid, records, previous, digest)
values ($1, $2, $3, $4, $5, $6, $7)
"""


async def seal_audit(tx: Transaction, *, size: int = SEAL_SIZE) -> Seal | None:
    """Seal the next records, about `size` of them at most; None where nothing waits to be sealed.

    Of several sealers at once one seals; the others wait for it and go on from there.
    """
    await tx.run("select pg_advisory_xact_lock($1)", _LOCK)
    last = await _last_seal(tx)
    from_xid = last.until_xid if last else 0
    horizon = cast("Row", await tx.row(_HORIZON, from_xid, size - 1))
    _refuse_older_server(horizon["settled"], from_xid)
    until_xid: int = horizon["settled"] if horizon["full"] is None else horizon["full"] + 1
    digest = Digest(last.digest if last else ORIGIN)
    async for page in _pages(tx, _RECORDS, from_xid, until_xid):
        digest.add(page)
    if digest.records == 0:
        return None
    seal = digest.seal(
        number=last.number + 1 if last else 1,
        sealed_at=horizon["sealed_at"],
        from_xid=from_xid,
        until_xid=until_xid,
    )
    await tx.run(_ADD, *msgspec.structs.astuple(seal))
    return seal


class Sealed(msgspec.Struct, frozen=True):
    """`digest` is the last seal's, in hexadecimal: the one to keep elsewhere; None where nothing was sealed."""

    seals: int = 0
    records: int = 0
    number: int | None = None
    digest: str | None = None


async def seal_pending(database: Database, *, today: date, actor: Actor | None = None) -> Sealed:
    """Seal until nothing waits."""
    total = Sealed()
    while True:
        seal = await database.run(seal_audit, actor=actor or system_actor("seal"), today=today)
        if seal is None:
            return total
        total = Sealed(total.seals + 1, total.records + seal.records, seal.number, seal.digest.hex())


async def unsealed_records(tx: Transaction, *, older_than: timedelta) -> int:
    """How many records of that age are still without a seal: sealing has stopped, or a transaction hangs."""
    last = await _last_seal(tx)
    return await tx.value(
        "select count(*) from audit where xid >= $1 and at < now() - $2::interval",
        last.until_xid if last else 0,
        older_than,
    )


async def refuse_restored_copy(tx: Transaction) -> None:
    """Refuses a database whose records carry transaction ids that this server has yet to give out.

    So it is after a dump was restored into a new server: what is written now would seem to be old,
    and would break the chain.
    """
    last = await _last_seal(tx)
    settled = await tx.value("select pg_snapshot_xmin(pg_current_snapshot())")
    _refuse_older_server(settled, last.until_xid if last else 0)


def _refuse_older_server(settled: int, sealed_until: int) -> None:
    if settled < sealed_until:
        raise Refused(
            "transaction_ids_behind",
            f"this server is at transaction {settled}, the audit chain is sealed up to {sealed_until}: the database"
            " was restored into a new server; stop it and move its counter past that with"
            " `pg_resetwal --next-transaction-id` (and --epoch) before anything is written",
        )


class Verified(msgspec.Struct, frozen=True):
    """What the chain says. `sealed` and `unsealed` count records; `broken` lists the first hundred seals
    that do not hold, in their order; `head` is the digest of the last seal.
    """

    seals: int
    sealed: int
    unsealed: int
    head: str | None
    broken: list[Broken]

    @property
    def holds(self) -> bool:
        return not self.broken


async def verify_audit(
    database: Database,
    *,
    today: date,
    actor: Actor | None = None,
    kept: Mapping[int, str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Verified:
    """Compute every seal again from the records there are now.

    `kept`: digests of seals in hexadecimal, by number, as sealing logged them. A seal of that number
    that is missing, or differs, is broken.
    """
    who = actor or system_actor("verify")
    known = {number: bytes.fromhex(digest) for number, digest in (kept or {}).items()}
    seals = sealed = 0
    broken: list[Broken] = []
    last: Seal | None = None
    while True:
        some = await database.run(
            lambda tx, after=last: _verify_some(tx, after, known), actor=who, today=today
        )
        if some is None:
            break
        last, count, records, faults = some
        seals, sealed, broken = seals + count, sealed + records, broken + faults
        if progress is not None:
            progress(records)
    broken += [_missing(number) for number in sorted(known) if last is None or number > last.number]
    return await database.run(lambda tx: _conclude(tx, last, seals, sealed, broken), actor=who, today=today)


def _missing(number: int) -> Broken:
    return Broken(number, "is missing; its digest was kept elsewhere", 0, 0, 0, 0)


async def _conclude(
    tx: Transaction, last: Seal | None, seals: int, sealed: int, broken: list[Broken]
) -> Verified:
    unsealed = await tx.value("select count(*) from audit where xid >= $1", last.until_xid if last else 0)
    await tx.audit("verified audit", facts={"seals": seals, "broken": len(broken)})
    return Verified(seals, sealed, unsealed, last.digest.hex() if last else None, broken[:_SHOWN])


_NEXT_SEALS = """
select number, sealed_at, from_xid, until_xid, records, previous, digest
  from (select *, sum(records) over (order by number) - records as before
          from (select * from audit_seal where number > $1 order by number limit 1000) next) counted
 where before < $2 order by number
"""
_SEALED_RECORDS = f"""
select s.number, {", ".join(f"a.{column}" for column in COLUMNS)}
  from audit_seal s join audit a on a.xid >= s.from_xid and a.xid < s.until_xid
 where s.number between $1 and $2 order by s.number, a.xid, a.id
"""


async def _verify_some(
    tx: Transaction, after: Seal | None, kept: Mapping[int, bytes]
) -> tuple[Seal, int, int, list[Broken]] | None:
    """The next seals: (the last of them, how many, records they cover now, those that do not hold)."""
    rows = await tx.rows(_NEXT_SEALS, after.number if after else 0, SEAL_SIZE)
    if not rows:
        return None
    seals = [Seal(*row) for row in rows]
    found = {seal.number: Digest(seal.previous) for seal in seals}
    async for page in _pages(tx, _SEALED_RECORDS, seals[0].number, seals[-1].number):
        for number, records in groupby(page, key=itemgetter(0)):
            found[number].add([tuple(record)[1:] for record in records])
    broken: list[Broken] = []
    for before, seal in zip([after, *seals], seals, strict=False):
        there = found[seal.number]
        problem = find_fault(seal, after=before, found=there, kept=kept)
        if problem is not None:
            broken.append(
                Broken(seal.number, problem, seal.from_xid, seal.until_xid, seal.records, there.records)
            )
    return seals[-1], len(seals), sum(one.records for one in found.values()), broken


async def _last_seal(tx: Transaction) -> Seal | None:
    row = await tx.row(_LAST)
    return Seal(*row) if row is not None else None


async def _pages(tx: Transaction, query: str, *values: object) -> AsyncGenerator[list[Row]]:
    """Rows a page at a time: a chain of any length passes through little memory."""
    cursor = await tx.connection.cursor(query, *values)
    while page := await cursor.fetch(_PAGE):
        yield page
