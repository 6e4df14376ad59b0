"""Reconciling: the ledger says what was decided, whoever does it, however often."""

import asyncio
from datetime import date
from functools import partial

import asyncpg
import pytest

from screening.history.commands import append_events
from screening.history.events import News, natural_key, tested
from screening.ledger.advance import advance, advance_people, make_due
from screening.ledger.explain import explain_person
from screening.ledger.failsafe import Verified, check_failsafe, verify_page
from screening.protocols.load import family
from screening.storage.transaction import Transaction, system_actor
from screening.vocabulary import EventKind, Sample, Test

PROGRAMME = "no-cervical"
TODAY = date(2024, 6, 3)
ACTOR = system_actor("test")


async def add_woman(url, number, born=date(1980, 1, 1), sex="female"):
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into person (id, holder_id, born, sex, name, resident_since) values ($1, $1, $2, $3, 'A', $2)",
        number,
        born,
        sex,
    )
    await connection.execute(
        "insert into standing (person_id, programme, status, reason, protocol, rule, next_action_on)"
        " values ($1, $2, 'outside', 'not_decided', '', '', $3)",
        number,
        PROGRAMME,
        date(1900, 1, 1),
    )
    await connection.close()


async def record(database, person, kind, day, body, today=TODAY, supersedes=None, key="x"):
    news = News(
        person_id=person,
        kind=kind,
        occurred_on=day,
        source="test",
        programme=PROGRAMME,
        key=natural_key(person, kind, day, key),
        body=body,
        supersedes=supersedes,
    )
    return await database.run(lambda tx: append_events(tx, news=[news]), actor=ACTOR, today=today)


async def ledger(database):
    rows = await database.pool.fetch("select person_id, kind, state, subject from obligation order by id")
    return [tuple(row) for row in rows]


async def test_who_is_overdue_is_owed_a_reminder(url, database):
    await add_woman(url, 1)
    done = await advance(database, family=family(PROGRAMME), today=TODAY)
    assert (done.people, done.opened, done.statuses) == (1, 1, {"due": 1})
    assert await ledger(database) == [(1, "remind", "open", "reminder-1")]


async def test_reconciling_again_changes_nothing(url, database):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    assert (await advance(database, family=family(PROGRAMME), today=TODAY)).people == 0
    again = await database.run(
        lambda tx: advance_people(tx, family=family(PROGRAMME), persons=[1]), actor=ACTOR, today=TODAY
    )
    assert (again.people, again.opened, again.fulfilled, again.withdrawn) == (1, 0, 0, 0)


async def test_the_letter_that_was_sent_closes_what_it_answers(url, database):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    await record(database, 1, EventKind.REMINDED, TODAY, {"letter": "reminder"})
    done = await advance(database, family=family(PROGRAMME), today=TODAY)
    assert (done.fulfilled, done.statuses) == (1, {"invited": 1})
    evidence = await database.pool.fetchval(
        "select e.kind from obligation o join event e on e.id = o.closed_by"
    )
    assert evidence == "reminded"


async def test_a_result_withdraws_the_reminder_that_is_no_longer_owed(url, database):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    await record(database, 1, EventKind.TESTED, TODAY, tested(Test.HPV, ["negative"], profile="extended"))
    done = await advance(database, family=family(PROGRAMME), today=TODAY)
    assert (done.withdrawn, done.statuses) == (1, {"waiting": 1})
    assert await ledger(database) == [(1, "remind", "withdrawn", "reminder-1")]


async def test_a_correction_opens_again_what_it_undoes(url, database):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    first = await record(database, 1, EventKind.TESTED, TODAY, tested(Test.HPV, ["negative"]))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    await record(database, 1, EventKind.RESULT_WITHDRAWN, TODAY, {}, supersedes=next(iter(first.values())))
    done = await advance(database, family=family(PROGRAMME), today=TODAY)
    assert done.statuses == {"due": 1}
    assert await ledger(database) == [(1, "remind", "open", "reminder-1")]


