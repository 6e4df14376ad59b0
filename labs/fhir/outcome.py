"""How the platform answers in FHIR: an OperationOutcome, or a Bundle of responses."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from labs.results import Fault, Reading, Verdict

MEDIA = "application/fhir+json"
# HL7 table 0357 -> FHIR's issue types
_ISSUES: Mapping[str, str] = {
    "100": "structure", "101": "required", "102": "value", "103": "code-invalid", "200": "not-supported",
    "201": "not-supported", "202": "not-supported", "203": "not-supported", "204": "security", "205": "conflict",
    "207": "exception",
}  # fmt: skip
_BY_STATUS: Mapping[int, str] = {
    401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 409: "conflict", 413: "too-long",
    415: "not-supported", 503: "transient",
}  # fmt: skip
Resource = dict[str, Any]


def outcome_of(reading: Reading, message: int) -> Resource:
    """What was wrong with a message, or that nothing was; and by which number it is kept."""
    kept = {"severity": "information", "code": "informational", "diagnostics": f"kept as message {message}"}
    return _outcome([*(_issue(fault) for fault in reading.faults), kept])


def problem_outcome(status: int, detail: str) -> Resource:
    """What was wrong with a call that brought no message."""
    code = _BY_STATUS.get(status, "exception" if status >= 500 else "invalid")
    return _outcome([{"severity": "error", "code": code, "diagnostics": detail}])


def _outcome(issues: Iterable[Mapping[str, object]]) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def _issue(fault: Fault) -> Resource:
    issue: Resource = {"severity": "error", "code": _ISSUES[fault.code], "diagnostics": fault.message}
    if fault.where[:1].isupper():  # a path into the resource
        return issue | {"expression": [fault.where]}
    return issue | {"diagnostics": f"{fault.where}: {fault.message}"}


def status_of(reading: Reading) -> int:
    """201 taken; 409 contradicts what was sent under this id; 422 cannot be used, and is kept all the same."""
    if reading.verdict == Verdict.ACCEPTED:
        return 201
    return 409 if reading.faults[0].code == "205" else 422


def entry_response(status: int, *, location: str | None = None, outcome: Resource | None = None) -> Resource:
    """The response to one entry of a Bundle."""
    response: Resource = {"status": f"{status} {HTTPStatus(status).phrase}"}
    if location is not None:
        response |= {"location": location, "etag": 'W/"1"'}
    return {"response": response | ({"outcome": outcome} if outcome else {})}


def transaction_response(resource: Mapping[str, Any], message: int) -> Resource:
    """For each entry of a transaction that was taken: reports are kept, what came beside them was read with them."""
    beside = {
        "severity": "information",
        "code": "informational",
        "diagnostics": f"read with message {message}",
    }
    responses: list[Resource] = []
    for position, entry in enumerate(resource.get("entry", ())):
        if entry.get("resource", {}).get("resourceType") == "DiagnosticReport":
            responses.append(entry_response(201, location=location_of(f"{message}-{position}")))
        else:
            responses.append(entry_response(202, outcome=_outcome([beside])))
    return response_bundle("transaction-response", responses)


def location_of(name: str) -> str:
    """Where a report can be read, from the base of the interface."""
    return f"DiagnosticReport/{name}/_history/1"


def response_bundle(kind: str, responses: Sequence[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(responses)}
