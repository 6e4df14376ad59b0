"""By what counts are split: for each stratum a small number per unit, and the words that the numbers stand for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.indicators.facts import Facts
from analytics.indicators.history import ATTENDANCE, ROUNDS, SCREENS, attendance_of, round_of, screen_of
from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.programmes import Ages
from analytics.places import UNKNOWN, counties, municipalities
from screening.vocabulary import Sex

_OLDEST = 200


@dataclass(frozen=True, slots=True)
class Split:
    """`codes` of the units, each the place of its word in `words`."""

    name: str
    codes: npt.NDArray[np.int32] | npt.NDArray[np.int64]
    words: Sequence[str]


def split(stratum: Stratum, units: pl.DataFrame, facts: Facts, of: Indicator) -> Split:
    """How the units fall to that stratum."""
    codes, words = _SPLITS.get(stratum, _by_column(stratum))(units, facts, of)
    return Split(stratum.value, codes.to_numpy(), words)


Coded = tuple[pl.Series, Sequence[str]]


def _county(units: pl.DataFrame, _facts: Facts, _of: Indicator) -> Coded:
    return units["county"].to_physical(), [*counties().values(), UNKNOWN]


def _age_group(units: pl.DataFrame, _facts: Facts, of: Indicator) -> Coded:
    return group_of(units[of.ages.column], of.ages), of.ages.labels


def group_of(age: pl.Series, ages: Ages) -> pl.Series:
    """The place in `ages.labels`, looked up in a table of every age there can be."""
    place = np.searchsorted(np.array(ages.limits), np.arange(_OLDEST), side="right")
    table = place if ages.others else place - 1
    return pl.Series(table.take(age.to_numpy(), mode="clip"))


def _sex(units: pl.DataFrame, _facts: Facts, _of: Indicator) -> Coded:
    return units["sex"].to_physical(), [str(sex) for sex in Sex]


def _municipality(units: pl.DataFrame, facts: Facts, of: Indicator) -> Coded:
    codes, numbers = _by_column(Stratum.MUNICIPALITY)(units, facts, of)
    return codes, [municipalities().get(number, number) for number in numbers]


def _round(units: pl.DataFrame, facts: Facts, _of: Indicator) -> Coded:
    words = [str(number) for number in range(1, ROUNDS)]
    return round_of(units, facts) - 1, [*words, f"{ROUNDS}+"]


def _screen(units: pl.DataFrame, facts: Facts, _of: Indicator) -> Coded:
    return screen_of(units, facts), SCREENS


def _attendance(units: pl.DataFrame, facts: Facts, _of: Indicator) -> Coded:
    return attendance_of(units, facts), ATTENDANCE


def _by_column(stratum: Stratum) -> Callable[[pl.DataFrame, Facts, Indicator], Coded]:
    """By whatever words the column holds."""

    def coded(units: pl.DataFrame, _facts: Facts, _of: Indicator) -> Coded:
        told = units[stratum.value].cast(pl.String).fill_null(UNKNOWN)
        words = told.unique().sort().to_list()
        return told.cast(pl.Enum(words)).to_physical(), words

    return coded


_SPLITS: Mapping[Stratum, Callable[[pl.DataFrame, Facts, Indicator], Coded]] = {
    Stratum.COUNTY: _county,
    Stratum.MUNICIPALITY: _municipality,
    Stratum.AGE_GROUP: _age_group,
    Stratum.SEX: _sex,
    Stratum.ROUND: _round,
    Stratum.SCREEN: _screen,
    Stratum.ATTENDANCE: _attendance,
}
