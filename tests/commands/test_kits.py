"""A kit is bound to one person, and its way never runs backwards."""

import asyncio

import asyncpg
import pytest

from invitations.carriers.print_spool import PrintSpool
from invitations.kits.commands import note_analysed, record_kit_news
from invitations.kits.states import KitNews
from invitations.sending.plan import plan_kits
from screening.refusals import Conflict, Refused
from tests.commands.sending import (
    ACTOR,
    PROGRAMME,
    TODAY,
    Mailbox,
    kit_news,
    owner,
    send,
)


async def test_without_a_lot_that_lasts_kits_stay_owed_and_the_shortfall_is_told(
    people, database, url, tmp_path
):
    connection = await asyncpg.connect(url)
    await connection.execute("update kit_lot set expires_on = '2025-05-01'")
    await connection.close()
    assert (await send(database, Mailbox(), PrintSpool(tmp_path))).short_of_kits == 1
    assert await database.pool.fetchval("select kind from obligation where state = 'open'") == "dispatch_kit"


async def test_a_kits_way_back_is_recorded_once_and_never_runs_backwards(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    kit = await database.pool.fetchval("select barcode from kit")

    async def news(what):
        return await database.run(
            lambda tx: record_kit_news(tx, barcode=kit, news=what, on=TODAY), actor=ACTOR, today=TODAY
        )

    assert (await news(KitNews.RETURNED)).duplicate is False
    assert (await news(KitNews.RETURNED)).duplicate is True
    await news(KitNews.RECEIVED)
    with pytest.raises(Conflict, match="returned cannot happen"):
        await news(KitNews.RETURNED)
    assert await database.pool.fetchval("select count(*) from event where kind like 'kit_re%'") == 2


async def test_a_barcode_with_a_wrong_check_digit_is_refused(database):
    with pytest.raises(Refused, match="scan it again"):
        await database.run(
            lambda tx: record_kit_news(tx, barcode="NO00001234541", news=KitNews.RETURNED, on=TODAY),
            actor=ACTOR,
            today=TODAY,
        )


async def test_a_kit_that_was_replaced_may_still_come_back(people, database, url, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    given_up = await database.pool.fetchval("select barcode from kit")
    await owner(
        url,
        "insert into obligation (person_id, programme, episode, kind, subject, opened_on, due_on, rule, letter)"
        " values (3, $1, $2, 'replace_kit', 'another', $2, $2, 'R', 'kit_replacement')",
        PROGRAMME, TODAY,
    )  # fmt: skip
    planned = await database.run(lambda tx: plan_kits(tx, programme=PROGRAMME), actor=ACTOR, today=TODAY)
    assert planned.kits == 1
    await kit_news(database, given_up, KitNews.RETURNED)
    states = await database.pool.fetch("select state from kit order by barcode")
    assert [row[0] for row in states] == ["returned", "ordered"]


async def test_a_kit_analysed_at_the_moment_it_is_told_received_stays_analysed(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    kit = await database.pool.fetchval("select barcode from kit")
    moved, go_on = asyncio.Event(), asyncio.Event()

    async def analyse(tx):
        await note_analysed(tx, barcodes=[kit])
        moved.set()
        await go_on.wait()

    analysing = asyncio.create_task(database.run(analyse, actor=ACTOR, today=TODAY))
    await moved.wait()
    told = asyncio.create_task(kit_news(database, kit, KitNews.RECEIVED))
    await asyncio.sleep(0.3)
    go_on.set()
    await analysing
    with pytest.raises(Conflict, match="received cannot happen"):
        await told
    assert await database.pool.fetchval("select state from kit") == "analysed"
