"""The dashboard over HTTP: pages, the pictures on them, and the rows behind each picture."""

import asyncio
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Annotated, Any

from litestar import Response
from litestar.params import FromPath, FromQuery, QueryParameter

from analytics.dashboard.desk import Desk
from analytics.indicators.period import Period, last_whole_year
from analytics.indicators.period import period as period_named
from analytics.live import held_of
from analytics.parameters import refuse_others
from analytics.reports.asked import FILTERS
from analytics.reports.style import style
from analytics.reports.words import Language, preferred
from screening.refusals import NotAllowed, NotFound, Refused
from screening.vocabulary import Role
from screening.web import PROBLEMS, CallerRequest, allow, anyone, gives, read, refusals, today_of

# Exact numbers, small ones too: for those who run the programme. Others are answered by /indicators.
_READERS = (Role.PROGRAMME_STAFF, Role.ADMINISTRATOR)
_HTML = "text/html"
# Nothing is loaded from elsewhere, and there is no script to run.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
_MEDIA: Mapping[str, str] = {
    "svg": "image/svg+xml",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_STATE = "dashboard_desk"
_ASKED = ("indicator", "period", *FILTERS, "lang")
_Width = Annotated[int | None, QueryParameter(ge=80, le=1400)]


def _refused(request: CallerRequest, error: Refused) -> Response[str]:
    """A refusal as a page: what was asked, what is known, and the way back."""
    from analytics.reports.parts import refusal  # noqa: PLC0415

    status = 403 if isinstance(error, NotAllowed) else 404 if isinstance(error, NotFound) else 422
    asked = request.query_params.get("lang")
    language = _language(request, asked if asked in set(Language) else None)
    return _response(refusal(error, language), _HTML, _POLICY, status=status)


_PAGE: dict[str, Any] = {
    "media_type": "text/html",
    "exception_handlers": {Refused: _refused},
    **allow(*_READERS, refused={**PROBLEMS, **refusals(str, "text/html", (403, 404, 422))}),
}
_FILE = gives({media: {} for media in _MEDIA.values()})


@read("/dashboard/page.css", summary="How the dashboard looks", media_type="text/css", **anyone())
async def show_style() -> Response[str]:
    """The same for everybody; its address changes when it does."""
    return Response(style(), media_type="text/css", headers={"Cache-Control": "public, max-age=31536000"})


@read("/dashboard", summary="All programmes", **_PAGE)
async def show_dashboard(
    request: CallerRequest,
    period: FromQuery[str | None] = None,
    lang: FromQuery[str | None] = None,
) -> Response[Any]:
    """`period` is by default the last whole year; `lang` (nb or en) what the browser prefers."""
    refuse_others(request.query_params.multi_items(), ("period", "lang"))
    when, language = _period(request, period), _language(request, lang)
    trouble: str | None = request.app.state.shelf.trouble

    def page(desk: Desk) -> bytes:
        from analytics.reports.page import index_page  # noqa: PLC0415

        key = ("index", when.text, language, trouble)
        return desk.answer(
            key, lambda counts: index_page(counts, when, language, desk.served(trouble)).encode()
        )

    return await _answered(request, page, _HTML, _POLICY)


@read(
    "/dashboard/{programme:str}",
    summary="One programme, or one of its indicators",
    **_PAGE,
)
async def show_programme(
    request: CallerRequest,
    programme: FromPath[str],
    indicator: FromQuery[str] = "",
    period: FromQuery[str | None] = None,
    county: FromQuery[str] = "",
    age_group: FromQuery[str] = "",
    sex: FromQuery[str] = "",
    sample: FromQuery[str] = "",
    lab: FromQuery[str] = "",
    unit: FromQuery[str] = "",
    lang: FromQuery[str | None] = None,
) -> Response[Any]:
    """A page that needs no script. Everything it shows stands in its address; empty filters leave nobody out.

    A filter that the indicator cannot be split by is passed over, and the page says so; a download refuses it.
    """
    filters = {
        "county": county, "age_group": age_group, "sex": sex, "sample": sample, "lab": lab, "unit": unit,
    }  # fmt: skip
    refuse_others(request.query_params.multi_items(), _ASKED)
    wanted = _wanted(request, programme, indicator, period, filters, lang)
    trouble: str | None = request.app.state.shelf.trouble

    def page(desk: Desk) -> bytes:
        from analytics.reports.asked import asked  # noqa: PLC0415
        from analytics.reports.page import indicator_page, programme_page  # noqa: PLC0415
        from analytics.reports.views import Look  # noqa: PLC0415

        found = asked(**wanted, seen=desk.counts.seen(programme), strict=False)
        drawn = indicator_page if found.indicator else programme_page
        key = ("page", *found.key(), *found.passed_over, trouble)
        return desk.answer(key, lambda counts: drawn(Look(counts, found), desk.served(trouble)).encode())

    return await _answered(request, page, _HTML, _POLICY)


@read(
    "/dashboard/{programme:str}/{file:str}",
    summary="A picture of the dashboard, or its rows",
    **_FILE,
    **allow(*_READERS),
)
async def take_away(
    request: CallerRequest,
    programme: FromPath[str],
    file: FromPath[str],
    indicator: FromQuery[str] = "",
    period: FromQuery[str | None] = None,
    county: FromQuery[str] = "",
    age_group: FromQuery[str] = "",
    sex: FromQuery[str] = "",
    sample: FromQuery[str] = "",
    lab: FromQuery[str] = "",
    unit: FromQuery[str] = "",
    lang: FromQuery[str | None] = None,
    width: _Width = None,
) -> Response[Any]:
    """`file`: the name of the view and what it shall be, such as counties.csv; svg, csv, xlsx or parquet.

    `width`: of a picture that stands on a page; without it the picture tells itself what it shows.
    """
    view, _, form = file.rpartition(".")
    if form not in _MEDIA:
        raise NotFound(
            "unknown_file", f"{file!r}: expected a view as {', '.join(_MEDIA)}, such as counties.csv"
        )
    filters = {
        "county": county, "age_group": age_group, "sex": sex, "sample": sample, "lab": lab, "unit": unit,
    }  # fmt: skip
    refuse_others(request.query_params.multi_items(), (*_ASKED, "width"))
    wanted = _wanted(request, programme, indicator, period, filters, lang)

    def taken(desk: Desk) -> bytes:
        from analytics.reports.asked import asked  # noqa: PLC0415
        from analytics.reports.takeaway import take  # noqa: PLC0415
        from analytics.reports.views import Look  # noqa: PLC0415

        found = asked(**wanted, seen=desk.counts.seen(programme))
        key = (file, *found.key(), width if form == "svg" else 0)
        return desk.answer(key, lambda counts: take(Look(counts, found), view, form, width))

    name = f"{programme}-{indicator or 'programme'}-{file}"
    more = {} if form == "svg" else {"Content-Disposition": f'attachment; filename="{_plain(name)}"'}
    return await _answered(request, taken, _MEDIA[form], _PICTURE_POLICY, more)


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in name)


