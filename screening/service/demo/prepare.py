"""A database for one run: the one that was cut off, or a fresh one; never one that holds real people."""

import fcntl
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import asyncpg

from screening.refusals import Refused
from screening.service.console import print_note
from screening.service.demo.calendar import DemoArguments, Place, begin_demo, is_foreign, place
from screening.storage.database import connect
from screening.storage.migrate import downgrade, migrate
from screening.storage.transaction import system_actor

_ACTOR = system_actor("demo")
AGENDA = "agenda.sqlite"


def holds_demo(folder: Path) -> bool:
    """Whether a demo has begun in a data folder; asked before its database is started."""
    return (folder / "demo" / AGENDA).exists()


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """One demo at a time in a folder; refuses a second."""
    with _lock(folder) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(
                "demo_running",
                f"another demo runs in {folder}; end it, or set SCREENING_DATA to another folder",
            ) from error
        yield


def _lock(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder.parent / f"{folder.name}.lock").open("w")
    except OSError as error:
        raise Refused(
            "data_folder_unusable",
            f"the demo's folder {folder} cannot be used: {error.strerror}; mend that, or name another"
            " folder with SCREENING_DATA",
        ) from error


async def prepared(url: str, arguments: DemoArguments, folder: Path, *, anew: bool, keep: bool) -> Place:
    """Where the run begins; what an earlier demo left is removed, and that is said on stderr.

    Kept is what lies there of the same arguments, unless it is asked for `anew`: one that was cut off,
    which goes on, and with `keep` one that is finished.
    """
    await migrate(url)
    held = await _held(url, arguments)
    same = held is not None and held.arguments == arguments and (folder / AGENDA).exists()
    if held is not None and same and not anew and (keep or not held.finished):
        return held
    if held is not None:
        print_note("removing what the demo before left, with whatever was loaded into it")
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
