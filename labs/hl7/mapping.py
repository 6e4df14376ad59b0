"""From an ORU^R01 to results. Where each thing is taken from:

- person: PID-3, the one repetition whose type is a national number (NNNOR, FNR, DNR, NI) or whose
  assigner is the register (OID 2.16.578.1.12.4.1.4.1 numbers of birth, .2 D-numbers)
- specimen: SPM-2 (filler), else OBR-3; kit: SPM-2 (placer), where it is a kit's barcode
- taken: SPM-17, else OBR-7; by whom: SPM-4 or SPM-7
- test and findings: OBX-3 and OBX-5; status: OBX-11, else OBR-25
"""

from collections.abc import Iterator, Sequence
from datetime import date

from invitations.kits.barcode import is_barcode
from labs import codes
from labs.hl7.reader import Malformed, Message, read
from labs.results import (
    DATA_TYPE,
    REQUIRED_MISSING,
    SEGMENT_SEQUENCE,
    TABLE_VALUE,
    Fault,
    LabResult,
    Reading,
    ResultStatus,
    Verdict,
    impossible,
)
from screening.vocabulary import Sample, Test

_NUMBER_TYPES = frozenset({"NNNOR", "FNR", "DNR", "NI"})
_REGISTERS = frozenset({"2.16.578.1.12.4.1.4.1", "2.16.578.1.12.4.1.4.2"})
_STATUSES = {
    "F": ResultStatus.FINAL, "P": None, "I": None, "R": None, "S": None, "C": ResultStatus.CORRECTED,
    "X": ResultStatus.ENTERED_IN_ERROR, "D": ResultStatus.ENTERED_IN_ERROR, "W": ResultStatus.ENTERED_IN_ERROR,
}  # fmt: skip
_STRENGTH = (ResultStatus.ENTERED_IN_ERROR, ResultStatus.CORRECTED, ResultStatus.FINAL)
Segments = Sequence[Sequence[str]]


