"""Which indicators stand first on a programme's page, and under which headings all of them stand."""

from collections.abc import Mapping, Sequence

from analytics.indicators.catalogue import of_programme
from analytics.indicators.model import Indicator
from screening.vocabulary import Cancer

HOME = ("no-cervical", "no-breast", "no-colorectal")

TITLES: Mapping[Cancer, str] = {
    Cancer.CERVICAL: "Cervical screening",
    Cancer.BREAST: "Breast screening",
    Cancer.COLORECTAL: "Colorectal screening",
}

# What a director asks first, in the order in which a person meets it.
KEY: Mapping[Cancer, Sequence[str]] = {
    Cancer.CERVICAL: (
        "test_coverage", "response_to_reminder", "hpv_positivity", "colposcopy_attendance_90d",
        "time_to_colposcopy", "cin2_plus_detection_rate",
    ),
    Cancer.BREAST: (
        "participation", "assessment_referral_rate", "result_turnaround_15wd", "assessment_attendance",
        "screen_detected_rate", "ppv_assessment",
    ),
    Cancer.COLORECTAL: (
        "participation", "positivity", "result_turnaround_15d", "assessment_attendance",
        "colonoscopy_within_31d", "advanced_neoplasia_detection_rate",
    ),
}  # fmt: skip
ON_THE_MAP: Mapping[Cancer, Sequence[str]] = {
    Cancer.CERVICAL: ("test_coverage", "colposcopy_attendance_90d"),
    Cancer.BREAST: ("participation", "assessment_referral_rate"),
    Cancer.COLORECTAL: ("participation", "colonoscopy_within_31d"),
}

# The indicator with which each group begins -> its heading; the catalogue's order holds within.
_GROUPS: Mapping[str, str] = {
    "invitation_coverage": "Are people called, and do they come?",
    "test_coverage": "Are those who live here covered?",
    "hpv_positivity": "What do the tests show?",
    "reading_positive_rate": "What do the mammograms show?",
    "inadequate_kit_rate": "What do the tests show?",
    "colposcopy_referral_rate": "Are they followed up?",
    "referral_after_positive": "Are they followed up?",
    "false_positive_rate": "What is found?",
    "cin2_plus_detection_rate": "What is found?",
    "colonoscopy_completion_rate": "What is found?",
    "treatment_rate": "What is done about it?",
    "result_turnaround_15wd": "How long does it take, and what is done?",
    "coverage_en": "As others count it, and more",
}


def groups(programme: str) -> Mapping[str, Sequence[Indicator]]:
    """All indicators of the programme under their headings."""
    found: dict[str, list[Indicator]] = {}
    heading = "Indicators"
    for of in of_programme(programme):
        heading = _GROUPS.get(of.id, heading) if of.id != "coverage_en" or programme == HOME[0] else heading
        found.setdefault(heading, []).append(of)
    return found
