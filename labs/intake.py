"""Taking custody: every message is stored before it is answered, many in one commit.

Messages that arrive while a commit is under way wait for the next one and share it. The answer is
given from the message alone; what it means for a person is judged afterwards (`labs.judge`).
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import msgspec
import structlog

from labs.results import DUPLICATE_KEY, UNKNOWN_KEY, Fault, Reading, Verdict, refused, storable
from screening.refusals import Refused
from screening.storage.transaction import Actor

_MAX_BATCH = 500
_MAX_WAITING = 10_000  # more than a sender waits for; it is told to send again
_STILL_TURNS = 3  # of the event loop: what a message on a socket needs to be read and to get here
# What one message can do to a whole commit, and no other message: values the database has no place for.
_OF_ONE_MESSAGE = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
_log = structlog.get_logger()


class Stored(msgspec.Struct, frozen=True):
    """A message in our custody: our id, the reading its answer is made from, the day it first came."""

    id: int
    reading: Reading
    received_on: date
    duplicate: bool = False


Connected = Callable[[], AbstractAsyncContextManager[Any]]
Key = tuple[
    str, str, bytes
]  # (laboratory, its id, SHA-256 of the bytes up to the last line's end): the same message


class _Waiting(msgspec.Struct):
    channel: str
    reading: Reading
    raw: bytes
    key: Key
    actor: Actor
    answer: "asyncio.Future[Stored]"


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
# Of two with the same bytes, the one that was taken answers: its sender may have been unknown the first time.
_HELD = """
select id, laboratory, control_id, digest, verdict, faults, received_on from lab_message
 where (laboratory, control_id) in (select * from unnest($1::text[], $2::text[])) order by verdict = 'AR', id
