"""What is left of a wider number beside a narrower one inside it: published by nobody, worked out by everybody.

Women with CIN2 or worse, less those with CIN3 or worse, are those with CIN2; two years, less the second, are the
first. Where so few are left that they must not be told, they are a number to protect like any other.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from itertools import product

from analytics.disclosure.cells import Cell, Cells, Place, What
from analytics.indicators.period import period

Span = tuple[int, int]  # from, up to but not with
Left = Mapping[Cell, tuple[Cell, Cell]]  # what is left -> the wider number and the narrower one

# Whoever is counted by one of these is counted by the one before it too, of the same units.
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
)  # fmt: skip


def left_over(cells: Cells, known: Collection[Cell] = ()) -> Left:
    """What a wider number leaves beside a narrower one inside it: never less than nobody.

    What two numbers leave that are both known is known.
    """
    pairs = [*_by_indicator(cells), *_by_period(cells)]
    return {
        _left(wide, narrow): (wide, narrow)
        for wide, narrow in pairs
        if cells[wide] >= cells[narrow] and not (wide in known and narrow in known)
    }


def _left(wide: Cell, narrow: Cell) -> Cell:
    place = wide.place._replace(
        indicator=f"{wide.place.indicator} without {narrow.place.indicator}",
        definition=f"{wide.place.definition} {narrow.place.definition} {wide.what}",
        period=f"{wide.place.period} without {narrow.place.period}",
    )
    return Cell(place, What.LEFT)


def _by_indicator(cells: Cells) -> Iterator[tuple[Cell, Cell]]:
    narrower = {
        (wide, narrow) for chain in CHAINS for at, wide in enumerate(chain) for narrow in chain[at + 1 :]
    }
    at: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, list[Cell]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for cell in cells:
        if cell.what == What.NUMERATOR:
            at[cell.place.period, cell.place.words][cell.place.indicator].append(cell)
    for there in at.values():
        for a, b in narrower:
            if a in there and b in there:
                yield from product(there[a], there[b])


def _by_period(cells: Cells) -> Iterator[tuple[Cell, Cell]]:
    """Whatever the definitions, and of whatever data cut: what they differ by, a reader may take for nothing."""
    spans: dict[Hashable, list[tuple[Span, Cell]]] = defaultdict(list)
    for cell in cells:
        if cell.what != What.REST:
            spans[cell.place._replace(period="", definition=""), cell.what].append(
                (span_of(cell.place), cell)
            )
    for told in spans.values():
        yield from _inside_each_other(told)


def _inside_each_other(told: Iterable[tuple[Span, Cell]]) -> Iterator[tuple[Cell, Cell]]:
    every = list(told)
    for (start, end), wide in every:
        for (first, last), narrow in every:
            if start <= first and last <= end and (first, last) != (start, end):
                yield wide, narrow


def span_of(place: Place) -> Span:
    of = period(place.period)
    return of.start.toordinal(), of.end.toordinal()
