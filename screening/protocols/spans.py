"""Lengths of civil time, birthdays, and days of a life: how every date in a protocol is counted."""

from calendar import monthrange
from datetime import date, timedelta

import msgspec


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A length of civil time; months end on the last day of a shorter month."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def after(self, day: date) -> date:
        moved = add_months(day, 12 * self.years + self.months) if self.years or self.months else day
        return moved + timedelta(days=7 * self.weeks + self.days) if self.weeks or self.days else moved

    def before(self, day: date) -> date:
        return Span(years=-self.years, months=-self.months, weeks=-self.weeks, days=-self.days).after(day)


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later; 31 January + 1 month is the last of February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        return date(year, month + 1, monthrange(year, month + 1)[1])


def birthday(born: date, age: int) -> date:
    """The first day of being `age` years old; who is born on 29 February turns on 1 March in other years."""
    try:
        return date(born.year + age, born.month, born.day)
    except ValueError:
        return date(born.year + age, 3, 1)


class AgeLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A day of life: the birthday at `years`, and `months` later; with `in_year`, 1 January of that year."""

    years: int
    months: int = 0
    in_year: bool = False

    def day(self, born: date) -> date:
        if self.in_year:
            return date(born.year + self.years, 1, 1)
        turned = birthday(born, self.years)
        return add_months(turned, self.months) if self.months else turned
