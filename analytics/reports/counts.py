"""What the pages of one dataset have had counted: each question once, whoever asks first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from threading import RLock
from typing import Any, NamedTuple, TypeVar

import polars as pl

from analytics.extract.dataset import Dataset, Manifest, undisturbed
from analytics.indicators.after_referral import after_referral
from analytics.indicators.catalogue import of_programme
from analytics.indicators.conservation import Conservation, conservation, overdue
from analytics.indicators.engine import question
from analytics.indicators.funnel import Step, followed_up, reached, steps_of
from analytics.indicators.kept import Kept
from analytics.indicators.period import Period
from analytics.indicators.seen import Seen

T = TypeVar("T")


class Split(NamedTuple):
    """Results that are asked for: of these indicators (none: of all that can be split so), by `by`, of those `where`."""

    ids: Sequence[str]
    period: Period
    by: Sequence[str]
    where: Mapping[str, str]


class Counts:
    """Asked by several threads at once: the pictures of one page share what they are drawn from."""

    def __init__(self, kept: Kept) -> None:
        self._kept, self._dataset = kept, kept.dataset
        self._known: dict[tuple[Any, ...], Any] = {}
        self._lock = RLock()  # what is asked for may need another answer

    @property
    def source(self) -> Manifest:
        return self._dataset.manifest

    def of(self, dataset: Dataset) -> bool:
        """Whether this is what was counted."""
        return self._dataset is dataset

    def frame(
        self,
        programme: str,
        period: Period,
        *,
        by: Sequence[str] = (),
        ids: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """Results with `analytics.indicators.engine.COLUMNS`."""
        wanted = Split(ids, period, by, where or {})
        every = _key(programme, wanted._replace(ids=()))
        if ids and every in self._known:
            return self._known[every].filter(pl.col("id").is_in(ids))
        each = [_key(programme, wanted._replace(ids=(one,))) for one in ids]
        if ids and self._known.keys() >= set(each):
            return pl.concat([self._known[key] for key in each])
        asked = question(programme, period, by=by, ids=ids, where=where)
        return self._once(_key(programme, wanted), lambda: self._kept.answer(asked).frame)

    def ahead(self, programme: str, splits: Sequence[Split]) -> None:
        """Has all these counted from one reading, for when they are asked for; what has no answer is passed over."""
        with self._lock:
            wanted = {
                _key(programme, one): question(programme, one.period, by=one.by, ids=one.ids, where=one.where)
                for one in splits
                if self._answers(programme, one)
            }
            missing = {key: asked for key, asked in wanted.items() if key not in self._known}
            answers = self._kept.answer_each(list(missing.values()))
            self._known |= {key: told.frame for key, told in zip(missing, answers, strict=True)}

    def _answers(self, programme: str, wanted: Split) -> bool:
        needed = {*wanted.by, *wanted.where}
        offered = (of for of in of_programme(programme) if not wanted.ids or of.id in wanted.ids)
        return wanted.period.start < self.source.data_cut and any(needed <= set(of.strata) for of in offered)

    def cells(
        self, programme: str, period: Period, indicator: str, *, by: Sequence[str], where: Mapping[str, str]
    ) -> pl.DataFrame:
        """What one indicator's figures are made of, for those of whom `where` is true."""
        key = ("cells", programme, period.text, indicator, *by, None, *sorted(where.items()))
        wanted = question(programme, period, by=by, ids=[indicator], where=where)
        return self._once(key, lambda: self._kept.cells(wanted))

    def fates(self, programme: str, period: Period, step: int, where: Mapping[str, str]) -> pl.DataFrame:
        """What became of those referred, see `after_referral`; only of these counties or age groups."""
        key = ("fates", programme, period.text, step)
        told = self._once(key, lambda: after_referral(self._dataset, programme, period, step))
        return told.filter(*(pl.col(name) == word for name, word in where.items() if name in told.columns))

    def steps(
        self, programme: str, period: Period, where: Mapping[str, str]
    ) -> tuple[Sequence[Step], Period]:
        """From invited to cancer, and of whom: the period, or the latest year whose follow-up is complete."""
        cohort = followed_up(period, self.source.data_cut)
        key = ("steps", programme, cohort.text)
        told = self._once(key, lambda: reached(self._dataset, programme, cohort))
        return steps_of(told, programme, where), cohort

    def begun(self, programme: str) -> bool:
        """Whether anybody has been decided about in the programme, or anything was recorded in it."""
        return self._once(
            ("begun", programme),
            lambda: (
                bool(sum(self.people(programme).by_status.values())) or _recorded(self._dataset, programme)
            ),
        )

    def seen(self, programme: str) -> Seen:
        """Laboratories and units that the programme's events name: what its figures can be narrowed to.

        Refuses, naming the nearest, an unknown programme.
        """
        of_programme(programme)
        return self._once(("seen", programme), lambda: self._kept.seen(programme))

    def recorded_since(self, programme: str) -> date | None:
        """The first day on which anything of the programme was recorded: what happened before came from archives."""
        return self._once(("since", programme), lambda: _first_recorded(self._dataset, programme))

    def people(self, programme: str) -> Conservation:
        return self._once(("people", programme), lambda: conservation(self._dataset, programme))

    def overdue(self, programme: str) -> pl.DataFrame:
        cut = self.source.data_cut
        return self._once(("overdue", programme), lambda: overdue(self._dataset, programme, cut))

    def _once(self, key: tuple[Any, ...], work: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._known:
                with undisturbed(self._dataset):
                    self._known[key] = work()
            return self._known[key]


def _key(programme: str, wanted: Split) -> tuple[Any, ...]:
    filtered = sorted(wanted.where.items())
    return ("frame", programme, wanted.period.text, *wanted.by, None, *wanted.ids, None, *filtered)


def _first_recorded(dataset: Dataset, programme: str) -> date | None:
    days = [
        bucket.events.filter(pl.col("programme") == programme).select(pl.col("recorded_on").min())
        for bucket in dataset.buckets
    ]
    return pl.concat([pl.LazyFrame(schema={"recorded_on": pl.Date}), *days]).collect()["recorded_on"].min()  # pyright: ignore[reportReturnType]


def _recorded(dataset: Dataset, programme: str) -> bool:
    of = pl.col("programme") == programme
    return any(
        frame.filter(of).head(1).collect().height
        for bucket in dataset.buckets
        for frame in (bucket.events, bucket.obligations)
    )
