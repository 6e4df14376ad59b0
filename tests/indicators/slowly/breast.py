"""Breast screening, the long way."""

from dataclasses import replace

from tests.indicators.slowly.everywhere import (
    at_risk,
    covered,
    general,
    has_the_organ,
    medians,
    opened,
    primary,
    sent_to,
    shares,
    tests,
    told_in_time,
    words,
)
from tests.indicators.slowly.reckoning import (
    Ages,
    Unit,
    days_after,
    first_within,
    months_after,
    weekdays_after,
    within,
)

TO = "breast_assessment"
BY_SEVERITY = ["unknown", "dcis", "invasive"]


def readings(life):
    return [e for e in tests(life, "mammography") if words(e)]


def positive_reading(event):
    return max(words(event)) != "score_1"


def consensus(life, on):
    told = [
        (e.date, max(words(e)))
        for e in tests(life, "consensus")
        if words(e) and on <= e.date <= days_after(on, 60)
    ]
    first = min((d for d, _ in told), default=None)
    return max(
        (word for d, word in told if d == first), default=None
    )  # of several of one day a recall counts


def mammograms(life):
    found = {}
    for on in {e.date for e in readings(life)}:
        by_reader = {}
        for e in readings(life):
            if e.date == on:
                by_reader[e.reader] = by_reader.get(e.reader, False) or positive_reading(e)
        decided = consensus(life, on)
        asked_back = sent_to(life, "referred", TO) + sent_to(life, "appointment_attended", TO)
        recalled = decided == "recall" if decided else within(asked_back, on, days_after(on, 90))
        found[on] = {
            "valid": True, "positive": recalled, "readers": len(by_reader), "found": sum(by_reader.values()),
            "consensus": decided,
        }  # fmt: skip
    return found


def screens(life):
    return primary(life, mammograms(life))


def kind_of_report(event):
    """None where the report is of no cancer of the breast."""
    if event.code in (None, "unspecified"):
        return "unknown"
    if event.code == "invasive_cancer" or event.code[:3] == "C50":
        return "invasive"
    return "dcis" if event.code == "dcis" or event.code[:3] == "D05" else None


def reports(life):
    return [e for e in life.events if e.kind == "diagnosed" and kind_of_report(e)]


def cancers(life):
    """day -> the worst kind of that day"""
    found = {}
    for e in life.events:
        kind = None
        if e.kind == "diagnosed":
            kind = kind_of_report(e)
        elif e.kind == "tested" and e.test == "histology":
            kind = "invasive" if "invasive_cancer" in words(e) else "dcis" if "dcis" in words(e) else None
        if kind:
            found[e.date] = max(found.get(e.date, "unknown"), kind, key=BY_SEVERITY.index)
    return found


def tissue(life, *methods):
    return [e for e in tests(life, "histology") if words(e) and (not methods or e.method in methods)]


def malignant(event):
    return bool({"dcis", "invasive_cancer"} & set(words(event)))


def followed(life):
    found = cancers(life)
    told = {}
    for on, screen in screens(life).items():
        last = months_after(on, 6)
        kinds = [kind for d, kind in found.items() if on <= d <= last] if screen["positive"] else []
        detected = max(kinds, key=BY_SEVERITY.index, default=None)
        following = min((d for d in screens(life) if d > on), default=None)
        first = first_within(found, on, months_after(on, 10_000))
        came = first if not detected and first and (following is None or first < following) else None
        sampled = within([e.date for e in tissue(life)], on, last)
        told[on] = screen | {"detected": detected, "came": came, "next": following, "sampled": sampled}
    return told


def of_screens(counted, chosen=lambda _: True):
    def units(life, asked):
        told = followed(life)
        found = asked.each(life, sorted(d for d, s in told.items() if chosen(s)))
        return shares(found, lambda d: counted(told[d]))

    return units


def false_positive(screen):
    return screen["positive"] and not screen["detected"]


def discordant(screen):
    return 0 < screen["found"] < screen["readers"]


def came_within(screen, on, months=24):
    return screen["came"] is not None and screen["came"] <= months_after(on, months)


