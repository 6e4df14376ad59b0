"""The pool, and the one door through which work is committed."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import asyncpg
import msgspec

from screening.refusals import Refused
from screening.storage.transaction import Actor, Transaction

T = TypeVar("T")
APPLICATION_ROLE = "screening_application"
_RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
# The server is away, starting, stopping, or takes nobody in.
_AWAY = (
    OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError,
    asyncpg.ObjectNotInPrerequisiteStateError, asyncpg.TooManyConnectionsError,
)  # fmt: skip
# How work can fail by the moment, and not by what it is about.
PASSING = (
    Refused, asyncpg.InterfaceError, asyncpg.InsufficientResourcesError, asyncpg.TransactionRollbackError,
)  # fmt: skip
_ATTEMPTS = 5
_CLOSING_SECONDS = 10


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )


async def _keep_session(connection: asyncpg.Connection) -> None:
    """No reset round trip on release: nothing here leaves session state behind."""


@dataclass(frozen=True, slots=True)
class Database:
    """Connections of the application's role, which cannot change history or audit."""

    pool: asyncpg.Pool

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, actor: Actor, today: date) -> T:
        """Do `work` in one transaction, commit once; repeated where the database asks for it.

        `work` may run several times, so it must have no effect outside the transaction.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self.transaction(actor=actor, today=today) as tx:
                    return await work(tx)
            except _RETRIED:
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
            except _AWAY as error:
                told = "the database does not answer just now; nothing of this was kept, try again"
                raise Refused("database_unreachable", told, status=503) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    @asynccontextmanager
    async def transaction(self, *, actor: Actor, today: date) -> AsyncGenerator[Transaction]:
        """One attempt: commits when the block ends, rolls back when it raises."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield Transaction(connection=connection, actor=actor, today=today)  # type: ignore[arg-type]


async def _closed(pool: asyncpg.Pool) -> None:
    """Who still holds a connection has so long to give it back: a server that goes away can leave one held."""
    try:
        await asyncio.wait_for(pool.close(), _CLOSING_SECONDS)
    except TimeoutError:
        pool.terminate()


@asynccontextmanager
async def connect(url: str, *, size: int = 10, role: str = APPLICATION_ROLE) -> AsyncGenerator[Database]:
    """A pool on a migrated database; refuses, naming host and reason, where none answers."""
    settings: dict[str, Any] = {
        "role": role,
        "jit": "off",
        "application_name": "screening",
        # rows are in memory or on solid disks; the default, of spinning ones, reads whole tables for a batch
        "random_page_cost": "1.1",
        # work comes in many short batches: a parallel plan would start a process for each
        "max_parallel_workers_per_gather": "0",
    }
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=_keep_session,
            server_settings=settings,
            max_inactive_connection_lifetime=0,
        )
    except (OSError, asyncpg.PostgresError) as error:
        raise Refused("database_unreachable", f"no database at DATABASE_URL: {error}") from error
    try:
        yield Database(pool=pool)
    finally:
        await _closed(pool)
