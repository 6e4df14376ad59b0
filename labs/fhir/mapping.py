"""From FHIR R4 to results: a Bundle, or a DiagnosticReport that contains or names what it reports.

- person: the one identifier of the Patient, or of `subject`, that is a national number
- specimen: Specimen.accessionIdentifier, else identifier; kit: an identifier that is a kit's barcode
- taken: Specimen.collection.collectedDateTime, else effectiveDateTime; by whom: a kit's at home, else Specimen.type
- test and findings: code and valueCodeableConcept of each Observation, of its components and of its members;
  status: the Observation's, else the report's
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from invitations.kits.barcode import is_barcode, resembles_barcode
from labs import codes
from labs.fhir.collection import Collection
from labs.fhir.identity import message_id, own_identifier
from labs.fhir.schema import entries, schema_fault
from labs.observations import Observed, Specimen, contradicts_itself, results_of, sample_of
from labs.results import (
    DATA_TYPE,
    MAX_ID,
    REQUIRED_MISSING,
    SEGMENT_SEQUENCE,
    TABLE_VALUE,
    UNSUPPORTED_TYPE,
    Fault,
    LabResult,
    Reading,
    ResultStatus,
    Unusable,
    Verdict,
    is_id,
    judged,
    refused,
)
from screening.vocabulary import Sample, Test

MAX_BYTES = 4 * 1024 * 1024
TYPES = ("Bundle", "DiagnosticReport")
_BUNDLES = ("transaction", "batch", "message", "collection")
_REGISTERS = frozenset({"urn:oid:2.16.578.1.12.4.1.4.1", "urn:oid:2.16.578.1.12.4.1.4.2"})
_STATUSES = {
    "final": ResultStatus.FINAL, "corrected": ResultStatus.CORRECTED, "amended": ResultStatus.CORRECTED,
    "appended": ResultStatus.CORRECTED, "entered-in-error": ResultStatus.ENTERED_IN_ERROR,
    "cancelled": ResultStatus.ENTERED_IN_ERROR,
}  # fmt: skip
_PRELIMINARY = frozenset({"registered", "partial", "preliminary"})
# What may come beside a report, is read where the report refers to it, and is not kept as a resource of its own.
_BESIDE = frozenset(
    {
        "Observation", "Specimen", "Patient", "ServiceRequest", "Organization", "Practitioner", "PractitionerRole",
        "Device", "Location", "Encounter", "MessageHeader", "Provenance",
    }
)  # fmt: skip
Resource = Mapping[str, Any]
Read = tuple[Resource | None, Observed]  # the specimen, and what was observed of it


def read_fhir(raw: bytes, *, laboratory: str, today: date, expected: Sequence[str] = TYPES) -> Reading:
    """What a resource says, or why it cannot be taken; never raises.

    A Bundle is one message: all of it is taken, or nothing. `expected`: the resource types that are taken here.
    """
    resource, fault = _decoded(raw, expected)
    if resource is None or fault is not None:
        told = fault or Fault(DATA_TYPE, "body", "expected a JSON object")
        return refused(laboratory, message_id(resource or {}, raw), told)
    control_id = message_id(resource, raw)
    if not is_id(control_id):
        told = f"expected at most {MAX_ID} printable characters"
        return refused(
            laboratory, control_id, Fault(DATA_TYPE, f"{resource['resourceType']}.identifier", told)
        )
    try:
        return judged(laboratory, control_id, tuple(_results(resource)), today=today)
    except Unusable as unusable:
        return Reading(laboratory, control_id, Verdict.ERROR, faults=(unusable.fault,))


def _decoded(raw: bytes, expected: Sequence[str]) -> tuple[Resource | None, Fault | None]:
    if len(raw) > MAX_BYTES:
        return None, Fault(DATA_TYPE, "body", f"{len(raw)} bytes; at most {MAX_BYTES} are taken")
    try:
        resource = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, Fault(DATA_TYPE, "body", f"not JSON: {error}")
    if not isinstance(resource, dict):
        return None, None
    kind = resource.get("resourceType")
    if kind not in expected:
        told = f"{str(kind)[:40]!r}; expected {' or '.join(expected)}"
        return resource, Fault(UNSUPPORTED_TYPE, "resourceType", told)
    if kind == "Bundle" and resource.get("type") not in _BUNDLES:
        told = f"{str(resource.get('type'))[:40]!r}; expected one of {', '.join(_BUNDLES)}"
        return resource, Fault(UNSUPPORTED_TYPE, "Bundle.type", told)
    return resource, schema_fault(resource)


def _results(resource: Resource) -> list[LabResult]:
    _judge_entries(resource)
    collection = Collection(resource)
    reached: set[int] = set()
    results: list[LabResult] = []
    for report in collection.reports:
        results += _report_results(collection, report, reached)
    for observation in collection.observations:
        if id(observation) not in reached:
            told = "an Observation that belongs to no DiagnosticReport here"
            raise Unusable(SEGMENT_SEQUENCE, collection.place(observation, "id"), told)
    if not results and not any(
        _is_preliminary(one) for one in (*collection.reports, *collection.observations)
    ):
        raise Unusable(REQUIRED_MISSING, "DiagnosticReport.result", "no result in the message")
    return results


def _is_preliminary(resource: Resource) -> bool:
    told = (resource, *(one for one in resource.get("contained", ()) if one["resourceType"] == "Observation"))
    return any(one.get("status") in _PRELIMINARY for one in told)


def _judge_entries(resource: Resource) -> None:
    for position, entry in enumerate(resource.get("entry", ())):
        method = entry.get("request", {}).get("method", "POST")
        if method not in ("POST", "PUT"):
            where = f"Bundle.entry[{position}].request.method"
            raise Unusable(UNSUPPORTED_TYPE, where, f"{method}; expected POST or PUT: results are taken here")
    for path, one in entries(resource):
        if one["resourceType"] != "DiagnosticReport" and one["resourceType"] not in _BESIDE:
            raise Unusable(UNSUPPORTED_TYPE, path, f"a {one['resourceType']} is not taken here")


def _report_results(collection: Collection, report: Resource, reached: set[int]) -> Iterator[LabResult]:
    observed = list(_observed(collection, report, reached))
    if report.get("status") in _PRELIMINARY or not observed:
        return
    person = _person(collection, report)
    analysed_on = _day(collection, report, "issued", report["issued"]) if report.get("issued") else None
    by_specimen: dict[int, tuple[Resource | None, list[Observed]]] = {}
    for specimen, one in observed:
        by_specimen.setdefault(id(specimen), (specimen, []))[1].append(one)
    for specimen, ones in by_specimen.values():
        examined = _specimen(collection, report, specimen)
        yield from results_of(ones, person=person, specimen=examined, analysed_on=analysed_on)


def _person(collection: Collection, report: Resource) -> str:
    subject = report.get("subject") or {}
    patient = collection.find(report, subject, "Patient") or {}
    told = [(one.get("system"), one.get("value")) for one in patient.get("identifier", ())]
    told += [(one.get("system"), one.get("value")) for one in [subject.get("identifier", {})]]
    told += [(system, value) for system, _, value in _conditional(subject.get("reference", ""))]
    numbers = {value for system, value in told if system in _REGISTERS and value}
    if len(numbers) != 1:
        count = f"{len(numbers)} national identity numbers"
        told = f"{count}; expected one, of system {', '.join(sorted(_REGISTERS))}"
        raise Unusable(REQUIRED_MISSING, collection.place(report, "subject"), told)
    return str(numbers.pop())


def _conditional(reference: str) -> list[tuple[str, str, str]]:
    """System and value of a reference by search, `Patient?identifier=system|value`."""
    kind, _, query = reference.partition("?")
    return (
        [value.partition("|") for value in parse_qs(query).get("identifier", ())] if kind == "Patient" else []
    )


def _specimen(collection: Collection, report: Resource, specimen: Resource | None) -> Specimen:
    held = specimen or {}
    identifiers = [one.get("value", "") for one in held.get("identifier", ())]
    accession = held.get("accessionIdentifier", {}).get("value", "")
    kit = next(filter(resembles_barcode, (*identifiers, accession)), None)
    if kit is not None and not is_barcode(kit):
        told = f"kit barcode {kit[:20]!r} has a wrong check digit"
        raise Unusable(DATA_TYPE, collection.place(held, "identifier"), told)
    own = next((value for value in identifiers if value and value != kit), None)
    name = accession or own or kit or own_identifier(report)
    if not name:
        told = "nothing to tell the specimen by: no Specimen, and the report has no identifier"
        raise Unusable(REQUIRED_MISSING, collection.place(report, "specimen"), told)
    return Specimen(name, _taken_on(collection, report, specimen), sample_of(_told(held), kit), kit)


def _told(specimen: Resource) -> Sample | None:
    """Who took the specimen, where a code says it."""
    told = [one.get("code", "") for one in specimen.get("type", {}).get("coding", ())]
    return next((codes.SAMPLES[code] for code in told if code in codes.SAMPLES), None)


def _taken_on(collection: Collection, report: Resource, specimen: Resource | None) -> date:
    collected = (specimen or {}).get("collection", {}).get("collectedDateTime")
    if specimen is not None and collected:
        return _day(collection, specimen, "collection.collectedDateTime", collected)
    if not report.get("effectiveDateTime"):
        told = "no day on which the specimen was taken"
        raise Unusable(REQUIRED_MISSING, collection.place(report, "effectiveDateTime"), told)
    return _day(collection, report, "effectiveDateTime", report["effectiveDateTime"])


def _day(collection: Collection, resource: Resource, element: str, value: str) -> date:
    """The civil day of a FHIR time, as the sender wrote it."""
    try:
        return date.fromisoformat(value[:10])
    except ValueError as error:
        told = f"{value[:40]!r} does not name a day; expected YYYY-MM-DD"
        raise Unusable(DATA_TYPE, collection.place(resource, element), told) from error


def _observed(collection: Collection, report: Resource, reached: set[int]) -> Iterator[Read]:
    """What a report says, but for preliminary observations: their final result will come."""
    specimens = [collection.needed(report, one, "Specimen", "specimen") for one in report.get("specimen", ())]
    for reference in report.get("result", ()):
        observation = collection.needed(report, reference, "Observation", "result")
        for one in _with_members(collection, observation, reached):
            final = _status(collection, report, one)
            if final is not None:
                examined = _examined(collection, one, specimens)
                yield from ((examined, said) for said in _said(collection, one, final))


def _with_members(collection: Collection, observation: Resource, reached: set[int]) -> Iterator[Resource]:
    """An observation and those it groups, each once."""
    waiting = [observation]
    while waiting:
        one = waiting.pop()
        if id(one) not in reached:
            reached.add(id(one))
            yield one
            members = one.get("hasMember", ())
            waiting += [
                collection.needed(one, member, "Observation", "hasMember") for member in reversed(members)
            ]


def _status(collection: Collection, report: Resource, observation: Resource) -> ResultStatus | None:
    """None: preliminary. What stands in a report that was corrected is a correction too."""
    told = (report.get("status"), observation.get("status"))
    of_report, of_observation = (_STATUSES.get(str(status)) for status in told)
    if of_report == ResultStatus.ENTERED_IN_ERROR:
        return of_report
    if _PRELIMINARY.intersection(told):
        return None
    if of_report is None or of_observation is None:
        where = collection.place(report if of_report is None else observation, "status")
        raise Unusable(TABLE_VALUE, where, "says nothing of the result; expected final or corrected")
    return of_report if of_observation == ResultStatus.FINAL else of_observation


def _examined(
    collection: Collection, observation: Resource, specimens: Sequence[Resource]
) -> Resource | None:
    """The specimen of an observation: its own, else the report's; None where neither has one."""
    if "specimen" in observation:
        return collection.needed(observation, observation["specimen"], "Specimen", "specimen")
    if len(specimens) > 1:
        told = f"the report has {len(specimens)} specimens; expected the one that was observed"
        raise Unusable(REQUIRED_MISSING, collection.place(observation, "specimen"), told)
    return specimens[0] if specimens else None


