"""Every "no" as an RFC 9457 problem, in the same form whoever says it."""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from screening.refusals import Conflict, NotAllowed, NotFound, Refused

MEDIA = "application/problem+json"
_STATUS: Mapping[type[Refused], int] = {NotFound: 404, NotAllowed: 403, Conflict: 409}
_log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]


def problem(status: int, code: str, detail: str, **more: object) -> Response[bytes]:
    body = {
        "type": f"urn:screening:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
        **more,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA, headers=headers)


def refused(_request: AnyRequest, error: Refused) -> Response[bytes]:
    status = error.facts.get("status") or _STATUS.get(type(error), 422)
    facts = {name: str(value) for name, value in error.facts.items() if name != "status"}
    return problem(int(str(status)), error.code, error.message, **({"facts": facts} if facts else {}))


def http_error(_request: AnyRequest, error: HTTPException) -> Response[bytes]:
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
    return problem(error.status_code, code, str(error.detail), **({"faults": faults} if faults else {}))


def bug(_request: AnyRequest, error: Exception) -> Response[bytes]:
    """Anything else is our mistake: told in the log, not to the caller."""
    _log.exception("unexpected error", exc_info=error, level=logging.ERROR)
    return problem(500, "internal_error", "something went wrong here; nothing of this call was kept")


HANDLERS: dict[Any, Any] = {Refused: refused, HTTPException: http_error, Exception: bug}
