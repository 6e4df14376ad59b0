"""Each indicator counted by hand, once over the cohort of conftest and once over nobody."""

from datetime import date

import pytest

from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators import catalogue
from analytics.indicators.conservation import conservation, overdue
from analytics.indicators.engine import compute, question
from analytics.indicators.funnel import followed_up, reached, steps_of
from analytics.indicators.period import period
from screening.refusals import Refused

CATALOGUE = catalogue.CATALOGUE["no-cervical"]

# fmt: off
COUNTED_BY_HAND = [
    # indicator                  of those counted            of
    ("invitation_coverage",      2,                          4),   # on time: 2; late, and reserved when long late: 2
    ("participation",            2,                          4),   # letter or kit: 4; answered in 6 months: 2
    ("response_to_reminder",     2,                          3),   # the kit is no reminder; 7 months is in 12
    ("test_coverage",            8,                          11),  # not the one abroad, of seventy, nor the man
    ("hpv_positivity",           3,                          6),   # the repeat is not primary, the replacement is
    ("invalid_rate",             1,                          8),   # every specimen, the repeat too
    ("colposcopy_referral_rate", 2,                          6),
    ("colposcopy_attendance_90d", 2,                         3),   # 41 and 10 days; 103 days is too late
    ("cin2_plus_detection_rate", 1,                          6),   # CIN2 after a repeat is not of this screening
    ("ppv_colposcopy",           2,                          3),
]
# fmt: on


def counted(data, text, **asked):
    results = compute(data, question("no-cervical", period(text), **asked))
    return results.frame.select("numerator", "denominator").rows()


@pytest.mark.parametrize(("name", "numerator", "denominator"), COUNTED_BY_HAND)
def test_the_count_by_hand_and_the_count_agree(cohort, name, numerator, denominator):
    assert counted(cohort, "2024", ids=[name]) == [(numerator, denominator)]


def test_a_woman_counts_in_the_county_where_she_lived_that_day():
    moved_in_june = Life(
        born=date(1980, 1, 1),
        homes=[Home(until=date(2024, 6, 1)), Home(municipality="4601", since=date(2024, 6, 1))],
        events=[
            Happening(date=day, kind="tested", test="hpv", findings="negative")
            for day in (date(2024, 5, 31), date(2024, 6, 1))
        ],
    )
    data = dataset([moved_in_june], data_cut=date(2026, 1, 1))
    frame = compute(data, question("no-cervical", period("2024"), ids=["invalid_rate"], by=["county"])).frame
    assert frame.select("county", "denominator").rows() == [("Oslo", 1), ("Vestland", 1)]


def test_a_woman_who_moved_abroad_and_back_is_at_home_only_while_she_was(cohort):
    back_in_march = Life(
        born=date(1980, 1, 1),
        homes=[Home(until=date(2023, 6, 1)), Home(since=date(2024, 3, 1))],
    )
    data = dataset([back_in_march], data_cut=date(2026, 1, 1))
    assert counted(data, "2023", ids=["test_coverage"]) == [(0, 0)]
    assert counted(data, "2024", ids=["test_coverage"]) == [(0, 1)]


def test_a_test_on_the_day_of_the_letter_answers_it():
    same_day = Life(
        born=date(1980, 1, 1),
        events=[
            Happening(date=date(2024, 5, 1), kind="reminded", letter="reminder"),
            Happening(date=date(2024, 5, 1), kind="tested", test="hpv", findings="negative"),
        ],
    )
    data = dataset([same_day], data_cut=date(2026, 1, 1))
    assert counted(data, "2024", ids=["participation"]) == [(1, 1)]


def test_histology_on_the_day_of_colposcopy_counts():
    biopsied_at_once = Life(
        born=date(1980, 1, 1),
        events=[
            Happening(date=date(2024, 5, 1), kind="appointment_attended", to="colposcopy"),
            Happening(date=date(2024, 5, 1), kind="tested", test="histology", findings="cin2"),
        ],
    )
    data = dataset([biopsied_at_once], data_cut=date(2026, 1, 1))
    assert counted(data, "2024", ids=["ppv_colposcopy"]) == [(1, 1)]


def test_a_november_birthday_is_not_lost_in_eight_bits():
    """Month numbers are eight bits wide in polars; November and December are where a product wraps."""
    turns_25_in_november = Life(born=date(1999, 11, 20))
    data = dataset([turns_25_in_november], data_cut=date(2026, 1, 1))
    assert counted(data, "2024", ids=["test_coverage"]) == [(0, 1)]
    assert counted(data, "2024-10", ids=["test_coverage"]) == [(0, 0)]


def test_follow_up_that_is_not_complete_is_said(cohort):
    frame = compute(cohort, question("no-cervical", period("2025"))).frame
    ready = {row["id"]: (row["mature"], row["mature_on"]) for row in frame.to_dicts()}
    assert ready["participation"] == (True, date(2026, 7, 1))
    assert ready["response_to_reminder"] == (False, date(2027, 1, 1))
    assert ready["test_coverage"] == (True, date(2026, 1, 1))


