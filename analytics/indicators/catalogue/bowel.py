"""Colorectal screening: kits, stool tests, and the way to colonoscopy."""

from analytics.indicators.catalogue import bowel_outcomes
from analytics.indicators.catalogue.common import (
    NOW,
    acceptable,
    below,
    defining,
    desirable,
    of_screens,
    telling_results,
)
from analytics.indicators.catalogue.general import calling, coming_round, covering, home_sampling
from analytics.indicators.happened import bowel as happened
from analytics.indicators.happened.everywhere import referrals
from analytics.indicators.happened.screens import positives, specimens, valid_screens
from analytics.indicators.measures import Quantile, Waiting
from analytics.indicators.model import Anchor, Indicator, Level, ResultRule, Stratum, Window
from analytics.indicators.outcomes import (
    covered_by,
    days_until,
    flagged,
    neither,
    reached,
    waited_for,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Ages, Programme
from analytics.indicators.units import (
    first,
    residents_with_the_organ,
)

_YEAR = Length(months=12)
_POSITIVE = "people with a positive stool test in the period, from the first"
_SCREENED = "people with a stool test with an answer in the period, from the first"


def indicators(programme: Programme) -> list[Indicator]:
    return [
        *calling(programme),
        *home_sampling(programme),
        *coming_round(programme),
        *covering(programme),
        *_english_coverage(programme),
        *_testing(programme),
        *_following_up(programme),
        *bowel_outcomes.indicators(programme),
    ]


def _english_coverage(programme: Programme) -> list[Indicator]:
    living = "people aged 60-74 living in the country on the last day of the period"
    return [
        defining(programme)(
            id="coverage_en",
            title="Coverage, as England counts it",
            population=living,
            numerator="stool test with an answer in the 2.5 years to the end of the period",
            denominator=living,
            exclusions=("ceased because no bowel is left",),
            ages=Ages(low=60, high=75),
            anchor=Anchor.END_OF_PERIOD,
            window=Window(length=Length(months=-30)),
            maturity=Length(),
            result_rule=ResultRule.ANY,
            whose="England",
            sources=("R2",),
            standards=(
                acceptable(62, "R2 [I32]", whose="NHS England", verified=True),
                desirable(76, "R2 [I32]", whose="NHS England", verified=True),
            ),
            units=residents_with_the_organ,
            counted=covered_by(happened.answered),
        )
    ]


def _testing(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.LAB, Stratum.CUTOFF)
    return [
        define(
            id="inadequate_kit_rate",
            title="People whose stool test gave no answer",
            numerator="no stool test with an answer within 3 months",
            denominator="people with a stool test in the period, from the first, with or without an answer",
            window=Window(length=Length(months=3)),
            maturity=Length(months=3),
            result_rule=ResultRule.FIRST_VALID,
            sources=("R3",),
            standards=(below(Level.ACCEPTABLE, 3, "R3 [M]"), below(Level.DESIRABLE, 1, "R3 [M]")),
            units=first(specimens),
            counted=neither(reached(happened.answered)),
        ),
        define(
            id="positivity",
            title="Positive stool tests",
            numerator="positive by the cut-off in force when it was analysed",
            denominator=_SCREENED,
            window=NOW,
            maturity=Length(),
            result_rule=ResultRule.FIRST_VALID,
            sources=("R4",),
            units=first(valid_screens),
            counted=flagged("positive"),
            note="Not to be compared between cut-offs: see the stratum `cutoff`.",
        ),
        telling_results(
            programme,
            Stratum.LAB,
            Stratum.CUTOFF,
            id="result_turnaround_15d",
            title="Result given within 15 days of the sample",
            tests="stool tests with an answer in the period",
            within="15 days",
            window=Window(length=Length(days=15)),
            whose="Europe",
            sources=("R5",),
            standards=(acceptable(90, "R5 [M]"), desirable(95, "R5 [M]")),
        ),
    ]


def _following_up(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.LAB, Stratum.CUTOFF)
    after_positive = {"denominator": _POSITIVE, "units": first(positives)}
    return [
        define(
            id="referral_after_positive",
            title="Referred after a positive test",
            numerator="referred to colonoscopy within 90 days",
            window=Window(length=Length(days=90)),
            maturity=Length(days=90),
            sources=("R6",),
            standards=(acceptable(90, "R6 [M]"), desirable(95, "R6 [M]")),
            counted=reached(referrals),
            **after_positive,
        ),
        define(
            id="assessment_attendance",
            title="Colonoscopy after a positive test",
            numerator="colonoscopy within 12 months",
            window=Window(length=_YEAR),
            maturity=_YEAR,
            sources=("R7",),
            standards=(acceptable(85, "R7 [M]"), desirable(90, "R7 [M]")),
            counted=reached(happened.assessments),
            **after_positive,
        ),
        define(
            id="colonoscopy_within_31d",
            title="Colonoscopy within 31 days of a positive test",
            numerator="colonoscopy within 31 days",
            window=Window(length=Length(days=31)),
            maturity=Length(days=31),
            whose="Europe",
            sources=("R8",),
            standards=(acceptable(90, "R8 [M]"), desirable(95, "R8 [M]")),
            counted=reached(happened.assessments),
            **after_positive,
        ),
        *(
            define(
                id=f"colonoscopy_incidence_{days}d",
                title=f"Colonoscopy by day {days}, of those who could have it",
                numerator=f"colonoscopy within {days} days",
                measure=Waiting(days),
                window=Window(length=Length(days=days)),
                maturity=Length(),
                sources=("R7",),
                counted=waited_for(happened.assessments),
                note="Death and emigration rule it out; the end of the data only ends what is known.",
                **after_positive,
            )
            for days in (30, 60, 90, 360)
        ),
        define(
            id="time_to_colonoscopy",
            title="Days from a positive test to colonoscopy",
            numerator="half of them had it by this day",
            denominator="people with a positive stool test in the period who had colonoscopy within 12 months",
            measure=Quantile(0.5),
            window=Window(length=_YEAR),
            maturity=_YEAR,
            sources=("R8",),
            units=first(positives),
            counted=days_until(happened.assessments),
        ),
    ]
