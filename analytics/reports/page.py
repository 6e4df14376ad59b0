"""The pages: all programmes, one programme, one indicator; and one file that holds a programme whole.

No script. Readable aloud, on a phone and on paper.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from analytics.indicators.catalogue import indicator as definition_of
from analytics.indicators.catalogue import of_programme
from analytics.indicators.kept import Kept
from analytics.indicators.period import Period
from analytics.reports.ahead import ask_ahead
from analytics.reports.asked import FILTERS, asked
from analytics.reports.chosen import HOME, KEY, TITLES, groups
from analytics.reports.counts import Counts
from analytics.reports.gallery import brief, sections
from analytics.reports.markup import Markup, tag
from analytics.reports.medium import Medium, Whole
from analytics.reports.overview import judged, overview, section
from analytics.reports.parts import (
    change,
    counted,
    definition,
    document,
    elsewhere,
    figure,
    filters,
    footer,
    internal,
    narrowed,
    only_text,
    top,
    unripe,
)
from analytics.reports.views import Look
from analytics.reports.words import Language, Wording


def page(
    kept: Kept,
    programme: str,
    period: Period,
    language: Language = Language.ENGLISH,
    *,
    ids: Sequence[str] = (),
    filters: Mapping[str, str] | None = None,
) -> str:
    """The programme in one file that needs nothing else; whole, or only these indicators.

    The same dataset gives the same bytes.
    """
    counts = Counts(kept)
    wanted = asked(programme, period, language, filters=filters or {}, seen=counts.seen(programme))
    look = Look(counts, wanted)
    medium = Whole()
    _ask_ahead(look, ids)
    body = _each(look, medium, ids) if ids else [*overview(look, medium), *_each(look, medium)]
    return _document(look, medium, body)


def _ask_ahead(look: Look, ids: Sequence[str]) -> None:
    key = KEY[look.asked.programme.cancer]
    every = [of for of in of_programme(look.asked.programme.id) if not ids or of.id in ids]
    ask_ahead(look, [of for of in every if of.id in key], [of for of in every if of.id not in key])


def programme_page(look: Look, medium: Medium) -> str:
    """What a director looks at first."""
    ask_ahead(look, [])
    return _document(look, medium, overview(look, medium))


def indicator_page(look: Look, medium: Medium) -> str:
    """Everything that can be asked of one indicator, from several sides."""
    ask_ahead(look, [look.of])
    head = tag("section", *_head(look), definition(look.of, look.say), class_="lead-in")
    parts = [
        tag("section", tag("h2", look.say(heading)),
            tag("div", *(figure(look, view, medium) for view in found), class_="figures"))
        for heading, found in sections(look)
    ]  # fmt: skip
    nothing = [] if parts else [tag("section", tag("p", look.say("Nothing was observed."), class_="note"))]
    return _document(look, medium, [head, *parts, *nothing])


def index_page(counts: Counts, period: Period, language: Language, medium: Medium) -> str:
    """All programmes, each with its first figures."""
    say = Wording(language)
    looks = [Look(counts, asked(name, period, language, filters={})) for name in HOME]
    cards = [_card(look, medium) for look in looks]
    head = tag("header", tag("h1", say("Cancer screening in Norway")), *_about(looks[0], medium))
    main = tag("main", tag("div", *cards, class_="cards"), id="content")
    return document(say("Quality of screening"), say, medium, top(None, say, medium), head, main)


def _document(look: Look, medium: Medium, body: Sequence[Markup]) -> str:
    say, wanted = look.say, look.asked
    programme = say(TITLES[wanted.programme.cancer]) + _elsewhere(look)
    subject = say(wanted.indicator.title) if wanted.indicator else programme
    form = [filters(wanted, look.counts.source.data_cut.year), narrowed(wanted)] if medium.served else []
    only = [tag("p", only_text(wanted), class_="cut")] if wanted.only and not medium.served else []
    head = tag("header", *_title(look, programme, medium), *only, *_about(look, medium))
    people = look.counts.people(wanted.programme.id).people
    main = tag("main", *form, *body, id="content")
    title = f"{subject} {wanted.period.text}"
    return document(title, say, medium, top(wanted, say, medium), head, main, footer(look, people))


def _elsewhere(look: Look) -> str:
    """Whose programme, where it is not the home one."""
    return "" if look.asked.programme.id in HOME else f", {look.say(look.asked.programme.country)}"


def _title(look: Look, programme: str, medium: Medium) -> list[Markup]:
    wanted = look.asked
    if wanted.indicator is None:
        return [
            tag("h1", programme, " ", tag("span", wanted.period.text, class_="when")),
            medium.rules(wanted),
        ]
    up = tag("a", programme, href=medium.where(wanted.about(None)))
    heading = tag("h1", look.say(wanted.indicator.title), " ", tag("span", wanted.period.text, class_="when"))
    return [tag("p", up, class_="up"), heading]


def _about(look: Look, medium: Medium) -> list[Markup]:
    cut = medium.cut(look.say, look.counts.source.data_cut)
    return [tag("p", cut, class_="cut"), internal(look.say, medium)]


# -- one indicator ---------------------------------------------------------------------------------


def _head(look: Look) -> list[Markup]:
    """The figure, its interval, and what it is worth against its standards."""
    of, say = look.of, look.say
    row = look.frame().to_dicts()[0]
    value = tag("p", say.figure(row["value"], of.unit_text), class_="value")
    narrow = [tag("p", only_text(look.asked), class_="only")] if look.asked.only else []
    yearly = look.frame("year", when=look.years()).to_dicts()
    told = [*change(look, yearly), *judged(look, row, yearly), *unripe(row, say), *elsewhere(of, say)]
    return [value, *narrow, tag("p", counted(row, of, say), class_="interval"), *told]


def _each(look: Look, medium: Medium, ids: Sequence[str] = ()) -> list[Markup]:
    """Every indicator (of these ids) that can be told of those filtered for, as a section of its own."""
    every = [of for found in groups(look.asked.programme.id).values() for of in found]
    needed = {FILTERS[name] for name in look.asked.only}
    return [
        _one(look.about(of), medium) for of in every if (not ids or of.id in ids) and needed <= set(of.strata)
    ]


def _one(look: Look, medium: Medium) -> Markup:
    of = look.of
    full = of.id in KEY[look.asked.programme.cancer]
    shown = [view for _, found in sections(look) for view in found] if full else brief(look)
    figures = tag("div", *(figure(look, view, medium) for view in shown), class_="figures")
    nothing = tag("p", look.say("Nothing was observed."), class_="note")
    return section(
        look.say(of.title), *_head(look), definition(of, look.say), figures if shown else nothing, id=of.id,
        class_="indicator",
    )  # fmt: skip


# -- all programmes --------------------------------------------------------------------------------


def _card(look: Look, medium: Medium) -> Markup:
    """A programme's first figures, or that there is none yet."""
    say, wanted = look.say, look.asked
    heading = tag("h2", tag("a", say(TITLES[wanted.programme.cancer]), href=medium.where(wanted)))
    if not look.counts.begun(wanted.programme.id):
        return tag("section", heading, tag("p", say("No data yet: it has not begun here."), class_="note"))
    key = KEY[wanted.programme.cancer]
    overall = {
        row["id"]: row for row in look.counts.frame(wanted.programme.id, wanted.period, ids=key).to_dicts()
    }
    yearly = look.counts.frame(wanted.programme.id, look.years(), by=["year"], ids=key)
    rows = [
        _first_figure(look.about(of), overall[of.id], yearly.filter(pl.col("id") == of.id).to_dicts(), medium)
        for of in (definition_of(name, wanted.programme.id) for name in key)
    ]
    caption = tag("caption", say("First figures of {year}", year=wanted.period.text))
    return tag("section", heading, tag("table", caption, tag("tbody", *rows)))


def _first_figure(
    look: Look, row: Mapping[str, Any], yearly: Sequence[Mapping[str, Any]], medium: Medium
) -> Markup:
    of, say = look.of, look.say
    told = [*change(look, yearly), *judged(look, row, yearly, most=1), *unripe(row, say)]
    name = tag("a", say(of.title), href=medium.where(look.asked))
    value = tag("td", say.figure(row["value"], of.unit_text))
    return tag("tr", tag("th", name, *told, scope="row"), value)
