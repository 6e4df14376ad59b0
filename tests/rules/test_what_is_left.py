"""Numbers that nobody publishes and everybody can work out: of nested figures, of overlapping years, of exact shares."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import polars as pl
import pytest

from analytics.disclosure.answer import answered, tell
from analytics.disclosure.cells import Cell, Place, What
from analytics.disclosure.judge import judge
from analytics.disclosure.left import NESTED, left_over
from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.engine import question
from analytics.indicators.period import period
from tests.rules.test_disclosure import ANALYST, CUT, PUBLIC, earlier, tables

OTHERS = {("Rogaland",): (30, 500), ("Vestland",): (40, 600)}
REFERRED = date(2024, 3, 1)


def beside(*answers):
    """The tables of several indicators as those of one question."""
    for several in zip(*answers, strict=True):
        indicators = [of for one in several for of in one.question.indicators]
        asked = replace(several[0].question, indicators=indicators)
        yield replace(several[0], question=asked, frame=pl.concat([one.frame for one in several]))


def lesions(oslo_cin2, oslo_cin3):
    by = {"by": ("county",), "programme": "no-cervical"}
    wide = tables({("Oslo",): (oslo_cin2, 400), **OTHERS}, name="cin2_plus_detection_rate", **by)
    rest = {("Rogaland",): (20, 500), ("Vestland",): (20, 600)}
    narrow = tables({("Oslo",): (oslo_cin3, 400), **rest}, name="cin3_plus_detection_rate", **by)
    answers = list(beside(wide, narrow))
    told = tell(answers, judge(answers, PUBLIC), PUBLIC)
    return told[0].frame.filter(county="Oslo")["numerator"].to_list()


def test_few_women_between_a_wider_figure_and_a_narrower_one_are_not_told():
    """12 with CIN2 or worse and 10 with CIN3 or worse would be 2 with CIN2."""
    assert None in lesions(12, 10)


def test_many_between_them_or_none_are():
    assert lesions(30, 10) == [30, 10]
    assert lesions(12, 12) == [12, 12]


def test_chains_name_indicators_that_there_are():
    known = {name for offered in CATALOGUE.values() for name in offered}
    assert {name for pair in NESTED for name, _ in pair} <= known


def stool_tested(colonoscopy_after):
    events = [Happening(date=REFERRED, kind="tested", test="fit", findings="positive")]
    if colonoscopy_after:
        day = REFERRED + timedelta(days=colonoscopy_after)
        events.append(Happening(date=day, kind="appointment_attended", to="colonoscopy"))
    return Life(born=date(1964, 1, 1), homes=[Home()], events=events, programme="no-colorectal")


def test_who_came_on_the_day_between_two_deadlines_is_not_told():
    """31 within 31 days and 29 within 30 would be 2 on the day between."""
    waited = [20] * 29 + [31] * 2 + [0] * 20
    asked = question(
        "no-colorectal", period("2024"), ids=["colonoscopy_within_31d", "colonoscopy_incidence_30d"]
    )
    told = answered(dataset(map(stool_tested, waited), data_cut=CUT), PUBLIC, asked).frame
    assert None in told["numerator"].to_list()


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("assessment_attendance", "colonoscopy_incidence_360d"),
        ("colposcopy_attendance_15mo", "colposcopy_incidence_365d"),
        ("colposcopy_incidence_180d", "colposcopy_attendance_90d"),
        ("interval_cancer_rate", "interval_cancer_share_year1"),
    ],
)
def test_what_a_longer_span_leaves_of_a_shorter_one_is_a_number_too(wide, narrow):
    counts = {wide: 12, narrow: 10}
    cells = {Cell(Place(name, "", "2024", ()), What.NUMERATOR): count for name, count in counts.items()}
    assert list(left_over(cells).values()) == [tuple(cells)]


def sizes(oslo_under_15, oslo_over_20):
    by = {"by": ("county",), "programme": "no-breast"}
    rest = {("Rogaland",): (40, 90), ("Vestland",): (50, 99)}
    small = tables({("Oslo",): (oslo_under_15, 60), **rest}, name="under_15mm_share", **by)
    rest = {("Rogaland",): (20, 90), ("Vestland",): (15, 99)}
    large = tables({("Oslo",): (oslo_over_20, 60), **rest}, name="over_20mm_share", **by)
    answers = list(beside(small, large))
    told = tell(answers, judge(answers, PUBLIC), PUBLIC)
    return told[0].frame.filter(county="Oslo")["numerator"].to_list()


def test_few_between_what_one_figure_leaves_and_another_counts_are_not_told():
    """Of 60 cancers 40 under 15 mm and 18 over 20 mm would be 2 of the sizes between."""
    assert None in sizes(40, 18)
    assert sizes(40, 10) == [40, 10]


@pytest.mark.parametrize(("first", "second"), [("2023-2024", "2024"), ("2024", "2023-2024")])
def test_two_years_less_one_of_them_tell_no_small_number(first, second):
    """40 in two years and 38 in one of them would be 2 in the other."""
    counts = {"2023-2024": (40, 400), "2024": (38, 300)}
    before = judge(tables({("Oslo",): counts[first]}, by=("county",), when=first), PUBLIC)
    assert not [cell for cell in before.hidden if cell.what == "numerator"]
    answers = tables({("Oslo",): counts[second]}, by=("county",), when=second)
    told = tell(answers, judge(answers, PUBLIC, [earlier(before)]), PUBLIC)
    assert [one.frame["numerator"].item() for one in told] == [None, None]


@pytest.mark.parametrize(("first", "second"), [("2023-2024", "2024"), ("2024", "2023-2024")])
def test_two_years_less_one_of_them_do_not_tell_the_few_who_were_not_counted(first, second):
    """88 of 100 in two years and 40 of 50 in one of them would be 48 of 50 in the other: all but 2."""
    counts = {"2023-2024": (88, 100), "2024": (40, 50)}
    before = judge(tables({("Oslo",): counts[first]}, by=("county",), when=first), PUBLIC)
    assert not [cell for cell in before.hidden if cell.what == "numerator"]
    answers = tables({("Oslo",): counts[second]}, by=("county",), when=second)
    told = tell(answers, judge(answers, PUBLIC, [earlier(before)]), PUBLIC)
    assert [one.frame["numerator"].item() for one in told] == [None, None]


@pytest.mark.parametrize("order", list(permutations(["2022-2024", "2022", "2024"])))
def test_three_years_less_two_of_them_tell_no_small_number(order):
    """150 in three years, 74 in the first and 74 in the last would be 2 in the one between, of which nothing is told."""
    counts = {"2022-2024": (150, 600), "2022": (74, 300), "2024": (74, 250)}
    before = []
    for when in order:
        answers = tables({("Oslo",): counts[when]}, by=("county",), when=when)
        verdict = judge(answers, PUBLIC, before)
        before.append(earlier(verdict))
    assert {cell.what for cell in verdict.hidden} >= {What.NUMERATOR}


def referred(*, seen):
    events = [Happening(date=REFERRED, kind="referred", to="colposcopy")]
    if seen:
        events.append(
            Happening(date=REFERRED + timedelta(days=20), kind="appointment_attended", to="colposcopy")
        )
    return Life(born=date(1980, 1, 1), homes=[Home()], events=events)


def test_the_figure_beside_rounded_counts_does_not_tell_the_counts():
    """98.86 % of about 90 are 87 of 88: one was not seen."""
    women = dataset([referred(seen=number > 0) for number in range(88)], data_cut=CUT)
    asked = question("no-cervical", period("2024"), ids=["colposcopy_incidence_90d"])
    row = answered(women, ANALYST, asked).frame.row(0, named=True)
    assert (row["numerator"], row["denominator"], row["value"], row["low"]) == (85, 90, 100.0, None)
