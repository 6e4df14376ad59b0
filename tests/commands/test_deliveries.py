"""What carriers tell of letters and kits after they left."""

from uuid import uuid4

import msgspec
import pytest

from invitations.carriers.print_spool import PrintSpool
from invitations.sending.deliveries import Report
from invitations.sending.send import send_due
from invitations.sending.states import Channel
from screening.ledger.advance import advance
from screening.protocols.load import family
from tests.commands.sending import (
    PROGRAMME,
    TODAY,
    Mailbox,
    deliver,
    send,
    sent,
)


async def test_delivery_reports_repeated_and_out_of_order_are_counted_and_applied_once(
    people, database, tmp_path
):
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    paper = await database.pool.fetchval("select key from sending where person_id = 2")
    came_back = Report(paper, "undeliverable", TODAY)
    assert msgspec.structs.astuple(await deliver(database, came_back, came_back)) == (2, 1, 0, 1)
    counts = await deliver(
        database, Report(paper, "delivered", TODAY), came_back, Report(uuid4(), "delivered", TODAY)
    )
    assert msgspec.structs.astuple(counts) == (3, 0, 2, 1)
    assert await database.pool.fetchval("select count(*) from event where kind = 'letter_undeliverable'") == 1


async def test_a_digital_letter_nobody_received_is_printed_and_told_of_once(people, database, tmp_path):
    spool = PrintSpool(tmp_path, counts_itself=True)
    await send(database, Mailbox(), spool)
    digital, key = await database.pool.fetchrow("select id, key from sending where person_id = 1")
    await deliver(database, Report(key, "failed", TODAY))
    await send(database, Mailbox(), spool)
    assert (
        await database.pool.fetchval("select channel || ' ' || state from sending where id = $1", digital)
        == "print acknowledged"
    )
    assert [one for one in await sent(database) if one[0] == 1] == [(1, "reminded", "digital")]


async def test_a_kit_that_came_back_is_undeliverable_and_not_withdrawn(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    kit = await database.pool.fetchval("select key from sending where kit is not null")
    await deliver(database, Report(kit, "undeliverable", TODAY))
    assert await database.pool.fetchval("select state from kit") == "undeliverable"
    await advance(database, family=family(PROGRAMME), today=TODAY)
    assert await database.pool.fetchval("select status from standing where person_id = 3") == "due"


@pytest.mark.parametrize(
    ("outcome", "becomes"), [("failed", "print planned"), ("delivered", "digital delivered")]
)
async def test_a_report_that_overtakes_the_carriers_count_takes_effect_with_it(
    people, database, tmp_path, outcome, becomes
):
    only_digital = {Channel.DIGITAL: Mailbox(away=1)}
    await send_due(database, programme=PROGRAMME, carriers=only_digital, today=TODAY)
    key = await database.pool.fetchval("select key from sending where person_id = 1")
    assert msgspec.structs.astuple(await deliver(database, Report(key, outcome, TODAY))) == (1, 1, 0, 0)
    await send_due(database, programme=PROGRAMME, carriers=only_digital, today=TODAY)
    stands = await database.pool.fetchval("select channel || ' ' || state from sending where person_id = 1")
    assert stands == becomes
    assert (1, "reminded", "digital") in await sent(database)


async def test_a_mailboxs_report_told_again_is_no_news_of_the_letter_on_paper(people, database, tmp_path):
    spool = PrintSpool(tmp_path, counts_itself=True)
    await send(database, Mailbox(), spool)
    key = await database.pool.fetchval("select key from sending where person_id = 1")
    await deliver(database, Report(key, "failed", TODAY))
    await send(database, Mailbox(), spool)
    await deliver(database, Report(key, "failed", TODAY))
    stands = await database.pool.fetchval("select channel || ' ' || state from sending where person_id = 1")
    assert stands == "print acknowledged"
