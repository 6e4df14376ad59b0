"""A dataset as files that any process can read again. Pure."""

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec

from analytics.extract.dataset import MANIFEST, Dataset, Manifest, bucket_path
from analytics.extract.schema import TABLES

_NOWHERE = Path()


def files_of(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Where each file lies in the dataset's folder, and its content; one for each table and bucket."""
    for number, bucket in enumerate(dataset.buckets):
        for table in TABLES:
            written = io.BytesIO()
            getattr(bucket, table).collect().write_parquet(written, compression="zstd")
            yield str(bucket_path(_NOWHERE, table, number)), written.getvalue()


def put(folder: Path, name: str, content: bytes) -> None:
    """One of these files in its place."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def put_manifest(folder: Path, told: object) -> None:
    """As it was written; with it the folder holds a dataset."""
    (folder / MANIFEST).write_text(msgspec.convert(told, Manifest).written())
