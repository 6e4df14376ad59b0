"""A protocol as pages that a clinician would sign: every rule in words, with its source, and whether it was checked."""

from collections.abc import Iterator, Sequence

import msgspec

from screening.protocols import phrases
from screening.protocols.diagram import mermaid
from screening.protocols.family import CompiledProtocol
from screening.protocols.model import CallStep, Ceasing, Protocol, ResultLetters, Row, Ruled, Table

UNVERIFIED = "not verified"
_COLOURS = (
    "Green: routine call. Blue: follow-up. Yellow: deferred. Red: left the programme. White: a reason for which"
    " several stages lead to one."
)


class Section(msgspec.Struct, frozen=True):
    """A heading, some text, and rows under a header; a last column named `checked` tells verified from not."""

    title: str
    text: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    diagram: str = ""


class Book(msgspec.Struct, frozen=True):
    """The whole protocol; `unverified` of `rules` rules nobody has checked against a source."""

    id: str
    title: str
    rules: int
    unverified: int
    sections: tuple[Section, ...]


def book(compiled: CompiledProtocol) -> Book:
    protocol = compiled.protocol
    rules = protocol.rules()
    sections = [
        _in_force(protocol), _population(protocol), _call(protocol), _ceasing(protocol), _findings(protocol),
        Section("The way through", _COLOURS, diagram=mermaid(compiled)),
        _stages(protocol), *_tables(protocol), _letters(protocol), _sources(protocol), _unverified(rules),
    ]  # fmt: skip
    return Book(
        id=protocol.id,
        title=protocol.title,
        rules=len(rules),
        unverified=sum(not rule.verified for rule in rules),
        sections=tuple(sections),
    )


def _ruled(rule: Ruled, *cells: str) -> tuple[str, ...]:
    told = f"{cells[-1]} ({rule.note})" if rule.note and rule.note not in cells[-1] else cells[-1]
    return (rule.id, *cells[:-1], told, ", ".join(rule.source), "yes" if rule.verified else UNVERIFIED)


_RULE = ("rule", "what it says", "source", "checked")


def _in_force(protocol: Protocol) -> Section:
    force = protocol.in_force
    until = f"to the day before {force.until}" if force.until else "until further notice"
    laboratories = phrases.words(sorted(force.laboratories))
    return Section(
        "In force",
        f"{protocol.programme.capitalize()} screening, {protocol.country}. Episodes that start from {force.since} {until},"
        f" at laboratories of the profile {laboratories}; an episode stays on the version it started under. Where a result"
        f" names no laboratory, {protocol.default_laboratory} is assumed.",
    )


def _population(protocol: Protocol) -> Section:
    population = protocol.population
    rows = [_ruled(population, phrases.population(population))]
    rows += [_ruled(one, phrases.cohort(one)) for one in population.cohorts]
    return Section("Who belongs", "", _RULE, tuple(rows))


def _call(protocol: Protocol) -> Section:
    stops = phrases.words(sorted(protocol.call.stopped_by))
    return Section(
        "How people are called",
        f"Reservations that stop the call: {stops}.",
        _RULE,
        tuple(_call_rules(protocol)),
    )


def _call_rules(protocol: Protocol) -> Iterator[tuple[str, ...]]:
    call = protocol.call
    for letter in call.at_age:
        yield _ruled(
            letter,
            f"letter {letter.letter} to everybody from {phrases.age(letter.at)} to {phrases.age(letter.until)}",
        )
    for rule in call.ages:
        last = phrases.words(sorted(rule.last_round))
        yield _ruled(rule, f"called at {phrases.words(rule.ages)} where the round before was {last}")
    for place, step in enumerate(call.steps):
        before = call.steps[:place]
        first = all(_never_together(one, step) for one in before)
        yield _ruled(step, phrases.step(step, first=first))
    again = phrases.span(call.again.after) if call.again.after else "at the next fixed age"
    yield _ruled(call.again, f"who answered nothing is called again: {again} after the first letter or kit")
    for limit in call.limits:
        if limit.rounds is not None:
            yield _ruled(limit, f"at most {limit.rounds} rounds in a life")
        if limit.age is not None:
            yield _ruled(limit, f"no call opens from {phrases.age(limit.age)}")
    if call.offer is not None:
        offer = call.offer
        whom = (
            f"no sample for {phrases.span(offer.without_sample)}"
            if offer.without_sample
            else f"overdue for {phrases.span(offer.overdue)}"
            if offer.overdue
            else ""
        )
        yield _ruled(
            offer,
            f"a kit (letter {offer.letter}) from {offer.available_from} to who has had {whom}; a reminder"
            f" ({offer.reminder_letter}) after {phrases.span(offer.reminder_after)}; no other letter for"
            f" {phrases.span(offer.fresh)}; another kit after {phrases.span(offer.again)}",
        )
    if call.kits is not None:
        yield _ruled(
            call.kits, f"a kit that came back has its result within {phrases.span(call.kits.result_within)}"
        )


def _never_together(one: CallStep, other: CallStep) -> bool:
    """Whether two steps belong to different rounds, or to calls at different ages."""
    rounds = {one.rounds, other.rounds} == {"first", "later"}
    return rounds or bool(one.at_ages and other.at_ages and not one.at_ages & other.at_ages)


def _ceasing(protocol: Protocol) -> Section:
    rows = [
        _ruled(rule, f"{phrases.words(sorted(rule.reasons))}: {_ends(rule)}") for rule in protocol.ceasing
    ]
    return Section("Why somebody's part ends", "A reason that is not listed ends it too.", _RULE, tuple(rows))


