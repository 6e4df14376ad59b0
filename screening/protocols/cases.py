"""A case: a person, a history, a day, and what a guideline says should follow; also the tests' format."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from screening.history.events import Event
from screening.protocols import spelling, yaml12
from screening.protocols.decide import decide
from screening.protocols.decision import Decision, Obligation, Person
from screening.protocols.family import Family
from screening.refusals import Refused
from screening.vocabulary import Destination, EventKind, ObligationKind, OptOutScope, Sample, Sex, Status


class CasePerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`municipality` is a number; `county` how those of the county begin, or an area that a protocol names."""

    born: date
    sex: Sex
    resident_since: date | None = None
    municipality: str | int | None = None
    county: str | int | None = None


Day = date  # an entry has a field of the name `date`


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a case's history: a test with findings, or an event. `supersedes` counts from 1.

    What one test found stands in `findings`, as words or with its measures, or beside it: `spelling` says how.
    """

    date: Day
    test: str | None = None
    event: EventKind | None = None
    findings: Any = None
    sample: Sample = Sample.CLINICIAN
    lab: str | None = None
    recorded: Day | None = None
    analysed_on: Day | None = None
    supersedes: int | None = None
    to: Destination | None = None
    code: str | None = None
    scope: OptOutScope | None = None
    until: Day | None = None
    reason: str | None = None
    letter: str | None = None
    municipality: str | int | None = None
    county: str | int | None = None
    ug_per_g: float | None = None
    reader: str | int | None = None
    score: int | None = None
    side: str | None = None


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
    return [_one_case(case, _where(text, file, number, raw)) for number, case in enumerate(raw)]


def _where(text: str, file: str, number: int, raw: Sequence[object]) -> str:
    """Where a case stands, for a refusal; where a file holds several documents by its number alone."""
    case = raw[number]
    title = case.get("title") if isinstance(case, dict) else None
    line = yaml12.line_with(text, str(title), key="title") if title else 1
    return f"{file}:{line}: case {number + 1}"


def _one_case(raw: object, where: str) -> Case:
    try:
        case = msgspec.convert(raw, Case, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("case_malformed", f"{where}: {error}") from error
    for number, entry in enumerate(case.history, start=1):
        complaint = _unsound(entry, number)
        if complaint:
            raise Refused("case_malformed", f"{where}, history entry {number}: {complaint}")
    for wanted in case.expect.obligations or () if case.expect else ():
        unknown = sorted(wanted.keys() - _OBLIGATION_KEYS)
        if unknown or wanted.get("kind", ObligationKind.INVITE) not in set(ObligationKind):
            raise Refused(
                "case_malformed",
                f"{where}: expects an obligation {wanted}; keys are {', '.join(sorted(_OBLIGATION_KEYS))},"
                f" kinds {', '.join(ObligationKind)}",
            )
    return case


_OBLIGATION_KEYS = frozenset({"kind", "to", "subject", "opened_on", "due_on", "rule", "letter"})


def _unsound(entry: Entry, number: int) -> str | None:
    if (entry.test is None) == (entry.event is None):
        return "expected exactly one of `test` and `event`"
    if entry.supersedes is not None and not 0 < entry.supersedes < number:
        return f"supersedes {entry.supersedes}; expected the position, from 1, of an earlier entry"
    if entry.event == EventKind.DEFERRED and entry.until is None:
        return "deferred needs `until`"
    if entry.test is None:
        return "`findings` belong to a test" if entry.findings is not None else None
    return spelling.unsound(entry)


def decide_case(family: Family, case: Case) -> Decision:
    return decide(family, person_of(case), events_of(case), case.as_of)


def person_of(case: Case) -> Person:
    told = case.person
    return Person(
        born=told.born, sex=told.sex, resident_since=told.resident_since,
        municipality=str(told.municipality or told.county or ""),
    )  # fmt: skip


def events_of(case: Case) -> list[Event]:
    """The history as events: one a finding, but one a reading of a mammogram."""
    events: list[Event] = []
    of_entry: dict[int, list[int]] = {}
    for number, entry in enumerate(case.history, start=1):
        replaced = of_entry.get(entry.supersedes or 0, [])
        bodies = _bodies(entry)
        for place in range(max(len(bodies), len(replaced))):
            body = bodies[place] if place < len(bodies) else None
            supersedes = replaced[place] if place < len(replaced) else None
            events.append(_event(len(events) + 1, entry, body, supersedes))
            of_entry.setdefault(number, []).append(len(events))
    return events


def _bodies(entry: Entry) -> list[dict[str, Any]]:
    if entry.test is not None:
        common = {"sample": entry.sample, "profile": entry.lab, "analysed_on": entry.analysed_on}
        return [{**common, **body} for body in spelling.bodies(entry)]
    named = ("to", "code", "scope", "until", "reason", "letter")
    body: dict[str, Any] = {name: value for name in named if (value := getattr(entry, name)) is not None}
    if entry.municipality or entry.county:
        body["municipality"] = str(entry.municipality or entry.county)
    return [body]


def _event(number: int, entry: Entry, body: dict[str, Any] | None, supersedes: int | None) -> Event:
    """`body` None: of what is replaced more was said than is said now."""
    kind = EventKind.RESULT_WITHDRAWN if body is None else entry.event or EventKind.TESTED
    return Event(number, kind, entry.date, entry.recorded or entry.date, body or {}, supersedes)


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