def interval(counted, *, among=None):
    def units(life, asked):
        told = followed(life)
        found = [d for d in sorted(told) if among is None or among(told[d], d)]
        return shares(asked.each(life, found), lambda d: counted(told[d], d))

    return units


def round_of(life, on):
    return min(sum(d < on for d in screens(life)) + 1, 10)


def subsequent(life, on):
    last = max((d for d in screens(life) if d < on), default=None)
    return last is not None and last >= months_after(on, -60)


def in_rounds(life, asked):
    units = of_screens(false_positive)(life, asked)
    return [replace(u, bin=round_of(life, u.on)) for u in units]


def ratio(life, asked):
    units = of_screens(lambda s: s["detected"] == "invasive")(life, asked)
    # completed years, also where the programme itself counts birth years
    return [replace(u, bin=2 * Ages(0, 200).of(life, u.on) + subsequent(life, u.on)) for u in units]


def risk(life, asked, begin, months):
    told = followed(life)
    found = asked.each(life, sorted(told))
    came, following = ({d: told[d][key] for d in found} for key in ("came", "next"))
    units = at_risk(life, found, came, following, months, begin, lambda d: asked.ages.of(life, d))
    # what is in situ ends the time at risk, but is not of the kind that was expected
    return [replace(u, counted=int(u.counted and cancers(life)[came[u.on]] != "dcis")) for u in units]


def described(life, column):
    """Screens with invasive cancer -> what the first report within 6 months tells of it."""
    told = {}
    for on, screen in followed(life).items():
        told_by = sorted(
            (e.date, n, getattr(e, column))
            for n, e in enumerate(ordered_diagnoses(life))
            if getattr(e, column) is not None and e.date >= on
        )
        if screen["detected"] == "invasive" and told_by and told_by[0][0] <= months_after(on, 6):
            told[on] = told_by[0][2]
    return told


def ordered_diagnoses(life):
    """As the dataset sorts those of one day: by recording, then code, then size, nodes and stage, unknown last."""

    def place(e):
        told = (e.code, e.size_mm, e.nodes, e.stage)
        return (e.date, *((x is None, x) if x is not None else (True, 0) for x in told))

    return sorted(reports(life), key=place)


def of_described(column, counted):
    def units(life, asked):
        told = described(life, column)
        return shares(asked.each(life, sorted(told)), lambda d: counted(told[d]))

    return units


def first_of(life, asked, chosen):
    told = followed(life)
    return asked.first(life, [d for d, s in told.items() if chosen(s)])


def recalled(screen):
    return screen["positive"]


def found_cancer(screen):
    return screen["detected"] is not None


def seen(life):
    return sent_to(life, "appointment_attended", TO)


def treated(life, *codes):
    return [e.date for e in life.events if e.kind == "treated" and (not codes or e.code in codes)]


def each_reading(life, asked):
    rows = [e for e in readings(life) if asked.each(life, [e.date])]
    return [Unit(e.date, int(positive_reading(e))) for e in rows]


def surgery(life, asked):
    first = asked.first(life, [e.date for e in reports(life)])
    within_a_year = [d for d in first if within(treated(life), d, months_after(d, 12))]
    return shares(within_a_year, lambda d: within(treated(life), d, weekdays_after(d, 15)))


def open_biopsies(life, asked):
    taken = sorted({e.date for e in tissue(life, "open")})
    found = {d: any(malignant(e) for e in tissue(life, "open") if e.date == d) for d in taken}
    return shares(asked.each(life, taken), lambda d: not found[d])


def after_cancer(life, asked, outcomes):
    return shares(first_of(life, asked, found_cancer), lambda d: within(outcomes, d, months_after(d, 12)))


def without_breast(life, asked):
    return [u for u in covered(life, asked, list(mammograms(life)), 36) if has_the_organ(life, u.on)]


AGES = Ages(50, 70, in_year=True)
SEXES = ("female",)
OTHER_AGES = {"coverage_en": Ages(53, 71)}


