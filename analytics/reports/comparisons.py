"""The pictures that compare: funnel plots, control charts, small multiples, a map, curves of waiting."""

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt

from analytics.places import borders, counties
from analytics.reports.charts import (
    ALARM,
    FAINT,
    HEIGHT,
    MAIN,
    MUTED,
    ROWS,
    SOFT,
    Drawing,
    Row,
    round_ends,
)

_LIMITS, _NAMES = alt.NamedData("limits"), alt.NamedData("names")
_LETTER, _LINE, _DOT = 7.2, 15, 4  # width of a letter, height of a line, half a point, in pixels
_TOO_FEW = "#aab4b9"
_SCALE = ["#e4eff1", "#bcd8dd", "#83b4bd", "#3f8795", "#0f5c6e"]
_COURSES = ("#b9c6cc", "#6f8a95", MAIN)  # earlier, the one before, now
COUNTIES = "counties"


def funnel_plot(
    rows: Sequence[Row], limits: Sequence[Row], width: int, *, of: str, name: str, most: float
) -> Drawing:
    """Each unit by how many it saw; the curves are how far chance reaches. Those outside are filled, and named where
    there is room.

    Rows: name, denominator, value, outside (-1, 0, 1). Limits: total, target, and low and high of both
    levels. `most`: the highest value there can be.
    """
    across = round_ends(0, max(row["denominator"] for row in rows) * 1.03)
    x = alt.X(
        "denominator:Q", scale=alt.Scale(domain=across, nice=False),
        axis=alt.Axis(title=of, grid=False, tickCount=4, tickMinStep=1, format=",d"),
    )  # fmt: skip
    extent = [row["value"] for row in rows]
    top, bottom = max(*extent, limits[-1]["high_alarm"]), min(*extent, limits[-1]["low_alarm"])
    room = max((top - bottom) * 0.25, 0.05 * max(top, 0.1))
    low, high = round_ends(max(0.0, bottom - room), min(top + room, most))
    scale = alt.Scale(domain=[low, min(high, most)], nice=False, zero=False)
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
    height = HEIGHT + 30
    names = _placed(rows, name, (across, scale.domain), (width - _AXIS, height))
    text = alt.Chart(_NAMES).mark_text(color=ALARM, fontSize=12, fontWeight="bold", baseline="middle")
    told = text.encode(x=alt.X("x:Q"), y=alt.Y("y:Q", scale=scale), text=alt.Text("name:N"))
    chart = alt.layer(*curves, dots, *([told] if names else []))
    return Drawing(chart.properties(width=width, height=height), rows, {"limits": limits, "names": names})


_AXIS = 45  # what the labels of the vertical axis take


def _placed(
    rows: Sequence[Row], name: str, domains: Sequence[Sequence[float]], sizes: Sequence[int]
) -> list[dict[str, Any]]:
    """Where the names of those outside stand, above their point, below it or beside it, the largest first; left out
    where they would lie over each other or over a point. In the units of the axes.
    """
    (low_x, high_x), (low_y, high_y) = domains
    by_x, by_y = sizes[0] / (high_x - low_x), sizes[1] / (high_y - low_y)
    points = [((row["denominator"] - low_x) * by_x, (high_y - row["value"]) * by_y) for row in rows]
    taken: list[tuple[float, float, float, float]] = [
        (x, y, _DOT, _DOT) for x, y in points
    ]  # middle, half the width, half the height
    told: list[dict[str, Any]] = []
    outside = [one for one in zip(rows, points, strict=True) if one[0]["outside"]]
    for row, (x, point) in sorted(outside, key=lambda one: -one[0]["denominator"]):
        half = len(row[name]) * _LETTER / 2
        over = min(max(x, half), max(sizes[0] - half, half))
        places = [(over, point - _LINE), (over, point + _LINE), (x + half + 2 * _DOT, point)]
        free = [one for one in places if _inside(*one, half, sizes) and not _covers(*one, half, taken)]
        if free:
            middle, y = free[0]
            taken.append((middle, y, half, _LINE / 2))
            told.append({"x": low_x + middle / by_x, "y": high_y - y / by_y, "name": row[name]})
    return told


def _inside(x: float, y: float, half: float, sizes: Sequence[int]) -> bool:
    return 0 <= y <= sizes[1] and x + half <= max(sizes[0], 2 * half)


def _covers(x: float, y: float, half: float, taken: Sequence[tuple[float, float, float, float]]) -> bool:
    return any(abs(y - b) < _LINE / 2 + high and abs(x - a) < half + wide for a, b, wide, high in taken)


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
    fit = int(width // (max(map(len, order)) * _LETTER + 30))  # so that no heading runs into the next
    across = max(1, min(columns, len(order), fit))
    panel = max(width // across - 50, 70)
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
        facet=alt.Facet(f"{name}:N", sort=order, header=alt.Header(labelLimit=width)),
        columns=across,
        spacing=26,
    )
    return Drawing(facet, rows, parts=True)


def map_of_counties(
    rows: Sequence[Row], width: int, unit: str, *, few: Callable[[Row], bool], too_few: str
) -> Drawing:
    """The counties by value, darker where higher; grey where `few` says that too few were counted for a colour, and
    white where nothing was observed.

    Rows: county, value. `too_few`: what that grey is called.
    """
    ids = {name: number for number, name in counties().items()}
    placed = [
        {"id": ids[row["county"]], **({"few": too_few} if few(row) else {"value": row["value"]})}
        for row in rows
        if row["county"] in ids
    ]
    values = [row["value"] for row in placed if "value" in row]
    domain = [min(values), max(values)] if values and min(values) < max(values) else [0, max([*values, 1])]
    shapes = alt.Data(values=dict(borders()), format=alt.TopoDataFormat(feature=COUNTIES, type="topojson"))
    colour = alt.Color(
        "value:Q", scale=alt.Scale(type="quantize", range=_SCALE, domain=domain, nice=False),
        legend=alt.Legend(title=unit, orient="none", legendX=0, legendY=0, type="symbol", symbolType="square",
                          symbolSize=160, direction="vertical", titleColor=MUTED, titleFontWeight="normal"),
    )  # fmt: skip
    look_up = alt.LookupData(data=ROWS, key="id", fields=["value", "few"])
    base = alt.Chart(shapes)
    ground = base.mark_geoshape(fill="white", stroke=FAINT, strokeWidth=0.6)
    grey = alt.Color(
        "few:N", scale=alt.Scale(domain=[too_few], range=[_TOO_FEW]),
        legend=alt.Legend(title=None, orient="none", legendX=0, legendY=228, symbolType="square", symbolSize=160),
    )  # fmt: skip
    shown = [("value", colour), *([("few", grey)] if any("few" in row for row in placed) else [])]
    filled = [
        base.mark_geoshape(stroke="white", strokeWidth=0.5)
        .transform_lookup(lookup="properties.id", from_=look_up)
        .transform_filter(f"isValid(datum.{field})")
        .encode(color=how)
        for field, how in shown
    ]
    chart = alt.layer(ground, *filled).resolve_scale(color="independent")
    chart = chart.project(type="transverseMercator", rotate=[-16, 0, 0])
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
