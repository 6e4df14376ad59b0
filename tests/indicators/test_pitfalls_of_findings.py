"""Ways to a wrong figure that looks right, one test each: what counts as a test, a finding, and a comparison."""

from datetime import date

import numpy as np
import pytest

from analytics.funnels.compare import compare_file
from analytics.indicators.catalogue import CATALOGUE
from analytics.methods.intervals import Method, clopper_pearson, quantile, wilson
from analytics.methods.standardisation import ESP2013, Standard
from screening.refusals import Refused
from tests.indicators.told import counts, figure, figures

D = date
BREAST, BOWEL = {"programme": "no-breast"}, {"programme": "no-colorectal"}


def test_of_several_results_in_an_episode_the_worst_is_the_lesion_and_the_first_valid_the_answer():
    assert counts("cin3_plus_detection_rate", "hpv hpv_16 2024-03-01, histology cin1 cin3 2024-04-01") == (
        1,
        1,
    )
    invalid_then_valid = "hpv invalid 2024-05-01, owed repeat_test 2024-05-01 2024-08-01 done 2024-06-01, hpv hpv_16 2024-06-01"
    assert counts("hpv_positivity", invalid_then_valid) == (1, 1)
    assert counts("positivity", "fit negative 2024-03-01, fit positive 2024-12-01", **BOWEL) == (0, 1)


def test_positivity_is_of_valid_tests_and_the_invalid_have_their_own_figure():
    women = ("hpv hpv_16 2024-03-01", "hpv negative 2024-03-01", "hpv invalid 2024-03-01")
    assert counts("hpv_positivity", *women) == (1, 2)
    assert counts("invalid_rate", *women) == (1, 3)


def test_a_predictive_value_of_positives_of_referred_of_seen_and_of_biopsied_are_four_figures():
    """97 positives, 90 referred, 80 seen, 60 biopsied, 33 with CIN2 or worse."""
    steps = ("hpv hpv_16 2024-03-01", "referred 2024-03-10", "seen 2024-04-01")
    people = [", ".join(steps)] * 80 + [", ".join(steps[:2])] * 10 + [steps[0]] * 7
    for place in range(60):
        people[place] += f", histology {'cin2' if place < 33 else 'cin1'} 2024-04-01"
    told = {
        name: counts(name, *people)
        for name in ("ppv_positive_test", "ppv_referral", "ppv_colposcopy", "biopsy_yield")
    }
    assert told == {
        "ppv_positive_test": (33, 97),
        "ppv_referral": (33, 90),
        "ppv_colposcopy": (33, 80),
        "biopsy_yield": (33, 60),
    }


def test_cancer_of_both_breasts_is_one_woman():
    both = "read R1 score_4 2024-03-01, referred 2024-03-05, diagnosed C50.1 2024-03-20 side=left, diagnosed C50.9 2024-03-20 side=right"
    later = both.replace("C50.9 2024-03-20", "C50.9 2024-04-20")
    for woman in (both, later):
        assert counts("screen_detected_rate", woman, **BREAST) == (1, 1)


def test_a_persons_worst_lesion_counts_and_no_other():
    two_lesions = (
        "fit positive 2024-03-01, colonoscopy advanced_adenoma 2024-04-01, histology cancer 2024-04-20"
    )
    assert counts("ppv_cancer", two_lesions, **BOWEL) == (1, 1)
    assert counts("ppv_advanced_adenoma", two_lesions, **BOWEL) == (0, 1)
    assert counts("ppv_advanced_neoplasia", two_lesions, **BOWEL) == (1, 1)


def test_an_interval_cancer_comes_before_the_next_screen_within_its_window_whatever_was_said_of_the_picture():
    screened = "read R1 score_1 2024-03-01, {}"
    cases = {
        "diagnosed C50.1 2026-03-01": (1, 1),  # the last day of 24 months
        "diagnosed C50.1 2026-03-02": (0, 1),
        "diagnosed D05.1 2025-03-01": (1, 1),  # in situ counts, as the definition says
        "read R1 score_1 2025-03-01, diagnosed C50.1 2025-04-01": (
            0,
            1,
        ),  # after the next one, which is of another year
    }
    assert {line: counts("interval_cancer_rate", screened.format(line), **BREAST) for line in cases} == cases
    dismissed = "read R1 score_2 2024-03-01, consensus dismiss 2024-03-05, diagnosed C50.1 2025-03-20"
    false_alarm = "read R1 score_2 2024-03-01, referred 2024-03-05, diagnosed C50.1 2024-10-01"
    assert counts("interval_cancer_rate", dismissed, false_alarm, **BREAST) == (2, 2)
    assert counts("interval_after_dismissal_share", dismissed, false_alarm, **BREAST) == (1, 2)
    assert "in situ counts" in CATALOGUE["no-breast"]["interval_cancer_rate"].note


def test_interval_cancers_are_not_shown_as_known_before_their_window_has_passed():
    woman = "read R1 score_1 2024-03-01"
    told = figure("interval_cancer_rate", woman, cut=D(2026, 6, 1), **BREAST)
    assert (told["mature"], told["mature_on"]) == (False, D(2027, 1, 1))


def test_recall_for_the_picture_for_a_better_picture_and_for_symptoms_are_three():
    for_the_picture = "read R1 score_3 2024-03-01, consensus recall 2024-03-05, seen 2024-03-20"
    for_a_better_one = "read R1 score_1 2024-03-01, referred 2024-03-05 mammography"
    for_symptoms = "read R1 score_1 2024-03-01, referred 2024-03-20 surgeon"
    women = (for_the_picture, for_a_better_one, for_symptoms)
    assert counts("assessment_referral_rate", *women, **BREAST) == (1, 3)
    assert counts("technical_repeat_rate", *women, **BREAST) == (1, 3)


