"""Results sent a thousand at a time, beside a bare COPY of the same messages into the same table."""

import asyncio
import hashlib
import time
from typing import Any

import asyncpg
import httpx
from tqdm import tqdm

from screening.service.bench.application import LABORATORY, Doors
from screening.service.bench.judge import judge_held_up
from screening.service.bench.population import TODAY
from screening.service.bench.server import middle

_LINES = 1000  # results in one request
_CONNECTIONS = 4
_COLUMNS = ("received_on", "channel", "laboratory", "control_id", "digest", "verdict", "faults", "body")


async def bench_bulk(
    url: str, doors: Doors, *, template: bytes, results: int, people: int, repetitions: int
) -> dict[str, Any]:
    """Results a second as NDJSON over HTTP, each line answered when durable; and rows a second of the COPY.

    The judge is held up meanwhile.
    """
    reached: list[float] = []
    floors: list[float] = []
    for repetition in tqdm(range(repetitions), desc="results in bulk"):
        floors.append(results / await _copy(url, _lines(template, f"C{repetition}", results, people)))
        async with judge_held_up(url):
            reached.append(results / await _post(doors, _lines(template, f"B{repetition}", results, people)))
    return {
        "results": results,
        "results_per_request": _LINES,
        "connections": _CONNECTIONS,
        "results_per_second": middle(reached),
        "copy_rows_per_second": middle(floors),
        "ratio": round(middle(reached) / middle(floors), 3),
    }


def _lines(template: bytes, series: str, results: int, people: int) -> list[tuple[str, bytes]]:
    """(message id, line) of each result."""
    names = [f"{series}-{number}" for number in range(results)]
    return [
        (name, template % (name.encode(), number % people + 1, name.encode()))
        for number, name in enumerate(names)
    ]


async def _copy(url: str, lines: list[tuple[str, bytes]]) -> float:
    """Seconds of one COPY, in one transaction, with every index and check in place."""
    rows = [
        (TODAY, "json", LABORATORY, name, hashlib.sha256(line).digest(), "AA", "[]", line)
        for name, line in lines
    ]
    connection = await asyncpg.connect(url)
    try:
        begun = time.perf_counter()
        await connection.copy_records_to_table("lab_message", records=rows, columns=_COLUMNS)
        return time.perf_counter() - begun
    finally:
        await connection.close()


async def _post(doors: Doors, lines: list[tuple[str, bytes]]) -> float:
    """Seconds until every line has its answer."""
    waiting = [
        b"\n".join(line for _, line in lines[start : start + _LINES])
        for start in range(0, len(lines), _LINES)
    ]
    headers = {"authorization": f"Bearer {doors.token}", "content-type": "application/x-ndjson"}
    address = f"{doors.http}/labs/results/bulk"

    async def post_some(client: httpx.AsyncClient) -> None:
        while waiting:
            body = waiting.pop()
            answer = (await client.post(address, content=body, headers=headers)).raise_for_status()
            if answer.content.count(b'"stored"') != body.count(b"\n") + 1:
                raise RuntimeError(f"not every line was stored: {answer.text[:300]}")

    async with httpx.AsyncClient(timeout=60) as client:
        begun = time.perf_counter()
        await asyncio.gather(*(post_some(client) for _ in range(_CONNECTIONS)))
        return time.perf_counter() - begun
