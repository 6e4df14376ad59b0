"""What becomes of a result, by what we know of its person, its kit and its specimen; a pure decision."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from invitations.kits.states import KitRow
from labs.results import LabResult, Reading, ResultStatus, Verdict
from screening.history.events import News, natural_key
from screening.people.model import PersonRow
from screening.vocabulary import EventKind, Sample, Test

Key = tuple[str, str, str]  # (laboratory, specimen, test)
APPLIED, KNOWN, QUARANTINED, REFUSED = "applied", "known", "quarantined", "refused"
# These wait for news of the same specimen, and are judged again when there is some.
WAITING = ("nothing_to_withdraw", "specimen_of_another")
# These may be mended without another word of the laboratory: a person or a kit comes later, a code is learnt.
MENDABLE = ("person_unknown", "kit_unknown", "unusable", "not_of_programme")
NOT_JUDGED = "not_judged"  # the case of a message that a fault of ours kept from being judged


class Said(msgspec.Struct, frozen=True):
    """What a result says that can change what follows from it."""

    findings: tuple[str, ...]
    taken_on: date
    sample: Sample


class Held(msgspec.Struct, frozen=True):
    """What we hold of one test of one specimen: the event in force, whose it is, and what it says.

    `said` None: withdrawn. `unseen`: it corrects an original that never came.
    """

    event: int
    holder: int
    said: Said | None
    analysed_on: date | None
    unseen: bool


class Knowledge(msgspec.Struct, frozen=True):
    """Everything that a judgement is made from.

    `findings`: the words of the programme, by test. `profiles`: laboratory -> profile. `settled`: (message,
    position) that became an event, was known, or whose case was discarded, before.
    """

    programme: str
    findings: Mapping[Test, frozenset[str]]
    people: Mapping[str, PersonRow]
    kits: Mapping[str, KitRow]
    held: Mapping[Key, Held]
    profiles: Mapping[str, str]
    settled: frozenset[tuple[int, int]]


class Told(msgspec.Struct, frozen=True):
    """One result of a message."""

    message: int
    position: int
    laboratory: str
    result: LabResult

    @property
    def key(self) -> Key:
        return (self.laboratory, self.result.specimen, str(self.result.test))


class Outcome(msgspec.Struct, frozen=True):
    """What became of one result (`position` -1: of the whole message); applied means that it is news.

    `holder`: the entry through which the life is read that the news belongs to.
    """

    message: int
    position: int
    outcome: str
    code: str = ""
    note: str | None = None
    told: Told | None = None
    news: News | None = None
    holder: int | None = None


def results_told(message: int, reading: Reading) -> list[Told]:
    return [Told(message, position, reading.laboratory, one) for position, one in enumerate(reading.results)]


def judge_message(message: int, reading: Reading, known: Knowledge) -> list[Outcome]:
    """An outcome for each result that has none yet, or one for the whole message."""
    if (message, -1) in known.settled:
        return []
    if reading.verdict != Verdict.ACCEPTED:
        fault = reading.faults[0]
        rejected = reading.verdict == Verdict.REJECTED
        outcome, code = (REFUSED, "refused") if rejected else (QUARANTINED, "unusable")
        return [Outcome(message, -1, outcome, code, f"{fault.where}: {fault.message}")]
    if not reading.results:
        return [Outcome(message, -1, KNOWN, note="preliminary; its final result is another message")]
    unsettled = (
        one for one in results_told(message, reading) if (message, one.position) not in known.settled
    )
    return [judge_result(one, known) for one in unsettled]


def judge_result(told: Told, known: Knowledge) -> Outcome:
    """News, known already, or a case that waits with its reason."""
    person = known.people.get(told.result.person)
    if person is None:
        note = "nobody in the register goes by the number of this result"
        return Outcome(told.message, told.position, QUARANTINED, "person_unknown", note, told)
    complaint = (
        _foreign(told.result, known)
        or _complaint(told.result, person)
        or _kit_complaint(told.result, person, known.kits)
    )
    if complaint is not None:
        return Outcome(told.message, told.position, QUARANTINED, *complaint, told)
    prior = known.held.get(told.key)
    if prior is not None and prior.said is None and prior.holder != person.holder_id:
        prior = None  # withdrawn from the wrong person; this is the right one's
    objection = _objection(told.result, person, prior)
    if objection is not None:
        return Outcome(told.message, told.position, *objection, told)
    unseen = prior is None and told.result.status == ResultStatus.CORRECTED
    note = "a correction of a result that we never had" if unseen else None
    news = _news(told, person, prior, known)
    return Outcome(told.message, told.position, APPLIED, "", note, told, news, person.holder_id)


def _foreign(result: LabResult, known: Knowledge) -> tuple[str, str] | None:
    """A result that no table of the programme reads would be applied and forgotten."""
    words = known.findings.get(result.test)
    if words is None:
        return "not_of_programme", f"{known.programme} knows no {result.test}"
    strange = sorted(set(result.findings) - words)
    if strange:
        return "not_of_programme", f"{result.test} of {known.programme} knows no {', '.join(strange)}"
    return None


def _complaint(result: LabResult, person: PersonRow) -> tuple[str, str] | None:
    """Why a result cannot be this person's: (code, sentence without the person's number)."""
    if result.taken_on < person.born:
        return "before_birth", f"specimen taken {result.taken_on}, before the person was born"
    if person.died_on is not None and result.taken_on > person.died_on:
        return "after_death", f"specimen taken {result.taken_on}, after the person died"
    return None


def _kit_complaint(
    result: LabResult, person: PersonRow, kits: Mapping[str, KitRow]
) -> tuple[str, str] | None:
    if result.kit is None:
        return None
    kit = kits.get(result.kit)
    if kit is None:
        return "kit_unknown", f"kit {result.kit} was not dispatched by this programme"
    if kit.holder_id != person.holder_id:
        return "kit_of_another", f"kit {result.kit} was sent to somebody else than the person of this result"
    if result.taken_on > kit.expires_on:
        return "kit_expired", f"kit {result.kit} expired {kit.expires_on}, sample taken {result.taken_on}"
    return None


def _objection(result: LabResult, person: PersonRow, prior: Held | None) -> tuple[str, str, str] | None:
    """Why a result is no news, by what we hold of its specimen: (outcome, code, note). None: it is news."""
    withdrawn = result.status == ResultStatus.ENTERED_IN_ERROR
    if prior is None:
        told = "withdraws a result that we never had"
        return (QUARANTINED, "nothing_to_withdraw", told) if withdrawn else None
    if prior.holder != person.holder_id:
        told = "a result of this specimen is in force for somebody else; withdraw that one first"
        return QUARANTINED, "specimen_of_another", told
    if prior.said == (None if withdrawn else said(result)):
        return KNOWN, "", "says what we know already"
    if result.status != ResultStatus.FINAL:
        return _out_of_order(result, prior)
    if prior.unseen:
        return KNOWN, "", "the original of a correction that came before it"
    told = (
        "this result was withdrawn" if prior.said is None else "another result of this specimen is in force"
    )
    return QUARANTINED, "contradicts", f"{told}; send a correction (status C)"


def _out_of_order(result: LabResult, prior: Held) -> tuple[str, str, str] | None:
    """A correction that was reported before what is in force must not replace it."""
    if result.analysed_on is None or prior.analysed_on is None or result.analysed_on >= prior.analysed_on:
        return None
    told = f"reported {result.analysed_on}; in force is what was reported {prior.analysed_on}"
    return QUARANTINED, "older_than_held", told


def said(result: LabResult) -> Said:
    return Said(result.findings, result.taken_on, result.sample)


def _news(told: Told, person: PersonRow, prior: Held | None, known: Knowledge) -> News:
    result = told.result
    body: dict[str, Any] = {
        "test": result.test, "sample": result.sample, "findings": list(result.findings), "lab": told.laboratory,
        "profile": known.profiles.get(told.laboratory), "specimen": result.specimen, "message": told.message,
    }  # fmt: skip
    more = {"kit": result.kit, "analysed_on": result.analysed_on}
    body |= {name: value for name, value in more.items() if value}
    if result.status != ResultStatus.FINAL:
        body["status"] = result.status
    withdrawn = result.status == ResultStatus.ENTERED_IN_ERROR
    return News(
        person_id=person.id,
        kind=EventKind.RESULT_WITHDRAWN if withdrawn else EventKind.TESTED,
        occurred_on=result.taken_on,
        source=f"laboratory {told.laboratory}",
        key=natural_key("result", told.laboratory, told.message, told.position),
        programme=known.programme,
        body=body,
        supersedes=prior.event if prior else None,
    )
