"""Three people, and what two laboratories say of their specimens."""

import io
from datetime import date

import msgspec

from analytics.world.messages import Report, hl7
from labs.service import Laboratories
from screening.people.commands import Source, load_feed
from screening.people.feed import FeedFormat
from screening.people.national_id import synthetic_numbers
from screening.storage.transaction import Actor, system_actor
from screening.vocabulary import Role

TODAY = date(2024, 6, 3)
BORN = date(1980, 5, 17)
KARI, OLA, NOBODY = (number for _, number in zip(range(3), synthetic_numbers(BORN), strict=False))
TAKEN, REPORTED = date(2024, 5, 6), date(2024, 5, 9)
ACTOR = system_actor("test")
CALLER = Actor("lis", frozenset({Role.LABORATORY}))


async def register(database, *lines):
    people = [{"born": BORN, "sex": "female", "name": "A", "municipality": "0301"} | line for line in lines]
    source = Source("test", ("no-cervical",), accept_synthetic=True)
    content = b"\n".join(msgspec.json.encode(one) for one in people)
    await load_feed(
        database, file=io.BytesIO(content), form=FeedFormat.NDJSON, source=source, actor=ACTOR, today=TODAY
    )


def another_judge(database):
    judged = []

    async def note(persons):
        judged.extend(persons)

    running = Laboratories(database, programme="no-cervical", today=lambda: TODAY, after_judged=note)
    running.judged = judged
    return running


def said(control, finding="negative", status="F", *, person=KARI, specimen="S1", lab="AHUS", test="hpv", taken=TAKEN, reported=REPORTED):  # fmt: skip
    return hl7(Report(control, lab, person, specimen, taken, reported, test, finding, status=status))


def together(control, *messages):
    """The orders of several messages in one."""
    header, patient = messages[0].split(b"\r")[:2]
    orders = [segment for one in messages for segment in one.split(b"\r")[2:-1]]
    fields = header.split(b"|")
    fields[9] = control.encode()
    return b"\r".join([b"|".join(fields), patient, *orders]) + b"\r"


async def send(laboratories, *messages):
    """Each is judged before the next arrives."""
    for one in messages:
        assert b"MSA|AA|" in await laboratories.take_hl7(one, actor=CALLER)
        await laboratories.judge_all()


async def in_force(database):
    """(specimen, test, findings) of the results that nothing supersedes."""
    rows = await database.pool.fetch(
        "select body->>'specimen' as specimen, body->>'test' as test, body->'findings' as findings from event e"
        " where kind = 'tested' and not exists (select 1 from event s where s.supersedes = e.id) order by id"
    )
    return [(row["specimen"], row["test"], *row["findings"]) for row in rows]


async def cases(database, state="open"):
    return [row["code"] for row in await database.pool.fetch("select code from quarantine where state = $1 order by id", state)]  # fmt: skip


async def outcomes(database):
    rows = await database.pool.fetch(
        "select m.control_id, j.outcome from lab_judgement j join lab_message m on m.id = j.message_id order by j.id"
    )
    return [tuple(row) for row in rows]
