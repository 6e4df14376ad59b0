"""Routine call and recall: which letter or kit is owed to a person who is in no follow-up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from screening.history.events import Event
from screening.protocols.facts import last_round
from screening.protocols.fold import Fold
from screening.protocols.kits import Fate, fate_of
from screening.protocols.model import AgeLetter, CallStep, Protocol
from screening.protocols.spans import Span, birthday
from screening.protocols.standing import Standing
from screening.vocabulary import EventKind, ObligationKind, OptOutScope

_KIND_OF = {
    EventKind.INVITED: ObligationKind.INVITE,
    EventKind.REMINDED: ObligationKind.REMIND,
    EventKind.KIT_DISPATCHED: ObligationKind.DISPATCH_KIT,
}
_NAME_OF = {
    ObligationKind.INVITE: "invitation", ObligationKind.REMIND: "reminder", ObligationKind.DISPATCH_KIT: "kit",
}  # fmt: skip
# The round before a fixed age: fixed ages lie five years apart, or ten where nothing calls for the one between.
_ROUND_OF_FIXED_AGES = Span(years=5)


@dataclass(slots=True)
class Cycle:
    """One call: from its due date, everything sent that belongs to it, until the call begins again."""

    due: date
    number: int  # calls in this life before it
    sent: list[Event] = field(default_factory=list[Event])
    again: date | None = None  # None: nothing that reached the person went out yet, or no call comes after it
    rule: str | None = None  # what opens its first step, where that is not the step's own rule


def standing_in_call(fold: Fold, protocol: Protocol, enters: date, today: date) -> Standing:
    """Due dates are counted from the last specimen that ended an episode, else from entering the target
    population: reaching its lowest age, or coming to live here, whichever is later.
    """
    entered = max(fold.entry, enters)
    turns: list[date] = []
    if protocol.call.ages:
        due = fixed_age(fold, protocol, entered=entered, today=today)
        # a call that was never sent gives way to that of the next age
        turns = [day for day in called_ages(fold, protocol) if day > today][:1]
    else:
        due = fold.due() or entered
        due = max(due, enters)
    rule = fold.row.id if fold.row is not None else protocol.population.id
    return Standing(due=due, since=fold.anchor or entered, rule=rule, turns=turns)


def fixed_age(fold: Fold, protocol: Protocol, *, entered: date, today: date) -> date | None:
    """The last fixed age reached that no specimen has answered, else the next, at which the years before call
    for a test; who entered later than an age was reached is due at that age all the same.
    """
    days = called_ages(fold, protocol)
    reached = [day for day in days if day <= max(today, entered)]
    if reached and (fold.tested_on is None or fold.tested_on < reached[-1]):
        return reached[-1]
    answered = fold.tested_on or today
    return next((day for day in days if day > max(answered, today)), None)


def called_ages(fold: Fold, protocol: Protocol) -> list[date]:
    """The birthdays at which this person is called, by what is known now."""
    born = fold.person.born
    ages = sorted((age, rule) for rule in protocol.call.ages for age in rule.ages)
    days = [(birthday(born, age), rule) for age, rule in ages]
    return [
        day
        for day, rule in days
        if last_round(fold.earlier, fold.referrals, _ROUND_OF_FIXED_AGES.before(day), day) in rule.last_round
    ]


def inform(fold: Fold, rule: AgeLetter, standing: Standing, today: date) -> None:
    """The letter everybody gets on reaching an age, or on coming to live here at that age."""
    closes = rule.until.day(fold.person.born)
    opens = max(fold.entry, rule.at.day(fold.person.born))
    sent = next((one for one in fold.letters if _informs(rule, one, opens, closes)), None)
    if sent is not None:
        standing.close(ObligationKind.INVITE, rule.letter, episode=opens, by=sent)
        standing.invited = fold.tested_on is None or fold.tested_on < opens
    elif opens <= today < closes:
        standing.owe(
            ObligationKind.INVITE, rule.letter, episode=opens, opens=opens, rule=rule.id, letter=rule.letter
        )
    standing.turns += (opens, closes)


def _informs(rule: AgeLetter, letter: Event, opens: date, closes: date) -> bool:
    return letter.kind == EventKind.INVITED and (
        letter.body.get("letter") == rule.letter or opens <= letter.occurred_on < closes
    )


def call(fold: Fold, protocol: Protocol, standing: Standing, today: date, *, kit_near: bool) -> None:
    """The steps of the call, from the due date; the same again for who answered nothing.

    Letters are counted since the last specimen, not since the due date: a late result that moves the
    due date does not make a letter that was sent count for nothing. Where a kit is on its way no other
    reminder is owed.
    """
    if standing.due is None:
        return
    letters = _letters_since(fold, protocol, standing)
    number = _calls_before(fold, protocol) if _counts(protocol) else 0
    cycles = _cycles(fold, protocol, standing.due, letters, number, today)
    kits = 0
    for cycle in cycles[:-1]:
        kits = _Steps(fold, protocol, standing, cycle, kits).match()
    last = cycles[-1]
    limit = _limit(fold, protocol, last) if last.again is None and not last.sent else None
    if limit is not None:
        standing.limit, standing.due = limit, None
        return
    standing.due = last.due
    steps = _Steps(fold, protocol, standing, last, kits)
    steps.match()
    if last.again is not None or (last.sent and protocol.call.ages):
        standing.invited = standing.invited or last.due <= today
        standing.next_call = last.again
        standing.declined = fold.declined_on is not None and fold.declined_on >= last.sent[0].occurred_on
    standing.turns += [day for day in (last.again, last.due) if day is not None]
    if not standing.declined:
        steps.owe_next(today, kit_near=kit_near)


def _letters_since(fold: Fold, protocol: Protocol, standing: Standing) -> list[Event]:
    """What called the person since the last specimen: not the letters of an age, nor a reminder to an offered kit."""
    if not fold.letters:
        return []
    since, tested = standing.since, fold.tested_on
    offer = protocol.call.offer
    aside = {one.letter for one in protocol.call.at_age} | ({offer.reminder_letter} if offer else set())
    found = [
        one
        for one in fold.letters
        if one.occurred_on >= since
        and (tested is None or one.occurred_on > tested)
        and one.body.get("letter") not in aside
    ]
    for rule in protocol.call.at_age:
        closes = rule.until.day(fold.person.born)
        found = [one for one in found if one.kind != EventKind.INVITED or one.occurred_on >= closes]
    return found


def _cycles(
    fold: Fold, protocol: Protocol, due: date, letters: Sequence[Event], number: int, today: date
) -> list[Cycle]:
    """The calls so far, the last of them still running or yet to begin."""
    if protocol.call.ages:
        return [_call_of_an_age(fold, protocol, due, letters)]
    cycles = [Cycle(due, number)]
    for letter in letters:
        begins = cycles[-1].again
        if begins is not None and letter.occurred_on >= begins:
            cycles.append(_next_cycle(protocol, cycles[-1], begins))
        _add(fold, protocol, cycles[-1], letter)
    begins = cycles[-1].again
    if begins is not None and begins <= today:
        cycles.append(_next_cycle(protocol, cycles[-1], begins))
    return cycles


def _call_of_an_age(fold: Fold, protocol: Protocol, due: date, letters: Sequence[Event]) -> Cycle:
    later = [day for day in called_ages(fold, protocol) if day > due]
    cycle = Cycle(due, 0, [one for one in letters if one.occurred_on >= due])
    if cycle.sent:
        cycle.again = later[0] if later else None
    return cycle


def _next_cycle(protocol: Protocol, before: Cycle, begins: date) -> Cycle:
    return Cycle(begins, before.number + 1, rule=protocol.call.again.id)


def _add(fold: Fold, protocol: Protocol, cycle: Cycle, letter: Event) -> None:
    """The call begins again an interval after the first thing that reached the person."""
    cycle.sent.append(letter)
    span = protocol.call.again.after
    if cycle.again is None and span is not None and fate_of(fold, letter).word != "lost":
        cycle.again = span.after(letter.occurred_on)


def _counts(protocol: Protocol) -> bool:
    call = protocol.call
    return any(one.rounds for one in call.limits) or any(step.rounds != "all" for step in call.steps)


def _calls_before(fold: Fold, protocol: Protocol) -> int:
    """How many calls of this life ended before the present one: with a specimen, or unanswered."""
    before, count = date.min, 0
    for anchor in fold.anchors:
        calls = [one for one in fold.letters if before < one.occurred_on <= anchor]
        cycle, number = Cycle(before, 0), 1
        for letter in calls:
            if cycle.again is not None and letter.occurred_on >= cycle.again:
                cycle, number = Cycle(before, 0), number + 1
            _add(fold, protocol, cycle, letter)
        before, count = anchor, count + number
    return count


def _limit(fold: Fold, protocol: Protocol, cycle: Cycle) -> str | None:
    """The rule by which this call does not open, if any."""
    for rule in protocol.call.limits:
        if rule.rounds is not None and cycle.number >= rule.rounds:
            return rule.id
        if rule.age is not None and cycle.due >= rule.age.day(fold.person.born):
            return rule.id
    return None


class _Steps:
    """The steps of one call, what of them was done, and what is owed next."""

    def __init__(self, fold: Fold, protocol: Protocol, standing: Standing, cycle: Cycle, kits: int) -> None:
        self.fold = fold
        self.standing = standing
        self.cycle = cycle
        self.kits = kits  # sent since the last specimen
        self.steps = _applying(fold, protocol, cycle)
        self.place = 0
        self.previous: Event | None = None
        self.last_kit: Event | None = None
        self.episode = self._opens(self.steps[0]) if self.steps else cycle.due

    def match(self) -> int:
        """Close each step with what was sent for it; the number of kits sent so far."""
        for letter in self.cycle.sent:
            kind = _KIND_OF[EventKind(letter.kind)]
            found = next(
                (at for at in range(self.place, len(self.steps)) if self.steps[at].kind == kind), None
            )
            if kind == ObligationKind.DISPATCH_KIT:
                self._kit_sent(letter)
                if fate_of(self.fold, letter).word == "lost":
                    continue
                # a kit that no step owed, offered for another reason, calls as well as a letter
                found = self.place if found is None else found
            elif found is not None:
                self.standing.close(kind, self._subject(found), episode=self.episode, by=letter)
            if found is not None:
                self.place, self.previous = found + 1, letter
        return self.kits

    def _kit_sent(self, letter: Event) -> None:
        self.kits += 1
        self.last_kit = letter
        if any(step.kind == ObligationKind.DISPATCH_KIT for step in self.steps):
            self.standing.close(
                ObligationKind.DISPATCH_KIT, f"kit-{self.kits}", episode=self.episode, by=letter
            )

    def owe_next(self, today: date, *, kit_near: bool) -> None:
        fate = fate_of(self.fold, self.last_kit) if self.last_kit is not None else None
        if fate is not None and fate.word in ("lost", "rejected"):
            kit = next(
                (at for at, step in enumerate(self.steps) if step.kind == ObligationKind.DISPATCH_KIT), None
            )
            if kit is not None:
                self._owe_another_kit(kit, fate, today)
                return
        if self.place >= len(self.steps) or kit_near or (fate is not None and fate.word == "back"):
            return
        opens = self._opens(self.steps[self.place])
        self._owe(self.place, opens, today)

    def _owe_another_kit(self, place: int, fate: Fate, today: date) -> None:
        """At once where the laboratory had to reject it; on moving house where the post brought it back."""
        if fate.again_from is not None:
            self._owe(place, fate.again_from, today)

    def _owe(self, place: int, opens: date, today: date) -> None:
        step = self.steps[place]
        if today < opens:
            self.standing.turns.append(opens)
            return
        self.standing.owe(
            step.kind,
            self._subject(place),
            episode=self.episode,
            opens=opens,
            rule=self.cycle.rule if self.cycle.rule and place == 0 else step.id,
            letter=step.letter,
        )

    def _subject(self, place: int) -> str:
        kind = self.steps[place].kind
        if kind == ObligationKind.DISPATCH_KIT:
            return f"kit-{self.kits + 1}"
        return f"{_NAME_OF[kind]}-{sum(step.kind == kind for step in self.steps[: place + 1])}"

    def _opens(self, step: CallStep) -> date:
        counted_from = self.previous.occurred_on if self.previous is not None else self.cycle.due
        opens = step.after.after(counted_from)
        if step.when_missed is not None:
            missed = [one.occurred_on for one in self.fold.missed if one.occurred_on >= counted_from]
            opens = min([opens, *(step.when_missed.after(day) for day in missed)])
        if step.from_age:
            opens = max(opens, birthday(self.fold.person.born, step.from_age))
        return opens


def _applying(fold: Fold, protocol: Protocol, cycle: Cycle) -> list[CallStep]:
    """The steps of this call: of its round, of the age it falls due at, and without kits for who reserved."""
    call = protocol.call
    without_kits = OptOutScope.KIT in fold.opted_out
    return [
        step
        for step in call.steps
        if step.rounds == "all" or (step.rounds == "first") == (cycle.number == 0)
        if not step.at_ages or age_on(fold.person.born, cycle.due) in step.at_ages
        if not (without_kits and step.kind == ObligationKind.DISPATCH_KIT)
    ]


def age_on(born: date, day: date) -> int:
    """Completed years."""
    years = day.year - born.year
    return years if birthday(born, years) <= day else years - 1
