"""What may be judged: figures whose follow-up is complete, of years of which the programme's own records tell all."""

from collections.abc import Sequence
from datetime import date

from analytics.indicators.model import Indicator
from analytics.indicators.period import Period


def told_whole(year: int, since: date | None) -> bool:
    """Whether the programme's own records tell of a year; `since`: the day of the first of them, None: there is none.

    What happened in the years before was recorded afterwards, from archives, which may tell only a part of it. So may
    the months of the first year before that day, which counts all the same.
    """
    return since is not None and year >= since.year


def to_judge(
    of: Indicator, asked: Period, years: Sequence[Period], *, cut: date, since: date | None
) -> Period | None:
    """The period that is asked for if its follow-up is complete, else the latest of the years up to it whose is.

    Where units are compared before, those look bad whose people have had the least time. None: there is no such year.
    """
    if of.mature_on(asked) <= cut:
        return asked
    complete = [y for y in years if of.mature_on(y) <= cut and told_whole(y.start.year, since)]
    return complete[-1] if complete else None


def judged_on(of: Indicator, asked: Period, years: Sequence[Period], since: date | None) -> date:
    """The first day on which there will be something to judge, where there is nothing yet."""
    whole = [year for year in years if told_whole(year.start.year, since)]
    return min(of.mature_on(period) for period in (asked, *whole))
