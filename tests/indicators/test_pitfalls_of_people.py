"""Ways to a wrong figure that looks right, one test each: whom to count, when, and at what age."""

from datetime import date

import pytest

from analytics.extract.lives import Happening, Life
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.period import Length, period
from tests.indicators.told import BORN, counts, figure, figures

D = date
BREAST, BOWEL = {"programme": "no-breast"}, {"programme": "no-colorectal"}


def test_participation_coverage_and_retention_have_three_denominators():
    """Of three women two were called, three live here, and one had come the time before."""
    comes_again = "letter 2019-03-01, hpv negative 2019-04-01, letter 2024-03-01, hpv negative 2024-04-01"
    stays_away = "letter 2024-03-01"
    comes_uncalled = "hpv negative 2022-03-01"
    women = (comes_again, stays_away, comes_uncalled)
    assert counts("participation", *women) == (1, 2)
    assert counts("test_coverage", *women) == (2, 3)
    assert counts("retention", *women) == (1, 1)


def test_who_opted_out_gets_no_letter_and_stays_in_the_coverage_denominator():
    opted_out = Life(
        born=BORN["no-cervical"],
        status="opted_out",
        events=[Happening(date=D(2023, 5, 1), kind="opted_out", code="contact")],
    )
    stores_nothing = Life(
        born=BORN["no-cervical"],
        status="opted_out",
        events=[Happening(date=D(2023, 5, 1), kind="opted_out", code="storage")],
    )
    assert counts("invitation_coverage", opted_out) == (0, 0)
    assert counts("participation", opted_out) == (0, 0)
    assert counts("test_coverage", opted_out) == (0, 1)
    assert counts("never_screened", stores_nothing) == (1, 1)  # her normal results are not kept


def test_tests_outside_the_programme_cover_and_are_no_uptake():
    on_her_own = "hpv negative 2024-04-01"
    assert counts("test_coverage", on_her_own) == (1, 1)
    assert counts("participation", on_her_own) == (0, 0)


def test_coverage_never_exceeds_everybody():
    """Numerator and denominator are the same people: who was tested here and moved abroad is in neither."""
    abroad = "hpv negative 2024-01-10, home 0301 2000-01-01 2024-04-10"
    assert counts("test_coverage", abroad, "hpv negative 2024-01-10") == (1, 1)


def test_a_window_of_three_and_a_half_years_leaves_out_women_who_moved_to_five():
    under_five_years, under_three_years = "hpv negative 2020-03-01", "cytology nilm 2020-03-01"
    assert counts("test_coverage_3_5y", under_five_years, under_three_years) == (0, 1)
    assert counts("test_coverage_own_interval", under_five_years, under_three_years) == (1, 2)


@pytest.mark.parametrize(
    ("name", "first_day", "day_before"),
    [
        ("test_coverage", "2019-07-01", "2019-06-30"),
        ("test_coverage_3_5y", "2021-07-01", "2021-06-30"),
    ],
)
def test_half_a_year_is_a_date_and_not_a_number_of_days(name, first_day, day_before):
    assert counts(name, f"cytology nilm {first_day}") == (1, 1)
    assert counts(name, f"cytology nilm {day_before}") == (0, 1)


def test_three_and_a_half_years_are_not_always_as_many_days():
    back = Length(months=-42)
    lengths = {
        (end - back.after(end)).days for end in (D(2023, 1, 1), D(2024, 1, 1), D(2025, 1, 1), D(2026, 1, 1))
    }
    assert lengths == {1279, 1280}


def test_months_from_a_leap_day_end_where_the_month_does():
    leap, short = "letter 2024-02-29, hpv negative {}", "letter 2024-08-31, hpv negative {}"
    assert counts("participation", leap.format("2024-08-29")) == (1, 1)
    assert counts("participation", leap.format("2024-08-30")) == (0, 1)
    assert counts("participation", short.format("2025-02-28")) == (1, 1)
    assert counts("participation", short.format("2025-03-01")) == (0, 1)


def test_the_day_at_which_age_is_taken_is_the_indicators_own():
    sixty_nine_when_called = "born 1954-12-01, letter 2024-03-01"
    assert counts("participation", sixty_nine_when_called) == (0, 1)
    assert counts("test_coverage", sixty_nine_when_called) == (0, 0)  # seventy on the last day


def test_breast_screening_goes_by_the_year_of_birth_and_english_coverage_by_the_day():
    turns_fifty_in_december = "born 1974-12-31, invited 2024-03-01"
    assert counts("participation", turns_fifty_in_december, **BREAST) == (0, 1)
    turns_fifty_three, a_day_later = "born 1971-12-01", "born 1972-01-01"
    assert counts("coverage_en", turns_fifty_three, a_day_later, **BREAST) == (0, 1)


def test_hysterectomy_leaves_englands_coverage_and_stays_in_nordscreens():
    without_cervix = "hpv negative 2023-07-01, ceased no_cervix 2023-09-01"
    assert counts("coverage_en", without_cervix) == (0, 0)
    assert counts("test_coverage_nordscreen_3y", without_cervix) == (1, 1)
    assert counts("test_coverage", without_cervix) == (1, 1)


def test_figures_of_unequal_follow_up_are_marked_and_the_day_is_told():
    """Half a year after the letters of 2024 has not passed; that of 2023 has."""
    told = figures(
        "participation",
        "letter 2023-03-01",
        "letter 2024-11-01",
        when="2023-2024",
        by=["year"],
        cut=D(2025, 2, 1),
    )
    assert told.select("year", "mature", "mature_on").rows() == [
        ("2023", True, D(2024, 7, 1)),
        ("2024", False, D(2025, 7, 1)),
    ]
    assert not figure("participation", "letter 2023-03-01", when="2023-2024", cut=D(2025, 2, 1))["mature"]


