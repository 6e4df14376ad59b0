"""A single result as JSON, for laboratories and devices that speak neither HL7 nor FHIR."""

from datetime import date

import msgspec

from invitations.kits.barcode import is_barcode
from labs.observations import sample_of
from labs.results import (
    DATA_TYPE,
    MAX_ID,
    UNKNOWN_KEY,
    Fault,
    LabResult,
    Reading,
    ResultStatus,
    Verdict,
    is_id,
    judged,
    refused,
)
from screening.vocabulary import Sample, Test


class PostedResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One test of one specimen. `message_id` is the sender's own: the same id with the same content is
    the same message; `taken_on` is the day the specimen was taken; what came in a `kit` is self-taken.
    """

    message_id: str
    person: str
    specimen: str
    taken_on: date
    test: Test
    findings: list[str]
    sample: Sample = Sample.CLINICIAN
    kit: str | None = None
    status: ResultStatus = ResultStatus.FINAL
    analysed_on: date | None = None
    laboratory: str | None = None


_decoder = msgspec.json.Decoder(PostedResult)


def read_json(raw: bytes, *, laboratory: str, today: date) -> Reading:
    """What a posted result says, or why it cannot be taken; never raises.

    `laboratory`: who the caller is known to be; a result may only name that one.
    """
    try:
        posted = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refused(laboratory, _message_id(raw), Fault(DATA_TYPE, "body", str(error)))
    return read_posted(posted, laboratory=laboratory, today=today)


def read_posted(posted: PostedResult, *, laboratory: str, today: date) -> Reading:
    """The same of a result that is decoded already."""
    if not is_id(posted.message_id):
        told = f"expected 1 to {MAX_ID} printable characters"
        return refused(laboratory, posted.message_id, Fault(DATA_TYPE, "message_id", told))
    if posted.laboratory not in (None, laboratory):
        told = f"names another laboratory than {laboratory}, for which it is sent"
        return refused(laboratory, posted.message_id, Fault(UNKNOWN_KEY, "laboratory", told))
    result = LabResult(
        person=posted.person, specimen=posted.specimen, taken_on=posted.taken_on, test=posted.test,
        findings=tuple(posted.findings), sample=sample_of(posted.sample, posted.kit), kit=posted.kit,
        status=posted.status, analysed_on=posted.analysed_on,
    )  # fmt: skip
    fault = _wrong_kit(result)
    if fault is not None:
        return Reading(laboratory, posted.message_id, Verdict.ERROR, faults=(fault,))
    return judged(laboratory, posted.message_id, (result,), today=today)


def _wrong_kit(result: LabResult) -> Fault | None:
    if result.kit is None or is_barcode(result.kit):
        return None
    return Fault(DATA_TYPE, "kit", f"barcode {result.kit[:20]!r} has a wrong form or check digit")


def _message_id(raw: bytes) -> str:
    """The sender's id of a message that is otherwise wrong; empty where even that cannot be read."""
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return str(told.get("message_id", "")) if isinstance(told, dict) else ""
