"""The laboratories' FHIR R4 interface: reports in, and what was taken to be read again."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from labs.commands import read_report
from labs.fhir.batch import batch_entries
from labs.fhir.mapping import MAX_BYTES
from labs.fhir.outcome import (
    MEDIA,
    entry_response,
    location_of,
    outcome_of,
    problem_outcome,
    response_bundle,
    status_of,
    transaction_response,
)
from labs.intake import Stored
from labs.results import Verdict
from labs.routes.messages import laboratories_of, own_laboratory
from screening.refusals import Refused
from screening.vocabulary import Role
from screening.web import PROBLEMS, CallerRequest, allow, anyone, commit, refusals, takes

_TAKEN = ("application/fhir+json", "application/json")
_GIVEN = frozenset({*_TAKEN, "application/*", "*/*", "json"})
_BASE = "/fhir/R4"
_OUTCOMES = refusals(dict[str, Any], MEDIA, (*PROBLEMS, 405, 406))


def _resource(kind: str) -> dict[str, Any]:
    """Enough of FHIR's schema for a description; the whole of it judges what comes."""
    return {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"enum": [kind]}}}


@post(
    _BASE,
    status_code=HTTP_200_OK,
    request_max_body_size=MAX_BYTES,
    media_type=MEDIA,
    **allow(Role.LABORATORY, refused=_OUTCOMES),
    **takes({media: _resource("Bundle") for media in _TAKEN}),
)
async def post_bundle(request: CallerRequest) -> Response[dict[str, Any]]:
    """A Bundle: of a transaction all is taken or nothing, of a batch each entry by itself."""
    _judge_media(request)
    raw = await request.body()
    entries = batch_entries(raw)
    laboratories, laboratory = laboratories_of(request), own_laboratory(request)
    if entries is not None:
        taken = await laboratories.take_fhir_batch(entries, laboratory=laboratory, actor=request.user)
        responses = [_batch_response(stored) for stored in taken]
        return _answer(HTTP_200_OK, response_bundle("batch-response", responses))
    stored = await laboratories.take_fhir(
        raw, laboratory=laboratory, actor=request.user, expected=("Bundle",)
    )
    if stored.reading.verdict != Verdict.ACCEPTED:
        return _answer(status_of(stored.reading), outcome_of(stored.reading, stored.id))
    bundle = msgspec.json.decode(raw)
    if bundle["type"] == "transaction":
        return _answer(HTTP_200_OK, transaction_response(bundle, stored.id))
    return _answer(HTTP_200_OK, outcome_of(stored.reading, stored.id))


def _batch_response(stored: Stored | None) -> dict[str, Any]:
    if stored is None:
        return entry_response(400, outcome=problem_outcome(400, "the entry brings no resource"))
    status = status_of(stored.reading)
    location = location_of(str(stored.id)) if stored.reading.verdict == Verdict.ACCEPTED else None
    return entry_response(status, location=location, outcome=outcome_of(stored.reading, stored.id))


@post(
    f"{_BASE}/DiagnosticReport",
    status_code=HTTP_201_CREATED,
    request_max_body_size=MAX_BYTES,
    media_type=MEDIA,
    **allow(Role.LABORATORY, refused=_OUTCOMES),
    **takes({media: _resource("DiagnosticReport") for media in _TAKEN}),
)
async def post_report(request: CallerRequest) -> Response[dict[str, Any]]:
    """A report with what it contains; the answer is what `Prefer: return=` asks for, by default the report."""
    _judge_media(request)
    raw = await request.body()
    stored = await laboratories_of(request).take_fhir(
        raw, laboratory=own_laboratory(request), actor=request.user, expected=("DiagnosticReport",)
    )
    status = status_of(stored.reading)
    if stored.reading.verdict != Verdict.ACCEPTED:
        return _answer(status, outcome_of(stored.reading, stored.id))
    headers = {"Location": f"{_BASE}/{location_of(str(stored.id))}", "ETag": 'W/"1"'}
    preferred = request.headers.get("prefer", "")
    if "return=minimal" in preferred:
        return cast(
            "Response[dict[str, Any]]", Response(b"", status_code=status, media_type=MEDIA, headers=headers)
        )
    if "return=OperationOutcome" in preferred:
        return _answer(status, outcome_of(stored.reading, stored.id), headers)
    return _answer(status, msgspec.json.decode(raw) | {"id": str(stored.id)}, headers)


@get(
    [f"{_BASE}/DiagnosticReport/{{report:str}}", f"{_BASE}/DiagnosticReport/{{report:str}}/_history/1"],
    media_type=MEDIA,
    **allow(Role.LABORATORY, refused=_OUTCOMES),
)
async def get_report(request: CallerRequest, report: FromPath[str]) -> Response[dict[str, Any]]:
    """A report as this laboratory sent it; the reading is audited."""
    laboratory = own_laboratory(request)
    resource = await commit(request, lambda tx: read_report(tx, name=report, laboratory=laboratory))
    return _answer(HTTP_200_OK, resource, {"ETag": 'W/"1"'})


@get(f"{_BASE}/metadata", media_type=MEDIA, sync_to_thread=False, **anyone())
def get_capabilities() -> Response[dict[str, Any]]:
    """What this FHIR interface can do."""
    statement = {
        "resourceType": "CapabilityStatement", "status": "active", "date": "2026-11-23", "kind": "instance",
        "implementation": {"description": "Results of laboratories for cancer screening"},
        "fhirVersion": "4.0.1", "format": ["json", MEDIA],
        "rest": [{
            "mode": "server",
            "security": {"description": "OAuth 2.0 bearer tokens of the programme's OIDC issuer"},
            "interaction": [{"code": "transaction"}, {"code": "batch"}],
            "resource": [{
                "type": "DiagnosticReport", "interaction": [{"code": "create"}, {"code": "read"}, {"code": "vread"}],
            }],
        }],
    }  # fmt: skip
    return _answer(HTTP_200_OK, statement)


def _answer(
    status: int, resource: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response[dict[str, Any]]:
    return Response(dict(resource), status_code=status, media_type=MEDIA, headers=dict(headers or {}))


def _judge_media(request: CallerRequest) -> None:
    """Both media types are taken, in both directions; XML is not."""
    sent = request.headers.get("content-type", MEDIA).split(";")[0].strip().lower()
    if sent not in _TAKEN:
        told = f"Content-Type {sent[:60]}; expected one of {', '.join(_TAKEN)}"
        raise Refused("media_type_unknown", told, status=415)
    accepted = {one.split(";")[0].strip().lower() for one in request.headers.get("accept", "*/*").split(",")}
    if not accepted & _GIVEN:
        raise Refused("not_acceptable", f"the answer is {MEDIA}, which Accept leaves out", status=406)


handlers = [post_bundle, post_report, get_report, get_capabilities]
