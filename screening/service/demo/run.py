"""Day by day through the public doors: the platform on one side, the made-up nation on the other."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import httpx
import structlog

from analytics.world.doors import Doors
from analytics.world.memory import Memory, is_working_day
from analytics.world.post import mailbox
from analytics.world.world import World
from invitations.carriers.digital_mailbox import DigitalMailbox
from invitations.carriers.print_spool import PrintSpool
from invitations.sending.batches import let_go_of_batches
from invitations.sending.states import Channel
from labs.service import Laboratories
from screening.refusals import Refused
from screening.service.app import Services, running
from screening.service.clock import SimulatedClock
from screening.service.demo.calendar import DemoArguments, Place, note_lived, note_sent
from screening.service.demo.issuer import DemoIssuer
from screening.service.demo.prepare import AGENDA
from screening.service.http_server import serving
from screening.service.jobs import Equipment, run_job
from screening.storage.database import Database
from screening.storage.transaction import system_actor

_ACTOR = system_actor("demo")
_DAY = timedelta(days=1)
_DECIDED_WITHIN = 3.0  # seconds
_log = structlog.get_logger()

Progress = Callable[[str, int], object]
AtEnd = Callable[["Demo", str], Awaitable[None]]  # given the URL that is still served


class Demo:
    """One run, from where it stands to its end."""

    def __init__(
        self, database: Database, place: Place, *, folder: Path, clock: SimulatedClock, issuer: DemoIssuer
    ) -> None:
        self.database = database
        self.place = place
        self.arguments: DemoArguments = place.arguments
        self.folder = folder
        self.clock = clock
        self.issuer = issuer
        self._sent_on = place.sent_on

    async def live(self, services: Services, *, port: int, progress: Progress, at_end: AtEnd) -> None:
        """Everything from the next day to the last, as it would be with a real nation outside; then `at_end`."""
        asked = self.arguments
        memory = Memory(self.folder / AGENDA)
        world = World(
            population=asked.population, since=asked.since, until=asked.until, seed=asked.seed, memory=memory
        )
        spool = self.folder / "spool"
        async with AsyncExitStack() as stack:
            gc.freeze()  # nobody of this nation is ever garbage: looking through them all took a twelfth of the time
            stack.callback(gc.unfreeze)
            stack.callback(memory.close)
            app = await stack.enter_async_context(running(services))
            url = await stack.enter_async_context(serving(app, port=port))
            post_office = await stack.enter_async_context(
                serving(mailbox(world.nation, memory, self.clock.today), port=0)
            )
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=600))
            self._equipment = Equipment(
                self.database,
                {Channel.DIGITAL: DigitalMailbox(post_office, client), Channel.PRINT: PrintSpool(spool)},
                programmes=asked.programmes,
            )
            doors = Doors(url=url, mllp_port=app.state.mllp_port, spool=spool, token=self.issuer.token)
            stack.push_async_callback(doors.close)
            world.enter(doors)
            # a run that was killed had some, and days here are shorter than their leases
            await self.database.run(let_go_of_batches, actor=_ACTOR, today=self.place.today)
            if self.place.today == asked.since:
                self.clock.set(asked.since)
                await world.start(asked.since, lambda people: progress("people", people))
                await app.state.laboratories.judge_all()
            day = self.place.today
            while day < asked.until:
                await self._live(day, world, app.state.laboratories)
                progress("days", 1)
                day += _DAY
            await self._finish()
            await at_end(self, url)

    @asynccontextmanager
    async def deciding(self) -> AsyncGenerator[None]:
        """While the block lasts, whoever is loaded is decided about within seconds; the day stands still."""
        ending = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._decide_until(ending), name="deciding")
            try:
                yield
            finally:
                ending.set()

    async def _decide_until(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            try:
                for job in ("wake", "advance"):
                    await run_job(job, self._equipment, today=self.clock.today())
            except (Refused, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("people not decided about, trying again", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(_DECIDED_WITHIN):
                    await ending.wait()

    async def _live(self, day: date, world: World, laboratories: Laboratories) -> None:
        """One day: the register, what is due, the post, what the nation does, and what follows from it."""
        self.clock.set(day)
        await world.morning(day)
        await run_job("advance", self._equipment, today=day)
        if self._sent_on != day and is_working_day(day):
            await run_job("send", self._equipment, today=day)
            await self.database.run(note_sent, actor=_ACTOR, today=day)
        await world.day(day)
        await laboratories.judge_all()
        await self.database.run(lambda tx: note_lived(tx, tomorrow=day + _DAY), actor=_ACTOR, today=day)

    async def _finish(self) -> None:
        last = self.arguments.until
        self.clock.set(last)
        for job in ("advance", "seal"):
            await run_job(job, self._equipment, today=last)
        await self.database.run(
            lambda tx: note_lived(tx, tomorrow=last, finished=True), actor=_ACTOR, today=last
        )
