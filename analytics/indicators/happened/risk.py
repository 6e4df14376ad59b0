"""What the programme judged a cervical test to mean, and what it asked for next, as the ledger tells it."""

import polars as pl

from analytics.indicators.facts import Facts, fact, happened, keyed, owed
from analytics.indicators.happened import cervical
from analytics.indicators.happened.everywhere import referrals, treatments, visits
from analytics.indicators.happened.screens import positives, screens
from analytics.indicators.moves import inside, last_day, next_day
from analytics.indicators.period import Length
from screening.vocabulary import EventKind, ObligationKind, ObligationState, Sample

LOW, INTERMEDIATE, HIGHER, UNASSIGNED = "low", "intermediate", "higher", "unassigned"
_JUDGED_WITHIN = Length(months=6)
_HIGH_GRADE_BEFORE = Length(days=90)
_TISSUE_BEFORE = Length(months=12)


def _asked(facts: Facts, kind: ObligationKind, *states: ObligationState) -> pl.DataFrame:
    asked = owed(facts, [kind], "state", day="opened_on")
    return asked.filter(pl.col("state").is_in([str(state) for state in states])) if states else asked


@fact
def judged_screens(facts: Facts) -> pl.DataFrame:
    """Primary tests, each with its `risk`: what the programme asked for within six months because of it.

    higher: a referral; intermediate: a repeat test; unassigned: no answer, or a triage test never came;
    low: nothing but the next round.
    """
    tested = screens(facts)
    referred, repeated, awaited = (
        inside(tested["date"], next_day(tested, asked), _JUDGED_WITHIN)
        for asked in (
            _asked(facts, ObligationKind.REFER),
            _asked(facts, ObligationKind.REPEAT_TEST),
            _asked(facts, ObligationKind.OBTAIN_TRIAGE, ObligationState.OPEN, ObligationState.WITHDRAWN),
        )
    )
    risk = (
        pl.when(~pl.col("valid"))
        .then(pl.lit(UNASSIGNED))
        .when(referred)
        .then(pl.lit(HIGHER))
        .when(repeated)
        .then(pl.lit(INTERMEDIATE))
        .when(awaited)
        .then(pl.lit(UNASSIGNED))
        .otherwise(pl.lit(LOW))
    )
    return tested.with_columns(risk=risk)


@fact
def repeats_due(facts: Facts) -> pl.DataFrame:
    """Repeat tests on the day they were due."""
    return owed(facts, [ObligationKind.REPEAT_TEST], "state", "closed_on", "opened_on")


@fact
def self_positives(facts: Facts) -> pl.DataFrame:
    """Home samples in which HPV was found; `type_16_18`: one of these two was."""
    found = positives(facts).filter(pl.col("sample") == Sample.SELF.value)
    named = cervical.hpv_16_18(facts)["key"].implode()
    return found.with_columns(type_16_18=pl.col("key").is_in(named))


@fact
def graded_referrals(facts: Facts) -> pl.DataFrame:
    """Referrals, with `high_grade`: cytology of the ninety days before was of high grade."""
    sent = referrals(facts)
    before = last_day(sent, cervical.high_grade_cytology(facts))
    return sent.with_columns(high_grade=inside(before, sent["date"], _HIGH_GRADE_BEFORE))


@fact
def appointments(facts: Facts) -> pl.DataFrame:
    """Days for which an appointment was booked, or on which the person came."""
    to = pl.col("to").is_null() | (pl.col("to") == facts.programme.to.value)
    booked = happened(
        facts, [EventKind.APPOINTMENT_BOOKED], "for_date", where=to & pl.col("for_date").is_not_null()
    )
    for_days = keyed(booked.select("person", date="for_date"))
    return pl.concat([for_days, visits(facts).select("person", "date", "key")]).sort("key")


@fact
def cin1_alone(facts: Facts) -> pl.DataFrame:
    """Tissue with CIN1, where nothing worse was found in the twelve months after."""
    found = cervical.cin1(facts)
    worse = inside(found["date"], next_day(found, cervical.cin2_plus(facts)), _TISSUE_BEFORE)
    return found.filter(~worse)


@fact
def treatments_of_cin(facts: Facts) -> pl.DataFrame:
    """Treatments after CIN2, CIN3 or AIS of the twelve months before, without cancer in that time."""
    done = treatments(facts)
    lesion, cancer = (
        inside(last_day(done, found(facts)), done["date"], _TISSUE_BEFORE)
        for found in (cervical.high_grade, cervical.cancers)
    )
    return done.filter(lesion & ~cancer)
