"""The clinics' and the programme staff's doors."""

from datetime import date
from typing import Any

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from screening.followup.commands import Finding, Told, record_finding, record_findings
from screening.followup.queries import timeline, worklist
from screening.ledger.explain import explain_person
from screening.ledger.failsafe import Failsafe, check_failsafe
from screening.protocols.load import family
from screening.vocabulary import ObligationKind, Role
from screening.web import CallerRequest, Cursor, PathId, allow, commit, database_of, today_of

_MAX_PAGE = 5000


@get("/worklists/{kind:str}", **allow(Role.CLINICIAN, Role.PROGRAMME_STAFF))
async def get_worklist(
    request: CallerRequest,
    kind: FromPath[ObligationKind],
    programme: FromQuery[str],
    after: Cursor = 0,
    limit: Cursor = 500,
) -> dict[str, Any]:
    """Who is owed this, oldest obligation first."""
    size = max(1, min(limit, _MAX_PAGE))
    return await commit(
        request, lambda tx: worklist(tx, programme=programme, kind=kind, after=after, limit=size)
    )


@post("/findings", status_code=HTTP_201_CREATED, **allow(Role.CLINICIAN, Role.PROGRAMME_STAFF))
async def post_finding(request: CallerRequest, data: JSONBody[Finding]) -> Told:
    return await commit(request, lambda tx: record_finding(tx, finding=data))


@post("/findings/bulk", status_code=HTTP_200_OK, **allow(Role.CLINICIAN, Role.PROGRAMME_STAFF))
async def post_findings(request: CallerRequest, data: JSONBody[list[Finding]]) -> list[Told]:
    """Many at once; an answer for each, in order."""
    return await commit(request, lambda tx: record_findings(tx, findings=data))


@get("/people/{person:int}/timeline", **allow(Role.CLINICIAN, Role.PROGRAMME_STAFF))
async def get_timeline(request: CallerRequest, person: PathId) -> dict[str, Any]:
    return await commit(request, lambda tx: timeline(tx, person=person))


@get("/people/{person:int}/explain", **allow(Role.CLINICIAN, Role.PROGRAMME_STAFF))
async def get_explanation(
    request: CallerRequest,
    person: PathId,
    programme: FromQuery[str],
    known_on: FromQuery[date | None] = None,
) -> dict[str, Any]:
    """Why the person stands where they stand, as known on a day."""
    rules = family(programme)
    return await commit(
        request, lambda tx: explain_person(tx, person=person, family=rules, known_on=known_on)
    )


@get("/failsafe", **allow(Role.PROGRAMME_STAFF, Role.ADMINISTRATOR))
async def get_failsafe(request: CallerRequest, programme: FromQuery[str]) -> Failsafe:
    """Is anybody lost, is anything forgotten, and does what is stored follow from what happened?"""
    return await check_failsafe(
        database_of(request), family=family(programme), as_of=today_of(request), actor=request.user
    )


handlers = [get_worklist, post_finding, post_findings, get_timeline, get_explanation, get_failsafe]
