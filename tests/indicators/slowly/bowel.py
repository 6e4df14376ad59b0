"""Colorectal screening, the long way."""

from tests.indicators.slowly.everywhere import (
    at_risk,
    covered,
    general,
    has_the_organ,
    leaving,
    lived,
    medians,
    primary,
    sent_to,
    shares,
    tests,
    told_in_time,
    waits,
    words,
)
from tests.indicators.slowly.reckoning import (
    Ages,
    days_after,
    first_within,
    months_after,
    up_to,
    within,
)

TO = "colonoscopy"
SEEN = ["incomplete", "normal", "non_advanced_adenoma", "serrated", "advanced_adenoma", "cancer"]


def stool_tests(life):
    found = {}
    for e in tests(life, "fit"):
        if words(e):
            told = found.setdefault(e.date, {"valid": False, "positive": False})
            told["valid"] |= bool({"positive", "negative"} & set(words(e)))
            told["positive"] |= "positive" in words(e)
    return found


def answered(life):
    return [d for d, test in stool_tests(life).items() if test["valid"]]


def screens(life):
    return {d: s for d, s in primary(life, stool_tests(life)).items() if s["valid"]}


def positive(life):
    return [d for d, s in screens(life).items() if s["positive"]]


def lesions(life, *kinds):
    """Days on which the worst of a report is one of these."""
    told = [e for test in ("colonoscopy", "histology") for e in tests(life, test) if words(e)]
    return [e.date for e in told if max(words(e), key=SEEN.index) in kinds]


def adenomas(life, *, advanced=False):
    """Seen in a colonoscopy or in tissue, whatever else was seen there; or reported."""
    seen = lesions(life, "advanced_adenoma") if advanced else [
        e.date for test in ("colonoscopy", "histology") for e in tests(life, test) if {"advanced_adenoma", "non_advanced_adenoma"} & set(words(e))
    ]  # fmt: skip
    codes = ("advanced_adenoma",) if advanced else ("advanced_adenoma", "non_advanced_adenoma")
    return seen + [
        e.date
        for e in life.events
        if e.kind == "diagnosed" and e.code and (e.code in codes or (not advanced and e.code[:3] == "D12"))
    ]


def cancers(life):
    reported = [
        e.date
        for e in life.events
        if e.kind == "diagnosed" and e.code and (e.code[:3] in ("C18", "C19", "C20") or e.code == "cancer")
    ]
    return sorted({*lesions(life, "cancer"), *reported})


def colonoscopies(life):
    """day -> whether one of that day was complete"""
    found = {}
    for e in tests(life, "colonoscopy"):
        found[e.date] = found.get(e.date, False) or "incomplete" not in words(e)
    return found


def assessed(life):
    return sorted({*sent_to(life, "appointment_attended", TO), *colonoscopies(life)})


def after_positive(life, done):
    found = [d for d, test in stool_tests(life).items() if test["positive"]]
    return [d for d in sorted(done) if up_to(found, d) and d <= months_after(up_to(found, d), 12)]


OUTCOMES = {
    "cancer": cancers,
    "advanced_adenoma": lambda life: adenomas(life, advanced=True),
    "advanced_neoplasia": lambda life: cancers(life) + adenomas(life, advanced=True),
}


def worst(life, name, d, last):
    hidden = name == "advanced_adenoma" and within(cancers(life), d, last)
    return within(OUTCOMES[name](life), d, last) and not hidden


def ppv(name):
    def units(life, asked):
        done = after_positive(life, assessed(life))
        return shares(asked.first(life, done), lambda d: worst(life, name, d, months_after(d, 3)))

    return units


def detection(name):
    def units(life, asked):
        found = screens(life)
        return shares(
            asked.first(life, found),
            lambda d: found[d]["positive"] and worst(life, name, d, months_after(d, 12)),
        )

    return units


def positives_reaching(outcomes, last):
    return lambda life, asked: shares(
        asked.first(life, positive(life)), lambda d: within(outcomes(life), d, last(d))
    )


def followed(life):
    told = {}
    for on, screen in screens(life).items():
        detected = screen["positive"] and within(cancers(life), on, months_after(on, 12))
        following = min((d for d in screens(life) if d > on), default=None)
        first = first_within(cancers(life), on, months_after(on, 10_000))
        came = first if not detected and first and (following is None or first < following) else None
        told[on] = screen | {"detected": detected, "came": came, "next": following}
    return told


