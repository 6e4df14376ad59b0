"""The register's door, and finding a person."""

import tempfile
from typing import Any

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from screening.people.commands import FeedReport, Source, load_feed
from screening.people.feed import FeedFormat
from screening.people.queries import find_person, found, person_record
from screening.refusals import Refused
from screening.vocabulary import Role
from screening.web import CallerRequest, PathId, allow, commit, database_of, takes, today_of

MAX_FEED_BYTES = 512 * 1024 * 1024
_SHOWN = 100
_FORMATS = {
    "text/csv": FeedFormat.CSV,
    "application/x-ndjson": FeedFormat.NDJSON,
    "application/vnd.apache.parquet": FeedFormat.PARQUET,
}


class FeedAnswer(msgspec.Struct):
    """Counts of a feed, and its first rejections; all of them are kept with the file."""

    received: int
    applied: int
    unchanged: int
    rejected: int
    rejections: list[dict[str, Any]]


@post(
    "/people/feed",
    status_code=HTTP_200_OK,
    request_max_body_size=MAX_FEED_BYTES,
    **allow(Role.PROGRAMME_STAFF, Role.SCHEDULER, Role.ADMINISTRATOR),
    **takes({media: {"type": "string", "format": "binary"} for media in _FORMATS}),
)
async def post_feed(request: CallerRequest) -> FeedAnswer:
    """Take in a file of the register; `Content-Type` says which format it has."""
    content_type = request.content_type[0]
    form = _FORMATS.get(content_type)
    if form is None:
        raise Refused(
            "media_type_unknown",
            f"Content-Type {content_type or 'missing'}; expected one of {', '.join(_FORMATS)}",
            status=415,
        )
    source = Source(
        name=f"feed of {request.user.subject}",
        programmes=request.app.state.programmes,
        accept_synthetic=request.app.state.accept_synthetic,
    )
    # without a name on the disk: whatever happens, nobody finds a register there afterwards
    with tempfile.TemporaryFile() as file:
        async for piece in request.stream():
            file.write(piece)
        report = await load_feed(
            database_of(request), file=file, form=form, source=source, actor=request.user,
            today=today_of(request), most_told=_SHOWN,
        )  # fmt: skip
    return feed_answer(report)


def feed_answer(report: FeedReport) -> FeedAnswer:
    shown = [msgspec.to_builtins(one) for one in report.rejections]
    for one in shown:
        del one["raw"]  # it may hold a national identity number; the operator sees it with the file
    return FeedAnswer(report.received, report.applied, report.unchanged, report.rejected, shown)


class Search(msgspec.Struct, forbid_unknown_fields=True):
    """A person's number, in the body so that it stands in no URL and no log."""

    national_id: str
    country: str = "NO"


class Found(msgspec.Struct):
    person: int


@post(
    "/people/search",
    status_code=HTTP_200_OK,
    **allow(Role.CLINICIAN, Role.PROGRAMME_STAFF, Role.ADMINISTRATOR),
)
async def search_person(request: CallerRequest, data: JSONBody[Search]) -> Found:
    person = await commit(request, lambda tx: find_person(tx, number=data.national_id, country=data.country))
    return Found(person=found(person))


@get("/people/{person:int}", **allow(Role.CLINICIAN, Role.PROGRAMME_STAFF, Role.ADMINISTRATOR))
async def get_person(request: CallerRequest, person: PathId) -> dict[str, Any]:
    """What the register says of a person, without their numbers; the reading is audited."""
    return await commit(request, lambda tx: person_record(tx, person=person))


handlers = [post_feed, search_person, get_person]
