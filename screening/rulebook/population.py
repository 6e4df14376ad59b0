"""For whom would another version change anything: everybody is decided by both, and nothing is written but who looked."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import reduce
from itertools import pairwise
from multiprocessing import get_context
from operator import add

import msgspec

from screening.ledger.lives import decide_life, load_lives
from screening.protocols.difference import LISTED, PopulationDifference, counted, person_change
from screening.protocols.family import CompiledProtocol, Family
from screening.protocols.model import Protocol
from screening.refusals import Refused
from screening.storage.database import Database, connect
from screening.storage.transaction import Actor, Transaction, system_actor
from screening.vocabulary import LARGEST_BIGINT

_PAGE = 4000
_SHARES = 32
_IDS = "select id from person where id > $1 and id <= $2 order by id limit $3"
_BOUNDS = "select coalesce(min(id), 1) as first, coalesce(max(id), 0) as last from person"
_ACTOR = system_actor("compare protocols")

Progress = Callable[[int], object]


class Question(msgspec.Struct, frozen=True):
    """Two sets of rules of one programme, the day they are asked for, and how many people are to be listed."""

    one: Family
    other: Family
    today: date
    listed: int = LISTED


class Share(msgspec.Struct, frozen=True):
    """People above `after` up to `until`, for a process of its own; it makes the rules ready for itself."""

    url: str
    programme: str
    one: tuple[Protocol, ...]
    other: tuple[Protocol, ...]
    today: date
    listed: int
    after: int
    until: int


async def compare_population(
    database: Database, *, asked: Question, actor: Actor = _ACTOR, progress: Progress | None = None
) -> PopulationDifference:
    """What `other` would change for everyone, against `one`, counted in this process.

    Refuses two programmes: the history of one says nothing in the other.
    """
    refuse_different(asked.one, asked.other)
    total = await _compare(database, asked, (0, LARGEST_BIGINT), progress)
    await _note(database, asked, actor, total)
    return total


async def compare_in_processes(
    database: Database,
    url: str,
    *,
    asked: Question,
    processes: int,
    actor: Actor = _ACTOR,
    progress: Progress | None = None,
) -> PopulationDifference:
    """The same, by so many processes at once that read for themselves from the database at `url`."""
    refuse_different(asked.one, asked.other)
    shares = await database.run(lambda tx: _shares(tx, url, asked), actor=actor, today=asked.today)
    loop = asyncio.get_running_loop()
    # not forked: this process holds connections and a running loop
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found: list[PopulationDifference] = []
        for one in asyncio.as_completed([loop.run_in_executor(pool, compare_share, part) for part in shares]):
            found.append(await one)
            if progress is not None:
                progress(found[-1].people)
    total = reduce(add, found, PopulationDifference()).shortened(asked.listed)
    await _note(database, asked, actor, total)
    return total


def compare_share(share: Share) -> PopulationDifference:
    """What a process of its own does."""

    async def compare() -> PopulationDifference:
        one, other = (
            Family(share.programme, [CompiledProtocol(version) for version in versions])
            for versions in (share.one, share.other)
        )
        async with connect(share.url, size=1) as database:
            return await _compare(
                database, Question(one, other, share.today, share.listed), (share.after, share.until)
            )

    return asyncio.run(compare())


def refuse_different(one: Family, other: Family) -> None:
    if one.name != other.name:
        told = f"{one.name} and {other.name} are different programmes; expected two versions of one"
        raise Refused("protocols_of_two_programmes", told)


async def _shares(tx: Transaction, url: str, asked: Question) -> list[Share]:
    bounds = await tx.row(_BOUNDS)
    first, last = (bounds["first"], bounds["last"]) if bounds is not None else (1, 0)
    ends = [first - 1 + (last - first + 1) * place // _SHARES for place in range(_SHARES + 1)]
    one, other = (tuple(v.protocol for v in family.versions) for family in (asked.one, asked.other))
    return [
        Share(url, asked.one.name, one, other, asked.today, asked.listed, after, until)
        for after, until in pairwise(ends)
        if after < until
    ]


async def _compare(
    database: Database, asked: Question, ids: tuple[int, int], progress: Progress | None = None
) -> PopulationDifference:
    total, (last, until) = PopulationDifference(), ids
    while True:
        page = await database.run(
            lambda tx, after=last: _page(tx, asked, after, until), actor=_ACTOR, today=asked.today
        )
        if page is None:
            return total
        last, found = page
        total = (total + found).shortened(asked.listed)
        if progress is not None:
            progress(found.people)


async def _page(
    tx: Transaction, asked: Question, after: int, until: int
) -> tuple[int, PopulationDifference] | None:
    persons: Sequence[int] = [row["id"] for row in await tx.rows(_IDS, after, until, _PAGE)]
    if not persons:
        return None
    lives = await load_lives(tx, persons=persons, programme=asked.one.name)
    changes = [
        person_change(
            life.id, decide_life(asked.one, life, tx.today), decide_life(asked.other, life, tx.today)
        )
        for life in lives
    ]
    return persons[-1], counted(len(lives), [change for change in changes if change is not None])


async def _note(database: Database, asked: Question, actor: Actor, total: PopulationDifference) -> None:
    facts = {
        "programme": asked.one.name,
        "versions": [[v.protocol.id for v in one.versions] for one in (asked.one, asked.other)],
        "people": total.people,
    }
    await database.run(lambda tx: tx.audit("compared protocols", facts=facts), actor=actor, today=asked.today)