"""


class Intake:
    """The one place where messages enter, for all channels of a process."""

    def __init__(self, pool: asyncpg.Pool, today: Callable[[], date]) -> None:
        self._pool = pool
        self._today = today
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._kept: Any = None  # a connection of our own
        self._laboratories: frozenset[str] = frozenset()
        self.readings: dict[int, Reading] = {}  # read already, for the judge; what is missing is read again
        self.arrived = asyncio.Event()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="intake")

    async def stop(self) -> None:
        """Commit and answer what has arrived, then end; what comes after is refused."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def submit(self, channel: str, reading: Reading, raw: bytes, *, actor: Actor) -> Stored:
        """Store a message and learn what to answer; the same message again gets the same answer.

        Refuses, with `not_stored`, what could not be stored: it may be sent again.
        """
        if len(self._waiting) >= _MAX_WAITING:
            raise _not_stored()
        waiting = self._received(channel, reading, raw, actor)
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.answer

    async def submit_many(
        self, channel: str, read: Sequence[tuple[Reading, bytes]], *, actor: Actor
    ) -> list[Stored]:
        """Store messages that came together in one commit, in their order, beside those that came alone."""
        received = [self._received(channel, reading, raw, actor) for reading, raw in read]
        await self._flush(received, self._pool.acquire)
        return await asyncio.gather(*(one.answer for one in received))

    def _received(self, channel: str, reading: Reading, raw: bytes, actor: Actor) -> _Waiting:
        if self._stopping:
            raise _not_stored()
        reading = storable(reading)
        # the last line's end is the sender's framing: some send it over MLLP and others do not
        key = (reading.laboratory, reading.control_id, hashlib.sha256(raw.rstrip(b"\r\n")).digest())
        return _Waiting(channel, reading, raw, key, actor, asyncio.get_running_loop().create_future())

    async def _run(self) -> None:
        try:
            while self._waiting or not self._stopping:
                await self._wake.wait()
                await self._settled()
                batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
                if not self._waiting and not self._stopping:
                    self._wake.clear()
                if batch:
                    await self._flush(batch, self._own)
        finally:
            self._give_back()

    async def _settled(self) -> None:
        """Let the event loop turn until it brings no more: a commit for each message costs more than the message."""
        arrived, still = len(self._waiting), 0
        while still < _STILL_TURNS and len(self._waiting) < _MAX_BATCH:
            await asyncio.sleep(0)
            still = still + 1 if len(self._waiting) == arrived else 0
            arrived = len(self._waiting)

    @asynccontextmanager
    async def _own(self) -> AsyncGenerator[Any]:
        """The connection that is kept for the one statement whose plan is always the same."""
        if self._kept is None:
            kept = await self._pool.acquire()
            try:
                await kept.execute("set plan_cache_mode = force_generic_plan")
            except BaseException:
                kept.terminate()  # nobody holds it yet, and a pool waits at its end for what is held
                raise
            kept.add_termination_listener(self._lost)
            self._kept = kept
        yield self._kept

    def _lost(self, _connection: object) -> None:
        self._kept = None

    def _give_back(self) -> None:
        if self._kept is not None:
            self._kept.terminate()  # nobody else shall have it with its setting; the pool opens another

    async def _flush(self, batch: Sequence[_Waiting], connected: Connected) -> None:
        """Commit a batch and answer it; what could not be stored is never answered as if it were."""
        today = self._today()
        try:
            async with connected() as connection:
                await self._refuse_unknown(connection, batch)
                first: dict[Key, _Waiting] = {}
                for waiting in batch:
                    first.setdefault(waiting.key, waiting)
                ids = await self._store(connection, list(first.values()), today)
            await self._answer(batch, first, ids, today)
            self.arrived.set()
        except _OF_ONE_MESSAGE:
            if len(batch) == 1:
                self._refuse(batch)
            else:
                for waiting in batch:
                    await self._flush([waiting], connected)
        except Exception:  # noqa: BLE001  whatever it was, its senders are told to send it again, and intake goes on
            self._refuse(batch)

    def _refuse(self, batch: Sequence[_Waiting]) -> None:
        _log.exception("messages not stored", messages=len(batch))
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_exception(_not_stored())

    async def _store(self, connection: Any, batch: Sequence[_Waiting], today: date) -> dict[Key, int]:
        """Our ids of those that were new."""
        rows = await connection.fetch(_STORE, *_columns(batch), today, _facts(batch))
        return {(laboratory, own, digest): message for message, laboratory, own, digest in rows}

    async def _answer(
        self, batch: Sequence[_Waiting], first: Mapping[Key, _Waiting], ids: Mapping[Key, int], today: date
    ) -> None:
        held = await self._held([one for key, one in first.items() if key not in ids])
        for waiting in batch:
            message = ids.get(waiting.key)
            if message is None:
                stored = held[waiting.key]
            elif waiting is first[waiting.key]:
                stored = Stored(message, waiting.reading, today)
                self.readings[message] = waiting.reading
            else:
                stored = Stored(message, waiting.reading, today, duplicate=True)
            if not waiting.answer.done():
                waiting.answer.set_result(stored)

    async def _refuse_unknown(self, connection: Any, batch: Sequence[_Waiting]) -> None:
        """Messages of laboratories that are not registered are kept, and refused."""
        taken = [one for one in batch if one.reading.verdict != Verdict.REJECTED]
        if not self._laboratories.issuperset(one.reading.laboratory for one in taken):
            rows = await connection.fetch("select code from laboratory")
            self._laboratories = frozenset(row["code"] for row in rows)
        for one in taken:
            if one.reading.laboratory not in self._laboratories:
                told = f"laboratory {one.reading.laboratory[:40]!r} is not registered here"
                one.reading = _rejected(one.reading, Fault(UNKNOWN_KEY, "MSH-4", told))

    async def _held(self, repeated: Sequence[_Waiting]) -> Mapping[Key, Stored]:
        """Messages that were not stored anew: sent before, or contradicting one that was."""
        if not repeated:
            return {}
        rows = await self._pool.fetch(
            _HELD, [one.reading.laboratory for one in repeated], [one.reading.control_id for one in repeated]
        )
        said = {one.key: one.reading for one in repeated}
        found: dict[Key, Stored] = {}
        for row in rows:
            key = (row["laboratory"], row["control_id"], row["digest"])
            if key in said and key not in found:
                faults = tuple(msgspec.convert(row["faults"], list[Fault]))
                reading = msgspec.structs.replace(
                    said[key], verdict=Verdict(row["verdict"]), faults=faults, results=()
                )
                found[key] = Stored(row["id"], reading, row["received_on"], duplicate=True)
        for one in repeated:
            if one.key not in found:
                found[one.key] = await self._conflict(one)
        return found

    async def _conflict(self, one: _Waiting) -> Stored:
        """The same control id with other content: refused, and kept."""
        told = "this id was used for a message with other content; send a correction under a new id"
        one.reading = _rejected(one.reading, Fault(DUPLICATE_KEY, "MSH-10", told))
        today = self._today()
        async with self._pool.acquire() as connection:
            stored = await self._store(connection, [one], today)
        if stored:
            return Stored(stored[one.key], one.reading, today)
        return (await self._held([one]))[one.key]  # another process was told the same meanwhile


def _not_stored() -> Refused:
    return Refused("not_stored", "the message could not be stored just now; send it again", status=503)


def _rejected(reading: Reading, fault: Fault) -> Reading:
    return msgspec.structs.replace(
        refused(reading.laboratory, reading.control_id, fault), processing=reading.processing
    )


def _columns(batch: Sequence[_Waiting]) -> tuple[list[Any], ...]:
    return (
        [one.channel for one in batch],
        [one.reading.laboratory for one in batch],
        [one.reading.control_id for one in batch],
        [one.key[2] for one in batch],
        [one.reading.verdict for one in batch],
        [msgspec.json.encode(one.reading.faults).decode() for one in batch],
        [one.raw for one in batch],
    )


def _facts(batch: Sequence[_Waiting]) -> dict[str, Any]:
    return {"messages": len(batch), "senders": sorted({one.actor.subject for one in batch})}
