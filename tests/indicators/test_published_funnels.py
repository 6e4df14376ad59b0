"""What others have printed: their counts, made into an event log, give their figures to the printed digit."""

import json
from pathlib import Path

import pytest

from analytics.funnels.compare import as_json, as_text, compare_file
from screening.refusals import Refused

FILES = sorted(Path(__file__).with_name("funnels").glob("*.yaml"))
NETHERLANDS = """
title: FIT, second round
source: PMC7383838
programme: colorectal
rows: [{invited: 459740, tested: 348891}]
published: {participation: {unit: "%", all: 75.9}}
"""
TYROL = """
title: Recall in Tyrol
source: BMC Public Health 11:91
programme: breast
rows: [{tested: 10521, positive: 327}]
published: {assessment_referral_rate: {unit: per 1000 tested, all: 31.1}}
"""
FINLAND = """
title: Choice of how to be tested
source: BMJ Open 118488
programme: cervical
by: arm
rows:
- {arm: choice, invited: 21122, tested: 7325, referred: 59, cin2_plus: 19}
- {arm: usual, invited: 21630, tested: 7438, referred: 51, cin2_plus: 18}
published:
  participation: {unit: "%", rows: [34.7, 34.4]}
  assessment_referral_rate: {unit: per 1000 tested, rows: [8.1, 6.9]}
  cin2_plus_detection_rate: {unit: per 1000 tested, rows: [2.6, 2.4]}
"""
SPAIN = """
title: Breast density, first round
source: s13058-018-1025-8 Table 1
programme: breast
by: arm
rows:
- {arm: a, tested: 3109, screen_detected: 20, interval_unknown: 2}
- {arm: b, tested: 3959, screen_detected: 28, interval_unknown: 5}
published: {screen_detected_rate: {unit: per 1000, rows: [6.4, 7.1]}, interval_cancer_rate: {unit: per 1000, rows: [0.6, 1.3]}}
"""


def written(folder, text):
    file = folder / "funnel.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_printed_figure_is_ours(file):
    agreements = compare_file(file)
    assert [a for a in agreements if not a.agrees] == []
    assert len(agreements) >= 4


@pytest.mark.parametrize("text", [NETHERLANDS, TYROL, FINLAND, SPAIN])
def test_other_funnels_of_the_format_are_taken_too(tmp_path, text):
    told = compare_file(written(tmp_path, text))
    assert told
    assert [a for a in told if not a.agrees] == []


def test_rows_of_one_name_and_late_rounds_are_each_their_own(tmp_path):
    same = """
programme: cervical
by: arm
rows: [{arm: kit, invited: 10, tested: 5}, {arm: kit, invited: 10, tested: 1}]
published: {participation: {unit: "%", rows: [50, 10], all: 30}}
"""
    late = """
programme: colorectal
by: round
rows: [{round: 10, tested: 5, positive: 1}, {round: 12, tested: 10, positive: 1}]
published: {positivity: {unit: "%", rows: [20, 10]}}
"""
    for text in (same, late):
        told = compare_file(written(tmp_path, text))
        assert [(a.row, a.computed) for a in told if not a.agrees] == []


def test_one_person_more_is_seen(tmp_path):
    text = "programme: colorectal\nrows: [{invited: 1000, tested: 505}]\npublished: {participation: {unit: '%', all: 50.4}}"
    (told,) = compare_file(written(tmp_path, text))
    assert (told.printed, told.computed, told.agrees) == ("50.4", "50.5", False)


def test_a_zero_that_was_printed_is_a_digit(tmp_path):
    """2 of 199 are 1.005 %: 1.0 to one digit, 1 to none, and not 1.00 to two."""
    text = "programme: colorectal\nrows: [{invited: 199, tested: 2}]\npublished: {participation: {unit: '%', all: %s}}"
    told = {
        digits: compare_file(written(tmp_path, text.replace("%s", digits)))[0].agrees
        for digits in ("1", "1.0", "1.00")
    }
    assert told == {"1": True, "1.0": True, "1.00": False}


def test_a_half_is_rounded_up_as_in_print(tmp_path):
    text = "programme: colorectal\nrows: [{invited: 800, tested: 1}]\npublished: {participation: {unit: per 1000, all: 1.3}}"
    assert [a.agrees for a in compare_file(written(tmp_path, text))] == [True]


