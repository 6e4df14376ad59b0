"""Answers as an audience may have them: what is hidden is empty, and says so."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from analytics.disclosure.cells import WEIGHTED, Cell, Place, What, places
from analytics.disclosure.judge import Verdict, judge, rounded
from analytics.disclosure.policy import Measures, Rounding
from analytics.extract.dataset import Dataset
from analytics.indicators.engine import Question, Results, compute
from analytics.indicators.measures import Quantile, Waiting
from analytics.indicators.model import Stratum
from screening.refusals import Refused

HIDDEN = "hidden"  # the column that says why figures are missing; empty where none is
_FIGURES = ("value", "low", "high")
_MADE_OF = {Stratum.AGE_GROUP.value, Stratum.ROUND.value, Stratum.SCREEN.value}


def reason(measures: Measures) -> str:
    """The same for every hidden number: which of them are small is not told."""
    return f"fewer than {measures.small.below}, or would tell such a number"


def refuse_telling_parts(asked: Question) -> None:
    """Refuses municipalities without their counties: the sums of the ones are the others."""
    strata = {*asked.by, *asked.where}
    if Stratum.MUNICIPALITY in strata and Stratum.COUNTY not in strata:
        raise Refused("would_disclose", "ask by county,municipality: the one is told only beside the other")


def answered(dataset: Dataset, measures: Measures, asked: Question) -> Results:
    """The answer as this audience may have it, beside its own margins and nothing else that was told."""
    refuse_telling_parts(asked)
    answers = [compute(dataset, one) for one in margins(asked)]
    return told_of(answers, judge(answers, measures), measures, asked)


def margins(asked: Question) -> Iterator[Question]:
    """The question for everybody, then with every smaller choice of strata."""
    strata = [*asked.by, *(stratum for stratum in asked.where if stratum not in asked.by)]
    for size in range(len(strata), -1, -1):
        for by in combinations(strata, size):
            yield replace(asked, by=by, where={})


def told_of(answers: Sequence[Results], verdict: Verdict, measures: Measures, asked: Question) -> Results:
    """What was asked for; `answers`: that and its margins, the widest first."""
    results = tell(answers[:1], verdict, measures)[0]
    frame = results.frame
    for stratum, word in asked.where.items():
        frame = frame.filter(pl.col(stratum.value) == word)
    extra = [stratum.value for stratum in asked.where if stratum not in asked.by]
    return replace(results, question=asked, frame=frame.drop(extra))


def tell(answers: Sequence[Results], verdict: Verdict, measures: Measures) -> list[Results]:
    """The answers without what is hidden, and rounded where the policy says so."""
    made_of_hidden = {_put_together(cell.place) for cell in verdict.hidden}
    return [_told(results, verdict.hidden, made_of_hidden, measures) for results in answers]


def _put_together(place: Place) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Where a figure stands that is weighted over the ages or rounds of this place."""
    return place.period, tuple(word for word in place.words if word[0] not in _MADE_OF)


def _told(
    results: Results, hidden: Collection[Cell], made_of_hidden: Collection[Any], measures: Measures
) -> Results:
    weighted = {of.id for of in results.question.indicators if isinstance(of.measure, WEIGHTED)}
    marked = [_missing(place, hidden, made_of_hidden, weighted) for place in places(results)]
    columns = ("_numerator", "_denominator", "_figures")
    rounding = measures.rounding
    frame = _without_ends(results, measures) if rounding is None else _rounded(results, rounding)
    flags = pl.DataFrame(marked, schema=dict.fromkeys(columns, pl.Boolean), orient="row")
    return replace(results, frame=_emptied(pl.concat([frame, flags], how="horizontal"), reason(measures)))


def _missing(
    place: Place, hidden: Collection[Cell], made_of_hidden: Collection[Any], weighted: Collection[str]
) -> tuple[bool, bool, bool]:
    """Whether numerator, denominator and the figures made of them are hidden."""
    numerator, denominator = (Cell(place, what) in hidden for what in (What.NUMERATOR, What.DENOMINATOR))
    told_by_parts = place.indicator in weighted and _put_together(place) in made_of_hidden
    return numerator, denominator, numerator or denominator or told_by_parts


def _emptied(frame: pl.DataFrame, why: str) -> pl.DataFrame:
    gone = {"numerator": "_numerator", "denominator": "_denominator", **dict.fromkeys(_FIGURES, "_figures")}
    return frame.with_columns(
        *(pl.when(flag).then(None).otherwise(name).alias(name) for name, flag in gone.items()),
        pl.when("_figures").then(pl.lit(why)).otherwise(pl.lit("")).alias(HIDDEN),
    ).drop("_numerator", "_denominator", "_figures")


def _rounded(results: Results, rounding: Rounding) -> pl.DataFrame:
    """Counts to the nearest multiple, and figures made anew of them; those of other measures are told coarsely."""
    counts = ("numerator", "denominator")
    frame = results.frame.with_columns(
        pl.Series(name, rounded(results.frame[name].to_numpy().astype(np.int64), rounding.base))
        for name in counts
    )
    plain = {of.id: of for of in results.question.indicators if not of.measure.binned}
    timed = {of.id for of in results.question.indicators if isinstance(of.measure, Quantile)}
    parts = [
        _remade(part, plain[name])
        if name in plain
        else part.with_columns(low=None, high=None)  # days tell no count
        if name in timed
        else _coarser(part, rounding.base)
        for (name,), part in frame.partition_by("id", as_dict=True, maintain_order=True).items()
    ]
    return pl.concat([part.cast(results.frame.schema) for part in parts] or [frame])


def _without_ends(results: Results, measures: Measures) -> pl.DataFrame:
    """Shares by a day told coarsely: beside exact counts they tell how few died or moved away while they waited."""
    waiting = {of.id for of in results.question.indicators if isinstance(of.measure, Waiting)}
    parts = [
        _coarser(part, measures.small.below).cast(results.frame.schema) if name in waiting else part
        for (name,), part in results.frame.partition_by("id", as_dict=True, maintain_order=True).items()
    ]
    return pl.concat(parts or [results.frame])


def _coarser(part: pl.DataFrame, base: int) -> pl.DataFrame:
    """Without limits, and with no more digits than the rounded count bears: 98.86 % of about 90 are 87 of 88."""
    value = part["value"].cast(pl.Float64).to_numpy()
    bears = np.maximum(np.floor(np.log10(np.maximum(part["numerator"].to_numpy() / base, 1.0))), 1)
    size = np.floor(np.log10(np.where(np.abs(value) > 0, np.abs(value), 1.0)))
    step = 10.0 ** (size + 1 - bears)
    told = pl.Series("value", np.round(value / step) * step, nan_to_null=True)
    return part.with_columns(told, low=None, high=None)


def _remade(part: pl.DataFrame, of: Any) -> pl.DataFrame:
    row = pl.int_range(pl.len()).cast(pl.String).alias("row")
    figures = of.measure.figures(part.select(row, "numerator", "denominator"), ["row"])
    ordered = figures.sort(pl.col("row").cast(pl.Int64))
    return part.with_columns(ordered[name] for name in _FIGURES)
