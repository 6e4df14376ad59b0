"""What a laboratory says of one specimen, in whatever order it arrives: one result in force, all of it kept."""

import asyncio
from datetime import date
from itertools import product

import asyncpg
import msgspec
import pytest

from labs.commands import close_case, rejudge_case
from labs.service import Laboratories
from screening.people.national_id import Kind, norwegian_kind
from tests.commands.specimens import (
    ACTOR,
    BORN,
    CALLER,
    KARI,
    NOBODY,
    OLA,
    TAKEN,
    TODAY,
    another_judge,
    cases,
    in_force,
    outcomes,
    register,
    said,
    send,
    together,
)


async def test_a_correction_of_a_correction_supersedes_the_correction(laboratories, database):
    await send(
        laboratories,
        said("M1"),
        said("M2", "hpv_16", "C"),
        said("M3", "hpv_18", "C"),
        said("M4", "negative", "C"),
    )
    assert await in_force(database) == [("S1", "hpv", "negative")]
    rows = await database.pool.fetch("select id, supersedes from event where kind = 'tested' order by id")
    assert [row["supersedes"] for row in rows] == [None, *[row["id"] for row in rows[:-1]]]


async def test_a_correction_of_the_day_alone_is_a_correction(laboratories, database):
    await send(laboratories, said("M1"), said("M2", status="C", taken=date(2024, 5, 7)))
    days = await database.pool.fetch("select occurred_on from event where kind = 'tested' order by id")
    assert [row[0].day for row in days] == [6, 7]
    assert await in_force(database) == [("S1", "hpv", "negative")]


async def test_a_correction_that_says_what_is_in_force_is_known(laboratories, database):
    await send(laboratories, said("M1"), said("M2", status="C", reported=date(2024, 5, 12)))
    assert await outcomes(database) == [("M1", "applied"), ("M2", "known")]


async def test_a_specimen_id_used_again_for_another_sample_does_not_hide_it(laboratories, database):
    await send(laboratories, said("M1"), said("M2", taken=date(2024, 5, 20), reported=date(2024, 5, 22)))
    assert await cases(database) == ["contradicts"]


async def test_a_correction_after_a_withdrawal_is_in_force(laboratories, database):
    await send(laboratories, said("M1"), said("M2", status="W"), said("M3", "hpv_16", "C"))
    assert await in_force(database) == [("S1", "hpv", "hpv_16")]


async def test_a_final_result_after_its_withdrawal_waits_for_somebody_to_look(laboratories, database):
    await send(laboratories, said("M1"), said("M2", status="W"), said("M3", "hpv_16"))
    assert await in_force(database) == []
    assert await cases(database) == ["contradicts"]


async def test_a_withdrawal_told_twice_is_known(laboratories, database):
    await send(laboratories, said("M1"), said("M2", status="W"), said("M3", status="X"))
    assert await outcomes(database) == [("M1", "applied"), ("M2", "applied"), ("M3", "known")]


async def test_a_correction_that_comes_before_its_original_stays_in_force(laboratories, database):
    await send(laboratories, said("M2", "hpv_16", "C"), said("M1"))
    assert await in_force(database) == [("S1", "hpv", "hpv_16")]
    assert await outcomes(database) == [("M2", "applied"), ("M1", "known")]
    assert await cases(database) == []


async def test_a_withdrawal_that_comes_before_its_result_withdraws_it_when_it_comes(laboratories, database):
    await send(laboratories, said("M2", status="W"))
    assert await cases(database) == ["nothing_to_withdraw"]
    await send(laboratories, said("M1", "hpv_16"))
    assert await in_force(database) == []
    assert (await cases(database), await cases(database, "resolved")) == ([], ["nothing_to_withdraw"])


async def test_news_of_another_specimen_does_not_disturb_a_case_that_waits(laboratories, database):
    await send(laboratories, said("M2", status="W"), said("M1", specimen="S2"), said("M3", lab="OUS"))
    assert await cases(database) == ["nothing_to_withdraw"]
    assert [outcome for control, outcome in await outcomes(database) if control == "M2"] == ["quarantined"]


async def test_a_correction_reported_before_the_one_in_force_does_not_replace_it(laboratories, database):
    later = said("M3", "hpv_18", "C", reported=date(2024, 5, 20))
    await send(laboratories, said("M1"), later, said("M2", "hpv_16", "C", reported=date(2024, 5, 12)))
    assert await in_force(database) == [("S1", "hpv", "hpv_18")]
    assert await cases(database) == ["older_than_held"]


