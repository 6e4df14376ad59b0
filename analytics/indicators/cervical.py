"""What happened in cervical screening, and the units each indicator counts. Pure.

No clinical rule is retold: what follows from a result is read from the obligations that `decide` opened.
"""

from datetime import timedelta

import polars as pl

from analytics.extract.dataset import Bucket
from analytics.extract.schema import UNKNOWN
from analytics.indicators.frames import (
    events_of,
    first_of_each,
    in_period,
    placed,
    reached,
    with_county,
    women_of_age,
)
from analytics.indicators.model import Indicator
from analytics.indicators.period import Period
from screening.vocabulary import EventKind, ObligationKind, ObligationState, Test

_CALLS = (EventKind.INVITED.value, EventKind.REMINDED.value, EventKind.KIT_DISPATCHED.value)
_OWED_CALLS = (ObligationKind.INVITE.value, ObligationKind.REMIND.value, ObligationKind.DISPATCH_KIT.value)
# A replacement is sent because of a result: it answers a response and calls nobody.
_REPLACEMENT = "kit_replacement"
_FOLLOW_UP = (
    ObligationKind.REPEAT_TEST.value,
    ObligationKind.OBTAIN_TRIAGE.value,
    ObligationKind.REFER.value,
    ObligationKind.ATTEND.value,
    ObligationKind.OBTAIN_HISTOLOGY.value,
    ObligationKind.TREAT.value,
    ObligationKind.TEST_OF_CURE.value,
)
_NO_ANSWER = ("invalid", "unsatisfactory")
_CIN2_PLUS = ("cin2", "cin3", "ais", "adenocarcinoma", "scc")
_COLPOSCOPY = "colposcopy"
_STILL_OPEN = pl.lit("9999-12-31").str.to_date()


# -- what happened ---------------------------------------------------------------------------------


def calls(bucket: Bucket, programme: str) -> pl.LazyFrame:
    """Letters and kits that call a person to screening: one row per sending, with `letter`."""
    sent = events_of(bucket, programme, _CALLS).with_columns(
        letter=pl.col("letter").fill_null(pl.col("kind"))
    )
    return sent.filter(pl.col("letter") != _REPLACEMENT).select("person", "date", "kind", "letter")


def screening_tests(bucket: Bucket, programme: str) -> pl.LazyFrame:
    """HPV and cytology tests that gave an answer."""
    tests = events_of(bucket, programme, [EventKind.TESTED.value])
    answered = pl.col("result").is_not_null() & ~pl.col("result").is_in(_NO_ANSWER)
    return tests.filter(pl.col("test").is_in([Test.HPV.value, Test.CYTOLOGY.value]), answered).select(
        "person", "date"
    )


def hpv_specimens(bucket: Bucket, programme: str) -> pl.LazyFrame:
    """One row per person and specimen day: HPV tests of one day are one specimen, as in `decide`.

    `valid`: at least one test gave an answer; `positive`: at least one found HPV; `sample`: clinician
    where any was taken by a clinician.
    """
    tests = events_of(bucket, programme, [EventKind.TESTED.value]).filter(pl.col("test") == Test.HPV.value)
    return (
        tests.filter(pl.col("result").is_not_null())
        .group_by("person", "date")
        .agg(
            valid=(pl.col("result") != "invalid").any(),
            positive=(pl.col("result") == "positive").any(),
            sample=pl.col("sample").min().fill_null(UNKNOWN),
            lab=pl.col("lab").min().fill_null(UNKNOWN),
        )
    )


def primary_tests(bucket: Bucket, programme: str) -> pl.LazyFrame:
    """HPV specimens that open an episode, not those that follow up an earlier finding.

    A specimen is follow-up where an obligation to repeat, triage, refer, assess, treat or control was
    open when it was taken. One exception: the first valid specimen of an episode in which no earlier
    one was valid stands for the unusable one, so invalid-then-valid is one primary test with an answer.
    """
    specimens = hpv_specimens(bucket, programme)
    earlier = pl.when("valid").then("date").forward_fill().shift(1).over("person", order_by="date")
    judged = specimens.with_columns(_earlier=earlier).join(
        _within_follow_up(specimens, bucket, programme), on=["person", "date"], how="left"
    )
    replaces = pl.col("valid") & (pl.col("_earlier").is_null() | (pl.col("_earlier") < pl.col("_episode")))
    return judged.filter(pl.col("_episode").is_null() | replaces).drop("_earlier", "_episode")


def _within_follow_up(specimens: pl.LazyFrame, bucket: Bucket, programme: str) -> pl.LazyFrame:
    """Person and day of specimens taken while follow-up was owed, with the day its episode opened."""
    owed = bucket.obligations.filter(
        pl.col("programme") == programme,
        pl.col("kind").is_in(_FOLLOW_UP),
        pl.col("state") != ObligationState.WITHDRAWN.value,
    ).select("person", "opened_on", "episode", _until=pl.coalesce("evidence_on", "closed_on", _STILL_OPEN))
    return (
        specimens.join(owed, on="person")
        .filter(pl.col("opened_on") < pl.col("date"), pl.col("date") <= pl.col("_until"))
        .group_by("person", "date")
        .agg(_episode=pl.col("episode").min())
    )


