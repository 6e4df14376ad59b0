"""Sending: each letter and kit exactly once, whatever breaks in between."""

import asyncio
from datetime import date, timedelta

import pytest

from invitations.carriers.carrier import Receipt
from invitations.carriers.print_spool import PrintSpool
from invitations.sending import batches
from invitations.sending.batches import acknowledge_batch
from invitations.sending.plan import plan_kits, plan_letters
from invitations.sending.send import send_due
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
    owner,
    send,
    sent,
)


async def test_everything_due_is_sent_once_by_the_right_channel(people, database, tmp_path):
    mailbox, spool = Mailbox(), PrintSpool(tmp_path, counts_itself=True)
    report = await send(database, mailbox, spool)
    assert (report.planned, report.acknowledged, report.failures) == (3, 2, ())
    assert await sent(database) == [
        (1, "reminded", "digital"),
        (2, "reminded", "print"),
        (3, "kit_dispatched", "print"),
    ]
    assert (await send(database, mailbox, spool)).planned == 0
    assert len(await sent(database)) == 3
    assert await database.pool.fetchval("select count(*) from obligation where state = 'open'") == 0


async def test_the_letter_that_leaves_is_the_one_that_is_owed_by_then(people, url, database, tmp_path):
    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    await owner(url, "update obligation set letter = 'second_reminder' where letter = 'reminder'")
    mailbox = Mailbox()
    await send(database, mailbox, PrintSpool(tmp_path, counts_itself=True))
    assert {item.letter.template for item in mailbox.taken.values()} == {"second_reminder"}


async def test_a_batch_waits_for_the_print_houses_count(people, database, tmp_path):
    mailbox, spool = Mailbox(), PrintSpool(tmp_path)
    assert (await send(database, mailbox, spool)).waiting == 1
    assert [one[0] for one in await sent(database)] == [1]
    folder = next(tmp_path.iterdir())
    (folder / "receipt.json").write_text(f'{{"batch": "{folder.name}", "received": 2}}')
    assert (await send(database, mailbox, spool)).acknowledged == 1
    assert len(await sent(database)) == 3


async def test_a_mailbox_that_is_away_loses_nothing(people, database, tmp_path):
    mailbox, spool = Mailbox(away=1), PrintSpool(tmp_path, counts_itself=True)
    first = await send(database, mailbox, spool)
    assert first.failures
    assert [one[0] for one in await sent(database)] == [2, 3]
    await send(database, mailbox, spool)
    assert len(await sent(database)) == 3
    assert len(mailbox.taken) == 1


async def test_a_refused_message_is_tried_again_and_then_printed(people, database, tmp_path):
    mailbox, spool = Mailbox(refuses="*"), PrintSpool(tmp_path, counts_itself=True)
    for days in range(3):
        await send(database, mailbox, spool, TODAY + timedelta(days=days))
    assert mailbox.calls == 2
    assert (1, "reminded", "print") in await sent(database)


async def test_a_crash_between_handing_over_and_writing_it_down_sends_nothing_twice(
    people, database, tmp_path
):
    mailbox = Mailbox()

    class Dying:
        async def hand_over(self, outgoing):
            await mailbox.hand_over(outgoing)
            raise asyncio.CancelledError  # the process dies after the carrier took it

    with pytest.raises(asyncio.CancelledError):
        await send_due(database, programme=PROGRAMME, carriers={Channel.DIGITAL: Dying()}, today=TODAY)
    assert await sent(database) == []
    assert (await send(database, mailbox, PrintSpool(tmp_path))).planned == 0
    assert len(mailbox.taken) == mailbox.calls == 1, "the dead sender still has the batch in hand"
    await database.pool.execute("update batch set lease_until = now() - interval '1 second'")
    await send(database, mailbox, PrintSpool(tmp_path, counts_itself=True))
    assert len(mailbox.taken) == 1
    assert len(await sent(database)) == 3


async def test_two_senders_at_once_plan_and_batch_each_letter_once(people, database, tmp_path):
    mailbox, spool = Mailbox(), PrintSpool(tmp_path, counts_itself=True)
    await asyncio.gather(send(database, mailbox, spool), send(database, mailbox, spool))
    assert len(await sent(database)) == 3
    assert await database.pool.fetchval("select count(*) from sending") == 3
    assert await database.pool.fetchval("select count(*) from kit") == 1


