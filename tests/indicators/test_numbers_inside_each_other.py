"""What a number leaves of another inside it is protected: every such pair that lives show stands in the chains."""

from datetime import date
from random import Random

import pytest

from analytics.disclosure.same import MADE_UP, SAME
from analytics.extract.dataset import in_memory
from analytics.extract.lives import dataset
from analytics.indicators.period import period
from analytics.scale.nation import Nation
from tests.indicators.nested import Nested
from tests.indicators.test_agreement_with_plain_python import lives_of

CUT = date(2026, 1, 1)
PEOPLE, CROWDS, CROWD = 30_000, 10, 400

# Pairs that in these lives merely look so, by the reason.
MERELY = {
    "no-breast": {
        "a cancer is rare among the made-up screens that were dismissed, taken anew or called back early": (
            "dismissed_at_consensus.rest > mastectomy_rate.numerator",
            "dismissed_at_consensus.rest > node_negative_share.rest",
            "dismissed_at_consensus.rest > screen_detected_discordant_share.numerator",
            "dismissed_at_consensus.rest > small_cancer_share.rest",
            "early_recall_rate.rest > interval_cancer_share_year2.numerator",
            "technical_repeat_rate.rest > dismissed_at_consensus.numerator",
            "technical_repeat_rate.rest > interval_after_dismissal_share.numerator",
            "technical_repeat_rate.rest > interval_cancer_share_year2.numerator",
            "technical_repeat_rate.rest > node_negative_share.denominator",
            "technical_repeat_rate.rest > stage_two_plus_share.denominator",
            "technical_repeat_rate.rest > false_positive_invasive_rate.numerator",
        ),
        "a cancer of who was recalled although nobody who read it found anything is too rare to be met": (
            "reading_positive_rate.numerator > mastectomy_rate.numerator",
        ),
        "an interval cancer after an operation for nothing, or after a late result, is too rare to be met": (
            "false_positive_invasive_rate.rest > interval_cancer_share_year1.numerator",
            "false_positive_invasive_rate.rest > technical_repeat_rate.numerator",
            "interval_after_dismissal_share.rest > interval_cancer_share_year2.numerator",
            "result_turnaround_15wd.rest > interval_after_dismissal_share.numerator",
        ),
        "the one is told of cancers whose size, the other of those whose nodes or stage are known: few lack one only": (
            "node_negative_share.denominator > small_cancer_share.denominator",
            "node_negative_share.denominator > stage_two_plus_share.rest",
            "stage_two_plus_share.denominator > node_negative_share.numerator",
            "stage_two_plus_share.denominator > over_20mm_share.rest",
        ),
        "biopsies and cancers are different women; there are only always more of the ones": (
            "benign_open_biopsy_ratio.denominator > benign_open_biopsy_ratio.numerator",
        ),
        "whose letter came back is seldom met among those who came the time before": (
            "undeliverable_rate.rest > retention.denominator",
        ),
    },
    "no-colorectal": {
        "a cancer after a colonoscopy is too rare to be met": (
            "post_colonoscopy_cancer_3y.denominator > ppv_advanced_adenoma.numerator",
            "ppv_cancer.denominator > post_colonoscopy_cancer_3y.numerator",
        ),
        "whose letter came back is seldom met among those who came the time before, or sent a kit": (
            "undeliverable_rate.rest > kit_return_90d.numerator",
            "undeliverable_rate.rest > retention.denominator",
        ),
    },
    "no-cervical": {
        "whose letter came back is seldom met among those who came the time before, or are not counted as called": (
            "undeliverable_rate.rest > retention.denominator",
            "participation.denominator > undeliverable_rate.numerator",
        ),
        "an interval cancer is too rare to be met after each finding": (
            "risk_higher.rest > interval_cancer_rate.numerator",
            "risk_unassigned.rest > interval_cancer_rate.numerator",
        ),
        "a self-sample with a referral of its own is too rare to be met otherwise": (
            "ppv_positive_test.denominator > self_sample_colposcopy_6mo.numerator",
            "result_turnaround_14d.rest > self_sample_colposcopy_6mo.numerator",
        ),
        "offers are told of referrals, attendance of women: hardly one is referred twice": (
            "colposcopy_attendance_90d.denominator > colposcopy_offer_6wk.denominator",
        ),
        "the ages of the one lie within those of the other, and not the other way": (
            "test_coverage_3_5y.rest > never_screened.numerator",
        ),
        "a hysterectomy is counted of other treatments than the test of cure, and rare": (
            "test_of_cure_attendance.denominator > hysterectomy_for_cin.numerator",
        ),
    },
}


@pytest.mark.parametrize("programme", MERELY)
def test_what_lies_inside_another_is_another_or_makes_it_up_is_said(programme):
    """Three tests of the same lives, of which to make the numbers takes longest."""
    nested = seen(programme)
    assert nested.never() == []
    found = {f"{wide}.{outer} > {narrow}.{inner}" for (wide, outer), (narrow, inner) in nested.beside()}
    assert found - {pair for pairs in MERELY[programme].values() for pair in pairs} == set()
    there = set(nested.names)
    assert nested.one() == {one for numbers in SAME if len(one := frozenset(numbers) & there) > 1}
    for whole, parts in MADE_UP.items():
        assert whole not in there or nested.sum_of([whole]) == nested.sum_of(parts) > 0


def seen(programme):
    nested, nation = Nested(programme), Nation(people=PEOPLE)
    of_nation = in_memory([nation.bucket(0)], data_cut=nation.data_cut)
    for when in ("2022", "2020-2023"):
        nested.see(of_nation, period(when))
    for number in range(CROWDS):
        draw = Random(number)
        lives = lives_of(programme, [Random(draw.random()) for _ in range(CROWD)])
        for when in ("2023", "2024", "2022-2024"):
            nested.see(dataset(lives, data_cut=CUT), period(when))
    return nested