NEGATIVE, HPV_16 = (
    tested(Test.HPV, [word], sample=Sample.SELF, profile="extended") for word in ("negative", "hpv_16")
)


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
async def test_news_of_the_same_day_that_changes_the_letter_is_told_by_the_right_letter(
    url, database, corrected, told
):
    """Another specimen of the day, or a second correction, whether or not the first letter has left."""
    day = date(2025, 3, 3)  # results have been told by letter since December 2024
    await add_woman(url, 1)
    before = None
    if corrected:
        (before,) = (await record(database, 1, EventKind.TESTED, day, HPV_16, day, key="before")).values()
    first = await record(database, 1, EventKind.TESTED, day, NEGATIVE, day, supersedes=before, key="first")
    await advance(database, family=family(PROGRAMME), today=day)
    if told:
        await record(database, 1, EventKind.RESULT_GIVEN, day, {"letter": "result_negative"}, day)
        await advance(database, family=family(PROGRAMME), today=day)
    supersedes = next(iter(first.values())) if corrected else None
    await record(database, 1, EventKind.TESTED, day, HPV_16, day, supersedes=supersedes, key="second")
    await advance(database, family=family(PROGRAMME), today=day)
    rows = "select letter, state from obligation where kind = 'give_result' order by id"
    assert [tuple(row) for row in await database.pool.fetch(rows)] == [
        ("result_negative", "fulfilled" if told else "withdrawn"),
        ("result_positive", "open"),
    ]


async def test_what_is_owed_by_another_letter_now_is_written_down_so(url, database):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    connection = await asyncpg.connect(url)
    await connection.execute("update obligation set letter = 'of_older_rules'")
    await connection.close()
    again = partial(advance_people, family=family(PROGRAMME), persons=[1])
    await database.run(again, actor=ACTOR, today=TODAY)
    assert await database.pool.fetchval("select letter from obligation") == "reminder"


async def test_the_same_news_twice_is_one_event(url, database):
    await add_woman(url, 1)
    body = tested(Test.HPV, ["negative"])
    assert len(await record(database, 1, EventKind.TESTED, TODAY, body)) == 1
    assert len(await record(database, 1, EventKind.TESTED, TODAY, body)) == 0


async def test_several_workers_share_the_people_between_them(url, database):
    for number in range(1, 41):
        await add_woman(url, number)
    done = await asyncio.gather(
        *(advance(database, family=family(PROGRAMME), today=TODAY, batch=3) for _ in range(4))
    )
    assert sum(one.people for one in done) == 40
    assert len(await ledger(database)) == 40


async def test_news_that_comes_while_a_worker_decides_is_not_put_off(url, database):
    await add_woman(url, 1)
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select * from standing for update")  # a worker holds the person
    slow = asyncio.create_task(record(database, 1, EventKind.TESTED, TODAY, tested(Test.HPV, ["negative"])))
    await asyncio.sleep(0.2)
    assert not slow.done(), "news waits for the worker, so that it is not overwritten"
    await connection.execute("update standing set next_action_on = '2030-01-01'")
    await transaction.commit()
    await slow
    await connection.close()
    assert (await advance(database, family=family(PROGRAMME), today=TODAY)).statuses == {"waiting": 1}


async def test_news_that_comes_while_a_person_is_merged_wakes_the_holder(url, database):
    merged, holder = 1, 2
    await add_woman(url, merged)
    await add_woman(url, holder)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("update person set merged_into = 2, holder_id = 2 where id = 1")
    slow = asyncio.create_task(
        record(database, merged, EventKind.TESTED, TODAY, tested(Test.HPV, ["hpv_16"], profile="extended"))
    )
    await asyncio.sleep(0.2)
    assert not slow.done(), "news waits for the merge, so that it is not acted on for the wrong entry"
    await transaction.commit()
    await slow
    await connection.close()
    await advance(database, family=family(PROGRAMME), today=TODAY)
    statuses = await database.pool.fetch("select status from standing order by person_id")
    assert statuses[1]["status"] == "in_follow_up"


async def test_nobody_is_lost_and_what_is_stored_is_what_is_decided(url, database):
    await add_woman(url, 1)
    await add_woman(url, 2, born=date(2015, 1, 1))
    await add_woman(url, 3, sex="male")
    await advance(database, family=family(PROGRAMME), today=TODAY)
    answer = await check_failsafe(database, family=family(PROGRAMME), as_of=TODAY)
    assert answer.holds
    assert (answer.population, answer.by_status["due"], answer.outside) == (1, 1, {"sex": 1, "too_young": 1})
    assert (answer.lost, answer.unreconciled, answer.verified) == (0, 0, 1)


