"""Of the Parquet only those rows and columns are read that the question needs, found by asking it of nobody."""

from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from analytics.extract.dataset import in_memory
from analytics.indicators.cells import Wanted, cells_of, reads_of
from analytics.indicators.engine import question
from analytics.indicators.facts import Facts, Reading
from analytics.indicators.period import period
from analytics.indicators.programmes import PROGRAMMES
from analytics.scale.nation import Nation

CUT = date(2025, 1, 1)
BUCKET = in_memory([Nation(people=3000).bucket(0)], data_cut=CUT).buckets[0]


def about(programme, *ids):
    asked = question(programme, period("2022-2023"), by=("county", "year"), ids=ids)
    return [Wanted(asked.indicators, asked.periods, asked.strata)], CUT


def test_one_indicator_reads_the_columns_it_needs():
    reads = reads_of(*about("no-breast", "assessment_referral_rate"))["no-breast"]["events"]
    assert {"result", "reader", "to"} <= reads.columns
    assert reads.columns.isdisjoint({"findings", "letter", "size_mm", "cutoff", "recorded_on"})
    assert reads.kinds == {"tested", "referred", "appointment_attended"}


def test_reading_less_counts_the_same():
    for programme in ("no-cervical", "no-breast", "no-colorectal"):
        asked = about(programme)
        counted = [cells_of(BUCKET, *asked, reads)[0] for reads in (None, reads_of(*asked))]
        assert_frame_equal(*counted, check_row_order=False)
        assert counted[0]["numerator"].sum()


def test_what_nobody_foresaw_is_read_all_the_same():
    narrow = {"events": Reading({"tested"}, {"programme", "kind", "person"})}
    facts = Facts(BUCKET, PROGRAMMES["no-breast"], CUT, narrow)
    found = facts.events(["tested", "referred"], ["person", "date"], None)
    assert found.height == BUCKET.events.filter(
        pl.col("programme") == "no-breast", pl.col("kind").is_in(["tested", "referred"])
    ).collect().height  # fmt: skip
