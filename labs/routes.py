"""The laboratories' doors, and the desk where quarantined cases are looked at."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from labs.commands import close_case, list_cases, message_outcome, register_laboratory, rejudge_case
from labs.hl7.ack import acknowledge
from labs.hl7.reader import MAX_BYTES
from labs.intake import Stored
from labs.results import Fault, Reading, Verdict
from labs.service import Laboratories
from screening.refusals import Conflict, NotAllowed, Refused
from screening.vocabulary import Role
from screening.web import CallerRequest, allow, anyone, commit, today_of

MAX_FHIR = 4 * 1024 * 1024
MAX_BULK = 64 * 1024 * 1024
_HL7 = "application/hl7-v2"
_FHIR = "application/fhir+json"
_State = Annotated[str, QueryParameter(name="state")]  # `state` alone is the framework's own word


def laboratories_of(request: CallerRequest) -> Laboratories:
    return request.app.state.laboratories


def own_laboratory(request: CallerRequest) -> str:
    """The laboratory the caller speaks for."""
    if not request.user.organisation:
        raise NotAllowed("laboratory_missing", "the token names no laboratory (claim `laboratory`)")
    return request.user.organisation


class Answer(msgspec.Struct):
    """`message`: our id of it, by which `GET /labs/messages/{id}` tells what became of it."""

    message: int
    outcome: str
    duplicate: bool
    faults: list[Fault]


def _answer(stored: Stored) -> Answer:
    words = {Verdict.ACCEPTED: "stored", Verdict.ERROR: "quarantined", Verdict.REJECTED: "refused"}
    reading = stored.reading
    return Answer(stored.id, words[reading.verdict], stored.duplicate, list(reading.faults))


def _refuse_rejected(stored: Stored) -> Answer:
    reading = stored.reading
    if reading.verdict != Verdict.REJECTED:
        return _answer(stored)
    fault = reading.faults[0]
    kind = Conflict if fault.code == "205" else Refused
    told = f"{fault.where}: {fault.message}; the message is kept as number {stored.id}"
    raise kind("message_refused", told, message_id=stored.id, fault=fault.code)


@post(
    "/labs/results", status_code=HTTP_202_ACCEPTED, request_max_body_size=MAX_BYTES, **allow(Role.LABORATORY)
)
async def post_result(request: CallerRequest) -> Answer:
    """One result as JSON. 202: it is ours now; 409: its id was used for another."""
    running = laboratories_of(request)
    raw = await request.body()
    stored = await running.take_json(raw, laboratory=own_laboratory(request), actor=request.user)
    return _refuse_rejected(stored)


@post(
    "/labs/results/bulk",
    status_code=HTTP_200_OK,
    request_max_body_size=MAX_BULK,
    media_type="application/x-ndjson",
    **allow(Role.LABORATORY),
)
async def post_results(request: CallerRequest) -> Response[bytes]:
    """Results as NDJSON; the answer has a line for each line, in the same order."""
    running, laboratory = laboratories_of(request), own_laboratory(request)
    lines = [line for line in (await request.body()).splitlines() if line.strip()]
    taken = await running.take_many(lines, laboratory=laboratory, actor=request.user)
    answers = [msgspec.json.encode(_answer(stored)) for stored in taken]
    return Response(b"\n".join(answers) + b"\n", media_type="application/x-ndjson", status_code=HTTP_200_OK)


@post(
    "/labs/messages",
    status_code=HTTP_200_OK,
    request_max_body_size=MAX_BYTES,
    media_type=_HL7,
    **allow(Role.LABORATORY),
)
async def post_message(request: CallerRequest) -> Response[bytes]:
    """An HL7 v2 message; the answer is its acknowledgement, whatever it says."""
    running = laboratories_of(request)
    raw = await request.body()
    reading = running.read_hl7(raw)
    own = own_laboratory(request)
    if reading.laboratory and reading.laboratory != own:
        told = f"the token speaks for {own}, not for the sender of this message"
        refused = Reading(
            reading.laboratory, reading.control_id, Verdict.REJECTED, faults=(Fault("207", "MSH-4", told),)
        )
        return Response(
            acknowledge(refused, today=today_of(request)), media_type=_HL7, status_code=HTTP_200_OK
        )
    return Response(await running.take_hl7(raw, actor=request.user), media_type=_HL7, status_code=HTTP_200_OK)


@post(
    ["/fhir/R4", "/fhir/R4/DiagnosticReport"],
    status_code=HTTP_200_OK,
    request_max_body_size=MAX_FHIR,
    media_type=_FHIR,
    **allow(Role.LABORATORY),
)
async def post_fhir(request: CallerRequest) -> Response[bytes]:
    """A Bundle or a DiagnosticReport; the answer is an OperationOutcome, or a Bundle of responses."""
    running = laboratories_of(request)
    raw = await request.body()
    stored = await running.take_fhir(raw, laboratory=own_laboratory(request), actor=request.user)
    verdict = stored.reading.verdict
    status = {Verdict.ACCEPTED: 200, Verdict.ERROR: 202, Verdict.REJECTED: 422}[verdict]
    if stored.reading.faults and stored.reading.faults[0].code == "205":
        status = 409
    headers = {"Location": f"/labs/messages/{stored.id}", "ETag": f'W/"{stored.id}"'}
    body = msgspec.json.encode(operation_outcome(stored.reading))
    return Response(body, media_type=_FHIR, status_code=status, headers=headers)


def operation_outcome(reading: Reading) -> dict[str, Any]:
    """FHIR's way of saying what was wrong, or that nothing was."""
    issues = [
        {"severity": "error", "code": "invalid", "diagnostics": fault.message, "expression": [fault.where]}
        for fault in reading.faults
    ]
    fine = {"severity": "information", "code": "informational", "diagnostics": "stored"}
    return {"resourceType": "OperationOutcome", "issue": issues or [fine]}


