"""What a number leaves of another inside it is protected: every such pair that lives show stands in the chains."""

from datetime import date
from random import Random

import pytest

from analytics.extract.dataset import in_memory
from analytics.extract.lives import dataset
from analytics.indicators.period import period
from analytics.scale.nation import Nation
from tests.indicators.nested import Nested
from tests.indicators.test_agreement_with_plain_python import lives_of

CUT = date(2026, 1, 1)
PEOPLE, CROWDS, CROWD = 30_000, 10, 400

# In no more lives than these one was never seen outside the other; the definitions leave room for it.
MERELY = {
    "no-breast": {},
    "no-colorectal": {},
    "no-cervical": {},
}


@pytest.mark.parametrize("programme", MERELY)
def test_no_number_lies_inside_another_unless_the_chains_say_so(programme):
    nested, nation = Nested(programme), Nation(people=PEOPLE)
    of_nation = in_memory([nation.bucket(0)], data_cut=nation.data_cut)
    for when in ("2022", "2020-2023"):
        nested.see(of_nation, period(when))
    for number in range(CROWDS):
        draw = Random(number)
        lives = lives_of(programme, [Random(draw.random()) for _ in range(CROWD)])
        for when in ("2023", "2024", "2022-2024"):
            nested.see(dataset(lives, data_cut=CUT), period(when))
    assert nested.never() == []
    found = {f"{wide}.{outer} > {narrow}.{inner}" for (wide, outer), (narrow, inner) in nested.beside()}
    assert found - set(MERELY[programme]) == set()
