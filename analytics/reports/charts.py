"""The pictures of one indicator, declared. Each takes rows that are also shown as a table.

Two habits keep this fast, because the library copies and hashes at every step of a declaration: rows
join a chart only when it is drawn, and channels are objects, never shorthand text.

Colours were chosen to differ in lightness as well as in hue, so they survive grey print and colour
blindness. What is not mature is drawn hollow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil, floor, log10
from typing import Any

import altair as alt
import polars as pl
import vl_convert

INK, MUTED, FAINT, GRID = "#16262f", "#5b6b75", "#9fb0b8", "#e6ecef"
MAIN, SOFT, PALE, STANDARD, ALARM = "#0f5c6e", "#cfe3e6", "#eef5f6", "#b4532a", "#a02c2c"
OVERDUE = ("#e8c9a8", "#d08c4e", "#a34a1c")
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

Row = Mapping[str, Any]
HEIGHT = 250
_LETTER, _APART = 7, 8  # room for a letter of a label, and between two labels
ROWS = alt.NamedData("rows")


@dataclass(frozen=True, slots=True)
class Line:
    """A standard in the picture: where it lies; desirable ones are dotted, acceptable ones dashed."""

    value: float
    desirable: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart and what it is drawn from; `more`: named data besides `rows`. `parts`: several panels."""

    chart: Any
    rows: Sequence[Row]
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    parts: bool = False

    def svg(self, locale: Mapping[str, Any] | None = None, heading: Sequence[str] = ()) -> str:
        """`heading`: title and what stands under it, for a picture that will stand alone."""
        chart = self.chart.properties(title=_title(*heading)) if heading else self.chart
        styled = _styled(chart, parts=self.parts)
        spec: dict[str, Any] = styled.to_dict(validate=False)  # the compiler to SVG validates again
        told = {ROWS.name: self.rows, **self.more}
        spec["datasets"] = {name: [_plain(row) for row in rows] for name, rows in told.items()}
        return vl_convert.vegalite_to_svg(spec, format_locale=dict(locale) if locale else None)


def _title(title: str, *below: str) -> alt.TitleParams:
    return alt.TitleParams(
        title, subtitle=list(below), anchor="start", frame="bounds", fontSize=15, subtitleFontSize=12,
        color=INK, subtitleColor=MUTED, offset=12,
    )  # fmt: skip


def _plain(row: Row) -> dict[str, Any]:
    """Only what a chart can draw; objects are for the table."""
    return {
        key: value.isoformat() if isinstance(value, date) else value
        for key, value in row.items()
        if isinstance(value, (str, int, float, bool, date))
    }


def _styled(chart: Any, *, parts: bool) -> Any:
    """One look for every chart: no frame, light grid, text that can be read at its own size."""
    sized = (
        chart if parts else chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    )
    return (
        sized.configure(font=FONT, background="transparent", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED, labelFontSize=12, title=None, titleColor=MUTED, titleFontSize=12,
            titleFontWeight="normal", gridColor=GRID, domainColor=GRID, tickColor=GRID, labelLimit=180,
        )
        .configure_header(labelColor=INK, labelFontSize=12, labelFontWeight="bold", labelAnchor="start", title=None)
        .configure_legend(labelColor=INK, labelFontSize=12, title=None, orient="top", symbolSize=90, labelLimit=260)
    )  # fmt: skip


