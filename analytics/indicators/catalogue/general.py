"""What every programme is asked: is everyone called, do they come, are they covered, do they come back?"""

from functools import partial

from analytics.indicators.catalogue.common import acceptable, basic, defining, desirable, people
from analytics.indicators.happened.calling import calls
from analytics.indicators.happened.everywhere import kits, kits_back, reminders, sendings, undeliverable
from analytics.indicators.happened.screens import answered
from analytics.indicators.measures import Mean, Share
from analytics.indicators.model import (
    Anchor,
    Indicator,
    ResultRule,
    Scope,
    Stratum,
    Unit,
    Window,
)
from analytics.indicators.outcomes import (
    came_back,
    covered_by,
    ever,
    flagged,
    neither,
    number_of,
    reached,
    within_of_the_last,
)
from analytics.indicators.period import Length
from analytics.indicators.programmes import Programme
from analytics.indicators.units import (
    called_again_after_a_screen,
    called_again_after_attending,
    calls_due,
    each,
    first,
    residents,
)
from screening.vocabulary import Cancer

_TEST = {
    Cancer.CERVICAL: "HPV or cytology test with an answer",
    Cancer.BREAST: "mammogram that was read",
    Cancer.COLORECTAL: "stool test with an answer",
}
# The half-year beyond the interval is time to take up the call.
_TAKE_UP = 6
_ONE_A_DAY = "What was taken on one day is one test, in however many ways it was analysed."


_CAME = {
    Cancer.CERVICAL: "Tested after a letter or kit",
    Cancer.BREAST: "Attended after the invitation",
    Cancer.COLORECTAL: "Stool test after a kit",
}
_PARTICIPATION = {
    Cancer.CERVICAL: (),
    Cancer.BREAST: (
        acceptable(70, "B1 [I2]", verified=True),
        desirable(75, "B1 [I2]", verified=True),
    ),
    Cancer.COLORECTAL: (acceptable(45, "R1 [M]"), desirable(65, "R1 [M]")),
}


def calling(programme: Programme) -> list[Indicator]:
    """From being owed a call to answering it."""
    who, test = people(programme), _TEST[programme.cancer]
    define = defining(programme, whose="international")
    after_call = partial(
        define,
        anchor=Anchor.CALL,
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.FIRST_VALID,
    )
    strata = (*basic(programme), Stratum.LETTER, Stratum.ARM, Stratum.ROUND, Stratum.ATTENDANCE)
    interval = programme.interval
    return [
        define(
            id="invitation_coverage",
            title="Letters sent in time",
            population=f"{who} to whom the programme owed a letter or kit",
            numerator="the first letter or kit owed was sent within 30 days of its due date",
            denominator=f"{who} whose first letter or kit fell due in the period",
            anchor=Anchor.DUE,
            window=Window(length=Length(days=30)),
            maturity=Length(days=30),
            scope=Scope.PROGRAMME,
            result_rule=ResultRule.FIRST,
            exclusions=("withdrawn within 30 days: tested, moved away, reserved, ceased or died meanwhile",),
            sources=("G1",),
            standards=(acceptable(95, "G1 [M]"),),
            units=calls_due,
            counted=flagged("in_time"),
            note="Being owed a letter is what makes a person eligible here: who is up to date is not called.",
        ),
        define(
            id="invited_in_round",
            title="Called within one interval",
            population=f"{who} living in the country on the last day of the period",
            numerator=f"called by letter or kit in the {interval} to the end of the period",
            denominator=f"{who} living in the country on the last day of the period",
            anchor=Anchor.END_OF_PERIOD,
            window=Window(length=Length(months=-interval.months)),
            maturity=Length(),
            scope=Scope.PROGRAMME,
            result_rule=ResultRule.ANY,
            strata=basic(programme),
            whose="Europe",
            sources=("G1",),
            standards=() if programme.cancer == Cancer.CERVICAL else (acceptable(95, "G1 [M]"),),
            units=residents,
            counted=covered_by(calls),
            note="Low where only the overdue are called, as in Norwegian cervical screening; that is no failure there.",
        ),
        after_call(
            id="participation",
            title=_CAME[programme.cancer],
            population=f"{who} when called",
            numerator=f"{test} within 6 months after the first call of the period",
            denominator=f"{who} called by letter or kit in the period, undeliverable ones included",
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            strata=strata,
            sources=("G2",),
            standards=_PARTICIPATION[programme.cancer],
            units=first(calls),
            counted=reached(answered),
            note="Reminders, and kits sent within half a year, belong to the call that they follow until it is answered."
            " A test on the day of a call answers it.",
        ),
        after_call(
            id="response_to_reminder",
            title="Tested after a reminder",
            population=f"{who} when reminded",
            numerator=f"{test} within 12 months after the first reminder of the period",
            denominator=f"{who} sent a reminder in the period, undeliverable ones included",
            window=Window(length=Length(months=12)),
            maturity=Length(months=12),
            strata=strata,
            sources=("C2",),
            units=first(reminders),
            counted=reached(answered),
        ),
        after_call(
            id="retention",
            title="Tested again when called again",
            population=f"{who} when called, who were tested after the call before",
            numerator=f"{test} within 6 months after the first call of the period",
            denominator=f"{who} called in the period who were tested between their previous call and this one",
            window=Window(length=Length(months=6)),
            maturity=Length(months=6),
            strata=basic(programme),
            sources=("G7",),
            units=called_again_after_attending(calls),
            counted=reached(answered),
        ),
        after_call(
            id="undeliverable_rate",
            title="Letters and kits that came back undeliverable",
            population=f"{who} when called",
            numerator="reported undeliverable within 90 days",
            denominator="letters and kits sent to call people in the period",
            unit=Unit.TEST,
            window=Window(length=Length(days=90)),
            maturity=Length(days=90),
            scope=Scope.PROGRAMME,
            result_rule=ResultRule.FIRST,
            strata=(*basic(programme), Stratum.LETTER),
            sources=("G2",),
            units=each(sendings),
            counted=came_back(undeliverable, sendings),
            note="They stay in the denominators of participation and response.",
        ),
    ]


