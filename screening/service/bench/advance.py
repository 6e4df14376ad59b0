"""How many people a second are decided again and written to the ledger, beside writing the same rows at once."""

import asyncio
import multiprocessing
import time
from typing import TYPE_CHECKING, Any

import asyncpg
from tqdm import tqdm

from screening.ledger.advance import advance
from screening.ledger.lives import decide_life, load_lives
from screening.protocols.load import family
from screening.service.bench.population import PROGRAMME, TODAY, make_people, make_standings
from screening.service.bench.server import machine, middle, throwaway_server, url_of
from screening.storage.database import connect
from screening.storage.migrate import migrate
from screening.storage.transaction import system_actor

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Barrier

_PROCESSES = multiprocessing.get_context("spawn")
_DECIDED = 20_000  # lives decided without a database, to tell the rules' own cost
_PAUSE_SECONDS = 0.2

_STANDING = (
    "status, reason, protocol, rule, episode_opened_on, episode_number, next_due_on, next_action_on, decided_on,"
    " last_event_id"
)
_OBLIGATION = (
    "person_id, programme, episode, kind, subject, opened_on, due_on, rule, letter, state, closed_on, closed_by,"
    " closed_reason"
)
_KEEP = f"""
drop table if exists finished_obligation, finished_standing;
create table finished_obligation as select {_OBLIGATION} from obligation order by id;
create table finished_standing as select * from standing;
analyze finished_obligation, finished_standing;
"""
_FLOOR = f"""
insert into obligation ({_OBLIGATION}) select {_OBLIGATION} from finished_obligation;
update standing s set ({_STANDING}) = row({", ".join("d." + name.strip() for name in _STANDING.split(","))})
  from finished_standing d where s.person_id = d.person_id and s.programme = d.programme;
"""


async def bench_advance(*, people: int = 1_000_000, workers: int = 2, repetitions: int = 3) -> dict[str, Any]:
    """Everybody is due at once and nobody was decided before: each has a decision, a standing and their rows written.

    The floor writes the rows that the workers wrote, from tables that hold them ready, with one INSERT and
    one UPDATE in one transaction.
    """
    with throwaway_server() as server:
        url = url_of(server)
        await migrate(url)
        owner = await asyncpg.connect(url)
        try:
            with tqdm(desc="made-up people", total=people, unit=" people") as bar:
                events = await make_people(owner, people)
                bar.update(people)
            runs = [await _repetition(owner, url, people, workers) for _ in range(repetitions)]
            rows = await owner.fetchval("select count(*) from obligation")
        finally:
            await owner.close()
        reached, floor = ([people / run[name] for run in runs] for name in ("workers", "floor"))
        return {
            "benchmark": "advance",
            "people": people,
            "events": events,
            "obligations": rows,
            "workers": workers,
            "people_per_second": middle(reached),
            "floor_people_per_second": middle(floor),
            "ratio": round(middle(reached) / middle(floor), 3),
            "decisions_per_second_of_one_process": middle([run["decisions_per_second"] for run in runs]),
            "repetitions": [{name: round(value, 2) for name, value in run.items()} for run in runs],
            "goal": {"people_per_second": 8000},
            "machine": await machine(server),
        }


async def _repetition(owner: asyncpg.Connection, url: str, people: int, workers: int) -> dict[str, float]:
    """Seconds of the workers and of the floor, each from the same start."""
    await make_standings(owner)
    decided = await _decisions_per_second(url)
    by_workers = await asyncio.to_thread(_run_workers, url, people, workers)
    await owner.execute(_KEEP)
    await make_standings(owner)
    begun = time.perf_counter()
    await owner.execute(_FLOOR)
    floor = time.perf_counter() - begun
    return {"workers": by_workers, "floor": floor, "decisions_per_second": decided}


def _run_workers(url: str, people: int, workers: int) -> float:
    """Seconds from the moment every worker is connected until nobody is due."""
    done, ready = _PROCESSES.Value("q", 0), _PROCESSES.Barrier(workers + 1)
    processes = [_PROCESSES.Process(target=_work, args=(url, done, ready)) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    begun = time.perf_counter()
    with tqdm(desc=f"advance, {workers} workers", total=people, unit=" people") as bar:
        while any(process.is_alive() for process in processes):
            processes[0].join(_PAUSE_SECONDS)
            bar.update(done.value - bar.n)
    seconds = time.perf_counter() - begun
    if done.value != people or any(process.exitcode for process in processes):
        raise RuntimeError(f"{done.value} of {people} people advanced; a worker failed")
    return seconds


def _work(url: str, done: "Synchronized[int]", ready: "Barrier") -> None:
    asyncio.run(_advance_all(url, done, ready))


async def _advance_all(url: str, done: "Synchronized[int]", ready: "Barrier") -> None:
    def count(people: int) -> None:
        with done.get_lock():
            done.value += people

    rules = family(PROGRAMME)
    async with connect(url, size=1) as database:
        ready.wait()
        await advance(database, family=rules, today=TODAY, progress=count)


async def _decisions_per_second(url: str) -> float:
    rules = family(PROGRAMME)
    async with connect(url, size=1) as database:
        lives = await database.run(
            lambda tx: load_lives(tx, persons=range(1, _DECIDED + 1), programme=PROGRAMME),
            actor=system_actor("bench"),
            today=TODAY,
        )
    begun = time.perf_counter()
    for life in lives:
        decide_life(rules, life, TODAY)
    return len(lives) / (time.perf_counter() - begun)
