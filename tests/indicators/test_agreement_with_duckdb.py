"""A second engine, another language: SQL in DuckDB over the written Parquet gives the same counts."""

from datetime import date

import duckdb
import pytest

from analytics.extract.dataset import Store, in_memory, open_extract
from analytics.extract.lives import dataset
from analytics.indicators.engine import compute, question
from analytics.indicators.period import period

# Each gives the county, the numerator and the denominator of 2024, with the views `test`, `event`, … below.
SQL = {
    "test_coverage": """
        select county_on(p.person, date '2024-12-31') as county,
               count(*) filter (exists (from answered t where t.person = p.person
                   and t.date between date '2019-07-01' and date '2024-12-31')), count(*)
          from women p where age(p.born, date '2024-12-31') between 25 and 69 and county is not null
         group by county""",
    "invalid_rate": """
        select coalesce(county_on(person, date), 'unknown') as county, count(*) filter (not valid), count(*)
          from specimen where date between date '2024-01-01' and date '2024-12-31'
           and age(born, date) between 25 and 69 group by 1""",
    "participation": """
        with call as (
            select e.person, min(e.date) as date from event e join women p using (person)
             where e.kind in ('invited', 'reminded', 'kit_dispatched') and coalesce(e.letter, '') <> 'kit_replacement'
               and e.date between date '2024-01-01' and date '2024-12-31' and age(p.born, e.date) between 25 and 69
             group by e.person)
        select coalesce(county_on(c.person, c.date), 'unknown') as county,
               count(*) filter (exists (from answered t where t.person = c.person
                   and t.date > c.date and t.date <= c.date + interval 6 month)), count(*)
          from call c group by 1""",
    "colposcopy_attendance_90d": """
        with sent as (
            select v.person, min(v.date) as date from visit v join women p using (person)
             where v.kind = 'referred' and v.date between date '2024-01-01' and date '2024-12-31'
               and age(p.born, v.date) between 25 and 69 group by v.person)
        select coalesce(county_on(r.person, r.date), 'unknown') as county,
               count(*) filter (exists (from visit a where a.person = r.person and a.kind = 'appointment_attended'
                   and a.date between r.date and r.date + 90)), count(*)
          from sent r group by 1""",
    "ppv_colposcopy": """
        with seen as (
            select v.person, min(v.date) as date from visit v join women p using (person)
             where v.kind = 'appointment_attended' and v.date between date '2024-01-01' and date '2024-12-31'
               and age(p.born, v.date) between 25 and 69 group by v.person)
        select coalesce(county_on(s.person, s.date), 'unknown') as county,
               count(*) filter (exists (from event h where h.person = s.person and h.test = 'histology'
                   and list_has_any(h.findings, ['cin2', 'cin3', 'ais', 'adenocarcinoma', 'scc'])
                   and h.date between s.date and s.date + interval 6 month)), count(*)
          from seen s group by 1""",
}
VIEWS = """
create view event as from read_parquet('{0}/events/*/part.parquet');
create view women as from read_parquet('{0}/persons/*/part.parquet') where sex = 'female';
create table home as select *, case county when '03' then 'Oslo' when '46' then 'Vestland' else 'Finnmark' end as name
  from read_parquet('{0}/residences/*/part.parquet');
create view answered as select person, date from event where test in ('hpv', 'cytology')
   and len(list_filter(findings, lambda f: f not in ('invalid', 'unsatisfactory'))) > 0;
create view specimen as select e.person, p.born, e.date,
       bool_or(len(list_filter(e.findings, lambda f: f <> 'invalid')) > 0) as valid
  from event e join women p using (person) where e.test = 'hpv' group by all;
create view visit as from event where kind in ('referred', 'appointment_attended') and coalesce("to", 'colposcopy') = 'colposcopy';
create macro age(born, day) as datediff('month', born, date_trunc('month', day)::date) // 12;
create macro county_on(who, day) as (select any_value(name) from home h where h.person = who and h.since <= day
   and (h.until is null or day < h.until));
"""


@pytest.fixture(scope="module")
def written(crowd, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extract")
    store = Store(folder)
    for bucket in dataset(crowd, data_cut=date(2027, 1, 1), buckets=3).buckets:
        tables = ("persons", "residences", "events", "obligations", "standings")
        store.add({name: getattr(bucket, name).collect() for name in tables})
    store.finish(date(2027, 1, 1), 0)
    return folder


@pytest.mark.parametrize("name", SQL)
def test_sql_and_polars_agree(name, written):
    asked = question("no-cervical", period("2024"), ids=[name], by=["county"])
    ours = compute(open_extract(written), asked).frame.select("county", "numerator", "denominator").rows()
    with duckdb.connect() as engine:
        engine.execute(VIEWS.format(written))
        theirs = engine.execute(SQL[name]).fetchall()
    assert sorted(ours) == sorted(theirs)
    assert sum(row[2] for row in ours) > 50


def test_what_was_written_is_what_was_in_memory(crowd, written):
    asked = question("no-cervical", period("2023-2024"), by=["year", "county"])
    kept = dataset(crowd, data_cut=date(2027, 1, 1))
    assert compute(open_extract(written), asked).frame.equals(compute(kept, asked).frame)


def test_a_dataset_of_no_bucket_is_empty():
    nothing = in_memory([], data_cut=date(2026, 1, 1))
    asked = question("no-cervical", period("2024"), by=["county"])
    assert compute(nothing, asked).frame.is_empty()
