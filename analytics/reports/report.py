"""Everything the page of one programme shows, counted once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.extract.dataset import Dataset, Manifest
from analytics.indicators.catalogue import of_programme
from analytics.indicators.conservation import Conservation, conservation, overdue
from analytics.indicators.engine import compute, question
from analytics.indicators.funnel import Step, followed_up, funnel
from analytics.indicators.model import Indicator
from analytics.indicators.period import Period

_YEARS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Report:
    """`overall`, `by_…` are results frames; `years` ends with the period's last year."""

    programme: str
    period: Period
    source: Manifest
    indicators: Sequence[Indicator]
    overall: pl.DataFrame
    by_county: pl.DataFrame
    by_age: pl.DataFrame
    by_sample: pl.DataFrame
    years: pl.DataFrame
    funnel: Sequence[Step]
    funnel_period: Period
    people: Conservation
    overdue: pl.DataFrame


def report(dataset: Dataset, programme: str, period: Period) -> Report:
    """Refuses an unknown programme and a period that begins after the data cut."""
    cut = dataset.manifest.data_cut
    offered = of_programme(programme)
    cohort = followed_up(period, cut)
    return Report(
        programme=programme,
        period=period,
        source=dataset.manifest,
        indicators=offered,
        overall=_counted(dataset, programme, period),
        by_county=_counted(dataset, programme, period, "county"),
        by_age=_counted(dataset, programme, period, "age_group"),
        by_sample=_counted(dataset, programme, period, "sample"),
        years=_counted(dataset, programme, _span(period, cut), "year"),
        funnel=funnel(dataset, programme, cohort),
        funnel_period=cohort,
        people=conservation(dataset, programme),
        overdue=overdue(dataset, programme, cut),
    )


def _counted(dataset: Dataset, programme: str, period: Period, *by: str) -> pl.DataFrame:
    return compute(dataset, question(programme, period, by=by)).frame


def _span(period: Period, data_cut: date) -> Period:
    """The years up to the period's last; none that has not begun at the data cut."""
    last = min(period.years()[-1].start.year, data_cut.year - (data_cut == date(data_cut.year, 1, 1)))
    first = last - _YEARS_SHOWN + 1
    return Period(f"{first}-{last}", date(first, 1, 1), date(last + 1, 1, 1))
