"""From FHIR R4 to results: a Bundle, or a DiagnosticReport that contains or names what it reports.

- person: the one identifier of the Patient, or of `subject`, that is a national number
- specimen: Specimen.accessionIdentifier, else identifier; kit: an identifier that is a kit's barcode
- taken: Specimen.collection.collectedDateTime, else effectiveDateTime; by whom: Specimen.type
- test and findings: Observation.code and valueCodeableConcept; status: Observation's, else the report's
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from invitations.kits.barcode import is_barcode
from labs import codes
from labs.fhir.schema import schema_fault
from labs.results import (
    DATA_TYPE,
    REQUIRED_MISSING,
    TABLE_VALUE,
    UNSUPPORTED_TYPE,
    Fault,
    LabResult,
    Reading,
    ResultStatus,
    Verdict,
    impossible,
)
from screening.vocabulary import Sample, Test

MAX_BYTES = 4 * 1024 * 1024
_REGISTERS = frozenset({"urn:oid:2.16.578.1.12.4.1.4.1", "urn:oid:2.16.578.1.12.4.1.4.2"})
_STATUSES = {
    "final": ResultStatus.FINAL, "corrected": ResultStatus.CORRECTED, "amended": ResultStatus.CORRECTED,
    "appended": ResultStatus.CORRECTED, "entered-in-error": ResultStatus.ENTERED_IN_ERROR,
    "cancelled": ResultStatus.ENTERED_IN_ERROR,
}  # fmt: skip
_PRELIMINARY = frozenset({"registered", "partial", "preliminary"})
_STRENGTH = (ResultStatus.ENTERED_IN_ERROR, ResultStatus.CORRECTED, ResultStatus.FINAL)
Resource = Mapping[str, Any]


class _Unusable(Exception):
    """The content cannot be used; carries the fault."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, where, message)


def read_fhir(raw: bytes, *, laboratory: str, today: date) -> Reading:
    """What a resource says, or why it cannot be taken; never raises.

    A Bundle is one message: all of it is taken, or nothing.
    """
    resource, fault = _decoded(raw)
    if resource is None or fault is not None:
        told = fault or Fault(DATA_TYPE, "body", "expected a JSON object")
        return Reading(laboratory, _message_id(resource or {}), Verdict.REJECTED, faults=(told,))
    message_id = _message_id(resource)
    try:
        if not message_id:
            raise _Unusable(
                REQUIRED_MISSING, "identifier", "neither identifier nor id; the sender's own is needed"
            )
        results = tuple(_results(resource))
    except _Unusable as unusable:
        return Reading(laboratory, message_id, Verdict.ERROR, faults=(unusable.fault,))
    complaints = [impossible(result, today) for result in results]
    faults = tuple(fault for fault in complaints if fault is not None)
    if not results:
        faults = (Fault(REQUIRED_MISSING, "DiagnosticReport.result", "no result in the message"),)
    verdict = Verdict.ERROR if faults else Verdict.ACCEPTED
    return Reading(laboratory, message_id, verdict, results=() if faults else results, faults=faults)


def _decoded(raw: bytes) -> tuple[Resource | None, Fault | None]:
    if len(raw) > MAX_BYTES:
        return None, Fault(DATA_TYPE, "body", f"{len(raw)} bytes; at most {MAX_BYTES} are taken")
    try:
        resource = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return None, Fault(DATA_TYPE, "body", f"not JSON: {error}")
    if not isinstance(resource, dict):
        return None, None
    kind = resource.get("resourceType")
    if kind not in ("Bundle", "DiagnosticReport"):
        return resource, Fault(
            UNSUPPORTED_TYPE, "resourceType", f"{kind!r}; expected Bundle or DiagnosticReport"
        )
    if kind == "Bundle" and resource.get("type") not in ("transaction", "batch", "message", "collection"):
        return resource, Fault(
            UNSUPPORTED_TYPE, "Bundle.type", f"{resource.get('type')!r}; expected transaction or batch"
        )
    return resource, schema_fault(resource)


def _message_id(resource: Resource) -> str:
    identifier = resource.get("identifier")
    first = identifier[0] if isinstance(identifier, list) and identifier else identifier
    value = first.get("value") if isinstance(first, dict) else None
    return str(value or resource.get("id") or "")


class _Collection:
    """The resources that come together, found by any of the names by which they refer to each other."""

    def __init__(self, resource: Resource) -> None:
        self._named: dict[str, Resource] = {}
        self.reports: list[Resource] = []
        if resource["resourceType"] == "Bundle":
            for entry in resource.get("entry", ()):
                self._add(entry.get("resource", {}), entry.get("fullUrl"))
        else:
            self._add(resource, None)

    def _add(self, resource: Resource, url: str | None) -> None:
        kind = resource.get("resourceType", "")
        for name in filter(None, (url, f"{kind}/{resource['id']}" if resource.get("id") else None)):
            self._named[name] = resource
        for contained in resource.get("contained", ()):
            self._named[f"{id(resource)}#{contained.get('id')}"] = contained
        if kind == "DiagnosticReport":
            self.reports.append(resource)

    def find(self, owner: Resource, reference: Resource | None) -> Resource | None:
        name = (reference or {}).get("reference", "")
        return self._named.get(f"{id(owner)}{name}" if name.startswith("#") else name)


def _results(resource: Resource) -> Iterator[LabResult]:
    collection = _Collection(resource)
    for report in collection.reports:
        if report.get("status") not in _PRELIMINARY:
            yield from _report_results(collection, report)


