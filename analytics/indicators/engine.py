"""Counting: each bucket gives counts, counts add up, the sums become values with intervals.

`map(bucket) -> counts` and `reduce` are separate, so buckets may be counted anywhere and in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from analytics.extract.dataset import Bucket, Dataset, Manifest
from analytics.indicators.catalogue import indicator as definition
from analytics.indicators.catalogue import of_programme, unknown
from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.period import Period
from analytics.methods.intervals import interval
from analytics.places import counties
from screening.refusals import Refused

# One row per indicator and stratum; strata of an indicator that were not asked for are absent.
COLUMNS: Mapping[str, type[pl.DataType]] = {
    "id": pl.String,
    "programme": pl.String,
    "period": pl.String,
    "numerator": pl.Int64,
    "denominator": pl.Int64,
    "value": pl.Float64,  # in `unit`; null where the denominator is 0
    "unit": pl.String,
    "low": pl.Float64,  # 95 % interval by `method`, in `unit`
    "high": pl.Float64,
    "method": pl.String,
    "standard": pl.Float64,  # the least that is acceptable, in `unit`; null where none applies
    "mature": pl.Boolean,  # whether every unit had its whole follow-up before the data cut
    "mature_on": pl.Date,  # the first data cut at which it has
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: which indicators, when, by what, where. Made by `question`, which refuses the unknown."""

    indicators: Sequence[Indicator]
    period: Period
    by: Sequence[Stratum]
    county: str | None = None  # name; None: all of Norway


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
) -> Question:
    """Refuses, naming the nearest, an unknown programme, indicator, stratum or county.

    Without `ids`: every indicator of the programme that can be split by all of `by`.
    """
    offered = of_programme(programme)
    strata = [_stratum(name) for name in by]
    chosen = [_offering(definition(name), strata, programme) for name in ids] or [
        indicator for indicator in offered if set(strata) <= set(indicator.strata)
    ]
    if not chosen:
        raise Refused("not_split_so", f"no indicator of {programme} can be split by {', '.join(by)} together")
    return Question(chosen, period, strata, None if county is None else _county(county))


def _stratum(name: str) -> Stratum:
    if name not in set(Stratum):
        raise Refused("unknown_stratum", unknown("stratum", name, Stratum), stratum=name)
    return Stratum(name)


def _offering(indicator: Indicator, strata: Sequence[Stratum], programme: str) -> Indicator:
    if indicator.programme != programme:
        message = f"{indicator.id} belongs to {indicator.programme}, not to {programme}"
        raise Refused("other_programme", message, indicator=indicator.id)
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
    _refuse_future(asked.period, dataset.manifest.data_cut)
    frames = [
        _valued(indicator, period, counts(dataset, indicator, period, asked), dataset.manifest.data_cut)
        for indicator in asked.indicators
        for period in _periods(asked)
    ]
    return Results(asked, dataset.manifest, _arranged(frames, asked))


def _refuse_future(period: Period, data_cut: date) -> None:
    if period.start >= data_cut:
        message = f"period {period.text} begins on {period.start}, the data end on {data_cut}"
        raise Refused("period_without_data", message, period=period.text, data_cut=data_cut.isoformat())


def _periods(asked: Question) -> Sequence[Period]:
    return asked.period.years() if Stratum.YEAR in asked.by else [asked.period]


def counts(dataset: Dataset, indicator: Indicator, period: Period, asked: Question) -> pl.DataFrame:
    """Numerator and denominator by stratum; without strata one row, even where nothing was counted."""
    keys = [stratum.value for stratum in asked.by if stratum != Stratum.YEAR]
    partials = pl.collect_all([partial(indicator, bucket, period, asked, keys) for bucket in dataset.buckets])
    return combined(partials, keys).with_columns(
        pl.lit(period.text).alias(name) for name in asked.by if name == Stratum.YEAR
    )


def partial(
    indicator: Indicator, bucket: Bucket, period: Period, asked: Question, keys: Sequence[str]
) -> pl.LazyFrame:
    """The counts of one bucket; those of different buckets add up, because no person is in two."""
    units = indicator.count(indicator, bucket, period)
    if asked.county is not None:
        units = units.filter(pl.col("county") == asked.county)
    sums = (
        pl.col("counted").sum().cast(pl.Int64).alias("numerator"),
        pl.len().cast(pl.Int64).alias("denominator"),
    )
    return units.group_by(keys).agg(*sums) if keys else units.select(*sums)


def combined(partials: Sequence[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    sums = pl.col("numerator", "denominator").sum()
    if not partials:
        return (
            pl.DataFrame({"numerator": [0], "denominator": [0]})
            if not keys
            else pl.DataFrame(
                schema={**dict.fromkeys(keys, pl.String), "numerator": pl.Int64, "denominator": pl.Int64}
            )
        )
    together = pl.concat(partials)
    return together.group_by(keys).agg(sums) if keys else together.select(sums)


def _valued(indicator: Indicator, period: Period, counted: pl.DataFrame, data_cut: date) -> pl.DataFrame:
    rows = [row | _figures(indicator, period, row) for row in counted.iter_rows(named=True)]
    strata = [name for name in counted.columns if name not in COLUMNS]
    ready = indicator.mature_on(period)
    schema = {**COLUMNS, **dict.fromkeys(strata, pl.String)}
    return pl.DataFrame(
        [row | {"mature": data_cut >= ready, "mature_on": ready} for row in rows], schema=schema
    )


def _figures(indicator: Indicator, period: Period, row: Mapping[str, Any]) -> dict[str, object]:
    numerator, denominator = int(row["numerator"]), int(row["denominator"])
    limits = interval(indicator.method, numerator, denominator)
    low, high = (float(x) * indicator.per if denominator else None for x in limits)
    return {
        "id": indicator.id,
        "programme": indicator.programme,
        "period": period.text,
        "value": numerator / denominator * indicator.per if denominator else None,
        "unit": indicator.unit_text,
        "low": low,
        "high": high,
        "method": indicator.method.value,
        "standard": min((standard.value for standard in indicator.standards), default=None),
    }


def _arranged(frames: Sequence[pl.DataFrame], asked: Question) -> pl.DataFrame:
    """Indicators in the order asked for, strata in the order of their names: the same bytes every time."""
    strata = [stratum.value for stratum in asked.by]
    order = pl.Enum([indicator.id for indicator in asked.indicators])
    lead = ["id", "programme", "period", *strata]
    rest = [name for name in COLUMNS if name not in lead]
    together = pl.concat(frames).select(*lead, *rest)
    return together.sort(pl.col("id").cast(order), "period", *strata, nulls_last=True, maintain_order=True)
