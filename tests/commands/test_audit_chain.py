"""The audit chain: nothing recorded can be changed unseen, and writers never wait for it."""

import asyncio
import hashlib
import json
import random
import time
from datetime import date

import asyncpg
import pytest

from screening.refusals import Refused
from screening.service.cli import main
from screening.storage.audit import refuse_restored_copy, seal_audit, seal_pending, verify_audit
from screening.storage.chain import ORIGIN
from screening.storage.transaction import Actor, system_actor
from screening.vocabulary import Role

TODAY = date(2025, 3, 3)
NURSE = Actor("nurse", frozenset({Role.CLINICIAN}), organisation="Ullevål")
SEALER = system_actor("seal")


async def record(database, *actions):
    """Each action in a commit of its own."""
    for number, action in enumerate(actions):
        await database.run(
            lambda tx, n=number, a=action: tx.audit(a, persons=[n, n + 1], facts={"n": n, "what": "æ"}),
            actor=NURSE,
            today=TODAY,
        )


async def seal(database, **more):
    return await database.run(lambda tx: seal_audit(tx, **more), actor=SEALER, today=TODAY)


async def verify(database, **more):
    return await verify_audit(database, today=TODAY, actor=NURSE, **more)


async def tamper(url, *statements):
    """What only somebody can do who owns the whole database."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "alter table audit disable trigger all; alter table audit_seal disable trigger all"
    )
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


@pytest.fixture
def three_seals(database):
    """Three seals of two records each, and one record not sealed yet."""

    async def make():
        for _ in range(3):
            await record(database, "read person", "read timeline")
            await seal(database)
        await record(database, "read worklist")

    return make


async def test_an_untouched_chain_holds_and_says_how_much_it_covers(database, three_seals):
    await three_seals()
    told = await verify(database)
    assert told.holds
    assert (told.seals, told.sealed, told.unsealed) == (3, 6, 1)
    assert told.head == (
        await database.pool.fetchval("select max(encode(digest, 'hex')) from audit_seal where number = 3")
    )


async def test_an_empty_audit_is_not_sealed_and_holds(database):
    assert await seal(database) is None
    told = await verify(database)
    assert (told.holds, told.seals, told.head) == (True, 0, None)


async def test_sealing_again_without_news_adds_no_seal(database):
    await record(database, "read person")
    assert (await seal(database)).records == 1
    assert await seal(database) is None


async def test_the_digest_is_what_the_documentation_says(database):
    await record(database, "read person")
    made = await seal(database)
    row = await database.pool.fetchrow(
        "select id, xid, at, actor, roles, organisation, action, persons::text, facts::text from audit"
    )

    def instant(at):
        return at.isoformat().replace("+00:00", "Z")

    lines = [
        [row["id"], row["xid"], instant(row["at"]), "2025-03-03", "nurse", ["clinician"], "Ullevål", "read person",
         "{0,1}", row["facts"]],
        [1, instant(made.sealed_at), 0, made.until_xid, 1],
    ]  # fmt: skip
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    assert made.digest == hashlib.sha256(ORIGIN + text.encode()).digest()
    assert hashlib.sha256(b"screening audit chain 1").digest() == ORIGIN


@pytest.mark.parametrize(
    ("what", "statement", "problem"),
    [
        ("changed actor", "update audit set actor = 'nobody' where id = 3", "not what was sealed"),
        ("changed person", "update audit set persons = '{7}' where id = 4", "not what was sealed"),
        ("changed facts", "update audit set facts = '{}' where id = 3", "not what was sealed"),
        (
            "changed time",
            "update audit set at = at + interval '1 second' where id = 3",
            "not what was sealed",
        ),
        ("changed day", "update audit set today = '2025-03-04' where id = 3", "not what was sealed"),
        ("removed", "delete from audit where id = 3", "2 records were sealed, there are 1"),
        ("all removed", "delete from audit where id in (3, 4)", "2 records were sealed, there are 0"),
        (
            "added",
            "insert into audit (today, actor, roles, action, persons, facts, xid) select today, actor, roles, action, persons, facts, xid from audit where id = 3",
            "2 records were sealed, there are 3",
        ),
        (
            "reordered",
            "with two as (select id, xid from audit where id in (3, 4)) update audit a set xid = t.xid from two t where a.id in (3, 4) and t.id = 7 - a.id",
            "not what was sealed",
        ),
    ],
)
async def test_what_was_tampered_with_is_found_and_its_seal_named(
    database, url, three_seals, what, statement, problem
):
    await three_seals()
    await tamper(url, statement)
    told = await verify(database)
    assert not told.holds
    assert [one.seal for one in told.broken] == [2]
    assert problem in told.broken[0].problem


@pytest.mark.parametrize(
    ("statement", "seals"),
    [
        ("update audit_seal set records = 3 where number = 2", [2]),
        ("update audit_seal set sealed_at = now() where number = 2", [2]),
        ("update audit_seal set digest = sha256('x') where number = 2", [2, 3]),
        ("delete from audit_seal where number = 2", [3]),
        ("delete from audit_seal where number = 1", [2]),
        ("update audit_seal set until_xid = from_xid where number = 2", [2, 3]),
    ],
)
async def test_a_seal_that_was_tampered_with_is_found(database, url, three_seals, statement, seals):
    await three_seals()
    await tamper(url, statement)
    assert [one.seal for one in (await verify(database)).broken] == seals


async def test_a_chain_made_anew_is_told_by_a_digest_kept_elsewhere(database, url):
    await record(database, "read person", "read timeline")
    kept = await seal_pending(database, today=TODAY)
    await tamper(url, "update audit set actor = 'nobody'", "delete from audit_seal")
    assert [one.seal for one in (await verify(database, kept={kept.number: kept.digest})).broken] == [1]
    await seal(database)
    assert (await verify(database)).holds
    told = await verify(database, kept={kept.number: kept.digest})
    assert [(one.seal, one.problem) for one in told.broken] == [
        (1, "is not the seal whose digest was kept elsewhere")
    ]


async def test_a_record_of_a_transaction_under_way_waits_for_the_next_seal_and_delays_no_writer(database):
    async with database.transaction(actor=NURSE, today=TODAY) as slow:
        await slow.audit("began early")
        await record(database, "began late, ended first")
        assert await seal(database) is None, "whatever began after a transaction under way is not settled yet"
    assert (await seal(database)).records == 2
    assert (await verify(database)).holds


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_with_slow_writers_and_rollbacks_every_committed_record_is_sealed_once(database, seed):
    rng = random.Random(seed)
    committed = 0

    async def writer():
        nonlocal committed
        for _ in range(12):
            try:
                async with database.transaction(actor=NURSE, today=TODAY) as tx:
                    for _ in range(rng.randint(1, 3)):
                        await tx.audit("read person")
                        await asyncio.sleep(rng.choice([0, 0, 0.001, 0.05]))
                    if rng.random() < 0.2:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                continue
            committed += 1

    async def sealer():
        while not done.is_set():
            await seal(database, size=rng.randint(1, 5))
            await asyncio.sleep(0.002)

    done = asyncio.Event()
    sealing = asyncio.create_task(sealer())
    await asyncio.gather(*(writer() for _ in range(4)))
    done.set()
    await sealing
    await seal_pending(database, today=TODAY)
    assert committed > 20
    sealed = await database.pool.fetch(
        "select a.id, count(s.number) as times from audit a"
        " left join audit_seal s on a.xid >= s.from_xid and a.xid < s.until_xid group by a.id"
    )
    assert len(sealed) >= committed
    assert {row["times"] for row in sealed} == {1}
    told = await verify(database)
    assert (told.holds, told.sealed, told.unsealed) == (True, len(sealed), 0)
    assert told.seals > 3


async def test_of_two_sealers_at_once_one_seals(database):
    await record(database, "read person", "read timeline")
    made = await asyncio.gather(*(seal(database) for _ in range(4)))
    assert [one.records for one in made if one is not None] == [2]
    assert (await verify(database)).holds


async def test_a_seal_ends_with_a_whole_transaction(database):
    async with database.transaction(actor=NURSE, today=TODAY) as tx:
        for _ in range(5):
            await tx.audit("read person")
    await record(database, "read timeline")
    assert [(await seal(database, size=2)).records for _ in range(2)] == [5, 1]


async def test_the_application_cannot_take_back_a_seal(database):
    await record(database, "read person")
    await seal(database)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.pool.execute("delete from audit_seal")


async def test_a_copy_restored_into_a_new_server_is_refused_before_it_breaks_the_chain(database, url):
    await record(database, "read person")
    await seal(database)
    await tamper(url, "update audit_seal set until_xid = '99999999'")
    for work in (seal_audit, refuse_restored_copy):
        with pytest.raises(Refused, match="pg_resetwal") as refused:
            await database.run(work, actor=SEALER, today=TODAY)
        assert refused.value.code == "transaction_ids_behind"


async def test_a_hundred_thousand_records_are_sealed_and_verified_in_seconds(database):
    await database.pool.execute(
        "insert into audit (today, actor, roles, organisation, action, persons, facts)"
        " select $1, 'nurse', '{clinician}', 'Ullevål', 'read person', array[n], jsonb_build_object('kind', n % 7)"
        "   from generate_series(1, 100000) n",
        TODAY,
    )
    began = time.perf_counter()
    sealed = await seal_pending(database, today=TODAY)
    told = await verify(database)
    ended = time.perf_counter()
    assert (sealed.records, told.sealed, told.holds) == (100000, 100000, True)
    assert ended - began < 30


async def test_of_nothing_sealed_it_is_not_said_that_it_holds(url, database, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", url)
    await record(database, "read person")
    assert await asyncio.to_thread(main, ["audit", "verify"]) == 0
    told = capsys.readouterr().out
    assert "nothing is sealed yet" in told
    assert "1 records not sealed yet" in told
    assert "holds" not in told
