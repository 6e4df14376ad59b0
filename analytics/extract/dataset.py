"""The dataset in memory or on disk: buckets of people, and what it was taken from."""

import json
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from analytics.extract.schema import TABLES, VERSION, dictionary, fingerprint
from screening.refusals import Refused

MANIFEST = "manifest.json"
DICTIONARY = "dictionary.md"


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a dataset was taken from a database.

    `series`: by which of the database's keys people were renamed. `origin`: which database it was, in which
    life of its server: only there the watermark means anything. `first`, `span`: bucket n holds the people
    whose ids begin at first + n * span. `known_on`: told as known on this day, which nothing can carry on.
    """

    series: str
    origin: str
    first: int
    span: int
    known_on: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dataset was taken from: enough to tell two apart and to take the next one.

    `data_cut`: the civil day as of which everything recorded is included. `words`: digest of the tables,
    columns and words it was written with. `watermark`: every transaction before this xid8 is included; what
    was written by it or later is read again next time. `taken`: whether, and where, the next may go on.
    """

    version: int
    words: str
    data_cut: date
    watermark: int
    buckets: int
    rows: Mapping[str, int]
    taken: Taken | None = None

    def written(self) -> str:
        return json.dumps(asdict(self) | {"data_cut": self.data_cut.isoformat()}, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Bucket:
    """All rows of some people: no person has rows in two buckets, so counts of buckets add up."""

    persons: pl.LazyFrame
    residences: pl.LazyFrame
    events: pl.LazyFrame
    obligations: pl.LazyFrame
    standings: pl.LazyFrame


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Dataset:
    """`folder`: where its buckets lie as files, so that another process can open them; None: in this one's memory."""

    manifest: Manifest
    buckets: Sequence[Bucket]
    folder: Path | None = None


def bucket_path(directory: Path, table: str, number: int) -> Path:
    return directory / table / f"bucket={number:04}" / "part.parquet"


def open_extract(directory: Path) -> Dataset:
    """The dataset written there; nothing is read until something is computed.

    Refuses a folder without a manifest and a dataset of another schema version.
    """
    manifest = read_manifest(directory)
    buckets = [
        Bucket(**{name: pl.scan_parquet(bucket_path(directory, name, number)) for name in TABLES})
        for number in range(manifest.buckets)
    ]
    return Dataset(manifest, buckets, directory)


def loaded(directory: Path) -> Dataset:
    """The dataset written there, read as a whole: what is counted stays what it is when the folder is replaced."""
    found = open_extract(directory)
    buckets = [
        Bucket(**{name: getattr(bucket, name).collect().lazy() for name in TABLES})
        for bucket in found.buckets
    ]
    return Dataset(found.manifest, buckets)


def in_memory(
    buckets: Sequence[Mapping[str, pl.DataFrame]], *, data_cut: date, watermark: int = 0
) -> Dataset:
    """A dataset that was never written."""
    rows = {name: sum(frames[name].height for frames in buckets) for name in TABLES}
    manifest = Manifest(VERSION, fingerprint(), data_cut, watermark, len(buckets), rows)
    return Dataset(manifest, [Bucket(**{name: frames[name].lazy() for name in TABLES}) for frames in buckets])


@contextmanager
def undisturbed(dataset: Dataset) -> Generator[None]:
    """Refuses where another dataset took the place of this one's files, before they are read or meanwhile: what they
    hold would be told as of the day of those that were there.
    """
    _refuse_another(dataset)
    yield
    _refuse_another(dataset)


def _refuse_another(dataset: Dataset) -> None:
    if dataset.folder is not None and read_manifest(dataset.folder) != dataset.manifest:
        message = f"{dataset.folder}: another dataset took its place; open it anew"
        raise Refused("dataset_replaced", message)


class Store:
    """A dataset being written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.buckets = 0
        self.rows = dict.fromkeys(TABLES, 0)

    def add(self, frames: Mapping[str, pl.DataFrame]) -> None:
        """Write one bucket: people no earlier bucket holds."""
        for name in TABLES:
            path = bucket_path(self.directory, name, self.buckets)
            path.parent.mkdir(parents=True)
            frames[name].write_parquet(path, compression="zstd", statistics=True)
            self.rows[name] += frames[name].height
        self.buckets += 1

    def keep(self, held: Path, number: int) -> None:
        """Take over a bucket of the dataset held there, in which nothing has changed, without reading it."""
        for name in TABLES:
            path = bucket_path(self.directory, name, self.buckets)
            path.parent.mkdir(parents=True)
            shutil.copy2(bucket_path(held, name, number), path)
            self.rows[name] += pl.scan_parquet(path).select(pl.len()).collect().item()
        self.buckets += 1

    def finish(self, data_cut: date, watermark: int = 0, taken: Taken | None = None) -> Manifest:
        """Write the manifest: from now on this is a dataset."""
        manifest = Manifest(VERSION, fingerprint(), data_cut, watermark, self.buckets, self.rows, taken)
        (self.directory / DICTIONARY).write_text(dictionary())
        (self.directory / MANIFEST).write_text(manifest.written())
        return manifest


@contextmanager
def replacing(directory: Path) -> Generator[Store]:
    """Write beside `directory`, and take its place only when the block ends without an error.

    Refuses a folder that holds something else than a dataset.
    """
    if directory.exists() and any(directory.iterdir()) and not (directory / MANIFEST).exists():
        raise Refused(
            "not_a_dataset", f"{directory} holds other files; name a new folder or one with {MANIFEST}"
        )
    new = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    yield Store(new)
    old = directory.with_name(f".{directory.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if directory.exists():
        directory.rename(old)
    new.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def read_manifest(directory: Path) -> Manifest:
    """What the dataset there was taken from; refuses as `open_extract` does."""
    path = directory / MANIFEST
    try:
        held: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        message = (
            f"{path}: no dataset here ({error.strerror}); write one with `screening extract {directory}`"
        )
        raise Refused("no_dataset", message) from error
    if held.get("version") != VERSION:
        message = f"{path}: schema version {held.get('version')}, expected {VERSION}; take the extract anew"
        raise Refused("other_schema_version", message, found=held.get("version"), expected=VERSION)
    if held["words"] != fingerprint():
        message = (
            f"{path}: written with other columns or words than this program knows; take the extract anew"
        )
        raise Refused("other_words", message, found=held["words"], expected=fingerprint())
    held["data_cut"] = date.fromisoformat(held["data_cut"])
    held["taken"] = Taken(**held["taken"]) if held["taken"] else None
    return Manifest(**held)
