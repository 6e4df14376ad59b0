"""What clinics and staff tell of a person's way: referrals, appointments, treatment, decisions."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import msgspec

from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.people.queries import persons_by_national_id
from screening.protocols.load import family
from screening.refusals import Conflict, NotFound, Refused
from screening.storage.transaction import Transaction
from screening.vocabulary import LARGEST_BIGINT, EventKind, OptOutScope

Day = date  # `date` is also what a finding calls its own
TOLD = frozenset(
    {
        EventKind.REFERRED, EventKind.APPOINTMENT_BOOKED, EventKind.APPOINTMENT_MISSED, EventKind.APPOINTMENT_ATTENDED,
        EventKind.TREATED, EventKind.DIAGNOSED, EventKind.FOLLOW_UP_CLOSED, EventKind.DEFERRED, EventKind.CEASED,
        EventKind.REINSTATED, EventKind.OPTED_OUT, EventKind.OPTED_IN, EventKind.APPOINTMENT_CANCELLED,
        EventKind.DECLINED, EventKind.ENROLLED,
    }
)  # fmt: skip
_REASONS = {
    EventKind.FOLLOW_UP_CLOSED: frozenset(
        {"declined", "followed_elsewhere", "clinical_decision", "unreachable"}
    ),
    EventKind.DEFERRED: frozenset({"pregnant", "postpartum", "followed_elsewhere", "own_wish"}),
}


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happened. `reference` is the teller's own: told again it has no second effect.

    The person is named by `person`, our id, or by `national_id`.
    """

    programme: str
    kind: EventKind
    date: date
    reference: str
    person: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_BIGINT)] | None = None
    national_id: str | None = None
    to: str | None = None
    unit: str | None = None
    code: str | None = None
    scope: OptOutScope | None = None
    until: Day | None = None
    reason: str | None = None


class Told(msgspec.Struct, frozen=True):
    """`event` None: known already; with a `problem` too: known as something else."""

    reference: str
    event: int | None
    duplicate: bool
    problem: str | None = None


async def record_findings(tx: Transaction, *, findings: Sequence[Finding]) -> list[Told]:
    """Each is recorded or refused by itself, in the order given."""
    numbers = [one.national_id for one in findings if one.national_id]
    by_number = await persons_by_national_id(tx, numbers=numbers)
    born = {
        row["id"]: row["born"]
        for row in await tx.rows(
            "select id, born from person where id = any($1)",
            [one.person for one in findings if one.person is not None],
        )
    }
    told: list[Told | News] = []
    for one in findings:
        try:
            told.append(_news(one, tx, by_number, born))
        except Refused as refused:
            told.append(Told(one.reference, None, duplicate=False, problem=refused.message))
    news = [one for one in told if isinstance(one, News)]
    events = await append_events(tx, news=news)
    await tx.audit("recorded findings", persons=[one.person_id for one in news], facts={"count": len(news)})
    held = await _held(tx, news)
    answers: list[Told] = []
    for finding, one in zip(findings, told, strict=True):
        if isinstance(one, Told):
            answers.append(one)
        elif _says(one) != held[str(one.key)]:
            problem = (
                f"reference {finding.reference!r} was used for something else; tell this under one of its own"
            )
            answers.append(Told(finding.reference, None, duplicate=True, problem=problem))
        else:
            event = events.pop(str(one.key), None)
            answers.append(Told(finding.reference, event, duplicate=event is None))
    return answers


_HELD = "select key, person_id, kind, occurred_on, programme, body from event where key = any($1)"


async def _held(tx: Transaction, news: Sequence[News]) -> dict[str, tuple[object, ...]]:
    """What is recorded under these keys, by now."""
    rows = await tx.rows(_HELD, [one.key for one in news])
    return {str(row["key"]): tuple(row)[1:] for row in rows}


def _says(one: News) -> tuple[object, ...]:
    return one.person_id, one.kind, one.occurred_on, one.programme, msgspec.to_builtins(one.body)


async def record_finding(tx: Transaction, *, finding: Finding) -> Told:
    """One thing; refuses what cannot be."""
    (told,) = await record_findings(tx, findings=[finding])
    if told.problem is not None and told.duplicate:
        raise Conflict("reference_used", told.problem)
    if told.problem is not None:
        raise Refused("finding_refused", told.problem)
    return told


def _news(one: Finding, tx: Transaction, by_number: Any, births: Mapping[int, Day]) -> News:
    named_by_number = by_number.get(one.national_id)
    person = named_by_number.id if named_by_number else one.person
    born = named_by_number.born if named_by_number else births.get(one.person or 0)
    if person is None or born is None:
        raise NotFound("person_unknown", "names nobody in the register, by `person` or `national_id`")
    _refuse_unsound(one, born, tx.today)
    named = {name: getattr(one, name) for name in ("to", "unit", "code", "scope", "reason")}
    body = {name: value for name, value in named.items() if value is not None}
    if one.until is not None:
        body["until"] = one.until
    return News(
        person_id=person,
        kind=one.kind,
        occurred_on=one.date,
        source=tx.actor.organisation or tx.actor.subject,
        key=natural_key("finding", tx.actor.organisation or tx.actor.subject, one.reference),
        programme=one.programme,
        body=body,
    )


def _refuse_unsound(one: Finding, born: Day, today: date) -> None:
    if one.kind not in TOLD:
        raise Refused(
            "kind_not_told", f"{one.kind} is not told here; expected one of {', '.join(sorted(TOLD))}"
        )
    if one.date > today:
        raise Refused("impossible_date", f"{one.date} lies after today, {today}")
    if one.date < born:
        raise Refused("impossible_date", f"{one.date} lies before the birth of the person")
    rules = family(one.programme)
    reasons = rules.ceasing_reasons if one.kind == EventKind.CEASED else _REASONS.get(one.kind)
    if reasons is not None and one.reason not in reasons:
        raise Refused("reason_missing", f"{one.kind} needs a reason, one of {', '.join(sorted(reasons))}")
    codes = {EventKind.TREATED: rules.treatment_codes, EventKind.DIAGNOSED: rules.diagnosis_codes}.get(
        one.kind
    )
    if codes is not None and one.code not in codes:
        raise Refused("code_unknown", f"{one.kind} needs a code, one of {', '.join(sorted(codes))}")
    if one.kind == EventKind.DEFERRED and one.until is None:
        raise Refused("until_missing", "deferred needs `until`: nobody is put off for ever")
    if one.kind in (EventKind.OPTED_OUT, EventKind.OPTED_IN) and one.scope is None:
        raise Refused("scope_missing", f"{one.kind} needs a scope, one of {', '.join(OptOutScope)}")
