"""The days of a life on which a protocol's answer turns with age, and the days a case asks about."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

from screening.protocols.cases import Case
from screening.protocols.model import Protocol
from screening.protocols.spans import AgeLimit, birthday

Day = Callable[[date], date]  # born -> the day


def age_limits(protocol: Protocol) -> Iterator[tuple[str, Day, str]]:
    """(rule, day of life, how it is told) for every limit of age in a protocol."""
    population = protocol.population
    yield _limit(population.id, population.enters, "the first in the population")
    yield _limit(population.id, population.leaves, "the first no longer in the population")
    for letter in protocol.call.at_age:
        yield _limit(letter.id, letter.at, "the letter")
        yield _limit(letter.id, letter.until, "the end of the letter")
    for rule in protocol.call.limits:
        if rule.age is not None:
            yield _limit(rule.id, rule.age, "the last call")
    for step in protocol.call.steps:
        if step.from_age:
            yield _birthday(step.id, step.from_age)
    for rule in protocol.call.ages:
        for age in rule.ages:
            yield _birthday(rule.id, age)
    for band in protocol.ages[:-1]:
        yield _birthday(f"ages {band.word}", band.before_age)


def _limit(rule: str, limit: AgeLimit, what: str) -> tuple[str, Day, str]:
    months = f" and {limit.months} months" if limit.months else ""
    year = "1 January of the year of turning " if limit.in_year else "age "
    return rule, limit.day, f"{what}, {year}{limit.years}{months}"


def _birthday(rule: str, age: int) -> tuple[str, Day, str]:
    return rule, partial(_turned, age=age), f"the birthday at {age}"


def _turned(born: date, *, age: int) -> date:
    return birthday(born, age)


def critical_days(case: Case) -> frozenset[date]:
    """The days on which a case looks: its own, and those of its history."""
    return frozenset([case.as_of, *(entry.date for entry in case.history)])
