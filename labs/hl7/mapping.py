"""From an ORU^R01 to results. Where each thing is taken from:

- person: PID-3, the one repetition whose type is a national number (NNNOR, FNR, DNR, NI) or whose
  assigner is the register (OID 2.16.578.1.12.4.1.4.1 numbers of birth, .2 D-numbers)
- specimen: SPM-2 (filler, else placer); kit: SPM-2, where it is a kit's barcode
- taken: SPM-17, else OBR-7; by whom: a kit's at home, else SPM-4 or SPM-7
- test and findings: OBX-3 and OBX-5; status: OBX-11 with OBR-25

Each order ends with its SPM, as version 2.5 has it: it says what was examined and who took it, and that
the order is whole. Messages of versions that know no SPM are taken with OBR-3 and OBR-15.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from invitations.kits.barcode import is_barcode, resembles_barcode
from labs import codes
from labs.hl7.reader import Malformed, Message, Segment, read
from labs.observations import Observed, Specimen, contradicts_itself, results_of, sample_of
from labs.results import (
    DATA_TYPE,
    REQUIRED_MISSING,
    SEGMENT_SEQUENCE,
    TABLE_VALUE,
    LabResult,
    Reading,
    ResultStatus,
    Unusable,
    Verdict,
    judged,
    refused,
)
from screening.vocabulary import Sample, Test

_NUMBER_TYPES = frozenset({"NNNOR", "FNR", "DNR", "NI"})
_REGISTERS = frozenset({"2.16.578.1.12.4.1.4.1", "2.16.578.1.12.4.1.4.2"})
_STATUSES = {
    "F": ResultStatus.FINAL, "P": None, "I": None, "R": None, "S": None, "C": ResultStatus.CORRECTED,
    "X": ResultStatus.ENTERED_IN_ERROR, "D": ResultStatus.ENTERED_IN_ERROR, "W": ResultStatus.ENTERED_IN_ERROR,
}  # fmt: skip
_CODED = frozenset({"CWE", "CE", "CNE", "ST", "IS"})
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_WITHOUT_SPM = ("2.1", "2.2", "2.3", "2.4")
Order = Sequence[Segment]


def read_oru(raw: bytes, *, today: date) -> Reading:
    """What a message says, or why it cannot be taken; never raises."""
    try:
        message = read(raw)
    except Malformed as malformed:
        return refused(malformed.sender, malformed.control_id, malformed.fault)
    control_id = message.value(message.header, 10)
    try:
        reading = judged(message.sender, control_id, tuple(_results(message)), today=today)
    except Unusable as unusable:
        reading = Reading(message.sender, control_id, Verdict.ERROR, faults=(unusable.fault,))
    return msgspec.structs.replace(reading, processing=message.value(message.header, 11))


def _results(message: Message) -> list[LabResult]:
    person = _person(message)
    orders = list(_orders(message))
    results = [result for order in orders for result in _order_results(message, order, person)]
    if not results and not any(_is_preliminary(message, order) for order in orders):
        raise Unusable(REQUIRED_MISSING, "OBX", "no result in the message")
    return results


def _person(message: Message) -> str:
    patients = [segment for segment in message.segments if segment[0] == "PID"]
    if len(patients) != 1:
        raise Unusable(SEGMENT_SEQUENCE, "PID", f"{len(patients)} PID segments; expected one")
    numbers = {
        message.part(field, 1).strip()
        for field in message.repetitions(patients[0], 3)
        if message.part(field, 5) in _NUMBER_TYPES or message.part(field, 4, 2) in _REGISTERS
    } - {""}
    if len(numbers) != 1:
        told = f"{len(numbers)} national identity numbers; expected one, of type {', '.join(sorted(_NUMBER_TYPES))}"
        raise Unusable(REQUIRED_MISSING, "PID-3", told)
    return numbers.pop()


def _orders(message: Message) -> Iterator[Order]:
    """The segments of each order: an OBR with what follows it up to the next."""
    order: list[Segment] = []
    for segment in message.segments:
        if segment[0] == "OBR" and order:
            yield order
            order = []
        if segment[0] == "OBR" or order:
            order.append(segment)
    if order:
        yield order


def _order_results(message: Message, order: Order, person: str) -> Iterator[LabResult]:
    analysed = _day(message, order[0], 22) if message.value(order[0], 22) else None
    observed = list(_observed(message, order))
    return results_of(observed, person=person, specimen=_specimen(message, order), analysed_on=analysed)


def _observations(message: Message, order: Order) -> Iterator[tuple[Segment, list[str]]]:
    """Each OBX with the codes of what it observed, but for the narrative: it is kept with the message, and finds nothing."""
    for segment in order:
        if segment[0] == "OBX":
            told = [code for code, _ in message.codings(segment, 3)]
            if codes.NARRATIVE.isdisjoint(told):
                yield segment, told


def _observed(message: Message, order: Order) -> Iterator[Observed]:
    """The observations of this programme's tests, but for preliminary ones: their final result will come."""
    if not any(segment[0] == "OBX" for segment in order):
        raise Unusable(REQUIRED_MISSING, message.place(order[0]), "an order without an observation (OBX)")
    for segment, told in _observations(message, order):
        test, about = _observation(message, segment, told)
        status = _status(message, segment, order[0])
        if status == ResultStatus.ENTERED_IN_ERROR:
            yield Observed(test, about, None, status)
        elif status is not None:
            yield Observed(test, about, _word(message, segment, test, about), status)


