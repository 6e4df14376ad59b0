"""Indicators over HTTP. Counts only: no route here answers with a person."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from litestar import Response, get
from litestar.params import FromHeader, FromPath, FromQuery, QueryParameter

from analytics.extract.dataset import Dataset
from analytics.indicators.catalogue import CATALOGUE, NO_CERVICAL
from analytics.indicators.catalogue import indicator as definition
from analytics.indicators.describe import described
from analytics.indicators.engine import compute, question
from analytics.indicators.period import Period, last_whole_year
from analytics.indicators.period import period as period_named
from analytics.live import computed, dataset_of
from analytics.reports.formats import Format, format_named, render
from screening.vocabulary import Role
from screening.web import CallerRequest, allow, gives, today_of

_READERS = (Role.PROGRAMME_STAFF, Role.ANALYST, Role.ADMINISTRATOR)
_MEDIA: Mapping[Format, str] = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.TABLE: "text/plain; charset=utf-8",
    Format.HTML: "text/html; charset=utf-8",
}
_FormatName = Annotated[str | None, QueryParameter(name="format")]


@get(
    "/indicators",
    summary="Definitions; with `programme` or `period` their results",
    **allow(*_READERS),
    **gives({media.split(";")[0]: {} for media in _MEDIA.values()}),
)
async def list_indicators(
    request: CallerRequest,
    programme: FromQuery[str | None] = None,
    period: FromQuery[str | None] = None,
    by: FromQuery[str] = "",
    ids: FromQuery[str] = "",
    county: FromQuery[str | None] = None,
    form: _FormatName = None,
    accept: FromHeader[str] = "",
) -> Response[Any]:
    """`by` and `ids` are lists separated by commas; `period` is by default the last whole year.

    JSON unless `format` or the Accept header asks for CSV, Parquet, a plain table or the HTML page.
    """
    if programme is None and period is None:
        return Response([described(of) for offered in CATALOGUE.values() for of in offered.values()])
    when = _period(request, period)
    asked = question(programme or NO_CERVICAL, when, by=_words(by), ids=_words(ids), county=county)
    wanted = _format(form, accept)
    if wanted == Format.HTML:
        return await _page(request, programme or NO_CERVICAL, when)
    results = await computed(partial(compute, asked=asked), await dataset_of(request))
    return Response(render(results, wanted), media_type=_MEDIA[wanted])


@get("/indicators/{indicator:str}", summary="One definition", **allow(*_READERS))
async def show_indicator(indicator: FromPath[str]) -> dict[str, Any]:
    """Everything that was fixed before it was counted; an unknown id is refused, naming the nearest."""
    return described(definition(indicator))


async def _page(request: CallerRequest, programme: str, when: Period) -> Response[str]:
    def page(dataset: Dataset) -> str:
        # loaded when somebody looks: what draws the charts takes longer to load than much of the platform
        from analytics.reports import page as drawn  # noqa: PLC0415

        return drawn.page(dataset, programme, when)

    html = await computed(page, await dataset_of(request))
    return Response(html, media_type=_MEDIA[Format.HTML])


def _period(request: CallerRequest, text: str | None) -> Period:
    return last_whole_year(today_of(request)) if text is None else period_named(text)


def _words(listed: str) -> list[str]:
    return [word.strip() for word in listed.split(",") if word.strip()]


def _format(form: str | None, accept: str) -> Format:
    """The parameter, else the first of the accepted media types that we have, else JSON."""
    if form is not None:
        return format_named(form)
    by_type = {media.split(";")[0]: known for known, media in _MEDIA.items()}
    accepted = (part.split(";")[0].strip() for part in accept.split(","))
    return next((by_type[media] for media in accepted if media in by_type), Format.JSON)


handlers = [list_indicators, show_indicator]
