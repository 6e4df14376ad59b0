"""How definitions of every programme begin: whose ages, what a unit is, from which day it counts."""

from collections.abc import Callable
from functools import partial

from analytics.indicators.happened.cancers import first_cancers
from analytics.indicators.happened.screens import valid_screens
from analytics.indicators.measures import Share, Standardised
from analytics.indicators.model import (
    Anchor,
    Direction,
    Indicator,
    Level,
    ResultRule,
    Scope,
    Standard,
    Stratum,
    Unit,
    Window,
)
from analytics.indicators.outcomes import counted_before, flagged
from analytics.indicators.period import Length
from analytics.indicators.programmes import Ages, Programme
from analytics.indicators.units import results_to_tell, time_lived

EUROPE = "European guidelines"
TIMES_ = (Stratum.YEAR, Stratum.QUARTER, Stratum.MONTH)
PLACES = (Stratum.COUNTY, Stratum.MUNICIPALITY)

PRIMARY = (
    "A primary test is an HPV specimen taken while no repeat test, triage, referral, assessment, treatment or"
    " test of cure was owed; after invalid ones the first valid specimen stands for the primary test."
)
SCREENED = "women with a valid primary HPV test in the period, from the first"
ALL_AGES = Ages(low=0, high=110)
NOW = Window(length=Length())
# What is told late is mostly known late, and is not owed before: to wait for the window alone would leave it out.
_KNOWN_BY = Length(months=3)

Define = Callable[..., Indicator]


def acceptable(value: float, source: str, *, whose: str = EUROPE, verified: bool = False) -> Standard:
    return Standard(level=Level.ACCEPTABLE, value=value, whose=whose, source=source, verified=verified)


def desirable(
    value: float, source: str, *, whose: str = EUROPE, screen: str = "", verified: bool = False
) -> Standard:
    return Standard(
        level=Level.DESIRABLE, value=value, whose=whose, source=source, verified=verified, screen=screen
    )


def below(level: Level, value: float, source: str, *, screen: str = "", verified: bool = False) -> Standard:
    return Standard(
        level=level, value=value, whose=EUROPE, source=source, verified=verified, direction=Direction.BELOW,
        screen=screen,
    )  # fmt: skip


def basic(programme: Programme) -> tuple[Stratum, ...]:
    """By what almost everything can be split."""
    sex = (Stratum.SEX,) if len(programme.sexes) > 1 else ()
    return (*PLACES, Stratum.AGE_GROUP, *sex, *TIMES_)


def people(programme: Programme, low: int | None = None, high: int | None = None) -> str:
    """`women aged 25-69`."""
    who = "people" if len(programme.sexes) > 1 else "women"
    return f"{who} aged {low or programme.ages.low}-{high or programme.ages.high - 1}"


def defining(programme: Programme, **more: object) -> Define:
    """An indicator of the programme as far as most agree: persons, a share, the programme's ages."""
    usual = {
        "programme": programme,
        "ages": programme.ages,
        "whose": programme.country,
        "unit": Unit.PERSON,
        "measure": Share(),
        "scope": Scope.ALL_REGISTERED,
        "result_rule": ResultRule.FIRST,
        "strata": basic(programme),
    }
    return partial(Indicator, **(usual | more))  # type: ignore[arg-type]


def of_screens(programme: Programme, *more: Stratum) -> Define:
    """Counted from the day of the test by which a person was screened."""
    strata = (*basic(programme), *more, Stratum.ROUND, Stratum.SCREEN)
    return defining(
        programme, anchor=Anchor.SPECIMEN, population=f"{people(programme)} at the test", strata=strata
    )


def of_referrals(programme: Programme) -> Define:
    """Counted from the day of referral."""
    return defining(
        programme,
        anchor=Anchor.REFERRAL,
        population=f"{people(programme)} when referred",
        scope=Scope.PROGRAMME,
        strata=(*basic(programme), Stratum.UNIT),
    )


def incidence(programme: Programme, standard: str, *, title: str, **more: object) -> Indicator:
    """New cancers of everybody who lives here, screened or not, at the ages of a standard population."""
    who = "people" if len(programme.sexes) > 1 else "women"
    return defining(programme)(
        id="cancer_incidence",
        title=title,
        population=f"{who} of any age while living in the country",
        numerator="first reports of cancer in the period",
        denominator="time lived in the country in the period",
        ages=ALL_AGES,
        unit=Unit.PERSON_TIME,
        measure=Standardised(standard, tuple(range(0, 90, 5)), per=100_000, days=True, open_ended=True),
        anchor=Anchor.WHOLE_PERIOD,
        window=NOW,
        maturity=Length(),
        units=time_lived(first_cancers),
        counted=counted_before,
        **more,
    )


def telling_results(
    programme: Programme, *strata: Stratum, tests: str, within: str, **more: object
) -> Indicator:
    """How soon the programme told what it was to tell. `tests`, `within`: the denominator's and the window's words."""
    who = "person" if len(programme.sexes) > 1 else "woman"
    return of_screens(programme, *strata)(
        numerator=f"told by letter, or when seen at assessment, within {within}",
        denominator=f"{tests} whose result the programme told the {who}, or was to tell",
        unit=Unit.TEST,
        maturity=_KNOWN_BY,
        units=results_to_tell(valid_screens),
        counted=flagged("in_time"),
        exclusions=(
            "results that somebody else tells, such as the clinician who took the sample or who calls to assessment",
            "results that were withdrawn in time: the person died, moved abroad or reserved themselves, or it was corrected",
        ),
        note="A result is owed from the day it is known: what became known late comes in late. What became known only"
        " after the next test is counted with that test.",
        **more,
    )