def _said(collection: Collection, observation: Resource, status: ResultStatus) -> Iterator[Observed]:
    """The value of an observation, and those of its components; a mere group has neither."""
    for part in _parts(collection, observation):
        test, about = _observation(part)
        withdrawn = status == ResultStatus.ENTERED_IN_ERROR
        yield Observed(test, about, None if withdrawn else _word(part, test, about), status)


def _parts(collection: Collection, observation: Resource) -> list["_Part"]:
    components = [
        _Part(collection.place(observation, f"component[{position}]"), component)
        for position, component in enumerate(observation.get("component", ()))
    ]
    has_value = any(name.startswith("value") for name in observation)
    if has_value or not (components or "hasMember" in observation):
        return [_Part(collection.place(observation), observation), *components]
    return components


class _Part(NamedTuple):
    """Something with a code and a value, and where it stands."""

    place: str
    content: Resource


def _codings(concept: Resource | None) -> Sequence[Resource]:
    return (concept or {}).get("coding", ())


def _named(codings: Sequence[Resource]) -> str:
    return ", ".join(str(coding.get("code"))[:20] for coding in codings) or "none"


def _observation(part: _Part) -> tuple[Test, str | None]:
    """The test, and the HPV type asked about."""
    told = _codings(part.content.get("code"))
    for coding in told:
        known = codes.OBSERVATIONS.get(coding.get("code", ""))
        if known is not None:
            return known
    raise Unusable(
        TABLE_VALUE, f"{part.place}.code", f"{_named(told)}: not an observation of this programme's"
    )


def _word(part: _Part, test: Test, about: str | None) -> str | None:
    """Our word for the value; None where it says only that the specimen could be read."""
    values = _codings(part.content.get("valueCodeableConcept"))
    if any(coding.get("code") in codes.ADEQUATE for coding in values):
        return None
    words = (codes.finding(test, coding.get("code", ""), coding.get("system")) for coding in values)
    word = next(filter(None, words), None)
    if word is None:
        told = f"{_named(values)}: not a value of {test} that is known here"
        raise Unusable(TABLE_VALUE, f"{part.place}.value", told)
    if contradicts_itself(about, word):
        told = f"{word} as the value of an observation of {about}"
        raise Unusable(TABLE_VALUE, f"{part.place}.value", told)
    return word
