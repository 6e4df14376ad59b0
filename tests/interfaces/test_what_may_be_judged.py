"""Who stands out, is highest or lowest, or has changed: told only of complete years that the programme's records tell."""

from datetime import date, timedelta

import pytest

from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators import beside, kept
from analytics.indicators.catalogue import indicator
from analytics.indicators.kept import Kept
from analytics.indicators.period import period
from analytics.reports import views, views_compared, views_of_all
from analytics.reports.asked import asked
from analytics.reports.counts import Counts
from analytics.reports.medium import Served
from analytics.reports.page import indicator_page, programme_page
from analytics.reports.takeaway import take
from analytics.reports.trend import told_trend
from analytics.reports.views import Look
from analytics.reports.words import Language, Wording

ANSWERS = "response_to_reminder"
OSLO, TROMS, AGDER = "0301", "5501", "4201"
OTHERS = ("1101", "3101", "3301", "4601")


def reminded(number, day, county, *, answers, unit=None):
    """A woman who is sent a reminder on that day, and is tested 20 days later or not at all."""
    sent = Happening(date=day, kind="reminded", letter="reminder")
    test = Happening(
        date=day + timedelta(days=20),
        kind="tested",
        test="hpv",
        sample="clinician",
        findings="negative",
        unit=unit,
    )
    born = date(1960 + number % 35, 1, 1)
    return Life(born=born, homes=[Home(municipality=county)], events=[sent, test] if answers else [sent])


def look(
    lives, when, indicator=None, *, cut=date(2026, 1, 1), language=Language.ENGLISH, strict=True, **filters
):
    counts = Counts(Kept(dataset(lives, data_cut=cut)))
    wanted = asked(
        "no-cervical", period(when), language, indicator=indicator, filters=filters, strict=strict,
        seen=counts.seen("no-cervical"),
    )  # fmt: skip
    return Look(counts, wanted)


def year_of(day, good=(), bad=()):
    """60 women of each county reminded from that day on: four of five answer, or one of five."""
    return [
        reminded(n, day + timedelta(days=n % 20), county, answers=n % 5 > 0 if county in good else n % 5 == 0)
        for county in (*good, *bad)
        for n in range(60)
    ]


@pytest.fixture(scope="module")
def lives():
    """In 2024 Troms is bad. In 2025 it is good, and Agder looks bad: its women were reminded in December."""
    agder = [reminded(n, date(2025, 12, 20), AGDER, answers=False) for n in range(60)]
    return [
        *year_of(date(2024, 3, 1), good=(OSLO, AGDER, *OTHERS), bad=(TROMS,)),
        *year_of(date(2025, 3, 1), good=(OSLO, TROMS, *OTHERS)),
        *agder,
    ]


def named(look_):
    """Which counties stand out by how many answer, and what is told of them."""
    found = views_of_all.standing_out(look_).get("Counties", [])
    return {who: text for who, told in found for of, text in told if of.id == ANSWERS}


def test_a_county_that_looks_bad_only_because_its_women_may_still_answer_is_not_named(lives):
    assert named(look(lives, "2025")) == {"Troms": "2024: 20.0%, low; all together 71.4%"}
    page = programme_page(look(lives, "2025"), Served())
    assert "Where the follow-up of 2025 is not complete, the latest complete year is judged." in page


def test_pictures_that_compare_are_of_the_complete_year_and_say_so(lives):
    asked_ = look(lives, "2025", ANSWERS)
    shown = {
        "funnel": views_compared.funnel_plot(asked_, views.Stratum.COUNTY), "map": views_compared.map_of_counties(asked_),
        "list": views.counties(asked_), "ages": views.ages(asked_),
    }  # fmt: skip
    assert {name: view.when for name, view in shown.items()} == dict.fromkeys(shown, "2024")
    assert {row[2] for row in shown["funnel"].table.rows} == {"60"}
    assert "Troms (low: 20.0%, 12 of 60)" in shown["funnel"].told[0]
    assert shown["map"].told[0].startswith("From 20.0% (Troms, 12 of 60) to 80.0%")
    page = indicator_page(asked_, Served())
    assert 'By age <span class="when">2024</span>' in page
    assert (
        "Compared below is 2024, the latest year whose follow-up is complete on 1\u00a0January 2026." in page
    )
    alone = take(asked_, "counties", "svg", None).decode()
    assert "2024" in alone
    assert "2025 ·" not in alone


