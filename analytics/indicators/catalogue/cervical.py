"""Cervical screening: from the letter to the visit at colposcopy."""

from analytics.indicators.catalogue import cervical_elsewhere, cervical_outcomes
from analytics.indicators.catalogue.common import (
    PRIMARY,
    SCREENED,
    acceptable,
    basic,
    defining,
    of_referrals,
    of_screens,
    people,
)
from analytics.indicators.catalogue.general import calling, covering, home_sampling
from analytics.indicators.happened import cervical as happened
from analytics.indicators.happened.everywhere import referrals, visits
from analytics.indicators.happened.risk import repeats_due, self_positives
from analytics.indicators.happened.screens import answered, specimens, valid_screens
from analytics.indicators.measures import Quantile, Waiting
from analytics.indicators.model import Anchor, Indicator, ResultRule, Stratum, Unit, Window
from analytics.indicators.outcomes import (
    covered_by,
    days_until,
    either,
    flagged,
    neither,
    reached,
    repeated,
    waited_for,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Programme
from analytics.indicators.units import (
    each,
    first,
    repeats_owed,
    residents,
    residents_last_tested_otherwise,
)


def indicators(programme: Programme) -> list[Indicator]:
    return [
        *calling(programme),
        *home_sampling(programme),
        *covering(programme),
        *_covering_by_interval(programme),
        *_testing(programme),
        *_following_up(programme),
        *cervical_outcomes.indicators(programme),
        *cervical_elsewhere.indicators(programme),
    ]


def _covering_by_interval(programme: Programme) -> list[Indicator]:
    who = people(programme)
    define = defining(
        programme,
        population=f"{who} living in the country on the last day of the period",
        anchor=Anchor.END_OF_PERIOD,
        maturity=Length(),
        result_rule=ResultRule.ANY,
        sources=("C1n",),
    )
    return [
        define(
            id="test_coverage_3_5y",
            title="Tested in the last 3.5 years, of those not yet under the longer interval",
            numerator="at least one HPV or cytology test with an answer in the 3.5 years to the end of the period",
            denominator=f"{who} living in the country on the last day of the period whose last test was no HPV test",
            window=Window(length=Length(months=-42)),
            exclusions=(
                "whose last test with an answer was an HPV test: the 5-year interval holds for them",
            ),
            units=residents_last_tested_otherwise(happened.hpv_answered),
            counted=covered_by(answered),
            note="The older Norwegian figure; without the exclusion it would fall by itself as women move to 5 years.",
        ),
        define(
            id="test_coverage_own_interval",
            title="Tested within the interval of the test they had",
            numerator="HPV test with an answer in the last 5.5 years, or cytology in the last 3.5, to the end of the period",
            denominator=f"{who} living in the country on the last day of the period",
            window=Window(length=Length(months=-66)),
            units=residents,
            counted=either(
                covered_by(happened.hpv_answered), covered_by(happened.cytology_answered, Length(months=-42))
            ),
        ),
    ]


def _testing(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.SAMPLE, Stratum.LAB)
    of_tests = defining(
        programme,
        population=f"{people(programme)} at the test",
        unit=Unit.TEST,
        anchor=Anchor.SPECIMEN,
        window=Window(length=Length()),
        maturity=Length(),
        result_rule=ResultRule.FIRST_VALID,
    )
    return [
        define(
            id="hpv_positivity",
            title="HPV found in primary tests",
            numerator="HPV was found",
            denominator="valid primary HPV tests of the period",
            unit=Unit.TEST,
            window=Window(length=Length()),
            maturity=Length(),
            result_rule=ResultRule.FIRST_VALID,
            sources=("C3",),
            units=each(valid_screens),
            counted=flagged("positive"),
            note=PRIMARY,
        ),
        of_tests(
            id="invalid_rate",
            title="HPV tests without an answer",
            numerator="no test of the specimen gave an answer",
            denominator="HPV specimens of the period, primary and follow-up",
            strata=(*basic(programme), Stratum.SAMPLE, Stratum.LAB),
            sources=("C4",),
            units=each(specimens),
            counted=neither(flagged("valid")),
        ),
        of_tests(
            id="unsatisfactory_cytology",
            title="Cytology without an answer",
            numerator="no slide of the day gave an answer",
            denominator="days on which cytology was taken in the period",
            strata=(*basic(programme), Stratum.LAB),
            sources=("C4",),
            units=each(happened.cytology_specimens),
            counted=neither(flagged("valid")),
        ),
        define(
            id="colposcopy_referral_rate",
            title="Referred to colposcopy directly",
            numerator="referred to colposcopy within 6 months of the specimen",
            denominator=SCREENED,
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            sources=("C6",),
            units=first(valid_screens),
            counted=reached(referrals),
            note="Six months end before the earliest repeat test, so referrals after a repeat are left out. "
            + PRIMARY,
        ),
        define(
            id="colposcopy_referral_rate_cumulative",
            title="Referred to colposcopy in the end",
            numerator="referred to colposcopy within 36 months of the specimen, directly or after repeat tests",
            denominator=SCREENED,
            window=Window(length=Length(months=36)),
            maturity=Length(months=36),
            sources=("C6",),
            units=first(valid_screens),
            counted=reached(referrals),
        ),
    ]


def _following_up(programme: Programme) -> list[Indicator]:
    who, define = people(programme), of_referrals(programme)
    referred = "women referred to colposcopy in the period, from the first referral"
    return [
        define(
            id="colposcopy_attendance_90d",
            title="Seen at colposcopy within 90 days",
            numerator="attended colposcopy within 90 days of the referral",
            denominator=referred,
            window=Window(length=Length(days=90)),
            maturity=Length(days=90),
            sources=("C7",),
            units=first(referrals),
            counted=reached(visits),
            note="A plain share: who died or moved abroad meanwhile stays in the denominator.",
        ),
        define(
            id="colposcopy_attendance_15mo",
            title="Seen at colposcopy within 15 months",
            numerator="attended colposcopy within 15 months of the referral",
            denominator=referred,
            window=Window(length=Length(months=15)),
            maturity=Length(months=15),
            whose="Europe",
            sources=("C7",),
            standards=(acceptable(90, "C7 [M]"),),
            units=first(referrals),
            counted=reached(visits),
        ),
        *(
            define(
                id=f"colposcopy_incidence_{days}d",
                title=f"Seen at colposcopy by day {days}, of those who could be",
                numerator=f"attended colposcopy within {days} days of the referral",
                denominator=referred,
                measure=Waiting(days),
                window=Window(length=Length(days=days)),
                maturity=Length(),
                sources=("C7",),
                units=first(referrals),
                counted=waited_for(visits),
                note="Death and emigration rule the visit out; the end of the data only ends what is known.",
            )
            for days in (90, 180, 365)
        ),
        define(
            id="time_to_colposcopy",
            title="Days from referral to colposcopy",
            numerator="half of them had attended by this day",
            denominator="women referred to colposcopy in the period who attended within 12 months",
            measure=Quantile(0.5),
            window=Window(length=Length(months=12)),
            maturity=Length(months=12),
            sources=("C7",),
            units=first(referrals),
            counted=days_until(visits),
        ),
        define(
            id="self_sample_follow_up",
            title="Followed up after HPV in a home sample",
            population=f"{who} at the test",
            numerator="sample taken by a clinician, or colposcopy, within 6 months",
            denominator="women in whose home sample HPV was found in the period, from the first",
            anchor=Anchor.SPECIMEN,
            window=Window(length=Length(months=6), same_day=False),
            maturity=Length(months=6),
            sources=("C8",),
            strata=(*basic(programme), Stratum.LAB),
            units=first(self_positives),
            counted=either(reached(happened.clinician_tests), reached(visits)),
        ),
        define(
            id="repeat_test_compliance",
            title="Repeat tests taken about when they were due",
            population=f"{who} when the repeat test was due",
            numerator="specimen taken from 3 months before to 6 months after the due date",
            denominator="repeat tests that fell due in the period",
            unit=Unit.OBLIGATION,
            anchor=Anchor.DUE,
            window=Window(begin=Length(months=-3), length=Length(months=6)),
            maturity=Length(months=6),
            exclusions=("no longer owed within 6 months of the due date: moved abroad, ceased or died",),
            sources=("C9",),
            strata=basic(programme),
            units=repeats_owed(repeats_due),
            counted=repeated(happened.tested_at_all),
        ),
        define(
            id="high_grade_cytology_histology_12mo",
            title="High-grade cytology followed by tissue within 12 months",
            population=f"{who} at the test",
            numerator="tissue taken within 12 months",
            denominator="cytology of ASC-H, HSIL, AIS or cancer in the period",
            unit=Unit.TEST,
            anchor=Anchor.SPECIMEN,
            window=Window(length=Length(months=12)),
            maturity=Length(months=12),
            whose="Sweden",
            sources=("C10",),
            strata=(*basic(programme), Stratum.LAB),
            units=each(happened.high_grade_cytology),
            counted=reached(happened.tissue),
        ),
    ]
