"""A clinical protocol, as the data a clinician wrote: who, when called, and what each finding leads to.

A programme is, in this order:

    population    who belongs: sex, from which day of life to which, birth-year cohorts by area and round
    call          what goes out to who is in no follow-up: letters at an age, then steps counted from the
                  due date (invite, kit, remind), and when the steps begin again; or fixed ages
    groups        findings treated alike, worst first; a dated cut-off makes a finding of a number
    tables        what news leads to: one row for each combination of named facts, first judged by the
                  version in force when the episode started
    stages        where a person can be, what is owed there in order, what closes it, how long it can last

Conditions are only *fact in set of words*; a number is banded into a word first, and whatever needs a
calculation is a named fact (`facts`). So the space of facts is finite, `check` walks all of it, and a new
country is a new file. Loaded strictly by `load`; applied by `decide`; printed by `book`.

Where a person is: in a stage. The stage `call` is routine call and recall; a stage that `ends` has left the
programme for good; a stage that `defers` waits for its lapse; every other stage is follow-up. News of the
kinds a table judges picks a row; the row's action names the next stage, or none: then the news changes
nothing and what is owed stays owed.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

from screening.protocols.spans import AgeLimit, Span, birthday
from screening.vocabulary import (
    Cancer,
    Destination,
    EventKind,
    ObligationKind,
    OptOutScope,
    Sample,
    Sex,
    Test,
)

Fact = str
Word = str
CALL = "call"


class Ruled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every rule carries: its id, where it is written, and whether somebody checked that."""

    id: str
    source: tuple[str, ...]
    verified: bool
    note: str = ""


