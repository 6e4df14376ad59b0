"""Cervical screening, the long way."""

from dataclasses import replace

from tests.indicators.slowly.cervix import (
    CIN2_PLUS,
    CIN3_PLUS,
    CYTOLOGY,
    HIGH_GRADE,
    HIGH_GRADE_CYTOLOGY,
    TO,
    after_referral,
    answered,
    by_sample,
    cancers,
    cytology,
    hpv,
    lesions,
    positive,
    primaries,
    referred,
    screened,
    seen,
    specimens,
    tissue,
    valid,
    worst,
)
from tests.indicators.slowly.everywhere import (
    at_risk,
    covered,
    general,
    has_the_organ,
    leaving,
    lived,
    medians,
    opened,
    shares,
    tests,
    told_in_time,
    waits,
    words,
)
from tests.indicators.slowly.reckoning import (
    END,
    Ages,
    Unit,
    days_after,
    first_within,
    months_after,
    up_to,
    within,
)


def risk(life, on, specimen):
    last = months_after(on, 6)
    if not specimen["valid"]:
        return "unassigned"
    if within(opened(life, "refer"), on, last):
        return "higher"
    if within(opened(life, "repeat_test"), on, last):
        return "intermediate"
    missing = within(opened(life, "obtain_triage", "open", "withdrawn"), on, last)
    return "unassigned" if missing else "low"


def judged(name):
    def units(life, asked):
        found = primaries(life)
        told = shares(asked.each(life, found), lambda d: risk(life, d, found[d]) == name)
        return by_sample(told, found)

    return units


def home(life, types=None):
    return [
        d
        for d, s in positive(life).items()
        if s["sample"] == "self" and (types is None or s["16_18"] == types)
    ]


def treated(life, *codes):
    return [e.date for e in life.events if e.kind == "treated" and (not codes or e.code in codes)]


def not_negative(life):
    found = [d for d, s in specimens(life).items() if s["positive"]]
    return (
        found
        + [d for d in cytology(life, answered=True) if d not in cytology(life, {"nilm"})]
        + [
            e.date
            for e in tests(life, "cytology")
            if words(e) and worst(e, CYTOLOGY) not in ("unsatisfactory", "nilm")
        ]
    )


def after_treatment(life, asked, days):
    return shares(
        asked.first(life, treated(life)), lambda d: within(days, months_after(d, 3), months_after(d, 12))
    )


def cured_or_not(life, asked):
    units = []
    for d in asked.first(life, treated(life)):
        start, last = months_after(d, 3), months_after(d, 12)
        if within(answered(life), start, last):
            units.append((d, within(not_negative(life), start, last)))
    return shares([d for d, _ in units], dict(units).get)


def repeats(life, asked):
    due = [
        o
        for o in life.owed
        if o.kind == "repeat_test" and not (o.withdrawn_on and o.withdrawn_on <= months_after(o.due_on, 6))
        if asked.each(life, [o.due_on])
    ]
    later = {id(o): [d for d in answered(life) if d > o.opened_on] for o in due}
    return [
        Unit(
            o.due_on,
            int(within(later[id(o)], months_after(o.due_on, -3), months_after(o.due_on, 6))),
        )
        for o in due
    ]


def cytology_days(life, asked):
    taken = sorted(set(cytology(life)))
    return shares(asked.each(life, taken), lambda d: d not in cytology(life, answered=True))


def cin1_alone(life):
    return [
        d for d in lesions(life, {"cin1"}) if not within(lesions(life, CIN2_PLUS), d, months_after(d, 12))
    ]


def hysterectomies(life, asked):
    def of_cin(d):
        last = {
            name: up_to(found, d)
            for name, found in (("cin", lesions(life, HIGH_GRADE)), ("cancer", cancers(life)))
        }
        recent = {name: day is not None and d <= months_after(day, 12) for name, day in last.items()}
        return recent["cin"] and not recent["cancer"]

    done = asked.first(life, [d for d in treated(life) if of_cin(d)])
    # of several treatments of one day the one that sorts first by its code is taken
    code = {d: min((e.code or "~") for e in life.events if e.kind == "treated" and e.date == d) for d in done}
    return shares(done, lambda d: code[d] in ("hysterectomy", "total_hysterectomy"))


