"""Asking: buckets are counted, cells add up, the sums become values with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from analytics.extract.dataset import Dataset, Manifest
from analytics.indicators.beside import counted
from analytics.indicators.catalogue import indicator as definition
from analytics.indicators.catalogue import of_programme, unknown
from analytics.indicators.cells import Wanted
from analytics.indicators.model import TIMES, Indicator, Stratum
from analytics.indicators.period import Period, Periods
from analytics.places import counties
from screening.refusals import Refused

# One row per indicator and stratum; strata of an indicator that were not asked for are absent.
COLUMNS: Mapping[str, type[pl.DataType]] = {
    "id": pl.String,
    "programme": pl.String,
    "period": pl.String,
    "numerator": pl.Int64,
    "denominator": pl.Int64,  # of how many units; person-days where the value is told per person-years
    "value": pl.Float64,  # in `unit`; null where nothing was observed
    "unit": pl.String,  # of the value; where results are split by unit, the clinic, and the definition tells this
    "low": pl.Float64,  # 95 % interval by `method`, in `unit`
    "high": pl.Float64,
    "method": pl.String,
    "standard": pl.Float64,  # the acceptable one, in `unit`; null where none applies to all
    "mature": pl.Boolean,  # whether every unit had its whole follow-up before the data cut
    "mature_on": pl.Date,  # the first data cut at which it has
}
_MOST_PARTS = 240  # twenty years by month


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: which indicators, when, by what, of whom. Made by `question`, which refuses the unknown.

    `where`: only units of these words, such as county Oslo; None of it: everybody.
    """

    programme: str
    indicators: Sequence[Indicator]
    period: Period
    by: Sequence[Stratum]
    where: Mapping[Stratum, str] = field(default_factory=dict[Stratum, str])

    @property
    def periods(self) -> Periods:
        return Periods(self.period, next((TIMES[stratum] for stratum in self.by if stratum in TIMES), None))

    @property
    def strata(self) -> list[Stratum]:
        """By which cells must be kept apart, besides the parts of the period."""
        return [s for s in dict.fromkeys([*self.by, *self.where]) if s not in TIMES]


@dataclass(frozen=True, slots=True)
class Results:
    """The answer. `frame` has COLUMNS and one text column per stratum asked for, sorted."""

    question: Question
    source: Manifest
    frame: pl.DataFrame


def question(
    programme: str,
    period: Period,
    *,
    by: Sequence[str] = (),
    ids: Sequence[str] = (),
    county: str | None = None,
    where: Mapping[str, str] | None = None,
) -> Question:
    """Refuses, naming the nearest, an unknown programme, indicator, stratum or county.

    Without `ids`: every indicator of the programme that can be split by all of `by`.
    """
    offered = of_programme(programme)
    strata = list(dict.fromkeys(_stratum(name) for name in by))
    _refuse_two_times(strata)
    only = {_stratum(name): word for name, word in (where or {}).items()}
    if county is not None:
        only[Stratum.COUNTY] = _county(county)
    needed = [*strata, *only]
    chosen = [_offering(definition(name, programme), needed) for name in dict.fromkeys(ids)] or [
        indicator for indicator in offered if set(needed) <= set(indicator.strata)
    ]
    if not chosen:
        words = ", ".join(needed)
        raise Refused("not_split_so", f"no indicator of {programme} can be split by {words} together")
    return Question(programme, chosen, period, strata, only)


def _stratum(name: str) -> Stratum:
    if name not in set(Stratum):
        raise Refused("unknown_stratum", unknown("stratum", name, Stratum), stratum=name)
    return Stratum(name)


def _refuse_two_times(strata: Sequence[Stratum]) -> None:
    times = [stratum.value for stratum in strata if stratum in TIMES]
    if len(times) > 1:
        raise Refused("two_times", f"ask by one of {', '.join(times)}, not by several at once")


def _offering(indicator: Indicator, strata: Sequence[Stratum]) -> Indicator:
    for stratum in strata:
        if stratum not in indicator.strata:
            message = unknown(f"stratum of {indicator.id}", stratum, indicator.strata)
            raise Refused("not_split_so", message, indicator=indicator.id, stratum=stratum)
    return indicator


def _county(asked: str) -> str:
    named = counties()
    by_name = {name.casefold(): name for name in named.values()}
    found = named.get(asked) or by_name.get(asked.casefold())
    if found is None:
        raise Refused("unknown_area", unknown("county", asked, named.values()), area=asked)
    return found


def compute(dataset: Dataset, asked: Question) -> Results:
    """Answer the question from the dataset. Refuses a period that begins after the data cut."""
    return compute_each(dataset, [asked])[0]


