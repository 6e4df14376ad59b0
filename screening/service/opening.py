"""The database an installation has, and the day it is there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from screening.service.clock import SimulatedClock, SystemClock
from screening.service.demo.calendar import place
from screening.service.settings import Settings, settings_from_environment
from screening.storage import embedded
from screening.storage.audit import refuse_restored_copy
from screening.storage.database import Database, connect
from screening.storage.migrate import create_database, migrate, require_current
from screening.storage.transaction import system_actor


class Installation(msgspec.Struct, frozen=True):
    """An open database. A demo's has its own calendar, and takes test persons."""

    database: Database
    settings: Settings
    clock: SystemClock | SimulatedClock
    is_demo: bool

    @property
    def accept_synthetic(self) -> bool:
        return self.is_demo or self.settings.accept_synthetic


@asynccontextmanager
async def database_at(settings: Settings, *, name: str = embedded.DATABASE) -> AsyncGenerator[str]:
    """The URL of the installation's database while the block lasts: DATABASE_URL as it is, else `name` on
    the embedded server, started if need be, and stopped by the last process that leaves it.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with embedded.shared(embedded.data_folder()) as server:
        await create_database(server.url("postgres"), name=name)
        yield server.url(name)


@asynccontextmanager
async def opened(*, name: str = embedded.DATABASE) -> AsyncGenerator[Installation]:
    """The installation that the environment names; the embedded database is migrated on the way.

    Refuses a database of yours whose schema is not this version's: migrating it is yours to decide.
    """
    settings = settings_from_environment()
    async with database_at(settings, name=name) as url:
        if settings.database_url is None:
            await migrate(url)
        else:
            await require_current(url)
        async with connect(url) as database:
            clock = SystemClock(settings.time_zone)
            actor = system_actor("start")
            await database.run(refuse_restored_copy, actor=actor, today=clock.today())
            demo = await database.run(place, actor=actor, today=clock.today())
            if demo is None:
                yield Installation(database, settings, clock, is_demo=False)
            else:
                yield Installation(database, settings, SimulatedClock(demo.today), is_demo=True)
