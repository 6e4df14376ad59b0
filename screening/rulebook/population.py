"""For whom would another version change anything: everybody is decided by both, and nothing is written but who looked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import reduce
from operator import add

from screening.ledger.lives import decide_life, load_lives
from screening.protocols.difference import PopulationDifference, counted, person_change
from screening.protocols.family import Family
from screening.protocols.load import family
from screening.refusals import Refused
from screening.storage.database import Database, connect
from screening.storage.transaction import Actor, Transaction, system_actor

_PAGE = 4000
_IDS = "select id from person where id > $1 and id % $3 = $4 order by id limit $2"


async def compare_population(
    database: Database,
    *,
    one: Family,
    other: Family,
    today: date,
    actor: Actor | None = None,
    share: tuple[int, int] = (0, 1),
    progress: Callable[[int], object] | None = None,
) -> PopulationDifference:
    """What `other` would change for everyone, against `one`, on `today`.

    `share` (2, 4): every fourth person, beginning with the third, for who divides the work. Refuses two
    programmes: the history of one says nothing in the other.
    """
    refuse_different(one, other)
    who = actor or system_actor("compare protocols")
    total, last = PopulationDifference(), 0
    while True:
        page = await database.run(
            lambda tx, after=last: _page(tx, one, other, after, share), actor=who, today=today
        )
        if page is None:
            break
        last, found = page
        total += found
        if progress is not None:
            progress(found.people)
    await database.run(
        lambda tx: tx.audit("compared protocols", facts={"programme": one.name, "people": total.people}),
        actor=who,
        today=today,
    )
    return total


def refuse_different(one: Family, other: Family) -> None:
    if one.name != other.name:
        told = f"{one.name} and {other.name} are different programmes; expected two versions of one"
        raise Refused("protocols_of_two_programmes", told)


async def _page(
    tx: Transaction, one: Family, other: Family, after: int, share: tuple[int, int]
) -> tuple[int, PopulationDifference] | None:
    persons = [row["id"] for row in await tx.rows(_IDS, after, _PAGE, share[1], share[0])]
    if not persons:
        return None
    lives = await load_lives(tx, persons=persons, programme=one.name)
    changes = [
        person_change(life.id, decide_life(one, life, tx.today), decide_life(other, life, tx.today))
        for life in lives
    ]
    return persons[-1], counted(len(lives), [change for change in changes if change is not None])


def compare_in_processes(
    url: str, *, one: str, other: str, today: date, processes: int = 2
) -> PopulationDifference:
    """The same for installed versions by their ids, each process reading its share of the people for itself."""
    refuse_different(family(one), family(other))
    with ProcessPoolExecutor(processes) as pool:
        shares = [
            pool.submit(_share, url, one, other, today, (place, processes)) for place in range(processes)
        ]
        return reduce(add, [share.result() for share in shares])


def _share(url: str, one: str, other: str, today: date, share: tuple[int, int]) -> PopulationDifference:
    async def compare() -> PopulationDifference:
        async with connect(url, size=1) as database:
            return await compare_population(
                database, one=family(one), other=family(other), today=today, share=share
            )

    return asyncio.run(compare())
