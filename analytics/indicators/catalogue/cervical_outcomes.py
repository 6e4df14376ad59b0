"""Cervical screening: what was found, and how it was treated."""

from functools import partial

import polars as pl

from analytics.indicators.catalogue.common import (
    PRIMARY,
    SCREENED,
    defining,
    of_referrals,
    of_screens,
    people,
)
from analytics.indicators.happened import cervical as happened
from analytics.indicators.happened.everywhere import referrals, treatments, visits
from analytics.indicators.happened.risk import cin1_alone, treatments_of_cin
from analytics.indicators.happened.screens import positives, valid_screens
from analytics.indicators.measures import Share
from analytics.indicators.model import Anchor, Indicator, ResultRule, Scope, Stratum, Window
from analytics.indicators.outcomes import (
    flagged,
    reached,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Programme
from analytics.indicators.units import (
    first,
    first_reaching,
)


def indicators(programme: Programme) -> list[Indicator]:
    return [*_finding(programme), *_treating(programme)]


def _finding(programme: Programme) -> list[Indicator]:
    define, after = of_screens(programme, Stratum.SAMPLE, Stratum.LAB), of_referrals(programme)
    lesions = {"cin2_plus": ("CIN2", happened.cin2_plus), "cin3_plus": ("CIN3", happened.cin3_plus)}
    return [
        *(
            define(
                id=f"{name}_detection_rate",
                title=f"{word} or worse found",
                numerator=f"tissue with {word} or worse within 18 months of the specimen",
                denominator=SCREENED,
                measure=Share(1000),
                window=Window(length=Length(months=18)),
                maturity=Length(months=18),
                result_rule=ResultRule.WORST,
                sources=("C11",),
                units=first(valid_screens),
                counted=reached(found),
                note=PRIMARY,
            )
            for name, (word, found) in lesions.items()
        ),
        define(
            id="cancer_detection_rate",
            title="Cancer found",
            numerator="cancer within 18 months of the specimen",
            denominator=SCREENED,
            measure=Share(1000),
            window=Window(length=Length(months=18)),
            maturity=Length(months=18),
            result_rule=ResultRule.WORST,
            sources=("C14",),
            units=first(valid_screens),
            counted=reached(happened.cancers),
        ),
        define(
            id="ppv_positive_test",
            title="CIN2 or worse among those with HPV",
            numerator="tissue with CIN2 or worse within 18 months of the specimen",
            denominator="women with HPV in a primary test of the period, from the first",
            window=Window(length=Length(months=18)),
            maturity=Length(months=18),
            result_rule=ResultRule.WORST,
            sources=("C12",),
            units=first(positives),
            counted=reached(happened.cin2_plus),
        ),
        after(
            id="ppv_referral",
            title="CIN2 or worse among those referred",
            numerator="tissue with CIN2 or worse within 12 months of the referral",
            denominator="women referred to colposcopy in the period, from the first referral, seen or not",
            window=Window(length=Length(months=12)),
            maturity=Length(months=12),
            result_rule=ResultRule.WORST,
            sources=("C12",),
            units=first(referrals),
            counted=reached(happened.cin2_plus),
        ),
        after(
            id="ppv_colposcopy",
            title="CIN2 or worse among those seen at colposcopy",
            population=f"{people(programme)} at colposcopy",
            numerator="tissue with CIN2 or worse within 6 months of the visit",
            denominator="women who attended colposcopy in the period, from the first visit",
            anchor=Anchor.ASSESSMENT,
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            scope=Scope.ALL_REGISTERED,
            result_rule=ResultRule.WORST,
            sources=("C12",),
            units=first(visits),
            counted=reached(happened.cin2_plus),
            note="Of those seen, not of those referred or biopsied: the three give different figures.",
        ),
    ]


def _treating(programme: Programme) -> list[Indicator]:
    who = people(programme)
    define = defining(
        programme,
        window=Window(length=Length(months=12)),
        maturity=Length(months=12),
        sources=("C17",),
    )
    found = f"{who} when the tissue was taken"
    after_treatment = partial(
        define,
        population=f"{who} when treated",
        anchor=Anchor.TREATMENT,
        window=Window(begin=Length(months=3), length=Length(months=12)),
        result_rule=ResultRule.ANY,
        sources=("C18",),
    )
    return [
        define(
            id="treatment_rate",
            title="Treated after CIN2 or worse",
            population=found,
            numerator="treated within 12 months",
            denominator="women with CIN2 or worse in tissue of the period, from the first",
            anchor=Anchor.DIAGNOSIS,
            units=first(happened.cin2_plus),
            counted=reached(treatments),
        ),
        define(
            id="cin1_treated",
            title="Treated after CIN1 alone",
            population=found,
            numerator="treated within 12 months",
            denominator="women with CIN1 in tissue of the period and nothing worse within 12 months, from the first",
            anchor=Anchor.DIAGNOSIS,
            whose="Europe",
            units=first(cin1_alone),
            counted=reached(treatments),
            note="Mostly over-treatment: CIN1 goes away by itself.",
        ),
        define(
            id="hysterectomy_for_cin",
            title="Womb removed for CIN",
            population=f"{who} when treated",
            numerator="the treatment was removal of the womb",
            denominator="women treated in the period after CIN2, CIN3 or AIS without cancer, from the first treatment",
            anchor=Anchor.TREATMENT,
            window=Window(length=Length()),
            maturity=Length(),
            whose="Europe",
            units=first(treatments_of_cin),
            counted=flagged(pl.col("code").is_in(happened.HYSTERECTOMY)),
        ),
        after_treatment(
            id="test_of_cure_attendance",
            title="Tested after treatment",
            numerator="tested from 3 to 12 months after treatment",
            denominator="women treated in the period, from the first treatment",
            units=first(treatments),
            counted=reached(happened.tested_at_all),
        ),
        after_treatment(
            id="test_of_cure_failure",
            title="HPV or abnormal cytology after treatment",
            numerator="HPV found or cytology not normal from 3 to 12 months after treatment",
            denominator="women treated in the period, from the first treatment",
            units=first(treatments),
            counted=reached(happened.not_negative),
            note="Who was not tested counts among those in whom nothing was found; of those tested see the next.",
        ),
        after_treatment(
            id="test_of_cure_failure_of_tested",
            title="HPV or abnormal cytology after treatment, of those tested",
            numerator="HPV found or cytology not normal from 3 to 12 months after treatment",
            denominator="women treated in the period, from the first treatment, who were tested in that time",
            units=first_reaching(treatments, happened.tested_at_all),
            counted=reached(happened.not_negative),
        ),
    ]
