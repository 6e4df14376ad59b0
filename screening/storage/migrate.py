"""Bringing a database to the schema this code was written for, and back."""

from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from screening.refusals import Refused
from screening.storage.database import APPLICATION_ROLE
from screening.storage.urls import for_sqlalchemy, host_of

T = TypeVar("T")
# Two processes that start together migrate one after the other.
_LOCK = 7_351_904_226
_LOCK_TIMEOUT = "30s"


async def migrate(url: str, *, to: str = "head") -> str:
    """Apply what is missing; the revision the database is at afterwards.

    Refuses a database that a newer version of this software has migrated.
    """
    return await _with_connection(url, partial(_upgrade, to=to))


async def downgrade(url: str, *, to: str = "base") -> None:
    """Undo migrations down to a revision; what they created is dropped with its rows."""
    await _with_connection(url, partial(_downgrade, to=to))


async def require_current(url: str) -> None:
    """Refuses a database at another schema than this version's, saying what to do."""
    revision = await schema_revision(url)
    newest = _scripts().get_current_head()
    if revision != newest:
        known = revision is None or revision in {script.revision for script in _scripts().walk_revisions()}
        todo = "run `screening migrate`" if known else "run the version that migrated it, or a newer one"
        raise Refused(
            "database_older" if known else "database_newer",
            f"the database at {host_of(url)} is at schema {revision or 'none'}, this version needs {newest}; {todo}",
        )


async def schema_revision(url: str) -> str | None:
    """The revision the database is at; None where it was never migrated."""
    return await _with_connection(url, _current)


async def create_database(url: str, *, name: str) -> None:
    """Make a database, unless there is one of that name. `url`: another database of the same server."""
    try:
        connection = await asyncpg.connect(url)
        try:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
                await connection.execute(f'create database "{name}"')
        finally:
            await connection.close()
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        return  # another process made it at the same moment
    except (OSError, asyncpg.PostgresError) as error:
        raise Refused("migration_failed", f"database at {host_of(url)}: {_reason(error)}") from error


async def _with_connection(url: str, work: Callable[[Connection], T]) -> T:
    engine = create_async_engine(for_sqlalchemy(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except (OSError, DBAPIError) as error:
        raise Refused("migration_failed", f"database at {host_of(url)}: {_reason(error)}") from error
    finally:
        await engine.dispose()


def _reason(error: Exception) -> str:
    """What the database said, in one line, without the statement it said it of."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(said.__cause__ or said).splitlines() or [type(said).__name__])[0]


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection, *, to: str) -> str:
    known = {script.revision for script in _scripts().walk_revisions()}
    _take_turns(connection)
    current = _current(connection)
    if current is not None and current not in known:
        raise Refused(
            "database_newer",
            f"the database is at schema {current}, which this version does not know (newest here: {max(known)});"
            " run the version that migrated it, or a newer one",
        )
    command.upgrade(_config(connection), to)
    # whoever opens the database must see its schema's revision, also without owning it
    connection.execute(text(f"grant select on alembic_version to {APPLICATION_ROLE}"))
    return _current(connection) or "base"


def _downgrade(connection: Connection, *, to: str) -> None:
    _take_turns(connection)
    command.downgrade(_config(connection), to)


def _take_turns(connection: Connection) -> None:
    connection.execute(text(f"set local lock_timeout = '{_LOCK_TIMEOUT}'"))
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config(connection: Connection | None = None) -> Config:
    """Alembic's settings, without a file: the scripts are a package, the connection is ours."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("migrations")))
    config.attributes["connection"] = connection
    return config
