"""A dataset as files that any process can read again. Pure."""

import io
from collections.abc import Iterator, Mapping

import msgspec
import polars as pl

from analytics.extract.dataset import Bucket, Dataset, Manifest
from analytics.extract.schema import TABLES


def files_of(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Name and content, one for each table and bucket."""
    for number, bucket in enumerate(dataset.buckets):
        for table in TABLES:
            written = io.BytesIO()
            getattr(bucket, table).collect().write_parquet(written, compression="zstd")
            yield _name(table, number), written.getvalue()


def dataset_of(manifest: Manifest, files: Mapping[str, bytes]) -> Dataset:
    """In memory; the same rows in the same buckets."""
    return Dataset(
        manifest,
        [
            Bucket(
                **{table: pl.read_parquet(io.BytesIO(files[_name(table, number)])).lazy() for table in TABLES}
            )
            for number in range(manifest.buckets)
        ],
    )


def _name(table: str, number: int) -> str:
    return f"{table}/{number:04}"


def manifest_of(told: object) -> Manifest:
    """As it was written."""
    return msgspec.convert(told, Manifest)
