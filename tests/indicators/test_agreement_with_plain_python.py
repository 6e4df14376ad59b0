"""Every indicator again, slowly, person by person, in plain Python: it must agree on random lives.

Nothing of the engine is used here but the words for a life; not its dates, ages, counties or windows.
Days come from a small set, so that same-day ties and window ends are met often.
"""

from calendar import monthrange
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from analytics.extract.lives import Happening, Home, Life, Owed, dataset
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.engine import compute, question
from analytics.indicators.period import period

START, END = date(2024, 1, 1), date(2025, 1, 1)
COUNTY = {"0301": "Oslo", "4601": "Vestland", "5601": "Finnmark"}
CIN2_PLUS = {"cin2", "cin3", "ais", "adenocarcinoma", "scc"}
FOLLOW_UP = {"repeat_test", "obtain_triage", "refer", "attend", "obtain_histology", "treat", "test_of_cure"}
FOREVER = date(9999, 12, 31)

# -- lives nobody thought of ------------------------------------------------------------------------

DAYS = sorted(
    {date(year, month, 1) for year in (2019, 2022, 2023, 2024, 2025) for month in (1, 3, 6, 7, 9, 12)}
    | {date(2024, 2, 29), date(2024, 8, 31), date(2024, 12, 31), date(2025, 2, 28), date(2024, 3, 31), date(2024, 5, 30)}
    | {date(2023, 8, 31), date(2025, 6, 30), date(2024, 6, 29)}
)  # fmt: skip
day = some.sampled_from(DAYS)
HPV = ["negative", "invalid", "hpv_16", "hpv_31 invalid", "hpv_other negative"]
events = some.one_of(
    some.builds(
        Happening,
        date=day,
        kind=some.just("tested"),
        test=some.just("hpv"),
        sample=some.sampled_from(["clinician", "self", None]),
        findings=some.sampled_from(HPV),
    ),
    some.builds(
        Happening,
        date=day,
        kind=some.just("tested"),
        test=some.just("cytology"),
        sample=some.just("clinician"),
        findings=some.sampled_from(["nilm", "unsatisfactory", "hsil nilm"]),
    ),
    some.builds(
        Happening,
        date=day,
        kind=some.just("tested"),
        test=some.just("histology"),
        findings=some.sampled_from(["normal", "cin1", "cin1 cin2", "scc"]),
    ),
    some.builds(
        Happening,
        date=day,
        kind=some.sampled_from(["referred", "appointment_attended"]),
        to=some.sampled_from(["colposcopy", None, "gynaecologist"]),
    ),
    some.builds(
        Happening,
        date=day,
        kind=some.sampled_from(["invited", "reminded", "kit_dispatched"]),
        letter=some.sampled_from(["information", "reminder", "kit", "kit_replacement", None]),
    ),
)


@some.composite
def owed(draw):
    opened = draw(day)
    end = draw(some.sampled_from(["open", "fulfilled", "withdrawn"]))
    after = draw(day)
    closed = max(opened, after)
    return Owed(
        kind=draw(
            some.sampled_from(["remind", "invite", "dispatch_kit", "repeat_test", "refer", "give_result"])
        ),
        opened_on=opened,
        due_on=max(opened, draw(day)),
        evidence="tested" if end == "fulfilled" else None,
        evidence_on=closed if end == "fulfilled" else None,
        withdrawn_on=closed if end == "withdrawn" else None,
        subject=str(draw(some.integers(0, 10**6))),
    )


@some.composite
def homes(draw):
    """One after the other, sometimes with a gap abroad, sometimes none at all."""
    turns = sorted(draw(some.lists(day, max_size=3, unique=True)))
    ends = [*turns[1:], None]
    gaps = draw(some.lists(some.booleans(), min_size=3, max_size=3))
    return [
        Home(municipality=draw(some.sampled_from(list(COUNTY))), since=since, until=since + timedelta(days=40) if gap else end)
        for since, end, gap in zip(turns, ends, gaps, strict=False)
        if end is None or not gap or since + timedelta(days=40) <= end
    ]  # fmt: skip


lives = some.builds(
    Life,
    born=some.sampled_from([date(1953, 12, 31), date(1954, 7, 15), date(1980, 2, 29), date(1998, 11, 5), date(1999, 3, 31)]),
    sex=some.sampled_from(["female", "female", "female", "male"]),
    homes=homes(),
    events=some.lists(events, max_size=7),
    owed=some.lists(owed(), max_size=3, unique_by=lambda o: (o.episode, o.kind, o.opened_on, o.subject)),
)  # fmt: skip

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


@pytest.mark.parametrize("name", CATALOGUE)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(people=some.lists(lives, min_size=1, max_size=12), buckets=some.integers(1, 3))
def test_fast_and_slow_agree_on_random_lives(name, people, buckets):
    by = ["county", "age_group", *(["sample"] if "sample" in CATALOGUE[name].strata else [])]
    data = dataset(people, data_cut=date(2027, 1, 1), buckets=buckets)
    asked = question("no-cervical", period("2024"), ids=[name], by=by)
    fast = compute(data, asked).frame.select(*by, "numerator", "denominator").rows()
    assert sorted(fast) == slowly(name, people, "sample" in by)
