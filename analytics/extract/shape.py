"""From rows as the database holds them to the tables of the dataset. Pure: frames in, frames out.

Rules, each applied once and here:
- an event that a later event supersedes is left out, and so is the withdrawal itself;
- evidence that was corrected is the correction: the obligation follows the chain to the event that stands;
- events, obligations and identities of merged people belong to the person who holds the record;
- residence ends with death or emigration, whichever the register told of first;
- an event or obligation is told of the person as she was that day: where she lived, how old she was.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from analytics.extract.schema import RESULT_ORDER, TABLES
from analytics.places import COUNTY, UNKNOWN, counties
from screening.vocabulary import EventKind, ObligationState, Test

Frames = dict[str, pl.DataFrame]
_TEST = TABLES["events"].schema["test"]

# A person's number and a day as one number that sorts by person, then day. Days are told from 1790.
DAYS, BEFORE_1970 = 1 << 17, 1 << 16


def key(day: str | pl.Expr = "date") -> pl.Expr:
    """Sorts and looks up by person and day at once, which no pair of columns does as fast."""
    on = pl.col(day) if isinstance(day, str) else day
    return pl.col("person").cast(pl.Int64) * DAYS + on.to_physical().cast(pl.Int64) + BEFORE_1970


def bucket_of(rows: Mapping[str, pl.DataFrame], names: pl.Series, *, known_on: date | None) -> Frames:
    """The tables of a bucket, from the rows of the people whose pseudonyms are `names`, in the order of `persons`."""
    people = rows["persons"].select("person_id", person=names)
    if known_on is not None:
        rows = known_by(rows, known_on)
    events = standing_events(rows["events"])
    owed = with_evidence(rows["obligations"], events, last_versions(corrections(rows["events"])))
    told = {**rows, "events": with_findings(events), "obligations": owed}
    return completed({name: frame.join(people, on="person_id") for name, frame in told.items()})


def known_by(rows: Mapping[str, pl.DataFrame], day: date) -> Frames:
    """The rows as known on that day: nothing that was recorded later, nothing closed by it.

    `still_open`, `standings`: decided again from what was known. Nobody is told of whom the register told
    later; its own tables are as they are.
    """
    events = rows["events"].filter(pl.col("recorded_on") <= day)
    arrived = pl.col("kind") == EventKind.REGISTERED.value
    later = rows["events"].filter(arrived).join(events.filter(arrived), on="person_id", how="anti")
    told = {name: frame.join(later, on="person_id", how="anti") for name, frame in rows.items()}
    owed = obligations_known_by(told["obligations"], rows["events"], told.pop("still_open"), day)
    return {**told, "events": events, "obligations": owed}


_OWED = ("person_id", "programme", "episode", "kind", "subject")


def obligations_known_by(
    owed: pl.DataFrame, events: pl.DataFrame, still_open: pl.DataFrame, day: date
) -> pl.DataFrame:
    """What was open by what was known that day, and what had been closed.

    Evidence that was corrected later is the version that stood that day. What was closed, and opened again
    since, is told by how it ended.
    """
    before = _versions_before(events, day)
    evidence = pl.col("closed_by").replace_strict(before, default=pl.col("closed_by"), return_dtype=pl.Int64)
    known = events.filter(pl.col("recorded_on") <= day)["id"]
    withdrawn = (pl.col("state") == ObligationState.WITHDRAWN.value) & (pl.col("closed_on") <= day)
    closed = (
        owed.join(still_open, on=_OWED, how="anti")
        .with_columns(closed_by=evidence)
        .filter(pl.col("closed_by").is_in(known.implode()) | withdrawn)
    )
    state = pl.lit(ObligationState.OPEN.value)
    return pl.concat([closed, still_open.with_columns(state=state)], how="diagonal")


def _versions_before(events: pl.DataFrame, day: date) -> dict[int, int]:
    """For each correction recorded after the day, the last version of that event recorded by then."""
    chain = events.filter(pl.col("supersedes").is_not_null())
    earlier = dict(chain.select("id", "supersedes").iter_rows())
    late = set(chain.filter(pl.col("recorded_on") > day)["id"])
    found: dict[int, int] = {}
    for event in late:
        version = event
        while version in late:
            version = earlier[version]
        found[event] = version
    return found


def corrections(events: pl.DataFrame) -> dict[int, int]:
    """For each corrected event the last one that corrects it."""
    chain = events.filter(pl.col("supersedes").is_not_null()).sort("id")
    return dict(chain.select("supersedes", "id").iter_rows())


def standing_events(events: pl.DataFrame) -> pl.DataFrame:
    """Events that no later one of the same person supersedes, without the withdrawals themselves."""
    corrected = events.select("person_id", id="supersedes").drop_nulls()
    standing = events
    if corrected.height:
        standing = events.join(corrected, on=["person_id", "id"], how="anti", maintain_order="left")
    return standing.filter(pl.col("kind") != EventKind.RESULT_WITHDRAWN.value)


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
    """The findings as sorted words, and the worst of them as `result`.

    There are few different ones among millions, and only those are read.
    """
    told = events.with_columns(_told=pl.col("findings").cast(pl.Categorical), test=pl.col("test").cast(_TEST))
    words = pl.col("_told").cast(pl.String).str.extract_all(r"[a-z0-9_]+").list.sort()
    different = told.select("test", "_told").unique().with_columns(words=words)
    read = different.with_columns(result=_worst(), findings=pl.col("words").list.join(" ")).drop("words")
    return (
        told.drop("findings")
        .join(read, on=["test", "_told"], how="left", nulls_equal=True, maintain_order="left")
        .drop("_told")
    )


def _worst() -> pl.Expr:
    """The worst finding by RESULT_ORDER; every HPV type is `positive`."""
    hpv = pl.col("words").list.eval(
        pl.when(pl.element().is_in(["negative", "invalid"])).then(pl.element()).otherwise(pl.lit("positive"))
    )
    by_test = [
        pl.when(pl.col("test") == test.value).then(
            _worst_of(hpv if test == Test.HPV else pl.col("words"), order)
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
    """Adds municipality, county, age, age_in_year and sex of the person on `day`; rows stay in their order."""
    who = np.searchsorted(persons["person"].to_numpy(), rows["person"].to_numpy())
    told = rows.with_columns(_born=persons["born"].gather(who), sex=persons["sex"].gather(who))
    since = residences.select(key("since")).to_series().to_numpy()
    place = np.searchsorted(since, rows.select(key(day)).to_series().to_numpy(), side="right") - 1
    homes = residences.select("municipality", "county", _until="until", _who="person")
    lived = homes[np.maximum(place, 0).tolist()] if homes.height else homes.clear(rows.height)
    there = (
        pl.Series(place >= 0)
        & (pl.col("_who") == pl.col("person"))
        & (pl.col("_until").is_null() | (pl.col(day) < pl.col("_until")))
    )
    born, on = pl.col("_born"), pl.col(day)
    return pl.concat([told, lived], how="horizontal").with_columns(
        municipality=_where(there, "municipality", pl.Categorical()),
        county=_where(there, "county", COUNTY),
        age=age(born, on),
        age_in_year=on.dt.year() - born.dt.year(),
    )


def _where(there: pl.Expr, place: str, dtype: pl.DataType) -> pl.Expr:
    unknown = pl.lit(UNKNOWN).cast(dtype)
    return pl.when(there.fill_null(value=False)).then(pl.col(place)).otherwise(unknown)


def age(born: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Completed years, counted from the first of the birth month.

    Months are widened first: polars keeps them in eight bits, where a product would wrap silently.
    """
    return (months(on) - months(born)) // 12


