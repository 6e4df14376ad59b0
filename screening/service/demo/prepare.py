"""A database for one run: the one that was cut off, or a fresh one; never one that holds real people."""

import fcntl
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from screening.refusals import Refused
from screening.service.demo.calendar import DemoArguments, Place, begin_demo, is_foreign, place
from screening.storage.database import connect
from screening.storage.migrate import downgrade, migrate
from screening.storage.transaction import system_actor

_ACTOR = system_actor("demo")
AGENDA = "agenda.sqlite"


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """One demo at a time in a folder; refuses a second."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(
                "demo_running",
                f"another demo runs in {folder}; end it, or set SCREENING_DATA to another folder",
            ) from error
        yield


async def prepared(url: str, arguments: DemoArguments, folder: Path) -> Place:
    """Where the run begins. What an earlier, finished or different demo left is removed."""
    await migrate(url)
    held = await _held(url, arguments)
    if held is not None and held.arguments == arguments and not held.finished and (folder / AGENDA).exists():
        return held
    if held is not None:
        await downgrade(url)
        await migrate(url)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    async with connect(url, size=1) as database:
        await database.run(
            lambda tx: begin_demo(tx, arguments=arguments), actor=_ACTOR, today=arguments.since
        )
    return Place(arguments, arguments.since, None, finished=False)


@asynccontextmanager
async def hasty(url: str) -> AsyncGenerator[None]:
    """While the block lasts, commits on this server survive every kill, but not a power cut.

    Half of a demo would be waiting for the disk, on behalf of people who do not exist.
    """
    await _set(url, "alter system set fsync = off")
    try:
        yield
    finally:
        await _set(url, "alter system reset fsync")


async def _set(url: str, setting: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(setting)
        await connection.execute("select pg_reload_conf()")
    finally:
        await connection.close()


async def _held(url: str, arguments: DemoArguments) -> Place | None:
    async with connect(url, size=1) as database:
        if await database.run(is_foreign, actor=_ACTOR, today=arguments.since):
            raise Refused(
                "not_a_demo",
                "the database holds people whom no demo made up, and the demo would remove them;"
                " set SCREENING_DATA to another folder, or DATABASE_URL to another database",
            )
        return await database.run(place, actor=_ACTOR, today=arguments.since)