@pytest.mark.parametrize("programme", ["no-cervical", "no-breast", "no-colorectal"])
def test_no_window_reaches_beyond_what_maturity_waits_for(programme):
    """But where time at risk is counted, or those not followed long enough leave the sum when they are lost."""
    for name, of in CATALOGUE[programme].items():
        if name == "round_length" or of.measure.method in ("aalen_johansen", "byar_or_exact"):
            continue  # the round ends with the call: its window lies behind
        window = of.window.length
        weeks = Length(days=7 * window.weekdays // 5) if window.weekdays else window
        assert weeks.after(D(2025, 1, 1)) <= of.mature_on(period("2024")), name


def test_death_before_colposcopy_is_no_refusal():
    """Of ten referred four died, three came and three were referred a week before the data end."""
    died = ["referred 2024-03-01, died 2024-03-06"] * 4
    came = ["referred 2024-03-01, seen 2024-03-11"] * 3
    not_seen_yet = ["referred 2024-11-24"] * 3
    people = (*died, *came, *not_seen_yet)
    naive = figure("colposcopy_attendance_90d", *people, cut=D(2024, 12, 1))
    told = figure("colposcopy_incidence_90d", *people, cut=D(2024, 12, 1))
    assert (naive["value"], naive["mature"]) == (30.0, False)
    assert told["value"] == pytest.approx(60.0)  # all who lived and were followed came


def test_first_screens_are_told_apart_from_later_ones_and_a_long_lapse_makes_a_first():
    recalled = "read R1 score_2 {0}, consensus recall {0}"
    initial = recalled.format("2024-03-01")
    subsequent = "read R1 score_1 2022-03-01, read R1 score_1 2024-03-01"
    lapsed = "read R1 score_1 2018-01-01, " + recalled.format("2024-03-01")
    told = figures("assessment_referral_rate", initial, subsequent, lapsed, by=["screen"], **BREAST)
    assert told.select("screen", "numerator", "denominator").rows() == [
        ("initial", 2, 2),
        ("subsequent", 0, 1),
    ]


def test_a_reminder_belongs_to_the_call_it_reminds_of():
    """In January four are reminded of November's call: it is told of that call how they answered the one before.

    Also where the letter crossed the answer: it calls nobody anew.
    """
    people = (
        "invited 2021-11-15, hpv negative 2021-11-15, invited 2023-11-15, letter 2024-01-10, hpv negative 2024-02-01",
        "invited 2021-11-15, invited 2023-11-15, letter 2024-01-10",
        "invited 2021-11-15, hpv negative 2023-11-15, invited 2023-11-15, hpv invalid 2024-01-02, letter 2024-01-10",
        "invited 2023-11-15, letter 2024-01-10, hpv negative 2024-01-10",
    )
    split = {"by": ["attendance"], "when": "2023-2024"}
    told = [("attended before", 1, 1), ("did not attend before", 1, 2), ("first call", 1, 1)]
    assert (
        figures("participation", *people, **split).select("attendance", "numerator", "denominator").rows()
        == told
    )
    assert counts("participation", *people, when="2024") == (0, 0)
    reminded = figures("response_to_reminder", *people[:2], by=["attendance"])
    assert reminded.select("attendance", "numerator", "denominator").rows() == [
        ("attended before", 1, 1),
        ("did not attend before", 0, 1),
    ]


def test_undelivered_letters_and_kits_stay_where_they_were_sent():
    assert counts("participation", "letter 2024-03-01, undeliverable 2024-03-10") == (0, 1)
    assert counts("kit_return_180d", "kit 2024-03-01, undeliverable 2024-03-10") == (0, 1)
    assert counts("undeliverable_rate", "kit 2024-03-01, undeliverable 2024-03-10") == (1, 1)


def test_kits_sent_are_counted_as_intended_in_each_arm():
    """Per protocol, of those whose kit arrived and who lived, it would be 1 of 1 against 1 of 2."""

    def called(arm, *more):
        return Life(
            born=BORN["no-cervical"],
            events=[Happening(date=D(2024, 3, 1), kind="kit_dispatched", letter="kit", arm=arm), *more],
        )

    returned = Happening(date=D(2024, 4, 1), kind="tested", test="hpv", sample="self", findings="negative")
    lost = Happening(date=D(2024, 3, 9), kind="kit_undeliverable")
    died = Happening(date=D(2024, 3, 9), kind="died")
    people = [
        called("mailed", returned),
        called("mailed", lost),
        called("mailed", died),
        called("asked"),
        called("asked", returned),
    ]
    told = figures("participation", *people, by=["arm"])
    assert told.select("arm", "numerator", "denominator").rows() == [("asked", 1, 2), ("mailed", 1, 3)]


def test_a_place_that_is_no_more_is_told_as_unknown_and_nobody_is_dropped():
    """Oslo, and a municipality whose number went with a reform: never counted for whoever bears the number next."""
    people = ("hpv negative 2024-03-01, home 0301", "hpv negative 2024-03-01, home 1231")
    told = figures("test_coverage", *people, by=["county"])
    assert told.select("county", "denominator").rows() == [("Oslo", 1), ("unknown", 1)]
    assert told["denominator"].sum() == counts("test_coverage", *people)[1]


def test_who_moved_is_counted_where_she_lived_on_the_anchor_day():
    moved = "letter 2024-03-01, home 0301 2000-01-01 2024-06-01, home 4601 2024-06-01"
    assert figure("participation", moved, by=["county"])["county"] == "Oslo"
    assert figure("test_coverage", moved, by=["county"])["county"] == "Vestland"