def months(day: pl.Expr) -> pl.Expr:
    """The month as a number that grows by one each month."""
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32)


def arranged(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns, types and order the schema documents. Ties are broken by every column in turn.

    Ties are few, so the whole is sorted by what the schema names, and only tied rows by the rest.
    """
    known = TABLES[table]
    chosen = frame.select([pl.col(c.name).cast(c.dtype) for c in known.columns])
    if table == "persons":
        return chosen.sort("person")
    first = chosen.sort(known.order, nulls_last=True, maintain_order=True)
    same = pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).shift(1)) for c in known.order)
    tied = first.select(same.fill_null(value=False)).to_series()
    if not tied.any():
        return first
    return _with_ties_broken(first, tied | tied.shift(-1, fill_value=False), known.order)


def _with_ties_broken(rows: pl.DataFrame, tied: pl.Series, order: Sequence[str]) -> pl.DataFrame:
    rest = [name for name in rows.columns if name not in order]
    numbered = rows.with_row_index("_at")
    sorted_ties = rows.filter(tied).sort([*order, *rest], nulls_last=True, maintain_order=True)
    places = numbered.filter(tied)["_at"]
    together = pl.concat([numbered.filter(~tied), sorted_ties.select(places.alias("_at"), pl.all())])
    return together.sort("_at").drop("_at")
