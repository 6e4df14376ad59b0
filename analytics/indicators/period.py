"""Calendar periods and lengths of time, half open: the first day belongs to them, `end` does not."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from screening.refusals import Refused

_Y = r"((?:19|20|21)\d\d)"
_YEAR = re.compile(_Y)
_YEARS = re.compile(f"{_Y}-{_Y}")
_QUARTER = re.compile(f"{_Y}-?[Qq]([1-4])")
_MONTH = re.compile(f"{_Y}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Length:
    """Months, days or weekdays (Monday to Friday). Months end on the last day of a shorter month."""

    months: int = 0
    days: int = 0
    weekdays: int = 0

    def after(self, day: date) -> date:
        """That long after the day; of weekdays only whole weeks are asked for, and a week more is given."""
        weeks = timedelta(weeks=self.weekdays // 5 + 1) if self.weekdays else timedelta()
        return add_months(day, self.months) + timedelta(days=self.days) + weeks

    @property
    def offset(self) -> str:
        """As polars writes it: 66mo0d."""
        return f"{self.months}mo{self.days}d"

    def __str__(self) -> str:
        if self.weekdays:
            return f"{self.weekdays} weekdays"
        if self.months and self.months % 6 == 0 and abs(self.months) >= 24:
            return f"{self.months / 12:g} years"
        return f"{self.months} months" if self.months else f"{self.days} days"


def add_months(day: date, months: int) -> date:
    """The same day of the month, or the last day of a shorter one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + month // 11, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


@dataclass(frozen=True, slots=True)
class Period:
    """`text` is how it is asked for and shown: 2025, 2021-2025, 2025-Q1, 2025-03."""

    text: str
    start: date
    end: date

    def years(self) -> list["Period"]:
        """Its calendar years, cut at its ends: by these `year` stratifies."""
        return self.parts(12)

    def parts(self, months: int) -> list["Period"]:
        """Its calendar years (12), quarters (3) or months (1), cut at its ends."""
        first = date(self.start.year, (self.start.month - 1) // months * months + 1, 1)
        found: list[Period] = []
        while first < self.end:
            following = add_months(first, months)
            text = _text(first, months)
            found.append(Period(text, max(self.start, first), min(self.end, following)))
            first = following
        return found


@dataclass(frozen=True, slots=True)
class Periods:
    """One period, or its consecutive parts of `step` months each (None: it has one part, itself)."""

    whole: Period
    step: int | None = None

    @property
    def parts(self) -> list[Period]:
        return [self.whole] if self.step is None else self.whole.parts(self.step)

    def part_of(self, days: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The number of the part in which each day of the period lies, from 0; days are counted from 1970."""
        first = [(part.start - date(1970, 1, 1)).days for part in self.parts]
        each_day = np.zeros((self.whole.end - self.whole.start).days, dtype=np.int32)
        each_day[[day - first[0] for day in first[1:]]] = 1
        return each_day.cumsum(dtype=np.int32).take(days - first[0])


def _text(first: date, months: int) -> str:
    match months:
        case 12:
            return str(first.year)
        case 3:
            return f"{first.year}-Q{first.month // 3 + 1}"
        case _:
            return f"{first:%Y-%m}"


def period(text: str) -> Period:
    """Reads a year, a span of years, a quarter or a month; refuses anything else, saying what may be asked."""
    found = _months(text.strip())
    if found is None:
        message = f"{text!r} is not a period; ask for a year (2025), years (2021-2025), 2025-Q1 or 2025-03"
        raise Refused("unknown_period", message, period=text)
    start, months = found
    return Period(text.strip(), start, add_months(start, months))


def _months(text: str) -> tuple[date, int] | None:
    """First day and length in months; None where the text names no period."""
    if match := _YEAR.fullmatch(text):
        return date(int(match[1]), 1, 1), 12
    if match := _MONTH.fullmatch(text):
        return date(int(match[1]), int(match[2]), 1), 1
    if match := _QUARTER.fullmatch(text):
        return date(int(match[1]), 3 * int(match[2]) - 2, 1), 3
    match = _YEARS.fullmatch(text)
    if match and match[1] <= match[2]:
        return date(int(match[1]), 1, 1), 12 * (int(match[2]) - int(match[1]) + 1)
    return None


def last_whole_year(day: date) -> Period:
    """The calendar year that ended on or before this day."""
    return period(str(day.year - 1))
