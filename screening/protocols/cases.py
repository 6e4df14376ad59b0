"""A case: a person, a history, a day, and what a guideline says should follow; also the tests' format."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from screening.history.events import Event
from screening.protocols import yaml12
from screening.protocols.decide import decide
from screening.protocols.decision import Decision, Obligation, Person
from screening.protocols.family import Family
from screening.refusals import Refused
from screening.vocabulary import FINDINGS, EventKind, ObligationKind, OptOutScope, Sample, Sex, Status, Test


class CasePerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    born: date
    sex: Sex
    resident_since: date | None = None


Day = date  # an entry has a field of the name `date`


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a case's history: a test with findings, or an event. `supersedes` counts from 1."""

    date: Day
    test: Test | None = None
    event: EventKind | None = None
    findings: list[str] = []
    sample: Sample = Sample.CLINICIAN
    lab: str | None = None
    recorded: Day | None = None
    supersedes: int | None = None
    to: str | None = None
    code: str | None = None
    scope: OptOutScope | None = None
    until: Day | None = None
    reason: str | None = None
    letter: str | None = None


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is given is compared; `obligations` must be open (an empty list: none is), `never` must not."""

    status: Status | None = None
    reason: str | None = None
    next_due_on: date | msgspec.UnsetType | None = msgspec.UNSET
    obligations: list[dict[str, Any]] | None = None
    never: list[ObligationKind] = []
    rule: str | None = None
    protocol: str | None = None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    person: CasePerson
    as_of: date
    history: list[Entry] = []
    source: str | list[str] = ""
    expect: Expectation | None = None


def load_cases(text: str, *, file: str) -> list[Case]:
    """The cases of a file: one document, a list, or several documents; JSON is YAML too."""
    documents = yaml12.read_all(text, file=file)
    raw = [
        case for document in documents for case in (document if isinstance(document, list) else [document])
    ]
    return [_one_case(case, f"{file}, case {number}") for number, case in enumerate(raw, start=1)]


def _one_case(raw: object, where: str) -> Case:
    try:
        case = msgspec.convert(raw, Case, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("case_malformed", f"{where}: {error}") from error
    for number, entry in enumerate(case.history, start=1):
        complaint = _unsound(entry, number)
        if complaint:
            raise Refused("case_malformed", f"{where}, history entry {number}: {complaint}")
    return case


def _unsound(entry: Entry, number: int) -> str | None:
    if (entry.test is None) == (entry.event is None):
        return "expected exactly one of `test` and `event`"
    if entry.supersedes is not None and not 0 < entry.supersedes < number:
        return f"supersedes {entry.supersedes}; expected the position, from 1, of an earlier entry"
    if entry.test is not None:
        unknown = sorted(set(entry.findings) - FINDINGS[entry.test])
        if unknown:
            return f"{entry.test} has no finding {', '.join(unknown)}; there are {', '.join(sorted(FINDINGS[entry.test]))}"
    return None


def decide_case(family: Family, case: Case) -> Decision:
    person = Person(born=case.person.born, sex=case.person.sex, resident_since=case.person.resident_since)
    history = [_event(entry, number) for number, entry in enumerate(case.history, start=1)]
    return decide(family, person, history, case.as_of)


def _event(entry: Entry, number: int) -> Event:
    body: dict[str, Any]
    if entry.test is not None:
        body = {"test": entry.test, "sample": entry.sample, "findings": entry.findings, "profile": entry.lab}
    else:
        named = ("to", "code", "scope", "until", "reason", "letter")
        body = {name: value for name in named if (value := getattr(entry, name)) is not None}
    return Event(
        id=number,
        kind=entry.event or EventKind.TESTED,
        occurred_on=entry.date,
        recorded_on=entry.recorded or entry.date,
        body=body,
        supersedes=entry.supersedes,
    )


def disagreements(decision: Decision, expect: Expectation) -> list[str]:
    """Where the decision is not what was expected, one sentence each."""
    found: list[str] = []
    for name in ("status", "reason", "protocol"):
        wanted = getattr(expect, name)
        if wanted is not None and getattr(decision, name) != wanted:
            found.append(f"{name}: expected {wanted}, decided {getattr(decision, name)}")
    if expect.next_due_on is not msgspec.UNSET and decision.next_due_on != expect.next_due_on:
        found.append(f"next_due_on: expected {expect.next_due_on}, decided {decision.next_due_on}")
    if expect.rule is not None and expect.rule not in decisive_rules(decision):
        found.append(f"rule: expected {expect.rule}, decided by {', '.join(decisive_rules(decision))}")
    return found + _owed_differently(decision, expect)


def decisive_rules(decision: Decision) -> list[str]:
    """The rules this decision rests on: of the status, of the last finding, of everything owed."""
    last = [decision.trace[-1].rule] if decision.trace else []
    return list(dict.fromkeys([decision.rule, *last, *(one.rule for one in decision.obligations)]))


def _owed_differently(decision: Decision, expect: Expectation) -> list[str]:
    shown = [obligation_json(one) for one in decision.obligations]
    kinds = [str(one["kind"]) for one in shown]
    found = [f"obligations: {kind} is open and must not be" for kind in expect.never if kind in kinds]
    if expect.obligations == [] and shown:
        found.append(f"obligations: expected none, decided {', '.join(kinds)}")
    for wanted in expect.obligations or ():
        plain = msgspec.to_builtins(wanted)
        if not any(all(one.get(key) == value for key, value in plain.items()) for one in shown):
            found.append(f"obligations: expected {plain} to be open; open are {shown or 'none'}")
    return found


def obligation_json(one: Obligation) -> dict[str, Any]:
    shown = {"kind": one.kind, "to": one.to, "subject": one.subject, "opened_on": one.opened_on,
             "due_on": one.due_on, "rule": one.rule, "letter": one.letter}  # fmt: skip
    return {name: msgspec.to_builtins(value) for name, value in shown.items() if value is not None}


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision in the form that users read; see the interfaces' description."""
    episode = None
    if decision.episode_opened_on is not None:
        episode = {"number": decision.episode_number, "opened_on": decision.episode_opened_on.isoformat()}
    return {
        "protocol": decision.protocol,
        "status": str(decision.status),
        "reason": decision.reason,
        "rule": decision.rule,
        "next_due_on": msgspec.to_builtins(decision.next_due_on),
        "next_action_on": msgspec.to_builtins(decision.next_action_on),
        "episode": episode,
        "obligations": [obligation_json(one) for one in decision.obligations],
        "trace": [_step_json(step.date, step.rule, step.facts, step.source) for step in decision.trace],
    }


def _step_json(day: date, rule: str, facts: Mapping[str, str], source: Sequence[str]) -> dict[str, Any]:
    return {"date": day.isoformat(), "rule": rule, "facts": dict(facts), "source": ", ".join(source)}
