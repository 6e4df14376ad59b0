"""The parts that pages are made of: the frame around them, filters, figures, tables, verdicts, definitions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from analytics.indicators.model import Direction, Indicator, Level, Standard
from analytics.indicators.period import Period
from analytics.indicators.programmes import PROGRAMMES
from analytics.indicators.reference import Reference, published
from analytics.reports.asked import Asked
from analytics.reports.before import last_two, told_change
from analytics.reports.chosen import HOME, TITLES, groups
from analytics.reports.markup import Markup, joined, tag, void
from analytics.reports.medium import Medium, Served, titled
from analytics.reports.reasons import told_in
from analytics.reports.screens import SCREENS, by_screen
from analytics.reports.views import Look, Table, View
from analytics.reports.words import NO_INTERVAL, Language, Wording
from screening.refusals import Refused

_HEADS = Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">')
_YEARS_OFFERED = 8
INTERNAL = "For the programme itself: small numbers are shown as they are. Do not publish or pass on."


def document(title: str, say: Wording, medium: Medium, *body: Markup) -> str:
    head = joined(_HEADS, tag("title", title), medium.styled())
    skip = tag("a", say("Skip to the content"), href="#content", class_="skip")
    return (
        "<!doctype html>\n"
        + tag(
            "html",
            tag("head", head),
            tag("body", skip, medium.alarm(say), *body, id="top"),
            lang=say.language.value,
        )
        + "\n"
    )


def top(asked: Asked | None, say: Wording, medium: Medium) -> Markup:
    """Where one is, the other programmes, the other language."""
    brand = say("Quality of screening")
    if not medium.served:
        return tag("div", tag("p", brand, class_="brand"), class_="top")
    home = tag("a", brand, href=f"/dashboard?lang={say.language}", class_="brand")
    tabs = tag("div", *(_tab(programme, asked, say) for programme in HOME), class_="tabs")
    return tag("nav", home, tabs, _languages(asked, say), aria_label=say("Programmes"), class_="top")


def _tab(programme: str, asked: Asked | None, say: Wording) -> Markup:
    cancer = PROGRAMMES[programme].cancer
    here = asked is not None and asked.programme.id == programme
    period = f"period={asked.period.text}&" if asked else ""
    address = f"/dashboard/{programme}?{period}lang={say.language}"
    current = {"aria_current": "page"} if here else {}
    return tag("a", say(TITLES[cancer]), href=address, **current)


def _languages(asked: Asked | None, say: Wording) -> Markup:
    other = Language.ENGLISH if say.language == Language.NORWEGIAN else Language.NORWEGIAN
    name = {"en": "English", "nb": "Norsk"}[other]
    path = (
        f"/dashboard/{asked.programme.id}?{asked.query(lang=other.value)}"
        if asked
        else f"/dashboard?lang={other}"
    )
    return tag("a", name, href=path, hreflang=other.value, lang=other.value, class_="language")


# -- filters ---------------------------------------------------------------------------------------


def filters(look: Look) -> Markup:
    """A plain form: what is chosen ends up in the address."""
    asked, say = look.asked, look.say
    fields = [
        _field("indicator", say("Indicator"), _indicators(asked)),
        _field(
            "period",
            say("Period"),
            _options(_periods(asked.period, look.recorded_years()), asked.period.text),
        ),
    ]
    for name, words in asked.offered.items():
        if words:
            fields.append(_field(name, say(_FILTER_NAMES[name]), _all_or(words, asked.only.get(name), say)))
    hidden = void("input", type="hidden", name="lang", value=say.language.value)
    button = tag("button", say("Show"), type="submit")
    form = tag("form", *fields, hidden, button, method="get", action=f"/dashboard/{asked.programme.id}")
    return tag("search", form, class_="filters", aria_label=say("Choose what is shown"))


_FILTER_NAMES = {
    "county": "County", "age_group": "Age", "sex": "Sex", "sample": "Sample taken by", "lab": "Laboratory",
    "unit": "Unit",
}  # fmt: skip


def _field(name: str, label: str, options: Sequence[Markup]) -> Markup:
    return tag(
        "div", tag("label", label, for_=f"f-{name}"), tag("select", *options, name=name, id=f"f-{name}"),
        class_=f"field {name}",
    )  # fmt: skip


def _options(words: Iterable[tuple[str, str]], chosen: str | None) -> list[Markup]:
    return [_option(value, text, chosen=value == chosen) for value, text in words]


def _option(value: str, text: str, *, chosen: bool) -> Markup:
    return tag("option", text, value=value, **({"selected": ""} if chosen else {}))


def _all_or(words: Sequence[str], chosen: str | None, say: Wording) -> list[Markup]:
    return _options([("", say("all")), *((word, say(word)) for word in words)], chosen or "")


def _indicators(asked: Asked) -> list[Markup]:
    say, chosen = asked.say, asked.indicator.id if asked.indicator else ""
    grouped = [
        tag("optgroup", *_options([(of.id, say(of.title)) for of in found], chosen), label=say(heading))
        for heading, found in groups(asked.programme.id).items()
    ]
    return [_option("", say("The whole programme"), chosen=not chosen), *grouped]


def _periods(chosen: Period, years: range) -> list[tuple[str, str]]:
    """Years, spans and quarters of those in which something was recorded; and what is shown."""
    latest = [str(year) for year in reversed(years)][:_YEARS_OFFERED]
    last = years[-2:][0]  # a whole one, where there is one
    spans = [f"{last - more}-{last}" for more in (2, 4) if last - more in years]
    quarters = [f"{last}-Q{number}" for number in (4, 3, 2, 1)] if len(years) > 1 else []
    offered = [*latest, *spans, *quarters]
    if chosen.text not in offered:
        offered.insert(0, chosen.text)
    return [(text, text.replace("-", "–") if text in spans else text) for text in offered]


def narrowed(asked: Asked) -> Markup:
    """Which filters hold, each with a link that takes it away; and which do not hold."""
    say = asked.say
    if not asked.only:
        return _passed_over(asked)
    links = [
        tag("li", f"{say(_FILTER_NAMES[name])}: {say(word)} ",
            tag("a", say("remove"), href=f"/dashboard/{asked.programme.id}?{asked.query(**{name: None})}",
                aria_label=f"{say('remove')}: {say(word)}"))
        for name, word in asked.only.items()
    ]  # fmt: skip
    return joined(tag("ul", *links, class_="narrowed"), _passed_over(asked))


def _passed_over(asked: Asked) -> Markup:
    say = asked.say
    why = (
        "This indicator cannot be split by that, so it is not narrowed to it: {name} {word}."
        if asked.indicator
        else "No indicator can be split by all of these together, so none is narrowed to this: {name} {word}."
    )
    told = [
        say(why, name=say(_FILTER_NAMES[name]).lower(), word=say(word))
        for name, word in asked.passed_over.items()
    ]
    return joined(*(tag("p", text, class_="passed-over", role="status") for text in told))


def only_text(asked: Asked) -> str:
    """The filters as a few words behind a title."""
    return " · ".join(asked.say(word) for word in asked.only.values())


# -- figures ---------------------------------------------------------------------------------------


def figure(look: Look, view: View, medium: Medium, *, level: str = "h3") -> Markup:
    """Title, picture, what it says in words, and behind a fold the numbers it was drawn from."""
    words = [tag("p", line, class_="told") for line in view.told]
    details = tag("details", tag("summary", look.say("Show the numbers")), table(view.table, titled(view)))
    inner = [
        tag(level, view.title, *([" ", tag("span", view.when, class_="when")] if view.when else [])),
        medium.picture(look, view),
        *words,
        details,
        medium.downloads(look, view),
    ]
    return tag("figure", *inner, class_="whole" if view.wide else "half")


def table(told: Table, caption: str) -> Markup:
    """First column names the row; the others are figures."""
    top_ = tag("tr", *(tag("th", cell, scope="col") for cell in told.head))
    body = [
        tag("tr", tag("th", first, scope="row"), *(tag("td", c) for c in rest)) for first, *rest in told.rows
    ]
    inner = joined(tag("caption", caption), tag("thead", top_), tag("tbody", *body))
    return tag("div", tag("table", inner), class_="scroll", tabindex="0", role="region", aria_label=caption)


# -- what a figure is worth ------------------------------------------------------------------------


def counted(row: Mapping[str, Any], of: Indicator, say: Wording) -> str:
    """Interval, and how many of how many."""
    counts = say.counts(row["numerator"], row["denominator"], of.measure)
    bare = row["low"] is None and row["value"] is not None
    limits = say(NO_INTERVAL) if bare else say.interval(row)
    return f"{limits} · {counts}" if limits else counts


def verdicts(
    of: Indicator, row: Mapping[str, Any], say: Wording, *, screen: str = "", when: str = ""
) -> list[Markup]:
    """Against each standard that holds for all (or for `screen`), as far as the interval allows to tell.

    `when`: the year that is judged, where it is not the one that the page shows.
    """
    if row["low"] is None:
        return []
    held = [standard for standard in of.standards if standard.screen == screen]
    return [_verdict(standard, of, row, say, f"{when}: " if when else "") for standard in held]


def verdicts_by_screen(look: Look, *, most: int | None = None, when: str = "") -> list[Markup]:
    """First and later screens, each with its figure and its own standards, where there are such."""
    of, say = look.of, look.say
    told: list[Markup] = []
    for screen, row in by_screen(look).items():
        year = f"{when}: " if when else ""
        value = say.figure(row["value"], of.unit_text)
        told.append(tag("p", f"{year}{say(SCREENS[screen])}: {value}", class_="screen"))
        told += verdicts(of, row, say, screen=screen, when=when)[:most]
    return told


def _verdict(standard: Standard, of: Indicator, row: Mapping[str, Any], say: Wording, when: str) -> Markup:
    word, kind = compared(standard, row)
    asked = say(
        "{level} {direction} {value}, {whose}",
        level=say(standard.level.value), direction=say(standard.direction.value),
        value=_goal(standard, of, say),
        whose=whose(standard, say),
    )  # fmt: skip
    return tag("p", f"{when}{say(word)}: {asked}", class_=f"verdict {kind}")


def _goal(standard: Standard, of: Indicator, say: Wording) -> str:
    """A round standard without its zero: at least 80%."""
    whole = standard.value == int(standard.value)
    return (
        f"{say.count(int(standard.value))}{say.gap(of.unit_text)}"
        if whole
        else say.figure(standard.value, of.unit_text)
    )


def compared(standard: Standard, row: Mapping[str, Any]) -> tuple[str, str]:
    """A figure whose follow-up is not complete has neither reached a standard nor failed it."""
    if not row["mature"]:
        return "Cannot be told yet", "open"
    least = standard.direction == Direction.AT_LEAST
    if (row["low"] >= standard.value) if least else (row["high"] < standard.value):
        return "Reached", "reached"
    if (row["high"] < standard.value) if least else (row["low"] >= standard.value):
        kind = "below" if standard.level == Level.ACCEPTABLE else "short"
        return "Not reached", kind
    return "Too few to tell", "open"


def whose(standard: Standard, say: Wording) -> str:
    return say(standard.whose) + ("" if standard.verified else f" ({say('not verified')})")


def unripe(row: Mapping[str, Any], say: Wording) -> list[Markup]:
    if row["mature"]:
        return []
    text = say("Will still change: follow-up ends {day}", day=say.day(row["mature_on"]))
    return [tag("p", text, class_="unripe")]


def change(look: Look, yearly: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """Against the year before, of the latest years whose follow-up is complete; `yearly`: the indicator's years."""
    both = last_two(yearly, look.years().years()[-1].start.year)
    if both is None:
        return []
    if look.since and not look.told_whole(both[1]["year"]):
        return [tag("p", _before_records(both[1], look.since, look.say), class_="change beside")]
    text, kind = told_change(*both, look.of, look.say, asked=look.asked.period.text)
    return [tag("p", text, class_=f"change {kind}")]


