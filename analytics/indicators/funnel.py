"""From letter to diagnosis: how many of those called went on to each next step. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.extract.dataset import Bucket, Dataset
from analytics.indicators.facts import Fact, Facts
from analytics.indicators.happened import bowel, cervical
from analytics.indicators.happened.calling import calls
from analytics.indicators.happened.cancers import cancers
from analytics.indicators.happened.everywhere import referrals, visits
from analytics.indicators.happened.screens import specimens
from analytics.indicators.model import Stratum
from analytics.indicators.moves import first_of_each, in_periods, inside, next_row, of_age, told
from analytics.indicators.period import Length, Period, Periods, add_months, period
from analytics.indicators.programmes import PROGRAMMES, Programme
from analytics.indicators.strata import group_of
from analytics.places import counties
from screening.vocabulary import Cancer

_ANSWER, _FOLLOW_UP = Length(months=6), Length(months=18)
MATURITY = Length(months=_ANSWER.months + _FOLLOW_UP.months)

CALLED, TESTED, POSITIVE = "called", "tested", "positive"
# Step -> what it is called; the first three are of every programme, each later one has its fact in _LATER.
STEPS: Mapping[Cancer, Mapping[str, str]] = {
    Cancer.CERVICAL: {
        CALLED: "Called by letter or kit",
        TESTED: "HPV-tested within 6 months",
        POSITIVE: "HPV found",
        "referred": "Referred to colposcopy",
        "attended": "Seen at colposcopy",
        "cin2_plus": "CIN2 or worse found",
        "cancer": "Cancer found",
    },
    Cancer.BREAST: {
        CALLED: "Called by letter",
        TESTED: "Mammogram within 6 months",
        POSITIVE: "Recalled for assessment",
        "attended": "Seen at assessment",
        "cancer": "Cancer found",
    },
    Cancer.COLORECTAL: {
        CALLED: "Sent a stool test",
        TESTED: "Stool test answered within 6 months",
        POSITIVE: "Blood found",
        "referred": "Referred to colonoscopy",
        "attended": "Colonoscopy done",
        "advanced": "Advanced adenoma or cancer found",
        "cancer": "Cancer found",
    },
}
_LATER: Mapping[Cancer, Mapping[str, Fact]] = {
    Cancer.CERVICAL: {
        "referred": referrals, "attended": visits, "cin2_plus": cervical.cin2_plus, "cancer": cancers,
    },
    Cancer.BREAST: {"attended": visits, "cancer": cancers},
    Cancer.COLORECTAL: {
        "referred": referrals, "attended": bowel.assessments, "advanced": bowel.advanced_neoplasia,
        "cancer": cancers,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """People who reached this step and every one before it."""

    id: str
    title: str
    count: int


NARROWED_BY = (Stratum.COUNTY, Stratum.AGE_GROUP, Stratum.SEX)  # when called
_WORDS = [stratum.value for stratum in NARROWED_BY]


def reached(dataset: Dataset, programme: str, asked: Period) -> pl.DataFrame:
    """How many of those first called in the period came to each step, a column for each; one row per county, age group
    and sex when called. Referral, visit and finding count within 18 months of the test.
    """
    of, cut = PROGRAMMES[programme], dataset.manifest.data_cut
    steps = list(STEPS[of.cancer])
    nobody = pl.DataFrame(schema={**dict.fromkeys(_WORDS, pl.String), **dict.fromkeys(steps, pl.Int64)})
    parts = [_reached(bucket, of, asked, cut).select(nobody.columns) for bucket in dataset.buckets]
    return pl.concat([nobody, *parts]).group_by(_WORDS).agg(pl.col(steps).sum()).sort(_WORDS)


def steps_of(told: pl.DataFrame, programme: str, where: Mapping[str, str]) -> Sequence[Step]:
    """The steps of what `reached` told; `where`: only of these words of NARROWED_BY."""
    those = told.filter(*(pl.col(name) == word for name, word in where.items()))
    steps = STEPS[PROGRAMMES[programme].cancer]
    return [Step(step, title, int(those[step].sum())) for step, title in steps.items()]


def _reached(bucket: Bucket, programme: Programme, asked: Period, data_cut: date) -> pl.DataFrame:
    """Each step implies the ones before it, so that the shares multiply."""
    facts = Facts(bucket, programme, data_cut)
    people = first_of_each(of_age(in_periods(calls(facts), Periods(asked)), programme.ages, programme.sexes))
    valid = specimens(facts).filter("valid")
    row = next_row(people, valid, same_day=True)
    answered = inside(people["date"], told(valid, row), _ANSWER)
    tested = valid[row[answered.to_numpy()].tolist()]
    steps = [tested["positive"]]
    for outcome in _LATER[programme.cancer].values():
        found = told(outcome(facts), next_row(tested, outcome(facts), same_day=True))
        steps.append(steps[-1] & inside(tested["date"], found, _FOLLOW_UP))
    everybody = pl.repeat(value=True, n=people.height, eager=True)
    came = [everybody, answered, *(answered.clone().scatter(answered.arg_true(), step) for step in steps)]
    columns = dict(zip(STEPS[programme.cancer], came, strict=True))
    words = {name: _word_of(people, programme, name) for name in _WORDS}
    return pl.DataFrame({**words, **columns}).group_by(_WORDS).agg(pl.col(list(columns)).cast(pl.Int64).sum())


def _word_of(people: pl.DataFrame, programme: Programme, name: str) -> pl.Series:
    match Stratum(name):
        case Stratum.COUNTY:
            return people["county"].cast(pl.String).replace(dict(counties()))
        case Stratum.AGE_GROUP:
            words = pl.Series(programme.ages.labels, dtype=pl.String)
            return words.gather(group_of(people[programme.ages.column], programme.ages))
        case _:
            return people["sex"].cast(pl.String)


def followed_up(asked: Period, data_cut: date) -> Period:
    """The period itself where its follow-up is complete, else the latest calendar year for which it is."""
    if MATURITY.after(asked.end) <= data_cut:
        return asked
    return period(str(add_months(data_cut, -MATURITY.months).year - 1))
