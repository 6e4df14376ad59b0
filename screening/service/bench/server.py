"""A database for one benchmark: a server of its own in a temporary folder, as durable as a real one."""

import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from screening.storage import embedded

# Nothing is made faster by being made less safe; only the memory is what a real server would be given.
_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "512MB",
}
_DATABASE = "postgres"


@contextmanager
def throwaway_server() -> Generator[embedded.Server]:
    """A durable server that nobody else uses; what it holds ends with the benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="screening-bench-"))
    try:
        yield embedded.start(folder, settings=_SETTINGS)
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder)


def url_of(server: embedded.Server) -> str:
    return server.url(_DATABASE)


async def machine(server: embedded.Server) -> dict[str, Any]:
    """What the figures were measured on. `fdatasync_us`: how long one durable 8 kB write takes here."""
    connection = await asyncpg.connect(url_of(server))
    try:
        version = await connection.fetchval("show server_version")
    finally:
        await connection.close()
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "postgresql": version,
        "settings": _SETTINGS,
        "fdatasync_us": _fdatasync_us(server.data),
    }


def _fdatasync_us(folder: Path) -> int | None:
    """Microseconds of one durable write, by PostgreSQL's own measure; None where it is not installed."""
    program = embedded.program("pg_test_fsync")
    if not program.exists():
        return None
    file = folder / "fsync.test"
    told = subprocess.run(  # noqa: S603  the program is our own wheel's
        [str(program), "-s", "1", "-f", str(file)], check=True, capture_output=True, text=True
    ).stdout
    file.unlink(missing_ok=True)
    found = re.search(r"fdatasync\s.*?(\d+) usecs/op", told)
    return int(found.group(1)) if found else None


def middle(values: list[float], digits: int = 0) -> float:
    """The median of the repetitions, rounded for reading."""
    return round(median(values), digits) if digits else round(median(values))
