"""The page of one programme: what a director asks first, then everything."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from analytics.indicators.model import Indicator
from analytics.indicators.programmes import PROGRAMMES
from analytics.reports import views, views_of_all
from analytics.reports.asked import Asked
from analytics.reports.chosen import KEY, ON_THE_MAP, groups
from analytics.reports.markup import Markup, joined, tag
from analytics.reports.medium import Medium
from analytics.reports.parts import change, counted, figure, unripe, verdicts, verdicts_by_screen
from analytics.reports.screens import by_screen
from analytics.reports.views import Look
from analytics.reports.views_compared import map_of_counties
from analytics.reports.words import NO_INTERVAL

Yearly = Mapping[str, Sequence[Mapping[str, Any]]]  # indicator -> its years that have a figure


def overview(look: Look, medium: Medium) -> list[Markup]:
    """Of a programme in which nothing has happened only that, and what will be counted."""
    if not look.counts.begun(look.asked.programme.id):
        return [_not_begun(look), _to_come(look, medium)]
    overall, yearly = overall_of(look), _yearly(look)
    return [
        _tiles(look, overall, yearly, medium),
        _steps(look, medium),
        _outstanding(look, medium),
        _standards(look, overall, yearly, medium),
        _maps(look, overall, medium),
        _all(look, overall, yearly, medium),
        _nobody_lost(look, medium),
    ]


def section(heading: str, *content: str, **attributes: str) -> Markup:
    return tag("section", tag("h2", heading), *content, **attributes)


def _not_begun(look: Look) -> Markup:
    say, people = look.say, look.counts.people(look.asked.programme.id).people
    told = say(
        "Nothing was observed. Of {people} people in the register nobody has been decided about in this programme, and"
        " nothing has been recorded in it: it has not begun here.",
        people=say.count(people),
    )  # fmt: skip
    return section(say("No data yet"), tag("p", told, class_="lead"))


def _to_come(look: Look, medium: Medium) -> Markup:
    """The indicators by name, each leading to its definition."""
    say = look.say
    lists = [
        tag("div", tag("h3", say(heading)), tag("ul", *(
            tag("li", tag("a", say(of.title), href=medium.where(look.asked.about(of)))) for of in found
        )))
        for heading, found in groups(look.asked.programme.id).items()
    ]  # fmt: skip
    return section(say("What will be counted"), tag("div", *lists, class_="figures to-come"))


def _steps(look: Look, medium: Medium) -> Markup:
    say, view = look.say, views_of_all.steps(look)
    if view is not None:
        return section(say("From invited to cancer"), figure(look, view, medium))
    told = views_of_all.no_steps(look) or ""
    return section(say("From invited to cancer"), tag("p", told, class_="note"))


def overall_of(look: Look) -> Mapping[str, Mapping[str, Any]]:
    """The row of each indicator that can be told of those filtered for."""
    wanted = look.asked
    frame = look.counts.frame(wanted.programme.id, wanted.period, where=wanted.where)
    return {row["id"]: row for row in frame.to_dicts()}


def _yearly(look: Look) -> Yearly:
    wanted = look.asked
    frame = look.counts.frame(wanted.programme.id, look.years(), by=["year"], where=wanted.where)
    some = frame.filter(pl.col("value").is_not_null(), pl.col("denominator") > 0)
    return {str(name): part.to_dicts() for (name,), part in some.partition_by("id", as_dict=True).items()}


def _tiles(look: Look, overall: Mapping[str, Any], yearly: Yearly, medium: Medium) -> Markup:
    chosen = [of for found in groups(look.asked.programme.id).values() for of in found]
    key = KEY[look.asked.programme.cancer]
    tiles = [
        _tile(look.about(of), overall[of.id], yearly, medium)
        for of in sorted(chosen, key=lambda of: key.index(of.id) if of.id in key else 0)
        if of.id in key and of.id in overall
    ]
    if not tiles:
        return Markup()
    return section(look.say("At a glance"), tag("ol", *tiles, class_="tiles"), class_="glance")


def _tile(look: Look, row: Mapping[str, Any], yearly: Yearly, medium: Medium) -> Markup:
    of, say = look.of, look.say
    link = tag("a", tag("h3", say(of.title)), href=medium.where(look.asked))
    value = tag(
        "p", say.number(row["value"]), tag("span", say.gap(of.unit_text), class_="unit"), class_="value"
    )
    if row["value"] is None:
        value = tag("p", "–", class_="value")
    drawn = _spark(look, yearly, medium)
    years = yearly.get(of.id, [])
    told = [*change(look, years), *judged(look, row, years, most=1), *unripe(row, say)]
    return tag(
        "li",
        link,
        tag("div", value, drawn, class_="shown"),
        tag("p", counted(row, of, say), class_="interval"),
        *told,
    )


def complete(
    look: Look, row: Mapping[str, Any], yearly: Sequence[Mapping[str, Any]]
) -> tuple[Look, Mapping[str, Any]]:
    """What can be judged: the figure, or where its follow-up is not complete that of the latest year that is."""
    at = None if row["mature"] else look.to_judge()
    found = next((one for one in yearly if at and one["year"] == at.asked.period.text), None)
    return (look, row) if at is None or found is None else (at, found)


def judged(
    look: Look, row: Mapping[str, Any], yearly: Sequence[Mapping[str, Any]], *, most: int | None = None
) -> list[Markup]:
    """Against its standards; of first and later screens apart, where those have standards of their own."""
    at, figure_ = complete(look, row, yearly)
    when = at.other_than(look.asked.period)
    return [
        *verdicts(look.of, figure_, look.say, when=when)[:most],
        *verdicts_by_screen(at, most=most, when=when),
    ]


def _spark(look: Look, yearly: Yearly, medium: Medium) -> Markup:
    if len(yearly.get(look.of.id, [])) < 2:
        return Markup()
    view = views.spark(look)
    return medium.picture(look, view) if view else Markup()


def _outstanding(look: Look, medium: Medium) -> Markup:
    """Who or what lies further out than chance explains, each with a link to where it can be looked into."""
    say, open_ = look.say, _not_judged(look)
    found = views_of_all.standing_out(look)
    late = say(
        "Where the follow-up of {year} is not complete, the latest complete year is judged.",
        year=look.asked.period.text,
    )
    if not found:
        nobody = say("Nothing stands out beyond what chance explains.")
        return section(say("What stands out"), tag("p", nobody, " ", late, class_="note"), *open_)
    groups_ = [
        tag("div", tag("h3", say(heading)), *(_who(name, told, look, medium) for name, told in who))
        for heading, who in found.items()
    ]
    note = say(
        "Units outside the 99.8 % limits of a funnel plot; months that break a rule of a control chart."
    )
    return section(
        say("What stands out"), tag("p", note, " ", late, class_="note"),
        tag("div", *groups_, class_="outstanding"), *open_, class_="stands-out",
    )  # fmt: skip


def _not_judged(look: Look) -> list[Markup]:
    """Which indicators say nothing of anybody yet, and when they will."""
    say = look.say
    told = [
        say("Not judged yet, because follow-up is complete on {day}: {what}.", day=say.day(day),
            what=say.listed([say(of.title) for of in found]))
        for day, found in views_of_all.not_judged(look).items()
    ]  # fmt: skip
    return [tag("p", text, class_="note") for text in told]


def _who(name: str, told: Sequence[tuple[Indicator, str]], look: Look, medium: Medium) -> Markup:
    lines = [
        tag("li", tag("a", look.say(of.title), href=medium.where(look.asked.about(of))), f": {text}")
        for of, text in told
    ]
    return joined(tag("h4", look.say(name)) if name else "", tag("ul", *lines))


def _standards(look: Look, overall: Mapping[str, Any], yearly: Yearly, medium: Medium) -> Markup:
    """Against the standards that are meant for this programme, and apart from them against those of others."""
    say = look.say
    known = [of for found in groups(look.asked.programme.id).values() for of in found if of.id in overall]
    held = [
        of for of in known
        if overall[of.id]["low"] is not None and of.standards
    ]  # fmt: skip
    foreign = {programme.country for programme in PROGRAMMES.values()} - {look.asked.programme.country}
    captions = {
        "Each figure with its 95 % interval; the marks are the standards.": False,
        "Beside the standards of other countries, which do not hold here.": True,
    }
    tables = [
        _standards_table(say(caption), of_these, look, overall, yearly, medium)
        for caption, others in captions.items()
        for of_these in [[of for of in held if _of_others(of, foreign) == others]]
    ]
    note = say(
        "Where the follow-up of {year} is not complete, the latest complete year is shown.",
        year=look.asked.period.text,
    )
    open_ = [tag("p", note, class_="note")] if any(not overall[of.id]["mature"] for of in held) else []
    return section(say("Against the standards"), *open_, *tables) if held else Markup()


def _of_others(of: Indicator, foreign: Collection[str]) -> bool:
    """Whether its standards are those of another country for itself."""
    return any(country in standard.whose for country in foreign for standard in of.standards)


def _standards_table(
    caption: str, held: Sequence[Indicator], look: Look, overall: Mapping[str, Any], yearly: Yearly,
    medium: Medium,
) -> Markup:  # fmt: skip
    if not held:
        return Markup()
    words = ("indicator", "value", "among the standards", "verdict")
    head = tag("tr", *(tag("th", look.say(word), scope="col") for word in words))
    about = [complete(look.about(of), overall[of.id], yearly.get(of.id, [])) for of in held]
    rows = [row for at, figure_ in about for row in _standard(at, figure_, look.asked, medium)]
    told = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *rows), class_="standards")
    return tag("div", told, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _standard(look: Look, row: Mapping[str, Any], shown: Asked, medium: Medium) -> list[Markup]:
    """A row for all screens together, and one for each kind of screen that has standards of its own."""
    of, say = look.of, look.say
    whole = [(say(of.title), "", row)] if look.standards else []
    apart = [
        (say("{title}, first screens" if screen == "initial" else "{title}, later screens", title=say(of.title)),
         screen, told)
        for screen, told in by_screen(look).items()
    ]  # fmt: skip
    return [_judged_row(look, *one, shown, medium) for one in (*whole, *apart)]


def _judged_row(
    look: Look, title: str, screen: str, row: Mapping[str, Any], shown: Asked, medium: Medium
) -> Markup:
    of, say = look.of, look.say
    view = views.gauge(look, screen)
    address = medium.where(look.at(shown.period).asked)
    when = look.other_than(shown.period)
    name = tag("th", tag("a", title, href=address), scope="row")
    year = [" ", tag("span", when, class_="when")] if when else []
    value = tag("td", tag("strong", say.figure(row["value"], of.unit_text)), *year)
    drawn = tag("td", medium.picture(look, view) if view else "")
    told = tag("td", *verdicts(of, row, say, screen=screen), *unripe(row, say), class_="words")
    return tag("tr", name, value, drawn, told)


def _maps(look: Look, overall: Mapping[str, Any], medium: Medium) -> Markup:
    found: list[Markup] = []
    for heading in groups(look.asked.programme.id).values():
        for of in heading:
            if of.id in ON_THE_MAP[look.asked.programme.cancer] and of.id in overall:
                about = look.about(of)
                view = map_of_counties(about)
                if view is not None:
                    found.append(figure(about, replace(view, title=look.say(of.title)), medium))
                elif about.to_judge() is None:
                    found.append(_no_map_yet(about))
    if not found:
        return Markup()
    return section(look.say("On the map"), tag("div", *found, class_="figures"))


def _no_map_yet(look: Look) -> Markup:
    told = tag("p", views.not_yet(look), class_="told")
    return tag("figure", tag("h3", look.say(look.of.title)), told, class_="half")


def _all(look: Look, overall: Mapping[str, Any], yearly: Yearly, medium: Medium) -> Markup:
    say = look.say
    tables = [
        _group(say(heading), [of for of in found if of.id in overall], look, overall, yearly, medium)
        for heading, found in groups(look.asked.programme.id).items()
    ]
    left = sum(len(found) for found in groups(look.asked.programme.id).values()) - len(overall)
    notes = [say("◌ Follow-up is not complete: the figure will still change."), f"–: {say(NO_INTERVAL)}."]
    if left:
        notes.append(say("{n} indicators cannot be told so narrowly and are left out.", n=left))
    return section(
        say("Every indicator"), *(tag("p", note, class_="note") for note in notes), *tables, class_="every"
    )


def _group(
    heading: str, found: Sequence[Indicator], look: Look, overall: Mapping[str, Any],
    yearly: Yearly, medium: Medium,
) -> Markup:  # fmt: skip
    if not found:
        return Markup()
    say = look.say
    words = ("indicator", "value", "95 % interval", "n", "of", "over the years")
    head = tag("tr", *(tag("th", say(word), scope="col") for word in words))
    rows = [_row(look.about(of), overall[of.id], yearly, medium) for of in found]
    told = tag("table", tag("caption", heading), tag("thead", head), tag("tbody", *rows), class_="list")
    return tag("div", told, class_="scroll", tabindex="0", role="region", aria_label=heading)


def _row(look: Look, row: Mapping[str, Any], yearly: Yearly, medium: Medium) -> Markup:
    of, say = look.of, look.say
    mark = "" if row["mature"] else " ◌"
    name = tag("th", tag("a", say(of.title), href=medium.where(look.asked)), mark, scope="row")
    cells = [
        tag("td", tag("strong", say.figure(row["value"], of.unit_text))),
        tag("td", say.interval(row)),
        tag("td", say.count(row["numerator"])),
        tag("td", say.exposure(row["denominator"], of.measure)),
        tag("td", _spark(look, yearly, medium), class_="line"),
    ]
    return tag("tr", name, *cells)


def _nobody_lost(look: Look, medium: Medium) -> Markup:
    say = look.say
    people = look.counts.people(look.asked.programme.id)
    lead = tag("p", views_of_all.lost(look), class_="lead" if people.lost == 0 else "lead alarm")
    late = views_of_all.late(look)
    about = look.about(None)
    found = [figure(about, views_of_all.statuses(look), medium)]
    found.append(
        figure(about, late, medium)
        if late
        else tag("figure", tag("h3", say("Nothing is overdue.")), class_="half")
    )
    heading = say("Nobody lost, nothing forgotten")
    all_ = say("Of everybody: the filters do not narrow this.")
    note = tag("p", all_, class_="note") if look.asked.only else ""
    return section(heading, lead, note, tag("div", *found, class_="figures"), id="people")
