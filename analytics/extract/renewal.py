"""Carrying a dataset on: whether it can be, whom to read again, and putting their rows in place of the old."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from analytics.extract.dataset import MANIFEST, Manifest, Taken, bucket_path, read_manifest
from analytics.extract.schema import TABLES
from analytics.extract.shape import Frames, arranged
from screening.refusals import Refused

_MOSTLY = 4  # where more than one in so many changed, reading the whole bucket is quicker


@dataclass(frozen=True, slots=True)
class Part:
    """Bucket `number`, of the people with ids from `start` up to and without `end`.

    `people`: those of them who are read again; None: all.
    """

    number: int
    start: int
    end: int
    people: Sequence[int] | None = None

    @property
    def read(self) -> bool:
        """Whether anything of it is read at all."""
        return self.people is None or len(self.people) > 0


def held_there(directory: Path) -> Manifest | None:
    """What the dataset in that folder says of itself; None where there is none this program understands."""
    if not (directory / MANIFEST).exists():
        return None
    try:
        return read_manifest(directory)
    except Refused:
        return None


def why_in_full(held: Manifest | None, now: Taken, watermark: int) -> str:
    """Why the dataset there cannot be carried on, in words; empty where it can.

    `now`, `watermark`: as the dataset will be taken.
    """
    if held is None or held.taken is None:
        return "no dataset of this schema was there that was taken from a database"
    if held.taken.series != now.series:
        return "the dataset there was taken from another database"
    if held.taken.origin != now.origin or held.watermark > watermark:
        return "the database was restored, moved or taken over since: what was written since cannot be told apart"
    if now.known_on or held.taken.known_on:
        return "a dataset as known on another day is always read in full"
    if (held.taken.first, held.taken.span) != (now.first, now.span):
        return "people are dealt to buckets in another way"
    return ""


def parts(end: int, taken: Taken, changed: Sequence[int] | None, held: int) -> list[Part]:
    """Everybody with an id below `end`, bucket by bucket. `changed`: who must be read again of the `held` buckets."""
    starts = range(taken.first, end, taken.span)
    every = [Part(number, start, start + taken.span) for number, start in enumerate(starts)]
    if changed is None:
        return every
    by_bucket: list[list[int]] = [[] for _ in every]
    for person in changed:
        by_bucket[(person - taken.first) // taken.span].append(person)
    return [
        Part(part.number, part.start, part.end, people)
        if part.number < held and len(people) * _MOSTLY <= taken.span
        else part
        for part, people in zip(every, by_bucket, strict=True)
    ]


def renewed(held: Path, number: int, new: Frames, people: pl.Series) -> Frames:
    """The bucket held there with the rows of these people (pseudonyms) replaced by the new ones."""
    return {
        name: arranged(name, pl.concat([_without(bucket_path(held, name, number), people), new[name]]))
        for name in TABLES
    }


def _without(path: Path, people: pl.Series) -> pl.DataFrame:
    return pl.read_parquet(path).filter(~pl.col("person").is_in(people.implode()))
