"""Specimens of the cervix and what was found in them."""

import polars as pl

from analytics.indicators.facts import Facts, fact, happened, per_day
from screening.vocabulary import EventKind, Test

NO_ANSWER = ("invalid", "unsatisfactory")
CANCER = ("adenocarcinoma", "scc")
CIN3_PLUS = ("cin3", "ais", *CANCER)
CIN2_PLUS = ("cin2", *CIN3_PLUS)
HIGH_GRADE_CYTOLOGY = ("asc_h", "hsil", "ais", *CANCER)


def tests(facts: Facts, test: Test, *columns: str) -> pl.DataFrame:
    """Results of that test, in every row as the laboratory gave it."""
    given = (pl.col("test") == test.value) & pl.col("result").is_not_null()
    return happened(facts, [EventKind.TESTED], "result", *columns, where=given)


@fact
def hpv_tests(facts: Facts) -> pl.DataFrame:
    return tests(facts, Test.HPV, "sample", "lab")


@fact
def specimens(facts: Facts) -> pl.DataFrame:
    """One row per person and specimen day: HPV tests of one day are one specimen, as in `decide`.

    `valid`: at least one test gave an answer; `positive`: at least one found HPV; `sample`: clinician
    where any was taken by a clinician.
    """
    rows = hpv_tests(facts).with_columns(
        valid=pl.col("result") != "invalid",
        positive=pl.col("result") == "positive",
        sample=pl.col("sample").cast(pl.String),
        lab=pl.col("lab").cast(pl.String),
    )
    return per_day(
        rows.drop("result"),
        valid=pl.col("valid").any(),
        positive=pl.col("positive").any(),
        sample=pl.col("sample").min(),
        lab=pl.col("lab").min(),
    )


@fact
def cytology(facts: Facts) -> pl.DataFrame:
    return tests(facts, Test.CYTOLOGY, "lab")


@fact
def high_grade_cytology(facts: Facts) -> pl.DataFrame:
    return cytology(facts).filter(pl.col("result").is_in(HIGH_GRADE_CYTOLOGY))


@fact
def answered(facts: Facts) -> pl.DataFrame:
    """HPV and cytology tests that gave an answer."""
    both = pl.concat([hpv_tests(facts).select("person", "date", "key", "result"),
                      cytology(facts).select("person", "date", "key", "result")])  # fmt: skip
    return both.filter(~pl.col("result").is_in(NO_ANSWER)).drop("result").sort("key")


@fact
def tissue(facts: Facts) -> pl.DataFrame:
    return tests(facts, Test.HISTOLOGY, "lab")


@fact
def cin2_plus(facts: Facts) -> pl.DataFrame:
    return tissue(facts).filter(pl.col("result").is_in(CIN2_PLUS))
