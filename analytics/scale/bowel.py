"""Twenty years of bowel screening: a kit, a reminder, colonoscopy after a positive test; and the cancers in between.

Every share here is made up to look like a programme's (verified: no).
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.scale.crowd import PROGRAMMES, Crowd, alive, biennial_rounds, comes, day_number, later
from analytics.scale.log import Days, Log, People

NAME = PROGRAMMES[2]
_HIGHER_CUTOFF_SINCE = 18_000  # 14 April 2019
_CUTOFFS = (15.0, 20.0)  # micrograms of haemoglobin per gram, before and since
_NO_ANSWER = 0.01
_POSITIVE = (0.058, 0.045)  # of women of 55, by cut-off
_MEN, _A_YEAR_OLDER = 1.35, 0.02
_AFTER_REMINDER = 0.45
_INCOMPLETE = (0.03, 0.13)  # of colonoscopies: at most clinics, at one of ten
_WORST = ("normal", "serrated", "non_advanced_adenoma", "advanced_adenoma", "cancer")
_SHARES = (
    (0.38, 0.06, 0.24, 0.28, 0.04),
    (0.55, 0.06, 0.11, 0.24, 0.04),
)  # likewise: one finds fewer adenomas
_BETWEEN, _AFTER_COLONOSCOPY = 0.0008, 0.004
_NO_SHOW, _CANCELLED = 0.06, 0.03


def colorectal(rng: np.random.Generator, crowd: Crowd, log: Log, years: tuple[date, date]) -> None:
    """Everybody of 55-64, every second year; after a colonoscopy no more."""
    people = np.arange(len(crowd.born))
    start = day_number(years[0]) + rng.integers(0, 730, len(people))
    done = np.zeros(len(people), dtype=bool)
    for call in range(biennial_rounds(years)):
        who, day = alive(crowd, people, start + 730 * call)
        age = crowd.years_old(who, day)
        target = (age >= 55) & (age < 65) & ~done[who] & (day < day_number(years[1]))
        _call(rng, crowd, log, who[target], day[target], done)


def _call(
    rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days, done: npt.NDArray[np.bool_]
) -> None:
    log.add("kit_dispatched", who, day, NAME, letter="kit")
    log.owe("dispatch_kit", who, day, day, NAME, later(rng, day, 0, 20), "kit_dispatched")
    came = comes(rng, crowd, who, np.where(crowd.female[who], 0.92, 0.78))
    taken = later(rng, day, 5, 40)
    log.add("reminded", who[~came], day[~came] + 42, NAME, letter="reminder")
    late = ~came & (rng.random(len(who)) < _AFTER_REMINDER * crowd.willing[who])
    taken = np.where(late, later(rng, day + 42, 5, 60), taken)
    _stool_test(rng, crowd, log, who[came | late], taken[came | late], done)


def _stool_test(
    rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days, done: npt.NDArray[np.bool_]
) -> None:
    log.add("kit_returned", who, day + 3, NAME)
    since = (day >= _HIGHER_CUTOFF_SINCE).astype(np.int64)
    older = 1 + _A_YEAR_OLDER * (crowd.years_old(who, day) - 55)
    chance = np.array(_POSITIVE)[since] * np.where(crowd.female[who], 1.0, _MEN) * older
    draw = rng.random(len(who))
    positive = draw < chance
    found = np.where(positive, "positive", np.where(draw > 1 - _NO_ANSWER, "not_analysable", "negative"))
    lab = np.array(["AHUS", "HUS", "OUS", "UNN"])[crowd.region[who] % 4]
    log.add("tested", who, day, NAME, test="fit", findings=found, lab=lab, cutoff=np.array(_CUTOFFS)[since])
    log.add("result_given", who, later(rng, day, 5, 18), NAME)
    missed = ~positive & (rng.random(len(who)) < _BETWEEN)
    _diagnose(rng, log, who[missed], later(rng, day[missed], 30, 725), (0.15, 0.5))
    _colonoscopy(rng, crowd, log, who[positive], day[positive], done)


def _colonoscopy(
    rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days, done: npt.NDArray[np.bool_]
) -> None:
    clinic = crowd.places("Skopi", who)
    log.add("referred", who, day + 7, NAME, to="colonoscopy", unit=clinic)
    seen = day + 7 + rng.gamma(2.5, 8 + crowd.region[who] % 9, len(who)).astype(np.int64)
    booked = pl.Series(seen.astype(np.int32)).cast(pl.Date).to_numpy()
    log.add("appointment_booked", who, day + 9, NAME, to="colonoscopy", unit=clinic, for_date=booked)
    draw = rng.random(len(who))
    for kind, low, high in (
        ("appointment_missed", 0.0, _NO_SHOW),
        ("appointment_cancelled", _NO_SHOW, _NO_SHOW + _CANCELLED),
    ):
        so = (draw >= low) & (draw < high)
        log.add(kind, who[so], seen[so], NAME, to="colonoscopy", unit=clinic[so])
    came = draw >= _NO_SHOW + _CANCELLED
    who, seen, clinic = who[came], seen[came], clinic[came]
    log.add("appointment_attended", who, seen, NAME, to="colonoscopy", unit=clinic)
    _findings(rng, crowd, log, who, seen)
    done[who] = True


def _findings(rng: np.random.Generator, crowd: Crowd, log: Log, who: People, seen: Days) -> None:
    weak = (crowd.region[who] % 10 == 6).astype(np.int64)
    steps = np.cumsum(np.array(_SHARES), axis=1)[weak]
    place = (rng.random(len(who))[:, None] >= steps[:, :-1]).sum(axis=1)
    worst = np.array(_WORST)[place]
    broken_off = (worst == "normal") & (rng.random(len(who)) < 2.5 * np.array(_INCOMPLETE)[weak])
    told = np.where(broken_off, "incomplete", worst)
    clinic = crowd.places("Skopi", who)
    log.add("tested", who, seen, NAME, test="colonoscopy", findings=told, unit=clinic)
    ill = worst == "cancer"
    _diagnose(rng, log, who[ill], seen[ill] + 14, (0.45, 0.75))
    missed = ~ill & (rng.random(len(who)) < _AFTER_COLONOSCOPY)
    _diagnose(rng, log, who[missed], later(rng, seen[missed], 190, 1080), (0.2, 0.5))


def _diagnose(
    rng: np.random.Generator, log: Log, who: People, day: Days, stages: tuple[float, float]
) -> None:
    """`stages`: how many are of stage I, and of stage I or II."""
    stage = np.array(["I", "II", "III"])[np.searchsorted(stages, rng.random(len(who)))]
    log.add("diagnosed", who, day, NAME, code="C18.9", stage=stage)
