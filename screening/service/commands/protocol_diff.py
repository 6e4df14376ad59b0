"""`screening protocol diff A B [--population]`."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

import msgspec

from screening.protocols.difference import Change, PersonChange, PopulationDifference, changed_rules
from screening.protocols.family import Family
from screening.protocols.load import find_family, installed_families, load_families
from screening.rulebook.population import Question, compare_in_processes, refuse_different
from screening.rulebook.shelf import Shelf, text_of
from screening.service.console import bar, in_loop, print_json, print_line
from screening.service.opening import opened
from screening.service.settings import settings_from_environment


def run(asked: Namespace) -> int:
    one, other = _rules(asked.one), _rules(asked.other)
    refuse_different(one, other)
    changes = changed_rules(one.versions[-1], other.versions[-1])
    people = in_loop(_compare(asked, one, other)) if asked.population else None
    if asked.json:
        print_json({"rules": msgspec.to_builtins(changes), "population": msgspec.to_builtins(people)})
        return 0
    _show_rules(asked, changes)
    if people is not None:
        _show_population(people)
    return 0


def _rules(name: str) -> Family:
    """A version or family in use, or the one version that a file holds."""
    if not name.endswith((".yaml", ".yml")):
        return find_family(installed_families(), name)
    in_use = Shelf(settings_from_environment().protocols).files()
    (family,) = load_families({name: text_of(Path(name))}, bases=in_use).values()
    return family


async def _compare(asked: Namespace, one: Family, other: Family) -> PopulationDifference:
    async with opened() as installation:
        day: date = asked.as_of or installation.clock.today()
        with bar(None, "people") as shown:
            return await compare_in_processes(
                installation.database, installation.url, asked=Question(one, other, day, max(asked.list, 0)),
                processes=max(asked.processes, 1), progress=shown.update,
            )  # fmt: skip


def _show_rules(asked: Namespace, changes: Sequence[Change]) -> None:
    print_line(f"{asked.one} -> {asked.other}: {len(changes) or 'no'} differences in the book")
    for section, found in groupby(changes, key=lambda change: change.section):
        print_line(f"  {section}")
        for change in found:
            for mark, text in (("-", change.before), ("+", change.after)):
                if text is not None:
                    print_line(f"    {mark} {change.rule}: {text}")


def _show_population(told: PopulationDifference) -> None:
    print_line(f"{told.people:,} people decided by both: {told.changed:,} would change")
    _show_counts("status", told.statuses)
    due = {"earlier": told.due_earlier, "later": told.due_later, "set": told.due_set, "unset": told.due_unset}
    _show_counts("next due date", {name: count for name, count in due.items() if count})
    _show_counts("owed then and not now", told.opened)
    _show_counts("owed now and not then", told.withdrawn)
    for person in told.listed:
        print_line(f"  person {person.person}: {_told(person)}")
    if told.changed > len(told.listed):
        print_line(f"  … and {told.changed - len(told.listed):,} more; --list N lists more")


def _show_counts(what: str, counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        print_line(f"  {what}: {name.replace('_', ' ')} {count:,}")


def _told(one: PersonChange) -> str:
    before, after = (
        f"{status.replace('_', ' ')}, due {due or 'never'}"
        for status, due in ((one.status_before, one.due_before), (one.status_after, one.due_after))
    )
    owed = [f"+{kind}" for kind in one.opened] + [f"-{kind}" for kind in one.withdrawn]
    return f"{before} -> {after}" + (f"; {' '.join(owed)}" if owed else "")