def home_sampling(programme: Programme) -> list[Indicator]:
    """Do kits come back?"""
    define = defining(
        programme,
        population=f"{people(programme)} when the kit was sent",
        numerator="the kit came back to the post office or the laboratory",
        denominator="kits sent in the period, replacements and undeliverable ones included",
        unit=Unit.TEST,
        anchor=Anchor.CALL,
        scope=Scope.PROGRAMME,
        sources=("C21",),
        units=each(kits),
        counted=reached(kits_back),
        strata=(*basic(programme), Stratum.LETTER),
    )
    return [
        define(
            id=f"kit_return_{days}d",
            title=f"Kits back within {days} days",
            window=Window(length=Length(days=days)),
            maturity=Length(days=days),
            note="Of all that were sent, as intended: undeliverable kits stay in.",
        )
        for days in (90, 180)
    ]


def covering(programme: Programme) -> list[Indicator]:
    """Of those who live here: who is covered, by how many tests, and who never came."""
    who, test = people(programme), _TEST[programme.cancer]
    reach = Length(months=-programme.interval.months - _TAKE_UP)
    years = -reach.months / 12
    define = defining(
        programme,
        whose="international",
        population=f"{who} living in the country on the last day of the period",
        denominator=f"{who} living in the country on the last day of the period",
        anchor=Anchor.END_OF_PERIOD,
        window=Window(length=reach),
        maturity=Length(),
        result_rule=ResultRule.ANY,
        units=residents,
    )
    return [
        define(
            id="test_coverage",
            title=f"Tested in the last {years:g} years",
            numerator=f"at least one {test} in the {years:g} years to the end of the period",
            sources=("G3", "C1n") if programme.cancer == Cancer.CERVICAL else ("G3",),
            standards=_COVERAGE.get(programme.id, ()),
            counted=covered_by(answered),
            note="People without the organ and people who reserved themselves stay in the denominator."
            " The half-year beyond the interval is time to take up the call.",
        ),
        define(
            id="test_capacity",
            title="Tests per person and interval",
            numerator=f"every {test} in the {years:g} years to the end of the period",
            measure=Mean("tests per person"),
            sources=("G4",),
            whose="NordScreen",
            counted=number_of(answered),
            note=_ONE_A_DAY,
        ),
        define(
            id="overscreening_index",
            title="Tests per person tested",
            denominator=f"{who} living in the country on the last day of the period with at least one {test} in the window",
            numerator=f"every {test} in the {years:g} years to the end of the period",
            measure=Mean("tests per person tested"),
            sources=("G5",),
            whose="NordScreen",
            counted=number_of(answered, among_tested=True),
            note=f"Above one also where repeats were owed; one each is the least. {_ONE_A_DAY}",
        ),
        define(
            id="never_screened",
            title="Never tested",
            numerator=f"no {test} on record",
            window=Window(length=Length()),
            sources=("G6",),
            whose="England",
            counted=neither(ever(answered)),
            note="Who reserved herself against storage of normal results appears here as never tested.",
        ),
    ]


_COVERAGE = {
    "no-cervical": (acceptable(80, "G3 [I5]", whose="CervicalScreen Norway", verified=True),),
}


def coming_round(programme: Programme) -> list[Indicator]:
    """Programmes that call everyone at a fixed interval: does the call come in time?"""
    who, interval = people(programme), programme.interval
    return [
        Indicator(
            id="round_length",
            title="Called again in time",
            programme=programme,
            population=f"{who} when called, who had been screened before",
            numerator=f"the first call of the period came within {interval} of the screen before it",
            denominator=f"{who} called in the period who had been screened before",
            unit=Unit.PERSON,
            measure=Share(),
            anchor=Anchor.CALL,
            ages=programme.ages,
            window=Window(length=interval),
            maturity=Length(),
            scope=Scope.PROGRAMME,
            result_rule=ResultRule.FIRST,
            strata=basic(programme),
            whose="England",
            sources=("G8",),
            standards=(acceptable(95, "G8 [M]"), desirable(100, "G8 [M]")),
            units=called_again_after_a_screen(calls),
            counted=within_of_the_last,
        )
    ]
