"""Many indicators of a dataset in files are counted by several processes, and the figures are the same."""

import pickle
from dataclasses import replace

import pytest
from polars.testing import assert_frame_equal

from analytics.extract.dataset import loaded, open_extract, replacing
from analytics.indicators import beside
from analytics.indicators.catalogue import of_programme
from analytics.indicators.engine import compute, compute_each, question
from analytics.indicators.period import period
from analytics.scale.nation import Nation
from screening.refusals import Refused


@pytest.fixture
def folder(tmp_path):
    """Three buckets of people, and a manifest."""
    with replacing(tmp_path / "nation") as store:
        for seed in range(3):
            store.add(Nation(people=2000, seed=seed).bucket(0))
        store.finish(Nation(people=2000).data_cut)
    return tmp_path / "nation"


@pytest.mark.parametrize("programme", ["no-cervical", "no-breast", "no-colorectal"])
def test_processes_and_threads_tell_the_same_figures(folder, programme, monkeypatch):
    monkeypatch.setattr(beside, "_PROCESSES", 2)
    asked = question(programme, period("2022-2023"), by=("county", "year"))
    by_processes, by_threads = (
        compute(dataset, asked).frame for dataset in (open_extract(folder), loaded(folder))
    )
    assert_frame_equal(by_processes, by_threads)
    assert by_processes["numerator"].sum()


def test_questions_asked_together_are_answered_as_each_alone(folder):
    months, everyone = (
        question("no-breast", period("2022-2023"), by=["month"]),
        question("no-cervical", period("2023")),
    )
    county = question(
        "no-breast", period("2023"), by=["county"], ids=["participation"], where={"county": "Oslo"}
    )
    dataset = loaded(folder)
    together = compute_each(dataset, [months, everyone, county])
    for asked, told in zip([months, everyone, county], together, strict=True):
        assert_frame_equal(told.frame, compute(dataset, asked).frame)
        assert told.frame["denominator"].sum()


@pytest.mark.parametrize("ids", [(), ("participation",)])
def test_a_dataset_that_was_replaced_is_refused_and_not_told_as_of_the_day_before(folder, ids, monkeypatch):
    monkeypatch.setattr(beside, "_PROCESSES", 2)
    before = open_extract(folder)
    with replacing(folder) as store:
        for seed in range(3):
            store.add(Nation(people=1000, seed=seed).bucket(0))
        store.finish(before.manifest.data_cut)
    with pytest.raises(Refused, match="another dataset took its place"):
        compute(before, question("no-breast", period("2023"), ids=ids))


def test_an_indicator_of_the_catalogue_travels_by_its_name_and_any_other_not_at_all():
    of = of_programme("no-breast")[0]
    assert pickle.loads(pickle.dumps(of)) is of
    with pytest.raises(ValueError, match="is not the one of the catalogue"):
        pickle.dumps(replace(of, title="changed"))
