"""How a rate changed from year to year, in words; only of years that may be judged."""

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.indicators.measures import Rate, Share
from analytics.indicators.model import Anchor, Indicator
from analytics.methods.trends import Trend, annual_change, turn
from analytics.reports.words import Wording

_RARE = 1000  # what is told per so many is rare enough that its counts scatter as Poisson's do
_SAME_PEOPLE = (Anchor.END_OF_PERIOD, Anchor.WHOLE_PERIOD)

_METHOD = (
    "By Poisson regression of the log rate on the year; where the years scatter more than by chance, the interval is"
    " widened (quasi-Poisson)."
)


def told_trend(of: Indicator, years: Sequence[Mapping[str, Any]], say: Wording) -> list[str]:
    """The average yearly change of a rate, and where its course bent; nothing where the method does not hold.

    It takes events that are few among many, of other people each year, and three years that have a figure.
    `years`: those to judge, in their order.
    """
    if not _holds_for(of):
        return []
    when = [int(row["year"]) for row in years]
    counts, totals = ([row[name] for row in years] for name in ("numerator", "denominator"))
    found = annual_change(counts, totals, when)
    if found is None:
        return []
    bent = turn(counts, totals, when)
    course = [] if bent is None else [
        say("In {year} the course bent: {before} a year before it, {after} a year after it.", year=bent.year,
            before=say.change(bent.before), after=say.change(bent.after))
    ]  # fmt: skip
    return [_average(found, when, say), *course, say(_METHOD)]


def _holds_for(of: Indicator) -> bool:
    rare = isinstance(of.measure, Rate) or (isinstance(of.measure, Share) and of.measure.per >= _RARE)
    return rare and of.anchor not in _SAME_PEOPLE


def _average(found: Trend, when: Sequence[int], say: Wording) -> str:
    sure = found.low > 0 or found.high < 0
    phrase = (
        "From {first} to {last} it changed by {change} a year on average (95 % interval {low} to {high})."
        if sure
        else "From {first} to {last} no sure change: {change} a year on average (95 % interval {low} to {high})."
    )
    limits = {name: say.change(getattr(found, name)) for name in ("change", "low", "high")}
    return say(phrase, first=when[0], last=when[-1], **limits)
