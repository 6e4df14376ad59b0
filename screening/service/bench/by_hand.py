"""Three indicators as a skilled hand would write them for this one question, in polars and in SQL.

They read the same Parquet as the catalogue and must give the same counts by county, age group and year. Chosen
are the heaviest of each programme that differ in kind: cover, follow-up of pictures, and time lived.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import polars as pl

COLUMNS = ("county", "age", "year", "numerator", "denominator")
Years = range
_SCREENED = ("negative", "positive")
_EPOCH = "1970-01-01"


def _table(folder: Path, name: str) -> pl.LazyFrame:
    return pl.scan_parquet(folder / name / "*" / "*.parquet")


def coverage(folder: Path, years: Years) -> pl.DataFrame:
    """Women 25-69 living here at the end of each year, and those with a test in the 5.5 years up to it."""
    events, homes = _table(folder, "events"), _table(folder, "residences").filter(pl.col("sex") == "female")
    given = pl.col("test").is_in(["hpv", "cytology"]) & pl.col("result").is_not_null()
    answered = (
        events.filter(pl.col("programme") == "no-cervical", given)
        .filter(~pl.col("result").is_in(["invalid", "unsatisfactory"]))
        .select("person", "date")
        .collect()
        .lazy()
    )
    return pl.concat([_covered(homes, answered, year) for year in years]).collect()


def _covered(homes: pl.LazyFrame, answered: pl.LazyFrame, year: int) -> pl.LazyFrame:
    day = date(year, 12, 31)
    age = (year * 12 + 12 - _months(pl.col("born"))) // 12
    there = homes.filter(pl.col("since") <= day, pl.col("until").is_null() | (pl.col("until") > day))
    women = there.select("person", "county", age=age).filter(pl.col("age").is_between(25, 69))
    tested = answered.filter(pl.col("date").is_between(date(year - 5, 7, 1), day)).select("person").unique()
    counted = women.join(tested.with_columns(seen=pl.lit(1)), on="person", how="left")
    sums = {"numerator": pl.col("seen").sum().cast(pl.Int64), "denominator": pl.len().cast(pl.Int64)}
    return counted.group_by("county", age=pl.col("age") // 5 * 5).agg(**sums).select(
        pl.col("county").cast(pl.String), "age", pl.lit(year).alias("year"), "numerator", "denominator"
    )  # fmt: skip


def _months(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def recall(folder: Path, years: Years) -> pl.DataFrame:
    """Mammograms of women 50-69, and those recalled: by consensus, or else referred or seen within 90 days."""
    events = _table(folder, "events").filter(pl.col("programme") == "no-breast")
    taken = (
        events.filter(pl.col("test") == "mammography", pl.col("result").is_not_null())
        .filter(pl.col("date").dt.year().is_between(years[0], years[-1]))
        .select("person", "date", "county", age="age_in_year")
        .unique(["person", "date"], keep="any")
        .collect()
        .lazy()
    )
    agreed = events.filter(pl.col("test") == "consensus").select("person", on="date", said="result")
    sent = events.filter(
        pl.col("kind").is_in(["referred", "appointment_attended"]), pl.col("to") == "breast_assessment"
    )
    said = _following(taken, agreed, 60).group_by("person", "date").agg(pl.col("said").sort_by("on").first())
    seen = _following(taken, sent.select("person", on="date"), 90).select("person", "date").unique()
    told = taken.join(said, on=["person", "date"], how="left").join(
        seen.with_columns(seen=pl.lit(value=True)), on=["person", "date"], how="left"
    )
    recalled = pl.when(pl.col("said").is_null()).then("seen").otherwise(pl.col("said") == "recall")
    fifty_to_69 = told.filter(pl.col("age").is_between(50, 69))
    return (
        fifty_to_69.group_by(
            pl.col("county").cast(pl.String),
            pl.col("age").cast(pl.Int32) // 5 * 5,
            year=pl.col("date").dt.year(),
        )
        .agg(numerator=recalled.sum().cast(pl.Int64), denominator=pl.len().cast(pl.Int64))
        .select(COLUMNS)
        .collect()
    )


def _following(taken: pl.LazyFrame, outcomes: pl.LazyFrame, days: int) -> pl.LazyFrame:
    waited = pl.col("on") - pl.col("date")
    return taken.join(outcomes, on="person").filter(waited.is_between(pl.duration(), pl.duration(days=days)))


def incidence(folder: Path, years: Years) -> pl.DataFrame:
    """Days lived here in each year by age in its middle, and first cancers of the bowel at their day."""
    homes = _table(folder, "residences")
    lived = pl.concat([_lived(homes, year) for year in years])
    events = _table(folder, "events").filter(pl.col("programme") == "no-colorectal")
    seen = pl.col("test").is_in(["colonoscopy", "histology"]) & (pl.col("result") == "cancer")
    code = pl.col("code").cast(pl.String)
    reported = (pl.col("kind") == "diagnosed") & code.str.contains("^(C18|C19|C20|cancer$)")
    first = (
        events.filter(seen | reported)
        .sort("person", "date")
        .group_by("person", maintain_order=True)
        .agg(pl.col("date", "county", "age").first())
        .filter(pl.col("date").dt.year().is_between(years[0], years[-1]))
        .group_by("county", "age", year=pl.col("date").dt.year())
        .agg(numerator=pl.len().cast(pl.Int64), denominator=pl.lit(0, pl.Int64))
    )
    both = pl.concat([lived, first.select(lived.collect_schema().names())], how="vertical_relaxed")
    sums = pl.col("numerator", "denominator").sum()
    return (
        both.group_by(pl.col("county").cast(pl.String), pl.col("age").cast(pl.Int32), "year")
        .agg(sums)
        .collect()
    )


def _lived(homes: pl.LazyFrame, year: int) -> pl.LazyFrame:
    start, end = date(year, 1, 1), date(year + 1, 1, 1)
    middle = start + (end - start) / 2
    last = pl.min_horizontal(pl.col("until").fill_null(end), pl.lit(end))
    days = (last - pl.max_horizontal("since", pl.lit(start))).dt.total_days()
    age = (middle.year * 12 + middle.month - _months(pl.col("born"))) // 12
    return (
        homes.select("county", age=age, days=days)
        .filter(pl.col("days") > 0, pl.col("age").is_between(0, 109))
        .group_by("county", "age")
        .agg(numerator=pl.lit(0, pl.Int64), denominator=pl.col("days").sum())
        .with_columns(year=pl.lit(year))
        .select("county", "age", "year", "numerator", "denominator")
    )


POLARS: Mapping[str, Callable[[Path, Years], pl.DataFrame]] = {
    "test_coverage": coverage,
    "assessment_referral_rate": recall,
    "cancer_incidence": incidence,
}

# {events}, {residences}: the Parquet; {first}, {last}: years.
SQL: Mapping[str, str] = {
    "test_coverage": """
