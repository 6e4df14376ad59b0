"""Every "no" as an RFC 9457 problem, in the same form whoever says it."""

import logging
from collections.abc import Mapping
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from labs.fhir.outcome import MEDIA as FHIR_MEDIA
from labs.fhir.outcome import problem_outcome
from screening.refusals import Conflict, NotAllowed, NotFound, Refused

MEDIA = "application/problem+json"
_RETRY_SECONDS = 5
_STATUS: Mapping[type[Refused], int] = {NotFound: 404, NotAllowed: 403, Conflict: 409}
_log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]


def problem(
    request: AnyRequest,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Response[bytes]:
    """In FHIR's own words where the call was FHIR."""
    told = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    told |= {"Retry-After": str(_RETRY_SECONDS)} if status == 503 else {}
    told |= headers or {}
    if request.url.path.startswith("/fhir/"):
        outcome = msgspec.json.encode(problem_outcome(status, detail))
        return Response(outcome, status_code=status, media_type=FHIR_MEDIA, headers=told)
    body = {
        "type": f"urn:screening:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        **more,
    }
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA, headers=told)


def refused(request: AnyRequest, error: Refused) -> Response[bytes]:
    status = error.facts.get("status") or _STATUS.get(type(error), 422)
    facts = {name: str(value) for name, value in error.facts.items() if name != "status"}
    return problem(
        request, int(str(status)), error.code, error.message, **({"facts": facts} if facts else {})
    )


def http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses: a wrong path, method, body or token. Values sent are not repeated."""
    words = {400: "bad_request", 401: "not_authenticated", 403: "not_allowed", 404: "not_found", 405: "method_not_allowed",
             413: "too_large", 415: "media_type_unknown"}  # fmt: skip
    faults: list[dict[str, str]] = []
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        faults = [
            {"where": str(one.get("key", "")), "message": str(one.get("message", ""))}
            for one in error.extra
            if isinstance(one, dict)
        ]
    code = words.get(error.status_code, "refused")
    more = {"faults": faults} if faults else {}
    detail = _too_large(request) if error.status_code == 413 else str(error.detail)
    return problem(request, error.status_code, code, detail, error.headers, **more)


def _too_large(request: AnyRequest) -> str:
    limit: int | None = request.route_handler.resolve_request_max_body_size()
    return f"the body is larger than the {limit or 0:,} bytes that are taken here; send it in parts"


def bug(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Anything else is our mistake: told in the log, not to the caller."""
    _log.exception("unexpected error", exc_info=error, level=logging.ERROR)
    return problem(request, 500, "internal_error", "something went wrong here; nothing of this call was kept")


def unstorable(request: AnyRequest, _error: asyncpg.PostgresError) -> Response[bytes]:
    """A text with NUL, or half of a character: no sender means it, and the database has no place for it."""
    return problem(request, 422, "text_unstorable", "a text holds a character that cannot be stored, as NUL")


def too_deep(request: AnyRequest, _error: RecursionError) -> Response[bytes]:
    """JSON nested so deep that it cannot be read is nobody's message."""
    return problem(request, 400, "too_deep", "the body is nested too deep to be read")


HANDLERS: dict[Any, Any] = {
    Refused: refused, HTTPException: http_error, asyncpg.CharacterNotInRepertoireError: unstorable,
    asyncpg.UntranslatableCharacterError: unstorable, RecursionError: too_deep, Exception: bug,
}  # fmt: skip
