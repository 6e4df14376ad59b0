"""The clinicians' doors: every protocol as a page to read, compare and answer for."""

from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from screening.protocols.book import book, diagram_of, markdown
from screening.protocols.difference import changed_rules
from screening.protocols.family import CompiledProtocol
from screening.protocols.load import family, installed_families
from screening.protocols.pages import page, svg
from screening.refusals import NotFound
from screening.rulebook.commands import activate_protocol
from screening.vocabulary import Role
from screening.web import CallerRequest, allow, commit

_STAFF = (
    Role.LABORATORY,
    Role.SCHEDULER,
    Role.CLINICIAN,
    Role.PROGRAMME_STAFF,
    Role.ANALYST,
    Role.ADMINISTRATOR,
)


@get("/protocols", sync_to_thread=False, **allow(*_STAFF))
def get_protocols() -> list[dict[str, Any]]:
    """Every version: from when it is in force, where, and how many of its rules nobody has verified."""
    return [
        _described(version) for one in installed_families().values() for version in reversed(one.versions)
    ]


def _described(version: CompiledProtocol) -> dict[str, Any]:
    protocol = version.protocol
    rules = protocol.rules()
    return {
        "id": protocol.id, "family": protocol.family, "title": protocol.title, "country": protocol.country,
        "programme": protocol.programme, "since": protocol.in_force.since, "until": protocol.in_force.until,
        "laboratories": sorted(protocol.in_force.laboratories), "rules": len(rules),
        "unverified": sum(not rule.verified for rule in rules), "book": f"/protocols/{protocol.id}",
    }  # fmt: skip


@get("/protocols/files", sync_to_thread=False, **allow(*_STAFF))
def get_protocol_files(request: CallerRequest) -> dict[str, Any]:
    """Whether the files as they are now are in use; `trouble` says why not, and the last good set is."""
    trouble: str | None = request.app.state.shelf.trouble
    return {"in_use": trouble is None, "trouble": trouble}


@get("/protocols/{version:str}", sync_to_thread=True, **allow(*_STAFF))
def get_protocol(
    version: FromPath[str],
    format: FromQuery[Literal["html", "md", "mermaid", "svg", "json"]] = "html",  # noqa: A002
) -> Response[Any]:
    """The book of one version; of a family, of its newest."""
    made = book(_version(version))
    match format:
        case "html":
            return Response(page(made), media_type=MediaType.HTML)
        case "md":
            return Response(markdown(made), media_type="text/markdown; charset=utf-8")
        case "mermaid":
            return Response(diagram_of(made), media_type="text/plain; charset=utf-8")
        case "svg":
            return Response(svg(diagram_of(made)), media_type="image/svg+xml")
        case "json":
            return Response(msgspec.to_builtins(made), media_type=MediaType.JSON)


def _version(name: str) -> CompiledProtocol:
    return family(name).versions[-1]


@get("/protocols/{version:str}/difference/{other:str}", sync_to_thread=False, **allow(*_STAFF))
def get_difference(version: FromPath[str], other: FromPath[str]) -> list[dict[str, Any]]:
    """Every rule that the other version states differently, in the words of the book."""
    return [msgspec.to_builtins(change) for change in changed_rules(_version(version), _version(other))]


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


@post("/protocols/{name:str}/activation", status_code=HTTP_200_OK, **allow(Role.ADMINISTRATOR))
async def post_activation(
    request: CallerRequest, name: FromPath[str], data: JSONBody[Answer]
) -> dict[str, list[str]]:
    """Answer for the rules of a programme that nobody has verified; the versions newly answered for."""
    families = installed_families()
    if name not in families:
        raise NotFound("protocol_unknown", f"no programme {name}; there are {', '.join(families)}")
    done = await commit(request, lambda tx: activate_protocol(tx, family=families[name], reason=data.reason))
    return {"activated": done}


handlers = [get_protocols, get_protocol_files, get_protocol, get_difference, post_activation]
