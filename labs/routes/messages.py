"""The laboratories' doors, and the desk where quarantined cases are looked at."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from labs.commands import close_case, list_cases, message_outcome, register_laboratory, rejudge_case
from labs.hl7.reader import MAX_BYTES
from labs.intake import Stored
from labs.json_results import PostedResult
from labs.results import DUPLICATE_KEY, Fault, Verdict
from labs.service import Laboratories
from screening.refusals import Conflict, NotAllowed, Refused
from screening.vocabulary import Role
from screening.web import CallerRequest, Cursor, PathId, allow, commit, takes

MAX_BULK = 64 * 1024 * 1024
_HL7, _NDJSON = "application/hl7-v2", "application/x-ndjson"
_MAX_PAGE = 1000
_State = Annotated[str, QueryParameter(name="state")]  # `state` alone is the framework's own word


def laboratories_of(request: CallerRequest) -> Laboratories:
    return request.app.state.laboratories


def own_laboratory(request: CallerRequest) -> str:
    """The laboratory the caller speaks for."""
    if not request.user.organisation:
        raise NotAllowed("laboratory_missing", "the token names no laboratory (claim `laboratory`)")
    return request.user.organisation


def visible_laboratory(request: CallerRequest) -> str | None:
    """Whose messages the caller may see: a laboratory its own; None: programme staff, everybody's."""
    return None if Role.PROGRAMME_STAFF in request.user.roles else own_laboratory(request)


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
    kind = Conflict if fault.code == DUPLICATE_KEY else Refused
    told = f"{fault.where}: {fault.message}; the message is kept as number {stored.id}"
    raise kind("message_refused", told, kept_as=stored.id, fault=fault.code)


@post(
    "/labs/results",
    status_code=HTTP_202_ACCEPTED,
    request_max_body_size=MAX_BYTES,
    **allow(Role.LABORATORY),
    **takes({"application/json": PostedResult}),
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
    media_type=_NDJSON,
    **allow(Role.LABORATORY),
    **takes({_NDJSON: {"type": "string"}}),
)
async def post_results(request: CallerRequest) -> Response[bytes]:
    """Results as NDJSON; the answer has a line for each line, in the same order."""
    running, laboratory = laboratories_of(request), own_laboratory(request)
    lines = [line for line in (await request.body()).split(b"\n") if line.strip()]
    taken = await running.take_many(lines, laboratory=laboratory, actor=request.user)
    answers = [msgspec.json.encode(_answer(stored)) for stored in taken]
    return Response(b"\n".join(answers) + b"\n", media_type=_NDJSON, status_code=HTTP_200_OK)


@post(
    "/labs/messages",
    status_code=HTTP_200_OK,
    request_max_body_size=MAX_BYTES,
    media_type=_HL7,
    **allow(Role.LABORATORY),
    **takes({_HL7: {"type": "string"}}),
)
async def post_message(request: CallerRequest) -> Response[bytes]:
    """An HL7 v2 message; the answer is its acknowledgement, whatever it says."""
    answer = await laboratories_of(request).take_hl7(
        await request.body(), actor=request.user, laboratory=own_laboratory(request)
    )
    return Response(answer, media_type=_HL7, status_code=HTTP_200_OK)


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
async def get_message(request: CallerRequest, message: PathId) -> dict[str, Any]:
    """What became of a message."""
    laboratory = visible_laboratory(request)
    return await commit(request, lambda tx: message_outcome(tx, message=message, laboratory=laboratory))


@get("/quarantine", **allow(Role.PROGRAMME_STAFF, Role.LABORATORY))
async def get_quarantine(
    request: CallerRequest, stands: _State = "open", after: Cursor = 0, limit: Cursor = 100
) -> list[dict[str, Any]]:
    """Messages that wait for somebody to look, oldest first."""
    laboratory, size = visible_laboratory(request), max(1, min(limit, _MAX_PAGE))
    return await commit(
        request, lambda tx: list_cases(tx, state=stands, laboratory=laboratory, after=after, limit=size)
    )


class Closing(msgspec.Struct, forbid_unknown_fields=True):
    state: Literal["resolved", "discarded"]
    note: str


@post("/quarantine/{case:int}/close", status_code=HTTP_200_OK, **allow(Role.PROGRAMME_STAFF))
async def post_close(request: CallerRequest, case: PathId, data: JSONBody[Closing]) -> dict[str, Any]:
    await commit(request, lambda tx: close_case(tx, case=case, state=data.state, note=data.note))
    return {"case": case, "state": data.state}


@post("/quarantine/{case:int}/rejudge", status_code=HTTP_202_ACCEPTED, **allow(Role.PROGRAMME_STAFF))
async def post_rejudge(request: CallerRequest, case: PathId) -> dict[str, Any]:
    await commit(request, lambda tx: rejudge_case(tx, case=case))
    laboratories_of(request).intake.arrived.set()
    return {"case": case}


handlers = [
    post_laboratory, post_result, post_results, post_message, get_message, get_quarantine, post_close, post_rejudge,
]  # fmt: skip
