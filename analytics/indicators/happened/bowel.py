"""Stool tests, colonoscopies and what was found in the bowel."""

import polars as pl

from analytics.indicators.facts import PLACE, Facts, fact, happened, per_day
from analytics.indicators.happened.everywhere import visits
from analytics.indicators.moves import inside, last_day, next_day
from analytics.indicators.period import Length
from screening.vocabulary import EventKind, Test

_ADENOMA = "advanced_adenoma"  # also the end of `non_advanced_adenoma`
_AFTER_POSITIVE = Length(months=12)
_SAME_EPISODE = Length(months=6)
_THREE_YEARS = Length(months=36)


@fact
def stool_tests(facts: Facts) -> pl.DataFrame:
    """One row per person and day: several samples of a day are one test.

    `valid`: at least one was positive or negative; `cutoff`: above which it was positive that day.
    """
    given = (pl.col("test") == Test.FIT.value) & pl.col("result").is_not_null()
    rows = happened(facts, [EventKind.TESTED], "result", "lab", "cutoff", where=given).with_columns(
        valid=pl.col("result") != "not_analysable", positive=pl.col("result") == "positive"
    )
    return per_day(
        rows.drop("result"), valid=pl.col("valid").any(), positive=pl.col("positive").any(),
        lab=pl.col("lab").min(), cutoff=pl.col("cutoff").min(),
    )  # fmt: skip


@fact
def answered(facts: Facts) -> pl.DataFrame:
    return stool_tests(facts).filter("valid")


@fact
def colonoscopies(facts: Facts) -> pl.DataFrame:
    """One row per person and day; `complete`: not broken off before the caecum."""
    rows = happened(
        facts, [EventKind.TESTED], "unit", "findings", where=pl.col("test") == Test.COLONOSCOPY.value
    ).with_columns(
        complete=~pl.col("findings").cast(pl.String).str.contains("incomplete").fill_null(value=False)
    )
    return per_day(rows.drop("findings"), complete=pl.col("complete").any())


@fact
def assessments(facts: Facts) -> pl.DataFrame:
    """Days of colonoscopy, told by the clinic as a visit or by its findings."""
    columns = ["person", "date", *PLACE, "unit", "key"]
    both = pl.concat([visits(facts).select(columns), colonoscopies(facts).select(columns)])
    return per_day(both.sort("key"))


@fact
def lesions(facts: Facts) -> pl.DataFrame:
    """What colonoscopy or tissue showed, by day: `result` is the worst of the report."""
    seen = pl.col("test").is_in([Test.COLONOSCOPY.value, Test.HISTOLOGY.value])
    return happened(facts, [EventKind.TESTED], "result", where=seen & pl.col("result").is_not_null())


@fact
def _reported(facts: Facts) -> pl.DataFrame:
    """What a clinic reported of what was found, with `code`."""
    return happened(facts, [EventKind.DIAGNOSED], "code").with_columns(pl.col("code").cast(pl.String))


@fact
def advanced_adenomas(facts: Facts) -> pl.DataFrame:
    seen = lesions(facts).filter(pl.col("result") == "advanced_adenoma").drop("result")
    told = _reported(facts).filter(pl.col("code") == "advanced_adenoma").select(seen.columns)
    return pl.concat([seen, told]).sort("key")


@fact
def adenomas(facts: Facts) -> pl.DataFrame:
    """Days on which an adenoma was seen or reported, also beside something worse."""
    adenoma = pl.col("findings").cast(pl.String).str.contains(_ADENOMA)
    looked = pl.col("test").is_in([Test.COLONOSCOPY.value, Test.HISTOLOGY.value])
    seen = happened(facts, [EventKind.TESTED], where=looked & adenoma)
    code = pl.col("code")
    told = _reported(facts).filter(code.str.ends_with(_ADENOMA) | code.str.starts_with("D12"))
    return pl.concat([seen, told.select(seen.columns)]).sort("key")


@fact
def cancers(facts: Facts) -> pl.DataFrame:
    """Days on which cancer of the bowel was seen or reported."""
    code = pl.col("code").cast(pl.String)
    of_bowel = code.str.starts_with("C18") | code.str.starts_with("C19") | code.str.starts_with("C20")
    told_of = (
        happened(facts, [EventKind.DIAGNOSED], "code").filter(of_bowel | (code == "cancer")).drop("code")
    )
    seen = lesions(facts).filter(pl.col("result") == "cancer").select(told_of.columns)
    return per_day(pl.concat([seen, told_of]).sort("key").with_columns(kind=pl.lit("cancer")))


@fact
def advanced_neoplasia(facts: Facts) -> pl.DataFrame:
    """Cancer or advanced adenoma."""
    columns = ["person", "date", "key"]
    return pl.concat([cancers(facts).select(columns), advanced_adenomas(facts).select(columns)]).sort("key")


@fact
def stages(facts: Facts) -> pl.DataFrame:
    """Reported cancers whose stage is known."""
    return happened(facts, [EventKind.DIAGNOSED], "stage", where=pl.col("stage").is_not_null())


@fact
def assessed_after_positive(facts: Facts) -> pl.DataFrame:
    """Days of colonoscopy, however told, that followed a positive stool test of the twelve months before."""
    return _following_a_positive(facts, assessments(facts))


@fact
def after_positive(facts: Facts) -> pl.DataFrame:
    """Colonoscopies with findings that followed a positive stool test of the twelve months before."""
    return _following_a_positive(facts, colonoscopies(facts))


def _following_a_positive(facts: Facts, done: pl.DataFrame) -> pl.DataFrame:
    """With the day of that test as `screened_on`."""
    before = last_day(done, stool_tests(facts).filter("positive"))
    followed = done.with_columns(screened_on=before)
    return followed.filter(inside(before, done["date"], _AFTER_POSITIVE))


@fact
def without_cancer(facts: Facts) -> pl.DataFrame:
    """Colonoscopies after a positive test, without cancer within six months."""
    done = assessed_after_positive(facts)
    found = next_day(done, cancers(facts))
    return done.filter(~inside(done["date"], found, _SAME_EPISODE))


@fact
def with_cancer(facts: Facts) -> pl.DataFrame:
    """Colonoscopies after a positive test, with cancer within three years; `later`: not within the first six months."""
    done = assessed_after_positive(facts)
    found = next_day(done, cancers(facts))
    later = ~inside(done["date"], found, _SAME_EPISODE)
    return done.with_columns(later=later).filter(inside(done["date"], found, _THREE_YEARS))