def _before_records(row: Mapping[str, Any], since: date, say: Wording) -> str:
    return say(
        "Not compared with {year}: what happened before {day} was recorded afterwards, from archives.",
        year=row["year"], day=say.day(since),
    )  # fmt: skip


def elsewhere(of: Indicator, say: Wording, most: int | None = None) -> list[Markup]:
    """What others have published, home first."""
    known = [*published(of.id, at_home=True), *published(of.id, at_home=False)]
    return [_abroad(reference, say) for reference in known[:most]]


def _abroad(reference: Reference, say: Wording) -> Markup:
    note = f" ({say(reference.note)})" if reference.note else ""
    value = say.figure(reference.value, reference.unit)
    return tag("p", f"{say(reference.where)} {reference.year}: {value}{note}", class_="published")


def definition(of: Indicator, say: Wording) -> Markup:
    """Population, numerator, window, sources, and all else that was fixed before it was counted."""
    ages = say(
        "{low} to {high}, {rule}", low=of.ages.low, high=of.ages.high - 1, rule=say(of.ages.rule.value)
    )
    standards = "; ".join(
        f"{say(s.level.value)} {say(s.direction.value)} {_goal(s, of, say)}, {whose(s, say)}"
        + (f" ({say(s.screen)})" if s.screen else "")
        for s in of.standards
    )
    maturity = (
        say.length(of.maturity) if of.maturity.months or of.maturity.days or of.maturity.weekdays else ""
    )
    told: dict[str, Sequence[str]] = {
        "Population": [of.population],
        "Of whom": [of.denominator],
        "Counted": [of.numerator],
        "Ages": [ages],
        "Counts from": [of.anchor.value],
        "Window": [say.window(of.window)],
        "Unit": [of.unit.value],
        "Tests": [of.scope.value],
        "Result": [of.result_rule.value],
        "Left out": list(of.exclusions) or ["nobody"],
        "Counted where": [of.attribution.value],
        "Complete after": [maturity or "the period itself"],
        "Interval": [f"95 %, {of.measure.method.replace('_', '–')}"],
        "Standard": [standards or "none"],
        "Whose definition": [of.whose],
        "Source": [", ".join(of.sources)],
        "Note": [of.note],
        "Id": [of.id],
    }
    items = [
        joined(tag("dt", say(name)), tag("dd", *_in_language(texts, say)))
        for name, texts in told.items()
        if texts[0]
    ]
    return tag("details", tag("summary", say("How it is counted")), tag("dl", *items), class_="definition")