def test_a_complete_year_that_is_asked_for_is_judged_itself(lives):
    asked_ = look(lives, "2024", ANSWERS)
    assert views.counties(asked_).when == ""
    assert "Compared below" not in indicator_page(asked_, Served())
    assert named(look(lives, "2024")) == {"Troms": "20.0%, low; all together 71.4%"}


def test_where_no_year_is_complete_nobody_is_judged_and_the_page_says_when():
    begun = year_of(date(2025, 3, 1), good=(OSLO, AGDER), bad=(TROMS,))
    asked_ = look(begun, "2025", ANSWERS)
    day = asked_.say.day(asked_.of.mature_on(period("2025")))
    assert views_compared.map_of_counties(asked_) is None
    assert views_compared.funnel_plots(asked_) == []
    assert views.counties(asked_).told == [f"Not judged yet: follow-up is complete on {day}."]
    whole = look(begun, "2025")
    assert named(whole) == {}
    page = programme_page(whole, Served())
    assert f"Not judged yet, because follow-up is complete on {day}: " in page
    norwegian = programme_page(look(begun, "2025", language=Language.NORWEGIAN), Served())
    assert "Vurderes ikke ennå, fordi oppfølgingen er fullstendig" in norwegian


def test_of_the_years_one_that_is_not_complete_is_neither_highest_nor_lowest(lives):
    told = views.years(look(lives, "2025", ANSWERS)).told
    assert told[0] == "2024: 71.4% (300 of 420)."


def test_where_all_are_alike_none_is_named():
    women = year_of(date(2024, 3, 1), good=(OSLO, AGDER))
    assert views.counties(look(women, "2024", ANSWERS)).told[0] == "All have 80.0%."


def test_units_of_a_handful_are_not_judged_but_counted_and_in_the_table():
    def tested(n, lab, finding):
        return Life(born=date(1970, 1, 1 + n % 28), homes=[Home()], events=[
            Happening(date=date(2024, 3, 1), kind="tested", test="hpv", sample="clinician", lab=lab, findings=finding)
        ])  # fmt: skip

    women = [
        tested(n, lab, "hpv_31" if n % 15 == 0 else "negative")
        for lab in ("AHUS", "HUS", "OUS")
        for n in range(150)
    ]
    women += [tested(n, "TINY", "hpv_31") for n in range(9)]
    view = views_compared.funnel_plot(look(women, "2024", "hpv_positivity"), views.Stratum.LAB)
    assert view.told[0].startswith("Nobody lies outside")
    assert "Too small to be judged or drawn, with fewer than 10 counted: 1 of 4." in view.told
    assert [row for row in view.table.rows if row[0] == "TINY"] == [
        ["TINY", "9", "9", "100.0", "70.1–100.0", "", ""]
    ]


def archived(number, day, finding="negative"):
    """Tested on that day; before 2024 it was recorded when the programme began."""
    recorded = max(day, date(2024, 1, 1))
    test = Happening(
        date=day, recorded_on=recorded, kind="tested", test="hpv", sample="clinician", findings=finding
    )
    return Life(born=date(1960 + number % 35, 1, 1), homes=[Home()], events=[test])


@pytest.fixture(scope="module")
def with_archives():
    """The archives of 2022 and 2023 tell of normal tests alone."""
    normal = [archived(n, date(year, 5, 1)) for year in (2022, 2023) for n in range(60)]
    return normal + [archived(n, date(2024, 5, 1), "hpv_16" if n % 3 == 0 else "negative") for n in range(60)]


def test_what_archives_tell_of_is_no_change_of_the_programme(with_archives):
    asked_ = look(with_archives, "2024", "hpv_positivity", cut=date(2025, 1, 1))
    page = indicator_page(asked_, Served())
    told = "Not compared with 2023: what happened before 1\u00a0January 2024 was recorded afterwards, from archives."
    assert told in page
    assert "Higher than in 2023" not in page
    assert told in programme_page(look(with_archives, "2024", cut=date(2025, 1, 1)), Served())
    assert views.years(asked_).told[0] == "2024: 33.3% (20 of 60)."


