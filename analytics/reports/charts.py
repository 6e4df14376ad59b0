"""The pictures, declared. Each takes rows that are also shown as a table, and gives a chart of a width.

Colours were chosen to differ in lightness as well as in hue, so they survive grey print and colour
blindness. What is not mature is drawn hollow.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl

from analytics.indicators.funnel import Step

INK, MUTED, GRID = "#1b2b34", "#5b6b75", "#e3e9ec"
MAIN, SOFT, STANDARD, ALARM = "#0f5c6e", "#cfe3e6", "#b4532a", "#a02c2c"
OVERDUE = ("#e8c9a8", "#d08c4e", "#a34a1c")
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

Row = Mapping[str, Any]


def styled(chart: Any) -> alt.TopLevelMixin:
    """One look for every chart: no frame, light grid, text that can be read at its own size."""
    return (
        chart.configure(font=FONT, background="transparent", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED, labelFontSize=12, title=None, gridColor=GRID, domainColor=GRID, tickColor=GRID,
            labelLimit=160,
        )
        .configure_legend(labelColor=INK, labelFontSize=12, title=None, orient="top", symbolType="square")
    )  # fmt: skip


def over_years(rows: Sequence[Row], width: int, standard: float | None) -> Any:
    """The value of each year with its interval as a band; years without complete follow-up hollow."""
    base = alt.Chart(_data(rows)).encode(x=alt.X("year:N", axis=alt.Axis(labelAngle=0, grid=False)))
    scale = alt.Scale(zero=False, nice=True, domain=_extent(rows, standard))
    band = base.mark_area(color=SOFT, opacity=0.9).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = base.mark_line(color=MAIN, strokeWidth=2).encode(y="value:Q")
    return alt.layer(band, *_standard(standard), line, _points(base, y="value:Q")).properties(
        width=width, height=170
    )


def by_age(rows: Sequence[Row], width: int, standard: float | None) -> Any:
    """One point per age group with its interval as a rule."""
    base = alt.Chart(_data(rows)).encode(x=alt.X("age_group:N", axis=alt.Axis(labelAngle=-45, grid=False)))
    scale = alt.Scale(zero=False, nice=True, domain=_extent(rows, standard))
    rules = base.mark_rule(color=MAIN, strokeWidth=2).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    return alt.layer(*_standard(standard), rules, _points(base, y="value:Q")).properties(
        width=width, height=170
    )


def by_county(rows: Sequence[Row], width: int, standard: float | None, national: Row) -> Any:
    """Counties from highest to lowest, with intervals, over the national interval as a band."""
    order = [row["county"] for row in sorted(rows, key=lambda row: (-row["value"], row["county"]))]
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("county:N", sort=order, axis=alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK))
    )
    scale = alt.Scale(zero=False, nice=True, domain=_extent([*rows, national], standard))
    norway = alt.Chart(_data([national])).mark_rect(color=SOFT, opacity=0.9)
    band = norway.encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    rules = base.mark_rule(color=MAIN, strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    layers = [band, *_standard(standard, across=False), rules, _points(base, x="value:Q")]
    return alt.layer(*layers).properties(width=width, height=alt.Step(19))


def steps(women: Sequence[Step], width: int) -> Any:
    """How many reached each step, as bars from one edge; the count beside, the share of the step before."""
    rows = [
        {"title": step.title, "count": step.count, "text": _step_text(step, before)}
        for step, before in zip(women, [None, *women[:-1]], strict=True)
    ]
    order = [step.title for step in women]
    base = alt.Chart(_data(rows)).encode(y=alt.Y("title:N", sort=order, axis=None))
    bars = base.mark_bar(color=MAIN, height=18, yOffset=9, cornerRadiusEnd=2).encode(
        x=alt.X("count:Q", axis=None, scale=alt.Scale(domainMin=0))
    )
    names = base.mark_text(align="left", color=INK, fontSize=13, dy=-10, x=0).encode(text="title:N")
    figures = base.mark_text(align="right", color=INK, fontSize=13, fontWeight="bold", dy=-10, x=width)
    return alt.layer(bars, names, figures.encode(text="text:N")).properties(width=width, height=alt.Step(50))


def _step_text(step: Step, before: Step | None) -> str:
    share = f" · {step.count / before.count:.1%}" if before and before.count else ""
    return f"{step.count:,}{share}"


def statuses(rows: Sequence[Row], width: int) -> Any:
    """People by status."""
    order = [row["status"] for row in rows]
    longest = max((row["count"] for row in rows), default=1)
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("status:N", sort=order, axis=alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK))
    )
    scale = alt.Scale(domain=[0, longest * 1.22])
    bars = base.mark_bar(color=MAIN, cornerRadiusEnd=2).encode(x=alt.X("count:Q", axis=None, scale=scale))
    figures = base.mark_text(align="left", dx=5, color=INK, fontSize=12).encode(
        x="count:Q", text=alt.Text("count:Q", format=",")
    )
    return alt.layer(bars, figures).properties(width=width, height=alt.Step(26))


def late(rows: Sequence[Row], bands: Sequence[str], width: int) -> Any:
    """Overdue obligations by kind, stacked by how long they have been overdue."""
    place = {band: number for number, band in enumerate(bands)}
    numbered = [{**row, "place": place[row["band"]]} for row in rows]
    colour = alt.Color("band:N", scale=alt.Scale(domain=list(bands), range=list(OVERDUE)))
    return (
        alt.Chart(_data(numbered))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            y=alt.Y(
                "kind:N", sort="-x", axis=alt.Axis(grid=False, ticks=False, domain=False, labelColor=INK)
            ),
            x=alt.X("count:Q", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=4)),
            color=colour,
            order=alt.Order("place:Q"),
        )
        .properties(width=width, height=alt.Step(26))
    )


def _data(rows: Sequence[Row]) -> alt.Data:
    """Only what a chart can draw; days and objects are for the table."""
    kept = [{k: v for k, v in row.items() if isinstance(v, (str, int, float, bool))} for row in rows]
    return alt.Data(values=kept)


def _points(base: Any, **place: str) -> Any:
    filled = alt.condition(alt.datum.mature, alt.value(MAIN), alt.value("white"))
    return base.mark_point(filled=True, size=58, stroke=MAIN, strokeWidth=2, opacity=1).encode(
        fill=filled, **place
    )


def _standard(standard: float | None, *, across: bool = True) -> list[Any]:
    if standard is None:
        return []
    line = alt.Chart(alt.Data(values=[{"at": standard}])).mark_rule(
        color=STANDARD, strokeDash=[5, 3], strokeWidth=1.5
    )
    return [line.encode(y="at:Q") if across else line.encode(x="at:Q")]


def _extent(rows: Sequence[Row], standard: float | None) -> list[float]:
    """From lowest to highest figure. Very wide intervals of a handful of people do not flatten the rest."""
    values = [row["value"] for row in rows] + ([] if standard is None else [standard])
    span = max(max(values) - min(values), 0.25 * max(values), 0.5)
    low = min([row["low"] for row in rows] + values)
    high = max([row["high"] for row in rows] + values)
    return [max(low, min(values) - span, 0.0), min(high, max(values) + span)]


def drawable(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows with a figure: a stratum in which nothing was observed has no point."""
    return frame.filter(pl.col("value").is_not_null()).to_dicts()
