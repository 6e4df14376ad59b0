"""What a page says of a figure beside the year before, its standard, and others: no more than the figures allow."""

import pytest

from analytics.indicators.catalogue import indicator
from analytics.methods.comparisons import Arm, risk_difference_newcombe
from analytics.methods.intervals import wilson
from analytics.reports.before import STRICT, differs, last_two, told_change
from analytics.reports.parts import compared
from analytics.reports.words import Language, Wording

ATTENDANCE = indicator("colposcopy_attendance_15mo", "no-cervical")  # at least 90 %
POSITIVITY = indicator("hpv_positivity", "no-cervical")  # has no good direction
COVERAGE = indicator("test_coverage", "no-cervical")
RECALL = indicator("early_recall_rate", "no-breast")
SAY = Wording(Language.ENGLISH)


def row(year, count, total, *, mature=True):
    low, high = (100 * float(limit) for limit in wilson(count, total))
    return {
        "year": str(year), "numerator": count, "denominator": total, "value": 100 * count / total, "low": low,
        "high": high, "mature": mature,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "before"),
    [((90, 100), (70, 100)), ((80, 100), (75, 100)), ((3, 4), (1, 4)), ((10, 400), (40, 400))],
)
def test_a_change_is_sure_when_newcombes_interval_leaves_zero_out(now, before):
    compared_ = risk_difference_newcombe(Arm(*now), Arm(*before))
    sure = compared_.low > 0 or compared_.high < 0
    assert differs(row(2025, *now), row(2024, *before)) == sure


def test_among_many_a_change_must_be_larger_to_be_named():
    now, before = row(2025, 85, 100), row(2024, 73, 100)
    assert differs(now, before)
    assert not differs(now, before, STRICT)


@pytest.mark.parametrize(
    ("of", "now", "before", "told"),
    [
        (ATTENDANCE, 95, 80, "Better than in 2024 (80.0%)"),
        (ATTENDANCE, 80, 95, "Worse than in 2024 (95.0%)"),
        (ATTENDANCE, 90, 89, "No sure change from 2024 (89.0%)"),
        (POSITIVITY, 40, 15, "Higher than in 2024 (15.0%)"),
        (POSITIVITY, 15, 40, "Lower than in 2024 (40.0%)"),
        (COVERAGE, 40, 80, "80.0% in 2024"),
    ],
)
def test_the_year_before_is_told_in_words(of, now, before, told):
    text, _ = told_change(row(2025, now, 100), row(2024, before, 100), of, SAY, asked="2025")
    assert text == told


def test_where_less_is_better_less_is_told_as_better():
    assert {standard.direction for standard in RECALL.standards} == {"below"}
    text, kind = told_change(row(2025, 5, 1000), row(2024, 40, 1000), RECALL, SAY, asked="2025")
    assert (text, kind) == ("Better than in 2024 (4.0%)", "better")


def test_a_year_that_is_not_complete_is_compared_with_nothing():
    years = [row(2023, 80, 100), row(2024, 95, 100), row(2025, 40, 100, mature=False)]
    now, before = last_two(years, 2025)
    assert (now["year"], before["year"]) == ("2024", "2023")
    text, _ = told_change(now, before, ATTENDANCE, SAY, asked="2025")
    assert text == "2024: 95.0%, better than in 2023 (80.0%)"


def test_years_that_do_not_follow_each_other_are_not_compared():
    assert last_two([row(2022, 80, 100), row(2024, 95, 100)], 2025) is None


@pytest.mark.parametrize(
    ("count", "total", "mature", "word"),
    [
        (99, 100, True, "Reached"),
        (50, 100, True, "Not reached"),
        (9, 10, True, "Too few to tell"),
        (50, 100, False, "Cannot be told yet"),
        (100, 100, False, "Cannot be told yet"),
    ],
)
def test_a_standard_is_reached_or_not_only_by_a_complete_figure(count, total, mature, word):
    (standard,) = ATTENDANCE.standards
    assert compared(standard, row(2025, count, total, mature=mature))[0] == word


def test_time_at_risk_is_told_in_years_and_people_as_people():
    assert (
        SAY.exposure(36525, indicator("interval_cancer_rate", "no-cervical").measure)
        == "100\u00a0person-years"
    )
    assert SAY.exposure(36525, POSITIVITY.measure) == "36,525"
