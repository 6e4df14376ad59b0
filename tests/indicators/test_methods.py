"""Golden values, as published with their sources or computed by software of others, to the printed digit."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from analytics.methods.comparisons import Arm, risk_difference, risk_difference_newcombe, risk_ratio
from analytics.methods.control_charts import (
    SHIFT_OF_THE_NHS,
    Rule,
    g_chart,
    p_chart,
    special_points,
    u_chart,
    xmr_chart,
)
from analytics.methods.funnel_plots import ALARM, WARNING, funnel
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
from analytics.methods.trends import annual_change, turn
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


# -- funnel plots ------------------------------------------------------------------------------------------

# fmt: off
# PHEindicatormethods, testdata_funnel_prop_outputs: limits of a funnel at 80.642448 %, by the normal approximation,
# which the arcsine comes close to where totals are large
PHE_LIMITS = [
    # total    95 %                   99.8 %
    (31477,    80.205974, 81.078922,  79.954269, 81.330627),
    (58842,    80.323212, 80.961684,  80.139116, 81.14578),
    (110_000,  80.408963, 80.875933,  80.274317, 81.010578),
]
# fmt: on


@pytest.mark.parametrize(("total", "low95", "high95", "low998", "high998"), PHE_LIMITS)
def test_funnel_limits_without_overdispersion_are_the_published_ones(total, low95, high95, low998, high998):
    told = funnel([80_642_448], [100_000_000], overdispersed=False)
    limits = [100 * float(x) for level in (WARNING, ALARM) for x in told.limits(total, level)]
    assert limits == pytest.approx([low95, high95, low998, high998], abs=0.005)


def test_units_that_differ_by_chance_alone_have_no_spread():
    draw = np.random.default_rng(3)
    totals = draw.integers(50, 900, 40)
    assert funnel([round(t * 0.2) for t in totals], totals).spread == 0


def test_the_spread_between_units_is_the_one_computed_step_by_step():
    counts, totals = [12, 30, 8, 55, 21, 40, 9, 33, 60, 10], [100, 160, 90, 210, 140, 260, 95, 150, 230, 120]
    target = sum(counts) / sum(totals)
    s = [1 / (2 * t**0.5) for t in totals]
    z = [
        (np.arcsin((c / t) ** 0.5) - np.arcsin(target**0.5)) / e
        for c, t, e in zip(counts, totals, s, strict=True)
    ]
    low, high = np.quantile(z, 0.1), np.quantile(z, 0.9)
    phi = sum(min(max(x, low), high) ** 2 for x in z) / len(z)
    w = [1 / e**2 for e in s]
    tau = (len(z) * phi - (len(z) - 1)) / (sum(w) - sum(x * x for x in w) / sum(w))
    told = funnel(counts, totals)
    assert told.spread == pytest.approx(tau)
    assert told.spread > 0
    assert told.limits(150, ALARM)[0] < funnel(counts, totals, overdispersed=False).limits(150, ALARM)[0]


def test_a_unit_far_from_the_rest_lies_outside_and_limits_stay_between_none_and_all():
    counts, totals = [20, 22, 18, 21, 19, 60], [100] * 6
    told = funnel(counts, totals, overdispersed=False)
    assert told.outside(counts, totals, ALARM).tolist() == [0, 0, 0, 0, 0, 1]
    low, high = told.limits([1, 2, 5], ALARM)
    assert (low == 0).all()
    assert (high <= 1).all()


# -- control charts -----------------------------------------------------------------------------------------


def test_a_p_chart_has_limits_by_the_size_of_each_month():
    chart = p_chart([10, 12, 30], [100, 100, 400])
    assert chart.centre[0] == pytest.approx(52 / 600)
    assert chart.high[0] == pytest.approx(52 / 600 + 3 * (52 / 600 * 548 / 600 / 100) ** 0.5)
    assert chart.low.tolist() == [
        pytest.approx(max(0, 52 / 600 - 3 * (52 / 600 * 548 / 600 / n) ** 0.5)) for n in (100, 100, 400)
    ]


def test_a_u_chart_counts_by_exposure():
    chart = u_chart([4, 6], [2.0, 3.0])
    assert (chart.centre[0], chart.high[0]) == (2.0, pytest.approx(2 + 3 * (2 / 2) ** 0.5))


def test_an_xmr_chart_has_limits_at_2_66_mean_moving_ranges():
    chart = xmr_chart([10, 12, 11, 13])
    assert chart.high[0] == pytest.approx(11.5 + 3 / 1.128 * (2 + 1 + 2) / 3)
    assert pytest.approx(2.66, abs=0.001) == 3 / 1.128


def test_a_g_chart_has_its_geometric_limit_and_none_below():
    chart = g_chart([40, 60, 50])
    assert (chart.high[0], chart.low[0]) == (pytest.approx(50 + 3 * (50 * 51) ** 0.5), 0)


def named(values, **lengths):
    """Points around 0 whose deviation is 1, each with the rules it breaks."""
    steady = [0.0, 0.0]
    chart = xmr_chart([*steady, *values])
    unit = type(chart)(
        chart.values, chart.centre * 0, chart.centre * 0 - 3, chart.centre * 0 + 3, chart.deviation * 0 + 1
    )
    return [sorted(rules) for rules in special_points(unit, **lengths)[2:]]


# fmt: off
SPECIAL = [
    ([1.0, 3.1, 1.0],                              [[], [Rule.BEYOND_LIMITS], []]),
    ([2.5, 0.1, 2.2],                              [[], [], [Rule.TWO_OF_THREE]]),
    ([2.5, -2.5, 0.0],                             [[], [], []]),
    ([.5, .2, .5, .2, .5, .2, .5, .2],             [[]] * 7 + [[Rule.SHIFT]]),
    ([-.5, -.2, .5, -.2, -.5, -.2, -.5, -.2],      [[]] * 8),
    ([.5, -.4, -.3, -.2, .1, .3, .4],              [[]] * 6 + [[Rule.TREND]]),
    ([.5, .4, .3, .2, .1, -.2],                    [[]] * 5 + [[Rule.TREND]]),
]
# fmt: on


@pytest.mark.parametrize(("values", "rules"), SPECIAL)
def test_each_rule_names_the_points_it_is_about(values, rules):
    assert named(values) == rules


def test_the_nhs_calls_a_shift_at_seven():
    assert named([0.5, 0.2] * 3 + [0.5], shift=SHIFT_OF_THE_NHS)[-1] == [Rule.SHIFT]
    assert named([0.5, 0.2] * 3 + [0.5])[-1] == []


# -- trends ----------------------------------------------------------------------------------------------------

CANCERS = [120, 131, 118, 140, 152, 149, 161, 170]
WOMEN = [50000, 50500, 51000, 51700, 52000, 52800, 53000, 53900]
YEARS = list(range(2015, 2023))


def test_the_annual_change_is_that_of_statsmodels():
    """statsmodels 0.15.0, GLM Poisson with offset: slope 0.04018475, standard error 0.01297275, Pearson 2.132298."""
    trend = annual_change(CANCERS, WOMEN, YEARS)
    spread = 1.959964 * 0.01297275
    expected = [100 * (np.exp(0.04018475 + k * spread) - 1) for k in (0, -1, 1)]
    assert [trend.change, trend.low, trend.high] == pytest.approx(expected, abs=1e-4)
    assert trend.dispersion == pytest.approx(2.1322983533749955 / 6)


def test_years_that_scatter_more_than_chance_widen_the_interval():
    noisy = [count + (60 if year % 2 else -60) for count, year in zip(CANCERS, YEARS, strict=True)]
    calm, wild = annual_change(CANCERS, WOMEN, YEARS), annual_change(noisy, WOMEN, YEARS)
    assert wild.dispersion > 1 > calm.dispersion
    assert wild.high - wild.low > 2 * (calm.high - calm.low)


def test_two_years_or_no_event_make_no_trend():
    assert annual_change([1, 2], [10, 10], [2020, 2021]) is None
    assert annual_change([0, 0, 0], [10, 10, 10], [2020, 2021, 2022]) is None


def test_a_bend_is_found_where_there_is_one_and_only_there():
    years = list(range(2005, 2025))
    rising_then_falling = [
        round(10_000 * 1.05 ** min(y - 2005, 10) * 0.93 ** max(0, y - 2015)) for y in years
    ]
    bend = turn(rising_then_falling, [1_000_000] * 20, years)
    assert bend.year == 2015
    assert (round(bend.before, 1), round(bend.after, 1)) == (5.0, -7.0)
    straight = [round(10_000 * 1.05 ** (y - 2005)) for y in years]
    assert turn(straight, [1_000_000] * 20, years) is None
    assert all(a < b for a, b in pairwise(straight))
