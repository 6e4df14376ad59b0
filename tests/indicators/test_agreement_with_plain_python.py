"""Every indicator again, slowly, person by person, in plain Python: it must agree on random lives.

Nothing of the engine is used here but the words for a life; not its dates, ages, counties or windows.
"""

from calendar import monthrange
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from analytics.extract.lives import dataset
from analytics.indicators import catalogue
from analytics.indicators.engine import compute, question
from analytics.indicators.period import period

CATALOGUE = catalogue.CATALOGUE["no-cervical"]

START, END = date(2024, 1, 1), date(2025, 1, 1)
COUNTY = {"0301": "Oslo", "4601": "Vestland", "5601": "Finnmark"}
CIN2_PLUS = {"cin2", "cin3", "ais", "adenocarcinoma", "scc"}
FOLLOW_UP = {"repeat_test", "obtain_triage", "refer", "attend", "obtain_histology", "treat", "test_of_cure"}
FOREVER = date(9999, 12, 31)

# -- the same, slowly -------------------------------------------------------------------------------


def months_after(start, months):
    year, month = start.year, start.month + months
    while month > 12:
        year, month = year + 1, month - 12
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def within(outcomes, start, last, *, same_day):
    return any((start <= d if same_day else start < d) and d <= last for d in outcomes)


def age(life, on):
    return on.year - life.born.year - (on.month < life.born.month)


def in_age(life, on):
    return life.sex == "female" and 25 <= age(life, on) <= 69


def county(life, on):
    for home in life.homes:
        if home.since <= on and (home.until is None or on < home.until):
            return COUNTY[home.municipality]
    return None


def words(event):
    return (event.findings or "").split()


def tests(life, test):
    return [e for e in life.events if e.kind == "tested" and e.test == test]


def calls(life, kinds=("invited", "reminded", "kit_dispatched")):
    return [e for e in life.events if e.kind in kinds and e.letter != "kit_replacement"]


def answered(life):
    return [
        e.date
        for e in tests(life, "hpv") + tests(life, "cytology")
        if any(word not in ("invalid", "unsatisfactory") for word in words(e))
    ]


def specimens(life):
    """day -> (valid, positive, sample)"""
    found = {}
    for on in sorted({e.date for e in tests(life, "hpv")}):
        same_day = [e for e in tests(life, "hpv") if e.date == on]
        valid = any(word != "invalid" for e in same_day for word in words(e))
        positive = any(word.startswith("hpv") for e in same_day for word in words(e))
        samples = sorted(e.sample for e in same_day if e.sample)
        found[on] = (valid, positive, samples[0] if samples else "unknown")
    return found


def primaries(life):
    chosen = {}
    earlier = None
    for on, specimen in specimens(life).items():
        opened = [
            o.episode or o.opened_on
            for o in life.owed
            if o.kind in FOLLOW_UP and not o.withdrawn_on and o.opened_on < on <= (o.evidence_on or FOREVER)
        ]
        replaces = specimen[0] and opened and (earlier is None or earlier < min(opened))
        if not opened or replaces:
            chosen[on] = specimen
        if specimen[0]:
            earlier = on
    return chosen


def to_colposcopy(life, kind):
    return [e.date for e in life.events if e.kind == kind and e.to in (None, "colposcopy")]


def diseased(life):
    return [e.date for e in tests(life, "histology") if CIN2_PLUS & set(words(e))]


def first(days, life):
    """The first of these days that is in the period and on which she is of age; as a list of none or one."""
    return sorted(d for d in days if START <= d < END and in_age(life, d))[:1]


def answers(life, sent, months):
    return [
        (d, within(answered(life), d, months_after(d, months), same_day=False), None)
        for d in first([e.date for e in sent], life)
    ]


def owed_calls(life):
    due = {}
    for o in life.owed:
        last = o.due_on + timedelta(days=30)
        if o.kind not in ("invite", "remind", "dispatch_kit") or (o.withdrawn_on and o.withdrawn_on <= last):
            continue
        sent = o.evidence_on is not None and o.evidence_on <= last
        due[o.due_on] = due.get(o.due_on, True) and sent
    return [(d, due[d], None) for d in first(due, life)]


def covered(life):
    last = END - timedelta(days=1)
    if not in_age(life, last) or county(life, last) is None:
        return []
    return [(last, any(date(2019, 7, 1) <= d < END for d in answered(life)), None)]


def each_specimen(life, chosen, counted):
    return [(d, counted(s), s[2]) for d, s in chosen.items() if START <= d < END and in_age(life, d)]


def screened(life, outcomes, months):
    valid = {d: s for d, s in primaries(life).items() if s[0]}
    return [
        (d, within(outcomes, d, months_after(d, months), same_day=True), valid[d][2])
        for d in first(valid, life)
    ]


def seen_in_time(life):
    visits = to_colposcopy(life, "appointment_attended")
    return [
        (d, within(visits, d, d + timedelta(days=90), same_day=True), None)
        for d in first(to_colposcopy(life, "referred"), life)
    ]


def found_at_visit(life):
    return [
        (d, within(diseased(life), d, months_after(d, 6), same_day=True), None)
        for d in first(to_colposcopy(life, "appointment_attended"), life)
    ]


SLOWLY = {
    "invitation_coverage": owed_calls,
    "participation": lambda life: answers(life, calls(life), 6),
    "response_to_reminder": lambda life: answers(life, calls(life, ["reminded"]), 12),
    "test_coverage": covered,
    "hpv_positivity": lambda life: each_specimen(
        life, {d: s for d, s in primaries(life).items() if s[0]}, lambda s: s[1]
    ),
    "invalid_rate": lambda life: each_specimen(life, specimens(life), lambda s: not s[0]),
    "colposcopy_referral_rate": lambda life: screened(life, to_colposcopy(life, "referred"), 6),
    "colposcopy_attendance_90d": seen_in_time,
    "cin2_plus_detection_rate": lambda life: screened(life, diseased(life), 18),
    "ppv_colposcopy": found_at_visit,
}


def group(life, on):
    low = age(life, on) // 5 * 5
    return f"{low}-{low + 4}"


def slowly(name, people, by_sample):
    numerators, denominators = Counter(), Counter()
    for life in people:
        for on, counted, sample in SLOWLY[name](life):
            key = (county(life, on) or "unknown", group(life, on), *([sample] if by_sample else []))
            denominators[key] += 1
            numerators[key] += counted
    return sorted((*key, numerators[key], count) for key, count in denominators.items())


def test_every_indicator_is_computed_twice():
    assert set(SLOWLY) == set(CATALOGUE)


def agree(name, people, buckets):
    by = ["county", "age_group", *(["sample"] if "sample" in CATALOGUE[name].strata else [])]
    data = dataset(people, data_cut=date(2027, 1, 1), buckets=buckets)
    asked = question("no-cervical", period("2024"), ids=[name], by=by)
    fast = compute(data, asked).frame.select(*by, "numerator", "denominator").rows()
    assert sorted(fast) == slowly(name, people, "sample" in by)


@pytest.mark.parametrize("name", CATALOGUE)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    draws=some.lists(some.randoms(use_true_random=False), min_size=1, max_size=12),
    buckets=some.integers(1, 3),
)
def test_fast_and_slow_agree_on_random_lives(name, some_life, draws, buckets):
    agree(name, [some_life(draw) for draw in draws], buckets)


@pytest.mark.parametrize("name", CATALOGUE)
def test_fast_and_slow_agree_on_a_crowd(name, crowd):
    agree(name, crowd, buckets=4)
