"""The tests that the made-up women had before the platform was there, as their laboratories have them.

All are unremarkable: the platform takes the nation over in routine screening, and what it has to
follow up it finds itself.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from analytics.world.draws import Draws, parameters
from analytics.world.messages import Report
from analytics.world.population import Citizen
from screening.vocabulary import Sex

# HPV in primary screening reached ages 34 to 69 from 2019 (S23); cytology before, every three years.
_HPV_SINCE = date(2019, 7, 1)
_HPV_FROM_AGE = 34
_BETWEEN = timedelta(days=3 * 365)
_YEAR = timedelta(days=365)
_FROM_AGE = 25


def past_reports(person: Citizen, *, before: date, laboratory: str, draws: Draws) -> Iterator[Report]:
    """Her tests of the ten years before that day, newest first."""
    if person.sex != Sex.FEMALE or person.born.year > before.year - _FROM_AGE:
        return
    taken = _last_test(person, before, draws)
    while taken is not None and taken > before - 10 * _YEAR and taken.year - person.born.year >= _FROM_AGE:
        hpv = taken >= _HPV_SINCE and taken.year - person.born.year >= _HPV_FROM_AGE
        specimen = f"{laboratory}-{person.file_number}-{taken:%y%m%d}"
        yield Report(
            control_id=f"PAST-{specimen}", laboratory=laboratory, person=person.national_id, specimen=specimen,
            taken_on=taken, reported_on=min(taken + timedelta(days=10), before - timedelta(days=1)),
            test="hpv" if hpv else "cytology", finding="negative" if hpv else "nilm",
        )  # fmt: skip
        taken -= _BETWEEN + timedelta(days=draws.days(-60, 240, person.national_id, taken))


def _last_test(person: Citizen, before: date, draws: Draws) -> date | None:
    """Spread evenly over the spans whose coverage was published; None: no test in ten years."""
    recent, older = (parameters()[f"tested_within_{span}_years"].value for span in ("3_5", "10"))
    place = draws.uniform("last test", person.national_id)
    if place >= older:
        return None
    days = 1277 * place / recent if place < recent else 1277 + 2375 * (place - recent) / (older - recent)
    return before - timedelta(days=1 + int(days))
