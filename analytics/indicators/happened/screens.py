"""Index tests: the tests by which people were screened, told apart from those that follow up a finding."""

from collections.abc import Mapping

import polars as pl

from analytics.indicators.facts import Fact, Facts, fact
from analytics.indicators.happened import bowel, breast, cervical
from analytics.indicators.happened.everywhere import visits
from analytics.indicators.moves import last_day
from screening.vocabulary import Cancer, ObligationKind, ObligationState

_FOLLOW_UP = (
    ObligationKind.REPEAT_TEST,
    ObligationKind.OBTAIN_TRIAGE,
    ObligationKind.REFER,
    ObligationKind.ATTEND,
    ObligationKind.OBTAIN_HISTOLOGY,
    ObligationKind.TREAT,
    ObligationKind.TEST_OF_CURE,
)
_STILL_OPEN = pl.lit("9999-12-31").str.to_date()

_SPECIMENS: Mapping[Cancer, Fact] = {
    Cancer.CERVICAL: cervical.specimens,
    Cancer.BREAST: breast.mammograms,
    Cancer.COLORECTAL: bowel.stool_tests,
}
_ANSWERED: Mapping[Cancer, Fact] = {
    Cancer.CERVICAL: cervical.answered,
    Cancer.BREAST: breast.mammograms,
    Cancer.COLORECTAL: bowel.answered,
}
_ASSESSMENTS: Mapping[Cancer, Fact] = {
    Cancer.CERVICAL: visits,
    Cancer.BREAST: visits,
    Cancer.COLORECTAL: bowel.assessments,
}


def specimens(facts: Facts) -> pl.DataFrame:
    """Every primary-type test of the programme, one row per person and day, with `valid` and `positive`."""
    return _SPECIMENS[facts.programme.cancer](facts)


def answered(facts: Facts) -> pl.DataFrame:
    """Every registered test that gave an answer and so covers the person."""
    return _ANSWERED[facts.programme.cancer](facts)


def assessments(facts: Facts) -> pl.DataFrame:
    """Days on which the person was seen where a positive test leads."""
    return _ASSESSMENTS[facts.programme.cancer](facts)


@fact
def screens(facts: Facts) -> pl.DataFrame:
    """Tests that open an episode, not those that follow up an earlier finding.

    A test is follow-up where an obligation to repeat, triage, refer, assess, treat or control was open
    when it was taken. One exception: the first valid test of an episode in which no earlier one was
    valid stands for the unusable one, so invalid-then-valid is one primary test with an answer.
    """
    taken = specimens(facts)
    valid = taken.filter("valid")
    judged = taken.with_columns(_earlier=last_day(taken, valid, same_day=False)).join(
        _within_follow_up(facts, taken), on="key", how="left", maintain_order="left"
    )
    replaces = pl.col("valid") & (pl.col("_earlier").is_null() | (pl.col("_earlier") < pl.col("_episode")))
    return judged.filter(pl.col("_episode").is_null() | replaces).drop("_earlier", "_episode")


def _within_follow_up(facts: Facts, taken: pl.DataFrame) -> pl.DataFrame:
    """Keys of tests taken while follow-up was owed, with the day its episode opened."""
    told = ("person", "opened_on", "episode", "state", "evidence_on", "closed_on")
    owed = (
        facts.obligations([str(kind) for kind in _FOLLOW_UP], told)
        .filter(pl.col("state") != ObligationState.WITHDRAWN.value)
        .select("person", "opened_on", "episode", _until=pl.coalesce("evidence_on", "closed_on", _STILL_OPEN))
    )
    return (
        taken.select("person", "date", "key")
        .join(owed, on="person")
        .filter(pl.col("opened_on") < pl.col("date"), pl.col("date") <= pl.col("_until"))
        .group_by("key")
        .agg(_episode=pl.col("episode").min())
    )


@fact
def valid_screens(facts: Facts) -> pl.DataFrame:
    return screens(facts).filter("valid")


@fact
def positives(facts: Facts) -> pl.DataFrame:
    return valid_screens(facts).filter("positive")


@fact
def negatives(facts: Facts) -> pl.DataFrame:
    return valid_screens(facts).filter(~pl.col("positive"))
