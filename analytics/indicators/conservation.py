"""Is anybody lost, is anything forgotten? Counts of what `decide` stored. Pure."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from analytics.extract.dataset import Dataset
from screening.vocabulary import ObligationState, Status

_NOT_DECIDED = "not_decided"  # the reason of a standing that the register's feed made and no rule has seen
OVERDUE_BANDS = ("up to 30 days", "31 to 90 days", "over 90 days")


@dataclass(frozen=True, slots=True)
class Conservation:
    """People and the statuses that were decided. `lost` must be 0: everybody has exactly one."""

    people: int
    by_status: dict[str, int]

    @property
    def lost(self) -> int:
        return self.people - sum(self.by_status.values())


def conservation(dataset: Dataset, programme: str) -> Conservation:
    """Everybody the register told of, by status at the data cut; who is not decided about yet has none."""
    people = sum(_height(bucket.persons) for bucket in dataset.buckets)
    decided = (pl.col("programme") == programme) & (pl.col("reason") != _NOT_DECIDED)
    standings = [bucket.standings.filter(decided) for bucket in dataset.buckets]
    counted = _collected(standings, "status")
    return Conservation(people, {status.value: counted.get((status.value,), 0) for status in Status})


def _height(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect().item())


def _collected(frames: list[pl.LazyFrame], *keys: str) -> dict[tuple[str, ...], int]:
    counts = pl.collect_all([frame.group_by(keys).agg(count=pl.len().cast(pl.Int64)) for frame in frames])
    if not counts:
        return {}
    summed = pl.concat(counts).group_by(keys).agg(pl.col("count").sum()).sort(keys)
    return {tuple(str(row[key]) for key in keys): int(row["count"]) for row in summed.iter_rows(named=True)}


def overdue(dataset: Dataset, programme: str, data_cut: date) -> pl.DataFrame:
    """Open obligations past their due date: `kind`, `band` (how long), `count`; one row per kind and band."""
    days = (pl.lit(data_cut) - pl.col("due_on")).dt.total_days()
    short, longer, long = (pl.lit(band) for band in OVERDUE_BANDS)
    band = pl.when(days <= 30).then(short).when(days <= 90).then(longer).otherwise(long)
    late = [
        bucket.obligations.filter(
            pl.col("programme") == programme,
            pl.col("state") == ObligationState.OPEN.value,
            pl.col("due_on") < data_cut,
        ).select("kind", band=band)
        for bucket in dataset.buckets
    ]
    counted = _collected(late, "kind", "band")
    rows = [{"kind": kind, "band": name, "count": count} for (kind, name), count in counted.items()]
    return pl.DataFrame(rows, schema={"kind": pl.String, "band": pl.String, "count": pl.Int64})
