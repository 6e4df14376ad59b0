"""One programme on one self-contained page: no script, no network, readable aloud, on a phone and on paper."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from analytics.extract.dataset import Dataset
from analytics.indicators.conservation import OVERDUE_BANDS
from analytics.indicators.model import Direction, Indicator, Standard
from analytics.indicators.period import Period
from analytics.indicators.reference import Reference, published
from analytics.reports import charts
from analytics.reports.figures import COLUMN, HALF, WHOLE, Figures, figure, limits, result_rows, table
from analytics.reports.formats import shown
from analytics.reports.markup import Markup, joined, tag
from analytics.reports.report import Report, report

_STYLE = Path(__file__).with_name("page.css")
_TITLES = {"no-cervical": "Cervical screening in Norway"}
_STATUSES = {
    "outside": "outside the target population",
    "waiting": "waiting for the next call",
    "due": "due, no call open",
    "invited": "called, no answer yet",
    "in_follow_up": "in follow-up",
    "deferred": "deferred",
    "opted_out": "reserved themselves",
    "ceased": "ceased",
}
_KINDS = {
    "invite": "send information letter",
    "remind": "send reminder",
    "dispatch_kit": "send home-sampling kit",
    "replace_kit": "replace kit",
    "give_result": "give result",
    "repeat_test": "repeat test",
    "obtain_triage": "obtain triage test",
    "obtain_result": "obtain result of a kit",
    "refer": "refer to colposcopy",
    "attend": "be seen at colposcopy",
    "obtain_histology": "obtain histology",
    "treat": "treat",
    "test_of_cure": "test of cure",
    "follow_up_letter": "send follow-up letter",
}
_KEY = tag(
    "p",
    "How to read the pictures: points are figures, bars and bands their 95 % intervals; a hollow point will still"
    " change, because follow-up is not complete; the dashed line is the standard.",
    class_="key",
)
_RESULT_HEAD = ("count", "of", "value", "95 % interval")


def page(
    dataset: Dataset, programme: str, period: Period, *, book: str | None = None, alarm: str | None = None
) -> str:
    """The whole page. The same dataset gives the same bytes.

    `book`: where the programme's rules are served; `alarm`: what whoever opens the page must be told first.
    """
    return written(report(dataset, programme, period), book=book, alarm=alarm)


def written(told: Report, *, book: str | None = None, alarm: str | None = None) -> str:
    figures = Figures()
    title = f"{_TITLES.get(told.programme, told.programme)}: quality indicators {told.period.text}"
    main = tag(
        "main",
        _tiles(told),
        _nobody_lost(told, figures),
        _path(told, figures),
        _KEY,
        *_sections(told, figures),
    )
    head = joined(
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", title),
        tag("style", Markup(_STYLE.read_text())),
    )
    body = tag("body", _header(told, book, alarm), main, _footer(told))
    return "<!doctype html>\n" + tag("html", tag("head", head), body, lang="en") + "\n"


def _header(told: Report, book: str | None, alarm: str | None) -> Markup:
    links = [
        ("glance", "At a glance"),
        ("people", "Nobody lost"),
        ("path", "From letter to diagnosis"),
        (told.indicators[0].id, "Each indicator"),
    ]
    contents = [(f"#{to}", text) for to, text in links]
    if book is not None:
        contents.append((book, "The rules, as a book"))
    cut = f"Data as of {_day(told.source.data_cut)} · {told.people.people:,} people in the register"
    return tag(
        "header",
        tag("p", alarm, class_="alarm", role="alert") if alarm is not None else Markup(),
        tag("p", "Quality indicators ", tag("strong", told.period.text), class_="kicker"),
        tag("h1", _TITLES.get(told.programme, told.programme)),
        tag("p", cut, class_="cut"),
        tag("nav", *(tag("a", text, href=to) for to, text in contents), aria_label="Contents"),
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


# -- at a glance -----------------------------------------------------------------------------------


def _tiles(told: Report) -> Markup:
    rows = {row["id"]: row for row in told.overall.to_dicts()}
    tiles = tag("ol", *(_tile(of, rows[of.id]) for of in told.indicators), class_="tiles")
    return tag("section", tag("h2", "At a glance"), tiles, id="glance")


def _tile(of: Indicator, row: Mapping[str, Any]) -> Markup:
    number = "–" if row["value"] is None else f"{row['value']:.1f}"
    value = tag("p", number, tag("span", f" {of.unit_text}", class_="unit"), class_="value")
    interval = tag("p", _interval(row), class_="interval")
    lines = [_verdict(of, row), *(_abroad(r) for r in published(of.id, at_home=True)[:1]), _unripe(row)]
    return tag(
        "li", tag("a", tag("h3", of.title), href=f"#{of.id}"), value, interval, *(x for x in lines if x)
    )


def _interval(row: Mapping[str, Any]) -> str:
    of = f"{row['numerator']:,} of {row['denominator']:,}"
    return of if row["low"] is None else f"{limits(row)} · {of}"


def _verdict(of: Indicator, row: Mapping[str, Any]) -> Markup:
    """Against the standard, as far as the interval allows to tell."""
    standard = of.acceptable
    if standard is None or row["low"] is None:
        return Markup()
    word, kind = _compared(standard, row)
    asked = f"{standard.direction} {standard.value:g} {of.unit_text}, {_whose(standard)}"
    return tag("p", f"{word} {asked}", class_=f"verdict {kind}")


def _compared(standard: Standard, row: Mapping[str, Any]) -> tuple[str, str]:
    least = standard.direction == Direction.AT_LEAST
    if (row["low"] >= standard.value) if least else (row["high"] < standard.value):
        return "Reached:", "reached"
    if (row["high"] < standard.value) if least else (row["low"] >= standard.value):
        return "Not reached:", "below"
    return "Cannot be told yet:", "open"


def _whose(standard: Standard) -> str:
    return standard.whose + ("" if standard.verified else " (not verified)")


def _abroad(reference: Reference) -> Markup:
    note = f" ({reference.note})" if reference.note else ""
    text = f"{reference.where} {reference.year}: {reference.value:g} {reference.unit}{note}"
    return tag("p", text, class_="published")


def _unripe(row: Mapping[str, Any]) -> Markup:
    if row["mature"]:
        return Markup()
    return tag("p", f"Will still change: follow-up ends {_day(row['mature_on'])}", class_="unripe")


# -- nobody lost -----------------------------------------------------------------------------------


def _nobody_lost(told: Report, figures: Figures) -> Markup:
    people = told.people
    sentence = (
        f"{people.people:,} people, {people.people - people.lost:,} statuses: nobody is lost."
        if people.lost == 0
        else f"{people.people:,} people, but {people.people - people.lost:,} statuses: {abs(people.lost):,} to be found."
    )
    counts = [(_STATUSES[status], count) for status, count in people.by_status.items()]
    rows = [*([name, f"{count:,}"] for name, count in counts), ["together", f"{people.people:,}"]]
    bars = [{"status": name, "count": count} for name, count in counts]
    stand = figure(
        "Where everybody stands",
        figures.both(lambda width: charts.statuses(bars, width), sentence, wide=HALF),
        table(("status", "people"), rows, "People by status"),
    )
    lead = tag("p", sentence, class_="lead" if people.lost == 0 else "lead alarm")
    grid = tag("div", stand, _overdue(told, figures), class_="grid two")
    return tag("section", tag("h2", "Nobody lost, nothing forgotten"), lead, grid, id="people")


def _overdue(told: Report, figures: Figures) -> Markup:
    rows: list[dict[str, Any]] = [
        row | {"kind": _KINDS.get(row["kind"], row["kind"])} for row in told.overdue.to_dicts()
    ]
    caption = f"What is overdue on {_day(told.source.data_cut)}"
    if not rows:
        return tag("figure", tag("figcaption", caption), tag("p", "Nothing is overdue."))
    total = sum(row["count"] for row in rows)
    label = f"{total:,} obligations are overdue, by kind and by how long"
    picture = figures.both(lambda width: charts.late(rows, OVERDUE_BANDS, width), label, wide=HALF)
    numbers = table(("owed", *OVERDUE_BANDS), _pivoted(told.overdue, OVERDUE_BANDS), caption)
    return figure(caption, joined(_legend(OVERDUE_BANDS), picture), numbers)


def _legend(bands: Sequence[str]) -> Markup:
    swatches = [tag("i", "", style=f"background:{colour}") for colour in charts.OVERDUE]
    return tag("ul", *(tag("li", s, band) for s, band in zip(swatches, bands, strict=True)), class_="legend")


def _pivoted(late: pl.DataFrame, bands: Sequence[str]) -> list[list[str]]:
    counts: dict[tuple[str, str], int] = {(row["kind"], row["band"]): row["count"] for row in late.to_dicts()}
    kinds = sorted({kind for kind, _ in counts})
    return [[_KINDS.get(k, k), *(f"{counts.get((k, band), 0):,}" for band in bands)] for k in kinds]


# -- from letter to diagnosis ----------------------------------------------------------------------


def _path(told: Report, figures: Figures) -> Markup:
    women = told.funnel
    which = f"Women first called in {told.funnel_period.text}"
    if told.funnel_period != told.period:
        which += f", the latest year whose follow-up is complete on {_day(told.source.data_cut)}"
    label = ", ".join(f"{step.title}: {step.count:,}" for step in women)
    rows = [[step.title, f"{step.count:,}", _share(step.count, women[0].count)] for step in women]
    picture = figures.both(lambda width: charts.steps(women, width), label, wide=WHOLE)
    shown_ = figure(which, picture, table(("step", "women", "of those called"), rows, which))
    note = "Referral, visit and finding count within 18 months of the test; each step implies the ones before it."
    return tag(
        "section", tag("h2", "From letter to diagnosis"), shown_, tag("p", note, class_="note"), id="path"
    )


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else "–"


# -- each indicator --------------------------------------------------------------------------------


def _sections(told: Report, figures: Figures) -> list[Markup]:
    rows = {row["id"]: row for row in told.overall.to_dicts()}
    return [_section(of, rows[of.id], told, figures) for of in told.indicators]


def _section(of: Indicator, row: Mapping[str, Any], told: Report, figures: Figures) -> Markup:
    head = tag("h2", of.title, " ", tag("span", shown(row["value"], of), class_="value"))
    interval = tag("p", _interval(row), class_="interval")
    drawn = [
        _years(of, told, figures),
        _ages(of, told, figures),
        _counties(of, row, told, figures),
    ]
    lines = [
        _verdict(of, row),
        _unripe(row),
        *(_abroad(r) for r in [*published(of.id, at_home=True), *published(of.id, at_home=False)]),
    ]
    grid = tag("div", *drawn, class_="grid three")
    return tag(
        "section",
        head,
        interval,
        *lines,
        grid,
        _samples(of, told),
        _definition(of),
        id=of.id,
        class_="indicator",
    )


def _rows(frame: pl.DataFrame, of: Indicator) -> list[dict[str, Any]]:
    return charts.drawable(frame.filter(pl.col("id") == of.id))


def _line(of: Indicator) -> float | None:
    return None if of.acceptable is None else of.acceptable.value


def _years(of: Indicator, told: Report, figures: Figures) -> Markup:
    return _chart("Over the years", "year", of, _rows(told.years, of), figures, charts.over_years)


def _ages(of: Indicator, told: Report, figures: Figures) -> Markup:
    return _chart(
        f"By age, {told.period.text}", "age_group", of, _rows(told.by_age, of), figures, charts.by_age
    )


def _counties(of: Indicator, row: Mapping[str, Any], told: Report, figures: Figures) -> Markup:
    def drawn(rows: Sequence[charts.Row], width: int, standard: float | None) -> charts.Drawing:
        return charts.by_county(rows, width, standard, row)

    title = f"By county of residence, {told.period.text}; the band is Norway"
    return _chart(title, "county", of, _rows(told.by_county, of), figures, drawn)


def _chart(
    title: str, stratum: str, of: Indicator, rows: list[dict[str, Any]], figures: Figures, drawn: Any
) -> Markup:
    if not rows:
        return tag("figure", tag("figcaption", title), tag("p", "Nothing was observed.", class_="note"))
    caption = f"{of.title}: {title[0].lower()}{title[1:]}"
    label = f"{caption}. From {min(r['value'] for r in rows):.1f} to {max(r['value'] for r in rows):.1f} {of.unit_text}."
    numbers = table(
        (stratum.replace("_", " "), *_RESULT_HEAD), result_rows(rows, stratum), f"{caption}, {of.unit_text}"
    )
    return figure(title, figures.picture(drawn(rows, COLUMN, _line(of)), label), numbers)


def _samples(of: Indicator, told: Report) -> Markup:
    rows = _rows(told.by_sample, of)
    if not rows:
        return Markup()
    caption = f"By who took the sample, {told.period.text}, {of.unit_text}"
    return table(("sample", *_RESULT_HEAD), result_rows(rows, "sample"), caption)


def _definition(of: Indicator) -> Markup:
    ages = f"{of.ages.low} to {of.ages.high - 1} completed years on the {of.anchor.value}"
    standards = (
        "; ".join(f"{s.direction} {s.value:g} {of.unit_text}, {_whose(s)}" for s in of.standards) or "none"
    )
    told = {
        "Of whom": f"{of.denominator}; ages {ages}",
        "Counted": of.numerator,
        "Counts from": of.anchor.value,
        "Unit": of.unit.value,
        "Tests": of.scope.value,
        "Result": of.result_rule.value,
        "Left out": "; ".join(of.exclusions) or "nobody",
        "Counted where": of.attribution.value,
        "Complete after": str(of.maturity) if of.maturity.months or of.maturity.days else "the period itself",
        "Interval": f"95 %, {of.measure.method.replace('_', '–')}",
        "Standard": standards,
        "Note": of.note,
        "Id": of.id,
    }
    items = [joined(tag("dt", name), tag("dd", text)) for name, text in told.items() if text]
    return tag("details", tag("summary", "How it is counted"), tag("dl", *items), class_="definition")


def _footer(told: Report) -> Markup:
    text = (
        f"Counted from {told.source.rows['events']:,} events of {told.people.people:,} people as of"
        f" {_day(told.source.data_cut)} (watermark {told.source.watermark})."
        " Municipalities and counties: Statistics Norway (NLOD 2.0)."
    )
    return tag("footer", tag("p", text))
