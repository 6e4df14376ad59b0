"""From letter to diagnosis: how many of those called went on to each next step. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analytics.extract.dataset import Bucket, Dataset
from analytics.indicators.facts import Fact, Facts
from analytics.indicators.happened import cervical
from analytics.indicators.happened.everywhere import calls, referrals, visits
from analytics.indicators.happened.screens import specimens
from analytics.indicators.moves import first_of_each, in_periods, inside, next_row, of_age, told
from analytics.indicators.period import Length, Period, Periods, add_months, period
from analytics.indicators.programmes import PROGRAMMES, Programme
from screening.vocabulary import Cancer

_ANSWER, _FOLLOW_UP = Length(months=6), Length(months=18)
MATURITY = Length(months=_ANSWER.months + _FOLLOW_UP.months)

_FOUND: Mapping[Cancer, Fact] = {Cancer.CERVICAL: cervical.cin2_plus}
STEPS: Mapping[Cancer, Mapping[str, str]] = {
    Cancer.CERVICAL: {
        "called": "Called by letter or kit",
        "tested": "HPV-tested within 6 months",
        "positive": "HPV found",
        "referred": "Referred to colposcopy",
        "attended": "Seen at colposcopy",
        "cin2_plus": "CIN2 or worse found",
    },
}


@dataclass(frozen=True, slots=True)
class Step:
    """People who reached this step and every one before it."""

    id: str
    title: str
    count: int


def funnel(dataset: Dataset, programme: str, asked: Period) -> Sequence[Step]:
    """People first called in the period. Referral, visit and finding count within 18 months of the test."""
    of, cut = PROGRAMMES[programme], dataset.manifest.data_cut
    steps = STEPS[of.cancer]
    parts = [_reached(bucket, of, asked, cut) for bucket in dataset.buckets]
    sums = [sum(part[place] for part in parts) for place in range(len(steps))]
    return [Step(step, title, count) for (step, title), count in zip(steps.items(), sums, strict=True)]


def _reached(bucket: Bucket, programme: Programme, asked: Period, data_cut: date) -> list[int]:
    """Each step implies the ones before it, so that the shares multiply."""
    facts = Facts(bucket, programme, data_cut)
    people = first_of_each(of_age(in_periods(calls(facts), Periods(asked)), programme.ages, programme.sexes))
    valid = specimens(facts).filter("valid")
    row = next_row(people, valid, same_day=False)
    answered = inside(people["date"], told(valid, row), _ANSWER)
    tested = valid[row[answered.to_numpy()].tolist()]
    steps = [tested["positive"]]
    for outcome in (referrals, visits, _FOUND[programme.cancer]):
        found = told(outcome(facts), next_row(tested, outcome(facts), same_day=True))
        steps.append(steps[-1] & inside(tested["date"], found, _FOLLOW_UP))
    return [people.height, tested.height, *(int(step.sum()) for step in steps)]


def followed_up(asked: Period, data_cut: date) -> Period:
    """The period itself where its follow-up is complete, else the latest calendar year for which it is."""
    if MATURITY.after(asked.end) <= data_cut:
        return asked
    return period(str(add_months(data_cut, -MATURITY.months).year - 1))
