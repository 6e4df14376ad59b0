"""Taking custody: every message is stored before it is answered, many in one commit.

Messages that arrive while a commit is under way wait for the next one and share it. The answer is
given from the message alone; what it means for a person is judged afterwards (`labs.judge`).
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec

from labs.results import DUPLICATE_KEY, UNKNOWN_KEY, Fault, Reading, Verdict
from screening.storage.transaction import Actor

_MAX_BATCH = 500


class Stored(msgspec.Struct, frozen=True):
    """A message in our custody: our id, and the reading its answer is made from."""

    id: int
    reading: Reading
    duplicate: bool


class _Waiting(msgspec.Struct):
    channel: str
    reading: Reading
    raw: bytes
    digest: bytes
    actor: Actor
    answer: "asyncio.Future[Stored]"

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.reading.laboratory, self.reading.control_id, self.digest.hex())


# The message, its place in the queue of the judge, and the audit record, in one statement and one commit.
_STORE = """
with incoming as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::bytea[])
        with ordinality as i(channel, laboratory, control_id, digest, verdict, faults, body, position)
), stored as (
    insert into lab_message (received_on, channel, laboratory, control_id, digest, verdict, faults, body)
    select $8, channel, laboratory, control_id, digest, verdict, faults::jsonb, body from incoming order by position
    on conflict do nothing
    returning id, laboratory, control_id, digest
), queued as (
    insert into lab_pending (message_id) select id from stored
), audited as (
    insert into audit (today, actor, roles, action, persons, facts)
    select $8, 'intake', '{system}', 'stored messages', '{}', $9 from (select count(*) as n from stored) c where c.n > 0
)
select id, laboratory, control_id, digest from stored
"""
_HELD = """
select id, laboratory, control_id, digest, verdict, faults from lab_message
 where (laboratory, control_id) in (select * from unnest($1::text[], $2::text[])) order by id
"""


class Intake:
    """The one place where messages enter, for all channels of a process."""

    def __init__(self, pool: asyncpg.Pool, today: Callable[[], date]) -> None:
        self._pool = pool
        self._today = today
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._laboratories: dict[str, str] = {}
        self.readings: dict[int, Reading] = {}  # read already, for the judge; what is missing is read again
        self.arrived = asyncio.Event()

    async def start(self) -> None:
        await self._learn_laboratories()
        self._task = asyncio.create_task(self._run(), name="intake")

    async def stop(self) -> None:
        """Commit and answer what has arrived, then end."""
        await asyncio.gather(*(one.answer for one in self._waiting), return_exceptions=True)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def submit(self, channel: str, reading: Reading, raw: bytes, *, actor: Actor) -> Stored:
        """Store a message and learn what to answer; the same message again gets the same answer."""
        known = await self.knows(reading.laboratory)
        if reading.verdict != Verdict.REJECTED and not known:
            reading = _unknown_sender(reading)
        waiting = _Waiting(
            channel,
            reading,
            raw,
            hashlib.sha256(raw).digest(),
            actor,
            asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.answer

    async def knows(self, laboratory: str) -> bool:
        if laboratory not in self._laboratories:
            await self._learn_laboratories()
        return laboratory in self._laboratories

    async def _learn_laboratories(self) -> None:
        rows = await self._pool.fetch("select code, profile from laboratory")
        self._laboratories = {row["code"]: row["profile"] for row in rows}

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
            if not self._waiting:
                self._wake.clear()
            if batch:
                await self._flush(batch)

    async def _flush(self, batch: Sequence[_Waiting]) -> None:
        """Commit a batch and answer it; an error is every waiting sender's error, none is told otherwise."""
        try:
            for answered, stored in (await self._store(batch)).items():
                if not batch[answered].answer.done():
                    batch[answered].answer.set_result(stored)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
        self.arrived.set()

    async def _store(self, batch: Sequence[_Waiting]) -> dict[int, Stored]:
        first: dict[tuple[str, str, str], int] = {}
        for position, waiting in enumerate(batch):
            first.setdefault(waiting.key, position)
        chosen = [batch[position] for position in first.values()]
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_STORE, *_columns(chosen), self._today(), _facts(chosen))
            ids = {(row["laboratory"], row["control_id"], row["digest"].hex()): row["id"] for row in rows}
            held = await self._held(connection, [one for one in chosen if one.key not in ids])
        answers: dict[int, Stored] = {}
        for position, waiting in enumerate(batch):
            key = waiting.key
            if key in ids:
                answers[position] = Stored(ids[key], waiting.reading, duplicate=first[key] != position)
                if first[key] == position:
                    self.readings[ids[key]] = waiting.reading
            else:
                answers[position] = held[key]
        return answers

    async def _held(
        self, connection: Any, repeated: Sequence[_Waiting]
    ) -> Mapping[tuple[str, str, str], Stored]:
        """Messages that were not stored anew: sent before, or contradicting one that was."""
        if not repeated:
            return {}
        rows = await connection.fetch(
            _HELD, [one.reading.laboratory for one in repeated], [one.reading.control_id for one in repeated]
        )
        found: dict[tuple[str, str, str], Stored] = {}
        for row in rows:
            faults = tuple(msgspec.convert(row["faults"], list[Fault]))
            reading = Reading(row["laboratory"], row["control_id"], Verdict(row["verdict"]), faults=faults)
            key = (row["laboratory"], row["control_id"], row["digest"].hex())
            found.setdefault(key, Stored(row["id"], reading, duplicate=True))
        for one in repeated:
            if one.key not in found:
                found[one.key] = await self._conflict(connection, one)
        return found

    async def _conflict(self, connection: Any, one: _Waiting) -> Stored:
        """The same control id with other content: refused, and kept."""
        told = "this control id was used for a message with other content; send a correction under a new id"
        fault = Fault(DUPLICATE_KEY, "MSH-10", told)
        reading = Reading(one.reading.laboratory, one.reading.control_id, Verdict.REJECTED, faults=(fault,))
        one.reading = reading
        rows = await connection.fetch(_STORE, *_columns([one]), self._today(), _facts([one]))
        return Stored(rows[0]["id"], reading, duplicate=False) if rows else Stored(0, reading, duplicate=True)


def _unknown_sender(reading: Reading) -> Reading:
    told = f"laboratory {reading.laboratory[:40]!r} is not registered here"
    fault = Fault(UNKNOWN_KEY, "MSH-4", told)
    return Reading(reading.laboratory, reading.control_id, Verdict.REJECTED, faults=(fault,))


def _columns(batch: Sequence[_Waiting]) -> tuple[list[Any], ...]:
    return (
        [one.channel for one in batch],
        [one.reading.laboratory for one in batch],
        [one.reading.control_id for one in batch],
        [one.digest for one in batch],
        [one.reading.verdict for one in batch],
        [msgspec.json.encode(one.reading.faults).decode() for one in batch],
        [one.raw for one in batch],
    )


def _facts(batch: Sequence[_Waiting]) -> dict[str, Any]:
    return {"messages": len(batch), "senders": sorted({one.actor.subject for one in batch})}
