"""From rows as the database holds them to the tables of the dataset. Pure: frames in, frames out.

Rules, each applied once and here:
- an event that a later event supersedes is left out, and so is the withdrawal itself;
- evidence that was corrected is the correction: the obligation follows the chain to the event that stands;
- events, obligations and identities of merged people belong to the person who holds the record;
- residence ends with death or emigration, whichever the register told of first.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from analytics.extract.schema import RESULT_ORDER, TABLES, UNKNOWN
from screening.vocabulary import EventKind, Test


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
    """The findings as a sorted list, and the worst of them as `result`."""
    words = pl.col("findings").str.extract_all(r"[a-z0-9_]+").list.sort()
    return events.with_columns(findings=words).with_columns(result=_worst())


def _worst() -> pl.Expr:
    """The worst finding by RESULT_ORDER; every HPV type is `positive`."""
    hpv = pl.col("findings").list.eval(
        pl.when(pl.element().is_in(["negative", "invalid"])).then(pl.element()).otherwise(pl.lit("positive"))
    )
    return (
        pl.when(pl.col("test") == Test.HPV.value)
        .then(_worst_of(hpv, RESULT_ORDER["hpv"]))
        .when(pl.col("test") == Test.CYTOLOGY.value)
        .then(_worst_of(pl.col("findings"), RESULT_ORDER["cytology"]))
        .when(pl.col("test") == Test.HISTOLOGY.value)
        .then(_worst_of(pl.col("findings"), RESULT_ORDER["histology"]))
    )


def _worst_of(words: pl.Expr, order: Sequence[str]) -> pl.Expr:
    worst_first = [pl.when(words.list.contains(word)).then(pl.lit(word)) for word in reversed(order)]
    return pl.coalesce(worst_first)


def with_evidence(obligations: pl.DataFrame, events: pl.DataFrame, last: Mapping[int, int]) -> pl.DataFrame:
    """Each fulfilled obligation with kind and day of the event that fulfilled it, as it stands now."""
    current = pl.col("closed_by").replace(last) if last else pl.col("closed_by")
    evidence = events.select(pl.col("id").alias("closed_by"), evidence="kind", evidence_on="date")
    return obligations.with_columns(closed_by=current).join(evidence, on="closed_by", how="left")


def with_counties(residences: pl.DataFrame) -> pl.DataFrame:
    county = pl.col("municipality").str.slice(0, 2)
    return residences.with_columns(
        county=pl.when(county.str.len_chars() == 2).then(county).otherwise(pl.lit(UNKNOWN))
    )


def arranged(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Exactly the columns, types and order the schema documents. Ties are broken by every column in turn."""
    known = TABLES[table]
    rest = [c.name for c in known.columns if c.name not in known.order and not isinstance(c.dtype, pl.List)]
    chosen = frame.select([pl.col(c.name).cast(c.dtype) for c in known.columns])
    return chosen.sort([*known.order, *rest], nulls_last=True, maintain_order=True)
