"""What is kept gives what counting anew would; and what hands wrote for one question gives the catalogue's counts."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from analytics.extract.dataset import in_memory, open_extract
from analytics.indicators.engine import compute, question
from analytics.indicators.kept import Kept
from analytics.indicators.period import period
from analytics.indicators.seen import words_seen
from analytics.reports.counts import Counts
from analytics.scale.nation import Nation, write
from screening.refusals import Refused
from screening.service.bench import by_hand
from screening.service.bench.indicators import _beside

NATION = Nation(people=6000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    there = tmp_path_factory.mktemp("nation") / "data"
    write(NATION, there)
    return there


@pytest.fixture(scope="module")
def dataset():
    return in_memory(list(NATION.frames()), data_cut=NATION.data_cut)


ASKED = [
    {"ids": ["participation"]},
    {"ids": ["participation"], "by": ["county"]},
    {"ids": ["time_to_colposcopy", "test_coverage"], "by": ["age_group"], "county": "Oslo"},
    {"ids": ["hpv_positivity"], "by": ["sample"]},
    {"ids": ["colposcopy_incidence_180d"], "county": "Vestland"},
    {},
]


def test_what_is_kept_answers_as_counting_anew_does(dataset):
    """Asked twice and in turn, so that finer cells of one question serve the next."""
    kept = Kept(dataset)
    for more in (*ASKED, *ASKED):
        asked = question("no-cervical", period("2023-2024"), **more)
        assert kept.answer(asked).frame.equals(compute(dataset, asked).frame), more


def test_questions_of_two_programmes_asked_together_have_each_its_own_answer(dataset):
    """Both have an indicator called `participation`."""
    both = [
        question(name, period("2024"), ids=["participation"], by=["age_group"])
        for name in ("no-cervical", "no-breast")
    ]
    for told, asked in zip(Kept(dataset).answer_each(both), both, strict=True):
        assert told.frame.equals(compute(dataset, asked).frame), asked.programme


def test_one_county_after_another_is_counted_once(tmp_path):
    """The files are gone when the second county is asked for."""
    write(NATION, tmp_path / "data")
    dataset = open_extract(tmp_path / "data")
    kept = Kept(dataset)
    told = []
    for county in ("Oslo", "Vestland", "Finnmark"):
        asked = question("no-breast", period("2024"), ids=["participation"], county=county)
        told.append(kept.answer(asked).frame["denominator"].item())
        shutil.rmtree(tmp_path / "data", ignore_errors=True)
    assert min(told) > 0
    with pytest.raises(Refused, match="no dataset here"):
        compute(dataset, asked)


class Readings(list):
    """Buckets that know how often they were all read."""

    readings = 0

    def __iter__(self):
        self.readings += 1
        return super().__iter__()


def test_all_indicators_of_a_question_are_counted_from_one_reading(dataset):
    buckets = Readings(dataset.buckets)
    kept = Kept(replace(dataset, buckets=buckets))
    for by in (["county", "age_group"], ["county"], []):
        kept.answer(question("no-cervical", period("2023"), by=by))
    assert buckets.readings == 1


def test_who_asks_for_what_is_kept_waits_for_nobody_who_counts(dataset):
    """Counting is held up for as long as the second asks."""
    kept, begun, go_on = Kept(dataset), Event(), Event()
    known = question("no-cervical", period("2023"), ids=["participation"])
    kept.answer(known)

    class Slow(list):
        def __iter__(self):
            begun.set()
            assert go_on.wait(30)
            return super().__iter__()

    kept.dataset = replace(dataset, buckets=Slow(dataset.buckets))
    with ThreadPoolExecutor(2) as threads:
        counting = threads.submit(kept.answer, question("no-cervical", period("2022"), ids=["participation"]))
        assert begun.wait(30)
        told = threads.submit(kept.answer, known).result(timeout=30)
        assert not counting.done()
        go_on.set()
        assert counting.result(timeout=60).frame["denominator"].item() > 0
    assert told.frame.equals(compute(dataset, known).frame)


def test_what_was_asked_for_longest_ago_is_forgotten_first(dataset, monkeypatch):
    monkeypatch.setattr("analytics.indicators.kept._MOST", 2)
    buckets = Readings(dataset.buckets)
    kept = Kept(replace(dataset, buckets=buckets))
    for year in ("2021", "2022", "2021", "2023", "2021", "2022"):
        kept.answer(question("no-breast", period(year), ids=["participation"]))
    assert buckets.readings == 4  # each for the first time, and 2022 anew


def test_laboratories_and_units_are_looked_for_once(dataset):
    buckets = Readings(dataset.buckets)
    kept = Kept(replace(dataset, buckets=buckets))
    assert kept.seen("no-cervical")["lab"]
    assert kept.seen("no-cervical") == words_seen(dataset, "no-cervical") != kept.seen("no-breast")
    assert buckets.readings == 2


def test_files_of_another_dataset_are_not_told_as_of_the_first(tmp_path):
    """Whatever is asked of it."""
    there = tmp_path / "data"
    write(NATION, there)
    held = open_extract(there)
    write(replace(NATION, people=300), there)
    with pytest.raises(Refused, match="another dataset took its place"):
        Kept(held).seen("no-cervical")
    counts = Counts(Kept(held))
    for ask in (counts.people, counts.overdue, counts.seen, counts.recorded_since, counts.begun):
        with pytest.raises(Refused, match="another dataset took its place"):
            ask("no-cervical")
    with pytest.raises(Refused, match="another dataset took its place"):
        counts.steps("no-cervical", period("2021"), {})


def test_a_period_after_the_data_is_refused_here_too(dataset):
    with pytest.raises(Refused, match="begins on 2026-01-01, the data end on 2025-01-01"):
        Kept(dataset).answer(question("no-breast", period("2026"), ids=["participation"]))


@pytest.mark.parametrize("name", by_hand.POLARS)
def test_polars_and_sql_by_hand_count_as_the_catalogue_does(name, folder):
    assert _beside(name, folder, 1)["agrees"]
