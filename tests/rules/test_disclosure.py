"""What leaves the programme tells no small number, whoever adds, subtracts and compares."""

from dataclasses import replace
from datetime import date
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from analytics.disclosure.answer import HIDDEN, margins, reason, tell
from analytics.disclosure.judge import judge
from analytics.disclosure.policy import Audience, Measures, Small, installed
from analytics.disclosure.together import Told
from analytics.extract.lives import dataset
from analytics.indicators.engine import answer, question
from analytics.indicators.period import period
from screening.refusals import Refused
from tests.rules.attacker import Attacker

COUNTIES, AGES, SCREENS = (
    ("Oslo", "Rogaland", "Vestland"),
    ("50-54", "55-59", "60-64"),
    ("initial", "subsequent"),
)
CUT = date(2026, 1, 1)
SOURCE = {CUT: dataset([], data_cut=CUT).manifest}
PUBLIC = installed().measures(Audience.PUBLIC)
ANALYST = installed().measures(Audience.ANALYST)
WORDS = {"county": COUNTIES, "age_group": AGES, "screen": SCREENS}
WHATS = ("numerator", "denominator", "rest")


def tables(counts, *, by, cut=CUT, when="2024", name="assessment_referral_rate", programme="no-breast"):
    """Every margin of the counts: atom (a word for each of `by`) -> (counted, of), as the engine answers."""
    rows = [
        {
            "indicator": name,
            "part": when,
            **dict(zip(by, atom, strict=True)),
            "bin": 0,
            "numerator": n,
            "denominator": d,
        }
        for atom, (n, d) in counts.items()
        if d
    ]
    schema = dict.fromkeys(["indicator", "part", *by], pl.String) | dict.fromkeys(
        ["bin", "numerator", "denominator"], pl.Int64
    )
    cells = pl.DataFrame(rows, schema=schema)
    asked = question(programme, period(when), by=list(by), ids=[name])
    manifest = replace(SOURCE[CUT], data_cut=cut)
    return [answer(cells, one, manifest) for one in margins(asked)]


def inside(words):
    """Whether an atom belongs to the group that these words name."""
    return lambda atom: all(word in atom for word in words)


def published(results):
    """(words, what, told) of every number of the tables, where a missing row is a known zero."""
    for one in results:
        strata = [stratum.value for stratum in one.question.by]
        told = {tuple(row[s] for s in strata): row for row in one.frame.iter_rows(named=True)}
        for words in product(*(WORDS[stratum] for stratum in strata)):
            row = told.get(words, {"numerator": 0, "denominator": 0})
            for what in ("numerator", "denominator"):
                yield words, what, row[what]


def true_value(counts, words, what):
    n = sum(n for atom, (n, _) in counts.items() if inside(words)(atom))
    d = sum(d for atom, (_, d) in counts.items() if inside(words)(atom))
    return {"numerator": n, "denominator": d, "rest": d - n}[what]


def groups(by):
    """Every group of people that some margin tells of."""
    choices = product(*([None, *WORDS[stratum]] for stratum in by))
    return [tuple(word for word in words if word is not None) for words in choices]


def found_out(counts, by, attacker, *, below=5):
    """Small numbers of which the attacker can rule out something that the mark itself does not."""
    found = []
    for words, what in product(groups(by), WHATS):
        value = true_value(counts, words, what)
        if 0 < value < below:
            low, high = attacker.bounds(inside(words), what)
            if low > 1 or high < below - 1:
                found.append((words, what, value, low, high))
    return found


def attacked(counts, by, told, **knowing):
    attacker = Attacker(list(counts), **knowing)
    for words, what, number in published(told):
        attacker.reads(inside(words), what, number)
    return attacker


def counts_by(*by, most=12, words=3):
    pair = some.tuples(some.integers(0, most), some.integers(0, most)).map(
        lambda pair: (min(pair), sum(pair))
    )
    atoms = list(product(*(WORDS[stratum][:words] for stratum in by)))
    return some.lists(pair, min_size=len(atoms), max_size=len(atoms)).map(
        lambda rows: dict(zip(atoms, rows, strict=True))
    )


def told_to(measures, counts, by, before=(), **asked):
    answers = tables(counts, by=by, **asked)
    verdict = judge(answers, measures, before)
    return verdict, tell(answers, verdict, measures)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(counts_by("county", "age_group"))
def test_no_small_number_can_be_worked_out_from_all_margins_of_a_table(counts):
    by = ("county", "age_group")
    _, told = told_to(PUBLIC, counts, by)
    assert found_out(counts, by, attacked(counts, by, told)) == []


