"""What changes between two versions: in the rules, and for a person."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from screening.protocols.book import Book, book
from screening.protocols.decision import Decision, Obligation
from screening.protocols.family import CompiledProtocol

LISTED = 1000


class Change(msgspec.Struct, frozen=True):
    """One rule: `before` None where it is new, `after` None where it is gone."""

    rule: str
    section: str
    before: str | None
    after: str | None


def changed_rules(one: CompiledProtocol, other: CompiledProtocol) -> list[Change]:
    """Every rule, group and source that the second version states differently, in the words of the book."""
    before, after = _stated(book(one)), _stated(book(other))
    keys = [*before, *(key for key in after if key not in before)]
    sections = list(dict.fromkeys(section for section, _ in keys))
    keys.sort(key=lambda key: sections.index(key[0]))
    return [
        Change(key[1], key[0], before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
    ]


def _stated(made: Book) -> dict[tuple[str, str], str]:
    """(section, rule or first cells) -> the rest of the line."""
    found: dict[tuple[str, str], str] = {}
    for section in made.sections:
        if section.title == "Not verified":
            continue
        named = 2 if section.header[:1] == ("of",) else 1
        for row in section.rows:
            found[section.title, " ".join(row[:named])] = " | ".join(row[named:])
        if section.text and not section.rows:
            found[section.title, section.title.lower()] = section.text
    return found


class PersonChange(msgspec.Struct, frozen=True):
    """How one person's decision would differ. Obligations by kind; dates None where none."""

    person: int
    status_before: str
    status_after: str
    due_before: date | None
    due_after: date | None
    opened: tuple[str, ...]
    withdrawn: tuple[str, ...]


class PopulationDifference(msgspec.Struct, frozen=True):
    """Counts over everyone, and the first people, by their ids, whom anything would change.

    `statuses`: "before -> after". `due_earlier`, `due_later`: the next due date; `due_set`, `due_unset`: there
    was none before, or is none after. `opened`, `withdrawn`: people by the kind of obligation.
    """

    people: int = 0
    changed: int = 0
    statuses: dict[str, int] = {}
    due_earlier: int = 0
    due_later: int = 0
    due_set: int = 0
    due_unset: int = 0
    opened: dict[str, int] = {}
    withdrawn: dict[str, int] = {}
    listed: tuple[PersonChange, ...] = ()

    def __add__(self, other: "PopulationDifference") -> "PopulationDifference":
        listed = sorted((*self.listed, *other.listed), key=lambda one: one.person)
        return PopulationDifference(
            people=self.people + other.people,
            changed=self.changed + other.changed,
            statuses=_added(self.statuses, other.statuses),
            due_earlier=self.due_earlier + other.due_earlier,
            due_later=self.due_later + other.due_later,
            due_set=self.due_set + other.due_set,
            due_unset=self.due_unset + other.due_unset,
            opened=_added(self.opened, other.opened),
            withdrawn=_added(self.withdrawn, other.withdrawn),
            listed=tuple(listed),
        )

    def shortened(self, listed: int) -> "PopulationDifference":
        """The same counts, and no more people listed than that."""
        return msgspec.structs.replace(self, listed=self.listed[:listed])


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(one) + Counter(other)).items()))


def person_change(person: int, before: Decision, after: Decision) -> PersonChange | None:
    """None where status, due date and what is owed stay the same; which rule says so is no change for the person."""
    same = before.status == after.status and before.next_due_on == after.next_due_on
    if same and not before.obligations and not after.obligations:
        return None
    owed_before, owed_after = _owed(before.obligations), _owed(after.obligations)
    if same and owed_before == owed_after:
        return None
    return PersonChange(
        person=person,
        status_before=str(before.status),
        status_after=str(after.status),
        due_before=before.next_due_on,
        due_after=after.next_due_on,
        opened=tuple(sorted(kind for kind, _ in owed_after - owed_before)),
        withdrawn=tuple(sorted(kind for kind, _ in owed_before - owed_after)),
    )


def _owed(obligations: Iterable[Obligation]) -> set[tuple[str, date]]:
    return {(str(one.kind), one.due_on) for one in obligations}


def counted(people: int, changes: Sequence[PersonChange]) -> PopulationDifference:
    """The counts of `people` of whom these change."""
    dates = [(one.due_before, one.due_after) for one in changes]
    moved = [(before, after) for before, after in dates if before is not None and after is not None]
    return PopulationDifference(
        people=people,
        changed=len(changes),
        statuses=dict(
            Counter(
                f"{c.status_before} -> {c.status_after}" for c in changes if c.status_before != c.status_after
            )
        ),
        due_earlier=sum(after < before for before, after in moved),
        due_later=sum(after > before for before, after in moved),
        due_set=sum(before is None and after is not None for before, after in dates),
        due_unset=sum(before is not None and after is None for before, after in dates),
        opened=dict(Counter(kind for one in changes for kind in set(one.opened))),
        withdrawn=dict(Counter(kind for one in changes for kind in set(one.withdrawn))),
        listed=tuple(changes),
    )