def covered_3_5(life, asked):
    units = covered(life, asked, answered(life), 42)
    return [
        unit
        for unit in units
        if up_to(answered(life), unit.on) is None
        or up_to(answered(life), unit.on) != up_to(hpv(life, answered=True), unit.on)
    ]


def covered_own(life, asked):
    a, b = (
        covered(life, asked, hpv(life, answered=True), 66),
        covered(life, asked, cytology(life, answered=True), 42),
    )
    return [replace(x, counted=int(x.counted or y.counted)) for x, y in zip(a, b, strict=True)]


def covered_en(life, asked):
    units = []
    for d in asked.here(life):
        since = months_after(END, -66 if asked.ages.of(life, d) >= 50 else -42)
        if has_the_organ(life, d):
            units.append((d, any(since <= t <= d for t in answered(life))))
    return shares([d for d, _ in units], dict(units).get)


def au(life, asked, *, at_age=False):
    units = covered(life, asked, hpv(life, answered=True), 66)
    return [replace(u, bin=asked.ages.of(life, u.on)) for u in units] if at_age else units


def offered(life, asked, days_, *, high_grade):
    def graded(d):
        last = up_to(cytology(life, HIGH_GRADE_CYTOLOGY), d)
        return last is not None and d <= days_after(last, 90)

    booked = [
        e.for_date
        for e in life.events
        if e.kind == "appointment_booked" and e.to in (None, TO) and e.for_date
    ]
    sent = [d for d in referred(life) if graded(d) == high_grade]
    return shares(asked.first(life, sent), lambda d: within(booked + seen(life), d, days_after(d, days_)))


def interval(life, asked):
    found = valid(life)
    screens = asked.each(life, sorted(d for d, s in found.items() if not s["positive"]))
    following = {d: min((x for x in found if x > d), default=None) for d in screens}
    came = {}
    for d in screens:
        first = first_within(cancers(life), d, months_after(d, 10_000))
        came[d] = first if first and (following[d] is None or first < following[d]) else None
    return by_sample(at_risk(life, screens, came, following, 60), found)


def without_screening(life, asked):
    first = asked.each(life, cancers(life)[:1])
    return shares(first, lambda d: not within(answered(life), months_after(d, -66), months_after(d, -6)))


def biopsied(life, asked, found=None):
    units = []
    for d in asked.first(life, seen(life)):
        last = months_after(d, 3)
        if found is None or within(tissue(life), d, last):
            units.append((d, within(lesions(life, found), d, last)))
    return shares([d for d, _ in units], dict(units).get)


def everything_tested(life):
    return sorted(set(answered(life)))


def each_high_grade(life, asked, found, months):
    return shares(
        asked.each(life, cytology(life, HIGH_GRADE_CYTOLOGY)),
        lambda d: within(lesions(life, found), d, months_after(d, months)),
    )


OTHER_AGES = {
    "coverage_en": Ages(25, 65),
    "test_coverage_nordscreen_3y": Ages(30, 60),
    "test_coverage_nordscreen_10y": Ages(30, 60),
    "participation_au": Ages(25, 75),
    "participation_au_standardised": Ages(25, 75),
    "high_grade_detection_rate": Ages(20, 75, others=True),
    "cancer_incidence": Ages(0, 110),
    "cancer_without_screening": Ages(0, 110),
}
AGES = Ages(25, 70)
SEXES = ("female",)