class _Unusable(Exception):
    """The content cannot be used; carries the fault."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, where, message)


def read_oru(raw: bytes, *, today: date) -> Reading:
    """What a message says, or why it cannot be taken; never raises."""
    try:
        message = read(raw)
    except Malformed as malformed:
        return Reading(malformed.sender, malformed.control_id, Verdict.REJECTED, faults=(malformed.fault,))
    laboratory, control_id = message.value(message.header, 4), message.value(message.header, 10)
    try:
        results = tuple(_results(message))
    except _Unusable as unusable:
        return Reading(laboratory, control_id, Verdict.ERROR, faults=(unusable.fault,))
    faults = tuple(fault for result in results if (fault := impossible(result, today)) is not None)
    if not results:
        faults = (Fault(REQUIRED_MISSING, "OBX", "no result in the message"),)
    verdict = Verdict.ERROR if faults else Verdict.ACCEPTED
    return Reading(laboratory, control_id, verdict, results=() if faults else results, faults=faults)


def _results(message: Message) -> Iterator[LabResult]:
    person = _person(message)
    for group in _orders(message):
        yield from _order_results(message, group, person)


def _person(message: Message) -> str:
    patients = [segment for segment in message.segments if segment[0] == "PID"]
    if len(patients) != 1:
        raise _Unusable(SEGMENT_SEQUENCE, "PID", f"{len(patients)} PID segments; expected one")
    numbers = {
        message.part(field, 1).strip()
        for field in message.repetitions(patients[0], 3)
        if message.part(field, 5) in _NUMBER_TYPES or message.part(field, 4, 2) in _REGISTERS
    } - {""}
    if len(numbers) != 1:
        told = f"{len(numbers)} national identity numbers; expected one, of type {', '.join(sorted(_NUMBER_TYPES))}"
        raise _Unusable(REQUIRED_MISSING, "PID-3", told)
    return numbers.pop()


def _orders(message: Message) -> Iterator[Segments]:
    """The segments of each order: an OBR with what follows it up to the next."""
    group: list[Sequence[str]] = []
    for segment in message.segments:
        if segment[0] == "OBR" and group:
            yield group
            group = []
        if segment[0] == "OBR" or group:
            group.append(segment)
    if group:
        yield group


def _order_results(message: Message, group: Segments, person: str) -> Iterator[LabResult]:
    order = group[0]
    specimen, kit = _specimen(message, group)
    taken_on = _taken_on(message, group)
    observed = _observations(message, group)
    if not observed:
        return
    sample = _sample(message, group)
    analysed = message.value(order, 22)
    for test in dict.fromkeys(test for test, _, _, _ in observed):
        mine = [(about, word, status) for other, about, word, status in observed if other == test]
        statuses = {status for _, _, status in mine}
        pairs = [(about, word) for about, word, _ in mine if word]
        findings = (
            codes.hpv_findings(pairs) if test == Test.HPV else tuple(dict.fromkeys(word for _, word in pairs))
        )
        yield LabResult(
            person=person,
            specimen=specimen,
            taken_on=taken_on,
            test=test,
            findings=findings,
            sample=sample,
            kit=kit,
            status=next(status for status in _STRENGTH if status in statuses),
            analysed_on=_day(analysed, "OBR-22") if analysed else None,
        )


def _observations(message: Message, group: Segments) -> list[tuple[Test, str | None, str, ResultStatus]]:
    """(test, HPV type asked about, word, status) of each observation with a final status."""
    found: list[tuple[Test, str | None, str, ResultStatus]] = []
    for segment in group:
        if segment[0] != "OBX":
            continue
        code = message.value(segment, 3)
        known = codes.OBSERVATIONS.get(code)
        if known is None:
            if code in codes.NARRATIVE:
                continue
            raise _Unusable(TABLE_VALUE, "OBX-3", f"observation {code!r} is not one of this programme's")
        status = _status(message, segment, group[0])
        if status is None:
            continue  # preliminary: the final result will come
        word = "" if status == ResultStatus.ENTERED_IN_ERROR else _word(message, segment, known[0])
        if word is not None:
            found.append((*known, word, status))
    return found


def _status(message: Message, segment: Sequence[str], order: Sequence[str]) -> ResultStatus | None:
    code = message.value(segment, 11) or message.value(order, 25)
    if code not in _STATUSES:
        raise _Unusable(
            TABLE_VALUE, "OBX-11", f"status {code!r}; expected one of {', '.join(sorted(_STATUSES))}"
        )
    return _STATUSES[code]


def _word(message: Message, segment: Sequence[str], test: Test) -> str | None:
    """Our word for OBX-5; None for a value that says only that the specimen could be read."""
    if message.value(segment, 2) not in {"CWE", "CE", "CNE", "ST", "IS"}:
        raise _Unusable(
            DATA_TYPE, "OBX-2", f"type {message.value(segment, 2)!r}; expected a coded value (CWE)"
        )
    code = message.value(segment, 5)
    if code in codes.ADEQUATE:
        return None
    word = codes.finding(test, code, message.value(segment, 5, 3))
    if word is None:
        raise _Unusable(
            TABLE_VALUE, "OBX-5", f"value {code!r} of {test} is not known; codes are SNOMED CT or LOINC"
        )
    return word


def _specimen(message: Message, group: Segments) -> tuple[str, str | None]:
    kit: str | None = None
    specimen = ""
    for segment in (one for one in group if one[0] == "SPM"):
        placer, filler = message.part(_field(segment, 2), 1), message.part(_field(segment, 2), 2)
        specimen = filler or placer
        kit = placer if placer.startswith("NO") else None
    if kit is not None and not is_barcode(kit):
        raise _Unusable(DATA_TYPE, "SPM-2", f"kit barcode {kit!r} has a wrong check digit")
    specimen = specimen or message.value(group[0], 3) or message.value(group[0], 2)
    if not specimen:
        raise _Unusable(REQUIRED_MISSING, "SPM-2", "no specimen id, nor a filler order number in OBR-3")
    return specimen, kit


def _sample(message: Message, group: Segments) -> Sample:
    told = [message.value(segment, field) for segment in group if segment[0] == "SPM" for field in (4, 7)]
    named = [codes.SAMPLES[code] for code in told if code in codes.SAMPLES]
    return Sample.SELF if Sample.SELF in named else Sample.CLINICIAN


def _taken_on(message: Message, group: Segments) -> date:
    for segment, field in ((one, 17) for one in group if one[0] == "SPM"):
        if message.value(segment, field):
            return _day(message.value(segment, field), "SPM-17")
    if not message.value(group[0], 7):
        raise _Unusable(REQUIRED_MISSING, "OBR-7", "no day on which the specimen was taken (SPM-17 or OBR-7)")
    return _day(message.value(group[0], 7), "OBR-7")


def _field(segment: Sequence[str], number: int) -> str:
    return segment[number] if len(segment) > number else ""


def _day(value: str, where: str) -> date:
    """The civil day of an HL7 time, as the sender wrote it."""
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:8]))
    except ValueError as error:
        raise _Unusable(DATA_TYPE, where, f"{value[:24]!r} is not a day; expected YYYYMMDD") from error
