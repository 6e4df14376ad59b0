"""Colorectal screening: what colonoscopies found, and what came in between."""

import polars as pl

from analytics.indicators.catalogue.common import (
    ALL_AGES,
    NOW,
    acceptable,
    basic,
    defining,
    incidence,
    of_screens,
    people,
)
from analytics.indicators.happened import bowel as happened
from analytics.indicators.happened.cancers import followed_screens
from analytics.indicators.happened.screens import valid_screens
from analytics.indicators.measures import PerCounted, Rate, Share
from analytics.indicators.model import Anchor, Indicator, ResultRule, Stratum, Unit, Window
from analytics.indicators.outcomes import (
    at_risk,
    both,
    flagged,
    neither,
    reached,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Programme
from analytics.indicators.units import (
    each,
    first,
    that,
)

_YEAR = Length(months=12)
_SCREENED = "people with a stool test with an answer in the period, from the first"
_AFTER_POSITIVE = (
    "people with colonoscopy in the period after a positive test of the 12 months before, from the first"
)
# What is found by screening is found after a positive test, in colonoscopy or tissue of the year after it.
_FOUND = {
    "cancer": ("Cancer", "cancer", happened.cancers),
    "advanced_adenoma": ("Advanced adenoma", "advanced adenoma and no cancer", happened.advanced_adenomas),
    "advanced_neoplasia": (
        "Cancer or advanced adenoma",
        "cancer or advanced adenoma",
        happened.advanced_neoplasia,
    ),
}


def indicators(programme: Programme) -> list[Indicator]:
    return [*_examining(programme), *_detecting(programme), *_missing(programme)]


def _examining(programme: Programme) -> list[Indicator]:
    define = defining(
        programme,
        population=f"{people(programme)} at colonoscopy",
        anchor=Anchor.ASSESSMENT,
        strata=(*basic(programme), Stratum.UNIT, Stratum.ROUND, Stratum.SCREEN),
    )
    of_each = {
        "denominator": "colonoscopies of the period after a positive test of the 12 months before",
        "unit": Unit.TEST,
        "units": each(happened.after_positive),
    }
    quarter = {"window": Window(length=Length(months=3)), "maturity": Length(months=3)}
    return [
        define(
            id="colonoscopy_completion_rate",
            title="Complete colonoscopies",
            numerator="not broken off before the caecum",
            window=NOW,
            maturity=Length(),
            sources=("R9",),
            standards=(acceptable(90, "R9 [I35]", whose="ColorectalScreen Norway", verified=True),),
            counted=flagged("complete"),
            **of_each,
        ),
        define(
            id="adenoma_detection_rate",
            title="Colonoscopies that found an adenoma",
            numerator="adenoma, advanced or not, in colonoscopy or tissue within 3 months",
            result_rule=ResultRule.ANY,
            sources=("R10",),
            counted=reached(happened.adenomas),
            **of_each,
            **quarter,
        ),
        *(
            define(
                id=f"ppv_{name}",
                title=f"{title} at colonoscopy after a positive test",
                numerator=f"{word} within 3 months",
                denominator=_AFTER_POSITIVE,
                result_rule=ResultRule.WORST,
                sources=("R11",),
                units=first(happened.assessed_after_positive),
                counted=_worst(name),
                note="The worst finding of each person.",
                **quarter,
            )
            for name, (title, word, _) in _FOUND.items()
        ),
        define(
            id="nnsc_advanced_neoplasia",
            title="Colonoscopies for one person with cancer or advanced adenoma",
            numerator="cancer or advanced adenoma within 3 months",
            denominator=_AFTER_POSITIVE,
            measure=PerCounted("colonoscopies per person with advanced neoplasia"),
            result_rule=ResultRule.WORST,
            sources=("R13",),
            units=first(happened.assessed_after_positive),
            counted=_worst("advanced_neoplasia"),
            **quarter,
        ),
    ]


def _worst(name: str):  # noqa: ANN202  the type is that of `reached`
    """Reached; an advanced adenoma only where no cancer was."""
    found = reached(_FOUND[name][2])
    return both(neither(reached(happened.cancers)), found) if name == "advanced_adenoma" else found


def _detecting(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.LAB, Stratum.CUTOFF)
    common = {
        "denominator": _SCREENED,
        "window": Window(length=_YEAR),
        "maturity": _YEAR,
        "result_rule": ResultRule.WORST,
        "units": first(valid_screens),
    }
    return [
        *(
            define(
                id=f"{name}_detection_rate",
                title=f"{title} found",
                numerator=f"positive, and {word} in colonoscopy or tissue within 12 months",
                measure=Share(1000),
                sources=("R12",),
                counted=both(flagged("positive"), _worst(name)),
                **common,
            )
            for name, (title, word, _) in _FOUND.items()
        ),
        define(
            id="nns_advanced_neoplasia",
            title="People tested for one with cancer or advanced adenoma",
            numerator="positive, and cancer or advanced adenoma in colonoscopy or tissue within 12 months",
            measure=PerCounted("tested per person with advanced neoplasia"),
            sources=("R13",),
            counted=both(flagged("positive"), _worst("advanced_neoplasia")),
            **common,
        ),
    ]


def _missing(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.LAB, Stratum.CUTOFF)
    found = pl.col("detected").is_not_null()
    missed = ~pl.col("positive") & (pl.col("interval_on") <= pl.col("date").dt.offset_by("24mo"))
    return [
        define(
            id="fit_interval_cancer_rate",
            title="Cancer after a negative stool test",
            numerator="cancer before the next test and within 24 months",
            denominator="time from negative stool tests of the period to cancer, next test, death, emigration or 24 months",
            unit=Unit.PERSON_TIME,
            measure=Rate(10_000),
            window=Window(length=Length(months=24)),
            maturity=Length(),
            sources=("R14",),
            units=each(that(followed_screens, ~pl.col("positive"))),
            counted=at_risk,
        ),
        define(
            id="fit_sensitivity",
            title="Cancers found by the stool test, of all that came",
            numerator="positive, and cancer within 12 months",
            denominator="cancers found so, or before the next test and within 24 months of a negative stool test of the"
            " period",
            unit=Unit.EPISODE,
            window=Window(length=Length(months=24)),
            maturity=Length(months=24),
            sources=("R14",),
            units=each(that(followed_screens, found | missed)),
            counted=flagged(found),
        ),
        defining(programme)(
            id="post_colonoscopy_cancer_3y",
            title="Cancer 6 to 36 months after a colonoscopy that found none",
            population=f"{people(programme)} at colonoscopy",
            numerator="cancer from 6 to 36 months after",
            denominator="people with colonoscopy after a positive test in the period, from the first that found no cancer",
            measure=Share(1000),
            anchor=Anchor.ASSESSMENT,
            window=Window(begin=Length(months=6), length=Length(months=36)),
            maturity=Length(months=36),
            sources=("R15",),
            strata=(*basic(programme), Stratum.UNIT, Stratum.ROUND, Stratum.SCREEN),
            units=first(happened.without_cancer),
            counted=reached(happened.cancers),
        ),
        defining(programme)(
            id="pccrc_3y_share",
            title="Cancers 6 to 36 months after colonoscopy, of all within 36 months",
            population=f"{people(programme)} at colonoscopy",
            numerator="the cancer was found later than 6 months after",
            denominator="people with colonoscopy after a positive test in the period, from the first that cancer followed"
            " within 36 months",
            anchor=Anchor.ASSESSMENT,
            window=Window(begin=Length(months=6), length=Length(months=36)),
            maturity=Length(months=36),
            whose="international",
            sources=("R15",),
            strata=(*basic(programme), Stratum.UNIT, Stratum.ROUND, Stratum.SCREEN),
            units=first(happened.with_cancer),
            counted=flagged("later"),
            note="The rate that the World Endoscopy Organization compares colonoscopy by, here of colonoscopies after a"
            " positive stool test only. Fewer cancers found at once make it rise too.",
        ),
        defining(programme)(
            id="stage_one_share",
            title="Cancers of stage I",
            population="people of any age at diagnosis",
            numerator="stage I",
            denominator="people first reported with cancer of a known stage in the period",
            ages=ALL_AGES,
            anchor=Anchor.DIAGNOSIS,
            window=NOW,
            maturity=Length(),
            sources=("R16",),
            units=first(happened.stages),
            counted=flagged(pl.col("stage") == "I"),
        ),
        incidence(
            programme,
            "esp2013",
            title="New cancers of the bowel, standardised for age",
            whose="Australia",
            sources=("I36",),
            note="None is shown for fewer than ten cancers.",
        ),
    ]
