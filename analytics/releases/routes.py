"""Releases over HTTP: inside they are made and decided, outside everybody reads what is published."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.params import FromHeader, FromPath, FromQuery, HeaderParameter, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from analytics.disclosure.policy import installed
from analytics.live import held_of
from analytics.negotiation import chosen, unchanged
from analytics.releases.commands import decide_release, make_release
from analytics.releases.contents import USUAL, spec
from analytics.releases.described import alone, catalogue, dataset
from analytics.releases.forms import FORMS, table_as
from analytics.releases.make import freeze
from analytics.releases.queries import (
    File,
    open_file,
    published_releases,
    release_named,
    releases,
    sizes_of,
)
from analytics.releases.states import Record, ReleaseNews
from analytics.reports.words import Language, preferred
from screening.refusals import NotFound
from screening.storage.transaction import Transaction, system_actor
from screening.vocabulary import Role
from screening.web import (
    CallerRequest,
    PathId,
    Problem,
    allow,
    anyone,
    commit,
    database_of,
    gives,
    read,
    refusals,
    today_of,
)

_INTERNAL = (Role.PROGRAMME_STAFF, Role.ADMINISTRATOR)
_LINKED, _CSVW, _HTML = "application/ld+json", "application/csvm+json", "text/html"
_ASK = "public, no-cache"  # a release may be withdrawn: kept by anybody, but asked for again
_READER = system_actor("reader of what is published")
_Held = Annotated[str, HeaderParameter(name="If-None-Match")]
_OPEN: dict[str, Any] = anyone() | {
    "responses": {**refusals(Problem, "application/problem+json", (400, 404, 422, 503))}
}
_FILES = gives({media: {} for media in ("text/csv", "application/json", _CSVW, *FORMS.values())})


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """`tables`: strata separated by commas, each with all its margins."""

    programme: str
    period: str
    tables: list[str] = msgspec.field(default_factory=lambda: list(USUAL))


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """`reason` is needed to reject and to withdraw."""

    happened: ReleaseNews
    reason: str = ""


@read("/releases", **allow(*_INTERNAL))
async def get_releases(request: CallerRequest) -> list[Record]:
    """Every release and where it stands, the newest first."""
    return await commit(request, releases)


@post("/releases", **allow(*_INTERNAL))
async def post_release(request: CallerRequest, data: JSONBody[Wanted]) -> Record:
    """Freeze one as of now: counted, protected beside all that was published before, and compared with the last."""
    asked = spec(data.programme, data.period, data.tables)
    frozen = await freeze(
        database_of(request),
        (await held_of(request, anew=True)).dataset,
        asked,
        installed(),
        actor=request.user,
        today=today_of(request),
    )

    async def made(tx: Transaction) -> Record:
        return await release_named(tx, await make_release(tx, frozen=frozen))

    return await commit(request, made)


@read("/releases/{release:int}", **allow(*_INTERNAL))
async def get_release(request: CallerRequest, release: FromPath[PathId]) -> Record:
    """Where it comes from, and what became of it."""
    return await commit(request, lambda tx: release_named(tx, release))


@post("/releases/{release:int}/decisions", status_code=HTTP_200_OK, **allow(*_INTERNAL))
async def post_decision(
    request: CallerRequest, release: FromPath[PathId], data: JSONBody[Decision]
) -> Record:
    """Approve (not by who made it), publish, reject or withdraw."""
    return await commit(
        request,
        lambda tx: decide_release(tx, release=release, happened=data.happened, reason=data.reason),
    )


@read("/releases/{release:int}/files/{name:str}", **allow(*_INTERNAL), **_FILES)
async def get_draft(
    request: CallerRequest, release: FromPath[PathId], name: FromPath[str]
) -> Response[bytes]:
    """A file as it will be published, for whoever is to approve it."""
    return _sent(
        await commit(request, lambda tx: open_file(tx, release, name, published=False)), "", public=False
    )


@read("/published", **_OPEN, **gives({_LINKED: {}, _HTML: {}}))
async def get_catalogue(
    request: Request[Any, Any, State], accept: FromHeader[str] = "", lang: FromQuery[str] = ""
) -> Response[bytes]:
    """Everything published, as a DCAT catalogue (JSON-LD); as a page to a browser, `lang` nb or en."""
    published = await _read(request, published_releases)
    if chosen(accept, (_LINKED, _HTML)) == _HTML:
        return _sent_anew(await asyncio.to_thread(_page, published, lang, request), _HTML)
    told = catalogue(_base(request), [await _described(request, one) for one in published])
    return _sent_anew(msgspec.json.encode(told), _LINKED)


@read("/published/{release:int}", **_OPEN, **gives({_LINKED: {}}))
async def get_dataset(request: Request[Any, Any, State], release: FromPath[PathId]) -> Response[bytes]:
    """One published release, as the catalogue describes it."""
    published = await _read(request, published_releases)
    found = next((one for one in published if one.id == release), None)
    if found is None:
        told = f"release {release} is not published; see /published"
        raise NotFound("unknown_release", told, release=release)
    return _sent_anew(msgspec.json.encode(alone(await _described(request, found))), _LINKED)


async def _described(request: Request[Any, Any, State], one: Record) -> dict[str, Any]:
    sizes = await _read(request, lambda tx: sizes_of(tx, one.id))
    day = one.published_on or one.data_cut
    return dataset(_base(request), one.id, one.manifest, published=day, sizes=sizes)


def _base(request: Request[Any, Any, State]) -> str:
    return str(request.base_url).rstrip("/")


def _page(published: Sequence[Record], lang: str, request: Request[Any, Any, State]) -> bytes:
    # loaded when somebody looks: what draws pages takes longer to load than much of the platform
    from analytics.releases.listing import listing  # noqa: PLC0415

    known = Language(lang) if lang in set(Language) else preferred(request.headers.get("accept-language", ""))
    return listing(published, known).encode()


def _sent_anew(content: bytes, media: str) -> Response[bytes]:
    """What is published today, and perhaps not tomorrow: whoever keeps it must ask each time."""
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": _ASK}
    return Response(content, media_type=media, headers=headers)


@read("/published/{release:int}/{name:str}", **_OPEN, **_FILES)
async def get_published(
    request: Request[Any, Any, State],
    release: FromPath[PathId],
    name: FromPath[str],
    if_none_match: _Held = "",
) -> Response[bytes]:
    """A file of a published release; it never changes, and its ETag is its SHA-256.

    A table is there as CSV; with another ending it is made into Parquet or an Excel file.
    """
    stem, _, form = name.rpartition(".")
    kept = f"{stem}.csv" if form in FORMS else name
    file: File = await _read(request, lambda tx: open_file(tx, release, kept, published=True))
    return _sent(file if kept == name else _made(file, name, form), if_none_match, public=True)


def _made(table: File, name: str, form: str) -> File:
    content = table_as(form, table.content)
    return File(name, open=True, sha256=sha256(content).hexdigest(), content=content)


async def _read(request: Request[Any, Any, State], work: Any) -> Any:
    return await request.app.state.database.run(work, actor=_READER, today=request.app.state.clock.today())


def _sent(file: File, held: str, *, public: bool) -> Response[bytes]:
    tag = f'"{file.sha256}"'
    headers = {"ETag": tag, **({"Cache-Control": _ASK} if public else {})}
    if file.name.endswith(".csv"):
        stem = file.name.removesuffix(".csv")
        others = [f'<{stem}.{form}>; rel="alternate"; type="{media}"' for form, media in FORMS.items()]
        headers["Link"] = ", ".join([f'<csv-metadata.json>; rel="describedby"; type="{_CSVW}"', *others])
    if unchanged(held, tag):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(file.content, media_type=_media(file.name), headers=headers)


def _media(name: str) -> str:
    form = name.rpartition(".")[2]
    if form in FORMS:
        return FORMS[form]
    if name == "csv-metadata.json":
        return _CSVW
    return "text/csv" if name.endswith(".csv") else "application/json"


handlers = [
    get_releases,
    post_release,
    get_release,
    post_decision,
    get_draft,
    get_catalogue,
    get_dataset,
    get_published,
]
