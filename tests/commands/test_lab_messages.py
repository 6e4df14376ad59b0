"""Results: every message stored, answered, and ended as an event, as known, or as an open case."""

import asyncio
import io
from datetime import date

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from invitations.kits.barcode import barcode
from labs.commands import register_laboratory, rejudge_case
from labs.service import Laboratories
from screening.people.commands import Source, load_feed
from screening.people.feed import FeedFormat
from screening.people.national_id import synthetic_numbers
from screening.storage.transaction import Actor, system_actor
from screening.vocabulary import Role

TODAY = date(2024, 6, 3)
BORN = date(1980, 5, 17)
KARI, OLA, NOBODY = (number for _, number in zip(range(3), synthetic_numbers(BORN), strict=False))
AHUS = Actor("ahus-lis", frozenset({Role.LABORATORY}), "AHUS")


def oru(
    control="M1",
    person=KARI,
    *,
    specimen="S1",
    taken="20240506",
    value="260385009^^SCT",
    code="82675-0",
    status="F",
    kit="",
):
    placer = f"{kit}&LAB^" if kit else "^"
    return (
        f"MSH|^~\\&|LIS|AHUS|SCREENING|SCREENING|20240510||ORU^R01^ORU_R01|{control}|P|2.5.1||||||UNICODE UTF-8\r"
        f"PID|1||{person}^^^&2.16.578.1.12.4.1.4.1&ISO^NNNOR||Prøve^Kari\r"
        f"OBR|1||F1|{code}^HPV^LN|||{taken}|||||||||||||||20240509|||{status}\r"
        f"OBX|1|CWE|{code}^HPV^LN||{value}||||||{status}\r"
        f"SPM|1|{placer}{specimen}||CVX|||||||||||||{taken}\r"
    ).encode()


@pytest_asyncio.fixture
async def laboratories(database):
    people = [
        {"national_id": number, "born": BORN, "sex": "female", "name": "A", "municipality": "0301"}
        for number in (KARI, OLA)
    ]
    source = Source("test", ("no-cervical",), accept_synthetic=True)
    await load_feed(
        database,
        file=io.BytesIO(b"\n".join(msgspec.json.encode(one) for one in people)),
        form=FeedFormat.NDJSON,
        source=source,
        actor=system_actor("test"),
        today=date(2024, 1, 1),
    )
    await database.run(
        lambda tx: register_laboratory(tx, code="AHUS", name="Ahus", profile="extended"),
        actor=system_actor("test"),
        today=TODAY,
    )
    judged = []

    async def note(persons):
        judged.extend(persons)

    running = Laboratories(database, programme="no-cervical", today=lambda: TODAY, after_judged=note)
    running.judged = judged
    await running.intake.start()
    yield running
    await running.intake.stop()


async def send(laboratories, *messages):
    answers = await asyncio.gather(*(laboratories.take_hl7(one, actor=AHUS) for one in messages))
    await laboratories.judge_all()
    return [answer.decode().split("\rMSA|")[1].split("|")[0] for answer in answers]


async def events(database):
    rows = await database.pool.fetch(
        "select kind, body->'findings' as findings, supersedes is not null from event where kind in ('tested', 'result_withdrawn') order by id"
    )
    return [tuple(row) for row in rows]


async def cases(database):
    return [
        row["code"]
        for row in await database.pool.fetch("select code from quarantine where state = 'open' order by id")
    ]


async def accounted(database):
    """Every message ended as an outcome, and none is pending."""
    assert await database.pool.fetchval("select count(*) from lab_pending") == 0
    assert (
        await database.pool.fetchval(
            "select count(*) from lab_message m where not exists (select 1 from lab_judgement j where j.message_id = m.id)"
        )
        == 0
    )


async def test_a_result_becomes_an_event_of_the_day_the_specimen_was_taken(laboratories, database):
    assert await send(laboratories, oru()) == ["AA"]
    row = await database.pool.fetchrow("select occurred_on, body from event where kind = 'tested'")
    assert row["occurred_on"] == date(2024, 5, 6)
    assert (row["body"]["findings"], row["body"]["profile"], row["body"]["specimen"]) == (
        ["negative"],
        "extended",
        "S1",
    )
    assert len(laboratories.judged) == 1
    await accounted(database)


async def test_the_same_message_again_gets_the_same_answer_and_no_second_effect(laboratories, database):
    first = await laboratories.take_hl7(oru(), actor=AHUS)
    await laboratories.judge_all()
    assert await laboratories.take_hl7(oru(), actor=AHUS) == first
    await laboratories.judge_all()
    assert len(await events(database)) == 1
    assert await database.pool.fetchval("select count(*) from lab_message") == 1


async def test_the_same_message_many_times_at_once_is_stored_once(laboratories, database):
    assert await send(laboratories, *[oru()] * 20) == ["AA"] * 20
    assert await database.pool.fetchval("select count(*) from lab_message") == 1
    assert len(await events(database)) == 1


async def test_the_same_control_id_with_other_content_is_refused_and_kept(laboratories, database):
    assert await send(laboratories, oru()) == ["AA"]
    other = oru(value="720005005^^SCT")
    assert await send(laboratories, other, other) == ["AR", "AR"]
    assert await events(database) == [("tested", ["negative"], False)]
    assert await database.pool.fetchval("select count(*) from lab_message where verdict = 'AR'") == 1
    assert await cases(database) == ["refused"]
    await accounted(database)


async def test_a_control_id_may_be_used_again_after_its_message_was_refused(laboratories, database):
    assert await send(laboratories, oru()[:-45]) == ["AR"]
    assert await send(laboratories, oru()) == ["AA"]
    assert len(await events(database)) == 1


