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
    """What is wrong, where, and the code of HL7 table 0357 that says so."""

    code: str
    where: str
    message: str


class Reading(msgspec.Struct, frozen=True):
    """A message as understood: from whom, its own id, and its results or its faults."""

    laboratory: str
    control_id: str
    verdict: Verdict
    results: tuple[LabResult, ...] = ()
    faults: tuple[Fault, ...] = ()


SEGMENT_SEQUENCE, REQUIRED_MISSING, DATA_TYPE, TABLE_VALUE = "100", "101", "102", "103"
UNSUPPORTED_TYPE, UNSUPPORTED_PROCESSING, UNSUPPORTED_VERSION = "200", "202", "203"
UNKNOWN_KEY, DUPLICATE_KEY, INTERNAL = "204", "205", "207"


def impossible(result: LabResult, today: date) -> Fault | None:
    """What can be seen to be wrong without asking the database; dates count from the specimen."""
    if result.taken_on > today:
        return Fault(DATA_TYPE, "specimen date", f"taken on {result.taken_on}, after today, {today}")
    if result.analysed_on is not None and not result.taken_on <= result.analysed_on <= today:
        return Fault(
            DATA_TYPE,
            "analysis date",
            f"analysed {result.analysed_on}, not from {result.taken_on} to {today}",
        )
    unknown = sorted(set(result.findings) - FINDINGS[result.test])
    if unknown:
        return Fault(TABLE_VALUE, "finding", f"{result.test} has no finding {', '.join(unknown)}")
    if not result.findings and result.status != ResultStatus.ENTERED_IN_ERROR:
        return Fault(REQUIRED_MISSING, "finding", f"no finding for {result.test}")
    if result.sample == Sample.SELF and result.test != Test.HPV:
        return Fault(TABLE_VALUE, "sample", f"a self-taken sample cannot have {result.test}; expected hpv")
    return None