def test_rows_may_be_areas_and_ages_of_any_width(tmp_path):
    areas = """
programme: colorectal
by: area
rows:
- {area: Hovedstaden, invited: 200, tested: 130}
- {area: Syddanmark, invited: 300, tested: 180}
published: {participation: {unit: "%", rows: [65.0, 60.0], all: 62.0}}
"""
    ages = """
programme: cervical
by: age_group
rows:
- {age_group: 30-44, population: 200, tested_in_window: 150}
- {age_group: 45-59, population: 100, tested_in_window: 80}
- {age_group: 60+, population: 100, tested_in_window: 50}
published: {test_coverage: {unit: "%", rows: [75.0, 80.0, 50.0], all: 70.0}}
"""
    for text in (areas, ages):
        told = compare_file(written(tmp_path, text))
        assert [(a.row, a.computed) for a in told if not a.agrees] == []


# fmt: off
REFUSED = [
    ("rows: [{tested: 5, screen_detektd: 1}]",               r"funnel.yaml:3: no count .* did you mean 'screen_detected'"),
    ("by: municipality\nrows: [{tested: 5}]",                 r"funnel.yaml:3: no stratum 'municipality'"),
    ("rows: [{tested: 5}]\npublished: {screen_detectd_rate: {all: 1}}", "did you mean 'screen_detected_rate'"),
    ("rows: [{tested: 5, screen_detected: 6}]",               "6 what was found of only 5 tested"),
    ("rows: [{tested: five}]",                                "expected a whole number"),
    ("rows: [{tested: 5}]\npublished: {screen_detected_rate: {rows: [1, 2]}}", "2 figures for 1 rows"),
    ("rows: []",                                              "expected a list of rows"),
    ("by: round\nrows: [{tested: 5}]",                        "does not say its round"),
    ("row: [{tested: 5}]",                                    "did you mean 'rows'"),
    ("rows: [{tested: 5}]\npublished: {screen_detected_rate: {all: few}}", "'few' is no number"),
    ("rows: [{tested: 5}]\npublished: {screen_detected_rate: {all: NaN}}", "no number that can be printed"),
    ("rows: [{tested: 5}]\npublished: {screen_detected_rate: {rows: 5}}", "expected a list"),
    ("rows: [{tested: 5}]\npublished: {screen_detected_rate: 5}", "expected names with their values"),
    ("rows: [{tested: 5}]\npublished: [participation]",       "expected names with their values"),
    ("rows: [five]",                                          "funnel.yaml:3: 'five'; expected names"),
    ("rows: [{tested: [5]}]",                                 "expected a whole number"),
    ("rows: [{tested: 99999999999999999999}]",                "at most 100,000,000 can be made"),
    ("by: arm\nrows: [{arm: [1], tested: 5}]",                "does not say its arm"),
    ("by: [arm]\nrows: [{tested: 5}]",                        "no stratum"),
    ("by: year\nrows: [{year: 99999, tested: 5}]",            "expected a number from 1920 to 2180"),
    ("by: round\nrows: [{round: 1200, tested: 5}]",           "expected a number from 1 to 40"),
    ("by: age_group\nrows: [{age_group: 30-20, tested: 5}]",  "is no age group"),
    ("by: age_group\nrows: [{age_group: 20-29, tested: 5}, {age_group: 25-34, tested: 5}]", "overlap"),
    ("by: arm\nrows: [{arm: a, invited: 9}, {arm: b, invited: 9}]\npublished: {participation_risk_ratio: {all: 0}}", "0 of 9 and 0 of 9"),
]
# fmt: on


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_is_not_known_is_refused_by_name(tmp_path, text, said):
    with pytest.raises(Refused, match=said):
        compare_file(written(tmp_path, f"title: t\nprogramme: breast\n{text}\n"))


def test_an_unknown_programme_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(Refused, match="did you mean 'cervical'"):
        compare_file(written(tmp_path, "programme: cervix\nrows: [{tested: 5}]"))
    with pytest.raises(Refused, match="cannot be read"):
        compare_file(tmp_path / "nothing.yaml")
    (tmp_path / "latin.yaml").write_bytes("title: Østfold".encode("latin-1"))
    with pytest.raises(Refused, match="no text in UTF-8"):
        compare_file(tmp_path / "latin.yaml")


def test_nobody_tested_has_no_rate(tmp_path):
    text = "programme: cervical\nrows: [{tested: 0}]\npublished: {positivity: {unit: '%', all: 0}}"
    (told,) = compare_file(written(tmp_path, text))
    assert (told.computed, told.agrees) == ("none", False)


def test_it_is_told_as_text_and_as_one_json_document(tmp_path):
    told = compare_file(written(tmp_path, NETHERLANDS))
    assert "1 printed figures, 0 disagree." in as_text(told)
    document = json.loads(as_json(told))
    assert (document["disagree"], document["figures"][0]["computed"]) == (0, "75.9")
