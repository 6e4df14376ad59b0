"""Numbers are one, or the parts of one, because they are defined so; that they agree is no reason."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from analytics.disclosure.answer import margins
from analytics.disclosure.cells import What, cells_of
from analytics.disclosure.judge import judge
from analytics.disclosure.relations import relations
from analytics.disclosure.together import Told, read_together
from analytics.extract.dataset import in_memory
from analytics.indicators.engine import compute, question
from analytics.indicators.period import period
from analytics.scale.nation import Nation
from tests.rules.test_disclosure import AGES, PUBLIC, tables

RISKS = ("risk_low", "risk_intermediate", "risk_higher", "risk_unassigned")


@settings(max_examples=20, deadline=None, derandomize=True)
@given(rows=some.lists(some.tuples(*[some.integers(0, 40)] * 4), min_size=3, max_size=3))
def test_the_parts_of_a_whole_do_not_tell_a_small_one_of_them(rows):
    """Every episode is of one risk and of no other."""
    answers = [
        one
        for at, name in enumerate(RISKS)
        for counts in [{(age,): (row[at], sum(row)) for age, row in zip(AGES, rows, strict=True)}]
        for one in tables(counts, by=("age_group",), name=name, programme="no-cervical")
    ]
    verdict = judge(answers, PUBLIC)
    for words in ((), *((("age_group", age),) for age in AGES)):
        there = {(c.place.indicator, c.what): c for c in verdict.cells if c.place.words == words}
        parts = [there[name, What.NUMERATOR] for name in RISKS if (name, What.NUMERATOR) in there]
        whole = {there[name, What.DENOMINATOR] for name in RISKS if (name, What.DENOMINATOR) in there}
        hidden = [part for part in parts if part in verdict.hidden]
        if any(0 < verdict.cells[part] < 5 for part in parts):
            assert len(hidden) > 1 or whole <= verdict.hidden


@pytest.mark.parametrize("late", [1, 2, 30])
def test_a_year_can_be_told_again_when_results_came_late(late):
    """In a nation so small that most numbers are; numbers that agree by chance are no reason to refuse."""
    nation = Nation(people=1500)
    first, *others = nation.frames()
    known = first["events"].with_row_index().filter(pl.col("date").dt.year() == 2023)["index"]
    came_late = known.sample(late, seed=late)
    held = first["events"].with_row_index().filter(~pl.col("index").is_in(came_late.implode())).drop("index")
    asked = question("no-cervical", period("2023"), by=["county"])

    def counted(*frames):
        data = in_memory(frames, data_cut=nation.data_cut)
        return [compute(data, one) for one in margins(asked)]

    before = judge(counted(dict(first, events=held), *others), PUBLIC)
    told = Told(before.cells, before.shown, before.sensitive)
    now = judge(counted(first, *others), PUBLIC, [told])
    assert len(now.shown) > 0.6 * len(before.shown)
    assert not [cell for cell in now.shown if 0 < now.cells[cell] < 5 and cell in now.sensitive]


def test_numbers_that_are_small_and_agree_by_chance_are_not_taken_for_one():
    """Each is protected alone, and neither by the other."""
    counts = {(age,): (n, 20) for age, n in zip(AGES, (3, 8, 9), strict=True)}
    answers = [
        *tables(counts, by=("age_group",), name="hpv_positivity", programme="no-cervical"),
        *tables(counts, by=("age_group",), name="invalid_rate", programme="no-cervical"),
    ]
    numbers = cells_of(answers)
    linked = relations(numbers, read_together(numbers, [], 5), {})
    names = list(numbers)
    together = [
        {names[at].place.indicator for at in equation if at < len(names)} for equation in linked.equations
    ]
    assert together
    assert all(len(indicators) == 1 for indicators in together)