class Cohort(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who an area invites: the years of birth of the round that began on `began`, later by `round_years` each round.

    `areas`: how the municipality numbers of the area begin ("42", or "3401").
    """

    areas: tuple[str, ...]
    began: date
    born_from: int
    born_to: int
    round_years: int = 2

    def window(self, born: date) -> tuple[date, date]:
        """From the first day of the first round that has this year of birth to that of the first without it."""
        first = -((self.born_to - born.year) // self.round_years)
        last = (born.year - self.born_from) // self.round_years + 1
        return self.round_start(first), self.round_start(last)

    def round_start(self, number: int) -> date:
        return birthday(self.began, number * self.round_years)


class Population(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is in the target population: from the day `enters` to the day before `leaves`.

    `enrolment`: who asked to be included belongs whatever sex the register gives.
    """

    sex: frozenset[Sex]
    enters: AgeLimit
    leaves: AgeLimit
    born_since: date | None = None
    cohorts: tuple[Cohort, ...] = ()
    enrolment: bool = False

    def window(self, born: date, municipality: str) -> tuple[date, date]:
        """First day in the population, and first day no longer, for who lives in that municipality."""
        for cohort in self.cohorts:
            if municipality.startswith(cohort.areas):
                return cohort.window(born)
        return self.enters.day(born), self.leaves.day(born)


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings that the protocol treats alike. Groups are listed worst first: the worst group wins.

    `positive`: such a finding is remembered through the episode, and counts as abnormal ever after.
    """

    word: Word
    findings: tuple[str, ...]
    positive: bool = False


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ages in completed years at the specimen, from `from_age` up to but not including `before_age`."""

    word: Word
    from_age: int
    before_age: int


class Cutoff(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From `since`, by the day of analysis: positive `above` or `at_least` so many micrograms per gram.

    `laboratories`: profiles it holds for; empty: all.
    """

    since: date
    above: float | None = None
    at_least: float | None = None
    laboratories: frozenset[str] = frozenset()


class Periods(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far back or on the facts look: `history` before a specimen, `surveillance` after a treatment,
    `overdue` past a due date.
    """

    history: Span = Span(years=5)
    surveillance: Span = Span(years=10)
    overdue: Span = Span(years=2)


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where news leads. `stage` None: the person stays where they are and what is owed stays owed.

    `after` counts from the `anchor`: the day of the specimen (or of the treatment, or of the lapse), or of
    the invitation that it answers; None where the stage names its own limits, or fixed ages rule the call.
    """

    stage: str | None = None
    after: Span | None = None
    reason: str = ""
    anchor: Literal["event", "invitation"] = "event"


class Row(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a decision table: any of the alternatives in `when` holds -> `then`.

    An alternative is `{fact: [words]}`; a fact it does not name may have any word.
    """

    when: tuple[dict[Fact, frozenset[Word]], ...]
    then: Action


class ResultLetters(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which results the programme itself tells the person, by the word of one fact.

    `samples`: only of samples taken so; empty: of all. `since`: first day of specimens that are told.
    """

    fact: Fact
    letters: dict[Word, str]
    samples: frozenset[Sample] = frozenset()
    since: date = date.min


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision table over a finite space of facts; exactly one row fits each combination.

    `judges`: the tests, or kinds of event, whose news it answers; those of one day are judged together.
    """

    judges: tuple[str, ...]
    facts: tuple[Fact, ...]
    rows: tuple[Row, ...]
    tells: ResultLetters | None = None


class Owed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing owed in a stage. `within` counts from when it opened; None: due when the action's `after` ends.

    `closed_by`: names of tables that judged something new, or kinds of event.
    """

    kind: ObligationKind
    closed_by: frozenset[str]
    to: Destination | None = None
    within: Span | None = None
    letter: str | None = None


class MissingLetter(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The letter that goes out when what is owed is still missing `after` its due date."""

    letter: str
    after: Span


class NoShow(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The letter that goes out when an appointment was missed."""

    letter: str


class Lapse(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a stage comes to by itself, `after` it began, where no news moved the person on."""

    after: Span
    then: Action


class Stage(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place on the way. `owes` is worked off in order: the next opens when the one before closes."""

    name: str
    reason: str
    owes: tuple[Owed, ...] = ()
    missing: MissingLetter | None = None
    no_show: NoShow | None = None
    lapses: Lapse | None = None
    # positive findings of these tests in this episode are weighed together with the next
    remembers: frozenset[Test] = frozenset()
    # a planned repeat: what is found is compared with what this episode found before
    compares: bool = False
    # the reason for which a person in this stage has left the programme for good
    ends: str | None = None
    # not now: nothing is owed and no call goes out until the stage lapses
    defers: bool = False


class AgeLetter(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The letter everybody gets at an age, whatever they did before; no longer opened from `until`."""

    at: AgeLimit
    until: AgeLimit
    letter: str


class CallStep(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that goes out: `after` counts from the due date (the first) or from the day the step before went out.

    `from_age`: not before that birthday. `at_ages`: only where the call falls due at one of these ages; empty: at any.
    `when_missed`: opens at the latest so long after a missed appointment.
    """

    kind: ObligationKind  # invite, remind or dispatch_kit
    letter: str
    after: Span
    from_age: int = 0
    at_ages: frozenset[int] = frozenset()
    rounds: Literal["all", "first", "later"] = "all"
    when_missed: Span | None = None


class Again(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who answered nothing is called again `after` the first thing that went out; None: at the next fixed age."""

    after: Span | None = None


class CallAges(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ages at which everybody is called whose last round, the years before, came to one of these words."""

    ages: tuple[int, ...]
    last_round: frozenset[Word]


class Limit(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rounds`: so many calls in a life. `age`: from that day of life no call opens any more."""

    rounds: int | None = None
    age: AgeLimit | None = None


class KitOffer(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A home-sampling kit by post to who had no sample for `without_sample`, or `overdue` past the due date;
    `again` after the last kit. While a kit is younger than `fresh` no other reminder is owed.
    """

    available_from: date
    again: Span
    fresh: Span
    letter: str
    reminder_after: Span
    reminder_letter: str
    without_sample: Span | None = None
    overdue: Span | None = None


class KitCare(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kit that came back owes a result within `result_within`."""

    result_within: Span


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How people are called. `stopped_by`: the reservations that stop it."""

    at_age: tuple[AgeLetter, ...] = ()
    steps: tuple[CallStep, ...] = ()
    again: Again
    ages: tuple[CallAges, ...] = ()
    limits: tuple[Limit, ...] = ()
    offer: KitOffer | None = None
    kits: KitCare | None = None
    stopped_by: frozenset[OptOutScope] = frozenset({OptOutScope.CONTACT, OptOutScope.STORAGE})


class Ceasing(Ruled, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Reasons for ending somebody's part in the programme, and whether they do; a reason not listed does."""

    reasons: frozenset[str]
    stops: bool = True


class InForce(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The period, half open, and the laboratory profiles, in which new episodes start under this version."""

    since: date
    until: date | None = None
    laboratories: frozenset[str]


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """One version of a programme's rules.

    `letters`: every template it may send. `diagnoses`: the histology that a code, or how it begins, stands for.
    `treatments`: codes alike in what follows; the first also stands for a code nobody knows.
    """

    id: str
    family: str
    title: str
    country: str
    programme: Cancer
    default_laboratory: str
    in_force: InForce
    sources: dict[str, str]
    letters: frozenset[str]
    population: Population
    groups: dict[Test, tuple[Group, ...]]
    treatments: tuple[Group, ...]
    diagnoses: dict[str, str] = {}
    cutoffs: tuple[Cutoff, ...] = ()
    ages: tuple[Band, ...] = ()
    periods: Periods = Periods()
    call: Call
    stages: tuple[Stage, ...]
    tables: dict[str, Table]
    ceasing: tuple[Ceasing, ...] = ()

    def rows(self) -> Sequence[Row]:
        return [row for table in self.tables.values() for row in table.rows]

    def rules(self) -> Sequence[Ruled]:
        """Everything that carries an id, in the order of the book."""
        call = self.call
        parts: list[Ruled | None] = [
            self.population, *self.population.cohorts, *call.at_age, *call.steps, call.again, *call.ages, *call.limits,
            call.offer, call.kits, *self.cutoffs, *self.ceasing,
        ]  # fmt: skip
        for stage in self.stages:
            parts += [stage, stage.missing, stage.no_show, stage.lapses]
        for table in self.tables.values():
            parts += [*table.rows, table.tells]
        return [part for part in parts if part is not None]


LETTER_EVENTS: Mapping[ObligationKind, EventKind] = {
    ObligationKind.INVITE: EventKind.INVITED,
    ObligationKind.REMIND: EventKind.REMINDED,
    ObligationKind.DISPATCH_KIT: EventKind.KIT_DISPATCHED,
    ObligationKind.REPLACE_KIT: EventKind.KIT_DISPATCHED,
    ObligationKind.GIVE_RESULT: EventKind.RESULT_GIVEN,
    ObligationKind.FOLLOW_UP_LETTER: EventKind.FOLLOW_UP_LETTER_SENT,
}