def _in_language(texts: Sequence[str], say: Wording) -> list[Markup]:
    """Each text in the reader's language, or marked as English where it has not been told in it."""
    spans = [
        tag("span", say(text))
        if say.knows(text) or not any(map(str.isalpha, text))
        else tag("span", text, lang="en")
        for text in texts
    ]
    return [joined(*(joined("; ", span) if n else span for n, span in enumerate(spans)))]


def internal(say: Wording, medium: Medium) -> Markup:
    """Who may read this. Whatever leaves the programme is a release, in which small numbers are hidden."""
    text = say(INTERNAL)
    if not medium.releases:
        told = say("What may be published is made with: screening release.")
        return tag("p", text, " ", told, class_="internal")
    link = tag("a", say("What is published, with small numbers hidden"), href="/published")
    return tag("p", text, " ", link, class_="internal")


def footer(look: Look, people: int) -> Markup:
    say, source = look.say, look.counts.source
    text = say(
        "Counted from {events} events of {people} people as of {day} (watermark {watermark}).",
        events=say.count(source.rows["events"]), people=say.count(people), day=say.day(source.data_cut),
        watermark=source.watermark,
    )  # fmt: skip
    areas = say(
        "Municipalities and counties: Statistics Norway (NLOD 2.0). Borders: Kartverket (CC BY 4.0), thinned."
    )
    return tag("footer", tag("p", text), tag("p", areas))


def refusal(error: Refused, language: Language = Language.ENGLISH) -> str:
    """A page that says why nothing is shown, and leads back."""
    say, medium = Wording(language), Served()
    back = tag("a", say("To all programmes"), href=f"/dashboard?lang={language}")
    heading = tag("h1", say("This cannot be shown"))
    reason = told_in(say, error)
    told = tag("p", reason) if reason else tag("p", error.message, lang=Language.ENGLISH.value)
    main = tag("main", tag("section", heading, told, tag("p", back)), id="content")
    return document(say("This cannot be shown"), say, medium, top(None, say, medium), main)
