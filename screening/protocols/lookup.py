"""Decision tables made ready: a tree of questions that asks only for the facts that matter.

The tree grows where it is walked, so loading a protocol costs nothing for combinations that never occur;
`Lookup.combinations` walks all of it, which is how `check` proves a table complete.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from screening.protocols.facts import FACTS, MISSING, Memory, Teller
from screening.protocols.model import Fact, Protocol, ResultLetters, Row, Table, Word
from screening.refusals import Refused
from screening.vocabulary import Sample, Test

Known = dict[Fact, Word]
FACT_OF: Mapping[str, Fact] = {
    Test.HPV: "hpv_group", Test.CYTOLOGY: "cytology", Test.FIT: "fit", Test.CONSENSUS: "consensus",
    Test.COLONOSCOPY: "colonoscopy", Test.HISTOLOGY: "histology",
}  # fmt: skip


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """The row that fits, and the facts that were asked to find it."""

    row: Row
    facts: Known


class Alternative(NamedTuple):
    when: Mapping[Fact, frozenset[Word]]
    row: Row


class Combination(NamedTuple):
    """A part of the fact space that is decided alike: the facts that matter, and every row that fits them."""

    known: Known
    rows: Sequence[Row]


class Space:
    """Which combinations of facts can occur at all; tables need no row for those that cannot."""

    def __init__(self, protocol: Protocol, table: Table) -> None:
        self.words: dict[Fact, Sequence[Word]] = {
            fact: FACTS[fact].words(protocol) for fact in table.facts if fact in FACTS
        }
        self._shown = [fact for test in table.judges if (fact := FACT_OF.get(test, "")) in self.words]
        self._compares = {stage.name for stage in protocol.stages if stage.compares}
        positives = protocol.groups.get(Test.HPV, ())
        self._positive = {group.word for group in positives if group.positive}
        self._remembered = {
            stage.name: {
                fact: _remembered(protocol, table, stage.name, test)
                for test in stage.remembers
                if (fact := FACT_OF.get(test, "")) in self.words
            }
            for stage in protocol.stages
        }

    def possible(self, known: Known, fact: Fact) -> list[Word]:
        """The words a fact can still have where others are known."""
        return [word for word in self.words[fact] if self._can_be({**known, fact: word})]

    def _can_be(self, known: Known) -> bool:
        if self._shown and all(known.get(fact) == MISSING for fact in self._shown):
            return False  # news has at least one finding
        if (
            known.get("sample") == Sample.SELF
            and "cytology" in self.words
            and (known.get("cytology", MISSING) != MISSING or known.get("hpv_group") == MISSING)
        ):
            return (
                False  # a home sample is analysed for HPV only; with cytology the specimen is a clinician's
            )
        stage = known.get("stage")
        if stage is not None:
            for fact, words in self._remembered[stage].items():
                if fact in known and known[fact] not in words:
                    return False
        if known.get("persistence") != "same":
            return True
        return (stage is None or stage in self._compares) and known.get("hpv_group", "") in (
            *self._positive,
            "",
        )


def _remembered(protocol: Protocol, table: Table, stage: str, test: Test) -> frozenset[Word]:
    """What a test can show in a stage that remembers it: never better than what led there, where that was positive."""
    fact = FACT_OF[test]
    groups = protocol.groups[test]
    order = [group.word for group in groups]
    every = frozenset([*order, MISSING])
    entering: set[Word] = set()
    for row in protocol.rows():
        if row.then.stage == stage:
            if row not in table.rows:
                return every
            for when in row.when:
                entering |= when.get(fact, every)
    entering |= (
        {MISSING} if any(one.lapses and one.lapses.then.stage == stage for one in protocol.stages) else set()
    )
    if not entering or not entering <= {group.word for group in groups if group.positive}:
        return every
    return frozenset(order[: max(order.index(word) for word in entering) + 1])


class Branch(dict[Word, "Branch | Leaf"]):
    """One question; each answer is grown when it is first given."""

    __slots__ = ("alternatives", "fact", "known", "lookup", "tell")

    def __init__(
        self, lookup: "Lookup", fact: Fact, known: Known, alternatives: Sequence[Alternative]
    ) -> None:
        self.lookup = lookup
        self.fact = fact
        self.known = known
        self.alternatives = alternatives
        self.tell: Teller = lookup.tellers[fact]

    def __missing__(self, word: Word) -> "Branch | Leaf":
        grown = self.lookup.grow({**self.known, self.fact: word}, self.narrowed(word))
        self[word] = grown
        return grown

    def narrowed(self, word: Word) -> list[Alternative]:
        return [one for one in self.alternatives if word in one.when.get(self.fact, (word,))]


class Lookup:
    """A table of one protocol, ready to be asked."""

    def __init__(self, protocol: Protocol, name: str) -> None:
        self.protocol = protocol
        self.name = name
        self.table = protocol.tables[name]
        self.letters: ResultLetters | None = self.table.tells
        self.tellers = {fact: FACTS[fact].teller(protocol) for fact in self.table.facts}
        self.letter_word: Teller | None = FACTS[self.letters.fact].teller(protocol) if self.letters else None
        self.space = Space(protocol, self.table)
        self._root: Branch | Leaf | None = None

    def find(self, memory: Memory) -> Leaf:
        """The row for the news in hand. Never fails for a protocol that was checked."""
        node = self._root
        if node is None:
            node = self._root = self.grow({}, self.alternatives())
        while type(node) is Branch:
            node = node[node.tell(memory)]
        return node  # pyright: ignore[reportReturnType]  a Leaf, after the loop

    def alternatives(self) -> list[Alternative]:
        return [Alternative(when, row) for row in self.table.rows for when in row.when]

    def grow(self, known: Known, fitting: Sequence[Alternative]) -> "Branch | Leaf":
        fact = self._next_question(known, fitting)
        if fact is not None:
            return Branch(self, fact, known, fitting)
        rows = _rows(fitting)
        if len(rows) != 1:
            raise Refused(
                "protocol_incomplete",
                f"{self.protocol.id}: {len(rows)} rows of table {self.name} fit {known}; expected exactly one",
            )
        return Leaf(rows[0], known)

    def _next_question(self, known: Known, fitting: Sequence[Alternative]) -> Fact | None:
        """The first fact whose word would tell alternatives apart; None where nothing more matters."""
        if not fitting:
            return None
        restricting: list[Fact] = []
        free = False
        for alternative in fitting:
            facts = [
                fact
                for fact, words in alternative.when.items()
                if fact not in known and not words.issuperset(self.space.possible(known, fact))
            ]
            restricting += facts
            free = free or not facts
        if free and len(_rows(fitting)) == 1:
            return None
        return next((fact for fact in self.table.facts if fact in restricting), None)

    def combinations(self) -> Iterator[Combination]:
        """Every part of the fact space, with the rows that fit it: exactly one in a sound table."""
        yield from self._explore({}, self.alternatives())

    def _explore(self, known: Known, fitting: Sequence[Alternative]) -> Iterator[Combination]:
        fact = self._next_question(known, fitting)
        if fact is None:
            yield Combination(known, _rows(fitting))
            return
        for word in self.space.possible(known, fact):
            narrowed = [one for one in fitting if word in one.when.get(fact, (word,))]
            yield from self._explore({**known, fact: word}, narrowed)


def _rows(fitting: Sequence[Alternative]) -> list[Row]:
    return list({one.row.id: one.row for one in fitting}.values())
