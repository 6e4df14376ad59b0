"""Answers to analysts: of the data cut that all processes share, each told only once it is remembered."""

import asyncio
import shutil
from collections import defaultdict
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from analytics.answers.commands import take_cut
from analytics.answers.cut import put, put_manifest
from analytics.answers.memory import Memory
from analytics.answers.queries import KeptCut, current_cut, files_of_cut
from analytics.answers.telling import Programme, Run, Telling
from analytics.disclosure.answer import margins, refuse_telling_parts, told_of
from analytics.disclosure.cells import cells_of
from analytics.disclosure.policy import Measures
from analytics.extract.keeping import dataset_in
from analytics.indicators.engine import Question, Results
from analytics.indicators.kept import Kept
from analytics.live import held_of
from screening.refusals import Conflict, Refused
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction
from screening.web import CallerRequest, commit, today_of

_STATE = "analysts"
_AT_ONCE = 5000  # numbers, which are judged within seconds


class Cut:
    """One data cut, in memory or, where it is large, in files of this process."""

    def __init__(self, kept: KeptCut, counts: Kept, measures: Measures) -> None:
        self.kept = kept
        self.counts = counts
        self._measures = measures
        self._programmes: dict[str, Programme] = defaultdict(Programme)
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
            telling = Telling(self.kept.id, asked, answers, cells, self._measures, of)
            of.memory = await self._remembered(telling, partial(database.run, actor=actor, today=today))
        verdict = of.memory.verdict(cells)
        return await asyncio.to_thread(told_of, answers, verdict, self._measures, asked)

    async def _remembered(self, telling: Telling, run: Run) -> Memory:
        try:
            return await telling.remembered(run)
        except Conflict:
            self._removed = True
            raise


def _refuse_too_many(numbers: int) -> None:
    if numbers > _AT_ONCE:
        message = f"this asks for {numbers} numbers at once, margins included; ask for at most {_AT_ONCE}: name some `ids`"
        raise Refused("too_many_numbers", message, numbers=numbers, at_most=_AT_ONCE)


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
