"""Dates by the calendar: half-years, leap days, ends of months."""

from datetime import date

import pytest

from analytics.indicators import catalogue
from analytics.indicators.period import Length, add_months, period
from screening.refusals import Refused

CATALOGUE = catalogue.CATALOGUE["no-cervical"]

# fmt: off
PERIODS = [
    ("2025",      date(2025, 1, 1),  date(2026, 1, 1)),
    ("2021-2025", date(2021, 1, 1),  date(2026, 1, 1)),
    ("2025-Q3",   date(2025, 7, 1),  date(2025, 10, 1)),
    ("2025-12",   date(2025, 12, 1), date(2026, 1, 1)),
    ("2024-02",   date(2024, 2, 1),  date(2024, 3, 1)),
]
MONTHS_LATER = [
    (date(2024, 1, 31), 1,   date(2024, 2, 29)),
    (date(2023, 1, 31), 1,   date(2023, 2, 28)),
    (date(2024, 2, 29), 12,  date(2025, 2, 28)),
    (date(2024, 2, 29), 48,  date(2028, 2, 29)),
    (date(2026, 1, 1),  -66, date(2020, 7, 1)),
    (date(2024, 11, 30), 1,  date(2024, 12, 30)),
    (date(2024, 12, 31), 2,  date(2025, 2, 28)),
]
# fmt: on


@pytest.mark.parametrize(("text", "start", "end"), PERIODS)
def test_a_period_is_half_open(text, start, end):
    assert (period(text).start, period(text).end) == (start, end)


@pytest.mark.parametrize("text", ["", "25", "2025-13", "2025-Q5", "2025-2021", "last year", "2025-1", "0000"])
def test_what_is_no_period_is_refused_with_what_may_be_asked(text):
    with pytest.raises(Refused, match="2025-Q1"):
        period(text)


@pytest.mark.parametrize(("day", "months", "expected"), MONTHS_LATER)
def test_months_end_on_the_last_day_of_a_shorter_one(day, months, expected):
    assert add_months(day, months) == expected


def test_five_and_a_half_years_to_the_end_of_2025_begin_on_the_first_of_july_2020():
    window = CATALOGUE["test_coverage"].window.length
    assert window.after(period("2025").end) == date(2020, 7, 1)
    assert window == Length(months=-66)


def test_years_of_a_span_are_its_calendar_years():
    assert [year.text for year in period("2021-2023").years()] == ["2021", "2022", "2023"]
    assert [(y.text, y.start, y.end) for y in period("2024-Q2").years()] == [
        ("2024", date(2024, 4, 1), date(2024, 7, 1))
    ]
