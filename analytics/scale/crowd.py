"""The people of a bucket: who they are, where they live, when they leave."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import resources

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.places import counties
from analytics.scale.log import Days, People

PROGRAMMES = ("no-cervical", "no-breast", "no-colorectal")
FAR = 1 << 20  # a day that never comes


@dataclass
class Crowd:
    """The people of a bucket, one entry each, in the order of their pseudonyms."""

    persons: pl.Series
    born: Days
    female: npt.NDArray[np.bool_]
    municipality: pl.Series
    willing: npt.NDArray[np.float64]  # how readily each comes when called, from 0 to 1
    left: Days  # day of death or emigration; far in the future for most
    died: npt.NDArray[np.bool_]

    @cached_property
    def region(self) -> npt.NDArray[np.int64]:
        """The county as a number: by it laboratories and clinics are chosen."""
        return self.municipality.str.slice(0, 2).cast(pl.Int64).to_numpy()

    def places(self, kind: str, who: People) -> npt.NDArray[np.object_]:
        """Each one's clinic of that kind: there is one in every county."""
        named_ = {int(number): f"{kind} {name}" for number, name in counties().items()}
        return pl.Series(self.region[who]).replace_strict(named_, return_dtype=pl.String).to_numpy()

    def years_old(self, who: People, day: Days) -> npt.NDArray[np.float64]:
        return (day - self.born[who]) / 365.25

    def register(self) -> pl.DataFrame:
        born = pl.Series(self.born.astype(np.int32)).cast(pl.Date)
        sex = pl.Series(np.where(self.female, "female", "male"))
        return pl.DataFrame({"person": self.persons, "born": born, "sex": sex}).with_columns(
            pl.col("born").dt.month_start()
        )

    def homes(self, rng: np.random.Generator, years: tuple[date, date]) -> pl.DataFrame:
        """Everybody's municipality since birth; one in four moved once."""
        moved = np.flatnonzero(rng.random(len(self.born)) < 0.25)
        when = rng.integers(day_number(years[0]), day_number(years[1]), len(moved))
        moved, when = moved[when < self.left[moved]], when[when < self.left[moved]]
        until = self.left.copy()
        until[moved] = when
        second = self.municipality.gather(rng.permutation(len(self.born))[moved])
        spells = [
            self._spell(np.arange(len(self.born)), self.municipality, self.born, until),
            self._spell(moved, second, when, self.left[moved]),
        ]
        return pl.concat(spells)

    def _spell(self, who: People, where: pl.Series, since: Days, until: Days) -> pl.DataFrame:
        forever = until >= FAR
        ends = pl.Series(np.where(forever, 0, until).astype(np.int32)).cast(pl.Date)
        return pl.DataFrame(
            {
                "person": self.persons.gather(who),
                "municipality": where,
                "since": pl.Series(since.astype(np.int32)).cast(pl.Date),
                "until": pl.select(pl.when(~pl.Series(forever)).then(ends)).to_series(),
            }
        )

    def standings(self) -> pl.DataFrame:
        """Where everyone stands matters to no indicator: all wait, as they might."""
        frames = [
            pl.DataFrame({"person": self.persons}).with_columns(
                programme=pl.lit(programme), status=pl.lit("waiting"), reason=pl.lit(""), protocol=pl.lit("")
            )
            for programme in PROGRAMMES
        ]
        return pl.concat(frames)


def day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def crowd(rng: np.random.Generator, size: int, *, years: tuple[date, date], span: int, number: int) -> Crowd:
    """`size` people of bucket `number`, whose pseudonyms are one of `span` each bucket has."""
    counted = _population()
    weight = counted["persons"].to_numpy() / counted["persons"].sum()
    row = rng.choice(len(weight), size, p=weight)
    persons = pl.Series(np.sort(rng.choice(span, size, replace=False)) + number * span, dtype=pl.UInt32)
    age = counted["age"].to_numpy()[row]
    born = day_number(years[1]) - (age * 365.25 + rng.uniform(0, 365.25, size)).astype(np.int64)
    yearly = np.clip(0.0004 * np.exp(0.085 * (age - 30)), 0.0003, 0.3)  # death rises with age
    stays = rng.exponential(1 / (yearly + 0.004))
    left = day_number(years[0]) + (stays * 365.25).astype(np.int64)
    left = np.where((left < day_number(years[1])) & (left > born), left, FAR)
    return Crowd(
        persons=persons,
        born=born,
        female=counted["sex"].to_numpy()[row] == "female",
        municipality=counted["municipality"].gather(row),
        willing=rng.beta(3.0, 1.6, size),
        left=left,
        died=rng.random(size) < yearly / (yearly + 0.004),
    )


def _population() -> pl.DataFrame:
    file = resources.files("analytics.world").joinpath("norway_population.parquet")
    return pl.read_parquet(file.read_bytes()).filter(pl.col("year") == 2024)


def alive(crowd: Crowd, who: People, day: Days) -> tuple[People, Days]:
    here = day < crowd.left[who]
    return who[here], day[here]


def later(rng: np.random.Generator, day: Days, low: int, high: int) -> Days:
    return day + rng.integers(low, high, len(day))


def biennial_rounds(years: tuple[date, date]) -> int:
    return (years[1].year - years[0].year) // 2 + 1


def comes(
    rng: np.random.Generator, crowd: Crowd, who: People, factor: float | npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    return rng.random(len(who)) < np.clip(crowd.willing[who] * factor, 0, 0.98)


def named(prefix: str, numbers: npt.NDArray[np.int64]) -> pl.Series:
    return pl.select(pl.format(prefix + "{}", pl.Series(numbers))).to_series()