def _wanted(
    request: CallerRequest, programme: str, indicator: str, period: str | None, filters: Mapping[str, str],
    lang: str | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "programme": programme, "period": _period(request, period), "language": _language(request, lang),
        "indicator": indicator or None, "filters": filters,
    }  # fmt: skip


async def _answered(
    request: CallerRequest, work: Callable[[Desk], bytes], media: str, policy: str,
    more: Mapping[str, str] | None = None,
) -> Response[Any]:  # fmt: skip
    """The answer, or that the browser has it already."""
    held = await held_of(request)
    desk: Desk | None = getattr(request.app.state, _STATE, None)
    if desk is None or not desk.counts.of(held.dataset):
        desk = Desk(held.kept, held.read_at, releases=request.app.state.releases)
        setattr(request.app.state, _STATE, desk)
    content = await asyncio.to_thread(
        work, desk
    )  # counting keeps the cores busy; others are answered meanwhile
    tag = f'"{sha256(content).hexdigest()[:24]}"'
    if request.headers.get("if-none-match") == tag:
        return _response(b"", media, policy, {"ETag": tag}, status=304)
    return _response(content, media, policy, {"ETag": tag, **(more or {})})


def _response(
    content: str | bytes, media: str, policy: str, more: Mapping[str, str] | None = None, *, status: int = 200
) -> Response[Any]:
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": policy,
        **_SAFE,
        **(more or {}),
    }
    return Response(content, media_type=media, headers=headers, status_code=status)


def _period(request: CallerRequest, text: str | None) -> Period:
    return period_named(text) if text else last_whole_year(today_of(request))


def _language(request: CallerRequest, asked: str | None) -> Language:
    """What is asked for, else what the browser says first of those that there are."""
    if asked:
        if asked not in set(Language):
            raise Refused("unknown_language", f"no language {asked!r}; known: {', '.join(Language)}")
        return Language(asked)
    return preferred(request.headers.get("accept-language", ""))


handlers = [show_style, show_dashboard, show_programme, take_away]
