"""What `decide` answers, and what it is asked with."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from screening.protocols.model import Lapse, Row, Stage, Word
from screening.vocabulary import ObligationKind, Sex, Status


class Person(msgspec.Struct, frozen=True, gc=False):
    """What a protocol may know of a person besides the history.

    `resident_since` None: resident since birth, as far as the register says. `municipality`: its number,
    where the history does not say where the person lives.
    """

    born: date
    sex: Sex
    resident_since: date | None = None
    municipality: str = ""


class Obligation(msgspec.Struct, frozen=True, gc=False):
    """One thing owed. (episode, kind, subject) names it: the same in every decision about the same history."""

    kind: ObligationKind
    subject: str
    episode: date
    opened_on: date
    due_on: date
    rule: str
    to: str | None = None
    letter: str | None = None


class Step(msgspec.Struct, frozen=True, gc=False):
    """One line of the trace: on that day this rule fired on these facts."""

    date: date
    rule: str
    facts: Mapping[str, Word]
    source: tuple[str, ...]


class Closed(msgspec.Struct, frozen=True, gc=False):
    """An obligation that has its evidence: the event that closed it."""

    episode: date
    kind: ObligationKind
    subject: str
    event: int
    on: date
    owed: Obligation | None = None  # what was owed, where the episode and not a letter closed it


class Stay(msgspec.Struct, frozen=True, gc=False):
    """Being in a stage that owes something: by which rule, since when, in which episode."""

    stage: Stage
    rule: Row | Lapse
    since: date
    episode: date

    def owed(self, step: int, opened_on: date) -> Obligation:
        """The step's obligation as it stood when it opened."""
        owed, after = self.stage.owes[step], self.rule.then.after
        due_on = (
            owed.within.after(opened_on) if owed.within else (after.after(self.since) if after else opened_on)
        )
        return Obligation(
            kind=owed.kind,
            subject=f"{owed.to or owed.kind} {self.since.isoformat()}",
            episode=self.episode,
            opened_on=opened_on,
            due_on=due_on,
            rule=self.rule.id,
            to=owed.to,
            letter=owed.letter,
        )


Settled = tuple[
    Stay, int, date, int, date
]  # where, which step, when it opened, the event that closed it, its day


class Decision(msgspec.Struct, frozen=True, gc=False):
    """Where a person stands on a day, what is owed, and why.

    `next_action_on`: the next day after `as_of` on which deciding again could give something else
    though nothing was recorded; None: never without news.
    """

    protocol: str
    status: Status
    reason: str
    rule: str
    next_due_on: date | None
    next_action_on: date | None
    episode_number: int
    episode_opened_on: date | None
    obligations: tuple[Obligation, ...]
    settled: Sequence[Settled]  # closed by what came of the follow-up
    answered: Sequence[Closed]  # closed by a letter, a kit or a call
    fired: Sequence[tuple[date, Row | Lapse, Mapping[str, Word]]]

    @property
    def closed(self) -> tuple[Closed, ...]:
        """Everything that was owed and has its evidence, oldest first."""
        return (*self.settled_after(-1), *self.answered)

    def settled_after(self, event: int) -> tuple[Closed, ...]:
        """What the follow-up owed and an event later recorded than that one has closed."""
        return tuple(
            Closed(one.episode, one.kind, one.subject, by, on, one)
            for stay, step, opened_on, by, on in self.settled
            if by > event
            for one in (stay.owed(step, opened_on),)
        )

    @property
    def trace(self) -> tuple[Step, ...]:
        """The rules that fired, oldest first."""
        return tuple(Step(day, row.id, facts, row.source) for day, row, facts in self.fired)
