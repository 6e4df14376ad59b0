"""From letter to diagnosis: how many of those called went on to each next step. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.extract.dataset import Bucket, Dataset
from analytics.indicators import cervical
from analytics.indicators.frames import first_of_each, in_period, placed, with_next
from analytics.indicators.model import Ages, Window
from analytics.indicators.period import Length, Period, add_months, period

_ANSWER = Window(length=Length(months=6), same_day=False)
_FOLLOW_UP = Window(length=Length(months=18), same_day=True)
MATURITY = Length(months=_ANSWER.length.months + _FOLLOW_UP.length.months)
STEPS = {
    "called": "Called by letter or kit",
    "tested": "HPV-tested within 6 months",
    "positive": "HPV found",
    "referred": "Referred to colposcopy",
    "attended": "Seen at colposcopy",
    "cin2_plus": "CIN2 or worse found",
}


@dataclass(frozen=True, slots=True)
class Step:
    """Women who reached this step and every one before it."""

    id: str
    title: str
    count: int


def funnel(dataset: Dataset, programme: str, asked: Period, ages: Ages) -> Sequence[Step]:
    """Women first called in the period. Referral, visit and finding count within 18 months of the test."""
    parts = pl.collect_all([_reached(bucket, programme, asked, ages) for bucket in dataset.buckets])
    sums = pl.concat(parts).sum().row(0, named=True) if parts else dict.fromkeys(STEPS, 0)
    return [Step(step, title, int(sums[step] or 0)) for step, title in STEPS.items()]


def _reached(bucket: Bucket, programme: str, asked: Period, ages: Ages) -> pl.LazyFrame:
    women = _called(bucket, programme, asked, ages)
    tested = with_next(women, _valid(bucket, programme), _ANSWER, "test").filter(pl.col("test").is_not_null())
    followed = _followed(tested.select("person", date="test"), bucket, programme)
    together = women.select("person", called=pl.lit(value=True)).join(followed, on="person", how="left")
    return together.select(pl.col(step).fill_null(value=False).sum().cast(pl.Int64) for step in STEPS)


def _called(bucket: Bucket, programme: str, asked: Period, ages: Ages) -> pl.LazyFrame:
    sent = in_period(cervical.calls(bucket, programme), asked)
    return first_of_each(placed(sent, bucket, ages), "letter")


def _valid(bucket: Bucket, programme: str) -> pl.LazyFrame:
    return cervical.hpv_specimens(bucket, programme).filter("valid")


def _followed(tested: pl.LazyFrame, bucket: Bucket, programme: str) -> pl.LazyFrame:
    """Each step implies the ones before it, so that the shares multiply."""
    outcomes = {
        "_referred": cervical.referrals(bucket, programme),
        "_attended": cervical.colposcopies(bucket, programme),
        "_found": cervical.cin2_plus(bucket, programme),
    }
    women = tested.join(_valid(bucket, programme).select("person", "date", "positive"), on=["person", "date"])
    for name, outcome in outcomes.items():
        women = with_next(women, outcome, _FOLLOW_UP, name)
    referred = pl.col("positive") & pl.col("_referred").is_not_null()
    attended = referred & pl.col("_attended").is_not_null()
    found = attended & pl.col("_found").is_not_null()
    return women.select(
        "person", "positive", tested=pl.lit(value=True), referred=referred, attended=attended, cin2_plus=found
    )


def followed_up(asked: Period, data_cut: date) -> Period:
    """The period itself where its follow-up is complete, else the latest calendar year for which it is."""
    if MATURITY.after(asked.end) <= data_cut:
        return asked
    return period(str(add_months(data_cut, -MATURITY.months).year - 1))
