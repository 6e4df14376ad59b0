"""Views that compare: who is off, when it changed, where, how long it took, and why people were not seen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from analytics.indicators.catalogue import of_programme
from analytics.indicators.measures import Bins, Quantile, Waiting
from analytics.indicators.measures import course as course_of
from analytics.indicators.model import Anchor, Indicator, Stratum
from analytics.indicators.period import Period, add_months, period
from analytics.indicators.units import calls_due
from analytics.methods.survival import cumulative_incidence
from analytics.reports import charts, comparisons, signals
from analytics.reports.before import STRICT, differs, few
from analytics.reports.views import Look, Table, View, from_to, head_of, result_table, with_counts

_MONTHS_BACK = 48

FUNNELS: Mapping[Stratum, str] = {
    Stratum.LAB: "Laboratories",
    Stratum.UNIT: "Units",
    Stratum.READER: "Readers",
    Stratum.COUNTY: "Counties",
    Stratum.MUNICIPALITY: "Municipalities",
}


def funnel_plots(look: Look) -> list[View]:
    """Laboratories, units, readers and areas: who lies further from the rest than chance explains."""
    found = [funnel_plot(look, stratum) for stratum in FUNNELS if look.splits(stratum)]
    return [view for view in found if view is not None]


def funnel_plot(look: Look, stratum: Stratum) -> View | None:
    say, name = look.say, stratum.value
    free = [name] if stratum != Stratum.MUNICIPALITY else []
    frame = look.frame(name, free=free).filter(pl.col(name) != "unknown")
    found = signals.outliers(look.of, frame)
    if found is None:
        return None
    rows = [{**row, name: say(str(row[name]))} for row in found.rows]
    title = say("{units} beside each other", units=say(FUNNELS[stratum]))
    return View(
        name=f"funnel-{name}",
        title=title,
        told=signals.told_outliers(found, look.of, name, say),
        table=_with_sides(result_table(found.rows, name, head_of(name), look), found, look),
        frame=frame,
        drawing=lambda width: comparisons.funnel_plot(
            rows, found.limits, width, of=say("of how many"), name=name, most=found.most
        ),
    )


def _with_sides(table: Table, found: signals.Outliers, look: Look) -> Table:
    words = {-1: look.say("low"), 0: "", 1: look.say("high")}
    rows = [
        [*cells, words[row["outside"]], words[row["near"]]]
        for cells, row in zip(table.rows, found.rows, strict=True)
    ]
    return Table([*table.head, look.say("outside 99.8 %"), look.say("outside 95 %")], rows)


def months(look: Look) -> View | None:
    """The control chart of the last four years' months."""
    if not look.splits(Stratum.MONTH):
        return None
    frame = look.frame("month", when=last_months(look))
    found = signals.course(look.of, frame)
    if found is None:
        return None
    say = look.say
    rows = [{name: value for name, value in row.items() if name != "rules"} for row in found.rows]
    told = [
        [
            say.month(row["day"]),
            say.count(row["numerator"]),
            say.count(row["denominator"]),
            say.number(row["value"]),
            say.interval({"low": row["low"], "high": row["high"]}),
            "; ".join(say(signals.RULES[rule]) for rule in sorted(row["rules"])),
        ]
        for row in found.rows
    ]
    return View(
        name="months",
        title=say("Month by month: a control chart ({chart})", chart=say(found.chart)),
        told=signals.told_course(found, say),
        table=Table([say(w) for w in ("month", "n", "of", "value", "limits", "rules broken")], told),
        frame=frame,
        drawing=lambda width: comparisons.control_chart(rows, width),
        wide=True,
    )


def last_months(look: Look) -> Period:
    """Whole years up to the period's last."""
    last = look.years().years()[-1]
    first = add_months(last.end, -_MONTHS_BACK)
    return period(f"{first.year}-{last.start.year}")


MULTIPLES: Mapping[Stratum, tuple[str, int]] = {
    Stratum.COUNTY: ("Over the years in each county; grey is the whole country", 5),
    Stratum.AGE_GROUP: ("Over the years at each age; grey is all ages", 5),
    Stratum.SEX: ("Over the years for each sex; grey is both", 2),
    Stratum.SCREEN: ("Over the years at first and at later screens; grey is all", 2),
    Stratum.CUTOFF: ("Over the years at each cut-off; grey is all", 5),
    Stratum.LAB: ("Over the years at each laboratory; grey is all", 5),
    Stratum.UNIT: ("Over the years at each unit; grey is all", 5),
}


def small_multiples(look: Look) -> list[View]:
    """The years of each county, age group, sex, screen, cut-off, laboratory and unit, each over those of the whole."""
    found = [_multiple(look, stratum, *how) for stratum, how in MULTIPLES.items() if look.splits(stratum)]
    return [view for view in found if view is not None]


