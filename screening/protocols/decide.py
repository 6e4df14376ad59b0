"""`decide`: the one teller of where a person stands in a programme and what is owed to them.

Pure: the same history gives the same decision, on any machine, for one person or for all.
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from screening.history.events import Event
from screening.protocols.call import call, inform, standing_in_call
from screening.protocols.decision import Closed, Decision, Obligation, Person
from screening.protocols.family import Family
from screening.protocols.fold import Fold, begin
from screening.protocols.kits import await_result, offer_kit
from screening.protocols.model import CALL, MissingLetter, Population, Protocol
from screening.protocols.sequence import valid_events
from screening.protocols.standing import Standing
from screening.vocabulary import ObligationKind, Status

# Letters and kits: what a person who wants no contact is not sent, and who has moved abroad cannot be.
_CALLING = frozenset({ObligationKind.INVITE, ObligationKind.REMIND, ObligationKind.DISPATCH_KIT})
_CONTACT = frozenset({*_CALLING, ObligationKind.FOLLOW_UP_LETTER, ObligationKind.REPLACE_KIT})
_NO_CONTACT = frozenset({"contact", "storage"})
_APPOINTMENTS = frozenset({ObligationKind.REFER, ObligationKind.ATTEND})
_PLANNED = frozenset({ObligationKind.REPEAT_TEST, ObligationKind.TEST_OF_CURE})


def decide(family: Family, person: Person, history: Sequence[Event], today: date) -> Decision:
    """Where a person stands on `today`, from everything recorded up to and occurred by that day.

    Never raises for any sequence of events whose words are in the vocabulary.
    """
    fold = begin(family, person)
    fold.walk(valid_events(history, today), today)
    stage = fold.stage
    if stage.name != CALL and stage.ends is None and not stage.defers and fold.gone is None:
        return _in_follow_up(fold, today)
    current = family.version(today, None).protocol
    if fold.gone is not None:
        decision = _answer(fold, current, Status.OUTSIDE, fold.gone, current.population.id)
    else:
        decision = _in_no_follow_up(fold, current, today)
    return _until(decision, family.next_version_on(today))


def _until(decision: Decision, changes_on: date | None) -> Decision:
    """Whom no follow-up holds to its version is decided again when another comes into force."""
    ahead = decision.next_action_on
    if changes_on is None or (ahead is not None and ahead <= changes_on):
        return decision
    return msgspec.structs.replace(decision, next_action_on=changes_on)


# -- follow-up ------------------------------------------------------------------------------------


def _in_follow_up(fold: Fold, today: date) -> Decision:
    protocol, stage = fold.version.protocol, fold.stage
    owed = fold.owed_now()
    obligations = [] if owed is None else [owed]
    closed: list[Closed] = []
    turns: list[date] = [] if fold.lapses_on is None else [fold.lapses_on]
    if owed is not None and stage.missing is not None:
        _missing_letter(fold, stage.missing, owed, today, obligations, closed, turns)
    if owed is not None and stage.no_show is not None:
        _no_show_letters(fold, owed, obligations, closed)
    obligations += fold.results
    if fold.opted_out & _NO_CONTACT:
        obligations = [one for one in obligations if one.kind not in _CONTACT]
    planned = owed.due_on if owed is not None and owed.kind in _PLANNED else None
    return _answer(
        fold, protocol, Status.IN_FOLLOW_UP, (fold.row.then.reason if fold.row else "") or stage.reason,
        fold.row.id if fold.row else stage.id,
        obligations=obligations, closed=closed, next_due_on=planned, turns=turns, today=today,
    )  # fmt: skip


def _missing_letter(
    fold: Fold, rule: MissingLetter, owed: Obligation, today: date,
    obligations: list[Obligation], closed: list[Closed], turns: list[date],
) -> None:  # fmt: skip
    """What is still missing long after it was due is asked for in a letter, at any age."""
    opens = rule.after.after(owed.due_on)
    subject = f"{owed.subject} missing"
    sent = next((one for one in fold.follow_up_letters if one.occurred_on >= opens), None)
    if sent is not None:
        closed.append(
            Closed(owed.episode, ObligationKind.FOLLOW_UP_LETTER, subject, sent.id, sent.occurred_on)
        )
    elif today < opens:
        turns.append(opens)
    else:
        obligations.append(
            Obligation(
                kind=ObligationKind.FOLLOW_UP_LETTER, subject=subject, episode=owed.episode, opened_on=opens,
                due_on=opens, rule=rule.id, letter=rule.letter,
            )
        )  # fmt: skip


def _no_show_letters(
    fold: Fold, owed: Obligation, obligations: list[Obligation], closed: list[Closed]
) -> None:
    """Who missed an appointment while it is still owed is written to, once for each missed."""
    rule = fold.stage.no_show
    entered = fold.entered_on
    for missed in fold.missed:
        day = missed.occurred_on
        elsewhere = missed.body.get("to") not in (None, owed.to)
        if rule is None or entered is None or day < entered or elsewhere or owed.kind not in _APPOINTMENTS:
            continue
        subject = f"{owed.subject} missed {day}"
        sent = next((one for one in fold.follow_up_letters if one.occurred_on >= day), None)
        if sent is not None:
            closed.append(
                Closed(owed.episode, ObligationKind.FOLLOW_UP_LETTER, subject, sent.id, sent.occurred_on)
            )
        else:
            obligations.append(
                Obligation(
                    kind=ObligationKind.FOLLOW_UP_LETTER, subject=subject, episode=owed.episode, opened_on=day,
                    due_on=day, rule=rule.id, letter=rule.letter,
                )
            )  # fmt: skip


# -- no follow-up ---------------------------------------------------------------------------------


def _in_no_follow_up(fold: Fold, protocol: Protocol, today: date) -> Decision:
    stage, rule = fold.stage, fold.row.id if fold.row else fold.stage.id
    if fold.ceased is not None:
        return _told(fold, protocol, Status.CEASED, fold.ceased, _ceasing_rule(fold, fold.ceased), today)
    if stage.ends is not None:
        return _told(fold, protocol, Status.CEASED, stage.ends, rule, today)
    enters, leaves = protocol.population.window(fold.person.born, fold.municipality)
    limb = _outside(fold, protocol.population, today, enters, leaves)
    if limb is not None:
        return _told(fold, protocol, Status.OUTSIDE, limb, protocol.population.id, today, enters)
    if stage.defers:
        turns = [leaves] if fold.lapses_on is None else [leaves, fold.lapses_on]
        return _told(
            fold, protocol, Status.DEFERRED, stage.reason, rule, today, *turns, next_due_on=fold.lapses_on
        )
    return _in_call(fold, protocol, enters, leaves, today)


def _outside(fold: Fold, population: Population, today: date, enters: date, leaves: date) -> str | None:
    """By which limb a person is not in the target population; None where they are."""
    if fold.person.sex not in population.sex and not (population.enrolment and fold.enrolled):
        return "sex"
    if population.born_since is not None and fold.person.born < population.born_since:
        return "born_before_programme"
    if today < enters:
        return "too_young"
    return "too_old" if today >= leaves else None


def _ceasing_rule(fold: Fold, reason: str) -> str:
    rule = fold.version.ceasing.get(reason)
    return rule.id if rule is not None else fold.version.protocol.population.id


def _told(
    fold: Fold, protocol: Protocol, status: Status, reason: str, rule: str, today: date, *turns: date,
    next_due_on: date | None = None,
) -> Decision:  # fmt: skip
    """Nothing is owed but the results that have not been told yet."""
    return _answer(
        fold, protocol, status, reason, rule, obligations=fold.results, turns=turns, today=today, next_due_on=next_due_on
    )  # fmt: skip


def _in_call(fold: Fold, protocol: Protocol, enters: date, leaves: date, today: date) -> Decision:
    rules = protocol.call
    standing = standing_in_call(fold, protocol, enters, today)
    standing.turns.append(leaves)
    for letter in rules.at_age:
        inform(fold, letter, standing, today)
    kit_near = False
    if rules.kits is not None:
        if rules.offer is not None:
            kit_near = offer_kit(fold, rules.offer, standing, today)
        await_result(fold, rules.kits, standing)
    call(fold, protocol, standing, today, kit_near=kit_near)
    return _called(fold, protocol, standing, today)


def _called(fold: Fold, protocol: Protocol, standing: Standing, today: date) -> Decision:
    obligations = standing.owed + fold.results
    reserved = sorted(fold.opted_out & protocol.call.stopped_by) if fold.opted_out else []
    deferred = fold.deferred if fold.deferred is not None and today < fold.deferred[0] else None
    if reserved or deferred:
        obligations = [one for one in obligations if one.kind not in _CALLING]
    calling = next((one.rule for one in obligations if one.kind in _CALLING), None)
    due, rule, next_due_on = standing.due, calling or standing.rule, standing.due
    if reserved:
        status, reason = Status.OPTED_OUT, reserved[0]
    elif deferred:
        status, reason = Status.DEFERRED, deferred[1]
        standing.turns.append(deferred[0])
    elif due is None and calling is None:
        status, reason, rule = _no_more_calls(protocol, standing)
    elif standing.declined:
        status, reason, next_due_on = Status.WAITING, "this call was declined", standing.next_call
    elif standing.invited:
        status, reason, next_due_on = Status.INVITED, "a call is open", standing.next_call
    elif calling is not None or (due is not None and due <= today):
        status, reason = Status.DUE, "a call is due"
    else:
        status, reason = Status.WAITING, (fold.row.then.reason if fold.row else "") or "up to date"
    if due is not None:
        standing.turns.append(due)
    open_call = due is not None and status in _OPEN_CALL
    return _answer(
        fold, protocol, status, reason, rule, obligations=obligations, closed=standing.closed,
        next_due_on=next_due_on, turns=standing.turns, today=today,
        episode=(fold.episodes + 1, due) if open_call else None,
    )  # fmt: skip


_OPEN_CALL = frozenset({Status.DUE, Status.INVITED})


def _no_more_calls(protocol: Protocol, standing: Standing) -> tuple[Status, str, str]:
    """Past the last call of a life: for good after the last round, else until the age ends it."""
    for limit in protocol.call.limits:
        if limit.id == standing.limit and limit.rounds is not None:
            return Status.CEASED, "all rounds done", limit.id
    return Status.WAITING, "no further call", standing.limit or standing.rule


def _answer(
    fold: Fold, protocol: Protocol, status: Status, reason: str, rule: str, *,
    obligations: Sequence[Obligation] = (), closed: Sequence[Closed] = (), next_due_on: date | None = None,
    turns: Sequence[date] = (), today: date | None = None, episode: tuple[int, date | None] | None = None,
) -> Decision:  # fmt: skip
    number, opened = episode or (fold.episodes, fold.episode)
    ahead = [day for day in turns if day > today] if today is not None else None
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
        settled=fold.settled,
        answered=(*fold.told, *closed),
        fired=fold.fired,
    )
