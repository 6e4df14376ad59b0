"""Death and emigration, and twenty years of cervical screening."""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.scale.crowd import FAR, PROGRAMMES, Crowd, comes, day_number, later, named
from analytics.scale.log import Days, Log, People

HPV_SINCE = 17_897  # 1 January 2019: from then on every fifth year, before it every third


def leave(crowd: Crowd, log: Log) -> None:
    """Death and emigration."""
    gone = np.flatnonzero(crowd.left < FAR)
    for kind, so in (("died", True), ("emigrated", False)):
        who = gone[crowd.died[gone] == so]
        log.add(kind, who, crowd.left[who], "")


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
    unit = pl.Series(crowd.places("Kolposkopi", who))
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
