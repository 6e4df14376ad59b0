"""From rows as the database holds them to the tables of the dataset. Pure: frames in, frames out.

Rules, each applied once and here:
- an event that a later event supersedes is left out, and so is the withdrawal itself;
- evidence that was corrected is the correction: the obligation follows the chain to the event that stands;
- events, obligations and identities of merged people belong to the person who holds the record;
- residence ends with death or emigration, whichever the register told of first;
- an event or obligation is told of the person as she was that day: where she lived, how old she was.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from analytics.extract.schema import RESULT_ORDER, TABLES
from analytics.places import COUNTY, UNKNOWN, counties
from screening.vocabulary import EventKind, Test

Frames = dict[str, pl.DataFrame]

# A person's number and a day as one number that sorts by person, then day. Days are told from 1790.
_DAYS, _BEFORE_1970 = 1 << 17, 1 << 16


def key(day: str | pl.Expr = "date") -> pl.Expr:
    """Sorts and looks up by person and day at once, which no pair of columns does as fast."""
    on = pl.col(day) if isinstance(day, str) else day
    return pl.col("person").cast(pl.Int64) * _DAYS + on.to_physical().cast(pl.Int64) + _BEFORE_1970


def standing_events(events: pl.DataFrame, corrected: pl.Series) -> pl.DataFrame:
    """Events that still stand; `corrected` holds the ids of all that a later one supersedes."""
    withdrawal = pl.col("kind") == EventKind.RESULT_WITHDRAWN.value
    return events.filter(~pl.col("id").is_in(corrected.implode()) & ~withdrawal)


def last_versions(corrections: Mapping[int, int]) -> dict[int, int]:
    """For each corrected event the one that stands at the end of its chain (event -> what supersedes it)."""
    last: dict[int, int] = {}
    for event in corrections:
        current = event
        while current in corrections:
            current = corrections[current]
        last[event] = current
    return last


def with_findings(events: pl.DataFrame) -> pl.DataFrame:
    """The findings as a sorted list, and the worst of them as `result`.

    There are few different ones among millions, and only those are read.
    """
    different = events.select("test", _told="findings").unique()
    words = pl.col("_told").str.extract_all(r"[a-z0-9_]+").list.sort()
    read = different.with_columns(findings=words).with_columns(result=_worst())
    told = events.rename({"findings": "_told"})
    return told.join(read, on=["test", "_told"], how="left", nulls_equal=True, maintain_order="left").drop(
        "_told"
    )


def _worst() -> pl.Expr:
    """The worst finding by RESULT_ORDER; every HPV type is `positive`."""
    hpv = pl.col("findings").list.eval(
        pl.when(pl.element().is_in(["negative", "invalid"])).then(pl.element()).otherwise(pl.lit("positive"))
    )
    by_test = [
        pl.when(pl.col("test") == test.value).then(
            _worst_of(hpv if test == Test.HPV else pl.col("findings"), order)
        )
        for test, order in RESULT_ORDER.items()
    ]
    return pl.coalesce(by_test)


def _worst_of(words: pl.Expr, order: Sequence[str]) -> pl.Expr:
    worst_first = [pl.when(words.list.contains(word)).then(pl.lit(word)) for word in reversed(order)]
    return pl.coalesce(worst_first)


def with_evidence(obligations: pl.DataFrame, events: pl.DataFrame, last: Mapping[int, int]) -> pl.DataFrame:
    """Each fulfilled obligation with kind and day of the event that fulfilled it, as it stands now."""
    current = pl.col("closed_by").replace(last) if last else pl.col("closed_by")
    evidence = events.select(pl.col("id").alias("closed_by"), evidence="kind", evidence_on="date")
    return obligations.with_columns(closed_by=current).join(evidence, on="closed_by", how="left")


def completed(frames: Mapping[str, pl.DataFrame]) -> Frames:
    """The tables of one bucket as the schema documents them, from rows that already carry `person`."""
    persons = arranged("persons", frames["persons"])
    residences = arranged("residences", _with_counties(frames["residences"].join(persons, on="person")))
    told_of = {"events": "date", "obligations": "due_on"}
    rest = {
        name: arranged(name, _as_on_the_day(frames[name], day, persons, residences))
        for name, day in told_of.items()
    }
    standings = arranged("standings", frames["standings"])
    return {"persons": persons, "residences": residences, **rest, "standings": standings}


def _with_counties(residences: pl.DataFrame) -> pl.DataFrame:
    first_two = pl.col("municipality").cast(pl.String).str.slice(0, 2)
    known = {number: number for number in counties()}
    return residences.with_columns(
        county=first_two.replace_strict(known, default=UNKNOWN, return_dtype=COUNTY)
    )


def _as_on_the_day(
    rows: pl.DataFrame, day: str, persons: pl.DataFrame, residences: pl.DataFrame
) -> pl.DataFrame:
    """Adds municipality, county, age, age_in_year and sex of the person on `day`."""
    told = rows.join(persons, on="person", how="left").with_columns(_key=key(day)).sort("_key")
    homes = residences.select("municipality", "county", "until", _who="person", _key=key("since"))
    found = told.join_asof(homes.sort("_key"), on="_key", strategy="backward")
    there = (pl.col("_who") == pl.col("person")) & (
        pl.col("until").is_null() | (pl.col(day) < pl.col("until"))
    )
    born, on = pl.col("born"), pl.col(day)
    return found.with_columns(
        municipality=_where(there, pl.col("municipality").cast(pl.String)),
        county=_where(there, pl.col("county").cast(pl.String)),
        age=age(born, on),
        age_in_year=on.dt.year() - born.dt.year(),
    )


def _where(there: pl.Expr, place: pl.Expr) -> pl.Expr:
    return pl.when(there).then(place).otherwise(pl.lit(UNKNOWN))


def age(born: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Completed years, counted from the first of the birth month.

    Months are widened first: polars keeps them in eight bits, where a product would wrap silently.
    """
    return (_months(on) - _months(born)) // 12


def _months(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def arranged(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns, types and order the schema documents. Ties are broken by every column in turn."""
    known = TABLES[table]
    rest = [c.name for c in known.columns if c.name not in known.order and not isinstance(c.dtype, pl.List)]
    chosen = frame.select([pl.col(c.name).cast(c.dtype) for c in known.columns])
    return chosen.sort([*known.order, *rest], nulls_last=True, maintain_order=True)
