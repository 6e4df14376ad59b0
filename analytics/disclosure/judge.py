"""What must be hidden of some tables: read together, and beside everything that was told before."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.disclosure.cells import Cell, What, cells_of, counts_of, groups_told, sensitive
from analytics.disclosure.left import Left, left_over
from analytics.disclosure.moves import System
from analytics.disclosure.policy import Measures, Rounding
from analytics.disclosure.protect import Sensitive, protect
from analytics.disclosure.relations import Relations, relations
from analytics.disclosure.together import Interval, Reading, Told, read_together
from analytics.indicators.engine import Results
from analytics.indicators.measures import Mean

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`cells`: every number there is; `hidden`: those that are not told; `sensitive`: why, as intervals to keep."""

    cells: Mapping[Cell, int]
    hidden: frozenset[Cell]
    sensitive: Mapping[Cell, Interval]

    @property
    def shown(self) -> frozenset[Cell]:
        """What a reader knows: what is published, and the rest where both others are."""
        open_ = frozenset(self.cells) - self.hidden
        return frozenset(cell for cell in open_ if cell.what != What.REST or _both_open(cell, open_))


def _both_open(cell: Cell, open_: Collection[Cell]) -> bool:
    return Cell(cell.place, What.NUMERATOR) in open_ and Cell(cell.place, What.DENOMINATOR) in open_


def judge(
    answers: Sequence[Results],
    measures: Measures,
    before: Sequence[Told] = (),
    *,
    closed: Collection[Cell] = (),
) -> Verdict:
    """What of these tables must be hidden, all of them read together and beside what was told before.

    `before`: the oldest first. `closed`: stays hidden, whatever could be told. Refuses where what was told before
    already tells a small number of these tables.
    """
    own = cells_of(answers)
    read = read_together(own, before, measures.small.below)
    left = left_over(read.numbers, read.known)
    left_of = {
        cell: read.numbers[a] - sum(read.numbers[b] for b in more) for cell, (a, *more) in left.items()
    }
    cells = {**read.numbers, **left_of}
    kept = _kept(cells, own, answers, measures, before)
    groups = dict(groups_told(own, measures.groups.below)) if measures.groups else {}
    _add(kept, {cell: (0, measures.small.below - 1) for cell in groups if cell not in kept})
    # what was hidden and changed by few since is hidden again: the one would tell the other
    shut = frozenset([*closed, *groups.values(), *(now for _, now in read.alike)])
    system = _System(cells, own, read, left, shut, frozenset(groups))
    return Verdict(own, system.hidden(kept, measures), kept)


def _kept(
    cells: Mapping[Cell, int],
    own: Mapping[Cell, int],
    answers: Sequence[Results],
    measures: Measures,
    before: Sequence[Told],
) -> dict[Cell, Interval]:
    """Every interval that must stay possible: of small numbers, of small changes, of what earlier ones protect."""
    people = {of.id: counts_of(of).people for one in answers for of in one.question.indicators}
    kept = sensitive(cells, people, measures.small.below)
    _add(kept, _totals_of_means(answers, own, measures.small.below))
    for one in before:
        names = one.numbers_of(cells)
        _add(kept, {names.get(cell, cell): span for cell, span in one.sensitive.items() if cell in one.cells})
        if measures.changes is not None and measures.rounding is None:
            _add(kept, _small_changes(own, one, people, measures.changes.below))
    return kept


def _add(kept: dict[Cell, Interval], more: Mapping[Cell, Interval]) -> None:
    for cell, (low, high) in more.items():
        held = kept.get(cell, (low, high))
        kept[cell] = min(low, held[0]), max(high, held[1])


def _small_changes(
    own: Mapping[Cell, int], one: Told, people: Mapping[str, frozenset[What]], below: int
) -> dict[Cell, Interval]:
    """Numbers that differ by few people from what was told of the same, whatever the reason."""
    earlier = {_whatever_defined(cell): one.cells[cell] for cell in one.shown}
    found: dict[Cell, Interval] = {}
    for cell, value in own.items():
        was = earlier.get(_whatever_defined(cell))
        if was is None or cell.what not in people[cell.place.indicator] or not 0 < abs(value - was) < below:
            continue
        found[cell] = (was + 1, was + below - 1) if value > was else (max(was - below + 1, 0), was - 1)
    return found


def _whatever_defined(cell: Cell) -> Cell:
    return cell._replace(place=cell.place._replace(definition=""))


