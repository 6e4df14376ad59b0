"""What a programme officer asks, answered by the page's own words: a fault is planted, and the page must name it."""

from datetime import date, timedelta

import pytest

from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators.kept import Kept
from analytics.indicators.period import period
from analytics.places import counties
from analytics.reports import views, views_after_referral, views_compared, views_of_all
from analytics.reports.asked import asked
from analytics.reports.counts import Counts
from analytics.reports.medium import Served
from analytics.reports.page import indicator_page, programme_page
from analytics.reports.views import Look
from analytics.reports.words import Language

CUT = date(2026, 7, 1)
LABORATORIES = ("AHUS", "HUS", "OUS", "UNN")


def woman(number, *events, county="0301"):
    return Life(born=date(1957 + number % 43, 1, 1), homes=[Home(municipality=county)], events=list(events))


def tested(day, lab, finding):
    return Happening(date=day, kind="tested", test="hpv", sample="clinician", lab=lab, findings=finding)


def look(lives, when="2025", indicator=None, **filters):
    counts = Counts(Kept(dataset(lives, data_cut=CUT)))
    wanted = asked(
        "no-cervical", period(when), Language.ENGLISH, indicator=indicator, filters=filters,
        seen=counts.seen("no-cervical"),
    )  # fmt: skip
    return Look(counts, wanted)


@pytest.fixture(scope="module")
def with_a_laboratory_that_is_off():
    """150 samples at each; UNN finds HPV in every fourth, the others in every fifteenth."""
    return [
        woman(
            n, tested(date(2025, 2, 1) + timedelta(days=n), lab, "hpv_31" if n % share == 0 else "negative")
        )
        for lab in LABORATORIES
        for n, share in ((n, 4 if lab == "UNN" else 15) for n in range(150))
    ]


def test_which_laboratory_is_off(with_a_laboratory_that_is_off):
    asked_ = look(with_a_laboratory_that_is_off, indicator="hpv_positivity")
    by_name = {view.name: view for view in [*views_compared.funnel_plots(asked_), *views.senders(asked_)]}
    assert (
        by_name["funnel-lab"].told[0].startswith("Outside the 99.8 % limits: UNN (high: 25.3%, 38 of 150).")
    )
    assert [row[0] for row in by_name["by-lab"].table.rows] == list(LABORATORIES)
    whole = look(with_a_laboratory_that_is_off)
    (name, told), *others = views_of_all.standing_out(whole)["Laboratories"]
    assert (name, others) == ("UNN", [])
    assert "hpv_positivity" in {of.id for of, _ in told}


def test_what_that_laboratory_finds_alone(with_a_laboratory_that_is_off):
    asked_ = look(with_a_laboratory_that_is_off, indicator="hpv_positivity", lab="UNN")
    page = indicator_page(asked_, Served())
    assert "38 of 150" in page
    assert "remove: UNN" in page


def referred(number, year, county, *, missed=False):
    """Referred in that year; seen after 40 days, or did not come."""
    day = date(year, 1, 1) + timedelta(days=number * 3)
    after = [
        Happening(date=day + timedelta(days=40), kind="appointment_attended", to="colposcopy", unit="North")
    ]
    if missed:
        after = [
            Happening(date=day + timedelta(days=40), kind="appointment_missed", to="colposcopy", unit="North")
        ]
    return woman(
        number, Happening(date=day, kind="referred", to="colposcopy", unit="North"), *after, county=county
    )


@pytest.fixture(scope="module")
def with_a_county_that_fell():
    """40 referred a year in Oslo, Troms and Agder; in Troms in 2025 three of four do not come."""
    return [
        referred(n, year, county, missed=n % 4 > 0 if (year, county) == (2025, "5501") else n % 20 == 0)
        for year in (2023, 2024, 2025)
        for county in ("0301", "5501", "4201")
        for n in range(40)
    ]