with years as (select unnest(range({first}, {last} + 1)) as year),
answered as (
    select person, date from {events} where programme = 'no-cervical' and test in ('hpv', 'cytology')
       and result is not null and result not in ('invalid', 'unsatisfactory')),
women as (
    select y.year, h.person, h.county, (y.year * 12 + 12 - year(born) * 12 - month(born)) // 12 as age
      from {residences} h, years y
     where sex = 'female' and since <= make_date(y.year, 12, 31) and (until is null or until > make_date(y.year, 12, 31))),
tested as (
    select distinct y.year, a.person from answered a join years y
        on a.date between make_date(y.year - 5, 7, 1) and make_date(y.year, 12, 31))
select county, age // 5 * 5 as age, year, count(t.person) as numerator, count(*) as denominator
  from women w left join tested t using (year, person) where age between 25 and 69 group by all
""",
    "assessment_referral_rate": """
with taken as (
    select person, date, any_value(county) as county, any_value(age_in_year) as age from {events}
     where programme = 'no-breast' and test = 'mammography' and result is not null
       and year(date) between {first} and {last} group by person, date),
said as (
    select t.person, t.date, arg_min(e.result, e.date) as said from taken t join {events} e on e.person = t.person
       and e.date between t.date and t.date + 60 where e.programme = 'no-breast' and e.test = 'consensus' group by all),
seen as (
    select distinct t.person, t.date from taken t join {events} e on e.person = t.person
       and e.date between t.date and t.date + 90
     where e.programme = 'no-breast' and e.kind in ('referred', 'appointment_attended') and e."to" = 'breast_assessment')
select county, age // 5 * 5 as age, year(t.date) as year,
       count(*) filter (coalesce(s.said = 'recall', n.person is not null)) as numerator, count(*) as denominator
  from taken t left join said s using (person, date) left join seen n using (person, date)
 where age between 50 and 69 group by all
""",
    "cancer_incidence": """
with years as (select unnest(range({first}, {last} + 1)) as year),
spans as (
    select year, make_date(year, 1, 1) as first, make_date(year + 1, 1, 1) as after,
           first + ((after - first) // 2)::int as middle from years),
lived as (
    select county, floor(((year(middle) - year(born)) * 12 + month(middle) - month(born)) / 12)::int as age, year, 0 as ill,
           datediff('day', greatest(since, first), least(coalesce(until, after), after)) as days
      from {residences}, spans where since < after and (until is null or until > first)),
first_ill as (
    select arg_min(county, date) as county, arg_min(age, date) as age, min(date) as date from {events}
     where programme = 'no-colorectal' and ((test in ('colonoscopy', 'histology') and result = 'cancer')
        or (kind = 'diagnosed' and regexp_matches(code, '^(C18|C19|C20|cancer$)'))) group by person)
select county, age, year, sum(ill)::bigint as numerator, sum(days)::bigint as denominator
  from (select * from lived where days > 0 and age between 0 and 109
        union all select county, age, year(date), 1, 0 from first_ill where year(date) between {first} and {last})
 group by all
""",
}


def in_sql(name: str, folder: Path, years: Years) -> pl.DataFrame:
    """What DuckDB makes of it. Refuses nothing: who has no DuckDB sees the import fail."""
    import duckdb  # noqa: PLC0415  a tool of development, not needed to run a programme

    tables = {table: f"read_parquet('{folder}/{table}/*/*.parquet')" for table in ("events", "residences")}
    with duckdb.connect() as engine:
        found = engine.execute(SQL[name].format(first=years[0], last=years[-1], **tables))
        return pl.DataFrame(found.fetchall(), schema=list(COLUMNS), orient="row")