def test_the_funnel_counts_each_step_among_those_of_the_step_before(cohort):
    women = steps_of(reached(cohort, "no-cervical", period("2024")), "no-cervical", {})
    assert [(step.id, step.count) for step in women] == [
        ("called", 4), ("tested", 2), ("positive", 0), ("referred", 0), ("attended", 0), ("cin2_plus", 0),
        ("cancer", 0),
    ]  # fmt: skip


def test_the_funnel_tells_how_far_each_went_of_all_and_of_those_of_one_county():
    """Seven women of whom each went a step further than the one before, by turns of Oslo and of Vestland."""
    way = [
        Happening(date=date(2024, 2, 1), kind="invited"),
        Happening(date=date(2024, 3, 1), kind="tested", test="hpv", findings="hpv_16"),
        Happening(date=date(2024, 4, 1), kind="referred", to="colposcopy"),
        Happening(date=date(2024, 5, 1), kind="appointment_attended", to="colposcopy"),
        Happening(date=date(2024, 5, 2), kind="tested", test="histology", findings="cin2"),
        Happening(date=date(2024, 5, 3), kind="tested", test="histology", findings="scc"),
    ]
    negative = Happening(date=date(2024, 3, 1), kind="tested", test="hpv", findings="negative")
    ways = [way[:1], [way[0], negative], *(way[: steps + 1] for steps in range(1, 6))]
    women = [
        Life(born=date(1985, 1, 1), homes=[Home(municipality=("0301", "4601")[number % 2])], events=events)
        for number, events in enumerate(ways)
    ]
    told = reached(dataset(women, data_cut=date(2026, 7, 1), buckets=2), "no-cervical", period("2024"))

    def counts(**where):
        return [step.count for step in steps_of(told, "no-cervical", where)]

    assert counts() == [7, 6, 5, 4, 3, 2, 1]
    assert counts(county="Oslo") == [4, 3, 3, 2, 2, 1, 1]
    assert counts(county="Vestland", sex="female") == [3, 3, 2, 2, 1, 1, 0]
    assert counts(county="Oslo", age_group="35-39") == counts(county="Oslo")
    assert counts(county="Oslo", age_group="40-44") == [0] * 7


def test_the_funnel_goes_back_to_the_latest_year_that_was_followed_up():
    assert followed_up(period("2025"), date(2026, 1, 1)).text == "2023"
    assert followed_up(period("2023"), date(2026, 1, 1)).text == "2023"


def test_everybody_has_one_status_and_what_is_overdue_is_counted(cohort):
    people = conservation(cohort, "no-cervical")
    assert (people.people, people.by_status["waiting"], people.lost) == (14, 14, 0)
    assert overdue(cohort, "no-cervical", date(2026, 7, 1)).is_empty()


CUT = date(2026, 7, 1)


def asked(people, cut=CUT, when="2024", **more):
    return compute(dataset(people, data_cut=cut), question("no-cervical", period(when), **more)).frame


def test_two_municipalities_of_one_name_are_two():
    north, south = (
        Life(born=date(1980, 5, 17), homes=[Home(municipality=number)]) for number in ("1818", "1515")
    )
    told = asked([north, north, south], ids=["never_screened"], by=["municipality"])
    assert told.select("municipality", "denominator").rows() == [
        ("Herøy (Møre og Romsdal)", 1),
        ("Herøy (Nordland)", 2),
    ]


def test_what_is_asked_for_twice_is_told_once():
    woman = Life(born=date(1980, 5, 17))
    told = asked([woman], ids=["never_screened", "never_screened"], by=["county", "county"])
    assert told.select("id", "county", "denominator").rows() == [("never_screened", "Oslo", 1)]


def test_months_that_have_not_begun_have_no_figure_and_a_hundred_years_of_them_are_refused():
    woman = Life(born=date(1980, 5, 17))
    told = asked([woman], cut=date(2024, 3, 15), ids=["never_screened"], by=["month"])
    assert told["month"].to_list() == ["2024-01", "2024-02", "2024-03"]
    assert told["mature"].to_list() == [True, True, False]
    with pytest.raises(Refused, match="at most 240 at once"):
        asked([woman], when="1950-2050", ids=["never_screened"], by=["month"])


def test_a_chance_over_ten_rounds_is_not_told_where_nobody_had_the_tenth():
    def screened(times):
        day = date(2024, 3, 1)
        years = range(2024 - 2 * (times - 1), 2025, 2)
        read = [
            Happening(
                date=day.replace(year=year),
                kind="tested",
                test="mammography",
                reader="R1",
                findings="score_1",
            )
            for year in years
        ]
        return Life(born=date(1960, 5, 17), events=read, programme="no-breast")

    def chance(*times):
        people = dataset([screened(one) for one in times], data_cut=CUT)
        frame = compute(
            people, question("no-breast", period("2024"), ids=["cumulative_false_positive"])
        ).frame
        return frame.select("denominator", "value").row(0)

    assert chance(*range(1, 10)) == (9, None)
    assert chance(*range(1, 11)) == (10, 0.0)
