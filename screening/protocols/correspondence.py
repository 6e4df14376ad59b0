"""What was written to a person, the kits that went back and forth, and the results still to be told."""

from collections.abc import Callable, Mapping
from datetime import date

import msgspec

from screening.history.events import Event
from screening.protocols.decision import Closed, Obligation
from screening.protocols.facts import Memory
from screening.protocols.lookup import Leaf, Lookup
from screening.protocols.model import Word
from screening.vocabulary import EventKind, ObligationKind


class Correspondence(Memory, gc=False, eq=False, kw_only=True):
    """Everything sent so far, as it stands after each event."""

    declined_on: date | None = None
    letters: list[Event] = msgspec.field(default_factory=list)  # calls: invitations, reminders, kits
    follow_up_letters: list[Event] = msgspec.field(default_factory=list)
    kits: list[Event] = msgspec.field(default_factory=list)  # what went out and what became of it
    missed: list[Event] = msgspec.field(default_factory=list)  # appointments
    results: list[Obligation] = msgspec.field(default_factory=list)  # not told yet
    told: list[Closed] = msgspec.field(default_factory=list)

    def letter_sent(self, _day: date, event: Event) -> None:
        self.letters.append(event)

    def follow_up_letter_sent(self, _day: date, event: Event) -> None:
        self.follow_up_letters.append(event)

    def kit_news(self, _day: date, event: Event) -> None:
        self.kits.append(event)

    def appointment_missed(self, _day: date, event: Event) -> None:
        self.missed.append(event)

    def declined(self, day: date, _event: Event) -> None:
        self.declined_on = day

    def result_told(self, day: date, event: Event) -> None:
        """A result letter answers the oldest result that was known when it was written."""
        template = event.body.get("letter")
        for owed in self.results:
            if owed.opened_on <= event.recorded_on and template in (None, owed.letter):
                self.told.append(Closed(owed.episode, owed.kind, owed.subject, event.id, day))
                self.results.remove(owed)
                return

    def told_when_seen(self, day: date, event: Event) -> None:
        """Who was seen at the assessment knows why: a letter about that sample would only come after the event."""
        self.told += [Closed(one.episode, one.kind, one.subject, event.id, day) for one in self.results]
        self.results = []

    def owe_result(
        self, table: Lookup, leaf: Leaf, word: Word, event: Event, episode: date, sample: str
    ) -> None:
        """A result that the programme tells by itself, under the name of the event it rests on and of its letter.

        What another event says, or another letter, is told again: the same day may have two specimens,
        and a result that was told may be corrected twice a day.
        """
        rule = table.letters
        day = event.occurred_on
        template = None if rule is None else rule.letters.get(word)
        if rule is None or template is None or day < rule.since:
            return
        if rule.samples and sample not in rule.samples:
            return
        known_on = max(day, event.recorded_on)
        self.results.append(
            Obligation(
                kind=ObligationKind.GIVE_RESULT,
                subject=f"result {day} {template} #{event.id}",
                episode=episode,
                opened_on=known_on,
                due_on=known_on,
                rule=leaf.row.id,
                letter=template,
            )
        )


CORRESPONDENCE: Mapping[str, Callable[[Correspondence, date, Event], None]] = {
    EventKind.INVITED: Correspondence.letter_sent,
    EventKind.REMINDED: Correspondence.letter_sent,
    EventKind.FOLLOW_UP_LETTER_SENT: Correspondence.follow_up_letter_sent,
    EventKind.RESULT_GIVEN: Correspondence.result_told,
    EventKind.KIT_UNDELIVERABLE: Correspondence.kit_news,
    EventKind.KIT_RETURNED: Correspondence.kit_news,
    EventKind.KIT_RECEIVED: Correspondence.kit_news,
    EventKind.KIT_REJECTED: Correspondence.kit_news,
    EventKind.APPOINTMENT_MISSED: Correspondence.appointment_missed,
    EventKind.DECLINED: Correspondence.declined,
}
