"""How published numbers hang together: everything a reader may use to work out one from others.

A sum that holds in the true tables is one that a reader may suspect to hold, so it counts as known, whether
or not anybody says that it must.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from analytics.disclosure.cells import Cell, Cells, Place, What
from analytics.disclosure.left import Left, Span, span_of
from analytics.disclosure.moves import Equation
from analytics.disclosure.same import MADE_UP, SAME, Number
from analytics.disclosure.together import Names, Reading
from analytics.indicators.model import Stratum

_AGE = Stratum.AGE_GROUP.value
_AGES = re.compile(r"(?:(\d+)-(\d+))|<(\d+)|(\d+)\+|(\d+)")
_OLDEST = 1000


@dataclass(slots=True)
class Relations:
    """`number`: of each cell. `slack`: numbers beyond the cells that nobody publishes; numbered after them.

    `names`: the cells that tell another number than that of today, where sums of an earlier table are read.
    """

    number: Mapping[Cell, int]
    equations: list[Equation] = field(default_factory=list[Equation])
    slack: list[int] = field(default_factory=list[int])
    names: Names = field(default_factory=dict[Cell, Cell])

    def add(self, whole: Cell, parts: Sequence[Cell], *, shared: int = 0) -> None:
        """The parts make up the whole, but that `shared` is counted in several of them."""
        if self.names and self.names.keys().isdisjoint([whole, *parts]):
            return  # the same sum as today's
        equation = {self._numbered(part): 1 for part in parts} | {self._numbered(whole): -1}
        if shared:
            equation[len(self.number) + len(self.slack)] = -1
            self.slack.append(shared)
        self.equations.append(equation)

    def _numbered(self, cell: Cell) -> int:
        return self.number[self.names.get(cell, cell)]


def relations(numbers: Cells, read: Reading, left: Left) -> Relations:
    """All of them, over the numbers in their order; `left`: what they leave of each other."""
    found = Relations({cell: at for at, cell in enumerate(numbers)})
    for cell, (wide, *narrow) in left.items():
        found.add(wide, [*narrow, cell])
    for cells, names in read.tables:
        within = replace(found, names=names)
        _rests(cells, within)
        _margins(cells, within)
        _nested(cells, within, _by_period, overlapping=True)
        _nested(cells, within, _by_age, overlapping=False)
        _same(cells, within)
        _made_up(cells, within)
    return found


def _rests(cells: Cells, found: Relations) -> None:
    for cell in cells:
        if cell.what == What.REST:
            parts = [cell, Cell(cell.place, What.NUMERATOR)]
            found.add(Cell(cell.place, What.DENOMINATOR), parts)


def _margins(cells: Cells, found: Relations) -> None:
    """Over the words of one stratum numbers add up to those without it."""
    split: dict[tuple[Cell, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        for stratum in cell.place.strata:
            split[Cell(cell.place.without(stratum), cell.what), stratum].append(cell)
    for (whole, _), parts in split.items():
        if whole in cells and sum(cells[part] for part in parts) == cells[whole]:
            found.add(whole, parts)


Placed = Callable[[Place], tuple[Hashable, Span] | None]


def _by_period(place: Place) -> tuple[Hashable, Span]:
    return place._replace(period=""), span_of(place)


def _by_age(place: Place) -> tuple[Hashable, Span] | None:
    """Also between two definitions, whose age groups may be of other widths."""
    span = next((years(word) for stratum, word in place.words if stratum == _AGE), None)
    return None if span is None else (place.without(_AGE)._replace(definition=""), span)


def years(text: str) -> Span | None:
    """Ages as they are told: 25-29, <25, 70+, 50; None where the text tells none."""
    found = _AGES.fullmatch(text)
    if found is None:
        return None
    low, high, below, above, alone = (int(told) if told else None for told in found.groups())
    if low is not None and high is not None:
        return low, high + 1
    if below is not None:
        return 0, below
    return (above, _OLDEST) if above is not None else (alone or 0, (alone or 0) + 1)


def _nested(cells: Cells, found: Relations, placed: Placed, *, overlapping: bool) -> None:
    """A longer span and the shorter ones that cover it: years and their months, wide and narrow age groups.

    `overlapping`: who is counted in several months may be counted in the year but once.
    """
    together: dict[Hashable, dict[Span, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in cells:
        where = placed(cell.place)
        if where is not None:
            together[where[0], cell.what][where[1]].append(cell)
    for spans in together.values():
        for span, wholes in spans.items():
            parts = [spans[part][0] for part in covering(span, spans)]
            surplus = sum(cells[part] for part in parts) - cells[wholes[0]]
            if parts and (surplus == 0 or (overlapping and surplus > 0)):
                found.add(wholes[0], parts, shared=surplus)


def covering(whole: Span, spans: Iterable[Span]) -> list[Span]:
    """Consecutive spans, the longest inside, from one end to the other; none where they leave a gap."""
    inside = sorted(
        (s for s in spans if s != whole and whole[0] <= s[0] and s[1] <= whole[1]),
        key=lambda s: (s[0], s[0] - s[1]),
    )
    chosen: list[Span] = []
    at = whole[0]
    for span in inside:
        if span[0] == at:
            chosen.append(span)
            at = span[1]
    return chosen if at == whole[1] else []


def _same(cells: Cells, found: Relations) -> None:
    """Numbers that are told twice: the women tested are one indicator's numerator and another's denominator.

    Of those that are one by definition, and of one number by several definitions, two columns that agree in every row.
    """
    columns: dict[tuple[str, str, What, str, tuple[str, ...]], list[Cell]] = defaultdict(list)
    for cell in cells:
        place = cell.place
        columns[place.indicator, place.definition, cell.what, place.period, place.strata].append(cell)
    alike: dict[Hashable, list[list[Cell]]] = defaultdict(list)
    for (indicator, _, what, *where), column in columns.items():
        rows = sorted((cell.place.words, cells[cell], cell) for cell in column if cells[cell])
        seen = tuple((words, value) for words, value, _ in rows)
        own = Number(indicator, what)
        for group in [own, *(numbers for numbers in SAME if own in numbers)] if rows else []:
            alike[group, *where, seen].append([cell for *_, cell in rows])
    for same in alike.values():
        for one, other in pairwise(same):
            for this, that in zip(one, other, strict=True):
                found.add(this, [that])


def _made_up(cells: Cells, found: Relations) -> None:
    """Numbers that are the parts of another by definition."""
    at: dict[Hashable, dict[Number, Cell]] = defaultdict(dict)
    for cell in cells:
        at[cell.place.period, cell.place.words][Number(cell.place.indicator, cell.what)] = cell
    for there in at.values():
        for whole, parts in MADE_UP.items():
            told = [there[part] for part in parts if part in there]
            if (
                len(told) == len(parts)
                and whole in there
                and sum(cells[one] for one in told) == cells[there[whole]]
            ):
                found.add(there[whole], told)