async def test_after_a_change_of_the_rules_everyone_is_decided_again(url, database):
    """A stored decision that today's rules would not give is found by the failsafe, and mended for all."""
    await add_woman(url, 1)
    await add_woman(url, 2, born=date(2015, 1, 1))
    rules = family(PROGRAMME)
    await advance(database, family=rules, today=TODAY)
    connection = await asyncpg.connect(url)
    await connection.execute("update standing set protocol = 'no-cervical-2005-01-01'")
    await connection.close()
    assert (await check_failsafe(database, family=rules, as_of=TODAY)).disagreements == 2
    assert (await advance(database, family=rules, today=TODAY)).people == 0
    assert await make_due(database, programme=PROGRAMME, today=TODAY, actor=ACTOR, batch=1) == 2
    assert (await advance(database, family=rules, today=TODAY)).people == 2
    assert (await check_failsafe(database, family=rules, as_of=TODAY)).disagreements == 0


async def test_a_history_that_cannot_be_decided_is_set_aside_and_counted_and_holds_up_nobody(url, database):
    puzzling, plain = 1, 2
    await add_woman(url, puzzling)
    await add_woman(url, plain)
    await record(database, puzzling, EventKind.DEFERRED, TODAY, {"until": "no day", "reason": "pregnant"})
    done = await advance(database, family=family(PROGRAMME), today=TODAY)
    assert (done.people, done.set_aside, done.statuses) == (1, 1, {"due": 1})
    assert await ledger(database) == [(plain, "remind", "open", "reminder-1")]
    answer = await check_failsafe(database, family=family(PROGRAMME), as_of=TODAY)
    assert (answer.undecided, answer.holds) == (1, False)


class Interrupted(Transaction):
    """A reading during which somebody else commits, after its first query."""

    meanwhile = ""

    async def rows(self, statement, *values):
        found = await super().rows(statement, *values)
        connection = await asyncpg.connect(Interrupted.meanwhile)
        await connection.execute("update obligation set due_on = '2020-01-01'")
        await connection.close()
        return found


async def test_what_is_committed_while_the_failsafe_reads_is_no_disagreement(url, database):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    Interrupted.meanwhile = url
    async with database.transaction(actor=ACTOR, today=TODAY) as tx:
        reading = Interrupted(tx.connection, tx.actor, tx.today)
        assert await verify_page(reading, family=family(PROGRAMME), after=0) == Verified(1, 1, 0, [])


async def test_a_person_without_a_standing_is_lost(url, database):
    await add_woman(url, 1)
    connection = await asyncpg.connect(url)
    await connection.execute("delete from standing")
    await connection.close()
    answer = await check_failsafe(database, family=family(PROGRAMME), as_of=TODAY)
    assert (answer.lost, answer.holds) == (1, False)


@pytest.mark.parametrize(
    "damage",
    [
        "update standing set status = 'waiting'",
        "update obligation set due_on = '2020-01-01'",
        "update obligation set letter = 'result_negative'",
        "update standing set next_action_on = '2040-01-01'",
    ],
)
async def test_a_stored_decision_that_was_tampered_with_is_found(url, database, damage):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    connection = await asyncpg.connect(url)
    await connection.execute(damage)
    await connection.close()
    answer = await check_failsafe(database, family=family(PROGRAMME), as_of=TODAY)
    assert (answer.disagreements, answer.disagreeing, answer.holds) == (1, [1], False)


async def test_overdue_obligations_are_counted_by_kind(url, database):
    await add_woman(url, 1)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    answer = await check_failsafe(database, family=family(PROGRAMME), as_of=date(2024, 7, 1))
    assert answer.overdue == {"remind": 1}


async def test_a_decision_is_explained_as_known_on_a_day(url, database):
    await add_woman(url, 1)
    await record(
        database, 1, EventKind.TESTED, date(2024, 5, 1), tested(Test.HPV, ["hpv_16"], profile="extended")
    )
    await record(
        database,
        1,
        EventKind.TESTED,
        date(2024, 5, 1),
        tested(Test.CYTOLOGY, ["hsil"]),
        today=date(2024, 6, 10),
        key="c",
    )
    run = lambda day: database.run(  # noqa: E731
        lambda tx: explain_person(tx, person=1, family=family(PROGRAMME), known_on=day),
        actor=ACTOR,
        today=date(2024, 7, 1),
    )
    before, after = await run(date(2024, 6, 5)), await run(date(2024, 6, 20))
    assert [one["kind"] for one in before["decision"]["obligations"]] == ["obtain_triage"]
    assert after["decision"]["rule"] == "NO-CERV-2024X-02"
    assert set(after["sources"]) == {"S1", "S2"}
    assert await database.pool.fetchval("select count(*) from audit where action = 'explained'") == 2
