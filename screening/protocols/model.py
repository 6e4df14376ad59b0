"""A clinical protocol, as the data a clinician wrote: who, when called, and what each finding leads to.

Loaded strictly by `load`; proved complete by `check`; applied by `decide`.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec

from screening.vocabulary import Cancer, EventKind, ObligationKind, Sex, Test

Fact = str
Word = str
Evidence = Literal[
    "specimen",
    "histology",
    "referred",
    "appointment_booked",
    "appointment_attended",
    "treated",
    "kit_dispatched",
]


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A length of civil time; months end on the last day of a shorter month."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def after(self, day: date) -> date:
        moved = add_months(day, 12 * self.years + self.months) if self.years or self.months else day
        return moved + timedelta(days=7 * self.weeks + self.days) if self.weeks or self.days else moved

    def before(self, day: date) -> date:
        return Span(years=-self.years, months=-self.months, weeks=-self.weeks, days=-self.days).after(day)


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later; 31 January + 1 month is the last of February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        return date(year, month + 1, monthrange(year, month + 1)[1])


def birthday(born: date, age: int) -> date:
    """The first day of being `age` years old; who is born on 29 February turns on 1 March in other years."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


class _Ruled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every rule carries: its id, where it is written, and whether somebody checked that."""

    id: str
    source: tuple[str, ...]
    verified: bool
    note: str = ""


class Population(_Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is in the target population: from the first day of `from_age` to the day before `before_age`."""

    sex: frozenset[Sex]
    from_age: int
    before_age: int


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings that the protocol treats alike. Groups are listed worst first: the worst group wins."""

    word: Word
    findings: frozenset[str]


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ages in completed years at the specimen, from `from_age` up to but not including `before_age`."""

    word: Word
    from_age: int
    before_age: int


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a finding leads. `stage` None: the person stays where they are and what is owed stays owed.

    `after` counts from the specimen (or treatment) date; None where the stage names its own limits.
    """

    stage: str | None = None
    after: Span | None = None
    reason: str = ""


class Row(_Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a decision table: any of the alternatives in `when` holds -> `then`.

    An alternative is `{fact: [words]}`; a fact it does not name may have any word.
    """

    when: tuple[dict[Fact, frozenset[Word]], ...]
    then: Action


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision table over a finite space of facts; exactly one row fits each combination."""

    facts: tuple[Fact, ...]
    rows: tuple[Row, ...]


class Owed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing owed in a stage. `within` counts from when it opened; None: due when the action's `after` ends."""

    kind: ObligationKind
    closed_by: frozenset[Evidence]
    to: str | None = None
    within: Span | None = None


class MissingLetter(_Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The letter that goes out when what is owed is still missing `after` its due date."""

    letter: str
    after: Span


class Stage(_Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place on the way. `owes` is worked off in order: the next opens when the one before closes.

    `ends` names the reason for which a person in this stage has left the programme for good.
    """

    name: str
    reason: str
    owes: tuple[Owed, ...] = ()
    missing: MissingLetter | None = None
    # findings of the specimen that opened the stage are weighed together with those of the next specimen
    remembers: bool = False
    ends: str | None = None


class Information(_Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The letter everybody gets at an age, whatever they did before; no longer opened from `until_age`."""

    at_age: int
    until_age: int
    letter: str


class Reminder(_Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`after` counts from the due date (first) or from the letter before (second, again)."""

    after: Span
    letter: str
    from_age: int = 0


class KitOffer(_Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A home-sampling kit by post to who had no sample for `without_sample`; `again` after the last kit."""

    available_from: date
    without_sample: Span
    again: Span
    letter: str
    replacement_letter: str
    reminder_after: Span
    reminder_letter: str


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How people are called: all spans after a due date or a letter."""

    information: Information
    reminder: Reminder
    second_reminder: Reminder
    again: Reminder
    kit: KitOffer | None = None
    result_letters: dict[Word, str] = {}


class InForce(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The period, half open, and the laboratory profiles, in which new episodes start under this version."""

    since: date
    until: date | None = None
    laboratories: frozenset[str]


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """One version of a programme's rules."""

    id: str
    family: str
    title: str
    country: str
    programme: Cancer
    default_laboratory: str
    in_force: InForce
    sources: dict[str, str]
    population: Population
    groups: dict[Test, tuple[Group, ...]]
    ages: tuple[Band, ...]
    call: Call
    stages: tuple[Stage, ...]
    specimen: Table
    histology: Table
    treatment: Table
    follow_up_closed: Row

    def rows(self) -> Sequence[Row]:
        return (*self.specimen.rows, *self.histology.rows, *self.treatment.rows, self.follow_up_closed)


class Family(msgspec.Struct, frozen=True):
    """All versions of one programme in one country, oldest first."""

    name: str
    versions: tuple["CompiledProtocol", ...]

    def version(self, on: date, laboratory: str | None) -> "CompiledProtocol":
        """The version under which an episode starts that day at a laboratory of that profile.

        A day before the first version is judged by the first: the oldest rules we hold.
        """
        fallback = self.versions[0]
        for candidate in self.versions:
            force = candidate.protocol.in_force
            wanted = laboratory or candidate.protocol.default_laboratory
            if force.since <= on and (force.until is None or on < force.until):
                if wanted in force.laboratories:
                    return candidate
                fallback = candidate
        return fallback


class CompiledProtocol(msgspec.Struct, frozen=True):
    """A protocol made ready for deciding: every combination of facts already looked up."""

    protocol: Protocol
    stages: Mapping[str, Stage]
    group_of: Mapping[Test, Mapping[str, int]]  # finding -> position in the groups, 0 worst
    specimen: Mapping[tuple[Word, ...], Row]
    histology: Mapping[tuple[Word, ...], Row]
    treatment: Mapping[tuple[Word, ...], Row]


LETTER_EVENTS: Mapping[ObligationKind, EventKind] = {
    ObligationKind.INVITE: EventKind.INVITED,
    ObligationKind.REMIND: EventKind.REMINDED,
    ObligationKind.DISPATCH_KIT: EventKind.KIT_DISPATCHED,
    ObligationKind.REPLACE_KIT: EventKind.KIT_DISPATCHED,
    ObligationKind.GIVE_RESULT: EventKind.RESULT_GIVEN,
    ObligationKind.FOLLOW_UP_LETTER: EventKind.FOLLOW_UP_LETTER_SENT,
}
