"""The running laboratory side of a process: intake, the judge behind it, and the answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

import structlog

from labs.fhir.mapping import read_fhir
from labs.hl7.ack import acknowledge
from labs.hl7.mapping import read_oru
from labs.intake import Intake, Stored
from labs.json_results import read_json
from labs.judge import judge_batch
from labs.results import Reading
from screening.storage.database import Database
from screening.storage.transaction import Actor, system_actor

_SWEEP_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_log = structlog.get_logger()

AfterJudged = Callable[[list[int]], Awaitable[object]]


class Laboratories:
    """Takes messages in, answers them, and judges them soon after; one for each process."""

    def __init__(
        self, database: Database, *, programme: str, today: Callable[[], date], after_judged: AfterJudged
    ) -> None:
        self._database = database
        self._programme = programme
        self._today = today
        self._after_judged = after_judged
        self._task: asyncio.Task[None] | None = None
        self._judging = asyncio.Lock()
        self.intake = Intake(database.pool, today)

    async def start(self) -> None:
        await self.intake.start()
        self._task = asyncio.create_task(self._judge_for_ever(), name="judge")

    async def stop(self) -> None:
        """Answer what has arrived and judge it, then end."""
        await self.intake.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.judge_all()

    async def take_hl7(self, raw: bytes, *, actor: Actor) -> bytes:
        """The acknowledgement to send back."""
        today = self._today()
        stored = await self.intake.submit("hl7", read_oru(raw, today=today), raw, actor=actor)
        return acknowledge(stored.reading, today=today)

    async def take_json(self, raw: bytes, *, laboratory: str, actor: Actor) -> Stored:
        reading = read_json(raw, laboratory=laboratory, today=self._today())
        return await self.intake.submit("json", reading, raw, actor=actor)

    async def take_fhir(self, raw: bytes, *, laboratory: str, actor: Actor) -> Stored:
        reading = read_fhir(raw, laboratory=laboratory, today=self._today())
        return await self.intake.submit("fhir", reading, raw, actor=actor)

    async def take_many(self, lines: Sequence[bytes], *, laboratory: str, actor: Actor) -> list[Stored]:
        """JSON results that came together, answered in their order."""
        return list(
            await asyncio.gather(
                *(self.take_json(line, laboratory=laboratory, actor=actor) for line in lines)
            )
        )

    def read_hl7(self, raw: bytes) -> Reading:
        return read_oru(raw, today=self._today())

    async def judge_all(self) -> int:
        """Judge everything that is stored; how many messages that were."""
        total = 0
        async with self._judging:
            while True:
                judged = await self._database.run(
                    lambda tx: judge_batch(tx, programme=self._programme, readings=self.intake.readings),
                    actor=system_actor("judge"),
                    today=self._today(),
                )
                if judged.messages == 0:
                    self.intake.readings.clear()
                    return total
                total += judged.messages
                if judged.persons:
                    await self._after_judged(sorted(judged.persons))

    async def _judge_for_ever(self) -> None:
        """Woken by arrivals; also sweeps now and then, for what another process left when it was killed."""
        while True:
            try:
                async with asyncio.timeout(_SWEEP_SECONDS):
                    await self.intake.arrived.wait()
                    # a moment for more to arrive: judging many together costs little more than one
                    await asyncio.sleep(_PAUSE_SECONDS)
            except TimeoutError:
                _log.debug("sweeping for messages left by others")
            self.intake.arrived.clear()
            try:
                await self.judge_all()
            except Exception:  # noqa: BLE001  the judge outlives a failure; what failed stays pending, is tried again
                _log.exception("judging failed; messages stay pending")
                await asyncio.sleep(_SWEEP_SECONDS)