def _multiple(look: Look, stratum: Stratum, title: str, columns: int) -> View | None:
    say, name = look.say, stratum.value
    frame = look.frame(name, "year", when=look.years(), free=[name]).filter(
        pl.col("mature"), pl.col("value").is_not_null(), pl.col(name) != "unknown"
    )
    whole = look.frame("year", when=look.years(), free=[name])
    wholes = dict(whole.select("year", "value").iter_rows())
    if frame["year"].n_unique() < 2 or frame[name].n_unique() < 2:
        return None
    rows = [{**row, name: say(row[name]), "whole": wholes.get(row["year"])} for row in frame.to_dicts()]
    return View(
        name=f"years-{name}",
        title=say(title),
        told=[_biggest_change(rows, name, look)],
        table=_pivoted(rows, name, look),
        frame=frame,
        drawing=lambda width: comparisons.multiples(rows, name, width, columns if width > 600 else 2),
        wide=True,
    )


def _biggest_change(rows: Sequence[Mapping[str, Any]], name: str, look: Look) -> str:
    """Where the last year lies furthest from the year before it, among those with enough to tell."""
    say = look.say
    years = sorted({row["year"] for row in rows})[-2:]
    at = {(row[name], row["year"]): row for row in rows if not few(row)}
    both = [
        (at[word, years[1]], at[word, years[0]])
        for word, year in at
        if year == years[0] and (word, years[1]) in at
    ]
    if not both:
        return say("Too few each year to tell a change.")
    now, before = max(both, key=lambda pair: abs(pair[0]["value"] - pair[1]["value"]))
    sure = [one[name] for one, other in both if differs(one, other, STRICT)]
    told = say(
        "Largest change from {before} to {now}: {who}, from {a} to {b}.", before=years[0], now=years[1],
        who=now[name], a=with_counts(before, look), b=with_counts(now, look),
    )  # fmt: skip
    if not sure:
        return f"{told} {say('No change is larger than chance explains among so many.')}"
    return f"{told} {say('More than chance explains: {who}.', who=say.listed(sure))}"


def _pivoted(rows: Sequence[Mapping[str, Any]], name: str, look: Look) -> Table:
    years = sorted({row["year"] for row in rows})
    words = list(dict.fromkeys(row[name] for row in rows))
    at = {(row[name], row["year"]): look.say.number(row["value"]) for row in rows}
    return Table(
        [look.say(head_of(name)), *years],
        [[word, *(at.get((word, year), "–") for year in years)] for word in words],
    )


def map_of_counties(look: Look) -> View | None:
    """None where fewer than two counties have enough to be coloured."""
    if not look.splits(Stratum.COUNTY):
        return None
    frame = look.frame("county", free=["county"])
    rows = charts.drawable(frame.filter(pl.col("county") != "unknown"))
    known = [row for row in rows if not few(row)]
    if len(known) < 2:
        return None
    unit = look.say(look.of.unit_text)
    return View(
        name="map",
        title=look.say("On the map"),
        told=from_to(rows, look, "county"),
        table=result_table(rows, "county", "county", look),
        frame=frame,
        drawing=lambda width: comparisons.map_of_counties(known, min(width, 430), unit),
    )


# -- how long it took ------------------------------------------------------------------------------


def waiting(look: Look) -> View | None:
    """Time to follow-up of the same people, where the programme has such an indicator."""
    curve = curve_of(look)
    if curve is None:
        return None
    of, measure = curve
    say = look.say
    parts = waited_in(look)
    rows: list[dict[str, Any]] = []
    for part in parts:
        rows += _course(look.about(of), part, measure.day, now=part is parts[-1])
    if not rows:
        return None
    table = _landmarks(rows, look)
    return View(
        name="waiting",
        title=say("How long it took; who died or moved abroad is no longer waited for"),
        told=[_halfway(rows, look)],
        table=table,
        frame=pl.DataFrame(rows, infer_schema_length=None).drop("last"),
        drawing=lambda width: comparisons.waiting(rows, width, days=say("days")),
    )


def waited_in(look: Look) -> list[Period]:
    """The years of which a curve is drawn: the last three of the period's."""
    return [part for part in look.years().years() if part.end <= look.asked.period.end][-3:]


def curve_of(look: Look) -> tuple[Indicator, Waiting] | None:
    """The longest curve of the same people: those of whom the indicator counts, or its like by denominator.

    Of days waited: of all who waited from that day on, those who never came too.
    """
    of = look.of
    known = [
        (one, one.measure)
        for one in of_programme(look.asked.programme.id)
        if isinstance(one.measure, Waiting)
        and (
            one.denominator == of.denominator
            or (isinstance(of.measure, Quantile) and one.anchor == of.anchor)
        )
    ]
    return max(known, key=lambda one: one[1].day, default=None)