async def test_who_binds_kits_beside_another_waits_and_binds_none_twice(people, database):
    bound, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(tx):
        done = await plan_kits(tx, programme=PROGRAMME)
        bound.set()
        await go_on.wait()
        return done

    first = asyncio.create_task(database.run(slowly, actor=ACTOR, today=TODAY))
    await bound.wait()
    second = asyncio.create_task(
        database.run(lambda tx: plan_kits(tx, programme=PROGRAMME), actor=ACTOR, today=TODAY)
    )
    while not await database.pool.fetchval("select exists (select 1 from pg_locks where not granted)"):
        assert not second.done(), (
            "it asked who is owed a kit before the first had written down whose kit it has"
        )
        await asyncio.sleep(0.01)
    go_on.set()
    assert [(await planner).kits for planner in (first, second)] == [1, 0]


async def test_without_a_digital_mailbox_in_use_everyone_is_written_to_on_paper(
    people, database, url, tmp_path
):
    await add_woman(url, 4, protected=True, born=date(1998, 1, 1))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    only_print = {Channel.PRINT: PrintSpool(tmp_path, counts_itself=True)}
    await send_due(database, programme=PROGRAMME, carriers=only_print, today=TODAY)
    assert [(person, channel) for person, _, channel in await sent(database)] == [
        (1, "print"),
        (2, "print"),
        (3, "print"),
    ]
    owed = await database.pool.fetch("select person_id from obligation o where state = 'open' and not exists"
                                     " (select 1 from sending s where s.obligation_id = o.id)")  # fmt: skip
    assert [row[0] for row in owed] == [4], "a protected address is given to no print house; she stays owed"


async def test_a_letter_planned_for_a_mailbox_that_is_no_longer_used_is_printed(people, database, tmp_path):
    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    only_print = {Channel.PRINT: PrintSpool(tmp_path, counts_itself=True)}
    await send_due(database, programme=PROGRAMME, carriers=only_print, today=TODAY)
    assert (1, "reminded", "print") in await sent(database)


async def test_acknowledging_twice_has_no_second_effect(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path))
    number = await database.pool.fetchval("select id from batch where channel = 'print'")
    for _ in range(2):
        await database.run(
            lambda tx: acknowledge_batch(tx, batch=number, receipt=Receipt(2)), actor=ACTOR, today=TODAY
        )
    assert len(await sent(database)) == 3


async def test_a_batch_another_sender_has_in_hand_is_not_handed_over_beside_it(people, database):
    taken, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Mailbox):
        async def hand_over(self, outgoing):
            taken.set()
            await go_on.wait()
            return await super().hand_over(outgoing)

    slow, other = Slow(), Mailbox()
    first = asyncio.create_task(
        send_due(database, programme=PROGRAMME, carriers={Channel.DIGITAL: slow}, today=TODAY)
    )
    await taken.wait()
    await send_due(database, programme=PROGRAMME, carriers={Channel.DIGITAL: other}, today=TODAY)
    go_on.set()
    assert (await first).acknowledged == 1
    assert (slow.calls, other.calls) == (1, 0)


async def test_forming_a_batch_reads_what_is_planned_and_not_all_that_was_ever_sent(database, url):
    for statement in (
        (
            "insert into person (id, holder_id, born, sex, name, address)"
            " select n, n, '1980-01-01', 'female', 'x', 'a' from generate_series(1, 2000) n"
        ),
        (
            "insert into obligation (person_id, programme, episode, kind, subject, opened_on, due_on, rule, letter)"
            " select 1 + n % 2000, 'no-cervical', '2024-01-01', 'remind', 's' || n / 2000, '2024-01-01', '2024-01-01',"
            " 'r', 'reminder' from generate_series(0, 29999) n"
        ),
        (
            "insert into sending (obligation_id, person_id, programme, kind, letter, language, channel, state, not_before,"
            " planned_on, changed_on) select id, person_id, programme, kind, 'reminder', 'nb', 'print',"
            " case when id % 300 = 0 then 'planned' else 'acknowledged' end, '2024-01-01', '2024-01-01', '2024-01-01'"
            " from obligation"
        ),
        "analyze person, obligation, sending",
    ):
        await owner(url, statement)
    plan = await database.pool.fetch(f"explain (costs off) {batches._CLAIM}", Channel.PRINT, TODAY, 500)
    told = "\n".join(row[0] for row in plan)
    assert "Index Scan using ix_sending_planned" in told
    assert "Sort" not in told
    assert "Seq Scan on obligation" not in told
