"""The database an installation has, and the day it is there."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import msgspec

from screening.protocols.family import Family
from screening.rulebook.commands import refuse_unverified
from screening.rulebook.shelf import Shelf
from screening.service.clock import SimulatedClock, SystemClock
from screening.service.demo.calendar import place
from screening.service.protocol_files import own_shelf
from screening.service.settings import PROGRAMMES, Settings, settings_from_environment
from screening.storage import embedded
from screening.storage.audit import refuse_restored_copy
from screening.storage.database import Database, connect
from screening.storage.migrate import create_database, migrate, require_current
from screening.storage.transaction import system_actor
from screening.storage.urls import refuse_unsound


class Installation(msgspec.Struct, frozen=True):
    """An open database. A demo's has its own calendar, and takes test persons."""

    database: Database
    settings: Settings
    clock: SystemClock | SimulatedClock
    is_demo: bool
    shelf: Shelf
    url: str  # of the database

    @property
    def accept_synthetic(self) -> bool:
        return self.is_demo or self.settings.accept_synthetic

    async def vouch(self, families: Mapping[str, Family]) -> None:
        """Refuses to act on rules of our programmes that nobody has verified and nobody answers for.

        A demo's are not asked: nobody is treated by it.
        """
        if self.is_demo:
            return
        ours = [families[name] for name in PROGRAMMES if name in families]
        await self.database.run(
            lambda tx: refuse_unverified(tx, families=ours),
            actor=system_actor("start"),
            today=self.clock.today(),
        )


@asynccontextmanager
async def database_at(settings: Settings, *, name: str = embedded.DATABASE) -> AsyncGenerator[str]:
    """The URL of the installation's database while the block lasts: DATABASE_URL as it is, else `name` on
    the embedded server, started if need be, and stopped by the last process that leaves it.
    """
    if settings.database_url is not None:
        refuse_unsound(settings.database_url)
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
    shelf = own_shelf(settings)
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
                yield Installation(database, settings, clock, is_demo=False, shelf=shelf, url=url)
            else:
                simulated = SimulatedClock(demo.today)
                yield Installation(database, settings, simulated, is_demo=True, shelf=shelf, url=url)