def _ends(rule: Ceasing) -> str:
    return "ends the calls" if rule.stops else "does not end the calls"


def _findings(protocol: Protocol) -> Section:
    rows: list[tuple[str, ...]] = []
    for test, groups in protocol.groups.items():
        for group in groups:
            mark = "positive" if group.positive else ""
            rows.append((phrases.plain(test), phrases.plain(group.word), ", ".join(group.findings), mark))
    rows += [
        ("treatment", phrases.plain(one.word), ", ".join(one.findings), "") for one in protocol.treatments
    ]
    rows += [("code", code, phrases.plain(finding), "") for code, finding in protocol.diagnoses.items()]
    rows += [
        ("age", phrases.plain(band.word), f"{band.from_age} to {band.before_age - 1} years", "")
        for band in protocol.ages
    ]
    rows += [
        ("cut-off", rule.id, phrases.cutoff(rule), "" if rule.verified else UNVERIFIED)
        for rule in protocol.cutoffs
    ]
    return Section(
        "Findings treated alike",
        "Worst first: of several findings the worst group counts. Positive findings are remembered through the episode.",
        ("of", "group", "findings", "mark"),
        tuple(rows),
    )


def _stages(protocol: Protocol) -> Section:
    rows: list[tuple[str, ...]] = []
    for stage in protocol.stages:
        steps = "; then ".join(phrases.owed(one) for one in stage.owes)
        rows.append(
            _ruled(stage, phrases.plain(stage.name), phrases.stage_kind(stage), steps or stage.reason)
        )
        if stage.missing is not None:
            told = f"letter {stage.missing.letter}, {phrases.span(stage.missing.after)} after what is owed was due"
            rows.append(_ruled(stage.missing, "", "letter", told))
        if stage.no_show is not None:
            told = f"letter {stage.no_show.letter} when an appointment was missed"
            rows.append(_ruled(stage.no_show, "", "letter", told))
        if stage.lapses is not None:
            told = f"{phrases.span(stage.lapses.after)} after it began {phrases.action(stage.lapses.then)}"
            rows.append(_ruled(stage.lapses, "", "timer", told))
    header = ("rule", "stage", "kind", "what is owed, in order", "source", "checked")
    return Section("Stages, what is owed there, and timers", "", header, tuple(rows))


def _tables(protocol: Protocol) -> Iterator[Section]:
    for name, table in protocol.tables.items():
        order = {word: place for place, word in enumerate(_words_in_order(protocol))}
        rows = [
            _ruled(row, _conditions(row, order), phrases.action(row.then), phrases.reason(row))
            for row in table.rows
        ]
        yield Section(
            f"Table {phrases.plain(name)}",
            _judges(table),
            ("rule", "when", "then", "because", "source", "checked"),
            tuple(rows),
        )


def _judges(table: Table) -> str:
    judged = phrases.words(news.replace("/", " to ") for news in table.judges)
    return f"Judges {judged}, by {phrases.words(table.facts)}. What a line does not name may be anything."


def _words_in_order(protocol: Protocol) -> list[str]:
    groups = [group.word for found in protocol.groups.values() for group in found]
    treatments = [group.word for group in protocol.treatments]
    bands = [band.word for band in protocol.ages]
    return [*(stage.name for stage in protocol.stages), *groups, *treatments, *bands]


def _conditions(row: Row, order: dict[str, int]) -> str:
    return " — or — ".join(phrases.condition(when, order) for when in row.when)


def _letters(protocol: Protocol) -> Section:
    rows = [
        _ruled(table.tells, _told(table.tells))
        for table in protocol.tables.values()
        if table.tells is not None
    ]
    return Section("Results the programme tells itself", "", _RULE, tuple(rows))


def _told(rule: ResultLetters) -> str:
    letters = "; ".join(f"{phrases.plain(word)}: {letter}" for word, letter in rule.letters.items())
    whose = f" of samples taken by {phrases.words(sorted(rule.samples))}" if rule.samples else ""
    return f"by {phrases.plain(rule.fact)}{whose}: {letters}"


def _sources(protocol: Protocol) -> Section:
    return Section("Sources", "", ("mark", "source"), tuple(protocol.sources.items()))


def _unverified(rules: Sequence[Ruled]) -> Section:
    found = [rule for rule in rules if not rule.verified]
    return Section(
        "Not verified",
        f"{len(found)} of {len(rules)} rules have not been checked against a source that may be cited as a national rule."
        " Outside a demonstration the protocol can be used only when somebody answers for them.",
        ("rule", "source"),
        tuple((rule.id, ", ".join(rule.source)) for rule in found),
    )


def diagram_of(made: Book) -> str:
    """The way through, in mermaid's words."""
    return next(section.diagram for section in made.sections if section.diagram)


def markdown(made: Book) -> str:
    """The book as a document that a change can be reviewed in."""
    parts = [f"# {made.title}", f"`{made.id}` · {made.rules} rules, {made.unverified} not verified"]
    for section in made.sections:
        parts.append(f"## {section.title}")
        if section.text:
            parts.append(section.text)
        if section.diagram:
            parts.append(f"```mermaid\n{section.diagram}```")
        if section.rows:
            parts.append(_markdown_table(section))
    return "\n\n".join(parts) + "\n"


def _markdown_table(section: Section) -> str:
    lines = [section.header, tuple("---" for _ in section.header), *section.rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    shown = f"**{text}**" if text == UNVERIFIED else text
    return shown.replace("|", "\\|")
