"""What twenty years of three programmes do with the people of a bucket."""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.scale.crowd import FAR, PROGRAMMES, Crowd, alive, comes, day_number, later, named
from analytics.scale.log import Days, Log, People

HPV_SINCE = 17_897  # 1 January 2019: from then on every fifth year, before it every third


def leave(crowd: Crowd, log: Log) -> None:
    """Death and emigration."""
    gone = np.flatnonzero(crowd.left < FAR)
    for kind, so in (("died", True), ("emigrated", False)):
        who = gone[crowd.died[gone] == so]
        log.add(kind, who, crowd.left[who], "")


# -- cervical ------------------------------------------------------------------------------------------------


def cervical(rng: np.random.Generator, crowd: Crowd, log: Log, years: tuple[date, date]) -> None:
    """Women 25-69: reminded when overdue, tested on their own or after a letter, followed up by what was found."""
    name = PROGRAMMES[0]
    women = np.flatnonzero(crowd.female)
    due = day_number(years[0]) + rng.integers(-1800, 365, len(women))
    while len(women):
        old = crowd.years_old(women, due)
        keep = (due < day_number(years[1])) & (old < 70) & (due < crowd.left[women])
        women, due, old = women[keep], due[keep], old[keep]
        due = np.where(old < 25, crowd.born[women] + 9132, due)
        tested = _cervical_round(rng, crowd, log, women, due, name)
        due = np.where(tested > 0, tested, due) + np.where(due < HPV_SINCE, 1096, 1826)


def _cervical_round(
    rng: np.random.Generator, crowd: Crowd, log: Log, women: People, due: Days, name: str
) -> Days:
    """One call; gives the day each was tested, 0 for those who were not."""
    early = rng.random(len(women)) < 0.35
    log.add("reminded", women[~early], due[~early], name, letter="reminder")
    sent = later(rng, due, 0, 40)
    log.owe("remind", women[~early], due[~early], due[~early], name, sent[~early], "reminded")
    answers = early | comes(rng, crowd, women, 0.8)
    again = ~answers & (rng.random(len(women)) < 0.9)
    log.add("reminded", women[again], due[again] + 365, name, letter="second_reminder")
    late = again & comes(rng, crowd, women, 0.3)
    kit = again & ~late & (rng.random(len(women)) < 0.25)
    log.add("kit_dispatched", women[kit], due[kit] + 500, name, letter="kit")
    back = kit & (rng.random(len(women)) < 0.25)
    log.add("kit_returned", women[back], due[back] + 530, name)
    day = np.where(early, due - rng.integers(1, 300, len(women)), later(rng, due, 7, 150))
    day = np.where(late, due + 365 + rng.integers(7, 150, len(women)), day)
    day = np.where(back, due + 535, day)
    came = answers | late | back
    who, when, home = women[came], day[came], back[came]
    _sample(rng, crowd, log, who, when, home, name)
    return np.where(came, day, 0)


def _sample(
    rng: np.random.Generator,
    crowd: Crowd,
    log: Log,
    who: People,
    day: Days,
    home: npt.NDArray[np.bool_],
    name: str,
) -> None:
    age = crowd.years_old(who, day)
    lab = named("lab", crowd.region[who] % 17)
    chance = np.select([age < 30, age < 40], [0.19, 0.10], 0.06)
    draw = rng.random(len(who))
    invalid = rng.random(len(who)) < np.where(home, 0.013, 0.002)
    positive = ~invalid & (draw < chance)
    types = np.array(["hpv_16", "hpv_18", "hpv_31", "hpv_52", "hpv_other"])[rng.integers(0, 5, len(who))]
    found = np.where(invalid, "invalid", np.where(positive, types, "negative"))
    log.add(
        "tested",
        who,
        day,
        name,
        test="hpv",
        findings=found,
        lab=lab.to_numpy(),
        sample=np.where(home, "self", "clinician"),
    )
    log.add("result_given", who, later(rng, day, 5, 25), name)
    who, day, home = who[positive], day[positive], home[positive]
    taken = np.where(home, later(rng, day, 10, 80), day)
    grade = np.array(["nilm", "asc_us", "lsil", "asc_h", "hsil"])[
        np.searchsorted([0.62, 0.76, 0.88, 0.92], rng.random(len(who)))
    ]
    log.add(
        "tested",
        who,
        taken,
        name,
        test="cytology",
        findings=grade,
        lab=named("lab", crowd.region[who] % 17).to_numpy(),
    )
    onward = (grade != "nilm") | (rng.random(len(who)) < 0.2)
    _colposcopy(rng, crowd, log, who[onward], later(rng, taken, 5, 30)[onward], grade[onward], name)
    who, day = who[~onward], day[~onward]
    again = day + 365 + rng.integers(-30, 120, len(day))
    came = comes(rng, crowd, who, 1.3)
    log.owe("repeat_test", who, day, day + 365, name, np.where(came, again, FAR), "tested")
    findings = np.where(rng.random(len(who)) < 0.5, "negative", "hpv_31")
    log.add("tested", who[came], again[came], name, test="hpv", findings=findings[came], sample="clinician",
            lab=named("lab", crowd.region[who[came]] % 17).to_numpy())  # fmt: skip


