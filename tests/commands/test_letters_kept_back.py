"""What must not leave any more is kept back, in plain sight, until it may."""

from datetime import date, timedelta

import asyncpg
import pytest

from invitations.carriers.print_spool import PrintSpool
from invitations.sending.batches import form_batch
from invitations.sending.deliveries import Report
from invitations.sending.plan import plan_letters
from invitations.sending.states import Channel
from screening.ledger.advance import advance
from screening.protocols.load import family
from tests.commands.sending import (
    ACTOR,
    BOTH,
    PROGRAMME,
    TODAY,
    Mailbox,
    add_woman,
    deliver,
    owner,
    protect,
    send,
    sent,
    tell,
    told,
)


async def test_what_is_no_longer_owed_when_the_batch_is_formed_is_not_sent(people, database, url):
    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    connection = await asyncpg.connect(url)
    await connection.execute(
        "update obligation set state = 'withdrawn', closed_on = '2025-03-03', closed_reason = 'tested' where person_id = 1"
    )
    await connection.close()
    await database.run(lambda tx: form_batch(tx, channel=Channel.DIGITAL), actor=ACTOR, today=TODAY)
    assert await database.pool.fetchval("select count(*) from batch") == 0
    assert await database.pool.fetchval("select state from sending where person_id = 1") == "cancelled"


async def test_a_protected_address_is_given_to_no_carrier(database, url, tmp_path):
    await add_woman(url, 1, digital=False, protected=True, born=date(1998, 1, 1))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    assert (await send(database, Mailbox(), PrintSpool(tmp_path))).planned == 0
    assert await database.pool.fetchval("select count(*) from obligation where state = 'open'") == 1


async def test_a_protected_address_a_mailbox_refuses_is_not_printed_and_fails_in_plain_sight(
    database, url, tmp_path
):
    await add_woman(url, 1, protected=True, born=date(1998, 1, 1))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    for days in range(4):
        spool = PrintSpool(tmp_path, counts_itself=True)
        await send(database, Mailbox(refuses="*"), spool, TODAY + timedelta(days=days))
    assert "Storgata" not in told(tmp_path)
    assert await database.pool.fetchval("select channel || ' ' || state from sending") == "digital failed"


async def test_a_protected_address_whose_digital_letter_bounced_is_not_printed(database, url, tmp_path):
    await add_woman(url, 1, protected=True, born=date(1998, 1, 1))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    await deliver(database, Report(await database.pool.fetchval("select key from sending"), "failed", TODAY))
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    assert "Storgata" not in told(tmp_path)
    assert await database.pool.fetchval("select state from sending") == "failed"


@pytest.mark.parametrize("formed", [False, True], ids=["after planning", "while the formed batch waits"])
async def test_an_address_protected_before_its_letter_leaves_is_given_to_no_print_house(
    people, database, url, tmp_path, formed
):
    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    if formed:
        await database.run(lambda tx: form_batch(tx, channel=Channel.PRINT), actor=ACTOR, today=TODAY)
    await protect(url, person=2)
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    assert [one[0] for one in await sent(database)] == [1, 3]
    assert '"language":"en"' not in told(tmp_path)
    assert await database.pool.fetchval("select state from sending where person_id = 2") == "failed"


async def test_who_dies_before_the_mailbox_answers_is_not_written_to(people, database, url, tmp_path):
    mailbox, spool = Mailbox(away=1), PrintSpool(tmp_path, counts_itself=True)
    await send(database, mailbox, spool)
    await owner(url, "update person set died_on = $1 where id = 1", TODAY)
    await send(database, mailbox, spool)
    assert mailbox.taken == {}
    row = await database.pool.fetchrow("select state, expected from batch where channel = 'digital'")
    assert tuple(row) == ("acknowledged", 0)
    assert await database.pool.fetchval("select state from sending where person_id = 1") == "cancelled"


async def test_a_refused_letter_that_is_no_longer_owed_is_not_tried_again(people, database, url, tmp_path):
    mailbox, spool = Mailbox(refuses="*"), PrintSpool(tmp_path, counts_itself=True)
    await send(database, mailbox, spool)
    await owner(
        url,
        "update obligation set state = 'withdrawn', closed_on = '2025-03-03', closed_reason = 'opted out' where person_id = 1",
    )
    await send(database, mailbox, spool, TODAY + timedelta(days=1))
    assert mailbox.calls == 1
    assert await database.pool.fetchval("select state from sending where person_id = 1") == "cancelled"


async def test_a_bounced_reminder_is_not_printed_for_who_left_the_programme(people, database, url, tmp_path):
    spool = PrintSpool(tmp_path, counts_itself=True)
    await send(database, Mailbox(), spool)
    letter, key = await database.pool.fetchrow("select id, key from sending where person_id = 1")
    await deliver(database, Report(key, "failed", TODAY))
    await owner(url, "update standing set status = 'opted_out', next_action_on = null where person_id = 1")
    await send(database, Mailbox(), spool)
    assert await database.pool.fetchval("select state from sending where id = $1", letter) == "cancelled"


async def test_who_is_written_about_to_a_carrier_and_who_is_kept_back_is_on_record(
    people, database, url, tmp_path
):
    async def recorded(action):
        rows = await database.pool.fetch("select persons from audit where action = $1 order by id", action)
        return [person for row in rows for person in row["persons"]]

    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    await protect(url, person=2)
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    assert sorted(await recorded("gave batch to carrier")) == [1, 3]
    assert await recorded("kept back letters") == [2]


async def test_a_letter_withdrawn_before_it_left_and_owed_again_is_sent(people, database, tmp_path):
    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    await tell(database, "opted_out", scope="contact")
    await database.run(lambda tx: form_batch(tx, channel=Channel.DIGITAL), actor=ACTOR, today=TODAY)
    await tell(database, "opted_in", scope="contact")
    mailbox = Mailbox()
    for days in (0, 40, 80):
        await advance(database, family=family(PROGRAMME), today=TODAY + timedelta(days=days))
        await send(database, mailbox, PrintSpool(tmp_path, counts_itself=True), TODAY + timedelta(days=days))
    assert (1, "reminded", "digital") in await sent(database)


async def test_what_failed_is_not_tried_each_day_but_once_the_address_is_open_again(database, url, tmp_path):
    await add_woman(url, 1, digital=False, born=date(1998, 1, 1))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    await protect(url)
    spool = PrintSpool(tmp_path, counts_itself=True)
    for days in range(3):
        await send(database, Mailbox(), spool, TODAY + timedelta(days=days))
    assert await database.pool.fetchval("select count(*) from sending") == 1
    await owner(url, "update person set protected_address = false")
    assert (await send(database, Mailbox(), spool, TODAY + timedelta(days=4))).planned == 0, "no news yet"
    await tell(database, "unprotected", today=TODAY + timedelta(days=4))
    await send(database, Mailbox(), spool, TODAY + timedelta(days=4))
    assert (1, "reminded", "print") in await sent(database)


async def test_a_digital_letter_that_failed_for_a_protected_address_is_not_tried_again_each_day(
    database, url, tmp_path
):
    await add_woman(url, 1, protected=True, born=date(1998, 1, 1))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    mailbox = Mailbox(refuses="*")
    for days in range(6):
        await send(database, mailbox, PrintSpool(tmp_path, counts_itself=True), TODAY + timedelta(days=days))
    assert mailbox.calls == 2
    assert await database.pool.fetchval("select state from obligation") == "open"