def _is_preliminary(message: Message, order: Order) -> bool:
    return any(_status(message, segment, order[0]) is None for segment, _ in _observations(message, order))


def _observation(message: Message, segment: Segment, told: Sequence[str]) -> tuple[Test, str | None]:
    """The test, and the HPV type asked about, by the codes told."""
    known = next((codes.OBSERVATIONS[code] for code in told if code in codes.OBSERVATIONS), None)
    if known is None:
        named = ", ".join(code[:20] for code in told) or "none"
        raise Unusable(
            TABLE_VALUE, message.place(segment, 3), f"{named}: not an observation of this programme's"
        )
    return known


def _status(message: Message, segment: Segment, order: Segment) -> ResultStatus | None:
    """None: preliminary. What stands in an order that was corrected is a correction too."""
    ordered = message.value(order, 25)
    code = message.value(segment, 11) or ordered
    if code not in _STATUSES:
        told = f"status {code[:10]!r}; expected one of {', '.join(sorted(_STATUSES))}"
        raise Unusable(TABLE_VALUE, message.place(segment, 11), told)
    return ResultStatus.CORRECTED if (code, ordered) == ("F", "C") else _STATUSES[code]


def _word(message: Message, segment: Segment, test: Test, about: str | None) -> str | None:
    """Our word for OBX-5; None for a value that says only that the specimen could be read."""
    kind = message.value(segment, 2)
    if kind not in _CODED:
        told = f"type {kind[:10]!r}; expected a coded value (CWE)"
        raise Unusable(DATA_TYPE, message.place(segment, 2), told)
    if len(message.repetitions(segment, 5)) > 1:
        raise Unusable(DATA_TYPE, message.place(segment, 5), "more than one value; expected an OBX for each")
    values = message.codings(segment, 5)
    if any(code in codes.ADEQUATE for code, _ in values):
        return None
    word = next(filter(None, (codes.finding(test, code, system) for code, system in values)), None)
    if word is None:
        named = ", ".join(code[:20] for code, _ in values) or "none"
        told = f"{named}: not a value of {test} that is known here; codes are SNOMED CT or LOINC"
        raise Unusable(TABLE_VALUE, message.place(segment, 5), told)
    if contradicts_itself(about, word):
        told = f"{word} as the value of an observation of {about}"
        raise Unusable(TABLE_VALUE, message.place(segment, 5), told)
    return word


def _specimen(message: Message, order: Order) -> Specimen:
    obr, names = order[0], [segment[0] for segment in order]
    if "SPM" not in names and message.version.startswith(_WITHOUT_SPM):
        return _specimen_before_spm(message, obr)
    if names.count("SPM") != 1:
        told = f"{names.count('SPM')} SPM segments; each order ends with one, which says what was examined"
        raise Unusable(REQUIRED_MISSING, message.place(obr), told)
    spm = order[names.index("SPM")]
    if "OBX" in names[names.index("SPM") :]:
        raise Unusable(SEGMENT_SEQUENCE, message.place(spm), "an OBX after SPM; results stand before it")
    name, kit = _names(message, spm, obr)
    taken_on = _day(message, spm, 17) if message.value(spm, 17) else _taken_on(message, obr)
    return Specimen(name, taken_on, sample_of(_told(message, (spm, 4), (spm, 7)), kit), kit)


def _specimen_before_spm(message: Message, obr: Segment) -> Specimen:
    name = message.value(obr, 3) or message.value(obr, 2)
    if not name:
        raise Unusable(REQUIRED_MISSING, message.place(obr, 3), "no order number to tell the specimen by")
    return Specimen(name, _taken_on(message, obr), sample_of(_told(message, (obr, 15)), None))


def _told(message: Message, *places: tuple[Segment, int]) -> Sample | None:
    """Who took the specimen, where a code says it."""
    told = [code for place in places for code, _ in message.codings(*place)]
    return next((codes.SAMPLES[code] for code in told if code in codes.SAMPLES), None)


def _names(message: Message, spm: Segment, obr: Segment) -> tuple[str, str | None]:
    """The specimen's id, and the barcode of its kit."""
    field = next(iter(message.repetitions(spm, 2)), "")
    placer, filler = message.part(field, 1), message.part(field, 2)
    kit = next(filter(resembles_barcode, (placer, filler)), None)
    if kit is not None and not is_barcode(kit):
        raise Unusable(DATA_TYPE, message.place(spm, 2), f"kit barcode {kit[:20]!r} has a wrong check digit")
    name = filler or placer or message.value(obr, 3) or message.value(obr, 2)
    if not name:
        raise Unusable(
            REQUIRED_MISSING, message.place(spm, 2), "no specimen id, nor an order number in OBR-3"
        )
    return name, kit


def _taken_on(message: Message, obr: Segment) -> date:
    if not message.value(obr, 7):
        told = "no day on which the specimen was taken (SPM-17 or OBR-7)"
        raise Unusable(REQUIRED_MISSING, message.place(obr, 7), told)
    return _day(message, obr, 7)


def _day(message: Message, segment: Segment, field: int) -> date:
    """The civil day of an HL7 time, as the sender wrote it."""
    value = message.value(segment, field)
    day = _DAY.match(value)
    try:
        return date.fromisoformat("-".join(day.groups()) if day else "")
    except ValueError as error:
        told = f"{value[:24]!r} is not a day; expected YYYYMMDD"
        raise Unusable(DATA_TYPE, message.place(segment, field), told) from error
