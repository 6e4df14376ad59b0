"""National identity numbers: the published cases, and what must be refused."""

import json
from datetime import date
from itertools import islice
from pathlib import Path

import pytest

from screening.people.national_id import Kind, accepted_number, norwegian_kind, synthetic_numbers
from screening.refusals import Refused

CASES = json.loads((Path(__file__).parent / "norwegian_ids.json").read_text())
KINDS = {"fnr": Kind.FNR, "dnr": Kind.D_NUMBER, "h/dolly": Kind.SYNTHETIC, "tnr": Kind.SYNTHETIC}


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_published_case_is_judged_as_published(case):
    expected = KINDS[case["kind"]] if case["valid_number"] else None
    assert norwegian_kind(case["number"]) == expected


@pytest.mark.parametrize(
    "number", ["", "1", "abcdefghijk", "１３１１６９４９９３２", "13116949932 ", "99999999999"]
)
def test_what_is_no_number_is_none(number):
    assert norwegian_kind(number) is None


def test_one_wrong_digit_is_always_found_in_the_second_control():
    good = "13116949932"
    wrong = [good[:9] + str(digit) + good[10] for digit in range(10) if str(digit) != good[9]]
    assert all(norwegian_kind(number) is None for number in wrong)


def test_synthetic_people_are_refused_where_real_ones_are_screened():
    number = next(synthetic_numbers(date(1980, 5, 17)))
    assert accepted_number(number, country="NO", accept_synthetic=True) == number
    with pytest.raises(Refused, match="synthetic") as refused:
        accepted_number(number, country="NO", accept_synthetic=False)
    assert number not in str(refused.value)


def test_a_made_up_nation_has_numbers_enough_and_none_twice():
    numbers = list(islice(synthetic_numbers(date(1980, 5, 17)), 2000))
    assert len(set(numbers)) == 2000
    assert {norwegian_kind(number) for number in numbers} == {Kind.SYNTHETIC}


@pytest.mark.parametrize(
    ("country", "number", "wrong"),
    [
        ("SE", "8803200016", "8803200017"),
        ("DK", "2110625629", "3113625629"),  # Danish control digits are no longer promised, the date is
        ("FI", "131052-308T", "131052-308U"),
        ("GB", "9434765870", "9434765871"),
    ],
)
def test_other_countries_numbers_are_judged_by_their_own_rules(country, number, wrong):
    assert accepted_number(number, country=country, accept_synthetic=False)
    with pytest.raises(Refused):
        accepted_number(wrong, country=country, accept_synthetic=False)


def test_an_unknown_country_is_refused_by_name():
    with pytest.raises(Refused, match="XX"):
        accepted_number("1", country="XX", accept_synthetic=False)
