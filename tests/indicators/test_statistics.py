"""Golden values, as published with their sources, to the printed digit."""

import pytest

from analytics.indicators.statistics import Method, byar, clopper_pearson, interval, poisson_exact, wilson

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
    (poisson_exact(1),                        0.025318,      5.571643),     # chi-square quantiles
]
# fmt: on


@pytest.mark.parametrize(("computed", "low", "high"), GOLDEN)
def test_an_interval_is_the_published_one_to_the_printed_digit(computed, low, high):
    digits = len(str(low).split(".")[1])
    assert (round(computed[0], digits), round(computed[1], digits)) == (low, high)


@pytest.mark.parametrize("method", Method)
def test_none_of_none_has_no_interval_and_none_of_some_begins_at_zero(method):
    assert interval(method, 0, 0) is None
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