def referrals(bucket: Bucket, programme: str) -> pl.LazyFrame:
    return _to_colposcopy(events_of(bucket, programme, [EventKind.REFERRED.value]))


def colposcopies(bucket: Bucket, programme: str) -> pl.LazyFrame:
    return _to_colposcopy(events_of(bucket, programme, [EventKind.APPOINTMENT_ATTENDED.value]))


def _to_colposcopy(events: pl.LazyFrame) -> pl.LazyFrame:
    """Where it is not said, it is colposcopy: the programme refers to nothing else."""
    return events.filter(pl.col("to").fill_null(_COLPOSCOPY) == _COLPOSCOPY).select("person", "date")


def cin2_plus(bucket: Bucket, programme: str) -> pl.LazyFrame:
    """Specimens of tissue whose worst finding is CIN2 or worse."""
    tests = events_of(bucket, programme, [EventKind.TESTED.value])
    tissue = tests.filter(pl.col("test") == Test.HISTOLOGY.value, pl.col("result").is_in(_CIN2_PLUS))
    return tissue.select("person", "date")


# -- units: one row each, with `counted` -----------------------------------------------------------


def owed_calls(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Women owed a letter or kit that fell due; counted where it was sent within the window.

    What was withdrawn inside the window (she tested, moved, reserved herself, died) was not owed any
    longer; what was withdrawn later had already been missed and stays.
    """
    last_day = pl.col("due_on").dt.offset_by(indicator.window.length.offset)
    owed = bucket.obligations.filter(
        pl.col("programme") == indicator.programme, pl.col("kind").is_in(_OWED_CALLS)
    ).filter((pl.col("state") != ObligationState.WITHDRAWN.value) | (pl.col("closed_on") > last_day))
    sent = (pl.col("evidence_on") <= last_day).fill_null(value=False)
    units = owed.select("person", date="due_on", counted=sent)
    return first_of_each(placed(in_period(units, period), bucket, indicator.ages), "counted")


def called(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Women called in the period, from their first call; counted where tested within the window."""
    return _responses(indicator, bucket, period, calls(bucket, indicator.programme))


def reminded(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Women reminded in the period, from their first reminder; counted where tested within the window."""
    reminders = calls(bucket, indicator.programme).filter(pl.col("kind") == EventKind.REMINDED.value)
    return _responses(indicator, bucket, period, reminders)


def _responses(indicator: Indicator, bucket: Bucket, period: Period, sent: pl.LazyFrame) -> pl.LazyFrame:
    first = first_of_each(placed(in_period(sent, period), bucket, indicator.ages), "letter")
    return reached(first, screening_tests(bucket, indicator.programme), indicator.window)


def residents(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Women living in Norway on the last day of the period; counted where tested in the window before its end.

    The window is date arithmetic from the first day after the period: 5.5 years to the end of 2025
    begin on 1 July 2020.
    """
    since = indicator.window.length.after(period.end)
    everyone = bucket.persons.select("person", date=pl.lit(period.end - timedelta(days=1)))
    women = with_county(women_of_age(everyone, bucket, indicator.ages), bucket)
    tests = screening_tests(bucket, indicator.programme)
    tested = tests.filter(pl.col("date") >= since, pl.col("date") < period.end)
    seen = tested.select("person", counted=pl.lit(value=True)).unique()
    at_home = women.filter(pl.col("county").is_not_null())
    return at_home.join(seen, on="person", how="left").with_columns(pl.col("counted").fill_null(value=False))


def valid_primary_tests(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Primary tests with an answer; counted where HPV was found."""
    valid = primary_tests(bucket, indicator.programme).filter("valid")
    return placed(in_period(valid, period), bucket, indicator.ages).with_columns(counted="positive")


def all_hpv_specimens(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Every HPV specimen; counted where it gave no answer."""
    specimens = hpv_specimens(bucket, indicator.programme)
    return placed(in_period(specimens, period), bucket, indicator.ages).with_columns(counted=~pl.col("valid"))


def screened(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Women screened in the period, from their first valid primary test."""
    valid = primary_tests(bucket, indicator.programme).filter("valid")
    return first_of_each(placed(in_period(valid, period), bucket, indicator.ages))


def screened_and_referred(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    women = screened(indicator, bucket, period)
    return reached(women, referrals(bucket, indicator.programme), indicator.window)


def screened_and_diseased(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    women = screened(indicator, bucket, period)
    return reached(women, cin2_plus(bucket, indicator.programme), indicator.window)


def referred(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Women referred in the period, from the first referral; counted where seen within the window."""
    units = in_period(referrals(bucket, indicator.programme), period)
    women = first_of_each(placed(units, bucket, indicator.ages))
    return reached(women, colposcopies(bucket, indicator.programme), indicator.window)


def assessed(indicator: Indicator, bucket: Bucket, period: Period) -> pl.LazyFrame:
    """Women seen at colposcopy in the period, from the first visit; counted where CIN2+ was found."""
    units = in_period(colposcopies(bucket, indicator.programme), period)
    women = first_of_each(placed(units, bucket, indicator.ages))
    return reached(women, cin2_plus(bucket, indicator.programme), indicator.window)