@settings(max_examples=15, deadline=None, derandomize=True)
@given(counts_by("county", "age_group", "screen", words=2))
def test_nor_from_tables_in_three_dimensions(counts):
    by = ("county", "age_group", "screen")
    _, told = told_to(PUBLIC, counts, by)
    assert found_out(counts, by, attacked(counts, by, told, whole=False)) == []


@settings(max_examples=20, deadline=None, derandomize=True)
@given(counts_by("county", "age_group"))
def test_nor_from_rounded_answers_to_an_analyst(counts):
    by = ("county", "age_group")
    _, told = told_to(ANALYST, counts, by)
    attacker = attacked(
        counts, by, told, whole=False, rounding=ANALYST.rounding.base, small=ANALYST.small.below
    )
    assert found_out(counts, by, attacker) == []


def earlier(verdict, *, exact=True):
    return Told(verdict.cells, verdict.shown, verdict.sensitive, exact)


def margin(counts, keep):
    """The same people by fewer strata."""
    found = {}
    for atom, (n, d) in counts.items():
        words = tuple(atom[place] for place in keep)
        held = found.get(words, (0, 0))
        found[words] = held[0] + n, held[1] + d
    return found


@settings(max_examples=15, deadline=None, derandomize=True)
@given(counts_by("county", "age_group", "screen", words=2))
def test_two_releases_of_the_same_data_tell_no_more_together_than_apart(counts):
    """The first by county and screen, the second by county and age: their margins are the same people."""
    by = ("county", "age_group", "screen")
    first, told_first = told_to(PUBLIC, margin(counts, (0, 2)), ("county", "screen"))
    _, told_second = told_to(PUBLIC, margin(counts, (0, 1)), ("county", "age_group"), [earlier(first)])
    attacker = attacked(counts, by, told_first, whole=False)
    for words, what, number in published(told_second):
        attacker.reads(inside(words), what, number)
    told_by_a_release = {
        g for g in groups(by) if len(g) < 3 and not (set(g) & set(AGES) and set(g) & set(SCREENS))
    }
    assert [found for found in found_out(counts, by, attacker) if found[0] in told_by_a_release] == []


@settings(max_examples=15, deadline=None, derandomize=True)
@given(counts_by("county", "age_group", "screen", words=2))
def test_two_rounded_answers_tell_no_more_together_than_apart(counts):
    """By county and screen, then by county and age: either may hide another county, but not the two together."""
    by = ("county", "age_group", "screen")
    first, told_first = told_to(ANALYST, margin(counts, (0, 2)), ("county", "screen"))
    _, told_second = told_to(
        ANALYST, margin(counts, (0, 1)), ("county", "age_group"), [earlier(first, exact=False)]
    )
    attacker = attacked(counts, by, told_first, whole=False, rounding=5, small=5)
    for words, what, number in published(told_second):
        attacker.reads(inside(words), what, number)
    asked = {g for g in groups(by) if not (set(g) & set(AGES) and set(g) & set(SCREENS))}
    assert [found for found in found_out(counts, by, attacker) if found[0] in asked] == []


@settings(max_examples=20, deadline=None, derandomize=True)
@given(counts_by("county", "age_group"))
def test_a_rounded_answer_does_not_complete_a_release(counts):
    """The release is exact and hides little; the answer is rounded, and asked by whoever has read the release."""
    first, told_first = told_to(PUBLIC, margin(counts, (0,)), ("county",))
    by = ("county", "age_group")
    _, told_second = told_to(ANALYST, counts, by, [earlier(first)])
    attacker = attacked(counts, by, told_first, whole=False)
    attacker.rounding, attacker.small = ANALYST.rounding.base, ANALYST.small.below
    for words, what, number in published(told_second):
        attacker.reads(inside(words), what, number)
    assert found_out(counts, by, attacker) == []


OSLO_AND_THE_REST = {("Oslo",): (12, 90), ("Rogaland",): (20, 80), ("Vestland",): (30, 99)}


def numerators(told):
    return {words: number for words, what, number in published(told) if what == "numerator"}


def test_what_an_earlier_release_told_exactly_is_told_again_unless_few_people_make_the_difference():
    first, _ = told_to(PUBLIC, OSLO_AND_THE_REST, ("county",))
    later = OSLO_AND_THE_REST | {("Oslo",): (14, 90)}
    _, told = told_to(PUBLIC, later, ("county",), [earlier(first)], cut=date(2026, 7, 1))
    assert numerators(told) == {("Oslo",): None, ("Rogaland",): 20, ("Vestland",): 30, (): None}


