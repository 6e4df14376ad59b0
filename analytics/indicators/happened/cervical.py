"""Specimens of the cervix and what was found in them."""

import polars as pl

from analytics.indicators.facts import Facts, fact, happened, per_day
from screening.vocabulary import EventKind, Test

NO_ANSWER = ("invalid", "unsatisfactory")
CANCER = ("adenocarcinoma", "scc")
CIN3_PLUS = ("cin3", "ais", *CANCER)
CIN2_PLUS = ("cin2", *CIN3_PLUS)
HIGH_GRADE_TISSUE = ("cin2", "cin3", "ais")
HIGH_GRADE_CYTOLOGY = ("asc_h", "hsil", "ais", *CANCER)
HYSTERECTOMY = ("hysterectomy", "total_hysterectomy")
# What tissue showed, where a clinic reports it as a code of ICD-10: how the code begins, longest first.
_REPORTED = {"D06.0": "ais", "N87.0": "cin1", "N87.1": "cin2", "N87.2": "cin3", "C53": "scc", "D06": "cin3"}


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
    """Days with an HPV or cytology test that gave an answer: what was taken on one day is one specimen, tested in two
    ways or one.
    """
    both = pl.concat([hpv_tests(facts).select("person", "date", "key", "result"),
                      cytology(facts).select("person", "date", "key", "result")])  # fmt: skip
    return per_day(both.filter(~pl.col("result").is_in(NO_ANSWER)).drop("result").sort("key"))


@fact
def tissue(facts: Facts) -> pl.DataFrame:
    return tests(facts, Test.HISTOLOGY, "lab")


@fact
def lesions(facts: Facts) -> pl.DataFrame:
    """What tissue showed, as the laboratory told it or a clinic reported it: `decide` judges either alike."""
    reported = happened(facts, [EventKind.DIAGNOSED], "code")
    code = pl.col("code").cast(pl.String)
    found = pl.coalesce(
        *(pl.when(code.str.starts_with(start)).then(pl.lit(word)) for start, word in _REPORTED.items()), code
    )
    known = reported.with_columns(result=found).filter(pl.col("result").is_in(("cin1", *CIN2_PLUS)))
    of_both = [frame.with_columns(pl.col("result").cast(pl.String)) for frame in (tissue(facts), known)]
    columns = [*known.drop("code", "key").columns, "key"]
    return pl.concat([frame.select(columns) for frame in of_both]).sort("key")


@fact
def cin2_plus(facts: Facts) -> pl.DataFrame:
    return lesions(facts).filter(pl.col("result").is_in(CIN2_PLUS))


@fact
def cin1(facts: Facts) -> pl.DataFrame:
    return lesions(facts).filter(pl.col("result") == "cin1")


@fact
def cin3_plus(facts: Facts) -> pl.DataFrame:
    return lesions(facts).filter(pl.col("result").is_in(CIN3_PLUS))


@fact
def high_grade(facts: Facts) -> pl.DataFrame:
    """Tissue with a high-grade lesion that is not cancer."""
    return lesions(facts).filter(pl.col("result").is_in(HIGH_GRADE_TISSUE))


@fact
def cancers(facts: Facts) -> pl.DataFrame:
    """Days on which cancer of the cervix was seen in tissue or reported."""
    reported = happened(facts, [EventKind.DIAGNOSED], "code")
    named = pl.col("code").cast(pl.String)
    told = reported.filter(named.str.starts_with("C53") | named.is_in(CANCER)).drop("code")
    seen = tissue(facts).filter(pl.col("result").is_in(CANCER)).select(told.columns)
    return per_day(pl.concat([seen, told]).sort("key").with_columns(kind=pl.lit("cancer")))


@fact
def not_negative(facts: Facts) -> pl.DataFrame:
    """HPV found, or cytology that is not normal."""
    hpv = hpv_tests(facts).filter(pl.col("result") == "positive").select("person", "date", "key")
    cells = (
        cytology(facts).filter(~pl.col("result").is_in(["nilm", *NO_ANSWER])).select("person", "date", "key")
    )
    return pl.concat([hpv, cells]).sort("key")


@fact
def hpv_answered(facts: Facts) -> pl.DataFrame:
    """HPV tests with an answer, primary or not."""
    return specimens(facts).filter("valid")


@fact
def cytology_answered(facts: Facts) -> pl.DataFrame:
    return cytology(facts).filter(~pl.col("result").is_in(NO_ANSWER))


@fact
def cytology_specimens(facts: Facts) -> pl.DataFrame:
    """One row per person and day; `valid`: at least one slide gave an answer."""
    rows = cytology(facts).with_columns(valid=pl.col("result") != "unsatisfactory").drop("result")
    return per_day(rows, valid=pl.col("valid").any())


@fact
def tested_at_all(facts: Facts) -> pl.DataFrame:
    """Days with an HPV or cytology test that gave an answer, with where and how old."""
    columns = ["person", "date", "municipality", "county", "age", "age_in_year", "sex", "key"]
    both = pl.concat([hpv_answered(facts).select(columns), cytology_answered(facts).select(columns)])
    return per_day(both.sort("key"))


@fact
def hpv_16_18(facts: Facts) -> pl.DataFrame:
    """Specimens in which HPV 16 or 18 was found."""
    named = pl.col("findings").cast(pl.String).str.contains(r"\bhpv_1[68]\b")
    return happened(facts, [EventKind.TESTED], where=(pl.col("test") == Test.HPV.value) & named)


@fact
def clinician_tests(facts: Facts) -> pl.DataFrame:
    """Cytology, or HPV from a specimen that somebody else than the person took."""
    hpv = hpv_tests(facts).filter(pl.col("sample") != "self").select("person", "date", "key")
    return pl.concat([hpv, cytology(facts).select("person", "date", "key")]).sort("key")
