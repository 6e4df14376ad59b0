"""A protocol's parts in plain English, for the book, the comparison and the diagram."""

import re
from collections.abc import Iterable, Mapping

from screening.protocols.model import (
    Action,
    CallStep,
    Cohort,
    Cutoff,
    Owed,
    Population,
    Row,
    Stage,
)
from screening.protocols.spans import AgeLimit, Span

_ABBREVIATED = re.compile(r"\b(hpv|fit)\b")
_UNITS = ("years", "months", "weeks", "days")


def span(length: Span) -> str:
    """`60 months`, `2 weeks`; an empty span is `at once`."""
    parts = [(getattr(length, unit), unit) for unit in _UNITS if getattr(length, unit)]
    return " ".join(f"{number} {unit[:-1] if number == 1 else unit}" for number, unit in parts) or "at once"


def age(limit: AgeLimit) -> str:
    if limit.in_year:
        return f"1 January of the year of turning {limit.years}"
    months = f" and {limit.months} months" if limit.months else ""
    return f"the day of turning {limit.years}{months}"


def words(values: Iterable[object]) -> str:
    """`a, b or c`, each word told plainly."""
    told = [plain(str(value)) for value in values]
    return " or ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def plain(word: str) -> str:
    told = word.replace("_", " ")
    return _ABBREVIATED.sub(lambda found: found[0].upper(), told)


def condition(when: Mapping[str, frozenset[str]], order: Mapping[str, int]) -> str:
    """One alternative of a row: each fact and the words it may have; empty: whatever the facts."""

    def place(word: str) -> tuple[int, str]:
        return order.get(word, len(order)), word

    told = [f"{plain(fact)}: {words(sorted(allowed, key=place))}" for fact, allowed in when.items()]
    return "; ".join(told) or "always"


def action(then: Action) -> str:
    if then.stage is None:
        return "stays; what is owed stays owed"
    after = f", after {span(then.after)}" if then.after is not None and then.after != Span() else ""
    anchor = " from the invitation" if after and then.anchor == "invitation" else ""
    return f"→ {plain(then.stage)}{after}{anchor}"


def reason(row: Row) -> str:
    return row.then.reason or row.note


def owed(one: Owed) -> str:
    """`refer to colposcopy within 4 weeks`."""
    to = f" to {plain(one.to)}" if one.to else ""
    within = f" within {span(one.within)}" if one.within else " when the rule's time is over"
    letter = f", letter {one.letter}" if one.letter else ""
    return f"{plain(one.kind)}{to}{within}{letter}; closed by {words(sorted(one.closed_by))}"


def stage_kind(stage: Stage) -> str:
    if stage.ends is not None:
        return f"has left the programme ({plain(stage.ends)})"
    if stage.defers:
        return "deferred"
    return "follow-up" if stage.owes else "routine"


def population(rule: Population) -> str:
    sexes = words(sorted(rule.sex))
    since = f", born on {rule.born_since} or later" if rule.born_since else ""
    enrolled = "; also who has enrolled, whatever the register's sex" if rule.enrolment else ""
    return f"{sexes}, from {age(rule.enters)} to the day before {age(rule.leaves)}{since}{enrolled}"


def cohort(rule: Cohort) -> str:
    named = [area for area in rule.areas if not area.isdigit()] or list(rule.areas)
    return (
        f"{', '.join(named)}: years of birth {rule.born_from} to {rule.born_to} in the round that began {rule.began};"
        f" {rule.round_years} years later each round of {rule.round_years} years"
    )


def cutoff(rule: Cutoff) -> str:
    limit = f"above {rule.above:g}" if rule.above is not None else f"{rule.at_least:g} or more"
    where = f" at laboratories {words(sorted(rule.laboratories))}" if rule.laboratories else ""
    return f"analysed from {rule.since}{where}: positive {limit} µg/g"


def step(rule: CallStep, *, first: bool) -> str:
    start = "the due date" if first else "the step before"
    when = f"{span(rule.after)} after {start}" if rule.after != Span() else f"on {start}"
    told = [f"{plain(rule.kind)}, letter {rule.letter}: {when}"]
    if rule.rounds != "all":
        told.append(f"{'the first round' if rule.rounds == 'first' else 'later rounds'} only")
    if rule.from_age:
        told.append(f"not before the birthday at {rule.from_age}")
    if rule.at_ages:
        told.append(f"called at {words(sorted(rule.at_ages))}")
    if rule.when_missed is not None:
        told.append(f"{span(rule.when_missed)} when the appointment was missed")
    return "; ".join(told)
