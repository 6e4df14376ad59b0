"""Golden values, as published with their sources or computed by software of others, to the printed digit."""

from random import Random

import numpy as np
import pytest

from analytics.methods.comparisons import Arm, risk_difference, risk_difference_newcombe, risk_ratio
from analytics.methods.intervals import (
    Method,
    byar,
    byar_or_exact,
    clopper_pearson,
    interval,
    poisson_exact,
    quantile,
    wilson,
)
from analytics.methods.samples import mean, quantile_of
from analytics.methods.standardisation import (
    ESP2013,
    SEGI,
    STANDARDS,
    WHO,
    Standard,
    directly,
    indirectly,
)
from analytics.methods.survival import Course, cumulative_incidence, still_waiting
from screening.refusals import Refused

# -- intervals --------------------------------------------------------------------------------------

# fmt: off
GOLDEN = [
    # method                                  low            high           source
    (wilson(65, 100),                         0.552544433,   0.736357518),  # PHEindicatormethods 2.1.0
    (wilson(1045, 5000),                      0.197955499,   0.220491304),  # PHEindicatormethods 2.1.0
    (wilson(65, 100, 0.998),                  0.495494657,   0.778354061),  # PHEindicatormethods 2.1.0
    (byar(65),                                50.163188,     82.849139),    # PHEindicatormethods 2.1.0
    (byar(1),                                 0.013072,      5.563756),     # PHEindicatormethods 2.1.0
    (byar(10, 0.998),                         2.916318,      24.193725),    # PHEindicatormethods 2.1.0
    (clopper_pearson(107, 118),               0.8393,        0.9525),       # PMC5845195: 83.9-95.3
    (clopper_pearson(2, 3109),                0.0001,        0.0023),       # s13058-018-1025-8: 0.1-2.3 per 1,000
    (poisson_exact(1),                        0.025318,      5.571643),     # chi-square quantiles
    (byar_or_exact(9),                        4.115373,      17.084803),    # chi-square quantiles
    (byar_or_exact(65),                       50.163188,     82.849139),    # as byar
]
# fmt: on


@pytest.mark.parametrize(("computed", "low", "high"), GOLDEN)
def test_an_interval_is_the_published_one_to_the_printed_digit(computed, low, high):
    digits = len(str(low).split(".")[1])
    assert (round(computed[0], digits), round(computed[1], digits)) == (low, high)


def test_the_quantiles_are_the_printed_ones():
    assert (round(quantile(0.95), 6), round(quantile(0.998), 6)) == (1.959964, 3.090232)


@pytest.mark.parametrize("method", Method)
def test_none_of_none_has_no_interval_and_none_of_some_begins_at_zero(method):
    assert np.isnan(interval(method, 0, 0)).all()
    low, high = interval(method, 0, 10)
    assert low == 0
    assert 0 < high < 1


@pytest.mark.parametrize("method", [Method.WILSON, Method.CLOPPER_PEARSON])
def test_all_of_some_ends_at_one(method):
    low, high = interval(method, 10, 10)
    assert high == 1
    assert 0.6 < low < 1


