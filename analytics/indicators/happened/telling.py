"""Results told: of which tests the programme told the person or was to tell her, and when it did."""

import polars as pl

from analytics.indicators.facts import Facts, fact, keyed, owed
from analytics.indicators.happened.everywhere import results_given
from analytics.indicators.happened.screens import specimens
from analytics.indicators.moves import last_day
from screening.vocabulary import ObligationKind, ObligationState


@fact
def tellings(facts: Facts) -> pl.DataFrame:
    """What was owed to be told, and what was told without being owed, on the `date` of the test that it is about.

    That is the last test taken by the day on which it came to be owed, or was told. `told_on`, `withdrawn_on`:
    null where it was not.
    """
    due = _results_owed(facts)
    unasked = results_given(facts).join(
        due, left_on=["person", "date"], right_on=["person", "told_on"], how="anti"
    )
    told = unasked.select("person", "date", "key", told_on="date", withdrawn_on=pl.lit(None, pl.Date))
    together = pl.concat([due, told.select(due.columns)]).sort("key")
    about = together.with_columns(date=last_day(together, specimens(facts)))
    return keyed(about.filter(pl.col("date").is_not_null()))


def _results_owed(facts: Facts) -> pl.DataFrame:
    """By the day on which each came to be owed; what was seen in person answers it as a letter does."""
    columns = ("state", "closed_on", "evidence_on")
    withdrawn = pl.col("state") == ObligationState.WITHDRAWN.value
    return owed(facts, [ObligationKind.GIVE_RESULT], *columns, day="opened_on").select(
        "person", "date", "key", told_on="evidence_on", withdrawn_on=pl.when(withdrawn).then("closed_on")
    )