def _totals_of_means(
    answers: Sequence[Results], cells: Mapping[Cell, int], below: int
) -> dict[Cell, Interval]:
    """A total over few people tells of them too: it must not be found to within what one of them may weigh."""
    means = {of.id for one in answers for of in one.question.indicators if isinstance(of.measure, Mean)}
    few = (
        Cell(place, What.NUMERATOR)
        for (place, what), value in cells.items()
        if place.indicator in means and what == What.DENOMINATOR and 0 < value < below
    )
    return {cell: (max(cells[cell] - below + 1, 0), cells[cell] + below - 1) for cell in few}


@dataclass(frozen=True, slots=True)
class _System:
    """All numbers in their order: of these tables, of earlier ones, and what they leave of each other."""

    cells: Mapping[Cell, int]
    own: Collection[Cell]
    read: Reading
    left: Left
    closed: Collection[Cell]
    groups: Collection[Cell]

    def hidden(self, kept: Mapping[Cell, Interval], measures: Measures) -> frozenset[Cell]:
        """A numerator goes with its denominator: its share would tell the denominator."""
        linked = relations(self.cells, self.read, self.left)
        wanted = [
            Sensitive(linked.number[cell], low, high, must=self._must(cell))
            for cell, (low, high) in kept.items()
            if not self._given_away(cell, measures)
        ]
        new = self._where(lambda cell: cell in self.own and cell not in self.read.known, linked)
        hidden = protect(self._told(linked, measures), wanted, new)
        found = {cell for at, cell in enumerate(self.cells) if hidden[at] and cell in self.own}
        without = {Cell(place, What.NUMERATOR) for place, what in found if what == What.DENOMINATOR}
        return frozenset(found | without)

    def _must(self, cell: Cell) -> bool:
        """What earlier tables tell together, no later one can take back; nor can all of a small group be made fewer
        where it is so for all groups.
        """
        ours = cell in self.own or any(of in self.own for of in self.left.get(cell, ()))
        return ours and cell not in self.groups

    def _given_away(self, cell: Cell, measures: Measures) -> bool:
        """Told exactly before, under another policy. The rest of two rounded numbers is not."""
        return cell in self.read.known and (measures.rounding is None or cell.what != What.REST)

    def _told(self, linked: Relations, measures: Measures) -> System:
        values = np.array([*self.cells.values(), *linked.slack], dtype=np.int64)
        below, above = _room(values, measures.rounding, measures.small.below)
        exact = self._where(lambda cell: cell in self.read.exactly, linked)
        return System(
            values=values,
            equations=linked.equations,
            shown=self._where(self._shown, linked),
            fixed=self._where(lambda cell: cell in self.read.known, linked),
            below=np.where(exact, 0, below),
            above=np.where(exact, 0, above),
            cost=np.array(
                [_cost(cell, value) for cell, value in self.cells.items()] + [1.0] * len(linked.slack)
            ),
        )

    def _shown(self, cell: Cell) -> bool:
        return cell in self.read.known or (cell in self.own and cell not in self.closed)

    def _where(self, published: Callable[[Cell], bool], linked: Relations) -> npt.NDArray[np.bool_]:
        """Rests, what is left, and slack stand in no table."""
        told = [cell.what not in (What.REST, What.LEFT) and published(cell) for cell in self.cells]
        return np.array(told + [False] * len(linked.slack))


def _cost(cell: Cell, value: int) -> float:
    """What is lost when it is hidden: totals are read most, and without a denominator the row is empty."""
    read = {0: 8.0, 1: 3.0}.get(len(cell.place.words), 1.0)
    return (1 + np.log1p(value)) * read * (3.0 if cell.what == What.DENOMINATOR else 1.0)


def _room(values: Numbers, rounding: Rounding | None, below: int) -> tuple[Numbers, Numbers]:
    """How far below and above a number the reader must reckon with, who knows that small ones are not shown."""
    if rounding is None:
        return np.zeros_like(values), np.zeros_like(values)
    told = rounded(values, rounding.base)
    low = told - rounding.base // 2
    high = told + (rounding.base - 1) // 2
    low = np.where(values >= below, np.maximum(low, below), values)
    high = np.where(values > 0, high, 0)
    return values - low, np.maximum(high - values, 0)


def rounded(values: Numbers, base: int) -> Numbers:
    """To the nearest multiple; halves up."""
    return (values + base // 2) // base * base
