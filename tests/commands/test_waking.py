"""What waits for a person, a kit or a code is judged again by itself, once."""

import asyncpg

from labs import codes, judge
from labs.commands import close_case, rejudge_case
from labs.reading import read_message
from tests.commands.specimens import (
    ACTOR,
    CALLER,
    KARI,
    NOBODY,
    TODAY,
    cases,
    in_force,
    outcomes,
    register,
    said,
    send,
    together,
)


async def test_a_result_that_came_before_its_person_is_judged_when_she_is_registered(laboratories, database):
    """Nobody has to ask for it, and while she is unknown nothing is written again and again."""
    await send(laboratories, said("M1", "hpv_16", person=NOBODY), said("M2", specimen="S2"))
    assert await laboratories.wake() == 0
    assert await cases(database) == ["person_unknown"]
    assert await outcomes(database) == [("M1", "quarantined"), ("M2", "applied")]
    await register(database, {"national_id": NOBODY})
    assert await laboratories.wake() == 1
    assert await in_force(database) == [("S2", "hpv", "negative"), ("S1", "hpv", "hpv_16")]
    assert await cases(database) == []
    assert await laboratories.wake() == 0


async def test_what_could_not_be_read_is_judged_once_its_code_is_known(laboratories, database, monkeypatch):
    strange = said("M1", "hpv_16").replace(b"115326008", b"115326999")
    assert b"MSA|AE|" in await laboratories.take_hl7(strange, actor=CALLER)
    await laboratories.judge_all()
    assert await laboratories.wake() == 0
    assert await cases(database) == ["unusable"]
    monkeypatch.setitem(codes._HPV_TYPES, "115326999", 16)
    assert await laboratories.wake() == 1
    assert await in_force(database) == [("S1", "hpv", "hpv_16")]
    assert await cases(database) == []


async def test_what_can_be_read_now_and_not_be_judged_yet_is_judged_again_once(
    laboratories, database, monkeypatch
):
    """Its case is no longer that nobody could read it; woken for that, it would be judged anew for ever."""
    strange = said("M1", "hpv_16", person=NOBODY).replace(b"115326008", b"115326999")
    await laboratories.take_hl7(strange, actor=CALLER)
    await laboratories.judge_all()
    monkeypatch.setitem(codes._HPV_TYPES, "115326999", 16)
    assert [await laboratories.wake() for _ in range(3)] == [1, 0, 0]
    assert await cases(database) == ["person_unknown"]
    assert await outcomes(database) == [("M1", "quarantined")] * 2
    await register(database, {"national_id": NOBODY})
    assert await laboratories.wake() == 1
    assert await in_force(database) == [("S1", "hpv", "hpv_16")]
    assert await cases(database) == []


async def test_a_message_of_many_results_that_wait_is_read_once(laboratories, database, monkeypatch):
    """A report of a thousand results would be read a thousand times, every ten minutes."""
    orders = [said(f"M{n}", person=NOBODY, specimen=f"S{n}") for n in range(5)]
    await send(laboratories, together("M", *orders))
    assert await cases(database) == ["person_unknown"] * 5
    read = []
    monkeypatch.setattr(judge, "read_message", lambda *a, **k: read.append(1) or read_message(*a, **k))
    assert await laboratories.wake(together=2) == 0
    assert len(read) == 1


async def test_a_woken_message_that_cannot_be_judged_waits_for_a_person_and_is_not_woken_again(
    laboratories, database, url
):
    await send(laboratories, said("M1", person=NOBODY, specimen="odd"))
    await register(database, {"national_id": NOBODY})
    owner = await asyncpg.connect(url)
    await owner.execute("alter table event add constraint odd check (body->>'specimen' <> 'odd')")
    assert [await laboratories.wake() for _ in range(2)] == [1, 0]
    assert await cases(database) == ["person_unknown", "not_judged"]
    await owner.execute("alter table event drop constraint odd")
    await owner.close()
    case = await database.pool.fetchval("select max(id) from quarantine")
    await database.run(lambda tx: rejudge_case(tx, case=case), actor=ACTOR, today=TODAY)
    await laboratories.judge_all()
    assert await in_force(database) == [("odd", "hpv", "negative")]
    assert await cases(database) == []


async def test_many_cases_are_looked_at_in_turn(laboratories, database):
    await send(laboratories, *(said(f"M{n}", person=NOBODY, specimen=f"S{n}") for n in range(5)))
    await register(database, {"national_id": NOBODY})
    assert await laboratories.wake(together=2) == 5
    assert len(await in_force(database)) == 5


async def test_a_case_that_a_person_closed_is_not_opened_again_by_its_neighbour(laboratories, database):
    """Nothing about it is new."""
    both = (said("M1", person=NOBODY), said("M1", "hsil", person=NOBODY, specimen="S2", test="cytology"))
    strange = together("M1", *both).replace(KARI.encode(), NOBODY.encode())
    await send(laboratories, strange, said("M2", person=NOBODY, specimen="S3"))
    await database.run(
        lambda tx: close_case(tx, case=1, state="resolved", note="asked the laboratory"),
        actor=ACTOR,
        today=TODAY,
    )
    await database.run(lambda tx: rejudge_case(tx, case=2), actor=ACTOR, today=TODAY)
    await laboratories.judge_all()
    assert await cases(database, "resolved") == ["person_unknown"]
    assert await cases(database) == ["person_unknown", "person_unknown"]
