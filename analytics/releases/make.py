"""Freezing a release: earlier ones are read, everything is counted and judged, and nothing is written yet."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analytics.disclosure.cells import Cells, cells_of
from analytics.disclosure.judge import judge
from analytics.disclosure.policy import Audience, Policy
from analytics.extract.dataset import Dataset
from analytics.releases.code import code_version, protocol_versions
from analytics.releases.comparison import Change, changes
from analytics.releases.comparison import told as visible
from analytics.releases.contents import (
    NUMBERS,
    NUMBERS_THEN,
    About,
    Spec,
    as_known_on,
    count_tables,
    open_files,
    true_files,
)
from analytics.releases.frozen import frozen, numbers, told
from analytics.releases.queries import Earlier, earlier_releases
from screening.refusals import Refused
from screening.storage.database import Database
from screening.storage.transaction import Actor


@dataclass(frozen=True, slots=True)
class Frozen:
    """A release before it is written: `open` files are for everybody, the `true` ones stay inside."""

    about: About
    open: Mapping[str, bytes]
    true: Mapping[str, bytes]


async def freeze(
    database: Database, dataset: Dataset, asked: Spec, policy: Policy, *, actor: Actor, today: date
) -> Frozen:
    """Refuses what small numbers could be worked out from, together with everything published before."""
    earlier = await database.run(
        lambda tx: earlier_releases(tx, programme=asked.programme), actor=actor, today=today
    )
    return await asyncio.to_thread(_frozen, dataset, asked, policy, earlier)


def _frozen(dataset: Dataset, asked: Spec, policy: Policy, earlier: Sequence[Earlier]) -> Frozen:
    measures = policy.measures(Audience.PUBLIC)
    if measures is None:
        raise Refused("audience_unknown", f"policy {policy.id} says nothing for releases")
    before = {one.id: told(one.numbers) for one in earlier}
    previous = _previous(earlier, asked)
    about = About(
        programme=asked.programme, period=asked.period.text, tables=asked.tables,
        data_cut=dataset.manifest.data_cut, watermark=dataset.manifest.watermark, code=code_version(),
        protocols=protocol_versions(asked.programme), policy=policy.id, measures=measures,
        previous=previous.id if previous else None, beside=tuple(sorted(before)),
    )  # fmt: skip
    answers = count_tables(dataset, asked)
    verdict = judge(answers, measures, list(before.values()))
    true = {NUMBERS: frozen(verdict), **true_files(answers, about)}
    changed: list[Change] = []
    if previous is not None:
        was, then = before[previous.id], _as_of(dataset, previous.data_cut, asked)
        true[NUMBERS_THEN] = numbers(then)
        changed = visible(changes(was.cells, then, verdict.cells), was.shown, verdict.shown)
    return Frozen(about, open_files(answers, verdict, changed, about), true)


def _previous(earlier: Sequence[Earlier], asked: Spec) -> Earlier | None:
    """The last one published of the same period."""
    same = [one for one in earlier if one.period == asked.period.text]
    return max(same, key=lambda one: (one.data_cut, one.id), default=None)


def _as_of(dataset: Dataset, day: date, asked: Spec) -> Cells:
    return cells_of(count_tables(as_known_on(dataset, day), asked))
