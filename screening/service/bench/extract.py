"""How fast the dataset is taken from the database, in full and of one day, beside copying the same tables out."""

import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from tqdm import tqdm

from analytics.extract.read import Extracted, extract
from screening.service.bench.population import PROGRAMME, TODAY, make_people, make_standings
from screening.service.bench.server import machine, middle, throwaway_server, url_of
from screening.storage.database import Database, connect
from screening.storage.migrate import migrate
from screening.storage.transaction import system_actor

_TABLES = ("person", "residence", "event", "obligation", "standing")
_HOMES = "insert into residence (person_id, municipality, since) select id, municipality, born from person"
_OWED = """
insert into obligation (person_id, programme, episode, kind, subject, opened_on, due_on, rule, state, closed_on, closed_by)
select person_id, programme, occurred_on, 'remind', 'reminder ' || id, occurred_on, occurred_on, 'made up',
       'fulfilled', occurred_on, id
  from event where kind = 'reminded'
"""
# As `append_events` leaves them: each new event wakes its person's standing in the same transaction.
_A_DAY = """
with told as (
    insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, body)
    select id, $1, 'tested', $2, $2, 'made up', gen_random_uuid(),
           '{"test": "hpv", "findings": ["negative"], "sample": "clinician", "lab": "L1"}'
      from person where (hashint8(id + $3) & 65535) % $4 = 0
    returning person_id)
update standing s set next_action_on = $2 from told where s.person_id = told.person_id
"""
_ONE_IN = (
    250  # of everybody has news on a day, twice as many as in a programme of five-yearly tests and letters
)


async def bench_extract(*, people: int = 1_000_000, repetitions: int = 3) -> dict[str, Any]:
    """Everybody's rows of five tables into Parquet; then, after a day on which one in 250 had news, carried on.

    The floor copies the same tables to nowhere in PostgreSQL's binary form, in one connection. The day's extract
    must read again those of whom there was news, and nobody else.
    """
    folder = Path(tempfile.mkdtemp(prefix="screening-extract-"))
    try:
        with throwaway_server() as server:
            url = url_of(server)
            await migrate(url)
            owner = await asyncpg.connect(url)
            async with connect(url, size=2) as database:
                rows = await _fill(owner, people)
                runs = [await _repetition(owner, database, folder, number) for number in range(repetitions)]
            await owner.close()
            told = {name: middle([run[name] for run in runs], 2) for name in runs[0]}
            return {
                "benchmark": "extract",
                "people": people,
                "rows": rows,
                "seconds": told,
                "rows_per_second": round(rows / told["full"]),
                "floor_rows_per_second": round(rows / told["floor"]),
                "ratio": round(told["full"] / told["floor"], 2),
                "day_to_full": round(told["day"] / told["full"], 3),
                "machine": await machine(server),
            }
    finally:
        shutil.rmtree(folder)


async def _fill(owner: asyncpg.Connection, people: int) -> int:
    """How many rows the five tables hold."""
    with tqdm(desc="made-up people", total=people, unit=" people") as bar:
        await make_people(owner, people)
        await make_standings(owner)
        await owner.execute(_HOMES)
        await owner.execute(_OWED)
        await owner.execute("vacuum analyze")
        bar.update(people)
    counts = [await owner.fetchval(f"select count(*) from {table}") for table in _TABLES]
    return sum(int(count or 0) for count in counts)


async def _repetition(
    owner: asyncpg.Connection, database: Database, folder: Path, number: int
) -> dict[str, float]:
    there = folder / str(number)
    floor = await _copied_out(owner)
    full, _ = await _timed(database, there)
    woken = await owner.execute(_A_DAY, PROGRAMME, TODAY + timedelta(days=number), number, _ONE_IN)
    day, done = await _timed(database, there)
    if done.read_again != int(woken.rsplit(" ", 1)[-1]):
        raise RuntimeError(f"{done.read_again} people read again, {woken} had news; {done.because}")
    return {"floor": floor, "full": full, "day": day}


async def _copied_out(owner: asyncpg.Connection) -> float:
    async def nowhere(_: bytes) -> None:
        pass

    begun = time.perf_counter()
    for table in _TABLES:
        await owner.copy_from_table(table, output=nowhere, format="binary")
    return time.perf_counter() - begun


async def _timed(database: Database, folder: Path) -> tuple[float, Extracted]:
    begun = time.perf_counter()
    done = await extract(database, folder, actor=system_actor("bench"), today=TODAY)
    return time.perf_counter() - begun, done
