"""What frames a life in the programme: where the person lives, and what they decided for themselves."""

from collections.abc import Callable, Mapping
from datetime import date

import msgspec

from screening.history.events import Event
from screening.protocols.decision import Person
from screening.vocabulary import EventKind


class Circumstances(msgspec.Struct, gc=False, eq=False, kw_only=True):
    """The register's news and the person's own choices, as they stand after each event.

    `entry`: living here since.
    """

    person: Person
    entry: date
    municipality: str
    moves: list[date] = msgspec.field(default_factory=list)
    away_since: date | None = None
    died_on: date | None = None
    opted_out: frozenset[str] = frozenset()
    deferred: tuple[date, str] | None = None  # (first day no longer deferred, reason)
    ceased: str | None = None
    enrolled: bool = False

    @property
    def gone(self) -> str | None:
        """Why nothing can be owed any more, for now; None where the person lives here."""
        if self.died_on is not None:
            return "dead"
        return "emigrated" if self.away_since is not None else None

    def registered(self, _day: date, event: Event) -> None:
        self.municipality = event.body.get("municipality") or self.municipality

    def moved(self, day: date, event: Event) -> None:
        self.moves.append(day)
        self.municipality = event.body.get("municipality") or self.municipality

    def immigrated(self, day: date, event: Event) -> None:
        self.away_since = None
        self.entry = day
        self.municipality = event.body.get("municipality") or self.municipality

    def emigrated(self, day: date, _event: Event) -> None:
        self.away_since = day

    def died(self, day: date, _event: Event) -> None:
        self.died_on = day

    def death_reversed(self, _day: date, _event: Event) -> None:
        self.died_on = None

    def opts_out(self, _day: date, event: Event) -> None:
        self.opted_out |= {str(event.body.get("scope") or "contact")}

    def opts_in(self, _day: date, event: Event) -> None:
        scope = event.body.get("scope")
        self.opted_out = self.opted_out - {scope} if scope else frozenset()

    def defers(self, _day: date, event: Event) -> None:
        until = event.body.get("until")
        if until is not None:
            day = until if isinstance(until, date) else date.fromisoformat(str(until))
            self.deferred = (day, str(event.body.get("reason") or "deferred"))

    def enrols(self, _day: date, _event: Event) -> None:
        self.enrolled = True


CIRCUMSTANCES: Mapping[str, Callable[[Circumstances, date, Event], None]] = {
    EventKind.REGISTERED: Circumstances.registered,
    EventKind.MOVED: Circumstances.moved,
    EventKind.IMMIGRATED: Circumstances.immigrated,
    EventKind.EMIGRATED: Circumstances.emigrated,
    EventKind.DIED: Circumstances.died,
    EventKind.DEATH_REVERSED: Circumstances.death_reversed,
    EventKind.OPTED_OUT: Circumstances.opts_out,
    EventKind.OPTED_IN: Circumstances.opts_in,
    EventKind.DEFERRED: Circumstances.defers,
    EventKind.ENROLLED: Circumstances.enrols,
}