def over_years(rows: Sequence[Row], width: int, standards: Sequence[Line]) -> Drawing:
    """The value of each year with its interval. Years whose follow-up is not complete are hollow and unjoined."""
    base = alt.Chart(ROWS).encode(x=alt.X("year:N", axis=alt.Axis(labelAngle=0, grid=False)))
    domain = _domain(rows, standards)
    low = scaled(alt.Y, "low:Q", domain)
    open_ = base.transform_filter(~alt.datum.mature)
    rules = open_.mark_rule(color=MAIN, strokeWidth=2).encode(y=low, y2=alt.Y2("high:Q"))
    whole = base.transform_filter(alt.datum.mature)
    band = whole.mark_area(color=SOFT).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    line = whole.mark_line(color=MAIN, strokeWidth=2).encode(y=alt.Y("value:Q"))
    cut = beyond(base, rows, domain, up=True)
    layers = [band, *lines(standards), rules, line, *cut, points(base, y=alt.Y("value:Q"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=HEIGHT), rows)


def across(rows: Sequence[Row], stratum: str, width: int, standards: Sequence[Line]) -> Drawing:
    """One point per word of the stratum, in the order of the rows, with its interval as a rule."""
    order = [row[stratum] for row in rows]
    slanted = -45 if (max(map(len, order)) * _LETTER + _APART) * len(order) > width - 60 else 0
    axis = alt.Axis(labelAngle=slanted, grid=False)
    base = alt.Chart(ROWS).encode(x=alt.X(f"{stratum}:N", sort=order, axis=axis))
    domain = _domain(rows, standards)
    rules = base.mark_rule(color=MAIN, strokeWidth=2).encode(
        y=scaled(alt.Y, "low:Q", domain), y2=alt.Y2("high:Q")
    )
    cut = beyond(base, rows, domain, up=True)
    layers = [*lines(standards), rules, *cut, points(base, y=alt.Y("value:Q"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=HEIGHT), rows)


def down(
    rows: Sequence[Row], stratum: str, width: int, standards: Sequence[Line], whole: Row | None
) -> Drawing:
    """From highest to lowest, with intervals, over the interval of the whole as a band."""
    order = [row[stratum] for row in sorted(rows, key=lambda row: (-row["value"], row[stratum]))]
    base = alt.Chart(ROWS).encode(y=names(f"{stratum}:N", order))
    domain = _domain([*rows, *([whole] if whole else [])], standards)
    x = scaled(alt.X, "low:Q", domain, alt.Axis(tickCount=6))
    rules = base.mark_rule(color=MAIN, strokeWidth=2).encode(x=x, x2=alt.X2("high:Q"))
    ends = None if whole is None else (alt.XDatum(whole["low"]), alt.X2Datum(whole["high"]))
    band = [] if ends is None else [once().mark_rect(color=SOFT).encode(x=ends[0], x2=ends[1])]
    cut = beyond(base, rows, domain, up=False)
    layers = [*band, *lines(standards, over=False), rules, *cut, points(base, x=alt.X("value:Q"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=alt.Step(22)), rows)


def steps(rows: Sequence[Row], width: int) -> Drawing:
    """How many reached each step, as bars from one edge; beside it the count and the share of the step before.

    Rows: title, count, text.
    """
    order = [row["title"] for row in rows]
    base = alt.Chart(ROWS).encode(y=alt.Y("title:N", sort=order, axis=None))
    scale = alt.Scale(domain=[0, max(rows[0]["count"], 1)], nice=False)
    x = alt.X("count:Q", axis=None, scale=scale)
    ground = _ground(base, rows[0]["count"], scale)
    bars = base.mark_bar(color=MAIN, height=14, yOffset=12, cornerRadiusEnd=2).encode(x=x)
    size = 14 if width > 500 else 12  # so that on a phone the longest title ends before its figures begin
    titles = base.mark_text(align="left", color=INK, fontSize=size, dy=-9, x=0).encode(
        text=alt.Text("title:N")
    )
    figures = base.mark_text(
        align="right", color=INK, fontSize=size, fontWeight="bold", dy=-9, x=alt.ExprRef("width")
    ).encode(text=alt.Text("text:N"))
    chart = alt.layer(ground, bars, titles, figures)
    return Drawing(chart.properties(width=width, height=alt.Step(50)), rows)


def _ground(base: Any, most: int, scale: alt.Scale) -> Any:
    bar = base.mark_bar(color=PALE, height=14, yOffset=12, cornerRadiusEnd=2)
    return bar.encode(x=alt.XDatum(max(most, 1), scale=scale))


def bars(rows: Sequence[Row], name: str, width: int) -> Drawing:
    """Counts by name, in the order of the rows; `text`: what stands beside each bar."""
    base = alt.Chart(ROWS).encode(y=names(f"{name}:N", [row[name] for row in rows]))
    scale = alt.Scale(domain=[0, max(1, *(row["count"] for row in rows)) * 1.45], nice=False)
    drawn = base.mark_bar(color=MAIN, cornerRadiusEnd=2).encode(x=alt.X("count:Q", axis=None, scale=scale))
    figures = base.mark_text(align="left", dx=6, color=INK, fontSize=12)
    layers = [drawn, figures.encode(x=alt.X("count:Q"), text=alt.Text("text:N"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=alt.Step(26)), rows)


def stacked(
    rows: Sequence[Row], name: str, parts: Sequence[str], colours: Sequence[str], width: int, *, share: bool
) -> Drawing:
    """Bars by name, each made of parts (`part`, in that order); as counts, or as shares of the bar."""
    place = {part: number for number, part in enumerate(parts)}
    colour = alt.Color(
        "part:N",
        sort=list(parts),
        scale=alt.Scale(domain=list(parts), range=list(colours)),
        legend=alt.Legend(columns=1 if width < 500 else 3),
    )
    order = list(dict.fromkeys(row[name] for row in rows))
    axis = alt.Axis(format=".0%" if share else ",d", tickCount=4, tickMinStep=0.25 if share else 1)
    drawn = (
        alt.Chart(ROWS)
        .mark_bar()
        .encode(
            y=names(f"{name}:N", order),
            x=alt.X("sum(count):Q", stack="normalize" if share else "zero", axis=axis),
            color=colour,
            order=alt.Order("place:Q"),
        )
    )
    numbered = [{**row, "place": place[row["part"]]} for row in rows]
    return Drawing(drawn.properties(width=width, height=alt.Step(26)), numbered)


def spark(rows: Sequence[Row], width: int) -> Drawing:
    """The complete years as a small line in a table; the last one as a point, hollow where it will still change."""
    base = alt.Chart(ROWS).encode(x=alt.X("year:O", axis=None))
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(zero=False, domain=_extent(rows, [])))
    line = base.transform_filter(alt.datum.mature).mark_line(color=MAIN, strokeWidth=1.5).encode(y=y)
    last = points(base.transform_filter(alt.datum.year == rows[-1]["year"]), size=30, y=y)
    return Drawing(alt.layer(line, last).properties(width=width, height=22), rows)


def gauge(row: Row, width: int, standards: Sequence[Line]) -> Drawing:
    """One figure with its interval on a line on which the standards are marked."""
    base = alt.Chart(ROWS)
    domain = _extent([row], standards)
    room = (domain[1] - domain[0]) * 0.06 or 1
    ends = [max(0.0, domain[0] - room), domain[1] + room]
    scale = alt.Scale(zero=False, nice=False, domain=ends, clamp=True)
    ground = once().mark_rule(color=GRID, strokeWidth=8, strokeCap="round")
    whole = ground.encode(x=alt.XDatum(ends[0], axis=None, scale=scale), x2=alt.X2Datum(ends[1]))
    rule = base.mark_rule(color=MAIN, strokeWidth=4).encode(x=alt.X("low:Q", axis=None), x2=alt.X2("high:Q"))
    marks = [
        once().mark_tick(color=STANDARD, thickness=2, size=22, opacity=0.6 if line.desirable else 1)
        .encode(x=alt.XDatum(line.value)) for line in standards
    ]  # fmt: skip
    cut = beyond(base, [row], ends, up=False)
    layers = [whole, *marks, rule, *cut, points(base, size=70, x=alt.X("value:Q"))]
    return Drawing(alt.layer(*layers).properties(width=width, height=24), [row])


def names(field_: str, order: Any) -> alt.Y:
    return alt.Y(
        field_,
        sort=order,
        axis=alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK, labelPadding=8),
    )


def points(base: Any, size: int = 58, **place: Any) -> Any:
    """Filled where mature, hollow where not; the rows carry the colour, see `drawable`."""
    fill = alt.Fill("fill:N", scale=None, legend=None)
    return base.mark_point(filled=True, size=size, stroke=MAIN, strokeWidth=2, opacity=1).encode(
        fill=fill, **place
    )


def once() -> alt.Chart:
    """A layer that is drawn once, whatever rows the others have."""
    return alt.Chart(alt.Data(values=[{}]))


def lines(standards: Sequence[Line], *, over: bool = True) -> list[Any]:
    """The standards as lines over the whole width, or down the whole height."""
    drawn: list[Any] = []
    for one in standards:
        dash = [1, 4] if one.desirable else [6, 4]
        mark = once().mark_rule(color=STANDARD, strokeDash=dash, strokeWidth=1.5)
        drawn.append(mark.encode(y=alt.YDatum(one.value)) if over else mark.encode(x=alt.XDatum(one.value)))
    return drawn


def scaled(channel: Any, field_: str, domain: Sequence[float], axis: alt.Axis | None = None) -> Any:
    scale = alt.Scale(zero=False, nice=False, domain=list(domain), clamp=True)
    return channel(field_, scale=scale, **({"axis": axis} if axis else {}))


def beyond(base: Any, rows: Sequence[Row], domain: Sequence[float], *, up: bool) -> list[Any]:
    """An arrowhead at the edge where an interval goes on beyond it; `up`: the values stand on the vertical axis."""
    ends = {
        "triangle-down" if up else "triangle-left": (alt.datum.low < domain[0], "low", domain[0]),
        "triangle-up" if up else "triangle-right": (alt.datum.high > domain[1], "high", domain[1]),
    }
    cut = {
        "low": any(row["low"] < domain[0] for row in rows),
        "high": any(row["high"] > domain[1] for row in rows),
    }
    edge = alt.YDatum if up else alt.XDatum
    return [
        base.transform_filter(so).mark_point(shape=shape, filled=True, size=70, color=MAIN, opacity=1)
        .encode(**{"y" if up else "x": edge(at)})
        for shape, (so, end, at) in ends.items() if cut[end]
    ]  # fmt: skip


def _domain(rows: Sequence[Row], standards: Sequence[Line]) -> list[float]:
    return round_ends(*_extent(rows, standards))


def round_ends(low: float, high: float) -> list[float]:
    """Widened to round numbers, of which some ten lie between; where they are one, a tenth below it."""
    low = low if low < high else high * 0.9
    step = 10 ** floor(log10((high - low) / 10))
    step *= next(times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= 10)
    return [floor(low / step) * step, ceil(high / step) * step]


def _extent(rows: Sequence[Row], standards: Sequence[Line]) -> list[float]:
    """From lowest to highest figure; the wide interval of a handful of people does not flatten the rest."""
    values = [row["value"] for row in rows] + [line.value for line in standards]
    room = max(max(values) - min(values), 0.25 * max(values), 0.01)
    low = min([row["low"] for row in rows] + values)
    high = max([row["high"] for row in rows] + values)
    return [max(low, min(values) - room, 0.0), max(min(high, max(values) + room), 0.01)]


def drawable(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows with a figure: a stratum in which nothing was observed has no point. `fill`: the colour of the point."""
    fill = pl.when("mature").then(pl.lit(MAIN)).otherwise(pl.lit("white"))
    limits = [pl.col(name).fill_null(pl.col("value")) for name in ("low", "high")]
    return frame.filter(pl.col("value").is_not_null()).with_columns(*limits, fill=fill).to_dicts()