def compute_each(dataset: Dataset, questions: Sequence[Question]) -> list[Results]:
    """The answer to each, from one reading: questions that go together take little longer than one of them."""
    for asked in questions:
        refuse_future(asked.periods, dataset.manifest.data_cut)
    cells = counted(dataset, [_wanted(asked) for asked in questions])
    return [answer(told, asked, dataset.manifest) for told, asked in zip(cells, questions, strict=True)]


def refuse_future(periods: Periods, data_cut: date) -> None:
    """Of a period that begins after the data cut nothing can be told; nor is anything of very many parts at once."""
    period = periods.whole
    if period.start >= data_cut:
        message = f"period {period.text} begins on {period.start}, the data end on {data_cut}"
        raise Refused("period_without_data", message, period=period.text, data_cut=data_cut.isoformat())
    if len(periods.parts) > _MOST_PARTS:
        message = f"{period.text} has {len(periods.parts)} parts; ask for at most {_MOST_PARTS} at once"
        raise Refused("too_many_parts", message, period=period.text)


def count(dataset: Dataset, asked: Question) -> pl.DataFrame:
    """The cells of all buckets, added up."""
    return counted(dataset, [_wanted(asked)])[0]


def _wanted(asked: Question) -> Wanted:
    return Wanted(asked.indicators, asked.periods, asked.strata)


def answer(cells: pl.DataFrame, asked: Question, source: Manifest) -> Results:
    """What the cells say to the question; they may be split by more than is asked."""
    for stratum, word in asked.where.items():
        cells = cells.filter(pl.col(stratum.value) == word)
    kept = cells.partition_by("indicator", as_dict=True)
    frames = [_valued(of, kept.get((of.id,), cells.clear()), asked, source) for of in asked.indicators]
    return Results(asked, source, _arranged(frames, asked))


def _valued(of: Indicator, cells: pl.DataFrame, asked: Question, source: Manifest) -> pl.DataFrame:
    strata = [stratum.value for stratum in asked.by if stratum not in TIMES]
    time = next((stratum.value for stratum in asked.by if stratum in TIMES), None)
    begun = [part for part in asked.periods.parts if part.start < source.data_cut]
    mature = {part.text: of.mature_on(part) for part in begun}
    figures = _figures(of, cells.filter(pl.col("part").is_in(list(mature))), list(mature), strata)
    mature_on = pl.col("part").replace_strict(mature, return_dtype=pl.Date())
    standard = None if of.acceptable is None else of.acceptable.value
    told = {
        "id": pl.lit(of.id),
        "programme": pl.lit(of.programme.id),
        "unit": pl.lit(of.unit_text),
        "method": pl.lit(of.measure.method),
        "standard": pl.lit(standard, pl.Float64),
    }
    return figures.with_columns(
        period=pl.col("part"),
        **({time: pl.col("part")} if time else {}),
        mature=mature_on <= source.data_cut,
        mature_on=mature_on,
        **{name: value for name, value in told.items() if name not in strata},
    )


def _figures(of: Indicator, cells: pl.DataFrame, parts: Sequence[str], strata: Sequence[str]) -> pl.DataFrame:
    """The figures of every part; of a part without strata also where nothing was counted in it."""
    if strata:
        return of.measure.figures(cells, ["part", *strata])
    by_part = [of.measure.figures(cells.filter(pl.col("part") == part), []) for part in parts]
    return pl.concat(by_part).with_columns(part=pl.Series(parts, dtype=pl.String))


def _arranged(frames: Sequence[pl.DataFrame], asked: Question) -> pl.DataFrame:
    """Indicators in the order asked for, strata in the order of their names: the same bytes every time."""
    strata = [stratum.value for stratum in asked.by]
    order = pl.Enum([indicator.id for indicator in asked.indicators])
    lead = ["id", "programme", "period", *strata]
    columns = [*lead, *(name for name in COLUMNS if name not in lead)]
    together = pl.concat([frame.select(columns) for frame in frames])
    words = [_in_order(stratum) for stratum in asked.by]
    return together.sort(pl.col("id").cast(order), "period", *words, nulls_last=True, maintain_order=True)


def _in_order(stratum: Stratum) -> pl.Expr:
    """Words by name, ages and rounds by number: <20 first, 10+ after 9."""
    words = pl.col(stratum.value)
    if stratum not in (Stratum.AGE_GROUP, Stratum.ROUND):
        return words
    return words.str.extract(r"(\d+)").cast(pl.Float64) - words.str.starts_with("<").cast(pl.Float64)