def test_the_last_release_minus_this_one_tells_no_small_number():
    """Two more in Oslo: from what is told, they can have been any number from one to four."""
    first, _ = told_to(PUBLIC, OSLO_AND_THE_REST, ("county",))
    later = OSLO_AND_THE_REST | {("Oslo",): (14, 90)}
    _, told = told_to(PUBLIC, later, ("county",), [earlier(first)], cut=date(2026, 7, 1))
    low, high = attacked(later, ("county",), told).bounds(inside(("Oslo",)), "numerator")
    assert low <= 12 + 1
    assert high >= 12 + 4


def test_a_change_of_many_people_is_told():
    first, _ = told_to(PUBLIC, OSLO_AND_THE_REST, ("county",))
    later = OSLO_AND_THE_REST | {("Oslo",): (19, 90)}
    _, told = told_to(PUBLIC, later, ("county",), [earlier(first)], cut=date(2026, 7, 1))
    assert None not in numerators(told).values()


def test_what_cannot_be_protected_any_more_beside_what_was_told_before_is_refused():
    """An earlier release told every county but Oslo, and the total."""
    by, small = ("county",), OSLO_AND_THE_REST | {("Oslo",): (3, 90)}
    answers = tables(small, by=by)
    careless = judge(answers, Measures(small=Small(below=2, source="none", verified="no")))
    with pytest.raises(Refused) as refused:
        judge(
            answers,
            PUBLIC,
            [replace(earlier(careless), shown=careless.shown - {shown_cell(careless, "Oslo")})],
        )
    assert refused.value.code == "cannot_be_protected"


def shown_cell(verdict, county):
    return next(c for c in verdict.shown if c.place.words == (("county", county),) and c.what == "numerator")


def test_narrow_ages_of_one_release_are_added_up_to_the_wide_ones_of_another():
    from analytics.disclosure.relations import covering, years

    wide, narrow = years("50-59"), [years("50-54"), years("55-59"), years("60-64")]
    assert covering(wide, [wide, *narrow]) == narrow[:2]
    assert covering(years("50-64"), [wide, *narrow]) == [wide, narrow[2]]
    assert covering(years("50-74"), narrow) == []
    assert [years(text) for text in ("<25", "70+", "50", "unknown")] == [(0, 25), (70, 1000), (50, 51), None]


def test_a_year_and_its_quarters_are_read_together():
    """The fourth quarter is the year without the others."""
    quarters = {"2024-Q1": 20, "2024-Q2": 30, "2024-Q3": 25, "2024-Q4": 3}
    answers = [tables({(): (n, 100)}, by=(), when=when)[0] for when, n in quarters.items()]
    answers += tables({(): (78, 400)}, by=(), when="2024")
    told = tell(answers, judge(answers, PUBLIC), PUBLIC)
    hidden = [one.question.period.text for one in told if one.frame["numerator"].item() is None]
    assert "2024-Q4" in hidden
    assert len(hidden) > 1


def test_what_is_hidden_is_empty_and_says_why():
    _, told = told_to(PUBLIC, OSLO_AND_THE_REST | {("Oslo",): (3, 90)}, ("county",))
    rows = {row["county"]: row for row in told[0].frame.iter_rows(named=True)}
    assert [rows["Oslo"][name] for name in ("numerator", "value", "low", "high")] == [None] * 4
    assert rows["Oslo"]["denominator"] == 90
    assert rows["Oslo"][HIDDEN] == "fewer than 5, or would tell such a number" == reason(PUBLIC)
    assert sum(row[HIDDEN] != "" for row in rows.values()) == 2, (
        "one other county, so that Oslo cannot be worked out"
    )


def test_where_only_a_few_were_not_counted_the_count_is_hidden_too():
    _, told = told_to(PUBLIC, OSLO_AND_THE_REST | {("Oslo",): (88, 90)}, ("county",))
    assert numerators(told)["Oslo",] is None


def test_figures_of_rounded_counts_are_those_of_the_rounded_counts():
    _, told = told_to(ANALYST, OSLO_AND_THE_REST, ("county",))
    row = told[0].frame.row(0, named=True)
    assert (row["numerator"], row["denominator"], row["value"]) == (10, 90, pytest.approx(100 / 9))


def test_zero_is_told():
    _, told = told_to(PUBLIC, {("Oslo",): (0, 90), ("Vestland",): (30, 99)}, ("county",))
    assert numerators(told)["Oslo",] == 0


# -- what all or none of a few tells --------------------------------------------------------------------


