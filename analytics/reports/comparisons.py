"""The pictures that compare: funnel plots, control charts, small multiples, a map, curves of waiting."""

from collections.abc import Sequence

import altair as alt

from analytics.places import borders, counties
from analytics.reports.charts import (
    ALARM,
    FAINT,
    GRID,
    HEIGHT,
    MAIN,
    MUTED,
    ROWS,
    SOFT,
    Drawing,
    Row,
)

_LIMITS = alt.NamedData("limits")
_SCALE = ["#e4eff1", "#bcd8dd", "#83b4bd", "#3f8795", "#0f5c6e"]
_COURSES = ("#b9c6cc", "#6f8a95", MAIN)  # earlier, the one before, now
COUNTIES = "counties"


def funnel_plot(
    rows: Sequence[Row], limits: Sequence[Row], width: int, *, of: str, name: str, most: float
) -> Drawing:
    """Each unit by how many it saw; the curves are how far chance reaches. Those outside are filled and named.

    Rows: name, denominator, value, outside (-1, 0, 1). Limits: total, target, and low and high of both
    levels. `most`: the highest value there can be.
    """
    x = alt.X(
        "denominator:Q", scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(title=of, grid=False, tickCount=4, format=",d"),
    )  # fmt: skip
    extent = [row["value"] for row in rows]
    top, bottom = max(*extent, limits[-1]["high_alarm"]), min(*extent, limits[-1]["low_alarm"])
    room = max((top - bottom) * 0.25, 0.05 * max(top, 0.1))
    scale = alt.Scale(domain=[max(0.0, bottom - room), min(top + room, most)], nice=True, zero=False)
    base = alt.Chart(_LIMITS).encode(x=alt.X("total:Q"))
    curves = [
        base.mark_line(color=colour, strokeDash=dash, strokeWidth=1.3, clip=True).encode(
            y=alt.Y(f"{field}:Q", scale=scale)
        )
        for field, colour, dash in (
            ("target", MUTED, [1, 0]), ("low_warning", FAINT, [3, 3]), ("high_warning", FAINT, [3, 3]),
            ("low_alarm", MUTED, [6, 3]), ("high_alarm", MUTED, [6, 3]),
        )
    ]  # fmt: skip
    drawn = alt.Chart(ROWS)
    colour = alt.condition(alt.datum.outside == 0, alt.value(MAIN), alt.value(ALARM))
    fill = alt.condition(alt.datum.outside == 0, alt.value("white"), alt.value(ALARM))
    y = alt.Y("value:Q", scale=scale)
    dots = drawn.mark_point(size=52, strokeWidth=1.8, opacity=1, filled=True).encode(
        x=x, y=y, stroke=colour, fill=fill
    )
    told = drawn.transform_filter(alt.datum.outside != 0).mark_text(
        dy=-11, color=ALARM, fontSize=12, fontWeight="bold"
    )
    chart = alt.layer(*curves, dots, told.encode(x=x, y=y, text=alt.Text(f"{name}:N")))
    return Drawing(chart.properties(width=width, height=HEIGHT + 30), rows, {"limits": limits})


def control_chart(rows: Sequence[Row], width: int) -> Drawing:
    """Months in their order with centre and limits. Filled and red: a rule says that chance hardly explains it.

    Rows: day, value, centre, low, high, special.
    """
    axis = alt.Axis(grid=False, format="%Y", tickCount="year", labelAngle=0)
    base = alt.Chart(ROWS).encode(x=alt.X("day:T", axis=axis))
    y = alt.Y("value:Q", scale=alt.Scale(zero=False, nice=True))
    band = base.mark_area(color="#f1f5f6", interpolate="step").encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    limits = [
        base.mark_line(color=FAINT, strokeDash=[6, 3], strokeWidth=1.2, interpolate="step").encode(
            y=alt.Y(f"{end}:Q")
        )
        for end in ("low", "high")
    ]
    centre = base.mark_line(color=MUTED, strokeWidth=1).encode(y=alt.Y("centre:Q"))
    line = base.mark_line(color=MAIN, strokeWidth=1.6).encode(y=y)
    colour = alt.condition(alt.datum.special, alt.value(ALARM), alt.value(MAIN))
    fill = alt.condition(alt.datum.special, alt.value(ALARM), alt.value("white"))
    dots = base.mark_point(size=34, strokeWidth=1.6, opacity=1, filled=True).encode(
        y=y, stroke=colour, fill=fill
    )
    return Drawing(alt.layer(band, *limits, centre, line, dots).properties(width=width, height=HEIGHT), rows)


