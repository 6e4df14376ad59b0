"""Mammograms, how they were read, and the cancers of the breast."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.indicators.facts import PLACE, Fact, Facts, fact, happened, owed, per_day
from analytics.indicators.happened.everywhere import referrals, visits
from analytics.indicators.moves import next_number, next_row, no_later, numbers, told
from analytics.indicators.period import Length
from screening.vocabulary import Destination, EventKind, ObligationKind, Test

NEGATIVE = "score_1"  # a reading is positive from score 2
INVASIVE, IN_SITU, UNKNOWN_KIND = "invasive", "dcis", "unknown"
_CONSENSUS_WITHIN = Length(days=60)
_RECALL_WITHIN = Length(days=90)
_NO_READER = (1 << 32) - 1  # stands for a reader nobody named
_UNSPECIFIED = "unspecified"  # cancer of a kind that nobody told
_KINDS = pl.Enum([UNKNOWN_KIND, IN_SITU, INVASIVE])  # worst last


@fact
def readings(facts: Facts) -> pl.DataFrame:
    """One row per reading; `positive` from score 2 on."""
    given = (pl.col("test") == Test.MAMMOGRAPHY.value) & pl.col("result").is_not_null()
    read = happened(facts, [EventKind.TESTED], "result", "reader", "unit", "lab", where=given)
    return read.with_columns(positive=pl.col("result") != NEGATIVE)


def _changes(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each value differs from the one before; the first does."""
    return np.concatenate([np.ones(min(len(values), 1), dtype=bool), values[1:] != values[:-1]])


