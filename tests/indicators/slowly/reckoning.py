"""Dates, ages, places and windows, reckoned the long way."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

START, END = date(2024, 1, 1), date(2025, 1, 1)
DATA_CUT = date(2028, 1, 1)
COUNTY = {"0301": "Oslo", "4601": "Vestland", "5601": "Finnmark"}
FOREVER = date(9999, 12, 31)


def months_after(start, months):
    total = start.year * 12 + start.month - 1 + months
    year, month = total // 12, total % 12 + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def days_after(start, days):
    return start + timedelta(days=days)


def weekdays_after(start, number):
    """The last day that is no more than so many Mondays to Fridays after `start`."""
    last = start
    while True:
        following = last + timedelta(days=1)
        number -= following.weekday() < 5
        if number < 0:
            return last
        last = following


def within(outcomes, start, last, *, same_day=True):
    return any((start <= d if same_day else start < d) and d <= last for d in outcomes)


def first_within(outcomes, start, last, *, same_day=True):
    found = [d for d in outcomes if (start <= d if same_day else start < d) and d <= last]
    return min(found, default=None)


def before(outcomes, day):
    return max((d for d in outcomes if d < day), default=None)


def up_to(outcomes, day):
    return max((d for d in outcomes if d <= day), default=None)


def county(life, on):
    for home in life.homes:
        if home.since <= on and (home.until is None or on < home.until):
            return COUNTY[home.municipality]
    return None


def age(life, on):
    return on.year - life.born.year - (on.month < life.born.month)


@dataclass(frozen=True)
class Unit:
    """One unit of a denominator: when, in the numerator or how often, how much of it, and its bin."""

    on: date
    counted: int
    of: int = 1
    bin: int | None = None
    sample: str = "unknown"
    county: str | None = None  # where it is not that of the day


@dataclass(frozen=True)
class Ages:
    low: int
    high: int
    in_year: bool = False
    others: bool = False

    def of(self, life, on):
        return on.year - life.born.year if self.in_year else age(life, on)

    def hold(self, life, on):
        return self.others or self.low <= self.of(life, on) < self.high

    def group(self, life, on):
        years = self.of(life, on)
        if years < self.low:
            return f"<{self.low}"
        if years >= self.high:
            return f"{self.high}+"
        low = max(years // 5 * 5, self.low)
        high = min(years // 5 * 5 + 5, self.high)
        return str(low) if high == low + 1 else f"{low}-{high - 1}"


@dataclass(frozen=True)
class Asked:
    """Of whom it is asked: ages and sexes."""

    ages: Ages
    sexes: tuple[str, ...]

    def fits(self, life, on):
        return life.sex in self.sexes and self.ages.hold(life, on)

    def each(self, life, days):
        return [d for d in days if START <= d < END and self.fits(life, d)]

    def first(self, life, days):
        return sorted(self.each(life, days))[:1]

    def here(self, life):
        """The last day of the year, where the person lives in the country on it."""
        last = END - timedelta(days=1)
        return [last] if self.fits(life, last) and county(life, last) is not None else []
