"""What frames a life in the programme: where the person lives, and what they decided for themselves."""

from collections.abc import Callable, Mapping
from datetime import date

from screening.history.events import Event
from screening.protocols.decision import Person
from screening.vocabulary import EventKind


class Circumstances:
    """The register's news and the person's own choices, as they stand after each event."""

    __slots__ = ("away_since", "ceased", "deferred", "died_on", "entry", "moves", "opted_out")

    def __init__(self, person: Person) -> None:
        self.entry: date = person.resident_since or person.born  # living here since
        self.away_since: date | None = None
        self.died_on: date | None = None
        self.moves: list[date] = []
        self.opted_out: frozenset[str] = frozenset()
        self.deferred: tuple[date, str] | None = None  # (first day no longer deferred, reason)
        self.ceased: str | None = None

    @property
    def gone(self) -> str | None:
        """Why nothing can be owed any more, for now; None where the person lives here."""
        if self.died_on is not None:
            return "dead"
        return "emigrated" if self.away_since is not None else None

    def take(self, day: date, event: Event) -> bool:
        """Whether this kind of event is of concern here."""
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, day, event)
        return handler is not None

    def moved(self, day: date, _event: Event) -> None:
        self.moves.append(day)

    def immigrated(self, day: date, _event: Event) -> None:
        self.away_since = None
        self.entry = day

    def emigrated(self, day: date, _event: Event) -> None:
        self.away_since = day

    def died(self, day: date, _event: Event) -> None:
        self.died_on = day

    def death_reversed(self, _day: date, _event: Event) -> None:
        self.died_on = None

    def opts_out(self, _day: date, event: Event) -> None:
        self.opted_out |= {str(event.body.get("scope", "contact"))}

    def opts_in(self, _day: date, event: Event) -> None:
        scope = event.body.get("scope")
        self.opted_out = self.opted_out - {scope} if scope else frozenset()

    def defers(self, _day: date, event: Event) -> None:
        until = event.body.get("until")
        if until is not None:
            day = until if isinstance(until, date) else date.fromisoformat(str(until))
            self.deferred = (day, str(event.body.get("reason", "deferred")))

    def ceases(self, _day: date, event: Event) -> None:
        self.ceased = str(event.body.get("reason", "ceased"))


_HANDLERS: Mapping[str, Callable[[Circumstances, date, Event], None]] = {
    EventKind.MOVED: Circumstances.moved,
    EventKind.IMMIGRATED: Circumstances.immigrated,
    EventKind.EMIGRATED: Circumstances.emigrated,
    EventKind.DIED: Circumstances.died,
    EventKind.DEATH_REVERSED: Circumstances.death_reversed,
    EventKind.OPTED_OUT: Circumstances.opts_out,
    EventKind.OPTED_IN: Circumstances.opts_in,
    EventKind.DEFERRED: Circumstances.defers,
    EventKind.CEASED: Circumstances.ceases,
}