async def test_two_laboratories_may_use_the_same_specimen_id(laboratories, database):
    await send(laboratories, said("M1"), said("M1", "hpv_16", lab="OUS", person=OLA))
    assert await in_force(database) == [("S1", "hpv", "negative"), ("S1", "hpv", "hpv_16")]


async def test_two_tests_of_one_specimen_in_one_message_are_two_results(laboratories, database):
    message = together("M1", said("M1", "hpv_16"), said("M1", "asc_us", test="cytology"))
    await send(laboratories, message, said("M2", "hsil", "C", test="cytology"))
    assert await in_force(database) == [("S1", "hpv", "hpv_16"), ("S1", "cytology", "hsil")]


async def test_one_result_of_a_message_waits_and_the_other_is_in_force_once(laboratories, database):
    await send(laboratories, said("M0", "nilm", specimen="S2", test="cytology"))
    message = together("M1", said("M1"), said("M1", "hsil", specimen="S2", test="cytology"))
    await send(laboratories, message, said("M2", "hpv_16", "C"))
    assert await cases(database) == ["contradicts"]
    case = await database.pool.fetchval("select id from quarantine")
    await database.run(lambda tx: rejudge_case(tx, case=case), actor=ACTOR, today=TODAY)
    await laboratories.judge_all()
    # the half that was applied is not judged again, or it would contradict its own correction
    assert await cases(database) == ["contradicts"]
    assert await in_force(database) == [("S2", "cytology", "nilm"), ("S1", "hpv", "hpv_16")]


async def test_a_discarded_case_stays_discarded_when_its_message_is_judged_again(laboratories, database):
    both = (said("M1", person=NOBODY), said("M1", "hsil", person=NOBODY, specimen="S2", test="cytology"))
    await send(laboratories, together("M1", *both))
    discarded, waiting = [
        row[0] for row in await database.pool.fetch("select id from quarantine order by id")
    ]
    await database.run(
        lambda tx: close_case(tx, case=discarded, state="discarded", note="not hers"),
        actor=ACTOR,
        today=TODAY,
    )
    await register(database, {"national_id": NOBODY})
    await database.run(lambda tx: rejudge_case(tx, case=waiting), actor=ACTOR, today=TODAY)
    await laboratories.judge_all()
    assert await in_force(database) == [("S2", "cytology", "hsil")]
    assert await cases(database, "discarded") == ["person_unknown"]


@pytest.mark.parametrize(
    ("test", "finding"),
    [
        ("fit", "positive"),
        ("histology", "invasive_cancer"),
        ("mammography", "score_3"),
        ("consensus", "recall"),
    ],
)
async def test_a_result_of_another_programme_waits_for_somebody_to_look(
    laboratories, database, test, finding
):
    """No table of this programme reads it: applied, it would be forgotten."""
    told = {"message_id": "J1", "person": KARI, "specimen": "S1", "taken_on": TAKEN, "test": test}
    raw = msgspec.json.encode(told | {"findings": [finding]})
    await laboratories.take_json(raw, laboratory="AHUS", actor=CALLER)
    await laboratories.judge_all()
    assert await cases(database) == ["not_of_programme"]
    assert await in_force(database) == []


async def test_a_specimen_cannot_have_a_result_in_force_for_two_people(laboratories, database):
    await send(laboratories, said("M1"), said("M2", "hpv_16", person=OLA))
    assert await cases(database) == ["specimen_of_another"]
    assert await in_force(database) == [("S1", "hpv", "negative")]


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
async def test_a_result_withdrawn_from_the_wrong_person_is_the_right_ones(laboratories, database, order):
    told = [said("M1"), said("M2", status="W"), said("M3", person=OLA)]
    await send(laboratories, *(told[number] for number in order))
    owner = await database.pool.fetch(
        "select i.number from event e join identity i using (person_id)"
        " where kind = 'tested' and not exists (select 1 from event s where s.supersedes = e.id)"
    )
    assert [row[0] for row in owner] == [OLA]
    assert await cases(database) == []


