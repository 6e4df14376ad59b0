"""Indicators over HTTP. Counts only: no route here answers with a person."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Response
from litestar.params import FromHeader, FromPath, FromQuery, HeaderParameter, QueryParameter
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from analytics.answers.analysts import Cut, cut_of
from analytics.disclosure.cells import definition_digest
from analytics.disclosure.policy import Audience, Measures, installed
from analytics.indicators.catalogue import CATALOGUE, NO_CERVICAL, no_such
from analytics.indicators.catalogue import indicator as definition
from analytics.indicators.describe import described
from analytics.indicators.engine import Question, question
from analytics.indicators.kept import Kept
from analytics.indicators.period import Period, last_whole_year
from analytics.indicators.period import period as period_named
from analytics.indicators.seen import Seen
from analytics.live import held_of
from analytics.negotiation import chosen, unchanged
from analytics.parameters import refuse_others
from analytics.reports.formats import Format, format_named, render
from screening.refusals import NotAllowed, Refused
from screening.vocabulary import Role
from screening.web import (
    PROBLEMS,
    CallerRequest,
    Problem,
    allow,
    database_of,
    gives,
    read,
    refusals,
    today_of,
)

_INTERNAL = (Role.PROGRAMME_STAFF, Role.ADMINISTRATOR)
_READERS = (*_INTERNAL, Role.ANALYST)
_MEDIA: Mapping[Format, str] = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.stream",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.TABLE: "text/plain",
    Format.HTML: "text/html",
}
_FormatName = Annotated[str | None, QueryParameter(name="format")]
_Held = Annotated[str, HeaderParameter(name="If-None-Match")]
_PARAMETERS = ("programme", "period", "by", "ids", "county", "lab", "unit", "format")
_VARY = {"Vary": "Accept, Authorization, Cookie"}
_PRIVATE = {"Cache-Control": "private, no-cache"}  # kept by the caller, but asked for again


@read(
    "/indicators",
    summary="Definitions; with `programme` or `period` their results",
    **allow(*_READERS, refused={**PROBLEMS, **refusals(Problem, "application/problem+json", (406,))}),
    **gives({media: {} for media in _MEDIA.values()}),
)
async def list_indicators(
    request: CallerRequest,
    programme: FromQuery[str | None] = None,
    period: FromQuery[str | None] = None,
    by: FromQuery[str] = "",
    ids: FromQuery[str] = "",
    county: FromQuery[str | None] = None,
    lab: FromQuery[str] = "",
    unit: FromQuery[str] = "",
    form: _FormatName = None,
    accept: FromHeader[str] = "",
    if_none_match: _Held = "",
) -> Response[Any]:
    """`by` and `ids` are lists separated by commas; `period` is by default the last whole year.

    `county`, `lab` and `unit` narrow it down to one, by the names that the dashboard shows.

    `denominator` counts person-days where the unit is per person-years; the table and the page tell years.

    JSON, CSV, Parquet, an Arrow stream, Excel, a plain table or the HTML page, as the Accept header (or `format`)
    asks. The ETag changes with the data, the definitions and the question; send it back as If-None-Match,
    and what has not changed is answered 304. Analysts are told no small numbers, and others rounded:
    `hidden` says so.
    """
    refuse_others(request.query_params.multi_items(), _PARAMETERS, lists=("by", "ids"))
    if programme is None and period is None:
        return Response([described(of) for offered in CATALOGUE.values() for of in offered.values()])
    when = _period(request, period)
    narrowed = {name: word for name, word in (("lab", lab), ("unit", unit)) if word}
    asked = question(
        programme or NO_CERVICAL, when, by=_words(by), ids=_words(ids), county=county, where=narrowed
    )
    wanted = _format(form, accept)
    measures = _measures(request)
    found = await _counted(request, measures)
    tag = _etag(found.mark, asked, wanted, measures)
    headers = {"ETag": tag, "Data-Cut": found.kept.dataset.manifest.data_cut.isoformat(), **_VARY, **_PRIVATE}
    if unchanged(if_none_match, tag):
        return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    if narrowed:
        await asyncio.to_thread(_refuse_unseen, found.kept.seen, asked.programme, narrowed)
    return Response(await found.content(asked, wanted), media_type=_MEDIA[wanted], headers=headers)


def _refuse_unseen(seen: Callable[[str], Seen], programme: str, narrowed: Mapping[str, str]) -> None:
    """Refuses, naming the nearest, a laboratory or unit that no event of the programme names."""
    known = seen(programme)
    for name, word in narrowed.items():
        if word not in known[name]:
            raise no_such("unknown_filter", name, word, known[name], filter=name)


class _Counted(NamedTuple):
    """What a caller is answered of. `mark`: equal where the answers are."""

    mark: tuple[object, ...]
    kept: Kept
    content: Callable[[Question, Format], Awaitable[bytes | str]]


async def _counted(request: CallerRequest, measures: Measures | None) -> _Counted:
    if measures is None:
        held = await held_of(request)
        return _Counted(held.mark, held.kept, partial(_as_it_is, held.kept))
    cut = await cut_of(request, measures)
    return _Counted((cut.kept.id,), cut.counts, partial(_told, request, cut))


async def _as_it_is(kept: Kept, asked: Question, wanted: Format) -> bytes | str:
    if wanted == Format.HTML:
        return await _page(kept, asked)
    return await asyncio.to_thread(lambda: render(kept.answer(asked), wanted))


async def _told(request: CallerRequest, cut: Cut, asked: Question, wanted: Format) -> bytes:
    if wanted == Format.HTML:
        raise NotAllowed("would_disclose", "the page shows numbers as they are; ask for another form")
    told = await cut.answer(asked, database=database_of(request), actor=request.user, today=today_of(request))
    return render(told, wanted)


def _measures(request: CallerRequest) -> Measures | None:
    """Who counts for the programme itself sees numbers as they are."""
    internal = not request.user.roles.isdisjoint(_INTERNAL)
    return installed().measures(Audience.INTERNAL if internal else Audience.ANALYST)


def _etag(mark: tuple[object, ...], asked: Question, wanted: Format, measures: Measures | None) -> str:
    """Names exactly what would be sent: of which data, by which definitions, to which question, in which form."""
    definitions = [definition_digest(of) for of in asked.indicators]
    words = [asked.programme, asked.period.text, list(asked.by), dict(asked.where), definitions]
    told = msgspec.json.encode([list(map(str, mark)), *words, wanted, measures], order="deterministic")
    return f'"{sha256(told).hexdigest()[:32]}"'


@read("/indicators/{indicator:str}", summary="One definition", **allow(*_READERS))
async def show_indicator(indicator: FromPath[str]) -> dict[str, Any]:
    """Everything that was fixed before it was counted; an unknown id is refused, naming the nearest."""
    return described(definition(indicator))


async def _page(kept: Kept, asked: Question) -> str:
    """The whole programme, or of fewer indicators only these; in either case only of whom was asked for."""
    where = {stratum.value: word for stratum, word in asked.where.items()}
    offered = question(asked.programme, asked.period, where=where).indicators
    ids = [of.id for of in asked.indicators] if len(asked.indicators) < len(offered) else []

    def page() -> str:
        # loaded when somebody looks: what draws the charts takes longer to load than much of the platform
        from analytics.reports import page as drawn  # noqa: PLC0415

        return drawn.page(kept, asked.programme, asked.period, ids=ids, filters=where)

    return await asyncio.to_thread(page)


def _period(request: CallerRequest, text: str | None) -> Period:
    return last_whole_year(today_of(request)) if text is None else period_named(text)


def _words(listed: str) -> list[str]:
    """Each once: what is asked for twice is one thing."""
    return list(dict.fromkeys(word.strip() for word in listed.split(",") if word.strip()))


def _format(form: str | None, accept: str) -> Format:
    """The parameter, else the best of the accepted media types; refuses where none is one of ours."""
    if form is not None:
        return format_named(form)
    media = chosen(accept, list(_MEDIA.values()))
    if media is None:
        told = f"Accept: {accept[:100]} fits nothing of {', '.join(_MEDIA.values())}"
        raise Refused("not_acceptable", told, status=406)
    return next(known for known, offered in _MEDIA.items() if offered == media)


handlers = [list_indicators, show_indicator]
