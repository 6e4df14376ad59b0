"""The database an installation has, and the day it is there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from screening.service.clock import SimulatedClock, SystemClock
from screening.service.demo.calendar import place
from screening.service.settings import Settings, settings_from_environment
from screening.storage import embedded
from screening.storage.database import Database, connect
from screening.storage.migrate import migrate, require_current
from screening.storage.transaction import system_actor
from screening.web import Clock


class Installation(msgspec.Struct, frozen=True):
    """An open database. A demo's has its own calendar, and takes test persons."""

    database: Database
    settings: Settings
    clock: Clock
    is_demo: bool

    @property
    def accept_synthetic(self) -> bool:
        return self.is_demo or self.settings.accept_synthetic


async def database_url(settings: Settings) -> str:
    """DATABASE_URL as it is; else the embedded server, started if need be, with its database made."""
    if settings.database_url is not None:
        return settings.database_url
    server = embedded.start(embedded.data_folder())
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", embedded.DATABASE):
            await connection.execute(f"create database {embedded.DATABASE}")
    except asyncpg.DuplicateDatabaseError:
        pass  # another process made it in between
    finally:
        await connection.close()
    return server.url()


@asynccontextmanager
async def opened() -> AsyncGenerator[Installation]:
    """The installation that the environment names; the embedded database is migrated on the way.

    Refuses a database of yours whose schema is not this version's: migrating it is yours to decide.
    """
    settings = settings_from_environment()
    url = await database_url(settings)
    if settings.database_url is None:
        await migrate(url)
    else:
        await require_current(url)
    async with connect(url) as database:
        clock = SystemClock(settings.time_zone)
        demo = await database.run(place, actor=system_actor("start"), today=clock.today())
        if demo is None:
            yield Installation(database, settings, clock, is_demo=False)
        else:
            yield Installation(database, settings, SimulatedClock(demo.today), is_demo=True)
