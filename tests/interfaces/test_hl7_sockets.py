"""HL7 v2 over real sockets: clients we did not write, real messages, and connections as they break."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import hl7
import pytest
from hl7.client import MLLPClient

from analytics.world.messages import Report
from analytics.world.messages import hl7 as oru
from labs import intake
from labs.hl7.reader import MAX_BYTES
from screening.storage.urls import database_name, with_database
from screening.vocabulary import Role

REAL = sorted((Path(__file__).parent / "data" / "hl7v2").glob("*.hl7"))  # the CDC's ReportStream, CC0
START, END = b"\x0b", b"\x1c\r"


def report(platform, control="M1", **more):
    told = {
        "control_id": control, "laboratory": "AHUS", "person": platform.kari, "specimen": f"S-{control}",
        "taken_on": date(2024, 5, 6), "reported_on": date(2024, 5, 9), "test": "hpv", "finding": "negative",
    }  # fmt: skip
    return Report(**(told | more))


def message(platform, control="M1", **more):
    return oru(report(platform, control, **more))


@asynccontextmanager
async def line(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader):
    framed = await asyncio.wait_for(reader.readuntil(END), 30)
    assert framed.startswith(START)
    return framed[1:-2]


def msa(acknowledgement):
    """(MSA-1, MSA-2) as a library we did not write reads them."""
    segment = hl7.parse(acknowledgement.decode()).segment("MSA")
    return str(segment[1]), str(segment[2])


async def verdicts(platform):
    return await platform.fetch("select control_id, verdict from lab_message order by id")


async def test_the_python_hl7_client_is_answered_with_its_own_id(platform):
    def send():
        with MLLPClient("127.0.0.1", platform.mllp_port) as client:
            sent = [hl7.parse(message(platform, f"M{n}").decode()) for n in range(10)]
            return [client.send_message(one).strip(START + END) for one in sent]

    answers = await asyncio.to_thread(send)
    assert [msa(one) for one in answers] == [("AA", f"M{n}") for n in range(10)]
    await platform.judged()
    assert await platform.fetch("select count(*) from event where kind = 'tested'") == [(10,)]


async def test_mllp_send_delivers_a_file_of_messages(platform, tmp_path):
    framed = tmp_path / "framed.hl7"
    framed.write_bytes(b"".join(START + message(platform, f"M{n}") + END for n in range(3)))
    loose = tmp_path / "loose.hl7"
    loose.write_bytes(b"".join(message(platform, f"L{n}").replace(b"\r", b"\r\n") for n in range(3)))
    for more in (["--file", framed], ["--loose", "--file", loose]):
        told = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "hl7.client", "-p", str(platform.mllp_port), *map(str, more), "127.0.0.1"],
            capture_output=True, check=True,
        )  # fmt: skip
        assert told.stdout.count(b"MSA|AA|") == 3, told
    assert await verdicts(platform) == [(f"{file}{n}", "AA") for file in "ML" for n in range(3)]


async def test_real_messages_of_others_are_answered_and_kept(platform):
    for facility in ("CDC PRIME", "CDC Atlanta", "Centracare", "Simple Report", "11D1111111", "TESTSENDER"):
        async with platform.caller(Role.ADMINISTRATOR) as administrator:
            body = {"code": facility, "name": facility, "profile": "standard"}
            assert (await administrator.post("/labs", json=body)).status_code == 200
    sent = [file.read_bytes() for file in REAL]
    async with line(platform.mllp_port) as (reader, writer):
        for raw in sent:
            writer.write(START + raw + END)
            told = await answer(reader)
            verdict, control_id = msa(told)
            assert control_id == raw.split(b"|")[9].decode()
            assert verdict in ("AE", "AR")
            errors = [segment for segment in hl7.parse(told.decode()) if str(segment[0]) == "ERR"]
            assert all(str(error[2]) and "HL70357" in str(error[3]) for error in errors)
            assert errors
    assert sorted(await platform.fetch("select body from lab_message")) == sorted((raw,) for raw in sent)
    await platform.judged()
    assert await platform.fetch("select count(*) from quarantine where state = 'open'") == [(len(sent),)]


async def test_the_same_over_http_and_each_message_has_its_acknowledgement(platform):
    media = {"Content-Type": "application/hl7-v2"}
    async with platform.caller(Role.LABORATORY) as laboratory:
        for body, verdict in (
            (message(platform), "AA"),
            (message(platform), "AA"),
            (message(platform, finding="hpv_16"), "AR"),
            (message(platform, "M2").replace(b"AHUS", b"OUS"), "AR"),
            (message(platform, "M3").replace(b"82675-0", b"1-1"), "AE"),
            (b"no message at all", "AR"),
        ):
            told = await laboratory.post("/labs/messages", content=body, headers=media)
            assert (told.status_code, told.headers["content-type"]) == (200, "application/hl7-v2")
            assert msa(told.content)[0] == verdict
    # each is kept, also what was refused, under the laboratory whose token it came with
    assert await platform.fetch("select laboratory, verdict from lab_message order by id") == [
        ("AHUS", "AA"), ("AHUS", "AR"), ("AHUS", "AR"), ("AHUS", "AE"), ("AHUS", "AR"),
    ]  # fmt: skip


async def test_the_same_message_on_another_day_has_the_same_answer_to_the_byte(platform):
    sent = [
        message(platform),
        message(platform, finding="hpv_16"),
        message(platform, "M3").replace(b"82675-0", b"1-1"),
    ]
    answers = {}
    async with line(platform.mllp_port) as (reader, writer):
        for day in range(3):
            platform.clock.set(date(2024, 6, 3) + timedelta(days=day))
            for raw in sent:
                writer.write(START + raw + END)
                told = await answer(reader)
                assert answers.setdefault(raw, told) == told
    assert [msa(told)[0] for told in answers.values()] == ["AA", "AR", "AE"]
    assert await platform.fetch("select count(*) from lab_message") == [(3,)]


async def test_a_message_is_the_same_with_and_without_the_end_of_its_last_line(platform):
    raw = message(platform)
    async with line(platform.mllp_port) as (reader, writer):
        writer.write(START + raw.rstrip(b"\r") + END)
        told = await answer(reader)
        writer.write(START + raw.rstrip(b"\r") + b"\r" + END)
        assert await answer(reader) == told
    async with platform.caller(Role.LABORATORY) as laboratory:
        over_http = await laboratory.post(
            "/labs/messages",
            content=raw.rstrip(b"\r") + b"\r\n",
            headers={"Content-Type": "application/hl7-v2"},
        )
    assert msa(over_http.content) == ("AA", "M1")
    assert await verdicts(platform) == [("M1", "AA")]


async def test_a_message_refused_while_its_sender_was_unknown_is_taken_afterwards_and_stays_so(platform):
    raw = message(platform, laboratory="NEW")
    told = []
    async with line(platform.mllp_port) as (reader, writer):
        for attempt in range(4):
            if attempt == 2:
                async with platform.caller(Role.ADMINISTRATOR) as administrator:
                    await administrator.post(
                        "/labs", json={"code": "NEW", "name": "New", "profile": "standard"}
                    )
            writer.write(START + raw + END)
            told.append(msa(await answer(reader))[0])
    assert told == ["AR", "AR", "AA", "AA"]


async def test_pipelined_messages_are_answered_in_their_order(platform):
    count = 200
    async with line(platform.mllp_port) as (reader, writer):
        writer.write(b"".join(START + message(platform, f"M{n}") + END for n in range(count)))
        answers = [msa(await answer(reader)) for _ in range(count)]
    assert answers == [("AA", f"M{n}") for n in range(count)]


async def test_many_connections_at_once_are_each_answered(platform):
    async def send(number):
        async with line(platform.mllp_port) as (reader, writer):
            for n in range(5):
                writer.write(START + message(platform, f"C{number}-{n}") + END)
                assert msa(await answer(reader)) == ("AA", f"C{number}-{n}")

    await asyncio.gather(*(send(number) for number in range(40)))
    assert await platform.fetch("select count(*) from lab_message") == [(200,)]


async def test_a_slow_sender_is_waited_for(platform):
    async with line(platform.mllp_port) as (reader, writer):
        framed = START + message(platform) + END
        for at in range(0, len(framed), 16):
            writer.write(framed[at : at + 16])
            await writer.drain()
            await asyncio.sleep(0.001)
        assert msa(await answer(reader)) == ("AA", "M1")


async def test_what_a_broken_connection_cuts_off_is_kept_and_never_taken(platform):
    raw = message(platform)
    # also where the part that came could be read: a last segment without its end
    for cut in (4, 150, len(raw) - 30, len(raw) - 1, len(raw)):
        async with line(platform.mllp_port) as (reader, writer):
            writer.write(START + raw[:cut])
            writer.write_eof()
            assert msa(await answer(reader))[0] == "AR"
    assert {verdict for _, verdict in await verdicts(platform)} == {"AR"}
    async with line(platform.mllp_port) as (reader, writer):
        writer.write(START + raw + END)
        assert msa(await answer(reader)) == ("AA", "M1")
    await platform.judged()
    assert await platform.fetch("select count(*) from event where kind = 'tested'") == [(1,)]


async def test_a_sender_that_disappears_takes_nobody_along(platform):
    async with line(platform.mllp_port) as (_, writer):
        writer.write(START + message(platform, "gone")[:200])
        await writer.drain()
        writer.transport.abort()
    async with line(platform.mllp_port) as (reader, writer):
        writer.write(START + message(platform) + END)
        assert msa(await answer(reader)) == ("AA", "M1")


async def test_what_is_no_message_at_all_leaves_no_trace(platform):
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\r\n"):
        async with line(platform.mllp_port) as (reader, writer):
            writer.write(noise)
            writer.write_eof()
            assert await reader.read() == b""
    assert await verdicts(platform) == []


async def test_a_message_over_the_limit_is_refused_by_its_id_and_the_next_is_taken(platform):
    big = message(platform, "BIG").replace(b"PID|", b"NTE|1||" + b"x" * (3 * MAX_BYTES) + b"\rPID|")
    async with line(platform.mllp_port) as (reader, writer):
        writer.write(START + big + END + START + message(platform) + END)
        assert msa(await answer(reader)) == ("AR", "BIG")
        assert msa(await answer(reader)) == ("AA", "M1")
    (size,) = (await platform.fetch("select length(body) from lab_message where control_id = 'BIG'"))[0]
    assert size == MAX_BYTES + 1  # as much as shows that it was too long


async def test_more_messages_than_anybody_waits_for_are_to_be_sent_again(platform, monkeypatch):
    monkeypatch.setattr(intake, "_MAX_WAITING", 0)
    async with line(platform.mllp_port) as (reader, writer):
        writer.write(START + message(platform) + END)
        assert msa(await answer(reader)) == ("AR", "M1")
        monkeypatch.undo()
        writer.write(START + message(platform) + END)
        assert msa(await answer(reader)) == ("AA", "M1")


async def test_what_was_sent_when_the_platform_stops_is_either_answered_and_kept_or_neither(
    platform, run_platform
):
    answered, some = [], asyncio.Event()

    async def send(port):
        async with line(port) as (reader, writer):
            for n in range(100_000):
                writer.write(START + message(platform, f"M{n}") + END)
                answered.append(msa(await answer(reader)))
                if n == 20:
                    some.set()

    async with run_platform() as second:
        sender = asyncio.create_task(send(second.mllp_port))
        await some.wait()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await sender
    assert answered == [("AA", control_id) for control_id, _ in await verdicts(platform)]
    assert await platform.fetch("select count(*) from lab_pending") == [(0,)]


async def test_a_training_message_is_not_for_production(platform):
    raw = message(platform).replace(b"|P|2.5.1", b"|T|2.5.1")
    async with line(platform.mllp_port) as (reader, writer):
        writer.write(START + raw + END)
        told = await answer(reader)
    assert msa(told) == ("AR", "M1")
    assert b"|T|2.5.1" in told
    assert b"ERR||MSH^1^11|202^" in told


async def test_a_training_installation_takes_training_messages_and_no_others(platform, run_platform):
    async with run_platform(processing="T") as training, line(training.mllp_port) as (reader, writer):
        writer.write(START + message(platform, "M1").replace(b"|P|2.5.1", b"|T|2.5.1") + END)
        assert msa(await answer(reader)) == ("AA", "M1")
        writer.write(START + message(platform, "M2") + END)
        assert msa(await answer(reader)) == ("AR", "M2")


@asynccontextmanager
async def closed_to_the_application(url):
    """The database takes no connections, and has ended those it had."""
    name = database_name(url)
    owner = await asyncpg.connect(with_database(url, "postgres"))
    await owner.execute(f"alter database {name} allow_connections false")
    await owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    yield
    await owner.execute(f"alter database {name} allow_connections true")
    await owner.close()


async def test_while_the_database_is_away_nothing_is_taken_and_nothing_is_said_to_be(platform, url, capfd):
    raw = message(platform)
    async with line(platform.mllp_port) as (reader, writer), platform.caller(Role.LABORATORY) as laboratory:
        async with closed_to_the_application(url):
            writer.write(START + raw + END)
            told = await answer(reader)
            assert msa(told) == ("AR", "M1")
            assert b"|207^Application internal error^HL70357|" in told
            over_http = await laboratory.post("/labs/messages", content=raw)
            assert over_http.status_code == 503
            assert over_http.headers["content-type"] == "application/problem+json"
            assert "send it again" in over_http.json()["detail"]
            person = await laboratory.get("/labs/messages/1")
            assert (person.status_code, person.json()["type"]) == (503, "urn:screening:database_unreachable")
        writer.write(START + raw + END)
        assert msa(await answer(reader)) == ("AA", "M1")
    assert await verdicts(platform) == [("M1", "AA")]
    logged = capfd.readouterr().err
    assert "messages not stored" in logged
    assert platform.kari not in logged


async def test_a_message_that_the_database_cannot_hold_does_not_take_its_neighbours_along(platform, url):
    owner = await asyncpg.connect(url)
    await owner.execute(
        "alter table lab_message add check (control_id <> 'odd' or 1 / (length(control_id) - 3) > 0)"
    )
    await owner.close()

    async def send(control):
        async with line(platform.mllp_port) as (reader, writer):
            writer.write(START + message(platform, control) + END)
            return msa(await answer(reader))[0]

    answers = await asyncio.gather(*(send(control) for control in ("M1", "odd", "M2", "M3")))
    assert answers == ["AA", "AR", "AA", "AA"]
