"""The nation: people, where they live, and twenty years of three programmes, bucket by bucket."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from analytics.extract.dataset import Manifest, replacing
from analytics.extract.schema import TABLES
from analytics.extract.shape import Frames, completed, with_findings
from analytics.scale.bowel import colorectal
from analytics.scale.breast import breast
from analytics.scale.crowd import crowd, day_number
from analytics.scale.lives import cervical, leave
from analytics.scale.log import Log

_PER_BUCKET = 250_000
_BITS = 32


@dataclass(frozen=True, slots=True)
class Nation:
    """`people` persons with whatever befell them from `first` to the data cut; the same seed, the same nation."""

    people: int
    seed: int = 1
    first: date = date(2005, 1, 1)
    data_cut: date = date(2025, 1, 1)

    @property
    def buckets(self) -> int:
        return max(1, round(self.people / _PER_BUCKET))

    def bucket(self, number: int) -> Frames:
        """The tables of one bucket, as the schema documents them."""
        rng = np.random.default_rng([self.seed, number])
        years = (self.first, self.data_cut)
        people = crowd(
            rng, self.people // self.buckets, years=years, span=(1 << _BITS) // self.buckets, number=number
        )
        log = Log(people.persons, day_number(self.first), day_number(self.data_cut))
        leave(people, log)
        for live in (cervical, breast, colorectal):
            live(rng, people, log, years)
        events, owed = log.frames()
        frames = {
            "persons": people.register(),
            "residences": people.homes(rng, years),
            "events": with_findings(events),
            "obligations": owed.unique(["person", "programme", "episode", "kind", "subject"]),
            "standings": people.standings(),
        }
        return completed({name: _with_all_columns(name, frame) for name, frame in frames.items()})

    def frames(self) -> Generator[Frames]:
        for number in range(self.buckets):
            yield self.bucket(number)


def write(nation: Nation, directory: Path, progress: Callable[[int], object] = lambda _: None) -> Manifest:
    """The nation as an extract on disk."""
    with replacing(directory) as store:
        for frames in nation.frames():
            store.add(frames)
            progress(frames["events"].height)
        return store.finish(nation.data_cut, 0)


def _with_all_columns(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    placed = {"county", "age", "age_in_year", "result"}
    missing = [
        c
        for c in TABLES[name].columns
        if c.name not in frame.columns and c.name not in placed and _is_told(name, c.name)
    ]
    return frame.with_columns(**{c.name: pl.lit(None, c.dtype) for c in missing})


def _is_told(table: str, column: str) -> bool:
    """Columns that `completed` adds from the register."""
    return not (
        column in {"municipality", "born", "sex"} and table in {"residences", "events", "obligations"}
    )
