"""An indicator as a value: everything that must be fixed before it may be counted, in fields.

Numbers that the computation uses (ages, windows, per how many) are read from these fields, so what is
shown as the definition is what was counted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from analytics.extract.dataset import Bucket
from analytics.indicators.period import Length, Period
from analytics.methods.intervals import Method


class Unit(StrEnum):
    """What is counted once."""

    PERSON = "person"
    EPISODE = "episode"
    TEST = "test"


class Anchor(StrEnum):
    """The day on which a unit falls into the period, and from which windows count."""

    END_OF_PERIOD = "last day of the period"
    DUE = "day the letter or kit fell due"
    CALL = "day the letter or kit was sent"
    SPECIMEN = "day the specimen was taken"
    REFERRAL = "day of referral"
    COLPOSCOPY = "day of colposcopy"


class Attribution(StrEnum):
    """Where a unit is counted."""

    RESIDENCE_AT_ANCHOR = "residence on the anchor day"


class Scope(StrEnum):
    PROGRAMME = "programme only"
    ALL_REGISTERED = "all registered tests"


class ResultRule(StrEnum):
    WORST = "worst in the window"
    FIRST = "first in the window"
    FIRST_VALID = "first valid in the window"
    ANY = "any in the window"


class Stratum(StrEnum):
    COUNTY = "county"
    AGE_GROUP = "age_group"
    YEAR = "year"
    SAMPLE = "sample"
    LETTER = "letter"
    LAB = "lab"


class Level(StrEnum):
    ACCEPTABLE = "acceptable"
    DESIRABLE = "desirable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From the anchor to `length` after it; ends are inside. Negative lengths look back.

    `same_day`: whether an outcome on the anchor day itself counts.
    """

    length: Length
    same_day: bool

    def __str__(self) -> str:
        return f"{'on or' if self.same_day else 'after, and'} within {self.length} of the anchor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """Completed years on the anchor day, counted from the first of the birth month: low <= age < high."""

    low: int
    high: int
    step: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """At least `value`, in the indicator's unit. Unverified: from memory, to be confirmed at its source."""

    level: Level
    value: float
    whose: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One quality indicator. `count` gives one row per unit of the denominator (see `units`)."""

    id: str
    title: str
    programme: str
    population: str
    numerator: str
    denominator: str
    unit: Unit
    per: int  # 100: percent, 1000: per thousand
    anchor: Anchor
    ages: Ages
    window: Window
    maturity: Length  # follow-up that must lie between the end of the period and the data cut
    scope: Scope
    result_rule: ResultRule
    exclusions: tuple[str, ...]
    attribution: Attribution
    strata: tuple[Stratum, ...]
    sources: tuple[str, ...]
    method: Method
    count: Callable[["Indicator", Bucket, Period], pl.LazyFrame]
    standards: tuple[Standard, ...] = ()
    note: str = ""

    @property
    def unit_text(self) -> str:
        return "%" if self.per == 100 else f"per {self.per:,}"

    def mature_on(self, period: Period) -> date:
        """The first data cut at which every unit of the period has had its follow-up."""
        return self.maturity.after(period.end)
