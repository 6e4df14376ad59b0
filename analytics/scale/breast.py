"""Twenty years of breast screening: called, read twice, agreed upon, assessed; and the cancers in between.

Every share here is made up to look like a programme's (verified: no).
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.scale.crowd import PROGRAMMES, Crowd, alive, biennial_rounds, comes, day_number, later, named
from analytics.scale.log import Days, Log, People

NAME = PROGRAMMES[1]
_COME, _COME_IN_OSLO, _OSLO = 1.2, 1.02, 3
_ILL = (0.0085, 0.0055)  # of first screens, of later ones
_LOOKS_ILL = (0.075, 0.034)  # likewise, of women without cancer
_SEEN_BY_A_READER = (0.62, 0.9)  # of what looks ill: without cancer, with it
_CALLS_MORE = 4  # one reader of each so many centres sees something twice as often
_AGREED_ILL = 0.975  # of cancers that a reader saw, recalled
_AGREED_WELL = 0.55
_BETWEEN = 0.0019  # cancer before the next call, after a screen that found none
_ASSESSED = 0.985
_PICTURE_AGAIN = 0.006


def breast(rng: np.random.Generator, crowd: Crowd, log: Log, years: tuple[date, date]) -> None:
    """Women 50-69, every second year."""
    women = np.flatnonzero(crowd.female)
    start = day_number(years[0]) + rng.integers(0, 730, len(women))
    screened = np.zeros(len(crowd.born), dtype=np.int64)
    for call in range(biennial_rounds(years)):
        who, day = alive(crowd, women, start + 730 * call)
        age = crowd.years_old(who, day)
        target = (age >= 50) & (age < 70) & (day < day_number(years[1]))
        _call(rng, crowd, log, who[target], day[target], screened)


def _call(
    rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days, screened: npt.NDArray[np.int64]
) -> None:
    log.add("invited", who, day, NAME, letter="invitation")
    log.owe("invite", who, day, day, NAME, later(rng, day, 0, 25), "invited")
    came = comes(rng, crowd, who, np.where(crowd.region[who] == _OSLO, _COME_IN_OSLO, _COME))
    who, day = who[came], later(rng, day[came], 14, 60)
    _mammography(rng, crowd, log, who, day, (screened[who] > 0).astype(np.int64))
    screened[who] += 1


def _mammography(
    rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days, again: npt.NDArray[np.int64]
) -> None:
    """`again`: 1 at a later screen, 0 at the first."""
    ill = rng.random(len(who)) < np.array(_ILL)[again]
    suspicious = ill | (rng.random(len(who)) < np.array(_LOOKS_ILL)[again])
    found = _readings(rng, crowd, log, who, day, suspicious, ill)
    log.add("result_given", who, later(rng, day, 5, 20), NAME)
    blurred = rng.random(len(who)) < _PICTURE_AGAIN
    log.add("referred", who[blurred], day[blurred] + 3, NAME, to="mammography")
    recalled = found & (rng.random(len(who)) < np.where(ill, _AGREED_ILL, _AGREED_WELL))
    decided = later(rng, day, 2, 10)
    verdict = np.where(recalled, "recall", "dismiss")
    log.add("tested", who[found], decided[found], NAME, test="consensus", findings=verdict[found])
    missed = ~recalled & (ill | (rng.random(len(who)) < _BETWEEN))
    _between(rng, log, who[missed], later(rng, day[missed], 60, 725))
    _assessment(rng, crowd, log, who[recalled], decided[recalled], ill[recalled])


def _readings(
    rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days,
    suspicious: npt.NDArray[np.bool_], ill: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Two of the centre's six readers each; whether at least one saw something."""
    centre, found = crowd.places("BDS", who), np.zeros(len(who), dtype=bool)
    first = rng.integers(0, 6, len(who))
    for reader in (first, (first + rng.integers(1, 6, len(who))) % 6):
        sees = suspicious & (rng.random(len(who)) < np.array(_SEEN_BY_A_READER)[ill.astype(np.int64)])
        eager = (reader == 0) & (crowd.region[who] % _CALLS_MORE == 0)
        sees |= eager & (rng.random(len(who)) < 0.035)
        score = np.where(
            sees, np.where(ill, "score_4", np.where(suspicious, "score_3", "score_2")), "score_1"
        )
        names = named("R", crowd.region[who] * 10 + reader).to_numpy()
        log.add("tested", who, day, NAME, test="mammography", findings=score, reader=names, unit=centre)
        found |= sees
    return found


def _between(rng: np.random.Generator, log: Log, who: People, day: Days) -> None:
    """Larger, and more often spread, than what screening finds."""
    size = rng.gamma(3.5, 7.0, len(who)).round()
    _diagnose(log, who, day, np.full(len(who), "C50.9"), size, rng.random(len(who)) < 0.44)


def _diagnose(
    log: Log, who: People, day: Days, code: npt.NDArray[np.str_], size: npt.NDArray[np.float64],
    spread: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    stage = np.where(spread & (size > 50), "III", np.where(spread | (size > 20), "II", "I"))
    nodes = spread.astype(np.int64)
    log.add("diagnosed", who, day, NAME, code=code, size_mm=size, nodes=nodes, stage=stage)


def _assessment(
    rng: np.random.Generator, crowd: Crowd, log: Log, who: People, day: Days, ill: npt.NDArray[np.bool_]
) -> None:
    centre = crowd.places("BDS", who)
    log.add("referred", who, day + 1, NAME, to="breast_assessment", unit=centre)
    seen = day + 1 + rng.gamma(2.0, 3 + crowd.region[who] % 5, len(who)).astype(np.int64)
    booked = pl.Series(seen.astype(np.int32)).cast(pl.Date).to_numpy()
    log.add("appointment_booked", who, day + 1, NAME, to="breast_assessment", unit=centre, for_date=booked)
    came = rng.random(len(who)) < _ASSESSED
    log.add("appointment_missed", who[~came], seen[~came], NAME, to="breast_assessment", unit=centre[~came])
    who, seen, ill, centre = who[came], seen[came], ill[came], centre[came]
    log.add("appointment_attended", who, seen, NAME, to="breast_assessment", unit=centre)
    _tissue(rng, log, who, seen, ill)


def _tissue(rng: np.random.Generator, log: Log, who: People, seen: Days, ill: npt.NDArray[np.bool_]) -> None:
    sampled = ill | (rng.random(len(who)) < 0.3)
    in_situ = rng.random(len(who)) < 0.17
    found = np.where(ill, np.where(in_situ, "dcis", "invasive_cancer"), "benign")
    how = np.where(rng.random(len(who)) < np.where(ill, 0.95, 0.985), "needle", "open")
    log.add(
        "tested", who[sampled], seen[sampled] + 1, NAME, test="histology", findings=found[sampled],
        method=how[sampled],
    )  # fmt: skip
    who, seen, in_situ = who[ill], seen[ill], in_situ[ill]
    size, spread = rng.gamma(3.0, 5.0, len(who)).round(), rng.random(len(who)) < 0.25
    _diagnose(log, who, seen + 10, np.where(in_situ, "D05.1", "C50.9"), size, spread)
    operation = np.where(rng.random(len(who)) < 0.2, "mastectomy", "breast_conserving")
    log.add("treated", who, later(rng, seen, 15, 50), NAME, code=operation)
