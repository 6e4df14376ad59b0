"""Routine call and recall: which letter or kit is owed to a person who is in no follow-up."""

from dataclasses import dataclass, field
from datetime import date

from screening.protocols.correspondence import Letter
from screening.protocols.decision import Closed, Obligation
from screening.protocols.fold import Fold
from screening.protocols.model import Protocol, Reminder, birthday
from screening.vocabulary import EventKind, ObligationKind

_CALLS = frozenset({EventKind.REMINDED, EventKind.KIT_DISPATCHED})


@dataclass(slots=True)
class Standing:
    """How the call stands: what is owed, whether a call is open, and on which days that may change."""

    due: date  # the day the next primary test falls due
    since: date  # the day everything sent is counted from: the last specimen, or entering the population
    rule: str
    owed: list[Obligation] = field(default_factory=list[Obligation])
    closed: list[Closed] = field(default_factory=list[Closed])
    invited: bool = False
    turns: list[date] = field(default_factory=list[date])

    def owe(
        self, kind: ObligationKind, subject: str, *, episode: date, opens: date, rule: str, letter: str | None,
        due: date | None = None,
    ) -> None:  # fmt: skip
        self.owed.append(
            Obligation(
                kind=kind,
                subject=subject,
                episode=episode,
                opened_on=opens,
                due_on=due or opens,
                rule=rule,
                letter=letter,
            )
        )

    def close(self, kind: ObligationKind, subject: str, *, episode: date, by: Letter) -> None:
        self.closed.append(Closed(episode, kind, subject, by.event, by.day))


def standing_in_call(fold: Fold, protocol: Protocol) -> Standing:
    """Due dates are counted from the last specimen that ended an episode, else from entering the target
    population: reaching its lowest age, or coming to live here, whichever is later.
    """
    lowest = birthday(fold.person.born, protocol.population.from_age)
    entered = max(fold.circumstances.entry, lowest)
    return Standing(
        due=max(fold.due, lowest) if fold.due else entered,
        since=fold.anchor or entered,
        rule=fold.row.id if fold.row else protocol.population.id,
    )


def inform(fold: Fold, protocol: Protocol, standing: Standing, today: date) -> None:
    """The letter everybody gets on reaching an age, or on coming to live here at that age."""
    rule = protocol.call.information
    opens = max(fold.circumstances.entry, birthday(fold.person.born, rule.at_age))
    closes = birthday(fold.person.born, rule.until_age)
    letters = fold.correspondence.letters
    sent = next((one for one in letters if one.kind == EventKind.INVITED and one.day >= opens), None)
    if sent is not None:
        standing.close(ObligationKind.INVITE, rule.letter, episode=opens, by=sent)
        standing.invited = fold.tested_on is None or fold.tested_on < opens
    elif opens <= today < closes:
        standing.owe(
            ObligationKind.INVITE, rule.letter, episode=opens, opens=opens, rule=rule.id, letter=rule.letter
        )
    standing.turns += [opens, closes]


def remind(fold: Fold, protocol: Protocol, standing: Standing, today: date, *, kit_near: bool) -> None:
    """A first reminder when due, a second after that, and the same again after a whole interval.

    Letters are counted since the last specimen, not since the due date: a late result that moves the
    due date does not make a letter that was sent count for nothing. Where a kit is on its way no other
    reminder is owed.
    """
    rules = protocol.call
    rule = rules.reminder
    opens = max(rule.after.after(standing.due), birthday(fold.person.born, rule.from_age))
    calls = delivered_calls(fold, protocol, standing)
    while calls:
        again = rules.again.after.after(calls[0].day)
        cycle = [one for one in calls if one.day < again]
        calls = calls[len(cycle) :]
        for number, sent in enumerate(cycle[:2], start=1):
            if sent.kind == EventKind.REMINDED:
                standing.close(ObligationKind.REMIND, f"reminder-{number}", episode=opens, by=sent)
        if today < again:
            standing.invited = standing.invited or standing.due <= today
            standing.turns.append(again)
            if len(cycle) == 1 and not kit_near:
                second = rules.second_reminder.after.after(cycle[0].day)
                _owe_reminder(standing, rules.second_reminder, 2, opens, second, today)
            return
        rule, opens = rules.again, again
    if not kit_near:
        _owe_reminder(standing, rule, 1, opens, opens, today)


def _owe_reminder(
    standing: Standing, rule: Reminder, number: int, episode: date, opens: date, today: date
) -> None:
    if today < opens:
        standing.turns.append(opens)
    else:
        subject = f"reminder-{number}"
        standing.owe(
            ObligationKind.REMIND, subject, episode=episode, opens=opens, rule=rule.id, letter=rule.letter
        )


def delivered_calls(fold: Fold, protocol: Protocol, standing: Standing) -> list[Letter]:
    """Reminders and kits since the last specimen; a kit that came back undeliverable called nobody."""
    kit_reminder = protocol.call.kit.reminder_letter if protocol.call.kit else None
    calls = [
        one
        for one in fold.correspondence.letters
        if one.kind in _CALLS
        and one.day >= standing.since
        and (fold.tested_on is None or one.day > fold.tested_on)
        and not (one.kind == EventKind.REMINDED and one.template == kit_reminder)
    ]
    for news in fold.correspondence.kits:
        if news.kind == EventKind.KIT_UNDELIVERABLE:
            kits = [one for one in calls if one.kind == EventKind.KIT_DISPATCHED and one.day <= news.day]
            calls = [one for one in calls if not kits or one is not kits[-1]]
    return calls
