"""Cervical screening as England, Australia and NordScreen define it, on whoever's data."""

import polars as pl

from analytics.indicators.catalogue.common import (
    ALL_AGES,
    acceptable,
    basic,
    defining,
    incidence,
    of_referrals,
    of_screens,
    people,
    telling_results,
)
from analytics.indicators.happened import cervical as happened
from analytics.indicators.happened.cancers import first_cancers, followed_screens
from analytics.indicators.happened.everywhere import visits
from analytics.indicators.happened.risk import (
    HIGHER,
    INTERMEDIATE,
    LOW,
    UNASSIGNED,
    appointments,
    graded_referrals,
    judged_screens,
    self_positives,
)
from analytics.indicators.happened.screens import answered
from analytics.indicators.measures import Rate, Share, Standardised
from analytics.indicators.model import Anchor, Indicator, ResultRule, Stratum, Unit, Window
from analytics.indicators.outcomes import (
    at_age,
    at_risk,
    covered_by,
    covered_by_age,
    flagged,
    neither,
    reached,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Ages, Programme
from analytics.indicators.units import (
    each,
    first,
    first_reaching,
    residents,
    residents_with_the_organ,
    that,
)

_AUSTRALIAN = Ages(low=25, high=75)
_EVERYONE = Ages(low=20, high=75, others=True)


def indicators(programme: Programme) -> list[Indicator]:
    return [
        *_covering(programme),
        *_risk(programme),
        *_following_up(programme),
        *_waiting(programme),
        *_finding(programme),
        *_cancer(programme),
    ]


def _living(low: int, high: int) -> str:
    return f"women aged {low}-{high} living in the country on the last day of the period"


def _covering(programme: Programme) -> list[Indicator]:
    define = defining(programme, anchor=Anchor.END_OF_PERIOD, maturity=Length(), result_rule=ResultRule.ANY)
    australian = {
        "population": _living(25, 74),
        "denominator": _living(25, 74),
        "numerator": "any HPV test with an answer, screening or follow-up, in the 5.5 years to the end of the period",
        "ages": _AUSTRALIAN,
        "window": Window(length=Length(months=-66)),
        "whose": "Australia",
        "sources": ("C1a",),
        "units": residents,
    }
    return [
        define(
            id="coverage_en",
            title="Age-appropriate coverage, as England counts it",
            population=_living(25, 64),
            numerator="test with an answer in the 3.5 years (from 50: 5.5 years) to the end of the period",
            denominator=_living(25, 64),
            exclusions=("ceased because there is no cervix",),
            ages=Ages(low=25, high=65),
            window=Window(length=Length(months=-42)),
            whose="England",
            sources=("C1",),
            standards=(acceptable(80, "C1 [I9]", whose="NHS England", verified=True),),
            units=residents_with_the_organ,
            counted=covered_by_age(answered, from_age=50, back=Length(months=-66)),
        ),
        *(
            define(
                id=f"test_coverage_nordscreen_{years}y",
                title=f"Tested in the last {years} years, as NordScreen counts it",
                population=_living(30, 59),
                numerator=f"HPV or cytology test with an answer in the {years} years to the end of the period",
                denominator=_living(30, 59),
                ages=Ages(low=30, high=60),
                window=Window(length=Length(months=-12 * years)),
                whose="NordScreen",
                sources=("G3",),
                units=residents,
                counted=covered_by(answered),
                note="Women without a cervix stay in.",
            )
            for years in (3, 10)
        ),
        define(
            id="participation_au",
            title="Participation, as Australia counts it",
            counted=covered_by(happened.hpv_answered),
            **australian,
        ),
        define(
            id="participation_au_standardised",
            title="Participation, as Australia counts it, standardised for age",
            measure=Standardised("who", tuple(range(25, 80, 5))),
            counted=at_age(covered_by(happened.hpv_answered)),
            note="Standardised to the WHO world population; Australia itself uses its population of 2001.",
            **australian,
        ),
    ]


def _risk(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.SAMPLE, Stratum.LAB)
    words = {
        LOW: "nothing but the next round was asked for within 6 months",
        INTERMEDIATE: "a repeat test, and no referral, was asked for within 6 months",
        HIGHER: "a referral was asked for within 6 months",
        UNASSIGNED: "the test gave no answer, or a triage test asked for within 6 months never came",
    }
    return [
        define(
            id=f"risk_{risk}",
            title=f"Primary tests that led to {risk} risk"
            if risk != UNASSIGNED
            else "Primary tests without a risk",
            numerator=word,
            denominator="primary HPV tests of the period, with or without an answer",
            unit=Unit.EPISODE,
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            whose="Australia",
            sources=("C5",),
            units=each(judged_screens),
            counted=flagged(pl.col("risk") == risk),
            note="Read from what the programme asked for, so the protocol in force that day is the judge.",
        )
        for risk, word in words.items()
    ]


def _following_up(programme: Programme) -> list[Indicator]:
    define = defining(
        programme,
        population=f"{people(programme)} at the test",
        anchor=Anchor.SPECIMEN,
        window=Window(length=Length(months=6)),
        maturity=Length(months=6),
        whose="Australia",
        sources=("C8",),
        strata=(*basic(programme), Stratum.LAB),
    )
    return [
        define(
            id="self_sample_cytology_6mo",
            title="Cytology after a home sample with other HPV",
            numerator="cytology taken within 6 months",
            denominator="women in whose home sample HPV other than 16 and 18 was found in the period, from the first",
            units=first(that(self_positives, ~pl.col("type_16_18"))),
            counted=reached(happened.cytology),
        ),
        define(
            id="self_sample_colposcopy_6mo",
            title="Colposcopy after a home sample with HPV 16 or 18",
            numerator="attended colposcopy within 6 months",
            denominator="women in whose home sample HPV 16 or 18 was found in the period, from the first",
            units=first(that(self_positives, pl.col("type_16_18"))),
            counted=reached(visits),
        ),
    ]


def _waiting(programme: Programme) -> list[Indicator]:
    define = of_referrals(programme)
    offers = {
        "2wk": (14, "high-grade", pl.col("high_grade"), 93),
        "6wk": (42, "other", ~pl.col("high_grade"), 99),
    }
    return [
        telling_results(
            programme,
            Stratum.SAMPLE,
            Stratum.LAB,
            id="result_turnaround_14d",
            title="Result given within 14 days of the sample",
            tests="valid primary HPV tests of the period",
            within="14 days",
            window=Window(length=Length(days=14)),
            whose="England",
            sources=("C15",),
            standards=(acceptable(98, "C15 [M]", whose="NHS England"),),
        ),
        *(
            define(
                id=f"colposcopy_offer_{name}",
                title=f"Colposcopy offered within {days // 7} weeks after {word} cytology",
                numerator=f"an appointment was booked for, or kept, within {days} days of the referral",
                denominator=f"women referred in the period, from the first referral after {word} cytology",
                window=Window(length=Length(days=days)),
                maturity=Length(days=days),
                whose="England",
                sources=("C16",),
                standards=(acceptable(standard, "C16 [I23]", whose="NHS England", verified=True),),
                units=first(that(graded_referrals, which)),
                counted=reached(appointments),
            )
            for name, (days, word, which, standard) in offers.items()
        ),
    ]


def _finding(programme: Programme) -> list[Indicator]:
    define = defining(programme, whose="Australia")
    return [
        define(
            id="ppv_high_grade_cytology",
            title="High-grade cytology confirmed in tissue",
            population=f"{people(programme)} at the test",
            numerator="tissue with CIN2, CIN3, AIS or cancer within 6 months",
            denominator="cytology of ASC-H, HSIL, AIS or cancer in the period",
            unit=Unit.TEST,
            anchor=Anchor.SPECIMEN,
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            result_rule=ResultRule.WORST,
            sources=("C13",),
            strata=(*basic(programme), Stratum.LAB),
            units=each(happened.high_grade_cytology),
            counted=reached(happened.cin2_plus),
        ),
        define(
            id="high_grade_detection_rate",
            title="High-grade lesions found, per woman tested",
            population="women of any age at the test",
            numerator="tissue with CIN2, CIN3 or AIS within 12 months of the test",
            denominator="women with an HPV or cytology test with an answer in the period, from the first",
            ages=_EVERYONE,
            measure=Share(1000),
            anchor=Anchor.SPECIMEN,
            window=Window(length=Length(months=12)),
            maturity=Length(months=12),
            result_rule=ResultRule.WORST,
            sources=("C14",),
            units=first(happened.tested_at_all),
            counted=reached(happened.high_grade),
        ),
        define(
            id="biopsy_rate",
            title="Biopsied at colposcopy",
            population=f"{people(programme)} at colposcopy",
            numerator="tissue taken within 3 months of the visit",
            denominator="women who attended colposcopy in the period, from the first visit",
            anchor=Anchor.ASSESSMENT,
            window=Window(length=Length(months=3)),
            maturity=Length(months=3),
            sources=("I15b",),
            strata=(*basic(programme), Stratum.UNIT),
            units=first(visits),
            counted=reached(happened.tissue),
        ),
        define(
            id="biopsy_yield",
            title="High-grade lesions among those biopsied",
            population=f"{people(programme)} at colposcopy",
            numerator="tissue with CIN2, CIN3 or AIS within 3 months of the visit",
            denominator="women who attended colposcopy in the period, from the first visit, biopsied within 3 months",
            anchor=Anchor.ASSESSMENT,
            window=Window(length=Length(months=3)),
            maturity=Length(months=3),
            result_rule=ResultRule.WORST,
            sources=("I15b",),
            strata=(*basic(programme), Stratum.UNIT),
            units=first_reaching(visits, happened.tissue),
            counted=reached(happened.high_grade),
        ),
    ]


def _cancer(programme: Programme) -> list[Indicator]:
    return [
        of_screens(programme, Stratum.SAMPLE, Stratum.LAB)(
            id="interval_cancer_rate",
            title="Cancer after a negative test, before the next was due",
            numerator="cancers before the next test and within the interval",
            denominator="time from negative primary tests of the period to cancer, next test, death, emigration or 5 years",
            unit=Unit.PERSON_TIME,
            measure=Rate(100_000),
            window=Window(length=programme.interval),
            maturity=Length(),
            whose="England",
            sources=("C19",),
            units=each(that(followed_screens, ~pl.col("positive"))),
            counted=at_risk,
            note="Cancers become known with a delay of a year or more, so the last years look better than they are.",
        ),
        incidence(
            programme,
            "who",
            title="New cancers of the cervix, standardised for age",
            whose="international",
            sources=("C20",),
            note="WHO's goal is fewer than 4 per 100,000. None is shown for fewer than ten cancers.",
        ),
        defining(programme)(
            id="cancer_without_screening",
            title="Cancers in women who had not been screened",
            population="women of any age at diagnosis",
            numerator="no test with an answer from 5.5 years to 6 months before the diagnosis",
            denominator="women first diagnosed with cancer in the period",
            ages=ALL_AGES,
            anchor=Anchor.DIAGNOSIS,
            window=Window(begin=Length(months=-66), length=Length(months=-6)),
            maturity=Length(),
            whose="Australia",
            sources=("C20",),
            units=first(first_cancers),
            counted=neither(reached(answered)),
            exclusions=("tests of the last 6 months before the diagnosis, which the cancer itself led to",),
        ),
    ]
