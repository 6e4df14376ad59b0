"""Breast screening: what the cancers were like, which came in between, and how soon women were helped."""

import polars as pl

from analytics.indicators.background import yearly_chance
from analytics.indicators.catalogue.common import (
    NOW,
    acceptable,
    basic,
    below,
    defining,
    desirable,
    of_screens,
    people,
    telling_results,
)
from analytics.indicators.happened import breast as happened
from analytics.indicators.happened.cancers import (
    described_cancers,
    detected_cancers,
    followed_screens,
)
from analytics.indicators.happened.everywhere import treatments, visits
from analytics.indicators.happened.screens import valid_screens
from analytics.indicators.measures import Expected, Odds, Quantile, Share
from analytics.indicators.model import Anchor, Indicator, Level, ResultRule, Stratum, Unit, Window
from analytics.indicators.outcomes import (
    at_age,
    at_risk,
    but_not,
    days_until,
    flagged,
    interval_cancer,
    neither,
    reached,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Programme
from analytics.indicators.units import each, first, first_reaching, that

_EXAMS = "mammograms of the period"
_EPISODE = Length(months=6)
_INTERVAL = Length(months=24)
_RECALLED, _FOUND = pl.col("positive"), pl.col("detected").is_not_null()


def indicators(programme: Programme) -> list[Indicator]:
    return [
        *_describing(programme),
        *_missing(programme),
        *_waiting(programme),
        *_treating(programme),
    ]


def _describing(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.UNIT, Stratum.LAB)
    size, invasive = pl.col("size_mm"), pl.col("detected") == happened.INVASIVE
    known = "women with invasive cancer found by mammograms of the period, where {} is known"
    shares = [
        ("small_cancer_share", "Cancers of at most 10 mm", "size", "largest diameter at most 10 mm", size, size <= 10,
         (desirable(25, "B11 [I2]", screen="initial", verified=True),)),
        ("under_15mm_share", "Cancers under 15 mm", "size", "largest diameter under 15 mm", size, size < 15,
         (acceptable(50, "B11 [I2]", verified=True),)),
        ("over_20mm_share", "Cancers over 20 mm", "size", "largest diameter over 20 mm", size, size > 20, ()),
        ("node_negative_share", "Cancers that had not spread to the nodes", "nodes", "no lymph node with tumour",
         pl.col("nodes"), pl.col("nodes") == 0, (desirable(70, "B11 [I2]", verified=True),)),
        ("stage_two_plus_share", "Cancers of stage II or more", "stage", "stage II, III or IV",
         pl.col("stage"), pl.col("stage") != "I", (below(Level.DESIRABLE, 30, "B11 [I2]", verified=True),)),
    ]  # fmt: skip
    common = {
        "unit": Unit.PERSON,
        "window": Window(length=_EPISODE),
        "maturity": _EPISODE,
        "result_rule": ResultRule.WORST,
        "sources": ("B11",),
    }
    of_known = "invasive or ductal carcinoma in situ found by mammograms of the period"
    return [
        define(
            id="invasive_share",
            title="Invasive among cancers found",
            numerator="invasive cancer",
            denominator=f"women with {of_known}",
            standards=(acceptable(80, "B11 [I2]", verified=True),),
            units=each(that(detected_cancers, pl.col("detected") != happened.UNKNOWN_KIND)),
            counted=flagged(invasive),
            **common,
        ),
        *(
            define(
                id=name,
                title=title,
                numerator=numerator,
                denominator=known.format(what),
                standards=standards,
                units=each(that(described_cancers, invasive & column.is_not_null())),
                counted=flagged(so),
                **common,
            )
            for name, title, what, numerator, column, so, standards in shares
        ),
    ]


def _missing(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.UNIT, Stratum.LAB)
    within = {"window": Window(length=_INTERVAL), "maturity": _INTERVAL, "unit": Unit.EPISODE}
    came = pl.col("interval_on").is_not_null()
    shares = {1: (None, 12, 30), 2: (Length(months=12), 24, 50)}
    return [
        define(
            id="interval_cancer_rate",
            title="Cancer between two screens",
            numerator="no cancer found by the screen, and cancer before the next and within 24 months",
            denominator=_EXAMS,
            measure=Share(1000),
            sources=("B9",),
            units=each(followed_screens),
            counted=interval_cancer(),
            note="Ductal carcinoma in situ counts; so does cancer after a recall that found none.",
            **within,
        ),
        *(
            define(
                id=f"interval_cancer_share_year{year}",
                title=f"Cancer in year {year} after a screen, of what was to be expected",
                numerator=f"cancer, other than in situ, in year {year} after a screen that found none, before the next",
                denominator="days at risk after mammograms of the period: to cancer, next screen, death, emigration",
                measure=Expected(yearly_chance(), days=True, per=100, unit="%"),
                unit=Unit.PERSON_TIME,
                window=Window(begin=begin, length=Length(months=end)),
                maturity=Length(months=end),
                sources=("B8",),
                standards=(
                    below(
                        Level.ACCEPTABLE, standard, f"B8 [{'I2' if year == 1 else 'M'}]", verified=year == 1
                    ),
                ),
                units=each(followed_screens),
                counted=at_age(but_not(happened.IN_SITU, at_risk)),
                note="Expected are invasive cancers, so carcinoma in situ is not counted. The incidence without screening is"
                " not verified: with a tenth more of it this falls by a tenth.",
            )
            for year, (begin, end, standard) in shares.items()
        ),
        define(
            id="episode_sensitivity",
            title="Cancers found by the screen, of all that came",
            numerator="found by the screen",
            denominator="cancers found by mammograms of the period, or within 24 months and before the next screen",
            sources=("B10",),
            units=each(that(followed_screens, _FOUND | (came & _within_two_years()))),
            counted=flagged(_FOUND),
            **within,
        ),
        define(
            id="interval_after_dismissal_share",
            title="Interval cancers after dismissal at consensus",
            numerator="the readers had decided together not to recall",
            denominator="cancers before the next screen and within 24 months, after mammograms of the period",
            sources=("B14",),
            units=each(that(followed_screens, came & _within_two_years())),
            counted=flagged(pl.col("consensus") == "dismiss"),
            **within,
        ),
    ]


def _within_two_years() -> pl.Expr:
    return pl.col("interval_on") <= pl.col("date").dt.offset_by(_INTERVAL.offset)


def _waiting(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.UNIT, Stratum.LAB)
    recalled = that(valid_screens, _RECALLED)
    weeks = "weekdays, public holidays counted as days of work"
    return [
        telling_results(
            programme,
            Stratum.UNIT,
            Stratum.LAB,
            id="result_turnaround_15wd",
            title="Result given within 15 weekdays",
            tests=_EXAMS,
            within=f"15 {weeks}",
            window=Window(length=Length(weekdays=15)),
            whose="Europe",
            sources=("B17",),
            standards=(acceptable(95, "B17 [M]"),),
        ),
        define(
            id="assessment_wait_5wd",
            title="Assessed within 5 weekdays of the decision",
            numerator=f"seen within 5 {weeks}",
            denominator="decisions of the period to recall",
            unit=Unit.TEST,
            anchor=Anchor.RESULT,
            window=Window(length=Length(weekdays=5)),
            maturity=Length(days=7),
            whose="Europe",
            sources=("B17",),
            standards=(acceptable(90, "B17 [M]"),),
            strata=basic(programme),
            units=each(happened.recall_decisions),
            counted=reached(visits),
        ),
        define(
            id="assessment_attendance",
            title="Assessed after recall",
            numerator="seen at assessment within 6 months",
            denominator="women recalled after mammograms of the period, from the first",
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            sources=("B3",),
            units=first(recalled),
            counted=reached(visits),
        ),
        define(
            id="time_to_assessment",
            title="Days from mammogram to assessment",
            numerator="half of them had been seen by this day",
            denominator="women recalled after mammograms of the period who were seen within 6 months",
            measure=Quantile(0.5),
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            sources=("B17",),
            units=first(recalled),
            counted=days_until(visits),
        ),
        define(
            id="time_to_treatment",
            title="Days from mammogram to first treatment",
            numerator="half of them had been treated by this day",
            denominator="women with cancer found by mammograms of the period who were treated within 12 months",
            measure=Quantile(0.5),
            window=Window(length=Length(months=12)),
            maturity=Length(months=12),
            whose="Europe",
            sources=("B18",),
            units=first(detected_cancers),
            counted=days_until(treatments),
        ),
        define(
            id="surgery_wait_15wd",
            title="Treated within 15 weekdays of the decision",
            population=f"{people(programme)} when diagnosed",
            numerator=f"treated within 15 {weeks}",
            denominator="women reported with cancer in the period, from the first report, treated within 12 months",
            anchor=Anchor.DIAGNOSIS,
            window=Window(length=Length(weekdays=15)),
            maturity=Length(months=12),
            whose="Europe",
            sources=("B17",),
            standards=(acceptable(90, "B17 [M]"),),
            strata=basic(programme),
            units=first_reaching(happened.diagnoses, treatments, Length(months=12)),
            counted=reached(treatments),
        ),
    ]


def _treating(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.UNIT, Stratum.LAB)
    common = {
        "unit": Unit.PERSON,
        "window": Window(length=Length(months=12)),
        "maturity": Length(months=12),
        "denominator": "women with cancer found by mammograms of the period, from the first",
        "units": first(detected_cancers),
    }
    return [
        define(
            id="mastectomy_rate",
            title="Breast removed",
            numerator="removal of the breast within 12 months",
            whose="Europe",
            sources=("B18",),
            counted=reached(happened.mastectomies),
            **common,
        ),
        define(
            id="non_operative_diagnosis_rate",
            title="Cancer proven without an operation",
            numerator="cancer in tissue taken by needle within 12 months",
            sources=("B13",),
            standards=(acceptable(90, "B13 [M]"),),
            counted=reached(happened.needle_cancers),
            **common,
        ),
        defining(programme)(
            id="benign_open_biopsy_ratio",
            title="Operations that found no cancer, for each that did",
            population=f"{people(programme)} at the operation",
            numerator="no cancer in the tissue",
            denominator="operations of the period to take tissue that found cancer",
            unit=Unit.TEST,
            measure=Odds("benign for each malignant"),
            anchor=Anchor.ASSESSMENT,
            window=NOW,
            maturity=Length(),
            sources=("B12",),
            standards=(
                below(Level.ACCEPTABLE, 0.5, "B12 [I2]", verified=True),
                below(Level.DESIRABLE, 0.25, "B12 [I2]", verified=True),
            ),
            units=each(happened.open_biopsies),
            counted=neither(flagged("malignant")),
        ),
    ]
