"""A second engine, another language: SQL in DuckDB over the written Parquet gives the same counts, for every indicator."""

import math
from datetime import date
from random import Random

import duckdb
import pytest

from analytics.extract.dataset import Store, in_memory, open_extract
from analytics.extract.lives import dataset
from analytics.extract.schema import TABLES
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.engine import compute, question
from analytics.indicators.measures import Mean, Quantile
from analytics.indicators.period import period
from tests.indicators.in_sql import bowel, breast, cervical, views
from tests.indicators.random_lives import some_life

CUT = date(2028, 1, 1)
PROGRAMMES = {"no-cervical": cervical, "no-breast": breast, "no-colorectal": bowel}
CANCERS = {"no-cervical": "cervical", "no-breast": "breast", "no-colorectal": "colorectal"}
EVERY = [(programme, name) for programme in PROGRAMMES for name in CATALOGUE[programme]]


def write(data, folder):
    store = Store(folder)
    for bucket in data.buckets:
        store.add({name: getattr(bucket, name).collect() for name in TABLES})
    store.finish(data.manifest.data_cut, 0)


def read(programme, draw, people, folder):
    """An engine that has read the crowd written there."""
    sql = PROGRAMMES[programme]
    crowd = [some_life(draw, CANCERS[programme], programme, sql.TO) for _ in range(people)]
    write(dataset(crowd, data_cut=CUT, buckets=3), folder)
    engine = duckdb.connect()
    engine.execute(views.TABLES.format(folder, programme, sql.TO))
    engine.execute(sql.VIEWS)
    engine.execute(views.SCREENS.format(sql.EPISODE))
    engine.execute(getattr(sql, "AFTER", ""))
    return engine


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Programme -> folder of its crowd, and an engine that has read it."""
    made = {}
    for programme in PROGRAMMES:
        folder = tmp_path_factory.mktemp(programme)
        made[programme] = (folder, read(programme, Random(f"people of {programme}"), 2500, folder))
    yield made
    for _, engine in made.values():
        engine.close()


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_every_indicator_is_told_in_sql(programme):
    assert set(PROGRAMMES[programme].QUERIES) == set(CATALOGUE[programme])


@pytest.mark.parametrize(("programme", "name"), EVERY)
def test_sql_and_polars_agree(programme, name, written):
    agree(programme, name, *written[programme])


@pytest.mark.scale
@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("programme", PROGRAMMES)
def test_sql_and_polars_agree_on_other_crowds(programme, number, tmp_path):
    with read(programme, Random(f"crowd {number} of {programme} in SQL"), 5000, tmp_path) as engine:
        for name in CATALOGUE[programme]:
            agree(programme, name, tmp_path, engine)


def agree(programme, name, folder, engine):
    sql, of = PROGRAMMES[programme], CATALOGUE[programme][name]
    fit = views.of_age(sql.OTHER_AGES.get(name, sql.AGES), sql.SEXES)
    theirs = {
        county: (n, d, value) for county, n, d, value in engine.execute(sql.QUERIES[name](fit)).fetchall()
    }
    asked = question(programme, period("2024"), ids=[name], by=["county"])
    frame = compute(open_extract(folder), asked).frame
    ours = {row["county"]: row for row in frame.iter_rows(named=True)}
    assert {c: (row["numerator"], row["denominator"]) for c, row in ours.items()} == {
        c: counts[:2] for c, counts in theirs.items()
    }, name
    if isinstance(of.measure, (Mean, Quantile)):
        assert all(math.isclose(ours[c]["value"], value) for c, (_, _, value) in theirs.items()), name
    assert len(ours) >= 3, name


def test_what_was_written_is_what_was_in_memory(written):
    asked = question("no-cervical", period("2023-2024"), by=["year", "county"])
    draw = Random("people of no-cervical")
    people = [some_life(draw, "cervical", "no-cervical", "colposcopy") for _ in range(2500)]
    kept = dataset(people, data_cut=CUT)
    assert compute(open_extract(written["no-cervical"][0]), asked).frame.equals(compute(kept, asked).frame)


def test_a_dataset_of_no_bucket_is_empty():
    nothing = in_memory([], data_cut=date(2026, 1, 1))
    asked = question("no-cervical", period("2024"), by=["county"])
    assert compute(nothing, asked).frame.is_empty()
