"""Numbers that are one number by their definitions, and numbers that together are another. Found unit by unit in tests.

A reader knows this of the definitions and not of the numbers: two that agree by chance, as small ones often do, tell
nothing of each other.
"""

from typing import NamedTuple

from analytics.disclosure.cells import What


class Number(NamedTuple):
    """Of an indicator."""

    indicator: str
    what: What


def number(told: str) -> Number:
    """`test_coverage.denominator`; without a word behind it the numerator."""
    indicator, _, what = told.partition(".")
    return Number(indicator, What(what or What.NUMERATOR))


_SAME = """
invited_in_round.denominator test_coverage.denominator test_capacity.denominator never_screened.denominator
    test_coverage_own_interval.denominator
kit_return_90d.denominator kit_return_180d.denominator
test_coverage overscreening_index.denominator
colposcopy_referral_rate.denominator colposcopy_referral_rate_cumulative.denominator cin2_plus_detection_rate.denominator
    cin3_plus_detection_rate.denominator cancer_detection_rate.denominator
colposcopy_attendance_90d.denominator colposcopy_attendance_15mo.denominator colposcopy_incidence_90d.denominator
    colposcopy_incidence_180d.denominator colposcopy_incidence_365d.denominator ppv_referral.denominator
time_to_colposcopy time_to_colposcopy.denominator
high_grade_cytology_histology_12mo.denominator ppv_high_grade_cytology.denominator
ppv_colposcopy.denominator biopsy_rate.denominator
test_of_cure_attendance test_of_cure_failure_of_tested.denominator
test_of_cure_attendance.denominator test_of_cure_failure.denominator
test_of_cure_failure test_of_cure_failure_of_tested
test_coverage_nordscreen_3y.denominator test_coverage_nordscreen_10y.denominator
participation_au participation_au_standardised
participation_au.denominator participation_au_standardised.denominator
participation_au.rest participation_au_standardised.rest
risk_low.denominator risk_intermediate.denominator risk_higher.denominator risk_unassigned.denominator
biopsy_rate biopsy_yield.denominator
cancer_incidence cancer_without_screening.denominator
discordant_rate.denominator concordant_positive_rate.denominator
assessment_referral_rate ppv_assessment.denominator
assessment_referral_rate.denominator early_recall_rate.denominator technical_repeat_rate.denominator
    false_positive_rate.denominator false_positive_invasive_rate.denominator cumulative_false_positive.denominator
    screen_detected_rate.denominator screen_detected_invasive_rate.denominator screen_detected_dcis_rate.denominator
    detection_ratio.denominator interval_cancer_rate.denominator
false_positive_rate cumulative_false_positive ppv_assessment.rest
false_positive_rate.rest cumulative_false_positive.rest
false_positive_invasive_rate ppv_biopsy.rest
ppv_assessment screen_detected_rate screen_detected_discordant_share.denominator episode_sensitivity
screen_detected_invasive_rate detection_ratio invasive_share
screen_detected_invasive_rate.rest detection_ratio.rest
screen_detected_dcis_rate invasive_share.rest
small_cancer_share.denominator under_15mm_share.denominator over_20mm_share.denominator
interval_cancer_rate episode_sensitivity.rest interval_after_dismissal_share.denominator
assessment_attendance time_to_assessment time_to_assessment.denominator
time_to_treatment time_to_treatment.denominator
mastectomy_rate.denominator non_operative_diagnosis_rate.denominator
positivity.denominator cancer_detection_rate.denominator advanced_adenoma_detection_rate.denominator
    advanced_neoplasia_detection_rate.denominator nns_advanced_neoplasia.denominator
referral_after_positive.denominator assessment_attendance.denominator colonoscopy_within_31d.denominator
    colonoscopy_incidence_30d.denominator colonoscopy_incidence_60d.denominator colonoscopy_incidence_90d.denominator
    colonoscopy_incidence_360d.denominator
assessment_attendance time_to_colonoscopy time_to_colonoscopy.denominator
colonoscopy_completion_rate.denominator adenoma_detection_rate.denominator
ppv_cancer.denominator ppv_advanced_adenoma.denominator ppv_advanced_neoplasia.denominator
    nnsc_advanced_neoplasia.denominator
ppv_advanced_neoplasia nnsc_advanced_neoplasia
ppv_advanced_neoplasia.rest nnsc_advanced_neoplasia.rest
advanced_neoplasia_detection_rate nns_advanced_neoplasia
advanced_neoplasia_detection_rate.rest nns_advanced_neoplasia.rest
"""
# Each of these is one number. Their values are compared all the same: of other definitions they may differ.
SAME = tuple(tuple(map(number, line.split())) for line in _SAME.replace("\n    ", " ").splitlines() if line)

# The whole -> what makes it up: everybody is counted by one of them and by no other.
MADE_UP = {
    number("risk_low.denominator"): tuple(
        map(number, ("risk_low", "risk_intermediate", "risk_higher", "risk_unassigned"))
    ),
}