def slowly(months=24):
    general_ones = general(lambda life: list(mammograms(life)), lambda life: sorted(screens(life)), months)
    return {
        **{k: v for k, v in general_ones.items() if not k.startswith("kit_return")},
        "coverage_en": without_breast,
        "reading_positive_rate": each_reading,
        "discordant_rate": of_screens(discordant, lambda s: s["readers"] >= 2),
        "concordant_positive_rate": of_screens(
            lambda s: s["found"] == s["readers"], lambda s: s["readers"] >= 2
        ),
        "dismissed_at_consensus": of_screens(lambda s: s["consensus"] == "dismiss", lambda s: s["found"] > 0),
        "assessment_referral_rate": of_screens(recalled),
        "early_recall_rate": lambda life, asked: shares(
            asked.each(life, sorted(screens(life))),
            lambda d: within(opened(life, "repeat_test"), d, months_after(d, 6)),
        ),
        "technical_repeat_rate": lambda life, asked: shares(
            asked.each(life, sorted(screens(life))),
            lambda d: within(
                [e.date for e in life.events if e.kind == "referred" and e.to == "mammography"],
                d,
                days_after(d, 90),
            ),
        ),
        "false_positive_rate": of_screens(false_positive),
        "false_positive_invasive_rate": of_screens(lambda s: false_positive(s) and s["sampled"]),
        "cumulative_false_positive": in_rounds,
        "ppv_assessment": of_screens(found_cancer, recalled),
        "ppv_biopsy": of_screens(found_cancer, lambda s: s["positive"] and s["sampled"]),
        "screen_detected_rate": of_screens(found_cancer),
        "screen_detected_invasive_rate": of_screens(lambda s: s["detected"] == "invasive"),
        "screen_detected_dcis_rate": of_screens(lambda s: s["detected"] == "dcis"),
        "detection_ratio": ratio,
        "screen_detected_discordant_share": of_screens(discordant, found_cancer),
        "invasive_share": of_screens(
            lambda s: s["detected"] == "invasive", lambda s: s["detected"] in ("invasive", "dcis")
        ),
        "small_cancer_share": of_described("size_mm", lambda mm: mm <= 10),
        "under_15mm_share": of_described("size_mm", lambda mm: mm < 15),
        "over_20mm_share": of_described("size_mm", lambda mm: mm > 20),
        "node_negative_share": of_described("nodes", lambda n: n == 0),
        "stage_two_plus_share": of_described("stage", lambda stage: stage in ("II", "III", "IV")),
        "interval_cancer_rate": interval(came_within),
        "interval_cancer_share_year1": lambda life, asked: risk(life, asked, 0, 12),
        "interval_cancer_share_year2": lambda life, asked: risk(life, asked, 12, 24),
        "episode_sensitivity": interval(
            lambda s, d: found_cancer(s), among=lambda s, d: found_cancer(s) or came_within(s, d)
        ),
        "interval_after_dismissal_share": interval(
            lambda s, d: s["consensus"] == "dismiss", among=came_within
        ),
        "result_turnaround_15wd": lambda life, asked: told_in_time(
            life,
            asked.each(life, sorted(screens(life))),
            mammograms(life),
            lambda d: weekdays_after(d, 15),
        ),
        "assessment_wait_5wd": lambda life, asked: shares(
            asked.each(life, sorted({e.date for e in tests(life, "consensus") if "recall" in words(e)})),
            lambda d: within(seen(life), d, weekdays_after(d, 5)),
        ),
        "assessment_attendance": lambda life, asked: shares(
            first_of(life, asked, recalled), lambda d: within(seen(life), d, months_after(d, 6))
        ),
        "time_to_assessment": lambda life, asked: medians(first_of(life, asked, recalled), seen(life), 6),
        "time_to_treatment": lambda life, asked: medians(
            first_of(life, asked, found_cancer), treated(life), 12
        ),
        "surgery_wait_15wd": surgery,
        "mastectomy_rate": lambda life, asked: after_cancer(
            life, asked, treated(life, "mastectomy", "bilateral_mastectomy")
        ),
        "non_operative_diagnosis_rate": lambda life, asked: after_cancer(
            life, asked, [e.date for e in tissue(life, "needle") if malignant(e)]
        ),
        "benign_open_biopsy_ratio": open_biopsies,
    }
