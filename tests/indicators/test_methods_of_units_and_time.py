"""Golden values of units and over time, as published or computed by software of others, to the printed digit."""

import math
from itertools import pairwise

import numpy as np
import pytest

from analytics.methods.control_charts import (
    SHIFT_OF_THE_NHS,
    Rule,
    p_chart,
    special_points,
    u_chart,
    xmr_chart,
)
from analytics.methods.funnel_plots import ALARM, WARNING, funnel
from analytics.methods.trends import annual_change, turn

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


def binomial_tail(count, total, target):
    """The smaller of the chances of so few and of so many, summed term by term."""
    below = sum(math.comb(total, k) * target**k * (1 - target) ** (total - k) for k in range(count + 1))
    at = math.comb(total, count) * target**count * (1 - target) ** (total - count)
    return min(below, 1 - below + at)


@pytest.mark.parametrize("total", [40, 530, 900, 1400, 3000])
def test_of_rare_events_nobody_is_off_whom_the_binomial_distribution_holds_for_chance(total):
    alone = funnel([50], [10_000], overdispersed=False)
    for level in (WARNING, ALARM):
        for count in range(31):
            off = alone.outside([count], [total], level)[0] != 0
            assert not (off and binomial_tail(count, total, 0.005) > (1 - level) / 2 + 1e-9), (count, level)


def test_no_cancer_among_a_few_hundred_is_not_called_too_few():
    alone = funnel([50], [10_000], overdispersed=False)
    assert alone.outside([0, 0], [530, 3000], ALARM).tolist() == [0, -1]


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


def test_one_of_few_units_does_not_widen_the_limits_it_is_judged_by():
    counts, totals = [10, 10, 10, 38], [150] * 4
    assert funnel(counts, totals).outside(counts, totals, ALARM).tolist() == [0, 0, 0, 1]


def test_where_few_units_all_differ_none_of_them_is_off():
    counts, totals = [300, 500, 700, 900], [3000] * 4
    assert funnel(counts, totals).outside(counts, totals, ALARM).tolist() == [0, 0, 0, 0]
    alone = funnel(counts, totals, overdispersed=False)
    assert alone.outside(counts, totals, ALARM).tolist() == [-1, -1, 1, 1]


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
    chart = u_chart([8, 12], [2.0, 3.0])
    assert (chart.centre[0], chart.high[0]) == (4.0, pytest.approx(4 + 3 * (4 / 2) ** 0.5))


def up_to(counted, of, share):
    return math.fsum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(counted + 1))


def poisson_up_to(counted, expected):
    return math.fsum(math.exp(-expected) * expected**k / math.factorial(k) for k in range(counted + 1))


def least(chance_up_to, level):
    return next(k for k in range(1000) if chance_up_to(k) >= level)


def test_where_few_are_expected_a_p_chart_has_the_limits_of_the_counts_themselves():
    """One in a hundred: 4 of 100 lie beyond three standard deviations, and yet come once in fifty-four months."""
    counts, totals = [4, 0, 1, 0, 1, 0, 1, 1, 0, 1, 2, 1], [100] * 12
    chart = p_chart(counts, totals)
    assert chart.exact.all()
    share = sum(counts) / sum(totals)
    ends = [least(lambda k: up_to(k, 100, share), level) / 100 for level in (0.00135, 0.99865)]
    assert [chart.low[0], chart.high[0]] == ends
    assert 1 - up_to(round(100 * chart.high[0]), 100, share) <= 0.00135
    assert not any(special_points(chart))
    assert special_points(p_chart([6, *counts[1:]], totals))[0] == {Rule.BEYOND_LIMITS}


def test_the_rule_of_five_chooses_between_normal_and_exact_limits():
    assert p_chart([5, 5, 5], [100, 100, 100]).exact.tolist() == [False, False, False]
    assert p_chart([10, 10, 3], [100, 100, 30]).exact.tolist() == [False, False, True]
    assert p_chart([95, 96, 97], [100, 100, 100]).exact.all()  # too few without
    assert u_chart([10, 10, 2], [1.0, 1.0, 0.2]).exact.tolist() == [False, False, True]


def test_one_quiet_month_does_not_silence_the_runs():
    counts, totals = [*[8] * 11, 0, *[14] * 8], [*[100] * 11, 10, *[100] * 8]
    chart = p_chart(counts, totals)
    assert chart.exact.sum() == 1
    assert special_points(chart)[-1] == {Rule.SHIFT}


def test_where_few_are_expected_a_u_chart_has_the_limits_of_poisson():
    chart = u_chart([1, 0, 2, 1], [1.0, 1.0, 2.0, 1.0])
    ends = [least(lambda k, size=size: poisson_up_to(k, 0.8 * size), 0.99865) / size for size in (1, 2)]
    assert [chart.high[0], chart.high[2]] == ends
    assert chart.low.tolist() == [0, 0, 0, 0]


def test_months_without_a_rare_event_are_no_shift():
    """Eight quiet months lie below a mean of one event in six, as most months do."""
    chart = p_chart([1, *[0] * 8, 1, 0, 0], [50] * 12)
    assert not any(special_points(chart))


def test_an_xmr_chart_has_limits_at_2_66_mean_moving_ranges():
    chart = xmr_chart([10, 12, 11, 13])
    assert chart.high[0] == pytest.approx(11.5 + 3 / 1.128 * (2 + 1 + 2) / 3)
    assert pytest.approx(2.66, abs=0.001) == 3 / 1.128


def named(values, **lengths):
    """Points around 0 whose deviation is 1, each with the rules it breaks."""
    steady = [0.0, 0.0]
    chart = xmr_chart([*steady, *values])
    unit = type(chart)(
        chart.values,
        chart.centre * 0,
        chart.centre * 0 - 3,
        chart.centre * 0 + 3,
        chart.deviation * 0 + 1,
        chart.exact,
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


def test_events_that_all_lie_at_one_end_make_no_trend_and_no_bend():
    years = list(range(2015, 2025))
    for events in ([0] * 9 + [3], [5] + [0] * 9):
        assert annual_change(events, [1000] * 10, years) is None
        assert turn(events, [1000] * 10, years) is None
    few = [0, 0, 1, 0, 0, 0, 2, 1, 0, 0]
    assert annual_change(few, [1000] * 10, years).low < 0 < annual_change(few, [1000] * 10, years).high
    assert turn(few, [1000] * 10, years) is None


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
