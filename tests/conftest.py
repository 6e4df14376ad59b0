"""What tests share: a real PostgreSQL (one cluster a worker, one fresh database a test), and a real browser."""

import itertools
import os
import shutil
import tempfile
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from screening.storage import embedded
from screening.storage.database import connect
from screening.storage.migrate import migrate

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
_numbers = itertools.count(1)
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def cluster():
    """A server of this worker's own; what it holds does not outlive the run."""
    folder = Path(tempfile.mkdtemp(prefix="screening-tests-"))
    yield embedded.start(folder, settings=_FAST)
    embedded.stop(folder)
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="session")
async def template(cluster):
    """A migrated, empty database that every test's own is copied from."""
    await _administer(cluster, "create database template_migrated")
    await migrate(cluster.url("template_migrated"))
    return "template_migrated"


@pytest_asyncio.fixture
async def url(cluster, template):
    """The owner's URL of a fresh, migrated database."""
    name = f"test_{next(_numbers)}"
    await _administer(cluster, f"create database {name} template {template}")
    yield cluster.url(name)
    await _administer(cluster, f"drop database {name} with (force)")


@pytest_asyncio.fixture
async def database(url):
    """A pool of the application's role on a fresh, migrated database."""
    async with connect(url, size=6) as pool:
        yield pool


async def _administer(cluster, statement):
    connection = await asyncpg.connect(cluster.url("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def chromium():
    """How Playwright launches this machine's own Chromium: `playwright.chromium.launch(**chromium)`."""
    named = os.environ.get("CHROMIUM")
    wanted = (named,) if named else _CHROMIUMS
    found = next(filter(None, map(shutil.which, wanted)), None)
    missing = f"no Chromium: looked for {', '.join(wanted)}; install one, or name it in CHROMIUM"
    if found is None and (named or "CI" in os.environ):
        pytest.fail(missing)
    if found is None:
        pytest.skip(missing)
    return {"executable_path": found, "args": list(_CHROMIUM_FLAGS)}
