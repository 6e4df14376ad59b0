"""What the register will have to tell of the made-up nation: deaths, moves, emigration and return."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import log, log2
from typing import Any

import msgspec

from analytics.world.draws import Draws, parameters
from analytics.world.population import Citizen

_DOUBLING_YEARS = 8  # of age, in which the chance to die doubles
_DAYS_A_YEAR = 365.25


class Fate(msgspec.Struct):
    """The days on which one citizen's record changes, none later than the horizon it was drawn to."""

    moves: list[tuple[date, str]]
    emigrated_on: date | None = None
    returned_on: date | None = None
    died_on: date | None = None

    def news(self) -> Iterator[date]:
        """Every day on which the register has something new to tell of the citizen."""
        yield from (day for day, _ in self.moves)
        yield from filter(None, (self.emigrated_on, self.returned_on, self.died_on))

    def here(self, day: date) -> bool:
        """Whether the citizen is alive and in the country that day."""
        if self.died_on is not None and day >= self.died_on:
            return False
        away = self.emigrated_on is not None and day >= self.emigrated_on
        return not away or (self.returned_on is not None and day >= self.returned_on)


def fates(
    people: Sequence[Citizen], *, since: date, until: date, municipalities: Sequence[str], draws: Draws
) -> list[Fate]:
    """One fate for each citizen, in their order."""
    return [_fate(person, since, until, municipalities, draws) for person in people]


def _fate(person: Citizen, since: date, until: date, municipalities: Sequence[str], draws: Draws) -> Fate:
    who = person.national_id
    fate = Fate(moves=[])
    died = since + timedelta(days=_days_to_live(person, since, draws))
    emigrated = since + timedelta(days=_wait("emigrations_per_year", who, draws))
    fate.died_on = died if died < until else None
    last = min(until, died)
    if emigrated < last:
        fate.emigrated_on = emigrated
        back = emigrated + timedelta(days=draws.days(200, 1200, who, "return"))
        if back < last and draws.happens("returns_after_emigration", who):
            fate.returned_on = back
        last = emigrated
    moved = since + timedelta(days=_wait("moves_per_year", who, draws, 0))
    while moved < last:
        fate.moves.append((moved, draws.one_of(municipalities, who, moved)))
        moved += timedelta(days=_wait("moves_per_year", who, draws, len(fate.moves)))
    return fate


def _days_to_live(person: Citizen, since: date, draws: Draws) -> int:
    """From a chance to die that doubles every so many years of age (Gompertz)."""
    age = (since - person.born).days / _DAYS_A_YEAR
    now = parameters()["deaths_per_year_at_70"].value * 2 ** ((age - 70) / _DOUBLING_YEARS)
    unlived = -log(1 - draws.uniform("death", person.national_id))
    years = _DOUBLING_YEARS * log2(1 + unlived * log(2) / (now * _DOUBLING_YEARS))
    return 1 + int(years * _DAYS_A_YEAR)


def _wait(parameter: str, who: str, draws: Draws, *more: object) -> int:
    """Days until something happens that happens so many times a year."""
    years = -log(1 - draws.uniform(parameter, who, *more)) / parameters()[parameter].value
    return 1 + int(years * _DAYS_A_YEAR)


def register_line(person: Citizen, fate: Fate | None = None, on: date | None = None) -> dict[str, Any]:
    """The register's line of a citizen as of a day; without a fate as they were drawn."""
    line: dict[str, Any] = msgspec.structs.asdict(person)
    if fate is None or on is None:
        return line
    told = [day for day in fate.news() if day <= on]
    moves = [municipality for day, municipality in fate.moves if day <= on]
    if moves:
        line |= {"municipality": moves[-1], "postcode": moves[-1]}
    if fate.emigrated_on in told and fate.returned_on not in told:
        line["emigrated_on"] = fate.emigrated_on
    if fate.returned_on in told:
        line["resident_since"] = fate.returned_on
    if fate.died_on in told:
        line["died_on"] = fate.died_on
    return line | {"event_date": max(told)}
