"""Which numbers lie inside others, found unit by unit: whoever is counted by the one is counted by the other there."""

from collections import defaultdict
from itertools import chain, permutations

import numpy as np

from analytics.disclosure.cells import What, counts_of
from analytics.disclosure.left import NESTED
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.facts import Facts
from analytics.indicators.measures import OUTCOME, Mean, Quantile, Waiting
from analytics.indicators.model import Stratum
from analytics.indicators.period import Periods
from analytics.indicators.strata import split

WORDS = {}  # of counties and ages, numbered as they come


def numbered(stratum, units, facts, of):
    found = split(stratum, units, facts, of)
    words = np.array([WORDS.setdefault(word, len(WORDS)) for word in found.words], dtype=np.int64)
    return words[found.codes] if len(units) else np.zeros(0, np.int64)


def counted(units, measure):
    if isinstance(measure, Waiting):
        day, end = np.divmod(units["bin"].to_numpy(), 4)
        return (end == OUTCOME) & (day <= measure.day)
    return np.ones(units.height) if isinstance(measure, Quantile) else units["counted"].to_numpy()


def numbers_of(of, facts, periods):
    """(indicator, what) -> where each person is counted (who, county, age), and how often."""
    units = of.counted(of.units(facts, of, periods), facts, of, periods)
    county, age = (numbered(one, units, facts, of) for one in (Stratum.COUNTY, Stratum.AGE_GROUP))
    place = (units["person"].to_numpy().astype(np.int64) * 1000 + county) * 1000 + age
    n = counted(units, of.measure).astype(np.int64)
    d = units["of"].to_numpy().astype(np.int64) if "of" in units.columns else np.ones_like(n)
    people = counts_of(of).people - ({What.NUMERATOR} if isinstance(of.measure, Mean) else set())
    each = {What.NUMERATOR: n, What.DENOMINATOR: d, What.REST: d - n}
    return {(of.id, what): (place, each[what]) for what in What if what in people}


class Nested:
    """What holds of all lives that were seen. `marks` add up as numbers do, and differ where any unit does."""

    def __init__(self, programme):
        self.programme, self.inside, self.draw = programme, None, np.random.default_rng(1)

    def see(self, dataset, when):
        periods = Periods(when, None)
        for bucket in dataset.buckets:
            offered = CATALOGUE[self.programme].values()
            facts = Facts(bucket, next(iter(offered)).programme, dataset.manifest.data_cut)
            self._see(dict(chain.from_iterable(numbers_of(of, facts, periods).items() for of in offered)))

    def _see(self, numbers):
        places = np.unique(np.concatenate([place for place, _ in numbers.values()]))
        table = np.zeros((len(numbers), len(places)), np.int64)
        for row, (place, often) in zip(table, numbers.values(), strict=True):
            np.add.at(row, np.searchsorted(places, place), often)
        inside = np.array([(table[:, one > 0] >= one[one > 0]).all(axis=1) for one in table])
        marks = table @ self.draw.integers(1, 1 << 40, len(places))
        if self.inside is None:
            self.names, self.inside, self.marks = list(numbers), inside, marks
        else:
            self.inside, self.marks = self.inside & inside, self.marks + marks

    def never(self):
        """Numbers in which nobody was ever counted."""
        return [name for name, mark in zip(self.names, self.marks, strict=True) if not mark]

    def one(self):
        """Numbers that are one number: of each unit the same."""
        alike = defaultdict(set)
        for name, mark in zip(self.names, self.marks, strict=True):
            alike[int(mark)].add(name)
        return {frozenset(names) for mark, names in alike.items() if mark and len(names) > 1}

    def sum_of(self, names):
        return sum(int(self.marks[self.names.index(name)]) for name in names)

    def beside(self):
        """(wide, narrow) with none between them, which differ by what no number and no chain tells."""
        first = {}
        for at, mark in enumerate(self.marks):
            first.setdefault(int(mark), at)
        alone = [at for mark, at in first.items() if mark]
        below = {(a, b) for a, b in permutations(alone, 2) if self.inside[a, b]}
        covers = [(a, b) for a, b in below if not any((a, c) in below and (c, b) in below for c in alone)]
        implied = self._implied()
        return sorted((self.names[b], self.names[a]) for a, b in covers if not implied(a, b))

    def _implied(self):
        """Whether a judge knows the difference as a number: by sums, by numbers that are the same, by chains."""
        at = {name: number for number, name in enumerate(self.names)}
        lefts = [(at[a], at[b]) for a, b in NESTED if a in at and b in at]
        marks = [*self.marks, *(self.marks[a] - self.marks[b] for a, b in lefts)]
        size = len(marks)
        rows = [equation(size, a, b, len(at) + number) for number, (a, b) in enumerate(lefts)]
        for (name, what), number in at.items():
            parts = [at.get((name, one)) for one in (What.NUMERATOR, What.REST)]
            if what == What.DENOMINATOR and None not in parts:
                rows.append(equation(size, number, *parts))
        same = {}
        for number, mark in enumerate(self.marks):
            rows.append(equation(size, number, same.setdefault(int(mark), number)))
        basis = np.linalg.svd(np.array(rows))
        known = basis.Vh[: int((basis.S > 1e-9).sum())]

        def implied(a, b):
            for c in np.flatnonzero(np.array(marks) == self.marks[b] - self.marks[a]):
                row = equation(size, b, a, int(c))
                if np.abs(row - row @ known.T @ known).max() < 1e-6:
                    return True
            return False

        return implied


def equation(size, whole, *parts):
    row = np.zeros(size)
    row[whole] += 1
    for part in parts:
        row[part] -= 1
    return row
