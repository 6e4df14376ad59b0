"""Telling an analyst what was told to nobody yet: judged while nobody waits for it, remembered before it is told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from analytics.answers.commands import lock_programme, tell_analyst
from analytics.answers.memory import Memory
from analytics.answers.queries import told_since
from analytics.disclosure.cells import Cells
from analytics.disclosure.judge import Verdict, judge
from analytics.disclosure.policy import Measures
from analytics.disclosure.together import Told
from analytics.indicators.engine import Question, Results
from analytics.releases.frozen import told as told_by_release
from analytics.releases.queries import earlier_releases, told_ids
from screening.refusals import Conflict
from screening.storage.transaction import Transaction

_TRIES = 3  # after as many in which others were told meanwhile they wait, so that everybody is answered once
_AT_A_TIME = 2  # judgements of one programme in one process: a short one beside a long one
T = TypeVar("T")


class Run(Protocol):
    """One transaction of whoever asks."""

    def __call__(self, work: Callable[[Transaction], Awaitable[T]], /) -> Awaitable[T]: ...


@dataclass(slots=True)
class Programme:
    """What this process has read of what was told. `writing`: one at a time, so that few connections wait."""

    memory: Memory = field(default_factory=Memory)
    releases: dict[int, Told] = field(default_factory=dict[int, Told])
    judging: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Before:
    """All that was told, to analysts and by releases."""

    memory: Memory
    releases: Mapping[int, Told]

    @property
    def last(self) -> tuple[int, ...]:
        return self.memory.upto, *self.releases


@dataclass(frozen=True, slots=True)
class Telling:
    """`answers`: what was asked and its margins; `cells`: the numbers of them; `of`: what was told of the programme."""

    cut: int
    asked: Question
    answers: Sequence[Results]
    cells: Cells
    measures: Measures
    of: Programme

    async def remembered(self, run: Run) -> Memory:
        """Judged beside all that was told before; where others are told meanwhile, anew. Refuses what would tell."""
        for _ in range(_TRIES):
            before = await run(self._before)
            if before.memory.knows(self.cells):
                return before.memory
            async with self.of.judging:
                verdict = await asyncio.to_thread(self._judged, before)
            async with self.of.writing:
                told = await run(partial(self._told_beside, before=before, verdict=verdict))
            if told is not None:
                return told
        async with self.of.writing:
            return await run(self._told_while_others_wait)

    async def _before(self, tx: Transaction) -> Before:
        memory, programme = self.of.memory, self.asked.programme
        upto, told = await told_since(tx, cut=self.cut, programme=programme, upto=memory.upto)
        memory = memory.also(told)
        memory.upto = upto
        return Before(memory, await self._releases(tx))

    async def _releases(self, tx: Transaction) -> Mapping[int, Told]:
        """What is published an analyst reads too."""
        ids = await told_ids(tx, programme=self.asked.programme)
        if set(ids) - self.of.releases.keys():
            found = await earlier_releases(tx, programme=self.asked.programme)
            self.of.releases = {
                one.id: await asyncio.to_thread(told_by_release, one.numbers) for one in found
            }
        return {one: self.of.releases[one] for one in ids}

    def _judged(self, before: Before) -> Verdict:
        told = [*before.releases.values(), before.memory.told()]
        return judge(self.answers, self.measures, told, closed=frozenset(before.memory.hidden))

    async def _told_beside(self, tx: Transaction, *, before: Before, verdict: Verdict) -> Memory | None:
        """None where others were told since."""
        await self._lock(tx)
        now = await self._before(tx)
        return await self._told(tx, now.memory, verdict) if now.last == before.last else None

    async def _told_while_others_wait(self, tx: Transaction) -> Memory:
        await self._lock(tx)
        before = await self._before(tx)
        return await self._told(tx, before.memory, await asyncio.to_thread(self._judged, before))

    async def _lock(self, tx: Transaction) -> None:
        if not await lock_programme(tx, cut=self.cut, programme=self.asked.programme):
            raise Conflict("data_cut_ended", "the data cut was renewed meanwhile; ask again")

    async def _told(self, tx: Transaction, memory: Memory, verdict: Verdict) -> Memory:
        new = memory.new_in(verdict)
        asked = _in_words(self.asked)
        await tell_analyst(tx, cut=self.cut, programme=self.asked.programme, judged=new, asked=asked)
        return memory.also(new)


def _in_words(asked: Question) -> str:
    ids = ",".join(one.id for one in asked.indicators)
    where = "".join(f" {stratum}={word}" for stratum, word in asked.where.items())
    return f"{asked.period.text} by {','.join(asked.by) or 'nothing'}{where}: {ids}"[:500]
