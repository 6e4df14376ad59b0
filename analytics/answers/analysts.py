"""Answers to analysts: of the data cut that all processes share, each told only once it is remembered."""

import asyncio
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from analytics.answers.commands import lock_programme, take_cut, tell_analyst
from analytics.answers.cut import put, put_manifest
from analytics.answers.memory import Memory
from analytics.answers.queries import KeptCut, current_cut, files_of_cut, told_since
from analytics.disclosure.answer import margins, refuse_telling_parts, told_of
from analytics.disclosure.cells import cells_of
from analytics.disclosure.judge import judge
from analytics.disclosure.policy import Measures
from analytics.disclosure.together import Told
from analytics.extract.keeping import dataset_in
from analytics.indicators.engine import Question, Results
from analytics.indicators.kept import Kept
from analytics.live import held_of
from analytics.releases.frozen import told as told_by_release
from analytics.releases.queries import earlier_releases, told_ids
from screening.refusals import Conflict, Refused
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction
from screening.web import CallerRequest, commit, today_of

_STATE = "analysts"
_AT_ONCE = 2000  # numbers, which are judged within seconds; meanwhile other analysts of the programme wait


@dataclass(slots=True)
class _Programme:
    """What this process has read of what was told; one question at a time, so that few connections wait."""

    memory: Memory = field(default_factory=Memory)
    releases: dict[int, Told] = field(default_factory=dict[int, Told])
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Cut:
    """One data cut, in memory or, where it is large, in files of this process."""

    def __init__(self, kept: KeptCut, counts: Kept, measures: Measures) -> None:
        self.kept = kept
        self.counts = counts
        self._measures = measures
        self._programmes: dict[str, _Programme] = defaultdict(_Programme)
        self._removed = False

    def serves(self, today: date) -> bool:
        return self.kept.data_cut <= today < self.kept.until and not self._removed

    async def answer(self, asked: Question, *, database: Database, actor: Actor, today: date) -> Results:
        """The same to whoever asks the same. Refuses what the answers before tell too much of."""
        refuse_telling_parts(asked)
        answers = await asyncio.to_thread(lambda: [self.counts.answer(one) for one in margins(asked)])
        of = self._programmes[asked.programme]
        cells = await asyncio.to_thread(cells_of, answers)
        _refuse_too_many(len(cells))
        if not of.memory.knows(cells):
            async with of.lock:
                if not of.memory.knows(cells):
                    work = partial(self._judged, of=of, answers=answers, asked=asked)
                    of.memory = await database.run(work, actor=actor, today=today)
        verdict = of.memory.verdict(cells)
        return await asyncio.to_thread(told_of, answers, verdict, self._measures, asked)

    async def _judged(
        self, tx: Transaction, *, of: _Programme, answers: list[Results], asked: Question
    ) -> Memory:
        self._removed = not await lock_programme(tx, cut=self.kept.id, programme=asked.programme)
        if self._removed:
            raise Conflict("data_cut_ended", "the data cut was renewed meanwhile; ask again")
        upto, told = await told_since(tx, cut=self.kept.id, programme=asked.programme, upto=of.memory.upto)
        memory = of.memory.also(told)
        memory.upto = upto
        before = [*await _releases(tx, of, asked.programme), memory.told()]
        verdict = await asyncio.to_thread(
            judge, answers, self._measures, before, closed=frozenset(memory.hidden)
        )
        new = memory.new_in(verdict)
        await tell_analyst(
            tx, cut=self.kept.id, programme=asked.programme, judged=new, asked=_in_words(asked)
        )
        return memory.also(new)


def _refuse_too_many(numbers: int) -> None:
    if numbers > _AT_ONCE:
        message = f"this asks for {numbers} numbers at once, margins included; ask for at most {_AT_ONCE}: name some `ids`"
        raise Refused("too_many_numbers", message, numbers=numbers, at_most=_AT_ONCE)


async def _releases(tx: Transaction, of: _Programme, programme: str) -> list[Told]:
    """What is published an analyst reads too."""
    ids = await told_ids(tx, programme=programme)
    if set(ids) - of.releases.keys():
        found = await earlier_releases(tx, programme=programme)
        of.releases = {one.id: await asyncio.to_thread(told_by_release, one.numbers) for one in found}
    return [of.releases[one] for one in ids]


def _in_words(asked: Question) -> str:
    ids = ",".join(one.id for one in asked.indicators)
    where = "".join(f" {stratum}={word}" for stratum, word in asked.where.items())
    return f"{asked.period.text} by {','.join(asked.by) or 'nothing'}{where}: {ids}"[:500]


class Analysts:
    """One process's data cut: the one that all share, taken when it is first asked for."""

    def __init__(self) -> None:
        self._cut: Cut | None = None
        self._opening = asyncio.Lock()

    async def cut(self, request: CallerRequest, measures: Measures) -> Cut:
        """The one of today."""
        async with self._opening:
            if self._cut is None or not self._cut.serves(today_of(request)):
                self._cut = await _opened(request, measures)
            return self._cut


async def _opened(request: CallerRequest, measures: Measures) -> Cut:
    kept = await commit(request, current_cut)
    if kept is None:
        dataset = (await held_of(request)).dataset
        kept = await commit(request, partial(take_cut, dataset=dataset, days=measures.days))
    return await commit(request, partial(_loaded, kept=kept, measures=measures))


async def _loaded(tx: Transaction, *, kept: KeptCut, measures: Measures) -> Cut:
    folder = Path(await asyncio.to_thread(mkdtemp, prefix="screening-cut-"))
    try:
        async for name, content in files_of_cut(tx, kept.id):
            await asyncio.to_thread(put, folder, name, content)
        await asyncio.to_thread(put_manifest, folder, kept.manifest)
        return Cut(kept, Kept(await asyncio.to_thread(dataset_in, folder)), measures)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


async def cut_of(request: CallerRequest, measures: Measures) -> Cut:
    """What this analyst is answered of."""
    analysts: Analysts | None = getattr(request.app.state, _STATE, None)
    if analysts is None:
        analysts = Analysts()
        setattr(request.app.state, _STATE, analysts)
    return await analysts.cut(request, measures)
