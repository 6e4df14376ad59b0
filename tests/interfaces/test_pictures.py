"""What a picture must show: where an interval goes on, who is named, and where too few were counted for a colour."""

import re
from datetime import date, timedelta
from itertools import combinations

import pytest

from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators.kept import Kept
from analytics.indicators.period import period
from analytics.places import counties
from analytics.reports import charts, comparisons
from analytics.reports.asked import asked
from analytics.reports.counts import Counts
from analytics.reports.screens import by_screen
from analytics.reports.views import Look
from analytics.reports.words import Language


def age(word, value, low, high):
    return {"age_group": word, "value": value, "low": low, "high": high, "fill": charts.MAIN, "mature": True}


NARROW = [age("50-54", 2.0, 1.8, 2.2), age("55-59", 2.5, 2.3, 2.7)]
WIDE = [*NARROW, age("60-64", 2.2, 0.2, 40.0)]


@pytest.mark.parametrize(("drawn", "head"), [("across", "triangle-up"), ("down", "triangle-right")])
def test_an_interval_that_goes_on_beyond_the_axis_ends_in_an_arrow(drawn, head):
    def told(rows):
        more = [None] if drawn == "down" else []
        return str(getattr(charts, drawn)(rows, "age_group", 520, [], *more).chart.to_dict(validate=False))

    assert head in told(WIDE)
    assert head not in told(NARROW)


def test_a_gauge_keeps_its_width_where_the_interval_goes_on_beyond_it():
    drawn = charts.gauge(age("", 5.0, 1.4, 16.5), 220, [charts.Line(7), charts.Line(5, desirable=True)]).svg()
    lengths = [float(x) for x in re.findall(r'<line [^>]*x2="([\d.]+)"', drawn)]
    assert max(lengths) > 150


def test_ends_of_an_axis_are_round_and_hold_what_is_shown():
    assert charts.round_ends(59.9, 71.2) == [58, 72]
    assert charts.round_ends(0, 1) == [0, 1]
    assert charts.round_ends(100, 100) == [90, 100]
    assert charts.round_ends(0.013, 0.021) == pytest.approx([0.013, 0.021])


def unit(number, total, value, outside):
    return {"municipality": f"Kommune {number}", "denominator": total, "value": value, "outside": outside}


def test_names_of_units_in_a_funnel_plot_do_not_lie_over_each_other_or_over_points():
    rows = [unit(n, 100 + 15 * n, 80 + n % 3, 1) for n in range(30)] + [unit(30, 2000, 20, -1)]
    limits = [
        {
            "total": 2000,
            "target": 50,
            "low_warning": 45,
            "high_warning": 55,
            "low_alarm": 42,
            "high_alarm": 58,
        }
    ]
    drawing = comparisons.funnel_plot(rows, limits, 520, of="of how many", name="municipality", most=100)
    names = drawing.more["names"]
    assert "Kommune 30" in {one["name"] for one in names}
    assert 1 < len(names) < 31
    wide = 2100 / 475  # people a pixel, and percent a pixel
    high = (100 - 15) / 280
    for one, other in combinations(names, 2):
        apart = abs(one["x"] - other["x"]) >= 60 * wide or abs(one["y"] - other["y"]) >= 14 * high
        assert apart, (one, other)


def test_counties_with_too_few_are_grey_and_the_legend_says_so():
    names = list(counties().values())

    def drawn(tiny):
        rows = [
            {"county": name, "value": 50 + n, "denominator": 5 if name in tiny else 100}
            for n, name in enumerate(names)
        ]
        few = lambda row: row["denominator"] < 10  # noqa: E731
        return comparisons.map_of_counties(rows, 380, "%", few=few, too_few="too few").svg()

    assert "too few" in drawn(names[:2])
    assert "too few" not in drawn(())


def found(number, *, before):
    """A small cancer found at a mammogram in 2022, the first or a later one."""
    day = date(2022, 3, 1)
    events = [
        Happening(date=day - timedelta(days=700), kind="tested", test="mammography", findings="score_1", reader="R1")
    ] if before else []  # fmt: skip
    events += [
        *(
            Happening(date=day, kind="tested", test="mammography", findings="score_4", reader=r)
            for r in ("R1", "R2")
        ),
        Happening(date=day + timedelta(days=5), kind="tested", test="consensus", findings="recall"),
        Happening(date=day + timedelta(days=10), kind="appointment_attended", to="breast_assessment"),
        Happening(date=day + timedelta(days=12), kind="tested", test="histology", findings="invasive_cancer"),
        Happening(date=day + timedelta(days=15), kind="diagnosed", code="C50", size_mm=8.0),
    ]
    return Life(programme="no-breast", born=date(1965, 1, 1 + number), homes=[Home()], events=events)


def test_only_screens_that_have_a_standard_of_their_own_stand_among_the_standards():
    lives = [found(n, before=n % 2 > 0) for n in range(20)]
    wanted = asked("no-breast", period("2022"), Language.ENGLISH, indicator="small_cancer_share", filters={})
    look = Look(Counts(Kept(dataset(lives, data_cut=date(2025, 1, 1)))), wanted)
    split = look.frame("screen")
    assert split["screen"].to_list() == ["initial", "subsequent"]
    assert split["low"].null_count() == 0
    assert list(by_screen(look)) == ["initial"]
