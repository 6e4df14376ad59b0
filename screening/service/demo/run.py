"""Day by day through the public doors: the platform on one side, the made-up nation on the other."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path

import httpx

from analytics.world.doors import Doors
from analytics.world.memory import Memory
from analytics.world.post import mailbox
from analytics.world.world import World
from invitations.carriers.carrier import Carrier
from invitations.carriers.digital_mailbox import DigitalMailbox
from invitations.carriers.print_spool import PrintSpool
from invitations.sending.send import send_due
from invitations.sending.states import Channel
from labs.service import Laboratories
from screening.ledger.advance import advance
from screening.protocols.load import family
from screening.service.app import Services, running
from screening.service.clock import SimulatedClock
from screening.service.demo.calendar import DemoArguments, Place, note_lived, note_sent
from screening.service.demo.issuer import DemoIssuer
from screening.service.http_server import serving
from screening.storage.database import Database
from screening.storage.transaction import system_actor

_ACTOR = system_actor("demo")
_DAY = timedelta(days=1)

Progress = Callable[[str, int], object]


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

    async def live(self, services: Services, *, port: int, progress: Progress) -> None:
        """Everything from the next day to the last, as it would be with a real nation outside."""
        asked = self.arguments
        memory = Memory(self.folder / "agenda.sqlite")
        world = World(
            population=asked.population, since=asked.since, until=asked.until, seed=asked.seed, memory=memory
        )
        spool = self.folder / "spool"
        async with AsyncExitStack() as stack:
            stack.callback(memory.close)
            app = await stack.enter_async_context(running(services))
            url = await stack.enter_async_context(serving(app, port=port))
            post_office = await stack.enter_async_context(
                serving(mailbox(world.nation, memory, self.clock.today), port=0)
            )
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=600))
            carriers: dict[Channel, Carrier] = {
                Channel.DIGITAL: DigitalMailbox(post_office, client),
                Channel.PRINT: PrintSpool(spool),
            }
            doors = Doors(url=url, mllp_port=app.state.mllp_port, spool=spool, token=self.issuer.token)
            stack.push_async_callback(doors.close)
            world.enter(doors)
            if self.place.today == asked.since:
                self.clock.set(asked.since)
                await world.start(asked.since, lambda people: progress("people", people))
                await app.state.laboratories.judge_all()
            day = self.place.today
            while day < asked.until:
                await self._live(day, world, carriers, app.state.laboratories)
                progress("days", 1)
                day += _DAY
        await self._finish()

    async def _live(
        self, day: date, world: World, carriers: dict[Channel, Carrier], laboratories: Laboratories
    ) -> None:
        """One day: the register, what is due, the post, what the nation does, and what follows from it."""
        self.clock.set(day)
        await world.morning(day)
        await self._advance(day)
        if self._sent_on != day:
            await self._send(day, carriers)
        await world.day(day)
        await laboratories.judge_all()
        await self._advance(day)
        await self.database.run(lambda tx: note_lived(tx, tomorrow=day + _DAY), actor=_ACTOR, today=day)

    async def _advance(self, day: date) -> None:
        for name in self.arguments.programmes:
            await advance(self.database, family=family(name), today=day)

    async def _send(self, day: date, carriers: dict[Channel, Carrier]) -> None:
        for name in self.arguments.programmes:
            await send_due(self.database, programme=name, carriers=carriers, today=day)
        await self.database.run(note_sent, actor=_ACTOR, today=day)

    async def _finish(self) -> None:
        last = self.arguments.until
        self.clock.set(last)
        await self._advance(last)
        await self.database.run(
            lambda tx: note_lived(tx, tomorrow=last, finished=True), actor=_ACTOR, today=last
        )
