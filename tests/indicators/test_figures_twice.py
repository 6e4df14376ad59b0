"""Values and limits again, by the roads of `slowly.figures`: of small and odd counts, and of the published funnels."""

import math
from pathlib import Path
from random import Random

import polars as pl
import pytest

from analytics.extract.dataset import Manifest
from analytics.extract.schema import VERSION, fingerprint
from analytics.funnels.eventlog import event_log
from analytics.funnels.published import read_funnel
from analytics.indicators.catalogue import CATALOGUE, defined_for
from analytics.indicators.cells import Wanted, added, cells_of
from analytics.indicators.engine import Question, answer
from analytics.indicators.measures import Cumulative, Expected, Mean, Quantile, Standardised, Waiting
from analytics.indicators.period import period
from analytics.methods.intervals import Method, interval
from tests.indicators.slowly.figures import (
    count_limits,
    exact_count_limits,
    figure,
    near_count_limits,
    root,
    score_limits,
)
from tests.indicators.test_agreement_with_plain_python import figures_apart

FUNNELS = sorted(Path(__file__).with_name("funnels").glob("*.yaml"))
# One indicator of every measure as it is set in the catalogue.
MEASURES = {
    (
        type(of.measure),
        of.unit_text,
        of.id if isinstance(of.measure, (Expected, Standardised, Waiting)) else "",
    ): of
    for programme in ("no-cervical", "no-breast", "no-colorectal")
    for of in CATALOGUE[programme].values()
}.values()
SIZES = [1, 1, 2, 2, 3, 4, 5, 6, 8, 9, 12, 29, 30, 31, 75, 400]


def some_bins(draw, measure):
    """Bin -> (counted, of): few or many, all alike or spread, none or all counted."""
    units, counted = draw.choice(SIZES), draw.choice([0.0, 0.03, 0.3, 0.9, 1.0])
    match measure:
        case Waiting(day=day):
            places = [
                4 * draw.choice([0, 1, 5, 20, day - 1, day, day + 1]) + draw.choice([0, 1, 1, 2])
                for _ in range(units)
            ]
        case Mean():
            places = [draw.choice([0, 1, 1, 1, 2, 3]) for _ in range(units)]
        case Quantile():
            places = [draw.choice([0, 3, 7, 7, 14, 30, 200]) for _ in range(units)]
        case Cumulative():
            places = [draw.randint(1, 10) for _ in range(units * 10)]
        case Expected():
            places = [
                draw.choice([90, 101, 110, 121, 130, 141] if not measure.days else [50, 55, 61, 69])
                for _ in range(units)
            ]
        case Standardised():
            places = [draw.randint(25, 74) for _ in range(units * 10)]
        case _:
            places = [0] * units
    if draw.random() < 0.2:
        places = places[:1] * len(places)
    days = draw.randint(1, 900) if "person-years" in measure.unit or getattr(measure, "days", False) else 1
    bins = {}
    for place in places:
        have, of = bins.get(place, (0, 0))
        bins[place] = (have + (draw.random() < counted), of + days)
    return bins


def figures_of(of, bins):
    cells = pl.DataFrame(
        [(place, *sums) for place, sums in bins.items()],
        schema=["bin", "numerator", "denominator"],
        orient="row",
    )
    return of.measure.figures(cells, []).row(0, named=True)


@pytest.mark.parametrize("of", MEASURES, ids=lambda of: f"{type(of.measure).__name__}-{of.id}")
def test_few_and_odd_counts_have_the_figures_of_the_slow_computation(of):
    draw = Random(of.id)
    for _ in range(120):
        bins = some_bins(draw, of.measure)
        row = figures_of(of, bins)
        assert list(figures_apart(bins, row, figure(of, of.unit_text, bins))) == []


@pytest.mark.parametrize("of", MEASURES, ids=lambda of: f"{type(of.measure).__name__}-{of.id}")
def test_limits_hold_the_value_and_have_a_width_or_are_not_told(of):
    draw = Random(f"limits of {of.id}")
    for _ in range(300):
        row = figures_of(of, some_bins(draw, of.measure))
        assert (row["low"] is None) == (row["high"] is None)
        if row["low"] is not None:
            assert row["low"] <= row["value"] <= row["high"]
            assert row["low"] < row["high"]


@pytest.mark.parametrize("file", FUNNELS, ids=lambda file: file.stem)
def test_every_figure_of_a_published_population_is_computed_twice(file):
    log = event_log(read_funnel(file))
    indicators = list(defined_for(log.programme).values())
    span = period(f"{log.years[0]}-{log.years[-1]}" if len(log.years) > 1 else str(log.years[0]))
    asked = Question(log.programme.id, indicators, span, [])
    cells = added(
        [
            cells_of(bucket, [Wanted(indicators, asked.periods, [])], log.data_cut)[0]
            for _, bucket in log.buckets()
        ]
    )
    rows = answer(cells, asked, Manifest(VERSION, fingerprint(), log.data_cut, 0, 0, {})).frame.rows(
        named=True
    )
    known = 0
    for of, row in zip(indicators, rows, strict=True):
        told = cells.filter(indicator=of.id).select("bin", "numerator", "denominator").rows()
        slow = figure(of, row["unit"], {place: sums for place, *sums in told})
        assert list(figures_apart(of.id, row, slow)) == []
        known += row["value"] is not None
    assert known >= 5


# -- methods that no indicator uses yet, and how near the near ones are ----------------------------------------


def binomial_up_to(counted, of, share):
    return math.fsum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(counted + 1))


def exact_share_limits(counted, of):
    low = root(lambda p: 0.975 - binomial_up_to(counted - 1, of, p), 0.0, 1.0) if counted else 0.0
    high = root(lambda p: 0.025 - binomial_up_to(counted, of, p), 0.0, 1.0) if counted < of else 1.0
    return low, high


@pytest.mark.parametrize(
    ("counted", "of"), [(c, n) for n in (1, 2, 3, 10, 118, 400) for c in sorted({0, 1, n // 3, n - 1, n})]
)
def test_every_method_has_the_limits_that_are_looked_for(counted, of):
    looked_for = {
        Method.WILSON: score_limits(counted, of),
        Method.CLOPPER_PEARSON: exact_share_limits(counted, of),
        Method.POISSON_EXACT: [end / of for end in exact_count_limits(counted)],
        Method.BYAR_OR_EXACT: [end / of for end in count_limits(counted)],
    }
    if counted:
        looked_for[Method.BYAR] = [end / of for end in near_count_limits(counted)]
    for method, ends in looked_for.items():
        assert interval(method, counted, of) == pytest.approx(tuple(ends), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("counted", [10, 20, 65, 300])
def test_from_ten_on_byar_lies_within_one_in_a_hundred_of_the_exact_limits(counted):
    assert near_count_limits(counted) == pytest.approx(exact_count_limits(counted), rel=0.01)