def _sums(values: npt.NDArray[np.int32], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    return np.add.reduceat(values, starts) if len(starts) else values[:0]


@fact
def consensus(facts: Facts) -> pl.DataFrame:
    """One row per person and day: of several decisions of one day the one to recall stands."""
    given = (pl.col("test") == Test.CONSENSUS.value) & pl.col("result").is_not_null()
    decided = happened(facts, [EventKind.TESTED], "result", where=given)
    return per_day(decided, result=pl.col("result").max())


@fact
def mammograms(facts: Facts) -> pl.DataFrame:
    """One row per person and day of a mammogram.

    `consensus`: recall or dismiss, the first decision within 60 days, null where there was none.
    `positive`: recalled for assessment, by consensus or, where there was none, by a referral or visit
    within 90 days. Everything read is `valid`.
    """
    read = readings(facts)
    first = pl.Series(_changes(read["key"].to_numpy()))
    taken = read.filter(first).drop("result", "reader", "positive")
    agreed = _consensus(taken, facts)
    sent, seen = (
        no_later(numbers(taken["date"]), next_number(taken, outcome(facts)), _RECALL_WITHIN)
        for outcome in (referrals, visits)
    )
    recalled = (agreed == "recall").fill_null(sent | seen)
    return taken.with_columns(consensus=agreed, positive=recalled, valid=pl.lit(value=True))


def _consensus(taken: pl.DataFrame, facts: Facts) -> pl.Series:
    decided = consensus(facts)
    in_time = no_later(numbers(taken["date"]), next_number(taken, decided), _CONSENSUS_WITHIN)
    row = np.where(in_time.to_numpy(), next_row(taken, decided, same_day=True), -1)
    return told(decided, row, "result")


@fact
def read_by(facts: Facts) -> pl.DataFrame:
    """One row per person and day of a mammogram.

    `readers`, `positive_readers`: how many read it, and how many of them found something on either side.
    """
    read = readings(facts).sort("key", "reader", maintain_order=True)
    reader = read["reader"].to_physical().fill_null(_NO_READER).to_numpy()
    new_day = _changes(read["key"].to_numpy())
    new_reader = new_day | _changes(reader)
    found = (
        np.logical_or.reduceat(read["positive"].to_numpy(), np.flatnonzero(new_reader))
        if read.height
        else new_day
    )
    of_day = np.flatnonzero(new_day[new_reader])
    return read.filter(pl.Series(new_day)).select(
        "key",
        readers=pl.Series(_sums(np.ones(len(found), dtype=np.int32), of_day)),
        positive_readers=pl.Series(_sums(found.astype(np.int32), of_day)),
    )


def with_readers(taken: Fact) -> Fact:
    """Those mammograms, or what they led to, with the columns of `read_by`."""

    def told_of(facts: Facts) -> pl.DataFrame:
        frame, read = taken(facts), read_by(facts)
        row = next_row(frame, read, same_day=True)
        return frame.with_columns(*(told(read, row, name) for name in ("readers", "positive_readers")))

    return told_of


@fact
def tissue(facts: Facts) -> pl.DataFrame:
    """Samples of tissue, with how they were taken (`method`: needle or open) and the worst that was in them."""
    given = (pl.col("test") == Test.HISTOLOGY.value) & pl.col("result").is_not_null()
    return happened(facts, [EventKind.TESTED], "result", "method", where=given)


@fact
def diagnoses(facts: Facts) -> pl.DataFrame:
    """Reported cancers, with what is known of size, nodes and stage.

    A report that there was none (`no_biopsy`, `benign`, a code of another disease) is no cancer.
    """
    code = pl.col("code").cast(pl.String)
    of_breast = code.str.contains("^(C50|D05)") | code.is_in(["invasive_cancer", "dcis", _UNSPECIFIED])
    told_of = code.is_null() | of_breast
    return happened(facts, [EventKind.DIAGNOSED], "code", "size_mm", "nodes", "stage", where=told_of)


@fact
def cancers(facts: Facts) -> pl.DataFrame:
    """One row per person and day on which cancer was seen in tissue or reported; `kind`: the worst of that day."""
    code = pl.col("code").cast(pl.String)
    reported = diagnoses(facts).with_columns(
        kind=pl.when(code.str.starts_with("C50") | (code == "invasive_cancer"))
        .then(pl.lit(INVASIVE))
        .when(code.str.starts_with("D05") | (code == "dcis"))
        .then(pl.lit(IN_SITU))
        .otherwise(pl.lit(UNKNOWN_KIND))
    )
    word = pl.col("result").cast(pl.String)
    in_tissue = tissue(facts).filter(word.is_in(["dcis", "invasive_cancer"]))
    seen = in_tissue.with_columns(
        kind=pl.when(word == "dcis").then(pl.lit(IN_SITU)).otherwise(pl.lit(INVASIVE))
    )
    columns = ["person", "date", *PLACE, "key", "kind"]
    together = pl.concat([reported.select(columns), seen.select(columns)]).sort("key")
    return per_day(together.with_columns(pl.col("kind").cast(_KINDS)), kind=pl.col("kind").max())


@fact
def open_biopsies(facts: Facts) -> pl.DataFrame:
    """One row per person and day of an operation to get tissue; `malignant`: cancer was in it."""
    taken = tissue(facts).filter(pl.col("method") == "open")
    found = taken.with_columns(malignant=pl.col("result").is_in(["dcis", "invasive_cancer"])).drop("result")
    return per_day(found, malignant=pl.col("malignant").any())


@fact
def needle_cancers(facts: Facts) -> pl.DataFrame:
    """Cancer proven without an operation."""
    proven = pl.col("result").is_in(["dcis", "invasive_cancer"])
    return tissue(facts).filter(proven, pl.col("method") == "needle")


@fact
def early_recalls(facts: Facts) -> pl.DataFrame:
    """Days on which a repeat before the next round came to be owed."""
    return owed(facts, [ObligationKind.REPEAT_TEST], day="opened_on")


@fact
def technical_repeats(facts: Facts) -> pl.DataFrame:
    """Days on which a woman was called back for a new picture, not for assessment."""
    again = pl.col("to") == Destination.MAMMOGRAPHY.value
    return happened(facts, [EventKind.REFERRED], where=again)


@fact
def mastectomies(facts: Facts) -> pl.DataFrame:
    removed = pl.col("code").is_in(["mastectomy", "bilateral_mastectomy"])
    return happened(facts, [EventKind.TREATED], "code", where=removed)


@fact
def recall_decisions(facts: Facts) -> pl.DataFrame:
    """Consensus decisions to recall, on the day they were made."""
    return consensus(facts).filter(pl.col("result") == "recall")