@pytest.mark.parametrize("method", Method)
def test_an_interval_holds_its_estimate(method):
    for total in (1, 7, 100, 14_000):
        for count in {0, 1, total // 3, total}:
            low, high = interval(method, count, total)
            assert low <= count / total <= high


@pytest.mark.parametrize("method", Method)
def test_a_column_of_counts_has_the_same_intervals_as_each_count_alone(method):
    counts, totals = [0, 0, 3, 9, 10, 40], [0, 5, 7, 9, 60, 41]
    together = np.transpose(interval(method, counts, totals))
    alone = [interval(method, count, total) for count, total in zip(counts, totals, strict=True)]
    np.testing.assert_array_equal(together, alone)


# -- two shares compared -----------------------------------------------------------------------------

KIT, USUAL = Arm(2618, 9960), Arm(1719, 9891)  # PMC6865279


def printed(compared, digits):
    return tuple(round(x, digits) for x in (compared.value, compared.low, compared.high))


def test_the_mailed_kit_trial_has_its_printed_ratio_and_difference():
    assert printed(risk_ratio(KIT, USUAL), 2) == (1.51, 1.43, 1.60)
    difference = risk_difference(KIT, USUAL)
    assert tuple(round(100 * x, 1) for x in (difference.value, difference.low, difference.high)) == (
        8.9,
        7.8,
        10.0,
    )


def test_newcombe_has_the_interval_of_his_paper():
    """Newcombe 1998, example (a), method 10."""
    assert printed(risk_difference_newcombe(Arm(56, 70), Arm(48, 80)), 4) == (0.2, 0.0524, 0.3339)


# -- standardised rates -------------------------------------------------------------------------------

EVENTS = [127, 25, 18, 21, 12, 27, 48, 27, 29, 32, 32, 34, 45, 65, 38, 68, 74, 82, 91]
PEOPLE = [636, 558, 609, 543, 384, 594, 669, 843, 660, 576, 606, 522, 426, 273, 300, 288, 153, 123, 207]
AGES = [*range(0, 95, 5)]


def test_a_directly_standardised_rate_has_the_published_value_and_interval():
    rate = directly(EVENTS, PEOPLE, ESP2013.for_ages(AGES, open_ended=True))
    told = [round(float(x[0]) * 100_000, 6) for x in (rate.rate, rate.low, rate.high)]
    assert round(told[0], 6) == 10430.247991
    assert told[1:] == [9717.709068, 11178.940915]


def test_an_indirectly_standardised_ratio_is_observed_over_expected_with_byar():
    ratio = indirectly(895, 835.8836)
    low, high = byar(895)
    assert round(float(ratio.rate[0]), 6) == 1.070723
    assert (float(ratio.low[0]), float(ratio.high[0])) == (low / 835.8836, high / 835.8836)


def test_fewer_than_ten_events_give_no_standardised_rate():
    few = [1] * 9 + [0] * 10
    rate = directly([few, EVENTS], [PEOPLE, PEOPLE], ESP2013.for_ages(AGES, open_ended=True))
    assert np.isnan(rate.rate[0])
    assert np.isnan(rate.low[0])
    assert not np.isnan(rate.rate[1])


def test_equal_rates_at_every_age_are_that_rate_whatever_the_standard():
    people = np.array(PEOPLE, dtype=float)
    for standard in STANDARDS.values():
        limits = [age for age in AGES if age <= standard.open_from]
        merged = np.append(people[: len(limits) - 1], people[len(limits) - 1 :].sum())
        rate = directly(merged * 0.1, merged, standard.for_ages(limits, open_ended=True))
        assert round(float(rate.rate[0]), 12) == 0.1


def test_an_age_group_without_people_gives_its_weight_to_the_others():
    weights = ESP2013.for_ages([20, 25, 30, 35])
    rate = directly([10, 0, 30], [100, 0, 100], weights)
    assert float(rate.rate[0]) == pytest.approx((6000 * 0.1 + 6500 * 0.3) / 12500)


def test_a_part_of_life_is_renormalised_to_itself():
    weights = SEGI.for_ages([25, 30, 35, 40, 45, 50, 55, 60, 65, 70])
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(8000 / (8000 + 6000 * 4 + 5000 + 4000 * 2 + 3000))


def test_groups_of_the_standard_may_be_joined_but_not_cut():
    assert ESP2013.for_ages([0, 85], open_ended=True)[1] == pytest.approx(2500 / 100_000)
    with pytest.raises(Refused, match="age 24 is no limit"):
        ESP2013.for_ages([24, 69])
    with pytest.raises(Refused, match="age 90 is no limit of world standard population"):
        SEGI.for_ages([0, 90], open_ended=True)


def test_the_standards_have_their_printed_sums():
    assert [(s.printed_sum, len(s.weights)) for s in (ESP2013, SEGI, WHO)] == [
        (100_000, 19),
        (100_000, 18),
        (100.03, 18),
    ]


def test_a_vector_with_another_sum_than_the_printed_one_is_refused():
    with pytest.raises(Refused, match="add up to 87000"):
        Standard("a copy that circulates", (4000, *[83000 / 18] * 18), 100_000)


# -- means and quantiles -------------------------------------------------------------------------------


def told(numbers):
    """The values in order and how many have each."""
    return np.unique(np.array(numbers), return_counts=True)


def test_a_mean_has_students_limits():
    """scipy.stats.t.interval of the same forty numbers."""
    middle, low, high = mean(*told([0] * 10 + [1] * 20 + [2] * 10))
    assert (middle, round(low, 6), round(high, 6)) == (1, 0.770975, 1.229025)


@pytest.mark.parametrize("numbers", [[2], [0, 3], [0, 1, 1, 2, 5], [0, 1] * 14, [1] * 400])
def test_few_or_equal_numbers_give_a_mean_without_limits(numbers):
    middle, low, high = mean(*told(numbers))
    assert middle == pytest.approx(sum(numbers) / len(numbers))
    assert np.isnan([low, high]).all()


def test_the_limits_of_a_median_are_the_ranks_of_the_tables():
    """For 20 the 6th and the 15th, for 50 the 18th and the 33rd: by the binomial distribution of one half."""
    for units, low, high in ((9, 2, 8), (10, 2, 9), (20, 6, 15), (50, 18, 33), (100, 40, 61)):
        assert quantile_of(*told(range(1, units + 1)), 0.5) == ((units + 1) / 2, low, high)


@pytest.mark.parametrize("numbers", [[7], [3, 9], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7, 8], [7] * 40])
def test_few_or_equal_numbers_give_a_median_without_limits(numbers):
    """Of up to five no two hold 95 %; of up to eight only the least and the greatest would, which are single people's."""
    middle, low, high = quantile_of(*told(numbers), 0.5)
    assert middle == float(np.median(numbers))
    assert np.isnan([low, high]).all()


