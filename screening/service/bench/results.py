"""How many results a second are taken in, each durable before its answer, beside the bare database's own commits."""

import asyncio
import re
import subprocess
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
from tqdm import tqdm

from labs.commands import register_laboratory
from screening.service.bench.application import LABORATORY, Doors, running_application
from screening.service.bench.bulk import bench_bulk
from screening.service.bench.judge import everything_judged, judge_held_up
from screening.service.bench.load import Channel, Sent, end_of_http, end_of_mllp, send
from screening.service.bench.population import TODAY, make_people, make_standings
from screening.service.bench.server import machine, middle, throwaway_server, url_of
from screening.storage import embedded
from screening.storage.database import connect
from screening.storage.migrate import migrate
from screening.storage.transaction import system_actor

_HL7 = (
    "MSH|^~\\&|LIS|"
    + LABORATORY
    + "|SCREENING|SCREENING|20260601||ORU^R01^ORU_R01|%s|P|2.5.1||||||UNICODE UTF-8\r"
    "PID|1||%011d^^^&2.16.578.1.12.4.1.4.1&ISO^NNNOR||Prøve^Kari||19840309|F\r"
    "OBR|1||F1|82675-0^HPV^LN|||20260520|||||||||||||||20260525|||F\r"
    "OBX|1|CWE|82675-0^HPV^LN||260385009^Negative^SCT||||||F\r"
    "SPM|1|^S%s||CVX|||||||||||||20260520\r"
).encode()
_JSON = (
    b'{"message_id":"%s","person":"%011d","specimen":"S%s","taken_on":"2026-05-20","analysed_on":"2026-05-25",'
    b'"test":"hpv","findings":["negative"],"sample":"clinician"}'
)
_IDENTITIES = (
    "insert into identity (system, number, person_id) select 'NO', lpad(id::text, 11, '0'), id from person"
)
# One message's row as the platform stores it; only its number differs from one to the next.
_COMMIT = """\\set number random(1, 4000000000000000000)
insert into lab_message (received_on, channel, laboratory, control_id, digest, verdict, faults, body)
values ('{today}', '{channel}', '{laboratory}', 'F-' || :client_id || '-' || :number, '\\x{digest}', 'AA', '[]', '\\x{body}')
on conflict do nothing returning id;
"""


class Way(NamedTuple):
    """One way in, and over how many connections at once."""

    name: str
    channel: str
    template: bytes
    connections: int


_WAYS = (
    Way("HL7 v2 over MLLP", "hl7", _HL7, 1),
    Way("HL7 v2 over MLLP", "hl7", _HL7, 8),
    Way("JSON over HTTP", "json", _JSON, 16),
)


class Measured(NamedTuple):
    """One repetition of one way: commits a second of pgbench; what was sent with the judge held up, and with it
    at work; and messages a second from the first sent to the last judged.
    """

    floor: float
    taken: Sent
    beside_judge: Sent
    judged: float


async def bench_results(
    *, seconds: float = 5.0, people: int = 20_000, repetitions: int = 3, bulk: int = 100_000
) -> dict[str, Any]:
    """Messages a second with an answer that says they are ours, with one to sixteen senders, and results sent in bulk.

    The floor is pgbench committing the same message's row, one a transaction, with as many clients, on the same
    server, in turn with the platform.
    """
    with throwaway_server() as server:
        url = url_of(server)
        await _prepare(url, people)
        measured: dict[Way, list[Measured]] = {way: [] for way in _WAYS}
        with running_application(url) as doors, tqdm(desc="results", total=repetitions * len(_WAYS)) as bar:
            for repetition in range(repetitions):
                for way in _WAYS:
                    measured[way].append(
                        await _measure(server, doors, way, f"{way.connections}-{repetition}", seconds, people)
                    )
                    bar.update()
            in_bulk = await bench_bulk(
                url, doors, template=_JSON, results=bulk, people=people, repetitions=repetitions
            )
        return {
            "benchmark": "results",
            "ways": [_told(way, runs) for way, runs in measured.items()],
            "bulk": in_bulk,
            "goal": {"ratio": 0.5},
            "machine": await machine(server),
        }


async def _prepare(url: str, people: int) -> None:
    await migrate(url)
    owner = await asyncpg.connect(url)
    try:
        await make_people(owner, people)
        await make_standings(owner)
        await owner.execute(_IDENTITIES)
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()
    async with connect(url, size=1) as database:
        await database.run(
            partial(register_laboratory, code=LABORATORY, name="Bench", profile="extended"),
            actor=system_actor("bench"),
            today=TODAY,
        )


async def _measure(
    server: embedded.Server, doors: Doors, way: Way, series: str, seconds: float, people: int
) -> Measured:
    url = url_of(server)
    channel = _channel(way, doors)

    async def sending(series: str) -> Sent:
        return await asyncio.to_thread(
            send, channel, connections=way.connections, seconds=seconds, series=series, people=people
        )

    floor = await asyncio.to_thread(_commits_per_second, server, way, seconds)
    async with judge_held_up(url):
        taken = await sending(f"{series}-a")
    begun = time.perf_counter()
    beside_judge = await sending(f"{series}-b")
    await everything_judged(url)
    return Measured(floor, taken, beside_judge, beside_judge.messages / (time.perf_counter() - begun))


def _channel(way: Way, doors: Doors) -> Channel:
    if way.channel == "hl7":
        return Channel(doors.mllp, way.template, b"\x0b", b"\x1c\r", end_of_mllp, b"\rMSA|AA|")
    head = (
        "POST /labs/results HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {doors.token}\r\nContent-Length: %d\r\n\r\n"
    )
    return Channel(
        urlsplit(doors.http).port or 80, way.template, head.encode(), b"", end_of_http, b"HTTP/1.1 202 "
    )


def _commits_per_second(server: embedded.Server, way: Way, seconds: float) -> float:
    """Pgbench with prepared statements over the same socket: one row, one commit, as many clients as senders."""
    script = server.data / "commit.sql"
    body = way.template % (b"0" * 12, 1, b"0" * 12)
    script.write_text(
        _COMMIT.format(
            today=TODAY, channel=way.channel, laboratory=LABORATORY, digest="00" * 32, body=body.hex()
        )
    )
    told = subprocess.run(  # noqa: S603  the program is our own wheel's
        [
            str(embedded.program("pgbench")), "-n", "-M", "prepared", "-f", str(script),
            "-c", str(way.connections), "-j", str(min(2, way.connections)), "-T", str(max(1, round(seconds))),
            "-h", str(server.socket), "-p", str(server.port), "-U", embedded.USER, "postgres",
        ],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", told)
    if found is None:
        raise RuntimeError(f"pgbench did not tell its rate: {told}")
    return float(found.group(1))


def _told(way: Way, runs: Sequence[Measured]) -> dict[str, Any]:
    floor = middle([one.floor for one in runs])
    taken = middle([one.taken.messages / one.taken.seconds for one in runs])
    beside_judge = middle([one.beside_judge.messages / one.beside_judge.seconds for one in runs])
    return {
        "way": way.name,
        "connections": way.connections,
        "messages_per_second": taken,
        "pgbench_commits_per_second": floor,
        "ratio": round(taken / floor, 3),
        "messages_per_second_beside_judge": beside_judge,
        "ratio_beside_judge": round(beside_judge / floor, 3),
        "judged_per_second": middle([one.judged for one in runs]),
        "middle_ms": middle([one.taken.middle_ms for one in runs], 2),
        "worst_hundredth_ms": middle([one.taken.worst_hundredth_ms for one in runs], 2),
        "refused": sum(one.taken.refused + one.beside_judge.refused for one in runs),
    }
