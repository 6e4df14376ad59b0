"""A laboratory's result as a value, whatever format it came in; and the reading of one message."""

from datetime import date
from enum import StrEnum

import msgspec

from screening.vocabulary import FINDINGS, Sample, Test


class ResultStatus(StrEnum):
    FINAL = "final"
    CORRECTED = "corrected"
    ENTERED_IN_ERROR = "entered_in_error"


class LabResult(msgspec.Struct, frozen=True, gc=False):
    """One test of one specimen. `taken_on`: the day the specimen was taken, which every interval counts from."""

    person: str
    specimen: str
    taken_on: date
    test: Test
    findings: tuple[str, ...]
    sample: Sample = Sample.CLINICIAN
    kit: str | None = None
    status: ResultStatus = ResultStatus.FINAL
    analysed_on: date | None = None
    country: str = "NO"


class Verdict(StrEnum):
    """What the sender is told, from the message alone (HL7 table 0008)."""

    ACCEPTED = "AA"  # we hold it, and will account for it
    ERROR = "AE"  # we hold it, but its content cannot be used; it waits in quarantine
    REJECTED = "AR"  # not a message we take, or contradicting one we hold; kept, without effect


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, where (`OBX[2]-5`, `Specimen.type`), and the code of HL7 table 0357 that says so."""

    code: str
    where: str
    message: str


class Reading(msgspec.Struct, frozen=True):
    """A message as understood: from whom, its own id, and its results or its faults.

    Accepted without results: it tells of preliminary ones only. `processing`: P production, T training,
    D debugging.
    """

    laboratory: str
    control_id: str
    verdict: Verdict
    results: tuple[LabResult, ...] = ()
    faults: tuple[Fault, ...] = ()
    processing: str = "P"


class Unusable(Exception):
    """The content of a message cannot be used; carries the fault."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, where, message)


SEGMENT_SEQUENCE, REQUIRED_MISSING, DATA_TYPE, TABLE_VALUE = "100", "101", "102", "103"
UNSUPPORTED_TYPE, UNSUPPORTED_EVENT, UNSUPPORTED_PROCESSING, UNSUPPORTED_VERSION = "200", "201", "202", "203"
UNKNOWN_KEY, DUPLICATE_KEY, INTERNAL = "204", "205", "207"
MAX_ID = 199  # characters of an id that a sender gives something: HL7's longest


def is_id(text: str) -> bool:
    """Whether this can be the id of something: printable, and of a length that can be stored and sent back."""
    return 0 < len(text) <= MAX_ID and text.isprintable()


def storable(reading: Reading) -> Reading:
    """The reading with ids and faults as they can be stored and sent back, also where the message is nonsense."""
    ids = (reading.laboratory, reading.control_id)
    told = (*ids, *(text for fault in reading.faults for text in (fault.where, fault.message)))
    if all(text.isprintable() for text in told) and max(map(len, ids)) <= MAX_ID:
        return reading
    return msgspec.structs.replace(
        reading,
        laboratory=_printable(reading.laboratory)[:MAX_ID],
        control_id=_printable(reading.control_id)[:MAX_ID],
        faults=tuple(
            Fault(one.code, _printable(one.where), _printable(one.message)) for one in reading.faults
        ),
    )


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def refused(laboratory: str, control_id: str, *faults: Fault) -> Reading:
    """A message that is not taken; what it says of itself is kept as far as it can be."""
    return Reading(laboratory, control_id, Verdict.REJECTED, faults=faults)


def judged(laboratory: str, control_id: str, results: tuple[LabResult, ...], *, today: date) -> Reading:
    """The reading of a message whose results could be read: all of them can be used, or none is."""
    faults = tuple(fault for result in results if (fault := impossible(result, today)) is not None)
    verdict = Verdict.ERROR if faults else Verdict.ACCEPTED
    return Reading(laboratory, control_id, verdict, results=() if faults else results, faults=faults)


def impossible(result: LabResult, today: date) -> Fault | None:
    """What can be seen to be wrong without asking the database; dates count from the specimen."""
    return _impossible_id(result) or _impossible_day(result, today) or _impossible_finding(result)


def _impossible_id(result: LabResult) -> Fault | None:
    for where, told in (("specimen id", result.specimen), ("person", result.person)):
        if not is_id(told):
            return Fault(DATA_TYPE, where, f"expected 1 to {MAX_ID} printable characters")
    return None


def _impossible_day(result: LabResult, today: date) -> Fault | None:
    if result.taken_on > today:
        return Fault(DATA_TYPE, "specimen date", f"taken on {result.taken_on}, after today, {today}")
    if result.analysed_on is not None and not result.taken_on <= result.analysed_on <= today:
        told = f"analysed {result.analysed_on}, not from {result.taken_on} to {today}"
        return Fault(DATA_TYPE, "analysis date", told)
    return None


def _impossible_finding(result: LabResult) -> Fault | None:
    unknown = sorted(set(result.findings) - FINDINGS[result.test])
    if unknown:
        told = ", ".join(word[:20] for word in unknown[:5])
        return Fault(TABLE_VALUE, "finding", f"{result.test} has no finding {told}")
    if not result.findings and result.status != ResultStatus.ENTERED_IN_ERROR:
        return Fault(REQUIRED_MISSING, "finding", f"no finding for {result.test}")
    if result.sample == Sample.SELF and result.test != Test.HPV:
        return Fault(TABLE_VALUE, "sample", f"a self-taken sample cannot have {result.test}; expected hpv")
    return None
