"""Routine call and recall: which letter or kit is owed to a person who is in no follow-up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from screening.protocols.decision import Closed, Obligation
from screening.protocols.fold import Fold
from screening.protocols.model import Protocol, Reminder, Span, birthday
from screening.vocabulary import EventKind, ObligationKind

_KIT_RECENT = Span(months=12)
_RESULT_LIMIT = Span(days=28)
_BACK = frozenset({EventKind.KIT_RETURNED, EventKind.KIT_RECEIVED})
_CALLS = frozenset({EventKind.REMINDED, EventKind.KIT_DISPATCHED})


@dataclass(slots=True)
class Called:
    """How the call stands: what is owed, whether a call is open, and when that may change."""

    due: date  # the day the next primary test falls due
    rule: str
    owed: list[Obligation] = field(default_factory=list[Obligation])
    closed: list[Closed] = field(default_factory=list[Closed])
    invited: bool = False
    turns: list[date] = field(default_factory=list[date])  # days on which something opens or closes


def call(fold: Fold, protocol: Protocol, today: date) -> Called:
    """What routine call owes on `today`.

    Counted from the last specimen that ended an episode, else from entering the target population
    (reaching its lowest age, or coming to live here, whichever is later).
    """
    entered = max(fold.entry, birthday(fold.person.born, protocol.population.from_age))
    due = max(fold.due, birthday(fold.person.born, protocol.population.from_age)) if fold.due else entered
    standing = Called(due=due, rule=fold.row.id if fold.row else protocol.population.id)
    since = fold.anchor or entered
    _information(fold, protocol, entered, today, standing)
    kit_near = _kit(fold, protocol, since, today, standing)
    _reminders(fold, protocol, since, today, standing, suppressed=kit_near)
    _results_awaited(fold, protocol, standing)
    return standing


def _information(fold: Fold, protocol: Protocol, entered: date, today: date, standing: Called) -> None:
    rule = protocol.call.information
    opens = max(entered, birthday(fold.person.born, rule.at_age))
    closes = birthday(fold.person.born, rule.until_age)
    sent = next((letter for letter in fold.letters if letter[1] == EventKind.INVITED and letter[0] >= opens), None)
    if sent is not None:
        standing.closed.append(Closed(opens, ObligationKind.INVITE, rule.letter, sent[3], sent[0]))
        standing.invited = fold.tested_on is None or fold.tested_on < opens
    elif opens <= today < closes:
        standing.owed.append(
            Obligation(
                kind=ObligationKind.INVITE, subject=rule.letter, episode=opens, opened_on=opens, due_on=opens,
                rule=rule.id, letter=rule.letter,
            )
        )  # fmt: skip
    standing.turns += [opens, closes]


def _reminders(
    fold: Fold, protocol: Protocol, since: date, today: date, standing: Called, *, suppressed: bool
) -> None:
    """First reminder when due, a second after that, and the same again after a whole interval.

    Letters are counted since the last specimen, not since the due date: a late result that moves the
    due date does not make a letter that was sent count for nothing.
    """
    rules = protocol.call
    rule = rules.reminder
    opens = max(rule.after.after(standing.due), birthday(fold.person.born, rule.from_age))
    calls = _delivered_calls(fold, since)
    while calls:
        first = calls[0]
        again = rules.again.after.after(first[0])
        cycle = [entry for entry in calls if entry[0] < again]
        calls = calls[len(cycle) :]
        for number, sent in enumerate(cycle[:2], start=1):
            if sent[1] == EventKind.REMINDED:
                closed = Closed(opens, ObligationKind.REMIND, f"reminder-{number}", sent[3], sent[0])
                standing.closed.append(closed)
        if today < again:
            standing.invited = standing.invited or standing.due <= today
            standing.turns.append(again)
            if len(cycle) == 1:
                second = rules.second_reminder
                _remind(standing, second, 2, opens, second.after.after(first[0]), today, suppressed=suppressed)
            return
        rule, opens = rules.again, again
    _remind(standing, rule, 1, opens, opens, today, suppressed=suppressed)


def _delivered_calls(fold: Fold, since: date) -> list[tuple[date, str, str, int]]:
    """Reminders and kits since the last specimen; a kit that came back undeliverable called nobody."""
    kit = fold.version.protocol.call.kit
    lost = [day for day, kind, _ in fold.kits if kind == EventKind.KIT_UNDELIVERABLE]
    kit_reminder = kit.reminder_letter if kit else None
    calls = [
        entry for entry in fold.letters
        if entry[1] in _CALLS and entry[0] >= since and (fold.tested_on is None or entry[0] > fold.tested_on)
        and (entry[2] != kit_reminder or entry[1] != EventKind.REMINDED)
    ]  # fmt: skip
    for day in lost:
        dispatched = [entry for entry in calls if entry[1] == EventKind.KIT_DISPATCHED and entry[0] <= day]
        calls = [entry for entry in calls if not dispatched or entry is not dispatched[-1]]
    return calls


def _remind(
    standing: Called, rule: Reminder, number: int, episode: date, opens: date, today: date, *, suppressed: bool
) -> None:
    if today < opens:
        standing.turns.append(opens)
    elif not suppressed:
        standing.owed.append(
            Obligation(
                kind=ObligationKind.REMIND, subject=f"reminder-{number}", episode=episode, opened_on=opens,
                due_on=opens, rule=rule.id, letter=rule.letter,
            )
        )  # fmt: skip


def _kit(fold: Fold, protocol: Protocol, since: date, today: date, standing: Called) -> bool:
    """Owe a kit, or its reminder; True where a kit is on its way, so that no other reminder is due."""
    offer = protocol.call.kit
    if offer is None:
        return False
    sent = [entry for entry in fold.letters if entry[1] == EventKind.KIT_DISPATCHED and entry[0] > since]
    standing.closed += [
        Closed(_kit_episode(fold, protocol, since), ObligationKind.DISPATCH_KIT, f"kit-{number}", entry[3], entry[0])
        for number, entry in enumerate(sent, start=1)
    ]
    if {"kit", "storage"} & fold.opted:
        return False
    opens = _kit_opens(fold, protocol, since, [entry[0] for entry in sent])
    if opens <= today:
        standing.owed.append(
            Obligation(
                kind=ObligationKind.DISPATCH_KIT, subject=f"kit-{len(sent) + 1}",
                episode=_kit_episode(fold, protocol, since), opened_on=opens, due_on=opens,
                rule=offer.id, letter=offer.letter,
            )
        )  # fmt: skip
        return True
    standing.turns.append(opens)
    return bool(sent) and _kit_under_way(fold, protocol, sent, today, standing)


def _kit_episode(fold: Fold, protocol: Protocol, since: date) -> date:
    offer = protocol.call.kit
    return max(offer.available_from, offer.without_sample.after(_sampled(fold, since))) if offer else since


def _sampled(fold: Fold, since: date) -> date:
    """The last sample of any kind, else the day the person came into the target population."""
    return max(fold.tested_on, since) if fold.tested_on else since


def _kit_opens(fold: Fold, protocol: Protocol, since: date, sent: Sequence[date]) -> date:
    offer = protocol.call.kit
    if offer is None:
        return date.max
    first = _kit_episode(fold, protocol, since)
    if not sent:
        return first
    rejected = [day for day, kind, _ in fold.kits if kind == EventKind.KIT_REJECTED and day >= sent[-1]]
    if rejected:
        return rejected[-1]
    lost = [day for day, kind, _ in fold.kits if kind == EventKind.KIT_UNDELIVERABLE and day >= sent[-1]]
    moved = [day for day in fold.moves if lost and day >= lost[-1]]
    return moved[0] if moved else offer.again.after(sent[-1])


def _kit_under_way(
    fold: Fold, protocol: Protocol, sent: Sequence[tuple[date, str, str, int]], today: date, standing: Called
) -> bool:
    offer = protocol.call.kit
    day = sent[-1][0]
    ends = _KIT_RECENT.after(day)
    if offer is None or any(at >= day and kind == EventKind.KIT_UNDELIVERABLE for at, kind, _ in fold.kits):
        return False
    reminded = next((e for e in fold.letters if e[1] == EventKind.REMINDED and e[0] >= day), None)
    opens = offer.reminder_after.after(day)
    subject = f"kit-{len(sent)}-reminder"
    if reminded is not None:
        standing.closed.append(Closed(day, ObligationKind.REMIND, subject, reminded[3], reminded[0]))
    elif not any(at >= day and kind in _BACK for at, kind, _ in fold.kits):
        if opens <= today < ends:
            standing.owed.append(
                Obligation(
                    kind=ObligationKind.REMIND, subject=subject, episode=day, opened_on=opens, due_on=opens,
                    rule=offer.id, letter=offer.reminder_letter,
                )
            )  # fmt: skip
        standing.turns.append(opens)
    standing.turns.append(ends)
    return today < ends


def _results_awaited(fold: Fold, protocol: Protocol, standing: Called) -> None:
    """A kit that came back owes a result: a lost sample must be seen."""
    offer = protocol.call.kit
    sent = [day for day, kind, _ in fold.kits if kind == EventKind.KIT_DISPATCHED]
    if offer is None or not sent or (fold.tested_on is not None and fold.tested_on >= sent[-1]):
        return
    since = [(day, kind) for day, kind, _ in fold.kits if day >= sent[-1]]
    back = [day for day, kind in since if kind in _BACK]
    if back and not any(kind == EventKind.KIT_REJECTED for _, kind in since):
        standing.owed.append(
            Obligation(
                kind=ObligationKind.OBTAIN_RESULT, subject=f"kit {sent[-1]}", episode=sent[-1],
                opened_on=back[0], due_on=_RESULT_LIMIT.after(back[0]), rule=offer.id,
            )
        )  # fmt: skip