def multiples(rows: Sequence[Row], name: str, width: int, columns: int) -> Drawing:
    """One small picture for each word: its years, over those of the whole country in grey.

    Rows: name, year, value, whole; `order` is that of the rows.
    """
    order = list(dict.fromkeys(row[name] for row in rows))
    across = min(columns, len(order))
    panel = max(width // across - 46, 70)
    x = alt.X("year:O", axis=alt.Axis(
        grid=False, labelAngle=0, ticks=False, values=[rows[0]["year"], rows[-1]["year"]], labelFontSize=11,
    ))  # fmt: skip
    values = [row[key] for row in rows for key in ("value", "whole") if row[key] is not None]
    scale = alt.Scale(zero=False, nice=True, domain=[min(values), max(values)])
    axis = alt.Axis(tickCount=3, labelFontSize=11, domain=False, ticks=False)
    base = alt.Chart(ROWS)
    whole = base.mark_line(color="#c4d0d5", strokeWidth=2).encode(
        x=x, y=alt.Y("whole:Q", scale=scale, axis=axis)
    )
    line = base.mark_line(color=MAIN, strokeWidth=2, point=alt.OverlayMarkDef(size=18, color=MAIN))
    chart = alt.layer(whole, line.encode(x=x, y=alt.Y("value:Q", scale=scale, axis=axis)))
    facet = chart.properties(width=panel, height=72).facet(
        facet=alt.Facet(f"{name}:N", sort=order), columns=across, spacing=14
    )
    return Drawing(facet, rows, parts=True)


def map_of_counties(rows: Sequence[Row], width: int, unit: str) -> Drawing:
    """The counties by value, darker where higher; grey where nothing was observed.

    Rows: county, value.
    """
    ids = {name: number for number, name in counties().items()}
    placed = [{**row, "id": ids[row["county"]]} for row in rows if row["county"] in ids]
    values = [row["value"] for row in placed]
    domain = [min(values), max(values)] if values and min(values) < max(values) else [0, max([*values, 1])]
    shapes = alt.Data(values=dict(borders()), format=alt.TopoDataFormat(feature=COUNTIES, type="topojson"))
    colour = alt.Color(
        "value:Q", scale=alt.Scale(type="quantize", range=_SCALE, domain=domain, nice=False),
        legend=alt.Legend(title=unit, orient="none", legendX=0, legendY=0, type="symbol", symbolType="square",
                          symbolSize=160, direction="vertical", titleColor=MUTED, titleFontWeight="normal"),
    )  # fmt: skip
    look_up = alt.LookupData(data=ROWS, key="id", fields=["value"])
    base = alt.Chart(shapes)
    ground = base.mark_geoshape(fill=GRID, stroke="white", strokeWidth=0.5)
    filled = (
        base.mark_geoshape(stroke="white", strokeWidth=0.5)
        .transform_lookup(lookup="properties.id", from_=look_up)
        .transform_filter("isValid(datum.value)")
        .encode(color=colour)
    )
    chart = alt.layer(ground, filled).project(type="transverseMercator", rotate=[-16, 0, 0])
    return Drawing(chart.properties(width=width, height=int(width * 1.18)), placed, parts=True)


def waiting(rows: Sequence[Row], width: int, *, days: str) -> Drawing:
    """The share that had been seen by each day, one curve per part; the last one is this period, with its interval.

    Rows: part, day, value, low, high (null but for the last part), last (whether it is the curve's last point).
    """
    parts = list(dict.fromkeys(row["part"] for row in rows))
    colours = list(_COURSES[-len(parts) :])
    base = alt.Chart(ROWS)
    x = alt.X("day:Q", axis=alt.Axis(title=days, grid=False, values=[0, 30, 60, 90, 120, 180, 240, 300, 365]),
              scale=alt.Scale(nice=False))  # fmt: skip
    y = alt.Y("value:Q", scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(tickCount=5))
    band = (
        base.transform_filter(alt.datum.part == parts[-1])
        .mark_area(color=SOFT, interpolate="step-after")
        .encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    )
    colour = alt.Color("part:N", scale=alt.Scale(domain=parts, range=colours), legend=alt.Legend())
    curves = base.mark_line(interpolate="step-after", strokeWidth=2).encode(x=x, y=y, color=colour)
    return Drawing(alt.layer(band, curves).properties(width=width, height=HEIGHT), rows)