# -- time to follow-up ---------------------------------------------------------------------------------


def course(days, kinds, counts=None):
    """Kinds: 1 the outcome, 2 something that rules it out, 0 the end of the data."""
    told = np.unique(days)
    numbers = np.ones(len(days)) if counts is None else np.array(counts, dtype=float)
    by_kind = [
        np.array([numbers[(np.array(days) == day) & (np.array(kinds) == kind)].sum() for day in told])
        for kind in (1, 2, 0)
    ]
    return Course(told, *by_kind)


WAITED = [3, 5, 8, 12, 14, 20, 23, 31, 36, 45, 52, 60, 71, 90, 104, 120, 150, 200]
ENDED = [1, 1, 2, 1, 0, 1, 1, 2, 1, 1, 0, 1, 2, 1, 0, 1, 1, 0]


def test_the_cumulative_incidence_is_that_of_lifelines():
    """lifelines 0.30.3, AalenJohansenFitter, on the same 18 people."""
    curve = cumulative_incidence(course(WAITED, ENDED))
    assert [round(x, 6) for x in curve.at(60)] == [0.474359, 0.228812, 0.685831]
    assert [round(x, 6) for x in curve.at(30)] == [0.286325, 0.103768, 0.501397]
    assert [round(x, 6) for x in curve.at(365)] == [0.725071, 0.418649, 0.888076]
    assert curve.at(2)[0] == 0


def test_the_share_still_waiting_is_that_of_lifelines():
    """lifelines 0.30.3, KaplanMeierFitter, 47 people with many on the same day."""
    days = [5, 5, 12, 12, 20, 20, 31, 31, 45, 60, 60, 90, 90, 120, 200, 200]
    kinds = [1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0]
    curve = still_waiting(course(days, kinds, [3, 2, 4, 1, 6, 1, 5, 2, 4, 6, 1, 2, 3, 2, 1, 4]))
    assert [round(x, 6) for x in curve.at(60)] == [0.319066, 0.186559, 0.459675]
    assert [round(x, 6) for x in curve.at(30)] == [0.677401, 0.52278, 0.791444]


def test_without_competing_events_the_incidence_is_one_minus_who_still_waits():
    draw = Random(7)
    days = [draw.randint(1, 40) for _ in range(300)]
    kinds = [draw.randint(0, 1) for _ in days]
    told = course(days, kinds)
    np.testing.assert_allclose(cumulative_incidence(told).share, 1 - still_waiting(told).share, atol=1e-12)


def test_without_censoring_the_incidence_is_the_plain_share():
    draw = Random(8)
    days = [draw.randint(1, 40) for _ in range(300)]
    kinds = [draw.randint(1, 2) for _ in days]
    curve = cumulative_incidence(course(days, kinds))
    for day in (5, 20, 40):
        plain = sum(d <= day and k == 1 for d, k in zip(days, kinds, strict=True)) / len(days)
        assert curve.at(day)[0] == pytest.approx(plain)


def test_counts_of_two_halves_give_the_curve_of_the_whole():
    halves = [course(WAITED[half::2], ENDED[half::2]) for half in (0, 1)]
    merged = {}
    for half in halves:
        for day, *ends in zip(half.days, half.outcome, half.competing, half.censored, strict=True):
            merged[day] = merged.get(day, np.zeros(3)) + np.array(ends)
    days = sorted(merged)
    whole = Course(np.array(days), *np.array([merged[day] for day in days]).T)
    np.testing.assert_array_equal(
        cumulative_incidence(whole).share, cumulative_incidence(course(WAITED, ENDED)).share
    )
