"""Sending: each letter and kit exactly once, whatever breaks in between."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from invitations.carriers.carrier import CarrierFailed, Item, Outgoing, Receipt
from invitations.carriers.print_spool import PrintSpool
from invitations.kits.barcode import is_barcode
from invitations.kits.commands import note_analysed, record_kit_news, register_lot
from invitations.kits.states import KitNews
from invitations.letters.render import Letter
from invitations.sending.batches import acknowledge_batch, form_batch
from invitations.sending.deliveries import Report, record_deliveries
from invitations.sending.plan import plan_kits, plan_letters
from invitations.sending.send import send_due
from invitations.sending.states import Channel
from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.ledger.advance import advance
from screening.protocols.load import family
from screening.refusals import Conflict, Refused
from screening.storage.transaction import system_actor
from screening.vocabulary import Role

PROGRAMME = "no-cervical"
TODAY = date(2025, 3, 3)
ACTOR = system_actor("test")
BOTH = (Channel.DIGITAL, Channel.PRINT)


class Mailbox:
    """A mailbox that remembers what it took by `sending`, as the real one must; may refuse or be away."""

    def __init__(self, refuses=(), away=0):
        self.taken, self.calls, self.refuses, self.away = {}, 0, set(refuses), away

    async def hand_over(self, outgoing):
        self.calls += 1
        if self.away:
            self.away -= 1
            raise CarrierFailed("away")
        good = [
            item for item in outgoing.items if item.sending not in self.refuses and "*" not in self.refuses
        ]
        self.taken |= {item.sending: item for item in good}
        return Receipt(len(good), {item.sending: "no mailbox" for item in outgoing.items if item not in good})


async def add_woman(url, number, *, digital=True, born=date(1980, 1, 1), protected=False, language="nb"):
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into person (id, holder_id, born, sex, name, language, address, postcode, post_town, resident_since, digital_mailbox, protected_address)"
        " values ($1, $1, $2, 'female', 'Kari Prøve', $5, 'Storgata 1', '0155', 'OSLO', $2, $3, $4)",
        number,
        born,
        digital,
        protected,
        language,
    )
    await connection.execute("insert into identity values ('NO', $1, $2)", f"1391694{number:04}", number)
    await connection.execute(
        "insert into standing (person_id, programme, status, reason, protocol, rule, next_action_on)"
        " values ($1, $2, 'outside', 'not_decided', '', '', '1900-01-01')",
        number,
        PROGRAMME,
    )
    await connection.close()


@pytest_asyncio.fixture
async def people(url, database, tmp_path):
    """Two overdue women (one digital, one on paper) and one with ten years without a sample."""
    await add_woman(url, 1, born=date(1998, 1, 1))
    await add_woman(url, 2, born=date(1998, 1, 1), digital=False, language="en")
    await add_woman(url, 3, born=date(1970, 1, 1))
    await database.run(
        lambda tx: register_lot(tx, lot="L1", expires_on=date(2026, 1, 1), quantity=5),
        actor=ACTOR,
        today=TODAY,
    )
    await advance(database, family=family(PROGRAMME), today=TODAY)


async def send(database, mailbox, spool, today=TODAY):
    carriers = {Channel.DIGITAL: mailbox, Channel.PRINT: spool}
    report = await send_due(database, programme=PROGRAMME, carriers=carriers, today=today)
    await advance(database, family=family(PROGRAMME), today=today)
    return report


async def sent(database):
    rows = await database.pool.fetch(
        "select person_id, kind, body->>'channel' from event order by person_id, id"
    )
    return [tuple(row) for row in rows]


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


async def test_the_spool_holds_a_letter_a_page_and_a_manifest_that_counts_them(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    folder = next(tmp_path.iterdir())
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    assert manifest["count"] == len(manifest["items"]) == 2
    assert {item["language"] for item in manifest["items"]} == {"nb", "en"}
    assert is_barcode(next(item["kit"] for item in manifest["items"] if item["kit"]))
    assert sorted(path.name for path in folder.glob("*.pdf")) == ["letters-en.pdf", "letters-nb.pdf"]


async def test_a_batch_waits_for_the_print_houses_count(people, database, tmp_path):
    mailbox, spool = Mailbox(), PrintSpool(tmp_path)
    assert (await send(database, mailbox, spool)).waiting == 1
    assert [one[0] for one in await sent(database)] == [1]
    folder = next(tmp_path.iterdir())
    (folder / "receipt.json").write_text(f'{{"batch": "{folder.name}", "received": 2}}')
    assert (await send(database, mailbox, spool)).acknowledged == 1
    assert len(await sent(database)) == 3


async def test_a_count_that_differs_is_not_taken_for_sent(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path))
    folder = next(tmp_path.iterdir())
    (folder / "receipt.json").write_text(f'{{"batch": "{folder.name}", "received": 1}}')
    report = await send(database, Mailbox(), PrintSpool(tmp_path))
    assert report.waiting == 1
    assert [one[0] for one in await sent(database)] == [1]
    row = await database.pool.fetchrow("select state, trouble from batch where channel = 'print'")
    assert tuple(row) == ("mismatched", "carrier counted 1, given 2")


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


async def test_what_is_no_longer_owed_when_the_batch_is_formed_is_not_sent(people, database, url):
    await database.run(
        lambda tx: plan_letters(tx, programme=PROGRAMME, channels=BOTH), actor=ACTOR, today=TODAY
    )
    connection = await asyncpg.connect(url)
    await connection.execute(
        "update obligation set state = 'withdrawn', closed_on = '2025-03-03', closed_reason = 'tested' where person_id = 1"
    )
    await connection.close()
    assert (
        await database.run(lambda tx: form_batch(tx, channel=Channel.DIGITAL), actor=ACTOR, today=TODAY)
        is None
    )
    assert await database.pool.fetchval("select state from sending where person_id = 1") == "cancelled"


async def test_a_protected_address_is_given_to_no_carrier(database, url, tmp_path):
    await add_woman(url, 1, digital=False, protected=True, born=date(1998, 1, 1))
    await advance(database, family=family(PROGRAMME), today=TODAY)
    assert (await send(database, Mailbox(), PrintSpool(tmp_path))).planned == 0
    assert await database.pool.fetchval("select count(*) from obligation where state = 'open'") == 1


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


async def test_without_a_lot_that_lasts_kits_stay_owed_and_the_shortfall_is_told(
    people, database, url, tmp_path
):
    connection = await asyncpg.connect(url)
    await connection.execute("update kit_lot set expires_on = '2025-05-01'")
    await connection.close()
    assert (await send(database, Mailbox(), PrintSpool(tmp_path))).short_of_kits == 1
    assert await database.pool.fetchval("select kind from obligation where state = 'open'") == "dispatch_kit"


async def deliver(database, *reports):
    return await database.run(lambda tx: record_deliveries(tx, reports=reports), actor=ACTOR, today=TODAY)


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


async def test_an_unwritable_spool_is_told_and_nothing_is_lost(people, database, tmp_path):
    blocked = tmp_path / "spool"
    blocked.write_text("a file where the folder should be")
    report = await send(database, Mailbox(), PrintSpool(blocked))
    assert any("print spool" in failure for failure in report.failures)
    assert await database.pool.fetchval("select count(*) from sending where state = 'handed'") == 2


async def test_acknowledging_twice_has_no_second_effect(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path))
    number = await database.pool.fetchval("select id from batch where channel = 'print'")
    for _ in range(2):
        await database.run(
            lambda tx: acknowledge_batch(tx, batch=number, receipt=Receipt(2)), actor=ACTOR, today=TODAY
        )
    assert len(await sent(database)) == 3


def told(folder):
    """Everything a print house was told by the batches in its folder."""
    return "".join(path.read_text() for path in folder.glob("*/manifest.json"))


async def protect(url, *, person=1):
    await owner(url, "update person set protected_address = true where id = $1", person)


async def owner(url, statement, *values):
    connection = await asyncpg.connect(url)
    await connection.execute(statement, *values)
    await connection.close()


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


async def tell(database, kind, *, person=1, today=TODAY, **body):
    news = News(
        person_id=person, kind=kind, occurred_on=today, source="test", key=natural_key("test", kind, today),
        programme=PROGRAMME, body=body,
    )  # fmt: skip
    await database.run(lambda tx: append_events(tx, news=[news]), actor=ACTOR, today=today)
    await advance(database, family=family(PROGRAMME), today=today)


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


async def kit_news(database, barcode, what):
    return await database.run(
        lambda tx: record_kit_news(tx, barcode=barcode, news=what, on=TODAY), actor=ACTOR, today=TODAY
    )


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


def letters(*persons):
    """A batch of reminders, as a carrier is given it."""
    written = Letter(programme=PROGRAMME, template="reminder", language="nb", written_on=TODAY, address=["a"])
    items = [
        Item(sending=uuid4(), letter=written, name=name, address="x", postcode="1", post_town="y")
        for name in persons
    ]
    return Outgoing(uuid4(), 1, TODAY, items)


async def test_a_batch_of_the_same_number_from_a_restored_backup_is_another_batch(tmp_path):
    spool = PrintSpool(tmp_path, counts_itself=True)
    await spool.hand_over(letters("Kari"))
    await spool.hand_over(letters("Ola"))
    assert all(name in told(tmp_path) for name in ("Kari", "Ola"))


async def test_a_receipt_for_other_letters_is_not_believed(tmp_path):
    first, other = letters("Kari"), letters("Ola")
    spool = PrintSpool(tmp_path)
    await spool.hand_over(first)
    folder = tmp_path / str(first.batch)
    (folder / "receipt.json").write_text(f'{{"batch": "{first.batch}", "received": 1}}')
    assert await spool.hand_over(first) == Receipt(1)
    with pytest.raises(CarrierFailed, match="other letters"):
        await spool.hand_over(msgspec.structs.replace(first, items=other.items))
    (folder / "receipt.json").write_text(f'{{"batch": "{other.batch}", "received": 1}}')
    with pytest.raises(CarrierFailed, match="counts batch"):
        await spool.hand_over(first)


async def test_many_that_spool_the_same_batch_at_once_leave_one_whole_folder(tmp_path):
    batch = letters(*(f"Kari {number}" for number in range(20)))
    spools = [PrintSpool(tmp_path, counts_itself=True) for _ in range(4)]
    assert await asyncio.gather(*(spool.hand_over(batch) for spool in spools)) == [Receipt(20)] * 4
    assert [path.name for path in tmp_path.iterdir()] == [str(batch.batch)]
    assert sorted(path.name for path in (tmp_path / str(batch.batch)).iterdir()) == [
        "letters-nb.pdf",
        "manifest.json",
    ]


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


async def test_a_mailbox_that_names_other_letters_than_it_was_given_is_not_believed(people, database):
    class Confused:
        async def hand_over(self, outgoing):
            return Receipt(len(outgoing.items), {}, frozenset(uuid4() for _ in outgoing.items))

    await send_due(database, programme=PROGRAMME, carriers={Channel.DIGITAL: Confused()}, today=TODAY)
    assert await sent(database) == []
    assert "it names 1 that were not" in await database.pool.fetchval("select trouble from batch")


async def test_a_mismatched_batch_is_settled_by_naming_what_was_rejected(
    people, database, run_platform, tmp_path
):
    spool = PrintSpool(tmp_path)
    await send(database, Mailbox(), spool)
    folder = next(tmp_path.iterdir())
    (folder / "receipt.json").write_text(f'{{"batch": "{folder.name}", "received": 1}}')
    await send(database, Mailbox(), spool)
    batch = await database.pool.fetchval("select id from batch where state = 'mismatched'")
    key = await database.pool.fetchval("select key from sending where person_id = 2")
    async with run_platform(today=TODAY) as platform, platform.caller(Role.SCHEDULER) as print_house:
        body = {"count": 1, "rejected": [{"sending": str(key), "reason": "address torn off"}]}
        answer = await print_house.post(f"/batches/{batch}/acknowledge", json=body)
    assert answer.json() == {"batch": batch, "state": "acknowledged"}
    assert [one[0] for one in await sent(database)] == [1, 3]
    assert await database.pool.fetchval("select state from sending where person_id = 2") == "planned"
