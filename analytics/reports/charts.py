"""The pictures, declared. Each takes rows that are also shown as a table, and gives a drawing of a width.

Two habits keep this fast, because the library copies and hashes at every step of a declaration: rows
join a chart only when it is drawn, and channels are objects, never shorthand text.

Colours were chosen to differ in lightness as well as in hue, so they survive grey print and colour
blindness. What is not mature is drawn hollow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from analytics.indicators.funnel import Step

INK, MUTED, GRID = "#1b2b34", "#5b6b75", "#e3e9ec"
MAIN, SOFT, STANDARD, ALARM = "#0f5c6e", "#cfe3e6", "#b4532a", "#a02c2c"
OVERDUE = ("#e8c9a8", "#d08c4e", "#a34a1c")
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

Row = Mapping[str, Any]
_HEIGHT = 250
_ROWS = alt.NamedData("rows")


@dataclass(frozen=True, slots=True)
class Drawing:
    chart: Any
    rows: Sequence[Row]

    def svg(self) -> str:
        spec: dict[str, Any] = _styled(self.chart).to_dict(
            validate=False
        )  # the compiler to SVG validates again
        spec["datasets"] = {_ROWS.name: [_plain(row) for row in self.rows]}
        return vl_convert.vegalite_to_svg(spec)


def _plain(row: Row) -> dict[str, Any]:
    """Only what a chart can draw; days and objects are for the table."""
    return {key: value for key, value in row.items() if isinstance(value, (str, int, float, bool))}


def _styled(chart: Any) -> Any:
    """One look for every chart: no frame, light grid, text that can be read at its own size."""
    return (
        chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .configure(font=FONT, background="transparent", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED, labelFontSize=12, title=None, gridColor=GRID, domainColor=GRID, tickColor=GRID,
            labelLimit=180,
        )
    )  # fmt: skip


def over_years(rows: Sequence[Row], width: int, standard: float | None) -> Drawing:
    """The value of each year with its interval. Years whose follow-up is not complete are hollow and unjoined."""
    base = alt.Chart(_ROWS).encode(x=alt.X("year:N", axis=alt.Axis(labelAngle=0, grid=False)))
    low = _scaled(alt.Y, "low:Q", rows, standard)
    open_ = base.transform_filter(~alt.datum.mature)
    rules = open_.mark_rule(color=MAIN, strokeWidth=2).encode(y=low, y2=alt.Y2("high:Q"))
    whole = base.transform_filter(alt.datum.mature)
    band = whole.mark_area(color=SOFT).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    line = whole.mark_line(color=MAIN, strokeWidth=2).encode(y=alt.Y("value:Q"))
    layers = [band, *_standard(standard), rules, line, _points(base, y=alt.Y("value:Q"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=_HEIGHT), rows)


def by_age(rows: Sequence[Row], width: int, standard: float | None) -> Drawing:
    """One point per age group with its interval as a rule."""
    base = alt.Chart(_ROWS).encode(x=alt.X("age_group:N", axis=alt.Axis(labelAngle=-45, grid=False)))
    rules = base.mark_rule(color=MAIN, strokeWidth=2).encode(
        y=_scaled(alt.Y, "low:Q", rows, standard), y2=alt.Y2("high:Q")
    )
    layers = [*_standard(standard), rules, _points(base, y=alt.Y("value:Q"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=_HEIGHT), rows)


def by_county(rows: Sequence[Row], width: int, standard: float | None, national: Row) -> Drawing:
    """Counties from highest to lowest, with intervals, over the national interval as a band."""
    order = [row["county"] for row in sorted(rows, key=lambda row: (-row["value"], row["county"]))]
    base = alt.Chart(_ROWS).encode(y=_names("county:N", order))
    value = national["value"]
    national = {**national, "low": national["low"] or value, "high": national["high"] or value}
    x = _scaled(alt.X, "low:Q", [*rows, national], standard)
    rules = base.mark_rule(color=MAIN, strokeWidth=2).encode(x=x, x2=alt.X2("high:Q"))
    band = (
        _once().mark_rect(color=SOFT).encode(x=alt.XDatum(national["low"]), x2=alt.X2Datum(national["high"]))
    )
    layers = [band, *_standard(standard, across=False), rules, _points(base, x=alt.X("value:Q"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=alt.Step(19)), rows)


def steps(women: Sequence[Step], width: int) -> Drawing:
    """How many reached each step, as bars from one edge; beside it the count and the share of the step before."""
    rows = [
        {"title": step.title, "count": step.count, "text": _step_text(step, before)}
        for step, before in zip(women, [None, *women[:-1]], strict=True)
    ]
    base = alt.Chart(_ROWS).encode(y=alt.Y("title:N", sort=[step.title for step in women], axis=None))
    scale = alt.Scale(domain=[0, max(women[0].count, 1)], nice=False)
    bars = base.mark_bar(color=MAIN, height=16, yOffset=10).encode(x=alt.X("count:Q", axis=None, scale=scale))
    names = base.mark_text(align="left", color=INK, fontSize=13, dy=-9, x=0).encode(text=alt.Text("title:N"))
    figures = base.mark_text(
        align="right", color=INK, fontSize=13, fontWeight="bold", dy=-9, x=alt.ExprRef("width")
    ).encode(text=alt.Text("text:N"))
    return Drawing(alt.layer(bars, names, figures).properties(width=width, height=alt.Step(48)), rows)


def _step_text(step: Step, before: Step | None) -> str:
    share = f" · {step.count / before.count:.1%}" if before and before.count else ""
    return f"{step.count:,}{share}"


def statuses(rows: Sequence[Row], width: int) -> Drawing:
    """People by status."""
    base = alt.Chart(_ROWS).encode(y=_names("status:N", [row["status"] for row in rows]))
    scale = alt.Scale(domain=[0, max(1, *(row["count"] for row in rows)) * 1.4], nice=False)
    bars = base.mark_bar(color=MAIN).encode(x=alt.X("count:Q", axis=None, scale=scale))
    figures = base.mark_text(align="left", dx=5, color=INK, fontSize=12)
    layers = [bars, figures.encode(x=alt.X("count:Q"), text=alt.Text("count:Q", format=","))]
    return Drawing(alt.layer(*layers).properties(width=width, height=alt.Step(24)), rows)


def late(rows: Sequence[Row], bands: Sequence[str], width: int) -> Drawing:
    """Overdue obligations by kind, stacked by how long they have been overdue. The legend is the page's."""
    place = {band: number for number, band in enumerate(bands)}
    colour = alt.Color("band:N", legend=None, scale=alt.Scale(domain=list(bands), range=list(OVERDUE)))
    bars = (
        alt.Chart(_ROWS)
        .mark_bar()
        .encode(
            y=_names("kind:N", "-x"),
            x=alt.X("count:Q", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=4)),
            color=colour,
            order=alt.Order("place:Q"),
        )
    )
    numbered = [{**row, "place": place[row["band"]]} for row in rows]
    return Drawing(bars.properties(width=width, height=alt.Step(24)), numbered)


