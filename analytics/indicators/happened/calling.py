"""Calls: the times a person was asked to be screened, each with all the letters and kits that were sent for it."""

import polars as pl

from analytics.indicators.facts import Facts, fact, keyed, per_day
from analytics.indicators.happened.everywhere import sendings
from analytics.indicators.happened.screens import answered
from analytics.indicators.moves import inside, next_day
from analytics.indicators.period import Length
from screening.vocabulary import EventKind

# How long after the letter or kit before it one still belongs to the same call. Programmes send the last reminder
# after a year (Norway, Sweden) and mostly somewhat late, to who has not answered. A kit follows within the half-year in
# which calls are answered; so does a reminder that crossed the answer, which is known only when the result comes.
_REMINDED_WITHIN, _AT_ONCE = Length(months=18), Length(months=6)


@fact
def calls(facts: Facts) -> pl.DataFrame:
    """Days on which a call began, one row per call, with the `letter` that began it.

    A reminder or kit belongs to the call before it within half a year, and a reminder longer where that is unanswered.
    Where no invitation was sent (Norwegian cervical screening calls by reminders) the first reminder is
    the call. What is sent on one day is one; a test on a day of sending answers what was sent that day.
    """
    kind = pl.col("kind")
    sent = per_day(
        sendings(facts).with_columns(
            invites=kind == EventKind.INVITED.value, reminds=kind == EventKind.REMINDED.value
        ),
        invites=pl.col("invites").any(),
        reminds=pl.col("reminds").any(),
    )
    return sent.filter(~_goes_on(sent, facts)).drop("invites", "reminds")


def _goes_on(sent: pl.DataFrame, facts: Facts) -> pl.Series:
    """Whether what was sent belongs to the call of the row before."""
    same = (sent["person"] == sent["person"].shift(1)).fill_null(value=False)
    before = sent["date"].shift(1)
    late, soon = (inside(before, sent["date"], length) for length in (_REMINDED_WITHIN, _AT_ONCE))
    possible = same & ~sent["invites"] & (soon | (sent["reminds"] & late))
    unsure = possible & ~soon
    answer = next_day(keyed(sent.select("person", date=before).filter(unsure)), answered(facts))
    unanswered = (answer >= sent["date"].filter(unsure)).fill_null(value=True)
    return possible.scatter(unsure.arg_true(), unanswered)