async def test_an_unknown_laboratory_is_refused_and_its_message_kept(laboratories, database):
    assert await send(laboratories, oru().replace(b"AHUS", b"NOLAB")) == ["AR"]
    assert await database.pool.fetchval("select count(*) from lab_message where laboratory = 'NOLAB'") == 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (oru(person=NOBODY), "person_unknown"),
        (oru(taken="19790101"), "before_birth"),
        (oru(kit=barcode(77)), "kit_unknown"),
        (oru(status="X"), "nothing_to_withdraw"),
    ],
)
async def test_what_cannot_be_somebodys_waits_in_quarantine_with_its_reason(
    laboratories, database, message, code
):
    assert await send(laboratories, message) == ["AA"]
    assert await cases(database) == [code]
    assert await events(database) == []
    await accounted(database)


@pytest.mark.parametrize(
    "message",
    [
        oru(value="999^^SCT"),
        oru(code="1234-5"),
        oru(taken="20240699"),
        oru(taken="20250101"),
        oru(kit="NO00000000000"),
        oru(status="Q"),
        oru(person=""),
    ],
)
async def test_content_that_cannot_be_used_is_answered_so_and_waits_in_quarantine(
    laboratories, database, message
):
    assert await send(laboratories, message) == ["AE"]
    assert await cases(database) == ["unusable"]
    assert await events(database) == []
    await accounted(database)


async def add_kit(url, number, owner, expires="2026-01-01"):
    connection = await asyncpg.connect(url)
    await connection.execute("insert into kit_lot values ('L1', '2026-01-01', 10) on conflict do nothing")
    await connection.execute(
        "insert into kit (barcode, person_id, programme, lot, expires_on, state, ordered_on, changed_on)"
        " select $1, person_id, 'no-cervical', 'L1', $3::text::date, 'dispatched', '2024-04-01', '2024-04-01' from identity where number = $2",
        barcode(number),
        owner,
        expires,
    )
    await connection.close()


async def test_a_kit_and_a_person_that_do_not_match_are_nobodys(laboratories, database, url):
    await add_kit(url, 1, OLA)
    assert await send(laboratories, oru(kit=barcode(1))) == ["AA"]
    assert await cases(database) == ["kit_of_another"]


async def test_a_kit_that_had_expired_is_not_used(laboratories, database, url):
    await add_kit(url, 1, KARI, expires="2024-05-01")
    await send(laboratories, oru(kit=barcode(1)))
    assert await cases(database) == ["kit_expired"]


async def test_a_kits_result_ends_the_kit(laboratories, database, url):
    await add_kit(url, 1, KARI)
    await send(laboratories, oru(kit=barcode(1)))
    assert await database.pool.fetchval("select state from kit") == "analysed"


async def test_a_correction_supersedes_and_a_withdrawal_after_it_too(laboratories, database):
    await send(laboratories, oru("M1"))
    assert await send(laboratories, oru("M2", value="115326008^^SCT", status="C")) == ["AA"]
    assert await send(laboratories, oru("M3", status="X")) == ["AA"]
    assert await events(database) == [
        ("tested", ["negative"], False),
        ("tested", ["hpv_16"], True),
        ("result_withdrawn", [], True),
    ]
    await accounted(database)


async def test_original_and_correction_that_arrive_together_are_judged_in_order(laboratories, database):
    await send(laboratories, oru("M1"), oru("M2", value="115326008^^SCT", status="C"))
    assert await events(database) == [("tested", ["negative"], False), ("tested", ["hpv_16"], True)]


async def test_another_final_result_of_the_same_specimen_contradicts_and_waits(laboratories, database):
    await send(laboratories, oru("M1"))
    await send(laboratories, oru("M2", value="115326008^^SCT"))
    assert await cases(database) == ["contradicts"]
    assert len(await events(database)) == 1


async def test_the_same_result_under_another_control_id_is_known(laboratories, database):
    await send(laboratories, oru("M1"))
    await send(laboratories, oru("M2"))
    assert len(await events(database)) == 1
    assert await cases(database) == []
    await accounted(database)


async def test_a_case_is_judged_again_when_what_was_missing_is_there(laboratories, database):
    await send(laboratories, oru(person=NOBODY))
    line = msgspec.json.encode({"national_id": NOBODY, "born": BORN, "sex": "female", "name": "B"})
    await load_feed(
        database,
        file=io.BytesIO(line),
        form=FeedFormat.NDJSON,
        source=Source("t", ("no-cervical",), accept_synthetic=True),
        actor=system_actor("test"),
        today=TODAY,
    )
    case = await database.pool.fetchval("select id from quarantine")
    await database.run(lambda tx: rejudge_case(tx, case=case), actor=system_actor("test"), today=TODAY)
    await laboratories.judge_all()
    assert await cases(database) == []
    assert len(await events(database)) == 1


async def test_messages_stored_by_a_process_that_was_killed_are_judged_by_the_next(laboratories, database):
    await laboratories.take_hl7(oru(), actor=AHUS)
    laboratories.intake.readings.clear()  # what the killed process had in memory
    await laboratories.judge_all()
    assert len(await events(database)) == 1


async def test_two_judges_at_once_judge_each_message_once(laboratories, database):
    for number in range(30):
        await laboratories.take_hl7(oru(f"M{number}", specimen=f"S{number}"), actor=AHUS)

    async def nothing(_persons):
        return None

    second = Laboratories(database, programme="no-cervical", today=lambda: TODAY, after_judged=nothing)
    await asyncio.gather(laboratories.judge_all(), second.judge_all())
    assert len(await events(database)) == 30
    await accounted(database)