def interval(life, asked):
    told = followed(life)
    negative = asked.each(life, sorted(d for d, s in told.items() if not s["positive"]))
    came, following = ({d: told[d][key] for d in negative} for key in ("came", "next"))
    return at_risk(life, negative, came, following, 24)


def sensitivity(life, asked):
    told = followed(life)

    def ill(d):
        missed = not told[d]["positive"] and told[d]["came"] and told[d]["came"] <= months_after(d, 24)
        return told[d]["detected"] or missed

    return shares(asked.each(life, sorted(d for d in told if ill(d))), lambda d: told[d]["detected"])


def post_colonoscopy(life, asked):
    clear = [
        d for d in after_positive(life, assessed(life)) if not within(cancers(life), d, months_after(d, 6))
    ]
    return shares(
        asked.first(life, clear), lambda d: within(cancers(life), months_after(d, 6), months_after(d, 36))
    )


def cancer_later(life, asked):
    done = after_positive(life, assessed(life))
    found = {d: first_within(cancers(life), d, months_after(d, 36)) for d in done}
    return shares(asked.first(life, [d for d in done if found[d]]), lambda d: found[d] > months_after(d, 6))


def stages(life, asked):
    told = sorted(
        (
            e.date,
            e.code is None,
            e.code or "",
            e.size_mm is None,
            e.size_mm or 0,
            e.nodes is None,
            e.nodes or 0,
            e.stage,
        )
        for e in life.events
        if e.kind == "diagnosed" and e.stage
    )
    first = asked.first(life, [row[0] for row in told])
    return shares(first, lambda d: next(row[-1] for row in told if row[0] == d) == "I")


def without_bowel(life, asked):
    return [u for u in covered(life, asked, answered(life), 30) if has_the_organ(life, u.on)]


AGES = Ages(55, 65, in_year=True)
SEXES = ("female", "male")
OTHER_AGES = {"coverage_en": Ages(60, 75), "cancer_incidence": Ages(0, 110), "stage_one_share": Ages(0, 110)}


def slowly(months=24):
    return {
        **general(answered, lambda life: sorted(screens(life)), months),
        "coverage_en": without_bowel,
        "inadequate_kit_rate": lambda life, asked: shares(
            asked.first(life, stool_tests(life)),
            lambda d: not within(answered(life), d, months_after(d, 3)),
        ),
        "positivity": lambda life, asked: shares(
            asked.first(life, screens(life)), lambda d: screens(life)[d]["positive"]
        ),
        "result_turnaround_15d": lambda life, asked: told_in_time(
            life,
            asked.each(life, sorted(screens(life))),
            stool_tests(life),
            lambda d: days_after(d, 15),
        ),
        "referral_after_positive": positives_reaching(
            lambda life: sent_to(life, "referred", TO), lambda d: days_after(d, 90)
        ),
        "assessment_attendance": positives_reaching(assessed, lambda d: months_after(d, 12)),
        "colonoscopy_within_31d": positives_reaching(assessed, lambda d: days_after(d, 31)),
        **{
            f"colonoscopy_incidence_{n}d": lambda life, asked, n=n: waits(
                asked.first(life, positive(life)), assessed(life), leaving(life), n
            )
            for n in (30, 60, 90, 360)
        },
        "time_to_colonoscopy": lambda life, asked: medians(
            asked.first(life, positive(life)), assessed(life), 12
        ),
        "colonoscopy_completion_rate": lambda life, asked: shares(
            asked.each(life, after_positive(life, colonoscopies(life))), lambda d: colonoscopies(life)[d]
        ),
        "adenoma_detection_rate": lambda life, asked: shares(
            asked.each(life, after_positive(life, colonoscopies(life))),
            lambda d: within(adenomas(life), d, months_after(d, 3)),
        ),
        **{f"ppv_{name}": ppv(name) for name in OUTCOMES},
        "nnsc_advanced_neoplasia": ppv("advanced_neoplasia"),
        **{f"{name}_detection_rate": detection(name) for name in OUTCOMES},
        "nns_advanced_neoplasia": detection("advanced_neoplasia"),
        "fit_interval_cancer_rate": interval,
        "fit_sensitivity": sensitivity,
        "post_colonoscopy_cancer_3y": post_colonoscopy,
        "pccrc_3y_share": cancer_later,
        "stage_one_share": stages,
        "cancer_incidence": lambda life, asked: lived(life, asked, cancers(life)),
    }
