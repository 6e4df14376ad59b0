"""Breast screening: attendance, reading, recall, and the cancers found and missed."""

import polars as pl

from analytics.indicators.background import yearly_chance
from analytics.indicators.catalogue import breast_outcomes
from analytics.indicators.catalogue.common import (
    NOW,
    acceptable,
    basic,
    below,
    defining,
    desirable,
    of_screens,
    people,
)
from analytics.indicators.catalogue.general import calling, coming_round, covering
from analytics.indicators.happened import breast as happened
from analytics.indicators.happened.cancers import (
    detected_cancers,
    followed_screens,
)
from analytics.indicators.happened.screens import valid_screens
from analytics.indicators.measures import Cumulative, Expected, Share
from analytics.indicators.model import Anchor, Indicator, Level, ResultRule, Stratum, Unit, Window
from analytics.indicators.outcomes import (
    at_age_and_screen,
    counted_in_rounds,
    covered_by,
    flagged,
    reached,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Ages, Programme
from analytics.indicators.units import each, residents_with_the_organ, that

_EXAMS = "mammograms of the period"
_EPISODE = Length(months=6)
_RECALLED, _FOUND = pl.col("positive"), pl.col("detected").is_not_null()
# How many times a year's cancers the first screen should find, and later ones (EU 4th edition).
_INITIAL, _SUBSEQUENT = 3.0, 1.5


def indicators(programme: Programme) -> list[Indicator]:
    return [
        *calling(programme),
        *coming_round(programme),
        *covering(programme),
        *_english_coverage(programme),
        *_reading(programme),
        *_recalling(programme),
        *_detecting(programme),
        *breast_outcomes.indicators(programme),
    ]


def _english_coverage(programme: Programme) -> list[Indicator]:
    living = "women aged 53-70 living in the country on the last day of the period"
    return [
        defining(programme)(
            id="coverage_en",
            title="Coverage, as England counts it",
            population=living,
            numerator="mammogram that was read in the 3 years to the end of the period",
            denominator=living,
            exclusions=("ceased because no breast is left",),
            ages=Ages(low=53, high=71),
            anchor=Anchor.END_OF_PERIOD,
            window=Window(length=Length(months=-36)),
            maturity=Length(),
            result_rule=ResultRule.ANY,
            whose="England",
            sources=("B2",),
            standards=(
                acceptable(70, "B2 [I26]", whose="NHS England", verified=True),
                desirable(80, "B2 [I26]", whose="NHS England", verified=True),
            ),
            units=residents_with_the_organ,
            counted=covered_by(happened.mammograms),
            note="From 53, so that all have had one call.",
        )
    ]


def _reading(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.UNIT, Stratum.LAB)
    readers, positive = pl.col("readers"), pl.col("positive_readers")
    read = happened.with_readers(valid_screens)
    double = that(read, readers >= 2)
    of_double = "mammograms of the period that two or more read"
    common = {"unit": Unit.TEST, "window": NOW, "maturity": Length(), "sources": ("B14",)}
    after = {"window": Window(length=Length(days=60)), "maturity": Length(days=60), "sources": ("B14",)}
    return [
        defining(programme)(
            id="reading_positive_rate",
            title="Readings that found something",
            population=f"{people(programme)} at the mammogram",
            numerator="score of 2 or more",
            denominator="readings of mammograms of the period, one for each reader and side told apart",
            anchor=Anchor.SPECIMEN,
            strata=(*basic(programme), Stratum.READER, Stratum.UNIT, Stratum.LAB),
            units=each(happened.readings),
            counted=flagged("positive"),
            **common,
        ),
        define(
            id="discordant_rate",
            title="Found by one reader and not by the other",
            numerator="some readers, but not all, gave a score of 2 or more",
            denominator=of_double,
            units=each(double),
            counted=flagged((positive > 0) & (positive < readers)),
            **common,
        ),
        define(
            id="concordant_positive_rate",
            title="Found by every reader",
            numerator="every reader gave a score of 2 or more",
            denominator=of_double,
            units=each(double),
            counted=flagged(positive == readers),
            **common,
        ),
        define(
            id="dismissed_at_consensus",
            title="Dismissed at consensus",
            numerator="the readers decided together not to recall, within 60 days",
            denominator="mammograms of the period for which at least one reader gave a score of 2 or more",
            unit=Unit.TEST,
            units=each(that(read, positive > 0)),
            counted=flagged(pl.col("consensus") == "dismiss"),
            **after,
        ),
    ]


def _recalling(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.UNIT, Stratum.LAB)
    exams = {"denominator": _EXAMS, "unit": Unit.EPISODE, "units": each(followed_screens)}
    recalled = {"window": Window(length=Length(days=90)), "maturity": Length(days=90)}
    ended = {"window": Window(length=_EPISODE), "maturity": _EPISODE}
    false_positive = _RECALLED & ~_FOUND
    return [
        define(
            id="assessment_referral_rate",
            title="Recalled for assessment",
            numerator="recalled by consensus or, where there was none, referred or seen, within 90 days",
            sources=("B3",),
            standards=(
                below(Level.ACCEPTABLE, 7, "B3 [I2]", screen="initial", verified=True),
                below(Level.DESIRABLE, 5, "B3 [I2]", screen="initial", verified=True),
                below(Level.ACCEPTABLE, 5, "B3 [I2]", screen="subsequent", verified=True),
                below(Level.DESIRABLE, 3, "B3 [I2]", screen="subsequent", verified=True),
            ),
            counted=flagged(_RECALLED),
            note="Recall because of the picture alone; new pictures for technical reasons are counted apart."
            " First and later screens must be told apart: see the stratum `screen`.",
            **exams | {"units": each(valid_screens)},
            **recalled,
        ),
        define(
            id="early_recall_rate",
            title="Asked back before the next round",
            numerator="a repeat before the next round came to be owed within 6 months",
            sources=("B4",),
            standards=(below(Level.ACCEPTABLE, 1, "B4 [M]"),),
            counted=reached(happened.early_recalls),
            **exams,
            **ended,
        ),
        define(
            id="technical_repeat_rate",
            title="Called back for a better picture",
            numerator="called back to mammography, not to assessment, within 90 days",
            sources=("B5",),
            standards=(
                below(Level.ACCEPTABLE, 3, "B5 [M]"),
                below(Level.DESIRABLE, 1, "B5 [M]"),
            ),
            counted=reached(happened.technical_repeats),
            **exams,
            **recalled,
        ),
        define(
            id="false_positive_rate",
            title="Recalled, and no cancer",
            numerator="recalled, and no cancer within 6 months",
            sources=("B16",),
            counted=flagged(false_positive),
            **exams,
            **ended,
        ),
        define(
            id="false_positive_invasive_rate",
            title="Tissue taken, and no cancer",
            numerator="recalled, tissue taken, and no cancer within 6 months",
            sources=("B16",),
            counted=flagged(false_positive & pl.col("sampled")),
            **exams,
            **ended,
        ),
        define(
            id="cumulative_false_positive",
            title="Recalled without cancer at least once in ten screens",
            measure=Cumulative(10),
            numerator="recalled, and no cancer within 6 months",
            sources=("B16",),
            counted=counted_in_rounds(flagged(false_positive)),
            note="From the shares at each first, second, … tenth screen of the period, as if one woman had them all.",
            **exams,
            **ended,
        ),
        define(
            id="ppv_assessment",
            title="Cancer among those recalled",
            numerator="cancer within 6 months",
            denominator="mammograms of the period whose women were recalled",
            unit=Unit.EPISODE,
            sources=("B15",),
            units=each(that(followed_screens, _RECALLED)),
            counted=flagged(_FOUND),
            **ended,
        ),
        define(
            id="ppv_biopsy",
            title="Cancer among those from whom tissue was taken",
            numerator="cancer within 6 months",
            denominator="mammograms of the period whose women were recalled and had tissue taken within 6 months",
            unit=Unit.EPISODE,
            sources=("B15",),
            units=each(that(followed_screens, _RECALLED & pl.col("sampled"))),
            counted=flagged(_FOUND),
            **ended,
        ),
    ]


def _detecting(programme: Programme) -> list[Indicator]:
    define = of_screens(programme, Stratum.UNIT, Stratum.LAB)
    kind = pl.col("detected")
    common = {
        "denominator": _EXAMS,
        "unit": Unit.EPISODE,
        "window": Window(length=_EPISODE),
        "maturity": _EPISODE,
        "result_rule": ResultRule.WORST,
        "sources": ("B6",),
        "units": each(followed_screens),
    }
    kinds = {
        "screen_detected_rate": ("Cancer found", "cancer", kind.is_not_null()),
        "screen_detected_invasive_rate": (
            "Invasive cancer found",
            "invasive cancer",
            kind == happened.INVASIVE,
        ),
        "screen_detected_dcis_rate": (
            "Ductal carcinoma in situ found",
            "ductal carcinoma in situ without invasion",
            kind == happened.IN_SITU,
        ),
    }
    expected = {
        2 * age + later: chance * (_SUBSEQUENT if later else _INITIAL)
        for age, chance in yearly_chance().items()
        for later in (0, 1)
    }
    found = {
        "denominator": "mammograms of the period that found cancer",
        "sources": ("B14",),
        "units": each(happened.with_readers(detected_cancers)),
    }
    return [
        *(
            define(
                id=name,
                title=title,
                numerator=f"recalled, and {word} within 6 months",
                measure=Share(1000),
                counted=flagged(so),
                note="Women, not tumours. More is not better by itself: compare with the incidence without screening.",
                **common,
            )
            for name, (title, word, so) in kinds.items()
        ),
        define(
            id="detection_ratio",
            title="Invasive cancers found, per expected",
            numerator="recalled, and invasive cancer within 6 months",
            measure=Expected(expected),
            counted=at_age_and_screen(flagged(kind == happened.INVASIVE)),
            note="Expected: 3 times a year's cancers without screening at an initial screen, 1.5 times at a later one."
            " The incidence without screening is not verified.",
            **(common | {"sources": ("B7", "B6 [I2]")}),
        ),
        define(
            id="screen_detected_discordant_share",
            title="Cancers found by one reader only",
            numerator="some readers, but not all, had given a score of 2 or more",
            counted=flagged(
                (pl.col("positive_readers") > 0) & (pl.col("positive_readers") < pl.col("readers"))
            ),
            **(common | found),
        ),
    ]
