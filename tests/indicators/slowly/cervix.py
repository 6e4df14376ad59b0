"""What happened to one woman in cervical screening, the long way."""

from dataclasses import replace

from tests.indicators.slowly.everywhere import (
    primary,
    sent_to,
    shares,
    tests,
    words,
)
from tests.indicators.slowly.reckoning import (
    days_after,
    months_after,
    within,
)

TO = "colposcopy"
CANCER = {"adenocarcinoma", "scc"}
CIN3_PLUS = {"cin3", "ais"} | CANCER
CIN2_PLUS = {"cin2"} | CIN3_PLUS
HIGH_GRADE = {"cin2", "cin3", "ais"}
HISTOLOGY = ["normal", "cin1", "cin2", "cin3", "ais", "adenocarcinoma", "scc"]
CYTOLOGY = [
    "unsatisfactory",
    "nilm",
    "asc_us",
    "lsil",
    "asc_h",
    "agc",
    "hsil",
    "ais",
    "adenocarcinoma",
    "scc",
]
HIGH_GRADE_CYTOLOGY = {"asc_h", "hsil", "ais"} | CANCER


def worst(event, order):
    return max(words(event), key=order.index)


def tissue(life, found=None):
    told = [e for e in tests(life, "histology") if words(e)]
    return [e.date for e in told if found is None or worst(e, HISTOLOGY) in found]


REPORTED = {"N87.0": "cin1", "N87.1": "cin2", "N87.2": "cin3", "D06.0": "ais"}


def lesion_of_report(code):
    """What a clinic's report says that tissue showed."""
    return REPORTED.get(code) or {"C53": "scc", "D06": "cin3"}.get((code or "")[:3]) or code


def lesions(life, found=None):
    """Days on which these were the worst in tissue, or were reported; without `found` all of tissue."""
    if found is None:
        return tissue(life)
    reported = [e.date for e in life.events if e.kind == "diagnosed" and lesion_of_report(e.code) in found]
    return tissue(life, found) + reported


def cytology(life, found=None, *, answered=False):
    told = [e for e in tests(life, "cytology") if words(e)]
    return [
        e.date
        for e in told
        if (found is None or worst(e, CYTOLOGY) in found)
        and not (answered and worst(e, CYTOLOGY) == "unsatisfactory")
    ]


def hpv(life, *, answered=False):
    told = [e for e in tests(life, "hpv") if words(e)]
    return [e.date for e in told if not answered or set(words(e)) != {"invalid"}]


def answered(life):
    return hpv(life, answered=True) + cytology(life, answered=True)


def specimens(life):
    found = {}
    for on in set(hpv(life)):
        same_day = [e for e in tests(life, "hpv") if e.date == on and words(e)]
        samples = sorted(e.sample for e in same_day if e.sample)
        found[on] = {
            "valid": any(word != "invalid" for e in same_day for word in words(e)),
            "positive": any(word.startswith("hpv") for e in same_day for word in words(e)),
            "sample": samples[0] if samples else "unknown",
            "16_18": any(word in ("hpv_16", "hpv_18") for e in same_day for word in words(e)),
        }
    return found


def primaries(life):
    return primary(life, specimens(life))


def valid(life):
    return {d: s for d, s in primaries(life).items() if s["valid"]}


def positive(life):
    return {d: s for d, s in valid(life).items() if s["positive"]}


def by_sample(units, taken):
    return [replace(unit, sample=taken[unit.on]["sample"]) for unit in units]


def screened(life, asked, outcomes, months):
    found = valid(life)
    units = shares(asked.first(life, found), lambda d: within(outcomes, d, months_after(d, months)))
    return by_sample(units, found)


def referred(life):
    return sent_to(life, "referred", TO)


def seen(life):
    return sent_to(life, "appointment_attended", TO)


def after_referral(life, asked, outcomes, **length):
    last = months_after if "months" in length else days_after
    (much,) = length.values()
    return shares(asked.first(life, referred(life)), lambda d: within(outcomes, d, last(d, much)))


def cancers(life):
    reported = [
        e.date
        for e in life.events
        if e.kind == "diagnosed" and e.code and (e.code.startswith("C53") or e.code in CANCER)
    ]
    return sorted({*tissue(life, CANCER), *reported})
