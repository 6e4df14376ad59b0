"""What tests share: a real PostgreSQL (one cluster a worker, one fresh database a test), the real application on
a real socket, and a real browser.
"""

import io
import itertools
import os
import shutil
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar

from labs.commands import register_laboratory
from screening.people.commands import Source, load_feed
from screening.people.feed import FeedFormat
from screening.people.national_id import synthetic_numbers
from screening.service.app import Services, running
from screening.service.auth import OwnKey, Verifier
from screening.service.clock import SimulatedClock
from screening.service.http_server import serving
from screening.storage import embedded
from screening.storage.database import Database, connect
from screening.storage.migrate import migrate
from screening.storage.transaction import system_actor
from screening.vocabulary import Role

_FAST = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB",
    "autovacuum_naptime": "1min",  # a database for each test: no use in going round them all the time
}  # fmt: skip
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


# -- the real application on a real socket, as laboratories and callers meet it --------------------------

ISSUER, AUDIENCE = "https://issuer.test", "screening"
TODAY = date(2024, 6, 3)
BORN = date(1980, 5, 17)
_NUMBERS = [number for _, number in zip(range(3), synthetic_numbers(BORN), strict=False)]


@dataclass(frozen=True)
class Platform:
    """A running platform: where it answers, and the office that issues its tokens."""

    kari, ola, nobody = _NUMBERS  # two women whom the register knows, and a number that is nobody's
    url: str
    app: Litestar
    database: Database
    clock: SimulatedClock
    issuer: OwnKey

    @property
    def mllp_port(self) -> int:
        return self.app.state.mllp_port

    def claims(self, *roles: Role, **more) -> dict:
        now = int(time.time())  # noqa: TID251  tokens end by the real clock
        named = {"iss": ISSUER, "aud": AUDIENCE, "sub": "caller", "iat": now, "exp": now + 3600}
        return named | {"roles": [str(role) for role in roles], "laboratory": "AHUS"} | more

    def token(self, *roles: Role, **more) -> str:
        return self.issuer.mint(self.claims(*roles, **more))

    def caller(self, *roles: Role, **more) -> httpx.AsyncClient:
        """A client with a token of these roles; `laboratory=None` takes the laboratory claim away."""
        headers = {"Authorization": f"Bearer {self.token(*roles, **more)}"} if roles else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30)

    async def judged(self) -> None:
        """Wait until everything stored so far is judged."""
        await self.app.state.laboratories.judge_all()

    async def fetch(self, statement, *values):
        return [tuple(row) for row in await self.database.pool.fetch(statement, *values)]


@asynccontextmanager
async def running_platform(database, *, today=TODAY, **more):
    clock, issuer = SimulatedClock(today), OwnKey()
    services = Services(
        database=database,
        clock=clock,
        verifier=Verifier(issuer, issuer=ISSUER, audience=AUDIENCE),
        accept_synthetic=True,
        mllp_port=0,
        **more,
    )
    async with running(services) as app, serving(app, port=0) as url:
        yield Platform(url, app, database, clock, issuer)


async def add_people(database, *numbers, born=BORN):
    people = [
        {"national_id": number, "born": born, "sex": "female", "name": "Prøve", "municipality": "0301"}
        for number in numbers
    ]
    await load_feed(
        database,
        file=io.BytesIO(b"\n".join(msgspec.json.encode(one) for one in people)),
        form=FeedFormat.NDJSON,
        source=Source("test", ("no-cervical",), accept_synthetic=True),
        actor=system_actor("test"),
        today=date(2024, 1, 1),
    )


async def add_laboratory(database, code="AHUS"):
    await database.run(
        lambda tx: register_laboratory(tx, code=code, name=code, profile="extended"),
        actor=system_actor("test"),
        today=TODAY,
    )


@pytest_asyncio.fixture
async def platform(database):
    """A platform that knows one laboratory, AHUS, and two women, Kari and Ola."""
    await add_people(database, *_NUMBERS[:2])
    await add_laboratory(database)
    async with running_platform(database) as answering:
        yield answering


@pytest.fixture
def run_platform(database):
    """Starts another platform on the test's database: `async with run_platform(processing="T") as platform`."""
    return lambda **more: running_platform(database, **more)
