"""Which laboratories and units a programme's events name: nobody lists them beforehand. Pure."""

from collections.abc import Mapping, Sequence

import polars as pl

from analytics.extract.dataset import Dataset

OF_THE_DATA = ("lab", "unit")  # strata whose words are those that were seen
Seen = Mapping[str, Sequence[str]]  # such a stratum -> its words, in order


def words_seen(dataset: Dataset, programme: str) -> Seen:
    named = [
        bucket.events.filter(pl.col("programme") == programme).select(pl.col(OF_THE_DATA).cast(pl.String))
        for bucket in dataset.buckets
    ]
    none = pl.LazyFrame(schema=dict.fromkeys(OF_THE_DATA, pl.String))
    words = pl.concat([none, *(frame.unique() for frame in named)]).collect()
    return {name: words[name].drop_nulls().unique().sort().to_list() for name in OF_THE_DATA}
