"""Every indicator on lives that anyone can count: told in one line each, with what is to be counted of it."""

from datetime import date
from pathlib import Path

import pytest

from analytics.extract.lives import dataset
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.engine import compute, question
from analytics.indicators.measures import Standardised
from analytics.indicators.period import period
from tests.indicators.told import cases, life

FILES = {"no-cervical": "cervical", "no-breast": "breast", "no-colorectal": "bowel"}
FOLDER = Path(__file__).with_name("by_hand")
CASES = [
    pytest.param(programme, name, counts, value, line, id=f"{file}-{name}-{number}")
    for programme, file in FILES.items()
    for number, (name, *counts, value, line) in enumerate(cases((FOLDER / f"{file}.cases").read_text()))
]


def answer(programme, name, people):
    data = dataset(people, data_cut=date(2028, 1, 1))
    return compute(data, question(programme, period("2024"), ids=[name])).frame.row(0, named=True)


@pytest.mark.parametrize(("programme", "name", "counts", "value", "line"), CASES)
def test_the_count_by_hand_and_the_count_agree(programme, name, counts, value, line):
    row = answer(programme, name, [life(line, programme)])
    assert [row["numerator"], row["denominator"]] == counts
    if value is not None:
        assert row["value"] == pytest.approx(value)


@pytest.mark.parametrize("programme", FILES)
def test_every_indicator_is_counted_by_hand(programme):
    told = [case.values for case in CASES if case.values[0] == programme]
    assert {name for _, name, *_ in told} == set(CATALOGUE[programme])
    for name in CATALOGUE[programme]:
        counted = [counts for _, of, counts, *_ in told if of == name]
        assert any(numerator for numerator, _ in counted), name
        assert any(numerator == 0 for numerator, _ in counted) or len(counted) == 1, name


@pytest.mark.parametrize(("programme", "name"), [(p, name) for p in FILES for name in CATALOGUE[p]])
def test_of_nobody_nothing_is_claimed(programme, name):
    for people in ([], [life("born 1900-01-01, home 0301 1950-01-01 1990-01-01", programme)]):
        row = answer(programme, name, people)
        assert (row["numerator"], row["denominator"]) == (0, 0)
        assert (row["value"], row["low"], row["high"]) == (None, None, None)


@pytest.mark.parametrize("programme", FILES)
def test_strata_add_up_to_the_whole(programme):
    told = [case.values for case in CASES if case.values[0] == programme]
    data = dataset([life(line, programme) for *_, line in told], data_cut=date(2028, 1, 1), buckets=3)
    for name, of in CATALOGUE[programme].items():
        by = ["county", "age_group"]
        whole = compute(data, question(programme, period("2024"), ids=[name])).frame
        split = compute(data, question(programme, period("2024"), ids=[name], by=by)).frame
        assert split["numerator"].sum() == whole["numerator"].item(), name
        if not isinstance(of.measure, Standardised):
            assert split["denominator"].sum() == whole["denominator"].item(), name
