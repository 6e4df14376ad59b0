"""Numbers that nobody publishes and everybody can work out: of nested figures, of overlapping years, of exact shares."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from analytics.disclosure.answer import answered, tell
from analytics.disclosure.judge import judge
from analytics.disclosure.left import CHAINS
from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.engine import question
from analytics.indicators.period import period
from tests.rules.test_disclosure import ANALYST, CUT, PUBLIC, earlier, tables

OTHERS = {("Rogaland",): (30, 500), ("Vestland",): (40, 600)}


def beside(*answers):
    """The tables of several indicators as those of one question."""
    for several in zip(*answers, strict=True):
        indicators = [of for one in several for of in one.question.indicators]
        asked = replace(several[0].question, indicators=indicators)
        yield replace(several[0], question=asked, frame=pl.concat([one.frame for one in several]))


def lesions(oslo_cin2, oslo_cin3):
    by = {"by": ("county",), "programme": "no-cervical"}
    wide = tables({("Oslo",): (oslo_cin2, 400), **OTHERS}, name="cin2_plus_detection_rate", **by)
    rest = {("Rogaland",): (20, 500), ("Vestland",): (20, 600)}
    narrow = tables({("Oslo",): (oslo_cin3, 400), **rest}, name="cin3_plus_detection_rate", **by)
    answers = list(beside(wide, narrow))
    told = tell(answers, judge(answers, PUBLIC), PUBLIC)
    return told[0].frame.filter(county="Oslo")["numerator"].to_list()


def test_few_women_between_a_wider_figure_and_a_narrower_one_are_not_told():
    """12 with CIN2 or worse and 10 with CIN3 or worse would be 2 with CIN2."""
    assert None in lesions(12, 10)


def test_many_between_them_or_none_are():
    assert lesions(30, 10) == [30, 10]
    assert lesions(12, 12) == [12, 12]


def test_chains_name_indicators_that_there_are():
    known = {name for offered in CATALOGUE.values() for name in offered}
    assert {name for chain in CHAINS for name in chain} <= known


@pytest.mark.parametrize(("first", "second"), [("2023-2024", "2024"), ("2024", "2023-2024")])
def test_two_years_less_one_of_them_tell_no_small_number(first, second):
    """40 in two years and 38 in one of them would be 2 in the other."""
    counts = {"2023-2024": (40, 400), "2024": (38, 300)}
    before = judge(tables({("Oslo",): counts[first]}, by=("county",), when=first), PUBLIC)
    assert not [cell for cell in before.hidden if cell.what == "numerator"]
    answers = tables({("Oslo",): counts[second]}, by=("county",), when=second)
    told = tell(answers, judge(answers, PUBLIC, [earlier(before)]), PUBLIC)
    assert [one.frame["numerator"].item() for one in told] == [None, None]


REFERRED = date(2024, 3, 1)


def referred(*, seen):
    events = [Happening(date=REFERRED, kind="referred", to="colposcopy")]
    if seen:
        events.append(
            Happening(date=REFERRED + timedelta(days=20), kind="appointment_attended", to="colposcopy")
        )
    return Life(born=date(1980, 1, 1), homes=[Home()], events=events)


def test_the_figure_beside_rounded_counts_does_not_tell_the_counts():
    """98.86 % of about 90 are 87 of 88: one was not seen."""
    women = dataset([referred(seen=number > 0) for number in range(88)], data_cut=CUT)
    asked = question("no-cervical", period("2024"), ids=["colposcopy_incidence_90d"])
    row = answered(women, ANALYST, asked).frame.row(0, named=True)
    assert (row["numerator"], row["denominator"], row["value"], row["low"]) == (85, 90, 100.0, None)
