"""People in proportion to Norway's real municipalities, ages and sexes.

Counts: Statistics Norway, table 07459 (NLOD 2.0), municipalities of 2024, 1 January of each year.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from importlib import resources

import msgspec
import polars as pl

from analytics.world.draws import Draws
from screening.people.national_id import synthetic_numbers
from screening.refusals import Refused
from screening.vocabulary import Sex

_GIVEN = {
    Sex.FEMALE: (
        "Anne",
        "Inger",
        "Kari",
        "Marit",
        "Ingrid",
        "Liv",
        "Eva",
        "Berit",
        "Astrid",
        "Hilde",
        "Nora",
        "Ida",
        "Sara",
        "Åse",
    ),
    Sex.MALE: (
        "Jan",
        "Per",
        "Bjørn",
        "Ole",
        "Lars",
        "Kjell",
        "Knut",
        "Svein",
        "Arne",
        "Thomas",
        "Emil",
        "Jonas",
        "Even",
        "Håkon",
    ),
}
_FAMILY = (
    "Prøve",
    "Øvrebø",
    "Testnes",
    "Fjelldal",
    "Eksempel",
    "Åsheim",
    "Strandvik",
    "Liatun",
    "Moskog",
    "Tenkt",
    "Haugrud",
    "Sundlia",
)
_STREETS = ("Prøveveien", "Storgata", "Kirkeveien", "Fjordgata", "Skolebakken", "Åsveien")
_OLDEST_BORN = 1926  # before that two-digit years of made-up numbers would run out


class Citizen(msgspec.Struct):
    """Somebody who does not exist. `address` is theirs alone, so that paper mail finds them."""

    national_id: str
    born: date
    sex: Sex
    name: str
    language: str
    address: str
    postcode: str
    post_town: str
    municipality: str
    protected_address: bool
    digital_mailbox: bool

    @property
    def file_number(self) -> str:
        """Under which their practitioner keeps them: the number of their house, which is theirs alone."""
        return self.address.rsplit(" ", 1)[-1]


def citizens(count: int, *, on: date, draws: Draws) -> Iterator[Citizen]:
    """`count` people as of 1 January of that year: a systematic sample of everybody there was.

    Every municipality, age and sex has its share to within one person.
    """
    counted = _counts(on.year)
    total = int(counted["persons"].sum())
    if count > total:
        raise Refused("population_too_large", f"{count} people asked for; Norway had {total} in {on.year}")
    step = total / count
    place = step * draws.uniform("start")
    numbers: dict[date, Iterator[str]] = {}
    passed = 0
    position = 0
    for municipality, sex, age, persons in counted.iter_rows():
        passed += persons
        while place < passed:
            yield _citizen(position, municipality, Sex(sex), age, on, draws, numbers)
            position += 1
            place += step


def _counts(year: int) -> pl.DataFrame:
    path = resources.files("analytics.world").joinpath("norway_population.parquet")
    everything = pl.read_parquet(path.read_bytes())
    counted = everything.filter(pl.col("year") == year)
    if counted.is_empty():
        known = ", ".join(str(one) for one in everything["year"].unique().sort())
        raise Refused("year_unknown", f"no population counts for {year}; there are {known}")
    return counted.sort("municipality", "sex", "age").select("municipality", "sex", "age", "persons")


def _citizen(
    position: int,
    municipality: str,
    sex: Sex,
    age: int,
    on: date,
    draws: Draws,
    numbers: dict[date, Iterator[str]],
) -> Citizen:
    last_birthday = date(on.year - min(age, on.year - _OLDEST_BORN), 1, 1)
    born = last_birthday - timedelta(days=1 + int(draws.uniform("birthday", position) * 364))
    if born not in numbers:
        numbers[born] = synthetic_numbers(born)
    return Citizen(
        national_id=next(numbers[born]),
        born=born,
        sex=sex,
        name=f"{draws.one_of(_GIVEN[sex], 'given', position)} {draws.one_of(_FAMILY, 'family', position)}",
        language="en" if draws.happens("english", position) else "nb",
        address=f"{draws.one_of(_STREETS, 'street', position)} {position + 1}",
        postcode=f"{int(municipality):04}",
        post_town="PRØVESTAD",
        municipality=municipality,
        protected_address=draws.happens("protected_address", position),
        digital_mailbox=draws.happens("digital_mailbox", position),
    )