async def test_a_merged_person_is_one_person_and_the_life_that_grows_is_the_holders(laboratories, database):
    await register(database, {"national_id": KARI}, {"national_id": OLA, "merged_into": KARI})
    await send(laboratories, said("M1", person=OLA), said("M2", "hpv_16", "C", person=KARI))
    assert await in_force(database) == [("S1", "hpv", "hpv_16")]
    holder = await database.pool.fetchval("select person_id from identity where number = $1", KARI)
    assert laboratories.judged == [holder, holder]


def d_number():
    """A number of the official synthetic series for somebody without a number of birth: 40 is added to the day."""
    stems = (f"{BORN.day + 40}{BORN.month + 80}{BORN.year % 100}{n:03}" for n in range(999, 0, -1))
    numbers = (f"{stem}{control:02}" for stem, control in product(stems, range(100)))
    return next(number for number in numbers if norwegian_kind(number) == Kind.SYNTHETIC)


async def test_a_d_number_names_its_person(laboratories, database):
    number = d_number()
    await register(database, {"national_id": number})
    message = said("M1", person=number).replace(
        b"2.16.578.1.12.4.1.4.1&ISO^NNNOR", b"2.16.578.1.12.4.1.4.2&ISO^DNR"
    )
    await send(laboratories, message)
    assert await in_force(database) == [("S1", "hpv", "negative")]


async def test_messages_that_share_specimens_are_judged_in_their_order_also_across_batches(
    laboratories, database
):
    first = said("M1", specimen="S1")
    both = together("M2", said("M2", "hpv_16", "C", specimen="S1"), said("M2", "hpv_16", specimen="S2"))
    last = said("M3", "hpv_18", "C", specimen="S2")
    await asyncio.gather(*(laboratories.take_hl7(one, actor=CALLER) for one in (first, both, last)))
    await laboratories.judge_all()
    assert await in_force(database) == [("S1", "hpv", "hpv_16"), ("S2", "hpv", "hpv_18")]
    assert await cases(database) == []


async def test_two_judges_do_not_judge_a_correction_before_its_original(laboratories, database):
    originals = [said(f"M{number}", specimen=f"S{number}") for number in range(520)]  # more than a batch
    corrections = [said(f"C{number}", "hpv_16", "C", specimen=f"S{number}") for number in range(520)]
    await asyncio.gather(*(laboratories.take_hl7(one, actor=CALLER) for one in originals + corrections))
    await asyncio.gather(*(judge.judge_all() for judge in (laboratories, another_judge(database))))
    assert {finding for _, _, finding in await in_force(database)} == {"hpv_16"}
    assert await database.pool.fetchval("select count(*) from event where supersedes is not null") == 520


async def test_a_message_that_cannot_be_judged_is_set_aside_and_holds_up_nobody(laboratories, database, url):
    owner = await asyncpg.connect(url)
    await owner.execute("alter table event add constraint odd check (body->>'specimen' <> 'odd')")
    messages = [said("M1"), said("M2", specimen="odd"), said("M3", specimen="S3")]
    await asyncio.gather(*(laboratories.take_hl7(one, actor=CALLER) for one in messages))
    await laboratories.judge_all()
    assert await in_force(database) == [("S1", "hpv", "negative"), ("S3", "hpv", "negative")]
    assert await cases(database) == ["not_judged"]
    await owner.execute("alter table event drop constraint odd")
    await owner.close()
    case = await database.pool.fetchval("select id from quarantine")
    await database.run(lambda tx: rejudge_case(tx, case=case), actor=ACTOR, today=TODAY)
    await laboratories.judge_all()
    assert len(await in_force(database)) == 3
    assert await cases(database) == []


async def test_a_preliminary_report_changes_nothing_and_its_final_one_is_in_force(laboratories, database):
    await send(laboratories, said("M1", "hpv_16", "P"))
    assert await in_force(database) == []
    await send(laboratories, said("M2", "hpv_16"))
    assert await in_force(database) == [("S1", "hpv", "hpv_16")]
    assert await outcomes(database) == [("M1", "known"), ("M2", "applied")]


async def test_results_are_judged_although_what_follows_from_them_fails(laboratories, database):
    async def failing(_persons):
        raise RuntimeError("reconciling is broken")

    judge = Laboratories(database, programme="no-cervical", today=lambda: TODAY, after_judged=failing)
    await laboratories.take_hl7(said("M1"), actor=CALLER)
    assert await judge.judge_all() == 1
    assert await in_force(database) == [("S1", "hpv", "negative")]