def test_only_periods_are_offered_in_which_something_was_recorded(with_archives):
    def offered(cut, when):
        page = programme_page(look(with_archives, when, cut=cut), Served())
        field = page.split('<select name="period"')[1].split("</select>")[0]
        return [part.split('"')[0] for part in field.split('value="')[1:]]

    assert offered(date(2025, 1, 1), "2024") == ["2024"]
    assert offered(date(2025, 6, 1), "2024") == ["2025", "2024", *(f"2024-Q{n}" for n in (4, 3, 2, 1))]
    assert offered(date(2025, 1, 1), "2023") == ["2023", "2024"]
    assert "2024-2026" in offered(date(2027, 6, 1), "2026")


def test_filters_that_no_indicator_can_be_split_by_together_are_not_offered_together_nor_refused():
    seen = Happening(date=date(2024, 5, 1), kind="appointment_attended", to="colposcopy", unit="North")
    sent = Happening(date=date(2024, 4, 1), kind="referred", to="colposcopy", unit="North")
    test = Happening(
        date=date(2024, 3, 1), kind="tested", test="hpv", sample="clinician", lab="AHUS", findings="hpv_16"
    )
    women = [Life(born=date(1980, 1, 1), homes=[Home()], events=[test, sent, seen])]
    page = programme_page(look(women, "2024", lab="AHUS"), Served())
    assert '<select name="lab"' in page
    assert '<select name="unit"' not in page
    both = programme_page(look(women, "2024", lab="AHUS", unit="North", strict=False), Served())
    assert (
        "No indicator can be split by all of these together, so none is narrowed to this: unit North." in both
    )


def test_a_breast_page_is_counted_from_one_reading_also_where_the_latest_complete_year_is_an_earlier_one(
    monkeypatch,
):
    def mammogram(number, year):
        day = date(year, 3, 1)
        readings = [
            Happening(date=day, kind="tested", test="mammography", findings="score_1", reader=r, unit="North")
            for r in ("R1", "R2")
        ]
        called = Happening(date=day - timedelta(days=20), kind="invited", letter="invitation")
        return Life(
            programme="no-breast",
            born=date(1965, 1, 1 + number % 28),
            homes=[Home()],
            events=[called, *readings],
        )

    readings = []

    def counted(data, wanted):
        readings.append(wanted)
        return beside.counted(data, wanted)

    monkeypatch.setattr(kept, "counted", counted)
    lives = [mammogram(n, year) for year in (2022, 2023, 2024) for n in range(20)]
    counts = Counts(Kept(dataset(lives, data_cut=date(2025, 1, 1))))
    whole = asked("no-breast", period("2024"), Language.ENGLISH, filters={}, seen=counts.seen("no-breast"))
    page = programme_page(Look(counts, whole), Served())
    assert "2023: First screens" in page
    assert len(readings) == 1


# -- trends ------------------------------------------------------------------------------------------------------------

SAY, NORSK = Wording(Language.ENGLISH), Wording(Language.NORWEGIAN)
DETECTED = indicator("cin2_plus_detection_rate", "no-cervical")
YEARS = [
    {"year": str(2015 + n), "numerator": found, "denominator": of}
    for n, (found, of) in enumerate([
        (120, 50000), (131, 50500), (118, 51000), (140, 51700), (152, 52000), (149, 52800), (161, 53000), (170, 53900),
    ])
]  # fmt: skip


def test_the_average_yearly_change_of_a_rate_is_told_with_its_interval():
    told, method = told_trend(DETECTED, YEARS, SAY)
    assert told == "From 2015 to 2022 it changed by +4.1% a year on average (95 % interval +1.5% to +6.8%)."
    assert method.startswith("By Poisson regression of the log rate on the year")
    norwegian = told_trend(DETECTED, YEARS, NORSK)[0]
    assert "+4,1\u00a0%" in norwegian


def test_a_change_that_chance_explains_is_told_as_none():
    told = told_trend(DETECTED, YEARS[:3], SAY)[0]
    assert told.startswith("From 2015 to 2017 no sure change: −1.8% a year on average")


@pytest.mark.parametrize("name", ["hpv_positivity", "test_coverage", "time_to_colposcopy"])
def test_what_is_no_rate_of_rare_events_has_no_trend(name):
    assert told_trend(indicator(name, "no-cervical"), YEARS, SAY) == []


def test_two_years_make_no_trend():
    assert told_trend(DETECTED, YEARS[:2], SAY) == []
