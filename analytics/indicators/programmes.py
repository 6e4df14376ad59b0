"""The programmes there are, as far as counting has to know them.

Ages here are those that a programme's figures are published for, which is not always whom it invites;
what is owed to whom is decided by the protocols and read from the ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from analytics.indicators.period import Length
from screening.vocabulary import Cancer, Destination, Sex


class AgeRule(StrEnum):
    COMPLETED = "completed years on the day"
    IN_YEAR = "age reached in the calendar year of the day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """low <= age < high. `others`: those younger or older are counted too, in a group below and one above.

    `cuts`: where groups begin inside, where they are not of `step` years.
    """

    low: int
    high: int
    step: int = 5
    rule: AgeRule = AgeRule.COMPLETED
    others: bool = False
    cuts: tuple[int, ...] | None = None

    @property
    def column(self) -> str:
        return "age" if self.rule == AgeRule.COMPLETED else "age_in_year"

    @property
    def limits(self) -> Sequence[int]:
        """Where groups begin: at `low` and at every multiple of `step` above it (or `cuts`); the last is `high`."""
        usual = range((self.low // self.step + 1) * self.step, self.high, self.step)
        inner = usual if self.cuts is None else self.cuts
        return [self.low, *inner, self.high]

    @property
    def labels(self) -> Sequence[str]:
        """25-29, 30-34, …; with `others` also <25 first and 70+ last."""
        limits = self.limits
        inner = [str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in pairwise(limits)]
        return [f"<{self.low}", *inner, f"{self.high}+"] if self.others else inner


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One programme. `to`: where a positive test leads; `interval`: usual time from one screen to the next."""

    id: str
    cancer: Cancer
    country: str
    sexes: tuple[Sex, ...]
    ages: Ages
    to: Destination
    interval: Length


def _cervical(name: str, country: str, low: int, high: int, months: int) -> Programme:
    return Programme(
        id=name, cancer=Cancer.CERVICAL, country=country, sexes=(Sex.FEMALE,), ages=Ages(low=low, high=high),
        to=Destination.COLPOSCOPY, interval=Length(months=months),
    )  # fmt: skip


def _breast(name: str, country: str, ages: Ages, months: int) -> Programme:
    return Programme(
        id=name, cancer=Cancer.BREAST, country=country, sexes=(Sex.FEMALE,), ages=ages,
        to=Destination.BREAST_ASSESSMENT, interval=Length(months=months),
    )  # fmt: skip


def _colorectal(name: str, country: str, ages: Ages) -> Programme:
    return Programme(
        id=name, cancer=Cancer.COLORECTAL, country=country, sexes=(Sex.FEMALE, Sex.MALE), ages=ages,
        to=Destination.COLONOSCOPY, interval=Length(months=24),
    )  # fmt: skip


_IN_YEAR = AgeRule.IN_YEAR
_ALL = (
    _cervical("no-cervical", "Norway", 25, 70, 60),
    _breast("no-breast", "Norway", Ages(low=50, high=70, rule=_IN_YEAR), 24),
    _colorectal("no-colorectal", "Norway", Ages(low=55, high=65, rule=_IN_YEAR)),
    _cervical("en-cervical", "England", 25, 65, 36),
    _breast("en-breast", "England", Ages(low=50, high=71), 36),
    _colorectal("en-bowel", "England", Ages(low=50, high=75)),
    _cervical("nl-cervical", "the Netherlands", 30, 65, 60),
    _colorectal("nl-bowel", "the Netherlands", Ages(low=55, high=76)),
    _cervical("se-cervical", "Sweden", 23, 70, 60),
    _cervical("au-cervical", "Australia", 25, 75, 60),
    _cervical("dk-cervical", "Denmark", 23, 65, 60),
)
PROGRAMMES: Mapping[str, Programme] = {programme.id: programme for programme in _ALL}