def _colposcopy(
    rng: np.random.Generator,
    crowd: Crowd,
    log: Log,
    who: People,
    day: Days,
    grade: npt.NDArray[np.str_],
    name: str,
) -> None:
    unit = named("clinic", crowd.region[who])
    log.add("referred", who, day, name, to="colposcopy", unit=unit.to_numpy())
    visit = day + rng.gamma(3.0, 14 + crowd.region[who] % 7, len(who)).astype(np.int64)
    log.add(
        "appointment_booked",
        who,
        day + 3,
        name,
        to="colposcopy",
        for_date=pl.Series(visit.astype(np.int32)).cast(pl.Date).to_numpy(),
    )
    came = rng.random(len(who)) < 0.93
    log.owe("attend", who, day, day + 90, name, np.where(came, visit, FAR), "appointment_attended")
    who, visit, grade, unit = who[came], visit[came], grade[came], unit.filter(pl.Series(came))
    log.add("appointment_attended", who, visit, name, to="colposcopy", unit=unit.to_numpy())
    shift = np.where(np.isin(grade, ["hsil", "asc_h"]), 0.35, 0.0)
    draw = rng.random(len(who)) + shift
    found = np.array(["normal", "cin1", "cin2", "cin3", "scc"])[np.searchsorted([0.35, 0.6, 0.78, 1.3], draw)]
    log.add(
        "tested",
        who,
        visit,
        name,
        test="histology",
        findings=found,
        lab=named("lab", crowd.region[who] % 17).to_numpy(),
    )
    ill = found == "scc"
    log.add("diagnosed", who[ill], later(rng, visit[ill], 5, 30), name, code="C53.9")
    treated = np.isin(found, ["cin2", "cin3", "scc"])
    log.add("treated", who[treated], later(rng, visit[treated], 20, 90), name, code="conisation")


# -- breast ------------------------------------------------------------------------------------------------------


def breast(rng: np.random.Generator, crowd: Crowd, log: Log, years: tuple[date, date]) -> None:
    """Women 50-69, every second year: called, read twice, recalled by consensus, assessed."""
    name = PROGRAMMES[1]
    women = np.flatnonzero(crowd.female)
    start = day_number(years[0]) + rng.integers(0, 730, len(women))
    for call in range(_biennial_rounds(years)):
        who, day = alive(crowd, women, start + 730 * call)
        age = crowd.years_old(who, day)
        target = (age >= 50) & (age < 70) & (day < day_number(years[1]))
        _mammography(rng, crowd, log, who[target], day[target], name)


def _mammography(rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days, name: str) -> None:
    log.add("invited", who, day, name, letter="invitation")
    log.owe("invite", who, day, day, name, later(rng, day, 0, 25), "invited")
    came = comes(rng, crowd, who, 1.2)
    who, day = who[came], later(rng, day[came], 14, 60)
    unit = named("unit", crowd.region[who]).to_numpy()
    ill = rng.random(len(who)) < 0.0065
    suspicious = ill | (rng.random(len(who)) < 0.045)
    for reader in (1, 2):
        score = np.where(suspicious & (rng.random(len(who)) < np.where(ill, 0.9, 0.62)), "score_3", "score_1")
        names = named("R", rng.integers(0, 30, len(who)) + 40 * reader).to_numpy()
        log.add("tested", who, day, name, test="mammography", findings=score, reader=names, unit=unit)
    log.add("result_given", who, later(rng, day, 5, 20), name)
    who, day, ill = who[suspicious], day[suspicious], ill[suspicious]
    recalled = ill | (rng.random(len(who)) < 0.6)
    decided = later(rng, day, 2, 10)
    verdict = np.where(recalled, "recall", "dismiss")
    log.add("tested", who, decided, name, test="consensus", findings=verdict)
    _assessment(rng, crowd, log, who[recalled], decided[recalled], ill[recalled], name)
    missed = ~recalled & (rng.random(len(who)) < 0.004)
    log.add("diagnosed", who[missed], later(rng, day[missed], 100, 700), name, code="C50.9")