def _names(field: str, order: Any) -> alt.Y:
    return alt.Y(field, sort=order, axis=alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK))


def _points(base: Any, **place: Any) -> Any:
    """Filled where mature, hollow where not; the rows carry the colour, see `drawable`."""
    fill = alt.Fill("fill:N", scale=None, legend=None)
    return base.mark_point(filled=True, size=58, stroke=MAIN, strokeWidth=2, opacity=1).encode(
        fill=fill, **place
    )


def _once() -> alt.Chart:
    """A layer that is drawn once, whatever rows the others have."""
    return alt.Chart(alt.Data(values=[{}]))


def _standard(standard: float | None, *, across: bool = True) -> list[Any]:
    if standard is None:
        return []
    line = _once().mark_rule(color=STANDARD, strokeDash=[5, 3], strokeWidth=1.5)
    return [line.encode(y=alt.YDatum(standard)) if across else line.encode(x=alt.XDatum(standard))]


def _scaled(channel: Any, field: str, rows: Sequence[Row], standard: float | None) -> Any:
    return channel(field, scale=alt.Scale(zero=False, nice=True, domain=_extent(rows, standard), clamp=True))


def _extent(rows: Sequence[Row], standard: float | None) -> list[float]:
    """From lowest to highest figure; the wide interval of a handful of people does not flatten the rest."""
    values = [row["value"] for row in rows] + ([] if standard is None else [standard])
    room = max(max(values) - min(values), 0.25 * max(values), 0.5)
    low = min([row["low"] for row in rows] + values)
    high = max([row["high"] for row in rows] + values)
    return [max(low, min(values) - room, 0.0), min(high, max(values) + room)]


def drawable(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows with a figure: a stratum in which nothing was observed has no point. `fill`: the colour of the point."""
    fill = pl.when("mature").then(pl.lit(MAIN)).otherwise(pl.lit("white"))
    limits = [pl.col(name).fill_null(pl.col("value")) for name in ("low", "high")]
    return frame.filter(pl.col("value").is_not_null()).with_columns(*limits, fill=fill).to_dicts()
