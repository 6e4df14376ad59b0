"""The engine and plain Python agree on random lives, for every indicator, split by place, age and sample."""

import math
from collections import defaultdict
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from analytics.extract.lives import dataset
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.engine import compute, question
from analytics.indicators.measures import Cumulative, Mean, Odds, Waiting
from analytics.indicators.period import period
from tests.indicators.random_lives import some_life
from tests.indicators.slowly import bowel, breast, cervical
from tests.indicators.slowly.figures import FIGURES, binned, figure
from tests.indicators.slowly.reckoning import DATA_CUT, Asked, county

PROGRAMMES = {
    "no-cervical": SimpleNamespace(told=cervical, cancer="cervical", slowly=cervical.slowly()),
    "no-breast": SimpleNamespace(told=breast, cancer="breast", slowly=breast.slowly()),
    "no-colorectal": SimpleNamespace(told=bowel, cancer="colorectal", slowly=bowel.slowly()),
}
EVERYBODY = ()
EVERY = [(programme, name) for programme in PROGRAMMES for name in CATALOGUE[programme]]


def lives_of(programme, draws):
    of = PROGRAMMES[programme]
    return [some_life(draw, of.cancer, programme, of.told.TO) for draw in draws]


def split_by(of):
    return ["county", "age_group", *(["sample"] if "sample" in of.strata else [])]


def strata_of(life, unit, asked, by):
    place = unit.county or county(life, unit.on) or "unknown"
    return (place, asked.ages.group(life, unit.on), unit.sample)[: len(by)]


def units_slowly(programme, name, people):
    """Stratum -> its units; () of everybody together."""
    of, told = CATALOGUE[programme][name], PROGRAMMES[programme]
    asked = Asked(told.told.OTHER_AGES.get(name, told.told.AGES), told.told.SEXES)
    found = defaultdict(list)
    for life in people:
        for unit in told.slowly[name](life, asked):
            for stratum in (strata_of(life, unit, asked, split_by(of)), EVERYBODY):
                found[stratum].append(unit)
    return found


def sums(units):
    return sum(u.counted for u in units), sum(u.of for u in units)


def disagreements(programme, name, people, rows):
    """What is not as plain Python has it, as (stratum, what, fast, slow)."""
    of = CATALOGUE[programme][name]
    slow = units_slowly(programme, name, people)
    slow.setdefault(EVERYBODY, [])  # where nothing was counted that is told too
    fast = {tuple(row[s] for s in split_by(of) if s in row): row for row in rows}
    for stratum in sorted({*slow, *fast}):
        row, units = fast.get(stratum), slow.get(stratum)
        if row is None or units is None:
            yield stratum, "stratum", row, units
            continue
        counts, expected = (row["numerator"], row["denominator"]), counts_slowly(of.measure, units)
        if counts != expected:
            yield stratum, "counts", counts, expected
        yield from figures_apart(stratum, row, figure(of, row["unit"], binned(units)))


def figures_apart(stratum, row, slow):
    """The value and each limit that is not the same."""
    for name, expected in zip(("value", "low", "high"), slow, strict=True):
        told = row[name]
        if (told is None) != (expected is None) or (
            told is not None and not math.isclose(told, expected, rel_tol=1e-8, abs_tol=1e-8)
        ):
            yield stratum, name, told, expected


def counts_slowly(measure, units):
    """What is told as numerator and denominator."""
    counted, of = sums(units)
    match measure:
        case Waiting():
            return sum(u.bin % 4 == 1 and u.bin // 4 <= measure.day for u in units), len(units)
        case Mean():
            return sum(u.bin for u in units), len(units)
        case Odds():
            return counted, of - counted  # those not counted stand below the line
        case Cumulative():
            early = [u for u in units if u.bin <= measure.rounds]
            return sums(early)
        case _:
            return counted, of


def computed(programme, people, buckets):
    """id -> rows, split and of everybody; one question for those that are split alike."""
    data = dataset(people, data_cut=DATA_CUT, buckets=buckets)
    found = defaultdict(list)
    for by in (["county", "age_group"], ["county", "age_group", "sample"], []):
        ids = [name for name, of in CATALOGUE[programme].items() if by in (split_by(of), [])]
        if ids:
            frame = compute(data, question(programme, period("2024"), ids=ids, by=by)).frame
            for row in frame.iter_rows(named=True):
                found[row["id"]].append(row)
    return found


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_every_indicator_is_computed_twice(programme):
    assert set(PROGRAMMES[programme].slowly) == set(CATALOGUE[programme])


def test_every_measure_has_a_second_computation_of_value_and_limits():
    measures = {type(of.measure) for offered in CATALOGUE.values() for of in offered.values()}
    assert measures == set(FIGURES)


@pytest.mark.parametrize("programme", PROGRAMMES)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    draws=some.lists(some.randoms(use_true_random=False), min_size=1, max_size=8),
    buckets=some.integers(1, 3),
)
def test_fast_and_slow_agree_on_random_lives(programme, draws, buckets):
    people = lives_of(programme, draws)
    rows = computed(programme, people, buckets)
    wrong = {name: list(disagreements(programme, name, people, rows[name])) for name in rows}
    assert {name: told for name, told in wrong.items() if told} == {}


@pytest.fixture(scope="module")
def crowds():
    """The same few thousand lives of each programme, and what the engine makes of them."""
    made = {}
    for programme in PROGRAMMES:
        draw = Random(f"crowd of {programme}")
        people = lives_of(programme, [draw] * 2500)
        made[programme] = (people, computed(programme, people, buckets=4))
    return made


@pytest.mark.parametrize(("programme", "name"), EVERY)
def test_fast_and_slow_agree_on_a_crowd(programme, name, crowds):
    people, rows = crowds[programme]
    assert list(disagreements(programme, name, people, rows[name])) == []


@pytest.mark.parametrize(("programme", "name"), EVERY)
def test_the_crowd_is_wide_enough_to_tell(programme, name, crowds):
    """Both counted and not counted, so that agreement means something."""
    (row,) = (row for row in crowds[programme][1][name] if "county" not in row)
    assert row["numerator"] > 0
    assert row["denominator"] > 3


@pytest.mark.scale
@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("programme", PROGRAMMES)
def test_fast_and_slow_agree_on_other_crowds(programme, number):
    """A hundred thousand lives of each programme, forty for one of the crowd above: what is rare meets what is rare."""
    people = lives_of(programme, [Random(f"crowd {number} of {programme}")] * 5000)
    rows = computed(programme, people, buckets=4)
    wrong = {name: list(disagreements(programme, name, people, rows[name])) for name in rows}
    assert {name: told for name, told in wrong.items() if told} == {}
