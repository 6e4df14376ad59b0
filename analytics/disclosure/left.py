"""What is left of a wider number beside a narrower one inside it: published by nobody, worked out by everybody.

Women with CIN2 or worse, less those with CIN3 or worse, are those with CIN2; two years, less the second, are the
first. Where so few are left that they must not be told, they are a number to protect like any other.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, combinations, product
from operator import itemgetter

from analytics.disclosure.cells import Cell, Cells, Place, What
from analytics.indicators.period import period

Span = tuple[int, int]  # from, up to but not with
Words = tuple[tuple[str, str], ...]
Number = tuple[str, What]  # of the indicator
Left = Mapping[Cell, tuple[Cell, ...]]  # what is left -> the wider number and the narrower ones

# Whoever is counted by one of these is counted by the one before it too, of the same units: by numerators, or as told.
CHAINS = (
    ("kit_return_180d", "kit_return_90d"),
    ("test_coverage_nordscreen_10y", "test_coverage_nordscreen_3y"),
    ("cin2_plus_detection_rate", "cin3_plus_detection_rate", "cancer_detection_rate"),
    ("colposcopy_referral_rate_cumulative", "colposcopy_referral_rate"),
    ("colposcopy_attendance_15mo", "colposcopy_incidence_365d", "colposcopy_incidence_180d", "colposcopy_attendance_90d",
     "colposcopy_incidence_90d"),
    ("assessment_attendance", "colonoscopy_incidence_360d", "colonoscopy_incidence_90d", "colonoscopy_incidence_60d",
     "colonoscopy_within_31d", "colonoscopy_incidence_30d"),
    ("advanced_neoplasia_detection_rate", "cancer_detection_rate"),
    ("advanced_neoplasia_detection_rate", "advanced_adenoma_detection_rate"),
    ("ppv_advanced_neoplasia", "ppv_cancer"),
    ("ppv_advanced_neoplasia", "ppv_advanced_adenoma"),
    ("assessment_referral_rate", "false_positive_rate", "false_positive_invasive_rate"),
    ("screen_detected_rate", "screen_detected_invasive_rate"),
    ("screen_detected_rate", "screen_detected_dcis_rate"),
    ("under_15mm_share", "small_cancer_share"),
    ("interval_cancer_rate", "interval_cancer_share_year1"),
    ("interval_cancer_rate", "interval_cancer_share_year2"),
    ("undeliverable_rate.denominator", "participation.denominator", "round_length.denominator", "retention.denominator"),
    ("participation.denominator", "retention.denominator"),
    ("undeliverable_rate.denominator", "response_to_reminder.denominator"),
    ("participation", "retention"),
    ("participation.rest", "retention.rest"),
    ("never_screened.rest", "test_coverage", "test_coverage_own_interval"),
    ("never_screened.rest", "test_coverage_nordscreen_10y"),
    ("test_coverage_own_interval", "coverage_en"),
    ("test_coverage_own_interval", "test_coverage_3_5y"),
    ("test_coverage_own_interval", "test_coverage_nordscreen_3y"),
    ("participation_au.rest", "test_coverage_own_interval.rest", "test_coverage.rest", "test_coverage_nordscreen_10y.rest"),
    ("participation_au.denominator", "invited_in_round.denominator", "coverage_en.denominator"),
    ("invited_in_round.denominator", "test_coverage_3_5y.denominator"),
    ("invited_in_round.denominator", "test_coverage_nordscreen_3y.denominator"),
    ("invalid_rate.denominator", "risk_low.denominator", "hpv_positivity.denominator",
     "colposcopy_referral_rate.denominator"),
    ("hpv_positivity.denominator", "risk_unassigned.rest", "self_sample_cytology_6mo"),
    ("hpv_positivity.denominator", "result_turnaround_14d.denominator"),
    ("self_sample_follow_up.denominator", "self_sample_colposcopy_6mo"),
    ("self_sample_follow_up.denominator", "self_sample_cytology_6mo"),
    ("colposcopy_attendance_90d.denominator", "colposcopy_offer_6wk"),
    ("invalid_rate.rest", "hpv_positivity.denominator"),
    ("risk_low.rest", "risk_intermediate"),
    ("risk_low.rest", "risk_higher"),
    ("risk_low.rest", "risk_unassigned"),
    ("risk_intermediate.rest", "risk_higher"),
    ("risk_intermediate.rest", "risk_unassigned"),
    ("risk_higher.rest", "risk_unassigned"),
    ("hpv_positivity", "ppv_positive_test.denominator"),
    ("hpv_positivity", "self_sample_follow_up.denominator"),
    ("hpv_positivity", "self_sample_colposcopy_6mo.denominator"),
    ("hpv_positivity", "self_sample_cytology_6mo.denominator"),
    ("hpv_positivity.rest", "interval_cancer_rate"),
    ("colposcopy_attendance_15mo", "time_to_colposcopy", "colposcopy_attendance_90d"),
    ("time_to_colposcopy", "colposcopy_incidence_365d"),
    ("ppv_colposcopy", "biopsy_yield"),
    ("test_of_cure_attendance", "test_of_cure_failure"),
    ("reading_positive_rate.denominator", "assessment_referral_rate.denominator", "discordant_rate.denominator"),
    ("reading_positive_rate", "dismissed_at_consensus.denominator", "discordant_rate", "screen_detected_discordant_share"),
    ("dismissed_at_consensus.denominator", "concordant_positive_rate"),
    ("discordant_rate.rest", "concordant_positive_rate"),
    ("assessment_referral_rate", "assessment_attendance.denominator"),
    ("assessment_referral_rate", "ppv_biopsy.denominator"),
    ("assessment_referral_rate.rest", "dismissed_at_consensus"),
    ("assessment_referral_rate.rest", "interval_after_dismissal_share"),
    ("screen_detected_rate.rest", "interval_cancer_rate"),
    ("screen_detected_dcis_rate.rest", "screen_detected_invasive_rate"),
    ("ppv_assessment", "ppv_biopsy"),
    ("ppv_assessment", "invasive_share.denominator"),
    ("ppv_assessment", "mastectomy_rate.denominator", "time_to_treatment", "mastectomy_rate"),
    ("assessment_referral_rate.denominator", "dismissed_at_consensus.denominator"),
    ("assessment_referral_rate.denominator", "result_turnaround_15wd.denominator"),
    ("reading_positive_rate.rest", "concordant_positive_rate.rest"),
    ("screen_detected_invasive_rate", "node_negative_share.denominator"),
    ("screen_detected_invasive_rate", "small_cancer_share.denominator"),
    ("screen_detected_invasive_rate", "stage_two_plus_share.denominator"),
    ("under_15mm_share.rest", "over_20mm_share"),
    ("referral_after_positive.denominator", "positivity"),
    ("positivity", "advanced_neoplasia_detection_rate"),
    ("advanced_adenoma_detection_rate.rest", "cancer_detection_rate"),
    ("ppv_advanced_adenoma.rest", "ppv_cancer"),
    ("ppv_cancer.denominator", "pccrc_3y_share.denominator", "post_colonoscopy_cancer_3y"),
    ("ppv_cancer.rest", "pccrc_3y_share"),
    ("pccrc_3y_share.rest", "ppv_cancer"),
    ("ppv_advanced_adenoma.rest", "pccrc_3y_share.rest"),
    ("post_colonoscopy_cancer_3y.denominator", "pccrc_3y_share"),
    ("fit_sensitivity", "cancer_detection_rate"),
    ("fit_sensitivity.rest", "fit_interval_cancer_rate"),
)  # fmt: skip


def _number(told: str) -> Number:
    indicator, _, what = told.partition(".")
    return indicator, What(what or What.NUMERATOR)


NESTED = frozenset(pair for links in CHAINS for pair in combinations(map(_number, links), 2))


def left_over(cells: Cells, known: AbstractSet[Cell] = frozenset()) -> Left:
    """What a wider number leaves beside narrower ones inside it: never less than nobody.

    What numbers leave that are all known is known.
    """
    return {
        _left(wide, narrow): (wide, *narrow)
        for wide, *narrow in chain(_by_indicator(cells), _by_period(cells))
        if cells[wide] >= sum(cells[one] for one in narrow) and not {wide, *narrow} <= known
    }


def _left(wide: Cell, narrow: Sequence[Cell]) -> Cell:
    places = [one.place for one in narrow]
    place = wide.place._replace(
        indicator=f"{wide.place.indicator} without {places[0].indicator}",
        definition=" ".join(
            [wide.place.definition, *(one.definition for one in places), wide.what, narrow[0].what]
        ),
        period=f"{wide.place.period} without {' and '.join(one.period for one in places)}",
    )
    return Cell(place, What.LEFT)


def _by_indicator(cells: Cells) -> Iterator[tuple[Cell, Cell]]:
    at: dict[tuple[str, Words], dict[Number, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        at[cell.place.period, cell.place.words][cell.place.indicator, cell.what].append(cell)
    for there in at.values():
        for wide, narrow in NESTED:
            if wide in there and narrow in there:
                yield from product(there[wide], there[narrow])


def _by_period(cells: Cells) -> Iterator[tuple[Cell, ...]]:
    """Whatever the definitions, and of whatever data cut: what they differ by, a reader may take for nothing."""
    spans: dict[Hashable, list[tuple[Span, Cell]]] = defaultdict(list)
    for cell in cells:
        spans[cell.place._replace(period="", definition=""), cell.what].append((span_of(cell.place), cell))
    for told in spans.values():
        yield from _inside_each_other(told)
        yield from _gaps(dict(reversed(told)))


def _inside_each_other(told: Iterable[tuple[Span, Cell]]) -> Iterator[tuple[Cell, Cell]]:
    every = list(told)
    for (start, end), wide in every:
        for (first, last), narrow in every:
            if start <= first and last <= end and (first, last) != (start, end):
                yield wide, narrow


def _gaps(told: Mapping[Span, Cell]) -> Iterator[tuple[Cell, ...]]:
    """A span with all that is told of it from either end, where that leaves a gap: three years and two of them."""
    for whole, wide in told.items():
        inside = [span for span in told if span != whole and whole[0] <= span[0] and span[1] <= whole[1]]
        before = _run(whole[0], {span[0]: span for span in sorted(inside, key=itemgetter(1))}, to=1)
        after = _run(whole[1], {span[1]: span for span in sorted(inside, reverse=True)}, to=0)
        if before and after and before[-1][1] < after[-1][0]:
            yield wide, *(told[span] for span in (*before, *after))


def _run(day: int, longest: Mapping[int, Span], *, to: int) -> list[Span]:
    """Spans that touch, from that day on (`to` 1) or back (0); `longest`: the one that touches each day."""
    found: list[Span] = []
    while day in longest:
        found.append(longest[day])
        day = longest[day][to]
    return found


def span_of(place: Place) -> Span:
    of = period(place.period)
    return of.start.toordinal(), of.end.toordinal()
