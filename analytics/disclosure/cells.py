"""The numbers behind figures: whom they count, where they stand, and which of them are sensitive."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from analytics.indicators.describe import described
from analytics.indicators.engine import Results
from analytics.indicators.measures import Cumulative, Expected, Mean, Odds, Quantile, Rate, Standardised
from analytics.indicators.model import TIMES, Indicator

WEIGHTED = (Standardised, Expected, Cumulative)  # their figures tell of the ages or rounds they are made of
_TIMES = {stratum.value for stratum in TIMES}


class What(StrEnum):
    NUMERATOR = "numerator"
    DENOMINATOR = "denominator"
    REST = "rest"  # the denominator without the numerator: nobody publishes it, everybody can work it out
    LEFT = "left"  # of a wider number beside a narrower one inside it; nobody publishes it either


class Place(NamedTuple):
    """Where a number stands; `words` by the name of their stratum, in its order."""

    indicator: str
    definition: str
    period: str
    words: tuple[tuple[str, str], ...]

    def without(self, stratum: str) -> "Place":
        return self._replace(words=tuple(word for word in self.words if word[0] != stratum))

    @property
    def strata(self) -> tuple[str, ...]:
        return tuple(stratum for stratum, _ in self.words)


class Cell(NamedTuple):
    place: Place
    what: What


Cells = Mapping[Cell, int]


def definition_digest(of: Indicator) -> str:
    """Names everything that was fixed before it was counted: another rule, or another word, is another digest.

    What was published elsewhere, and which standards hold, does not change a number.
    """
    told = {name: said for name, said in described(of).items() if name not in ("published", "standards")}
    return sha256(msgspec.json.encode(told, order="deterministic")).hexdigest()[:16]


def strata_of(results: Results) -> list[str]:
    return [stratum.value for stratum in results.question.by if stratum.value not in _TIMES]


def places(results: Results) -> list[Place]:
    """The place of each row of the answer, in its order."""
    digests = {of.id: definition_digest(of) for of in results.question.indicators}
    strata = sorted(strata_of(results))
    columns = results.frame.select("id", "period", *strata).iter_rows()
    return [
        Place(name, digests[name], period, tuple(zip(strata, words, strict=True)))
        for name, period, *words in columns
    ]


def cells_of(answers: Iterable[Results]) -> dict[Cell, int]:
    """Every number of these answers, and the rest where numerator and rest are the denominator."""
    found: dict[Cell, int] = {}
    for results in answers:
        kinds = {of.id: counts_of(of) for of in results.question.indicators}
        numbers = results.frame.select("numerator", "denominator").iter_rows()
        for place, (numerator, denominator) in zip(places(results), numbers, strict=True):
            told = {What.NUMERATOR: numerator, What.DENOMINATOR: denominator}
            told[What.REST] = denominator - numerator
            found |= {Cell(place, what): told[what] for what in kinds[place.indicator].told}
    return _without_negative_rests(found)


def _without_negative_rests(found: dict[Cell, int]) -> dict[Cell, int]:
    """Where events are counted, and not people, there can be more of them than of whom."""
    odd = {cell.place[:2] for cell, value in found.items() if value < 0}
    return {
        cell: value for cell, value in found.items() if cell.what != What.REST or cell.place[:2] not in odd
    }


class Counts(NamedTuple):
    """`told`: the numbers there are; `people`: those of them that count people, or what belongs to one."""

    told: frozenset[What]
    people: frozenset[What]


_BOTH = frozenset({What.NUMERATOR, What.DENOMINATOR})
_ALL = _BOTH | {What.REST}


def counts_of(of: Indicator) -> Counts:
    match of.measure:
        case Rate() | Standardised(days=True) | Expected(days=True):
            return Counts(_BOTH, frozenset({What.NUMERATOR}))  # of time at risk
        case Odds() | Quantile() | Mean():
            return Counts(_BOTH, _BOTH)
        case _:
            return Counts(_ALL, _ALL)


def sensitive(cells: Cells, people: Mapping[str, frozenset[What]], below: int) -> dict[Cell, tuple[int, int]]:
    """The interval that must stay possible for each small number of people: all that is smaller than `below`."""
    return {
        cell: (1, below - 1)
        for cell, value in cells.items()
        if 0 < value < below
        and (cell.what == What.LEFT or cell.what in people.get(cell.place.indicator, _ALL))
    }


def groups_told(cells: Cells, of_fewer_than: int) -> Iterator[tuple[Cell, Cell]]:
    """Where all or none of so few people are counted, which tells of each of them: what is 0, and the numerator.

    Where it is so of a wider group, large enough to be told, that tells of the small one too.
    """
    for cell, value in cells.items():
        nobody = value == 0 and cell.what != What.DENOMINATOR and Cell(cell.place, What.REST) in cells
        if (
            nobody
            and 0 < _people(cells, cell) < of_fewer_than
            and not _wider_tells(cells, cell, of_fewer_than)
        ):
            yield cell, Cell(cell.place, What.NUMERATOR)


def _people(cells: Cells, cell: Cell) -> int:
    return cells[Cell(cell.place, What.DENOMINATOR)]


def _wider_tells(cells: Cells, cell: Cell, of_fewer_than: int) -> bool:
    wider = (Cell(cell.place.without(stratum), cell.what) for stratum in cell.place.strata)
    return any(
        cells.get(one) == 0
        and (_people(cells, one) >= of_fewer_than or _wider_tells(cells, one, of_fewer_than))
        for one in wider
    )
