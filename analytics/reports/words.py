"""What is said on a page, in the reader's language, and how that language writes numbers and days.

English is what the catalogue and the pages are written in; nb.yaml and nb-definitions.yaml hold the Norwegian of
each phrase.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from analytics.indicators.measures import DAYS_A_YEAR, Expected, Mean, Measure, Quantile, Rate, Standardised
from analytics.indicators.model import Window
from analytics.indicators.period import Length
from screening.protocols import yaml12

_NORWEGIAN = [Path(__file__).with_name(name) for name in ("nb.yaml", "nb-definitions.yaml")]
_GAP = "\u00a0"  # a number and its unit stay on one line
_NO_LIMITS = "–"
NO_INTERVAL = "no interval: too few units, or all alike, for its method"  # what that dash stands for
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "nb": "januar februar mars april mai juni juli august september oktober november desember",
}


class Language(StrEnum):
    ENGLISH = "en"
    NORWEGIAN = "nb"


_CODES = {
    "nb": Language.NORWEGIAN,
    "no": Language.NORWEGIAN,
    "nn": Language.NORWEGIAN,
    "en": Language.ENGLISH,
}


def preferred(accepted: str) -> Language:
    """What the browser says first (Accept-Language) of the languages that there are; English where it says none."""
    said = (part.split(";")[0].strip()[:2] for part in accepted.lower().split(","))
    return next((_CODES[code] for code in said if code in _CODES), Language.ENGLISH)


@cache
def norwegian() -> Mapping[str, str]:
    """English phrase -> Norwegian phrase."""
    told = [yaml12.read(file.read_text(encoding="utf-8"), file=str(file)) for file in _NORWEGIAN]
    return {english: phrase for one in told for english, phrase in one.items()}


@dataclass(frozen=True, slots=True)
class Wording:
    """`say("…")` gives the phrase in the language, with its facts filled in."""

    language: Language

    def __call__(self, phrase: str, **facts: Any) -> str:
        told = norwegian().get(phrase, phrase) if self.language == Language.NORWEGIAN else phrase
        return told.format(**facts) if facts else told

    @property
    def is_english(self) -> bool:
        return self.language == Language.ENGLISH

    def knows(self, phrase: str) -> bool:
        """Whether the phrase is told in this language; where not, it is shown in English and marked so."""
        return self.language == Language.ENGLISH or phrase in norwegian()

    def count(self, number: int) -> str:
        return self._local(f"{number:,}")

    def exposure(self, denominator: int, measure: Measure) -> str:
        """Of how many; time at risk, which is counted in days, is told in person-years."""
        if not in_days(measure):
            return self.count(denominator)
        return f"{self.count(round(denominator / DAYS_A_YEAR))}{_GAP}{self('person-years')}"

    def counts(self, numerator: int, denominator: int, measure: Measure) -> str:
        """How many of how many; of days waited and the like only how many: each of them is counted."""
        of = self.exposure(denominator, measure)
        every = isinstance(measure, (Mean, Quantile))
        return of if every else self("{n} of {of}", n=self.count(numerator), of=of)

    def number(self, value: float | None) -> str:
        """To a sensible digit: 0.26, 4.1, 67.3, 1,204; a dash where nothing was observed."""
        return "–" if value is None else self._local(f"{value:,.{decimals(value)}f}")

    def change(self, percent: float) -> str:
        """A change in percent, with its sign."""
        sign = "\u2212" if percent < 0 else "+"
        return f"{sign}{self._local(f'{abs(percent):,.1f}')}{self.gap('%')}"

    def figure(self, value: float | None, unit: str) -> str:
        """The number with its unit."""
        return "–" if value is None else f"{self.number(value)}{self.gap(unit)}"

    def gap(self, unit: str) -> str:
        """The unit as it stands behind a number."""
        tight = unit == "%" and self.language == Language.ENGLISH
        return unit if tight else f"{_GAP}{self(unit)}"

    def share(self, count: int, total: int) -> str:
        return self.figure(100 * count / total, "%") if total else "–"

    def interval(self, row: Mapping[str, Any]) -> str:
        """A dash where there is a figure and no interval, see NO_INTERVAL; nothing where there is no figure."""
        if row["low"] is None or row["high"] is None:
            return "" if row.get("value") is None else _NO_LIMITS
        digits = min(decimals(row["low"] or row["high"]), decimals(row["high"]))
        return "–".join(self._local(f"{row[name]:,.{digits}f}") for name in ("low", "high"))

    def day(self, day: date) -> str:
        dot = "." if self.language == Language.NORWEGIAN else ""
        return f"{day.day}{dot}{_GAP}{_MONTHS[self.language].split()[day.month - 1]} {day.year}"

    def month(self, day: date) -> str:
        return f"{_MONTHS[self.language].split()[day.month - 1]} {day.year}"

    def length(self, length: Length) -> str:
        """`6 months`, `2.5 years`, `90 days`."""
        number, unit = str(length).split(" ", 1)
        return f"{self._local(number)} {self(unit)}"

    def window(self, window: Window) -> str:
        """From which day to which, counted from the anchor."""
        back = window.length.months < 0 or window.length.days < 0
        length = self.length(_turned(window.length) if back else window.length)
        if window.begin is not None:
            return self(
                "from {begin} before to {length} after",
                begin=self.length(_turned(window.begin)),
                length=length,
            )
        if window.length == Length():
            return self("the day itself")
        if back:
            return self("the {length} before", length=length)
        return self("within {length}", length=length) + (
            "" if window.same_day else f", {self('not the same day')}"
        )

    def listed(self, words: list[str]) -> str:
        """`Oslo, Troms and Agder`."""
        last = f" {self('and')} ".join(words[-2:])
        return ", ".join([*words[:-2], last])

    def _local(self, text: str) -> str:
        if self.language == Language.ENGLISH:
            return text
        return text.replace(",", _GAP).replace(".", ",")

    @property
    def locale(self) -> Mapping[str, Any]:
        """How charts write numbers."""
        if self.language == Language.ENGLISH:
            return {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""]}
        return {"decimal": ",", "thousands": _GAP, "grouping": [3], "currency": ["", ""]}


def in_days(measure: Measure) -> bool:
    """Whether the denominator is time at risk."""
    return isinstance(measure, Rate) or (isinstance(measure, (Standardised, Expected)) and measure.days)


def _turned(length: Length) -> Length:
    return Length(months=-length.months, days=-length.days)


def decimals(value: float) -> int:
    """Digits after the point that a reader can use."""
    return 0 if abs(value) >= 1000 else 1 if abs(value) >= 1 or value == 0 else 2