def test_a_changed_cutoff_is_told_apart_by_the_one_in_force_that_day():
    people = (
        "fit positive 2024-03-01 cutoff=15",
        "fit negative 2024-03-01 cutoff=15",
        "fit negative 2024-10-01 cutoff=47",
    )
    told = figures("positivity", *people, by=["cutoff"], **BOWEL)
    assert told.select("cutoff", "numerator", "denominator").rows() == [("15.0", 1, 2), ("47.0", 0, 1)]


def test_a_positive_home_sample_is_a_screen_and_its_second_step_another_figure():
    first_step_only = "kit 2024-03-01, back 2024-03-20, hpv hpv_16 2024-03-20 self"
    both_steps = f"{first_step_only}, cytology nilm 2024-05-01"
    women = (first_step_only, both_steps, "kit 2024-03-01")
    assert counts("participation", *women) == (2, 3)  # screened: the sample came back with an answer
    assert counts("self_sample_follow_up", *women) == (1, 2)


def test_each_interval_names_its_method_for_methods_differ():
    counted, of = 107, 118
    share, reach = counted / of, quantile() * np.sqrt(107 / 118 * 11 / 118 / 118)
    exact, score, wald = clopper_pearson(counted, of), wilson(counted, of), (share - reach, share + reach)
    assert len({tuple(round(100 * float(end), 1) for end in ends) for ends in (exact, score, wald)}) == 3
    known = {*Method, "student_t", "order_statistics", "aalen_johansen", "dobson", "discrete_time"}
    for offered in CATALOGUE.values():
        assert {of.measure.method for of in offered.values()} <= known
    assert figure("participation", "letter 2024-03-01")["method"] == "wilson"


def test_a_wrong_vector_of_a_standard_population_is_refused_by_its_sum():
    wrong = (4000, *ESP2013.weights[1:])
    with pytest.raises(Refused, match="add up to 99000, published is 100000"):
        Standard("European standard population 2013", wrong, 100_000)


def test_a_standard_population_of_other_groups_than_the_datas_is_refused():
    with pytest.raises(Refused, match="age 7 is no limit"):
        ESP2013.for_ages((5, 7, 10))
    eighteen_groups = Standard("ESP2013 to 85+", (*ESP2013.weights[:17], 2500), 100_000)
    with pytest.raises(Refused, match="age 90 is no limit"):
        eighteen_groups.for_ages((85, 90), open_ended=True)
    assert ESP2013.for_ages((85, 90), open_ended=True) == pytest.approx([0.6, 0.4])


def test_rounded_counts_give_no_published_figure(tmp_path):
    """1.93 of 2.98 million are 64.8 %; the 64.6 % printed were of numbers that were not printed."""
    file = tmp_path / "rounded.yaml"
    file.write_text(
        "programme: breast\nrows: [{invited: 298, tested: 193}]\npublished: {participation: {unit: '%', all: 64.6}}\n"
    )
    (told,) = compare_file(file)
    assert (told.computed, told.agrees) == ("64.8", False)


def test_no_sensitivity_is_claimed_where_the_target_comes_before_cancer():
    """Finding more that would never have become cancer would raise it; so it is told of cancers alone."""
    assert not [name for name in CATALOGUE["no-cervical"] if "sensitivity" in name]
    found, missed = (
        "fit positive 2024-03-01, colonoscopy cancer 2024-04-01",
        "fit negative 2024-03-01, diagnosed C18.0 2025-03-01",
    )
    adenoma = "fit positive 2024-03-01, colonoscopy advanced_adenoma 2024-04-01"
    assert counts("fit_sensitivity", found, missed, **BOWEL) == counts(
        "fit_sensitivity", found, missed, *[adenoma] * 5, **BOWEL
    )


def test_a_detection_rate_has_no_good_direction_and_the_ratio_to_what_was_expected_has():
    rates = [
        of
        for offered in CATALOGUE.values()
        for name, of in offered.items()
        if name.endswith(("detection_rate", "detected_rate"))
    ]
    assert len(rates) > 10
    assert [of.id for of in rates if of.standards] == []
    woman = "read R1 score_2 2024-03-01, referred 2024-03-05, diagnosed C50.1 2024-03-20"
    first, later = (
        figure("detection_ratio", line, **BREAST)["value"]
        for line in (woman, f"read R1 score_1 2022-03-01, {woman}")
    )
    assert later == pytest.approx(2 * first)  # half as many are expected at a later screen


def test_follow_up_samples_second_readings_and_symptoms_are_no_further_screens():
    repeat = "hpv hpv_31 2023-06-01, owed repeat_test 2023-06-01 2024-06-01 done 2024-06-05, hpv negative 2024-06-05"
    assert counts("hpv_positivity", repeat) == (0, 0)
    assert counts(
        "assessment_referral_rate", "read R1 score_1 2024-03-01, read R2 score_1 2024-03-01", **BREAST
    ) == (0, 1)
    assert counts("hpv_positivity", "histology cin3 2024-03-01", "cytology hsil 2024-03-01") == (0, 0)


def test_a_test_that_the_cancer_itself_led_to_is_no_screening_before_it():
    """Else every woman with symptoms had been screened, a few weeks before her diagnosis."""
    assert counts("cancer_without_screening", "hpv hpv_16 2024-05-01, diagnosed C53.9 2024-06-01") == (1, 1)
    assert counts("cancer_without_screening", "hpv negative 2023-11-30, diagnosed C53.9 2024-06-01") == (0, 1)
