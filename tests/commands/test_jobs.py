"""The jobs of the scheduler, each called by itself and all together, on a small programme."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from invitations.kits.commands import register_lot
from invitations.sending.states import Channel
from labs.commands import register_laboratory
from labs.service import Laboratories
from screening.refusals import Refused
from screening.service.carriers import open_carriers
from screening.service.jobs import JOBS, Equipment, run_job, scheduled_jobs, scheduling
from screening.service.scheduler import latest_slot
from screening.service.settings import Cadences, Settings, settings_from_environment
from screening.storage.audit import verify_audit
from screening.storage.transaction import Actor, system_actor
from screening.vocabulary import Role

PROGRAMME = "no-cervical"
TODAY = date(2025, 3, 3)
ACTOR = system_actor("test")
OVERDUE, TESTED_NEVER = 1, 2


@pytest_asyncio.fixture
async def people(url, database):
    """A woman long overdue whose mailbox is digital, and one ten years without a sample, on paper."""
    connection = await asyncpg.connect(url)
    for number, born, digital in ((OVERDUE, date(1998, 1, 1), True), (TESTED_NEVER, date(1970, 1, 1), False)):
        await connection.execute(
            "insert into person (id, holder_id, born, sex, name, address, postcode, post_town, resident_since, digital_mailbox)"
            " values ($1, $1, $2, 'female', 'Kari Prøve', 'Storgata 1', '0155', 'OSLO', $2, $3)",
            number, born, digital,
        )  # fmt: skip
        await connection.execute("insert into identity values ('NO', $1, $2)", f"1391694{number:04}", number)
        await connection.execute(
            "insert into standing (person_id, programme, status, reason, protocol, rule, next_action_on)"
            " values ($1, $2, 'outside', 'not_decided', '', '', '1900-01-01')",
            number, PROGRAMME,
        )  # fmt: skip
    await connection.close()
    await database.run(
        lambda tx: register_lot(tx, lot="L1", expires_on=date(2026, 1, 1), quantity=5),
        actor=ACTOR,
        today=TODAY,
    )


@pytest_asyncio.fixture
async def equipment(database, tmp_path):
    async with open_carriers(Settings(spool=tmp_path / "spool", own_printer=True)) as carriers:
        yield Equipment(database, carriers)


async def events(database):
    rows = await database.pool.fetch("select person_id, kind, body->>'channel' from event order by person_id")
    return [tuple(row) for row in rows]


async def test_jobs_called_one_by_one_decide_send_and_seal(people, equipment, database):
    assert (await run_job("advance", equipment, today=TODAY))["people"] == 2
    assert await run_job("send", equipment, today=TODAY) == {
        "planned": 2, "acknowledged": 1, "waiting": 0, "short_of_kits": 0, "failures": 0,
    }  # fmt: skip
    assert await events(database) == [
        (OVERDUE, "reminded", "print"),
        (TESTED_NEVER, "kit_dispatched", "print"),
    ]
    sealed = await run_job("seal", equipment, today=TODAY)
    told = await verify_audit(database, today=TODAY)
    assert (told.holds, told.sealed) == (True, sealed["records"])


async def test_jobs_called_again_on_the_same_day_do_nothing_more(people, equipment, database):
    for _ in range(2):
        for name in JOBS:
            await run_job(name, equipment, today=TODAY)
        await run_job("advance", equipment, today=TODAY)
    assert len(await events(database)) == 2
    assert await database.pool.fetchval("select count(*) from sending") == 2


async def test_an_unknown_job_is_refused_with_those_there_are(equipment):
    with pytest.raises(Refused, match="advance, send, sweep, wake, seal, watch"):
        await run_job("adavnce", equipment, today=TODAY)


async def stored_by_a_killed_process(database, *, person):
    """A result that was answered and not judged."""
    await database.run(
        lambda tx: register_laboratory(tx, code="AHUS", name="Ahus", profile="extended"),
        actor=ACTOR,
        today=TODAY,
    )

    async def nobody(_persons):
        """The process dies before it judges."""

    killed = Laboratories(database, programme=PROGRAMME, today=lambda: TODAY, after_judged=nobody)
    await killed.intake.start()
    result = {
        "message_id": "R1", "person": person, "specimen": "S1", "taken_on": "2025-02-20",
        "test": "cytology", "findings": ["nilm"],
    }  # fmt: skip
    await killed.take_json(
        json.dumps(result).encode(),
        laboratory="AHUS",
        actor=Actor("lis", frozenset({Role.LABORATORY}), "AHUS"),
    )
    await killed.intake.stop()


async def test_messages_left_pending_by_a_killed_process_are_swept_up_and_followed(
    people, equipment, database
):
    await stored_by_a_killed_process(database, person=f"1391694{OVERDUE:04}")
    assert await database.pool.fetchval("select count(*) from lab_pending") == 1
    assert await run_job("wake", equipment, today=TODAY) == {"messages": 0}
    assert await run_job("sweep", equipment, today=TODAY) == {"messages": 1}
    assert await database.pool.fetchval("select count(*) from lab_pending") == 0
    assert await database.pool.fetchval("select outcome from lab_judgement") == "applied"
    decided = await database.pool.fetchrow(
        "select decided_on, last_event_id from standing where person_id = 1"
    )
    assert decided["decided_on"] == TODAY
    assert decided["last_event_id"] == await database.pool.fetchval(
        "select id from event where kind = 'tested'"
    )


async def test_the_watch_says_nothing_where_all_is_well(equipment):
    with capture_logs() as logs:
        seen = await run_job("watch", equipment, today=TODAY)
    assert not any(seen.values())
    assert logs == []


async def test_the_watch_tells_in_counts_what_is_not_as_it_should_be(people, database, url, tmp_path):
    async with open_carriers(Settings(spool=tmp_path / "nobody collects")) as carriers:
        equipment = Equipment(database, carriers)
        await run_job("advance", equipment, today=TODAY)
        await run_job("send", equipment, today=TODAY)
    await database.pool.execute(
        "insert into job_run (job, slot, state, lease_until) values ('seal', now(), 'failed', now())"
    )
    await stored_by_a_killed_process(database, person="17858097541")
    await run_job("sweep", equipment, today=TODAY)
    connection = await asyncpg.connect(url)
    await connection.execute(
        "alter table audit disable trigger all; update audit set at = at - interval '2 hours';"
        " update sending set state = 'failed' where kit is null"
    )
    await connection.close()
    with capture_logs() as logs:
        seen = await run_job("watch", equipment, today=TODAY + timedelta(days=4))
    assert seen["obligations_overdue"] == {PROGRAMME: {"dispatch_kit": 1, "remind": 1}}
    assert seen["batches_not_acknowledged"] == 1
    assert seen["letters_failed"] == 1
    assert seen["jobs_in_trouble"] == {"seal": 1}
    assert seen["audit_records_not_sealed"] > 0
    assert seen["results_in_quarantine"] == {"person_unknown": 1}
    assert [(one["log_level"], one["event"]) for one in logs] == [
        ("warning", what.replace("_", " ")) for what in seen
    ]


async def test_a_mailbox_that_cannot_be_reached_is_told_and_print_goes_on(people, database, tmp_path):
    settings = Settings(
        mailbox_url="http://127.0.0.1:9", spool=tmp_path / "spool", own_printer=True
    )  # nobody listens on the discard port
    async with open_carriers(settings) as carriers:
        assert list(carriers) == [Channel.DIGITAL, Channel.PRINT]
        equipment = Equipment(database, carriers)
        await run_job("advance", equipment, today=TODAY)
        with capture_logs() as logs:
            sent = await run_job("send", equipment, today=TODAY)
    assert (sent["failures"], sent["acknowledged"]) == (1, 1)
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["carrier failed"]
    assert await events(database) == [(TESTED_NEVER, "kit_dispatched", "print")]


async def test_a_mailbox_that_answers_is_given_what_is_for_it(people, database, tmp_path):
    taken = []

    async def mailbox(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(dict(line.lower().split(b": ") for line in head.split(b"\r\n")[1:-2])[b"content-length"])
        asked = msgspec.json.decode(await reader.readexactly(length))
        taken.extend(asked["messages"])
        answer = msgspec.json.encode({"accepted": [one["sending"] for one in asked["messages"]]})
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(answer) + answer
        )
        writer.close()

    server = await asyncio.start_server(mailbox, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    settings = Settings(mailbox_url=f"http://127.0.0.1:{port}", spool=tmp_path / "spool", own_printer=True)
    async with open_carriers(settings) as carriers:
        equipment = Equipment(database, carriers)
        await run_job("advance", equipment, today=TODAY)
        await run_job("send", equipment, today=TODAY)
    server.close()
    assert [one["letter"] for one in taken] == ["reminder"]
    assert (OVERDUE, "reminded", "digital") in await events(database)


async def test_scheduled_together_the_jobs_catch_up_at_the_start(people, database, tmp_path):
    async def done():
        return await database.pool.fetchval("select count(*) from job_run where state = 'done'")

    settings = Settings(spool=tmp_path / "spool", own_printer=True)
    async with scheduling(database, settings, today=lambda: TODAY):
        async with asyncio.timeout(30):
            while await done() < len(JOBS):  # noqa: ASYNC110  what is waited for happens in the database
                await asyncio.sleep(0.1)
    ran = await database.pool.fetch("select job from job_run order by job")
    assert [row["job"] for row in ran] == sorted(JOBS)


def test_every_job_has_a_cadence_and_every_cadence_a_job(equipment):
    assert set(Cadences.__struct_fields__) == set(JOBS)
    assert [job.name for job in scheduled_jobs(equipment, Settings())] == list(JOBS)


def test_cadences_come_from_the_environment_and_a_wrong_one_is_named(equipment, monkeypatch):
    monkeypatch.setenv("SCREENING_CADENCE_SEAL", "0 4 * * *")
    monkeypatch.setenv("SCREENING_TIME_ZONE", "Europe/Stockholm")
    jobs = {job.name: job for job in scheduled_jobs(equipment, settings_from_environment())}
    assert latest_slot(jobs["seal"].trigger, datetime(2025, 1, 1, 12, tzinfo=UTC)).hour == 3
    monkeypatch.setenv("SCREENING_CADENCE_SEAL", "at four")
    with pytest.raises(Refused, match="SCREENING_CADENCE_SEAL='at four'"):
        scheduled_jobs(equipment, settings_from_environment())
    monkeypatch.setenv("SCREENING_ACKNOWLEDGED_WITHIN", "soon")
    with pytest.raises(Refused, match="SCREENING_ACKNOWLEDGED_WITHIN"):
        settings_from_environment()


@pytest.mark.parametrize(
    ("variable", "said", "near"),
    [("SCREENING_TIME_ZONE", "Europe/Olso", "Europe/Oslo"), ("SCREENING_PROCESSING", "Q", "D, P, T")],
)
def test_a_setting_that_is_none_of_those_there_are_is_refused_with_the_nearest(
    monkeypatch, variable, said, near
):
    monkeypatch.setenv(variable, said)
    with pytest.raises(Refused, match=f"{variable}='{said}': expected one such as .*{near}"):
        settings_from_environment()
