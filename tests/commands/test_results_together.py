"""Results that come together: one commit, one answer a line, in their order."""

from datetime import date

import asyncpg
import msgspec
import pytest_asyncio

from labs.commands import register_laboratory
from labs.service import Laboratories
from screening.storage.transaction import Actor, system_actor
from screening.vocabulary import Role

TODAY = date(2024, 6, 3)
AHUS = Actor("ahus-lis", frozenset({Role.LABORATORY}), "AHUS")


@pytest_asyncio.fixture
async def laboratories(database):
    await database.run(
        lambda tx: register_laboratory(tx, code="AHUS", name="Ahus", profile="extended"),
        actor=system_actor("test"),
        today=TODAY,
    )

    async def nobody(_persons):
        return None

    running = Laboratories(database, programme="no-cervical", today=lambda: TODAY, after_judged=nobody)
    await running.intake.start()
    yield running
    await running.intake.stop()


def line(message, finding="negative"):
    return msgspec.json.encode(
        {"message_id": message, "person": "1", "specimen": f"S{message}", "taken_on": "2024-05-06", "test": "hpv",
         "findings": [finding]}
    )  # fmt: skip


async def take(laboratories, *lines):
    stored = await laboratories.take_many(lines, laboratory="AHUS", actor=AHUS)
    return [(one.reading.control_id, str(one.reading.verdict), one.duplicate) for one in stored]


async def test_each_line_is_answered_in_its_place(laboratories, database):
    told = await take(laboratories, line("A"), b"{", line("B"), line("A"), line("B", "hpv_16"), line("C"))
    assert told == [
        ("A", "AA", False),
        ("", "AR", False),
        ("B", "AA", False),
        ("A", "AA", True),
        ("B", "AR", False),
        ("C", "AA", False),
    ]
    kept = await database.pool.fetch("select control_id from lab_message where verdict = 'AA' order by id")
    assert [row["control_id"] for row in kept] == ["A", "B", "C"]


async def test_they_share_one_commit_and_one_audit_record(laboratories, database):
    await take(laboratories, *(line(str(number)) for number in range(300)))
    assert await database.pool.fetchval("select count(distinct received_at) from lab_message") == 1
    assert (
        await database.pool.fetchval("select facts->>'messages' from audit where action = 'stored messages'")
        == "300"
    )


async def test_more_than_share_a_commit_are_taken_all_the_same(laboratories, database):
    told = await take(laboratories, *(line(str(number)) for number in range(2500)))
    assert {verdict for _, verdict, _ in told} == {"AA"}
    assert await database.pool.fetchval("select count(*) from lab_pending") == 2500


async def test_messages_are_taken_again_after_the_connection_was_lost(laboratories, database, url):
    await laboratories.take_json(line("A"), laboratory="AHUS", actor=AHUS)
    owner = await asyncpg.connect(url)
    ended = await owner.fetchval(
        "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await owner.close()
    assert ended > 0
    stored = await laboratories.take_json(line("B"), laboratory="AHUS", actor=AHUS)
    assert str(stored.reading.verdict) == "AA"
