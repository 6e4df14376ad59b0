"""`decide`: the one teller of where a person stands in a programme and what is owed to them.

Pure: the same history gives the same decision, on any machine, for one person or for all.
"""

from collections.abc import Sequence
from datetime import date

from screening.history.events import Event
from screening.protocols.call import Standing, inform, remind, standing_in_call
from screening.protocols.decision import Closed, Decision, Obligation, Person
from screening.protocols.fold import CALL, Fold, valid_events
from screening.protocols.home_kits import offer_kit
from screening.protocols.model import Family, MissingLetter, Protocol, birthday
from screening.vocabulary import EventKind, ObligationKind, Status

# Letters and kits: what a person who wants no contact is not sent, and who has moved abroad cannot be.
_CALLING = frozenset({ObligationKind.INVITE, ObligationKind.REMIND, ObligationKind.DISPATCH_KIT})
_CONTACT = frozenset({*_CALLING, ObligationKind.FOLLOW_UP_LETTER, ObligationKind.REPLACE_KIT})
_NO_CONTACT = frozenset({"contact", "storage"})


def decide(family: Family, person: Person, history: Sequence[Event], today: date) -> Decision:
    """Where a person stands on `today`, from everything recorded up to and occurred by that day.

    Never raises for any sequence of events whose words are in the vocabulary.
    """
    fold = Fold(family, person)
    fold.walk(valid_events(history, today))
    current = family.version(today, None).protocol
    gone = fold.circumstances.gone
    if gone is not None:
        return _answer(fold, current, Status.OUTSIDE, gone, current.population.id)
    if fold.stage.name != CALL and not fold.stage.ends:
        return _in_follow_up(fold, today)
    ended = fold.circumstances.ceased or fold.stage.ends
    if ended:
        rule = fold.row.id if fold.row and not fold.circumstances.ceased else current.population.id
        return _answer(fold, current, Status.CEASED, ended, rule)
    return _in_call(fold, current, today)


def _in_follow_up(fold: Fold, today: date) -> Decision:
    protocol = fold.version.protocol
    owed = fold.owed_now()
    obligations = [] if owed is None else [owed]
    closed: list[Closed] = []
    turns: list[date] = []
    if owed is not None and fold.stage.missing is not None:
        _missing_letter(fold, fold.stage.missing, owed, today, obligations, closed, turns)
    obligations += fold.correspondence.results
    kept = [
        one
        for one in obligations
        if not (fold.circumstances.opted_out & _NO_CONTACT and one.kind in _CONTACT)
    ]
    planned = owed.due_on if owed is not None and owed.kind in _PLANNED else None
    return _answer(
        fold, protocol, Status.IN_FOLLOW_UP, (fold.row.then.reason if fold.row else "") or fold.stage.reason,
        fold.row.id if fold.row else fold.stage.id,
        obligations=kept, closed=closed, next_due_on=planned, turns=turns, today=today,
    )  # fmt: skip


_PLANNED = frozenset({ObligationKind.REPEAT_TEST, ObligationKind.TEST_OF_CURE})


def _missing_letter(
    fold: Fold, rule: MissingLetter, owed: Obligation, today: date,
    obligations: list[Obligation], closed: list[Closed], turns: list[date],
) -> None:  # fmt: skip
    """What is still missing long after it was due is asked for in a letter, at any age."""
    opens = rule.after.after(owed.due_on)
    subject = f"{owed.subject} missing"
    sent = next(
        (e for e in fold.correspondence.letters if e[1] == EventKind.FOLLOW_UP_LETTER_SENT and e[0] >= opens),
        None,
    )
    if sent is not None:
        closed.append(Closed(owed.episode, ObligationKind.FOLLOW_UP_LETTER, subject, sent[3], sent[0]))
    elif today < opens:
        turns.append(opens)
    else:
        obligations.append(
            Obligation(
                kind=ObligationKind.FOLLOW_UP_LETTER, subject=subject, episode=owed.episode, opened_on=opens,
                due_on=opens, rule=rule.id, letter=rule.letter,
            )
        )  # fmt: skip


def _in_call(fold: Fold, protocol: Protocol, today: date) -> Decision:
    population = protocol.population
    if fold.person.sex not in population.sex:
        return _answer(
            fold,
            protocol,
            Status.OUTSIDE,
            "sex",
            population.id,
            obligations=fold.correspondence.results,
            today=today,
        )
    enters = birthday(fold.person.born, population.from_age)
    leaves = birthday(fold.person.born, population.before_age)
    if today < enters:
        return _answer(
            fold, protocol, Status.OUTSIDE, "too_young", population.id,
            obligations=fold.correspondence.results, turns=[enters], today=today,
        )  # fmt: skip
    if today >= leaves:
        return _answer(
            fold,
            protocol,
            Status.OUTSIDE,
            "too_old",
            population.id,
            obligations=fold.correspondence.results,
            today=today,
        )
    standing = standing_in_call(fold, protocol)
    inform(fold, protocol, standing, today)
    offer = protocol.call.kit
    kit_near = offer is not None and offer_kit(fold, offer, standing, today)
    remind(fold, protocol, standing, today, kit_near=kit_near)
    standing.turns.append(leaves)
    return _called(fold, protocol, standing, today)


def _called(fold: Fold, protocol: Protocol, standing: Standing, today: date) -> Decision:
    reserved = sorted(fold.circumstances.opted_out & _NO_CONTACT)
    deferred = (
        fold.circumstances.deferred
        if fold.circumstances.deferred and today < fold.circumstances.deferred[0]
        else None
    )
    obligations = [*standing.owed, *fold.correspondence.results]
    if reserved or deferred:
        obligations = [one for one in obligations if one.kind not in _CALLING]
    rule = next((one.rule for one in obligations if one.kind in _CALLING), standing.rule)
    if reserved:
        status, reason = Status.OPTED_OUT, reserved[0]
    elif deferred:
        status, reason = Status.DEFERRED, deferred[1]
        standing.turns.append(deferred[0])
    elif standing.invited:
        status, reason = Status.INVITED, "a call is open"
    elif standing.due <= today or any(one.kind in _CALLING for one in obligations):
        status, reason = Status.DUE, "a call is due"
    else:
        status, reason = Status.WAITING, (fold.row.then.reason if fold.row else "") or "up to date"
    standing.turns.append(standing.due)
    open_call = status in (Status.DUE, Status.INVITED)
    return _answer(
        fold, protocol, status, reason, rule,
        obligations=obligations, closed=standing.closed, next_due_on=standing.due, turns=standing.turns, today=today,
        episode=(fold.episodes + 1, standing.due) if open_call else None,
    )  # fmt: skip


def _answer(
    fold: Fold, protocol: Protocol, status: Status, reason: str, rule: str, *,
    obligations: Sequence[Obligation] = (), closed: Sequence[Closed] = (), next_due_on: date | None = None,
    turns: Sequence[date] = (), today: date | None = None, episode: tuple[int, date] | None = None,
) -> Decision:  # fmt: skip
    number, opened = episode or (fold.episodes, fold.episode)
    ahead = [day for day in turns if today is not None and day > today]
    return Decision(
        protocol=protocol.id,
        status=status,
        reason=reason,
        rule=rule,
        next_due_on=next_due_on,
        next_action_on=min(ahead) if ahead else None,
        episode_number=number,
        episode_opened_on=opened,
        obligations=tuple(obligations),
        closed=(*fold.closed, *fold.correspondence.closed, *closed),
        trace=fold.trace(),
    )