def _course(look: Look, part: Period, until: int, *, now: bool) -> list[dict[str, Any]]:
    cells = look.counts.cells(look.asked.programme.id, part, look.of.id, by=[], where=look.asked.where)
    if cells.is_empty():
        return []
    bins = cells.group_by("bin").agg(pl.col("numerator", "denominator").sum()).sort("bin")
    counts = Bins(*(bins[name].to_numpy() for name in ("bin", "numerator", "denominator")))
    waited = course_of(counts)
    curve = cumulative_incidence(waited)
    days = [day for day in curve.days.tolist() if day <= until]
    last = until if waited.known_until(until) else days[-1]
    told = [{"part": part.text, "day": 0, "value": 0.0, "low": None, "high": None, "last": False}]
    for day in [*days, *([] if days and days[-1] == last else [last])]:
        share, low, high = (_percent(value) for value in curve.at(day))
        told.append(
            {"part": part.text, "day": day, "value": share, "low": low if now else None,
             "high": high if now else None, "last": day == last}
        )  # fmt: skip
    return told


def _percent(share: float) -> float | None:
    return None if np.isnan(share) else 100 * share


_LANDMARKS = (30, 60, 90, 180, 365)


def _landmarks(rows: Sequence[Mapping[str, Any]], look: Look) -> Table:
    parts = list(dict.fromkeys(row["part"] for row in rows))
    last = max(row["day"] for row in rows)
    days = [day for day in _LANDMARKS if day <= last]
    told = [[part, *(look.say.figure(_at(rows, part, day), "%") for day in days)] for part in parts]
    return Table([look.say("period"), *(look.say("by day {day}", day=day) for day in days)], told)


def _at(rows: Sequence[Mapping[str, Any]], part: str, day: int) -> float | None:
    """None where the data of the part end before that day."""
    own = [row for row in rows if row["part"] == part]
    return max(row["value"] for row in own if row["day"] <= day) if own[-1]["day"] >= day else None


def _halfway(rows: Sequence[Mapping[str, Any]], look: Look) -> str:
    part = rows[-1]["part"]
    days = [row["day"] for row in rows if row["part"] == part and row["value"] >= 50]
    share = look.say.figure(_at(rows, part, 90), "%")
    if not days:
        return look.say("{part}: {share} by day 90; half were not reached.", part=part, share=share)
    return look.say("{part}: half by day {day}, {share} by day 90.", part=part, day=days[0], share=share)


# -- who did not come ------------------------------------------------------------------------------


def non_attenders(look: Look) -> View | None:
    """Of those called: how many did not come, by age. Only of shares that count from the call."""
    if look.of.anchor != Anchor.CALL or look.of.unit_text != "%" or look.of.units is calls_due:
        return None
    if not look.splits(Stratum.ATTENDANCE):
        return None
    say, came, stayed = look.say, look.say("tested"), look.say("not tested")
    frame = look.frame("age_group", free=["age_group"]).filter(pl.col("denominator") > 0)
    if frame.is_empty():
        return None
    rows = frame.to_dicts()
    missing = sum(row["denominator"] - row["numerator"] for row in rows)
    drawn = [
        {"age": row["age_group"], "part": part, "count": count}
        for row in rows
        for part, count in ((came, row["numerator"]), (stayed, row["denominator"] - row["numerator"]))
    ]
    most = max(rows, key=lambda row: row["denominator"] - row["numerator"])
    n = most["denominator"] - most["numerator"]
    told = say(
        "{missing} of those called were not tested; most of them are {age} years old: {n}, {share} of all.",
        missing=say.count(missing), age=most["age_group"], n=say.count(n), share=say.share(n, missing),
    )  # fmt: skip
    table = [
        [row["age_group"], say.count(row["denominator"]), say.count(row["numerator"]),
         say.count(row["denominator"] - row["numerator"]),
         say.share(row["denominator"] - row["numerator"], row["denominator"]),
         say.share(row["denominator"] - row["numerator"], missing)]
        for row in rows
    ]  # fmt: skip
    head = ("age", "called", "tested", "not tested", "of those of that age", "of all not tested")
    return View(
        name="non-attenders",
        title=say("Who did not come, by age"),
        told=[told],
        table=Table([say(word) for word in head], table),
        frame=frame.with_columns(not_counted=pl.col("denominator") - pl.col("numerator")),
        drawing=lambda width: charts.stacked(
            drawn, "age", [came, stayed], [charts.SOFT, charts.MAIN], width, share=False
        ),
    )
