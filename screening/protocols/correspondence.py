"""What was written to a person, the kits that went back and forth, and the results still to be told."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from screening.history.events import Event
from screening.protocols.decision import Closed, Obligation
from screening.protocols.model import Call, Row, Word
from screening.vocabulary import EventKind, ObligationKind


class Letter(NamedTuple):
    """A letter or a kit that went out; `template` is empty where the history does not say."""

    day: date
    kind: str
    template: str
    event: int


class KitNews(NamedTuple):
    day: date
    kind: str


class Correspondence:
    """Everything sent so far, as it stands after each event."""

    __slots__ = ("closed", "kits", "letters", "results")

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.kits: list[KitNews] = []
        self.results: list[Obligation] = []  # results of home samples not told yet
        self.closed: list[Closed] = []

    def take(self, day: date, event: Event) -> bool:
        """Whether this kind of event is of concern here."""
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, day, event)
        return handler is not None

    def letter_sent(self, day: date, event: Event) -> None:
        self.letters.append(Letter(day, event.kind, str(event.body.get("letter") or ""), event.id))

    def kit_news(self, day: date, event: Event) -> None:
        self.kits.append(KitNews(day, event.kind))
        if event.kind == EventKind.KIT_DISPATCHED:
            self.letter_sent(day, event)

    def result_told(self, day: date, event: Event) -> None:
        """A result letter answers the oldest result that was known when it was written."""
        template = event.body.get("letter")
        for owed in self.results:
            if owed.opened_on <= event.recorded_on and template in (None, owed.letter):
                self.closed.append(Closed(owed.episode, owed.kind, owed.subject, event.id, day))
                self.results.remove(owed)
                return

    def owe_result(self, event: Event, day: date, episode: date, row: Row, word: Word, rules: Call) -> None:
        """The result of a home sample is told by the programme; nobody else has seen the person.

        A corrected result is told again, under a name of its own.
        """
        template = rules.result_letters.get(word)
        if template is None or rules.kit is None or day < rules.kit.available_from:
            return
        known_on = max(day, event.recorded_on)
        self.results.append(
            Obligation(
                kind=ObligationKind.GIVE_RESULT,
                subject=f"result {day}" if event.supersedes is None else f"result {day} corrected {known_on}",
                episode=episode,
                opened_on=known_on,
                due_on=known_on,
                rule=row.id,
                letter=template,
            )
        )


_HANDLERS: Mapping[str, Callable[[Correspondence, date, Event], None]] = {
    EventKind.INVITED: Correspondence.letter_sent,
    EventKind.REMINDED: Correspondence.letter_sent,
    EventKind.FOLLOW_UP_LETTER_SENT: Correspondence.letter_sent,
    EventKind.RESULT_GIVEN: Correspondence.result_told,
    EventKind.KIT_DISPATCHED: Correspondence.kit_news,
    EventKind.KIT_UNDELIVERABLE: Correspondence.kit_news,
    EventKind.KIT_RETURNED: Correspondence.kit_news,
    EventKind.KIT_RECEIVED: Correspondence.kit_news,
    EventKind.KIT_REJECTED: Correspondence.kit_news,
}