def slowly(months=60):
    return {
        **{
            k: v
            for k, v in general(answered, lambda life: sorted(valid(life)), months).items()
            if k != "round_length"
        },
        "test_coverage_3_5y": covered_3_5,
        "test_coverage_own_interval": covered_own,
        "hpv_positivity": lambda life, asked: by_sample(
            shares(asked.each(life, valid(life)), lambda d: valid(life)[d]["positive"]), valid(life)
        ),
        "invalid_rate": lambda life, asked: by_sample(
            shares(asked.each(life, specimens(life)), lambda d: not specimens(life)[d]["valid"]),
            specimens(life),
        ),
        "unsatisfactory_cytology": cytology_days,
        "colposcopy_referral_rate": lambda life, asked: screened(life, asked, referred(life), 6),
        "colposcopy_referral_rate_cumulative": lambda life, asked: screened(life, asked, referred(life), 36),
        "colposcopy_attendance_90d": lambda life, asked: after_referral(life, asked, seen(life), days=90),
        "colposcopy_attendance_15mo": lambda life, asked: after_referral(life, asked, seen(life), months=15),
        **{
            f"colposcopy_incidence_{n}d": lambda life, asked, n=n: waits(
                asked.first(life, referred(life)), seen(life), leaving(life), n
            )
            for n in (90, 180, 365)
        },
        "time_to_colposcopy": lambda life, asked: medians(asked.first(life, referred(life)), seen(life), 12),
        "self_sample_follow_up": lambda life, asked: shares(
            asked.first(life, home(life)),
            lambda d: within(
                [e.date for e in tests(life, "hpv") if words(e) and e.sample and e.sample != "self"]
                + cytology(life)
                + seen(life),
                d,
                months_after(d, 6),
                same_day=False,
            ),
        ),
        "repeat_test_compliance": repeats,
        "high_grade_cytology_histology_12mo": lambda life, asked: each_high_grade(life, asked, None, 12),
        "cin2_plus_detection_rate": lambda life, asked: screened(life, asked, lesions(life, CIN2_PLUS), 18),
        "cin3_plus_detection_rate": lambda life, asked: screened(life, asked, lesions(life, CIN3_PLUS), 18),
        "cancer_detection_rate": lambda life, asked: screened(life, asked, cancers(life), 18),
        "ppv_positive_test": lambda life, asked: by_sample(
            shares(
                asked.first(life, positive(life)),
                lambda d: within(lesions(life, CIN2_PLUS), d, months_after(d, 18)),
            ),
            positive(life),
        ),
        "ppv_referral": lambda life, asked: after_referral(life, asked, lesions(life, CIN2_PLUS), months=12),
        "ppv_colposcopy": lambda life, asked: shares(
            asked.first(life, seen(life)), lambda d: within(lesions(life, CIN2_PLUS), d, months_after(d, 6))
        ),
        "treatment_rate": lambda life, asked: shares(
            asked.first(life, lesions(life, CIN2_PLUS)),
            lambda d: within(treated(life), d, months_after(d, 12)),
        ),
        "cin1_treated": lambda life, asked: shares(
            asked.first(life, cin1_alone(life)), lambda d: within(treated(life), d, months_after(d, 12))
        ),
        "hysterectomy_for_cin": hysterectomies,
        "test_of_cure_attendance": lambda life, asked: after_treatment(life, asked, answered(life)),
        "test_of_cure_failure": lambda life, asked: after_treatment(life, asked, not_negative(life)),
        "test_of_cure_failure_of_tested": cured_or_not,
        "coverage_en": covered_en,
        "test_coverage_nordscreen_3y": lambda life, asked: covered(life, asked, answered(life), 36),
        "test_coverage_nordscreen_10y": lambda life, asked: covered(life, asked, answered(life), 120),
        "participation_au": au,
        "participation_au_standardised": lambda life, asked: au(life, asked, at_age=True),
        **{f"risk_{name}": judged(name) for name in ("low", "intermediate", "higher", "unassigned")},
        "self_sample_cytology_6mo": lambda life, asked: shares(
            asked.first(life, home(life, types=False)),
            lambda d: within(cytology(life), d, months_after(d, 6)),
        ),
        "self_sample_colposcopy_6mo": lambda life, asked: shares(
            asked.first(life, home(life, types=True)), lambda d: within(seen(life), d, months_after(d, 6))
        ),
        "result_turnaround_14d": lambda life, asked: by_sample(
            told_in_time(life, asked.each(life, valid(life)), specimens(life), lambda d: days_after(d, 14)),
            valid(life),
        ),
        "colposcopy_offer_2wk": lambda life, asked: offered(life, asked, 14, high_grade=True),
        "colposcopy_offer_6wk": lambda life, asked: offered(life, asked, 42, high_grade=False),
        "ppv_high_grade_cytology": lambda life, asked: each_high_grade(life, asked, CIN2_PLUS, 6),
        "high_grade_detection_rate": lambda life, asked: shares(
            asked.first(life, everything_tested(life)),
            lambda d: within(lesions(life, HIGH_GRADE), d, months_after(d, 12)),
        ),
        "biopsy_rate": biopsied,
        "biopsy_yield": lambda life, asked: biopsied(life, asked, HIGH_GRADE),
        "interval_cancer_rate": interval,
        "cancer_incidence": lambda life, asked: lived(life, asked, cancers(life)),
        "cancer_without_screening": without_screening,
    }