def told_of_a_group(counts, by, attacker, *, fewer_than=10):
    """Groups so small of which the attacker knows that all or none are counted, and no wider one tells it."""
    found = []
    for words in groups(by):
        of, n = (true_value(counts, words, what) for what in ("denominator", "numerator"))
        if not 0 < of < fewer_than or n not in (0, of):
            continue
        what = "numerator" if n == 0 else "rest"
        wider = [w for w in groups(by) if set(w) < set(words) and true_value(counts, w, what) == 0]
        if all(true_value(counts, w, "denominator") < fewer_than for w in wider):
            low, high = attacker.bounds(inside(words), what)
            found += [words] if high == low else []
    return found


@settings(max_examples=30, deadline=None, derandomize=True)
@given(counts_by("county", "age_group"))
def test_that_all_or_none_of_a_small_group_are_counted_can_not_be_worked_out(counts):
    by = ("county", "age_group")
    _, told = told_to(PUBLIC, counts, by)
    assert told_of_a_group(counts, by, attacked(counts, by, told)) == []


@pytest.mark.parametrize("measures", [PUBLIC, ANALYST])
@pytest.mark.parametrize("counted", [0, 6])
def test_six_of_six_is_not_told_nor_none_of_six(measures, counted):
    """Of another county it is not told either: the total would tell."""
    _, told = told_to(measures, OSLO_AND_THE_REST | {("Oslo",): (counted, 6)}, ("county",))
    seen = numerators(told)
    assert seen["Oslo",] is None
    assert list(seen.values()).count(None) > 1 or measures is ANALYST


def test_none_of_a_small_group_is_told_where_it_is_so_of_all():
    _, told = told_to(PUBLIC, {("Oslo",): (0, 6), ("Vestland",): (0, 99)}, ("county",))
    assert numerators(told) == {("Oslo",): 0, ("Vestland",): 0, ("Rogaland",): 0, (): 0}


# -- releases of other data cuts ------------------------------------------------------------------------


@settings(max_examples=20, deadline=None, derandomize=True)
@given(counts_by("county", "screen"))
def test_a_year_of_one_data_cut_and_two_years_of_another_do_not_tell_the_first(counts):
    """`initial` stands for 2023, `subsequent` for 2024. The reader takes what came late for nothing."""
    last = {atom[:1]: pair for atom, pair in counts.items() if atom[1] == "subsequent"}
    first, told_first = told_to(PUBLIC, last, ("county",), when="2024")
    later = {"cut": date(2026, 7, 1), "when": "2023-2024"}
    _, told_second = told_to(PUBLIC, margin(counts, (0,)), ("county",), [earlier(first)], **later)
    attacker = Attacker(list(counts))
    for told, also in ((told_first, ("subsequent",)), (told_second, ())):
        for words, what, number in published(told):
            attacker.reads(inside((*words, *also)), what, number)
    found = found_out(counts, ("county", "screen"), attacker)
    assert [one for one in found if one[1] != "rest"] == []


@pytest.mark.parametrize("late", [0, 1])
def test_that_few_of_another_year_came_late_changes_nothing(late):
    """38 in 2024, and later 41 in two years: 3 in 2023, or 2."""
    first, _ = told_to(PUBLIC, {("Oslo",): (38, 300)}, ("county",), when="2024")
    later = {"cut": date(2026, 7, 1), "when": "2023-2024"}
    _, told = told_to(PUBLIC, {("Oslo",): (40 + late, 400)}, ("county",), [earlier(first)], **later)
    assert numerators(told)["Oslo",] is None


@settings(max_examples=20, deadline=None, derandomize=True)
@given(counts_by("county"), some.integers(5, 20), some.integers(0, 1))
def test_what_a_release_hid_is_not_told_by_the_next_that_changed_elsewhere(counts, more, little):
    """Many came to one county, nobody or one to another. The reader knows the total of the first release."""
    first, told_first = told_to(PUBLIC, counts, ("county",))
    grown = {
        atom: (n + (more if at == 0 else little if at == 1 else 0), d + more)
        for at, (atom, (n, d)) in enumerate(counts.items())
    }
    try:
        _, told_second = told_to(PUBLIC, grown, ("county",), [earlier(first)], cut=date(2026, 7, 1))
    except Refused:
        return
    attacker = attacked(counts, ("county",), told_first, whole=False)
    for words, what, number in published(told_second):
        if words and words != (COUNTIES[0],) and what == "numerator" and number is not None:
            attacker.reads(inside(words), what, number - (little if words == (COUNTIES[1],) else 0))
    assert [one for one in found_out(counts, ("county",), attacker) if one[1] == "numerator"] == []
