"""The running laboratory side of a process: intake, the judge behind it, and the answers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from labs.csv_results import read_csv
from labs.fhir.batch import Entry, read_entry
from labs.fhir.mapping import TYPES, read_fhir
from labs.hl7.ack import acknowledge
from labs.hl7.mapping import read_oru
from labs.intake import Intake, Stored
from labs.json_results import read_json
from labs.judge import BATCH, Judged, first_pending, judge_batch, set_aside, wake_mended
from labs.mllp import Frame
from labs.results import (
    INTERNAL,
    SEGMENT_SEQUENCE,
    UNKNOWN_KEY,
    UNSUPPORTED_PROCESSING,
    Fault,
    Reading,
    Verdict,
    refused,
)
from screening.refusals import Refused
from screening.storage.database import PASSING, Database
from screening.storage.transaction import Actor, Transaction, system_actor
from screening.vocabulary import Role

T = TypeVar("T")
_SWEEP_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_RECONCILED_TOGETHER = 10_000  # people
_TOGETHER = 1000  # results of one file that share a commit, and are read before others have their turn
_JUDGE = system_actor("judge")
_log = structlog.get_logger()

AfterJudged = Callable[[list[int]], Awaitable[object]]


class Laboratories:
    """Takes messages in, answers them, and judges them soon after; one for each process.

    `processing`: which HL7 messages are for this installation: P production, T training, D debugging.
    """

    def __init__(
        self,
        database: Database,
        *,
        programme: str,
        today: Callable[[], date],
        after_judged: AfterJudged,
        processing: str = "P",
    ) -> None:
        self._database = database
        self._programme = programme
        self._today = today
        self._processing = processing
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

    async def take_hl7(self, raw: bytes, *, actor: Actor, laboratory: str | None = None) -> bytes:
        """The acknowledgement to send back; `laboratory`: who the caller is known to be."""
        stored = await self.store_hl7(raw, actor=actor, laboratory=laboratory)
        return acknowledge(stored.reading, received_on=stored.received_on)

    async def store_hl7(self, raw: bytes, *, actor: Actor, laboratory: str | None = None) -> Stored:
        reading = self._admitted(read_oru(raw, today=self._today()), laboratory)
        return await self.intake.submit("hl7", reading, raw, actor=actor)

    async def answer_mllp(self, frame: Frame) -> bytes:
        """What is sent back over MLLP, also when the message could not be stored: it may be sent again."""
        sender = Actor("mllp", frozenset({Role.LABORATORY}))
        reading = self._admitted(read_oru(frame.message, today=self._today()), None)
        if not frame.whole:
            told = "the connection ended before the message did"
            reading = refused(
                reading.laboratory, reading.control_id, Fault(SEGMENT_SEQUENCE, "message", told)
            )
        try:
            stored = await self.intake.submit("hl7", reading, frame.message, actor=sender)
        except Refused as failed:
            fault = Fault(INTERNAL, "message", failed.message)
            reading = refused(reading.laboratory, reading.control_id, fault)
            return acknowledge(reading, received_on=self._today())
        return acknowledge(stored.reading, received_on=stored.received_on)

    def _admitted(self, reading: Reading, laboratory: str | None) -> Reading:
        """The reading, refused where it is of another environment or of another laboratory than the caller's."""
        own = laboratory or reading.laboratory
        if reading.verdict == Verdict.REJECTED:
            return msgspec.structs.replace(reading, laboratory=own)
        fault: Fault | None = None
        if reading.processing != self._processing:
            told = f"processing id {reading.processing}; this installation takes {self._processing}"
            fault = Fault(UNSUPPORTED_PROCESSING, "MSH-11", told)
        elif reading.laboratory != own:
            told = f"the token speaks for {own}, not for the sender of this message"
            fault = Fault(UNKNOWN_KEY, "MSH-4", told)
        if fault is None:
            return reading
        return msgspec.structs.replace(refused(own, reading.control_id, fault), processing=reading.processing)

    async def take_json(self, raw: bytes, *, laboratory: str, actor: Actor) -> Stored:
        reading = read_json(raw, laboratory=laboratory, today=self._today())
        return await self.intake.submit("json", reading, raw, actor=actor)

    async def take_fhir(
        self, raw: bytes, *, laboratory: str, actor: Actor, expected: Sequence[str] = TYPES
    ) -> Stored:
        reading = read_fhir(raw, laboratory=laboratory, today=self._today(), expected=expected)
        return await self.intake.submit("fhir", reading, raw, actor=actor)

    async def take_fhir_part(
        self, raw: bytes, method: str | None, *, laboratory: str, actor: Actor
    ) -> Stored:
        """A document, or the entry of a batch that asks by `method` for this resource to be taken."""
        if method is None:
            return await self.take_fhir(raw, laboratory=laboratory, actor=actor)
        reading = read_entry(raw, method, laboratory=laboratory, today=self._today())
        return await self.intake.submit("fhir", reading, raw, actor=actor)

    async def take_fhir_batch(
        self, entries: Sequence[Entry], *, laboratory: str, actor: Actor
    ) -> list[Stored | None]:
        """Each entry is a message of its own; None where it brings no resource."""

        async def take(entry: Entry) -> Stored | None:
            raw, method = entry.content, entry.request.method
            if raw is None:
                return None
            return await self.take_fhir_part(raw, method, laboratory=laboratory, actor=actor)

        return list(await asyncio.gather(*(take(entry) for entry in entries)))

    async def take_csv(self, raw: bytes, *, laboratory: str, actor: Actor) -> Stored:
        """A line with its header; `laboratory` empty: whom the line names."""
        reading = read_csv(raw, laboratory=laboratory, today=self._today())
        return await self.intake.submit("csv", reading, raw, actor=actor)

    async def take_many(self, lines: Sequence[bytes], *, laboratory: str, actor: Actor) -> list[Stored]:
        """JSON results that came together, answered in their order."""
        today, stored = self._today(), list[Stored]()
        for start in range(0, len(lines), _TOGETHER):
            some = lines[start : start + _TOGETHER]
            read = [(read_json(line, laboratory=laboratory, today=today), line) for line in some]
            stored += await self.intake.submit_many("json", read, actor=actor)
        return stored

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, actor: Actor) -> T:
        """Do `work` in one transaction, on the day it is here."""
        return await self._database.run(work, actor=actor, today=self._today())

    async def judge_all(self) -> int:
        """Judge everything that is stored; how many messages that were."""
        total = 0
        grown: set[int] = set()
        async with self._judging:
            more = True
            while more:
                judged = await self._judge_some()
                total += len(judged.messages)
                self._forget(judged)
                grown |= judged.persons
                more = judged.more
                # once for all that came together: of an archive, a person's results are many
                if grown and (not more or len(grown) >= _RECONCILED_TOGETHER):
                    await self._reconcile(sorted(grown))
                    grown.clear()
            return total

    async def wake(self, *, together: int = BATCH) -> int:
        """Judge again what waited for a person, a kit or a code that is there now; how many messages that were."""
        woken, last = 0, 0
        while last is not None:
            some = await self.run(
                partial(wake_mended, programme=self._programme, after=last, limit=together), actor=_JUDGE
            )
            woken, last = woken + some.messages, some.last
        if woken:
            await self.judge_all()
        return woken

    def _forget(self, judged: Judged) -> None:
        """Readings of what is judged, by us or by another process; one forgotten too early is read again."""
        last = max(judged.messages, default=None)
        for message in [one for one in self.intake.readings if last is None or one <= last]:
            del self.intake.readings[message]

    async def _judge_some(self) -> Judged:
        """A batch; where that fails, one message, which is set aside where it is the cause."""
        try:
            return await self._judge(BATCH)
        except PASSING:
            raise
        except Exception:  # noqa: BLE001  a fault that one message brings out must not hold up all others
            _log.exception("a batch could not be judged; trying its first message alone")
        message = await self.run(first_pending, actor=_JUDGE)
        if message is None:
            return Judged()
        try:
            return await self._judge(1)
        except PASSING:
            raise
        except Exception:  # noqa: BLE001  it is kept, and waits for a person
            _log.exception("a message could not be judged; set aside", message=message)
        return await self.run(lambda tx: set_aside(tx, message=message), actor=_JUDGE)

    async def _judge(self, limit: int) -> Judged:
        return await self.run(
            lambda tx: judge_batch(tx, programme=self._programme, readings=self.intake.readings, limit=limit),
            actor=_JUDGE,
        )

    async def _reconcile(self, persons: list[int]) -> None:
        try:
            await self._after_judged(persons)
        except Exception:  # noqa: BLE001  they are due all the same, and the scheduler takes them up
            _log.exception("people could not be reconciled after their results were judged")

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