def _report_results(collection: _Collection, report: Resource) -> Iterator[LabResult]:
    person = _person(collection, report)
    specimen = collection.find(report, next(iter(report.get("specimen", ())), None)) or {}
    name, kit = _specimen(report, specimen)
    taken_on = _taken_on(report, specimen)
    observed = list(_observed(collection, report))
    for test in dict.fromkeys(test for test, _, _, _ in observed):
        mine = [(about, word, status) for other, about, word, status in observed if other == test]
        pairs = [(about, word) for about, word, _ in mine if word]
        statuses = {status for _, _, status in mine}
        yield LabResult(
            person=person,
            specimen=name,
            taken_on=taken_on,
            test=test,
            findings=codes.hpv_findings(pairs)
            if test == Test.HPV
            else tuple(dict.fromkeys(w for _, w in pairs)),
            sample=_sample(specimen),
            kit=kit,
            status=next(status for status in _STRENGTH if status in statuses),
            analysed_on=_day(report["issued"], "issued") if report.get("issued") else None,
        )


def _person(collection: _Collection, report: Resource) -> str:
    subject = report.get("subject") or {}
    patient = collection.find(report, subject) or {}
    identifiers = [
        *patient.get("identifier", ()),
        *([subject["identifier"]] if "identifier" in subject else []),
    ]
    numbers = {one.get("value") for one in identifiers if one.get("system") in _REGISTERS} - {None, ""}
    if len(numbers) != 1:
        told = f"{len(numbers)} national identity numbers; expected one, of system {', '.join(sorted(_REGISTERS))}"
        raise _Unusable(REQUIRED_MISSING, "DiagnosticReport.subject", told)
    return str(numbers.pop())


def _specimen(report: Resource, specimen: Resource) -> tuple[str, str | None]:
    identifiers = [one.get("value", "") for one in specimen.get("identifier", ())]
    kit = next((value for value in identifiers if value.startswith("NO")), None)
    if kit is not None and not is_barcode(kit):
        raise _Unusable(DATA_TYPE, "Specimen.identifier", f"kit barcode {kit[:20]!r} has a wrong check digit")
    accession = specimen.get("accessionIdentifier", {}).get("value")
    own = next((value for value in identifiers if value and value != kit), None)
    name = accession or own or kit or _message_id(report)
    return name, kit


def _sample(specimen: Resource) -> Sample:
    told = [one.get("code", "") for one in specimen.get("type", {}).get("coding", ())]
    return next((codes.SAMPLES[code] for code in told if code in codes.SAMPLES), Sample.CLINICIAN)


def _taken_on(report: Resource, specimen: Resource) -> date:
    value = specimen.get("collection", {}).get("collectedDateTime") or report.get("effectiveDateTime")
    if not value:
        raise _Unusable(REQUIRED_MISSING, "effectiveDateTime", "no day on which the specimen was taken")
    return _day(value, "effectiveDateTime")


def _day(value: str, where: str) -> date:
    try:
        return date.fromisoformat(value[:10])
    except ValueError as error:
        raise _Unusable(
            DATA_TYPE, where, f"{value[:40]!r} does not name a day; expected YYYY-MM-DD"
        ) from error


def _observed(
    collection: _Collection, report: Resource
) -> Iterator[tuple[Test, str | None, str, ResultStatus]]:
    for reference in report.get("result", ()):
        observation = collection.find(report, reference)
        if observation is None:
            raise _Unusable(
                REQUIRED_MISSING, "DiagnosticReport.result", f"{reference.get('reference')!r} is not here"
            )
        status = str(observation.get("status") or report.get("status"))
        if status in _PRELIMINARY:
            continue
        if report.get("status") == "entered-in-error" or status not in _STATUSES:
            status = str(report.get("status"))
        test, about = _observation(observation)
        final = _STATUSES.get(status)
        if final is None:
            raise _Unusable(TABLE_VALUE, "Observation.status", f"status {status!r} cannot be taken")
        if final == ResultStatus.ENTERED_IN_ERROR:
            yield test, about, "", final
        elif (word := _word(observation, test)) is not None:
            yield (
                test,
                about,
                word,
                _STATUSES.get(report.get("status", ""), final) if final == ResultStatus.FINAL else final,
            )


def _codings(concept: Resource | None) -> Sequence[Resource]:
    return (concept or {}).get("coding", ())


def _observation(observation: Resource) -> tuple[Test, str | None]:
    for coding in _codings(observation.get("code")):
        known = codes.OBSERVATIONS.get(coding.get("code", ""))
        if known is not None:
            return known
    told = ", ".join(str(coding.get("code")) for coding in _codings(observation.get("code"))) or "none"
    raise _Unusable(TABLE_VALUE, "Observation.code", f"{told}: not an observation of this programme's")


def _word(observation: Resource, test: Test) -> str | None:
    """Our word for the value; None where it says only that the specimen could be read."""
    values = _codings(observation.get("valueCodeableConcept"))
    for coding in values:
        if coding.get("code") in codes.ADEQUATE:
            return None
        word = codes.finding(test, coding.get("code", ""), coding.get("system"))
        if word is not None:
            return word
    told = ", ".join(str(coding.get("code")) for coding in values) or "none"
    raise _Unusable(TABLE_VALUE, "Observation.value", f"{told}: not a value of {test} that is known here")
