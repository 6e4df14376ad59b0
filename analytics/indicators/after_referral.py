"""Who was referred and what became of it: seen in time, seen late, or why not. Pure."""

from datetime import date

import polars as pl

from analytics.extract.dataset import Bucket, Dataset
from analytics.indicators.facts import Fact, Facts, fact, happened
from analytics.indicators.happened.everywhere import bookings, exits, referrals
from analytics.indicators.happened.screens import assessments
from analytics.indicators.moves import first_of_each, in_periods, inside, next_day, of_age
from analytics.indicators.period import Length, Period, Periods
from analytics.indicators.programmes import PROGRAMMES, Programme
from analytics.indicators.strata import group_of
from analytics.places import UNKNOWN, counties
from screening.vocabulary import EventKind

IN_TIME = Length(days=90)

# What came of a referral; of several that apply the first holds.
SEEN, LATE = "seen within 90 days", "seen later"
GONE, CLOSED = "died or moved abroad", "follow-up closed"
MISSED, CANCELLED = "did not attend", "cancelled"
BOOKED, NOTHING = "has an appointment", "no appointment known"
FATES = (SEEN, LATE, BOOKED, MISSED, CANCELLED, GONE, CLOSED, NOTHING)
_COLUMNS = ("part", "county", "unit", "age_group", "fate")


def after_referral(dataset: Dataset, programme: str, period: Period, step: int) -> pl.DataFrame:
    """Persons first referred in each `step` months of the period: `part`, `county`, `unit`, `age_group`, `fate`, `count`.

    One row per combination that occurs. What became of a referral is what is known at the data cut, so the
    latest ones are less complete.
    """
    of, cut = PROGRAMMES[programme], dataset.manifest.data_cut
    periods = Periods(period, step)
    counted = [_bucket(bucket, of, periods, cut) for bucket in dataset.buckets]
    empty = pl.DataFrame(schema={**dict.fromkeys(_COLUMNS, pl.String), "count": pl.Int64})
    return pl.concat([empty, *counted]).group_by(_COLUMNS).agg(pl.col("count").sum()).sort(_COLUMNS)


def _bucket(bucket: Bucket, programme: Programme, periods: Periods, cut: date) -> pl.DataFrame:
    facts = Facts(bucket, programme, cut)
    in_period = of_age(in_periods(referrals(facts), periods), programme.ages, programme.sexes)
    people = first_of_each(in_period)
    parts = dict(enumerate(part.text for part in periods.parts))
    ages = programme.ages
    told = people.select(
        part=pl.col("part").replace_strict(parts, return_dtype=pl.String),
        county=pl.col("county").cast(pl.String).replace(dict(counties())),
        unit=pl.col("unit").cast(pl.String).fill_null(UNKNOWN),
        age_group=pl.Series(ages.labels, dtype=pl.String).gather(group_of(people[ages.column], ages)),
        fate=_fate(people, facts),
    )
    return told.group_by(_COLUMNS).agg(count=pl.len().cast(pl.Int64))


def _fate(people: pl.DataFrame, facts: Facts) -> pl.Series:
    seen = next_day(people, assessments(facts))
    so = {
        SEEN: inside(people["date"], seen, IN_TIME),
        LATE: seen.is_not_null(),
        GONE: next_day(people, exits(facts)).is_not_null(),
        CLOSED: next_day(people, _closures(facts)).is_not_null(),
        BOOKED: next_day(people, _ahead(facts)).is_not_null(),
        MISSED: next_day(people, _missed(facts)).is_not_null(),
        CANCELLED: next_day(people, _cancelled(facts)).is_not_null(),
    }
    marked = pl.DataFrame(so)
    first = pl.coalesce(*(pl.when(pl.col(fate)).then(pl.lit(fate)) for fate in so), pl.lit(NOTHING))
    return marked.select(fate=first).to_series()


def _of(kind: EventKind) -> Fact:
    @fact
    def told(facts: Facts) -> pl.DataFrame:
        return happened(facts, [kind])

    return told


_closures = _of(EventKind.FOLLOW_UP_CLOSED)
_missed = _of(EventKind.APPOINTMENT_MISSED)
_cancelled = _of(EventKind.APPOINTMENT_CANCELLED)


@fact
def _ahead(facts: Facts) -> pl.DataFrame:
    """Appointments booked for a day after the data cut."""
    return bookings(facts).filter(pl.col("for_date") >= facts.data_cut)
