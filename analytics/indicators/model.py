"""An indicator as a value: everything that must be fixed before it may be counted, in fields.

Numbers that the computation uses (ages, windows, per how many) are read from these fields, so what is
shown as the definition is what was counted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from analytics.indicators.facts import Facts
from analytics.indicators.measures import Measure
from analytics.indicators.period import Length, Period, Periods
from analytics.indicators.programmes import Ages, Programme


class Unit(StrEnum):
    """What is counted once."""

    PERSON = "person"
    EPISODE = "episode"
    TEST = "test"
    LESION = "lesion"
    OBLIGATION = "obligation"
    PERSON_TIME = "time at risk"


class Anchor(StrEnum):
    """The day on which a unit falls into the period, and from which windows count."""

    END_OF_PERIOD = "last day of the period"
    WHOLE_PERIOD = "every day of the period"
    DUE = "day it fell due"
    CALL = "day the letter or kit was sent"
    SPECIMEN = "day the specimen or picture was taken"
    RESULT = "day the result was recorded"
    REFERRAL = "day of referral"
    ASSESSMENT = "day of assessment"
    DIAGNOSIS = "day of diagnosis"
    TREATMENT = "day of treatment"


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
    LAST = "last in the window"
    ANY = "any in the window"


class Stratum(StrEnum):
    COUNTY = "county"
    MUNICIPALITY = "municipality"
    AGE_GROUP = "age_group"
    SEX = "sex"
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    SAMPLE = "sample"
    LETTER = "letter"
    LAB = "lab"
    READER = "reader"
    UNIT = "unit"
    ARM = "arm"
    CUTOFF = "cutoff"
    ROUND = "round"  # 1 + earlier screens of the person with an answer
    SCREEN = "screen"  # initial, or subsequent: within LAPSE of an earlier one
    ATTENDANCE = "attendance"  # first call, answered the one before, or did not


TIMES: dict[Stratum, int] = {Stratum.YEAR: 12, Stratum.QUARTER: 3, Stratum.MONTH: 1}


class Level(StrEnum):
    ACCEPTABLE = "acceptable"
    DESIRABLE = "desirable"


class Direction(StrEnum):
    AT_LEAST = "at least"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From the anchor to `length` after it; ends are inside. Negative lengths look back.

    `same_day`: whether an outcome on the anchor day itself counts. `begin`: where the window does not
    begin at the anchor (negative: before it).
    """

    length: Length
    same_day: bool = True
    begin: Length | None = None

    def __str__(self) -> str:
        if self.begin is not None:
            return f"from {self.begin} to {self.length} after the anchor"
        return f"{'on or' if self.same_day else 'after, and'} within {self.length} of the anchor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What a figure should reach, in the indicator's unit. Unverified: from memory, to be confirmed at its source.

    `screen`: where it holds for initial or for subsequent screens only.
    """

    level: Level
    value: float
    whose: str
    source: str
    verified: bool
    direction: Direction = Direction.AT_LEAST
    screen: str = ""


Units = Callable[[Facts, "Indicator", Periods], pl.DataFrame]
Counted = Callable[[pl.DataFrame, Facts, "Indicator", Periods], pl.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One quality indicator.

    `units` gives one row per unit of the denominator, `counted` adds to each whether (or how often) it is
    in the numerator, and what else the measure needs.
    """

    id: str
    title: str
    programme: Programme
    population: str
    numerator: str
    denominator: str
    unit: Unit
    measure: Measure
    anchor: Anchor
    ages: Ages
    window: Window
    maturity: Length  # follow-up that must lie between the end of the period and the data cut
    scope: Scope
    result_rule: ResultRule
    exclusions: tuple[str, ...] = ()
    attribution: Attribution = Attribution.RESIDENCE_AT_ANCHOR
    strata: tuple[Stratum, ...]
    whose: str  # whose definition it is
    sources: tuple[str, ...]
    units: Units
    counted: Counted
    standards: tuple[Standard, ...] = ()
    note: str = ""

    @property
    def unit_text(self) -> str:
        return self.measure.unit

    def mature_on(self, period: Period) -> date:
        """The first data cut at which every unit of the period has had its follow-up."""
        return self.maturity.after(period.end)

    @property
    def acceptable(self) -> Standard | None:
        """The standard that holds for all screens together and asks least."""
        common = [standard for standard in self.standards if not standard.screen]
        least = [standard for standard in common if standard.level == Level.ACCEPTABLE]
        return next(iter([*least, *common]), None)
