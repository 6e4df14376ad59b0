"""What the tests of sending share: a mailbox, women to write to, and the ways to look."""

from datetime import date
from uuid import uuid4

import asyncpg

from invitations.carriers.carrier import CarrierFailed, Item, Outgoing, Receipt
from invitations.kits.commands import record_kit_news
from invitations.letters.render import Letter
from invitations.sending.deliveries import record_deliveries
from invitations.sending.send import send_due
from invitations.sending.states import Channel
from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.ledger.advance import advance
from screening.protocols.load import family
from screening.storage.transaction import system_actor

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


async def deliver(database, *reports):
    return await database.run(lambda tx: record_deliveries(tx, reports=reports), actor=ACTOR, today=TODAY)


def told(folder):
    """Everything a print house was told by the batches in its folder."""
    return "".join(path.read_text() for path in folder.glob("*/manifest.json"))


async def protect(url, *, person=1):
    await owner(url, "update person set protected_address = true where id = $1", person)


async def owner(url, statement, *values):
    connection = await asyncpg.connect(url)
    await connection.execute(statement, *values)
    await connection.close()


async def tell(database, kind, *, person=1, today=TODAY, **body):
    news = News(
        person_id=person, kind=kind, occurred_on=today, source="test", key=natural_key("test", kind, today),
        programme=PROGRAMME, body=body,
    )  # fmt: skip
    await database.run(lambda tx: append_events(tx, news=[news]), actor=ACTOR, today=today)
    await advance(database, family=family(PROGRAMME), today=today)


async def kit_news(database, barcode, what):
    return await database.run(
        lambda tx: record_kit_news(tx, barcode=barcode, news=what, on=TODAY), actor=ACTOR, today=TODAY
    )


def letters(*persons):
    """A batch of reminders, as a carrier is given it."""
    written = Letter(programme=PROGRAMME, template="reminder", language="nb", written_on=TODAY, address=["a"])
    items = [
        Item(sending=uuid4(), letter=written, name=name, address="x", postcode="1", post_town="y")
        for name in persons
    ]
    return Outgoing(uuid4(), 1, TODAY, items)