def test_why_attendance_at_colposcopy_fell_in_a_county(with_a_county_that_fell):
    asked_ = look(with_a_county_that_fell, indicator="colposcopy_attendance_90d")
    multiples = {view.name: view for view in views_compared.small_multiples(asked_)}
    told = (
        "Largest change from 2024 to 2025: Troms, from 95.0% (38 of 40) to 25.0% (10 of 40). "
        "More than chance explains: Troms."
    )
    assert multiples["years-county"].told == [told]
    county = look(with_a_county_that_fell, indicator="colposcopy_attendance_90d", county="Troms")
    why = views_after_referral.fates(county)[0]
    assert why.told == [
        "Of 80 referred, 60.0% were seen within 90 days; of the others most are: did not attend (32)."
    ]
    assert "Lower than in 2024 (95.0%)" in indicator_page(county, Served())


def test_how_long_women_wait_after_they_are_referred(with_a_county_that_fell):
    view = views_compared.waiting(look(with_a_county_that_fell, indicator="time_to_colposcopy"))
    assert view.told == ["2025: half by day 40, 71.7% by day 90."]


def test_who_the_non_attenders_are_by_age():
    lives = [
        woman(n, Happening(date=date(2024, 3, 1), kind="reminded", letter="reminder"),
              *([tested(date(2024, 5, 1), "OUS", "negative")] if n % 43 < 38 else []))
        for n in range(172)
    ]  # fmt: skip
    view = views_compared.non_attenders(look(lives, "2024", indicator="response_to_reminder"))
    assert view.told[0].startswith("20 of those called were not tested; most of them are 25-29 years old: 20")


def test_every_county_can_be_asked_for():
    assert {look([woman(1)], county=name).asked.only["county"] for name in counties().values()} == set(
        counties().values()
    )


def test_years_of_which_only_archives_tell_are_said_to_be_so():
    began = date(2024, 1, 1)
    lives = [
        woman(n, *(Happening(date=day, recorded_on=max(day, began), kind="tested", test="hpv", sample="clinician",
                             findings="negative") for day in (date(2020, 3, 1), date(2024, 5, 1))))
        for n in range(12)
    ]  # fmt: skip
    since = "What happened before 1\u00a0January 2024 was recorded afterwards, from archives"
    assert any(since in line for line in views.years(look(lives, "2025", "hpv_positivity")).told)
    only_now = [woman(n, tested(date(2024, 5, 1), "AHUS", "negative")) for n in range(12)]
    assert not any("archives" in line for line in views.years(look(only_now, "2025", "hpv_positivity")).told)


def mammogram(number, day, *, recalled):
    """Read by two; recalled by consensus, or let go."""
    found = "score_3" if recalled else "score_1"
    readings = [
        Happening(date=day, kind="tested", test="mammography", findings=found, reader=reader)
        for reader in ("R1", "R2")
    ]
    agreed = [Happening(date=day + timedelta(days=5), kind="tested", test="consensus", findings="recall")]
    return Life(
        programme="no-breast",
        born=date(1965 + number % 5, 1, 1),
        homes=[Home(municipality="0301")],
        events=[*readings, *(agreed if recalled else [])],
    )


@pytest.mark.parametrize("when", ["2025", "2026"])
def test_how_many_are_recalled_is_judged_apart_at_first_screens_and_by_the_latest_complete_year(when):
    lives = [mammogram(n, date(2025, 3, 1), recalled=n < 10) for n in range(40)]
    lives += [mammogram(n, date(2026, 6, 1), recalled=False) for n in range(5)]
    counts = Counts(Kept(dataset(lives, data_cut=CUT)))
    wanted = asked("no-breast", period(when), Language.ENGLISH, filters={}, seen=counts.seen("no-breast"))
    page = programme_page(Look(counts, wanted), Served())
    year = "" if when == "2025" else "2025: "
    assert "First screens: 25.0%" in page
    assert f"{year}Not reached: acceptable below 7%, European guidelines" in page
    assert "Recalled for assessment, first screens" in page
    assert "gauge-initial.svg" in page
    assert "Later screens" not in page
    assert "the latest complete year is shown" in page