@get("/fhir/R4/metadata", media_type=_FHIR, sync_to_thread=False, **anyone())
def get_capabilities() -> Response[bytes]:
    """What this FHIR interface can do."""
    statement = {
        "resourceType": "CapabilityStatement", "status": "active", "date": "2026-11-23", "kind": "instance",
        "fhirVersion": "4.0.1", "format": ["application/fhir+json"],
        "rest": [{
            "mode": "server",
            "interaction": [{"code": "transaction"}, {"code": "batch"}],
            "resource": [{"type": "DiagnosticReport", "interaction": [{"code": "create"}]}],
        }],
    }  # fmt: skip
    return Response(msgspec.json.encode(statement), media_type=_FHIR)


class NewLaboratory(msgspec.Struct, forbid_unknown_fields=True):
    """`code` is what it sends as MSH-4 and what its tokens claim; `profile`: how finely it tells HPV types."""

    code: str
    name: str
    profile: Literal["extended", "standard"]


@post("/labs", status_code=HTTP_200_OK, **allow(Role.ADMINISTRATOR))
async def post_laboratory(request: CallerRequest, data: JSONBody[NewLaboratory]) -> NewLaboratory:
    """From now on its messages are taken; registering again changes name and profile."""
    await commit(
        request,
        lambda tx: register_laboratory(tx, code=data.code, name=data.name, profile=data.profile),
    )
    return data


@get("/labs/messages/{message:int}", **allow(Role.LABORATORY, Role.PROGRAMME_STAFF))
async def get_message(request: CallerRequest, message: FromPath[int]) -> dict[str, Any]:
    """What became of a message."""
    return await commit(request, lambda tx: message_outcome(tx, message=message))


@get("/quarantine", **allow(Role.PROGRAMME_STAFF, Role.LABORATORY))
async def get_quarantine(
    request: CallerRequest, stands: _State = "open", after: FromQuery[int] = 0, limit: FromQuery[int] = 100
) -> list[dict[str, Any]]:
    """Messages that wait for somebody to look, oldest first."""
    return await commit(
        request, lambda tx: list_cases(tx, state=stands, after=after, limit=max(1, min(limit, 1000)))
    )


class Closing(msgspec.Struct, forbid_unknown_fields=True):
    state: Literal["resolved", "discarded"]
    note: str


@post("/quarantine/{case:int}/close", status_code=HTTP_200_OK, **allow(Role.PROGRAMME_STAFF))
async def post_close(request: CallerRequest, case: FromPath[int], data: JSONBody[Closing]) -> dict[str, Any]:
    await commit(request, lambda tx: close_case(tx, case=case, state=data.state, note=data.note))
    return {"case": case, "state": data.state}


@post("/quarantine/{case:int}/rejudge", status_code=HTTP_202_ACCEPTED, **allow(Role.PROGRAMME_STAFF))
async def post_rejudge(request: CallerRequest, case: FromPath[int]) -> dict[str, Any]:
    await commit(request, lambda tx: rejudge_case(tx, case=case))
    laboratories_of(request).intake.arrived.set()
    return {"case": case}


handlers = [
    post_laboratory, post_result, post_results, post_message, post_fhir, get_capabilities, get_message, get_quarantine,
    post_close, post_rejudge,
]  # fmt: skip