def _assessment(
    rng: np.random.Generator,
    crowd: Crowd,
    log: Log,
    who: People,
    day: Days,
    ill: npt.NDArray[np.bool_],
    name: str,
) -> None:
    log.add("referred", who, day + 1, name, to="breast_assessment")
    seen = later(rng, day, 4, 20)
    log.add(
        "appointment_attended",
        who,
        seen,
        name,
        to="breast_assessment",
        unit=named("clinic", crowd.region[who]).to_numpy(),
    )
    sampled = ill | (rng.random(len(who)) < 0.3)
    in_situ = rng.random(len(who)) < 0.17
    found = np.where(ill, np.where(in_situ, "dcis", "invasive_cancer"), "benign")
    how = np.where(rng.random(len(who)) < 0.95, "needle", "open")
    log.add(
        "tested",
        who[sampled],
        seen[sampled] + 1,
        name,
        test="histology",
        findings=found[sampled],
        method=how[sampled],
    )
    who, seen, in_situ = who[ill], seen[ill], in_situ[ill]
    log.add(
        "diagnosed",
        who,
        seen + 10,
        name,
        code=np.where(in_situ, "D05.1", "C50.9"),
        size_mm=rng.gamma(3.0, 5.5, len(who)).round(),
        nodes=(rng.random(len(who)) < 0.25).astype(np.int64),
        stage=np.where(rng.random(len(who)) < 0.7, "I", "II"),
    )
    operation = np.where(rng.random(len(who)) < 0.2, "mastectomy", "breast_conserving")
    log.add("treated", who, later(rng, seen, 15, 50), name, code=operation)


# -- colorectal ------------------------------------------------------------------------------------------------------


def colorectal(rng: np.random.Generator, crowd: Crowd, log: Log, years: tuple[date, date]) -> None:
    """Everybody of 55-64, every second year: a kit, a reminder, colonoscopy after a positive test, and then no more."""
    name = PROGRAMMES[2]
    people = np.arange(len(crowd.born))
    start = day_number(years[0]) + rng.integers(0, 730, len(people))
    done = np.zeros(len(people), dtype=bool)
    for call in range(_biennial_rounds(years)):
        who, day = alive(crowd, people, start + 730 * call)
        age = crowd.years_old(who, day)
        target = (age >= 55) & (age < 65) & ~done[who] & (day < day_number(years[1]))
        _stool_test(rng, crowd, log, who[target], day[target], name, done)


def _stool_test(
    rng: np.random.Generator,
    crowd: Crowd,
    log: Log,
    who: People,
    day: Days,
    name: str,
    done: npt.NDArray[np.bool_],
) -> None:
    log.add("kit_dispatched", who, day, name, letter="kit")
    log.owe("dispatch_kit", who, day, day, name, later(rng, day, 0, 20), "kit_dispatched")
    came = comes(rng, crowd, who, 1.0)
    log.add("reminded", who[~came], day[~came] + 42, name, letter="reminder")
    who, day = who[came], later(rng, day[came], 5, 70)
    log.add("kit_returned", who, day + 3, name)
    draw = rng.random(len(who))
    found = np.where(draw < 0.01, "not_analysable", np.where(draw < 0.065, "positive", "negative"))
    cutoff = np.where(day < 18_000, 15.0, 20.0)
    log.add("tested", who, day, name, test="fit", findings=found, lab="lab3", cutoff=cutoff)
    log.add("result_given", who, later(rng, day, 5, 18), name)
    who, day = who[found == "positive"], day[found == "positive"]
    log.add("referred", who, day + 7, name, to="colonoscopy")
    seen = day + 7 + rng.gamma(2.5, 10 + crowd.region[who] % 9, len(who)).astype(np.int64)
    came = rng.random(len(who)) < 0.9
    who, seen = who[came], seen[came]
    unit = named("clinic", crowd.region[who]).to_numpy()
    log.add("appointment_attended", who, seen, name, to="colonoscopy", unit=unit)
    worst = np.array(["normal", "non_advanced_adenoma", "serrated", "advanced_adenoma", "cancer"])[
        np.searchsorted([0.36, 0.62, 0.68, 0.96], rng.random(len(who)))
    ]
    log.add("tested", who, seen, name, test="colonoscopy", findings=worst, unit=unit)
    ill = worst == "cancer"
    log.add(
        "diagnosed",
        who[ill],
        seen[ill] + 14,
        name,
        code="C18.9",
        stage=np.array(["I", "II", "III"])[rng.integers(0, 3, int(ill.sum()))],
    )
    done[who] = True


def _biennial_rounds(years: tuple[date, date]) -> int:
    return (years[1].year - years[0].year) // 2 + 1
