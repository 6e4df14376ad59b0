"""What analysts were told: of one data cut, remembered by the database, whichever process they ask."""

import asyncio
import gc
import threading
from datetime import date, timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from analytics.answers import analysts, telling
from analytics.answers.analysts import _loaded
from analytics.answers.commands import take_cut
from analytics.answers.queries import current_cut
from analytics.disclosure.judge import judge
from analytics.disclosure.policy import Audience, Measures, Renewed, Small, installed
from analytics.extract import keeping
from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators.engine import question
from analytics.indicators.period import period
from screening.refusals import Refused
from screening.storage.transaction import Actor
from screening.vocabulary import Role

ANA = Actor("ana", frozenset({Role.ANALYST}))
MONDAY = date(2026, 1, 5)
WEEK = timedelta(days=7)
# exact numbers: what one answer leaves of another is told to the digit
EXACT = Measures(
    small=Small(below=5, source="test", verified="no"), renewed=Renewed(days=7, source="test", verified="no")
)


def referred(year, *, seen):
    events = [Happening(date=date(year, 3, 1), kind="referred", to="colposcopy")]
    if seen:
        events.append(Happening(date=date(year, 3, 20), kind="appointment_attended", to="colposcopy"))
    return Life(born=date(1980, 1, 1), homes=[Home()], events=events)


def women(*, extra=0):
    """Of 60 referred in 2024 38 were seen, of 30 in 2023 only two; `extra`: and so many more."""
    lives = [referred(2024, seen=number < 38) for number in range(60)]
    return lives + [referred(2023, seen=number < 2 + extra) for number in range(30)]


async def process(database, *, data=None, today=MONDAY, measures=EXACT):
    """A process of its own that has just started, and holds these data."""
    data = data or dataset(women(), data_cut=today)
    run = partial(database.run, actor=ANA, today=today)
    kept = await run(partial(take_cut, dataset=data, days=measures.days))
    return await run(partial(_loaded, kept=kept, measures=measures))


def ask(cut, database, when, *, by=(), today=MONDAY):
    asked = question("no-cervical", period(when), ids=["colposcopy_attendance_90d"], by=by)
    return cut.answer(asked, database=database, actor=ANA, today=today)


def counted(results):
    return results.frame["numerator"].to_list()


async def numbers(database):
    return await database.pool.fetchval("select count(*) from analyst_told")


@pytest.fixture
async def first(database):
    return await process(database)


@pytest.fixture
async def second(database, first):
    """Read when two more were recorded already."""
    return await process(database, data=dataset(women(extra=2), data_cut=MONDAY))


async def test_a_data_cut_too_large_for_memory_is_answered_of_from_files(database, first, monkeypatch):
    monkeypatch.setattr(keeping, "_IN_MEMORY", -1)
    large = await process(database)
    folder = large.counts.dataset.folder
    assert first.counts.dataset.folder is None
    assert counted(await ask(large, database, "2024")) == counted(await ask(first, database, "2024")) == [38]
    del large
    gc.collect()
    assert not folder.exists()


async def test_more_numbers_than_are_judged_within_seconds_are_refused(database, first, monkeypatch):
    monkeypatch.setattr(analysts, "_AT_ONCE", 2)
    with pytest.raises(Refused, match="this asks for 3 numbers at once"):
        await ask(first, database, "2024")
    assert await numbers(database) == 0


async def test_two_processes_answer_of_the_same_data(database, first, second):
    assert first.kept == second.kept
    told = [await ask(cut, database, "2023-2024", by=["county"]) for cut in (first, second)]
    assert told[0].frame.equals(told[1].frame)


@pytest.mark.parametrize(("when", "then"), [("2024", "2023-2024"), ("2023-2024", "2024")])
async def test_what_one_process_told_another_does_not_complete(database, first, second, when, then):
    """38 in 2024 and 40 in two years would be 2 in 2023."""
    assert counted(await ask(first, database, when)) != [None]
    assert counted(await ask(second, database, then)) == [None]


async def test_nor_does_a_process_that_has_just_started(database, first):
    await ask(first, database, "2024")
    assert counted(await ask(await process(database), database, "2023-2024")) == [None]


async def test_of_two_who_ask_at_once_only_one_is_told(database, first, second):
    told = await asyncio.gather(ask(first, database, "2024"), ask(second, database, "2023-2024"))
    assert [counted(one) for one in told].count([None]) == 1


@pytest.fixture
def judged(monkeypatch):
    """The judgement of two years takes long: it has `begun`, and does not end before `go_on`; counted in `times`."""
    of = SimpleNamespace(begun=threading.Event(), go_on=threading.Event(), times=0)

    def slowly(answers, *beside, **closed):
        if answers[0].question.period == period("2023-2024"):
            of.times += 1
            of.begun.set()
            assert of.go_on.wait(60)
        return judge(answers, *beside, **closed)

    monkeypatch.setattr(telling, "judge", slowly)
    return of


async def begun(judged, asking):
    """The question, once its judgement has begun."""
    task = asyncio.create_task(asking)
    assert await asyncio.to_thread(judged.begun.wait, 60)
    return task


@pytest.mark.parametrize("whose", ["of the same process", "of another"])
async def test_while_one_is_judged_others_are_answered_and_the_one_is_judged_beside_them(
    database, first, second, judged, whose
):
    long = await begun(judged, ask(first, database, "2023-2024"))
    told = await asyncio.wait_for(ask(first if "same" in whose else second, database, "2024"), 60)
    assert not long.done()
    judged.go_on.set()
    assert counted(told) == [38]
    assert counted(await long) == [None]
    assert judged.times == 2


async def test_no_connection_is_held_while_a_question_is_judged(database, first, judged):
    long = await begun(judged, ask(first, database, "2023-2024"))
    idle, size = database.pool.get_idle_size(), database.pool.get_size()
    judged.go_on.set()
    assert idle == size
    assert counted(await long) == [40]


async def test_who_was_overtaken_three_times_is_answered_while_others_wait(
    database, first, judged, monkeypatch
):
    monkeypatch.setattr(telling, "_TRIES", 0)
    long = await begun(judged, ask(first, database, "2023-2024"))
    waits = asyncio.create_task(ask(first, database, "2024"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waits), 0.5)
    judged.go_on.set()
    assert [counted(await one) for one in (long, waits)] == [[40], [None]]


async def test_of_many_who_ask_the_same_at_once_one_is_told_and_all_read_it(database, first, second):
    told = await asyncio.gather(
        *(ask(cut, database, "2023-2024", by=["county"]) for cut in (first, second) * 3)
    )
    assert all(one.frame.equals(told[0].frame) for one in told)
    assert await database.pool.fetchval("select count(*) from audit where action = 'told an analyst'") == 1


async def test_the_same_question_has_the_same_answer_and_is_remembered_once(database, first):
    told = await ask(first, database, "2024", by=["age_group"])
    remembered = await numbers(database)
    for cut in (first, await process(database)):
        assert (await ask(cut, database, "2024", by=["age_group"])).frame.equals(told.frame)
        await ask(cut, database, "2024")
    assert await numbers(database) == remembered
    records = "select count(*) from audit where action = 'told an analyst'"
    assert await database.pool.fetchval(records) == 1


async def test_what_was_hidden_once_stays_hidden(database, first, second):
    await ask(first, database, "2024")
    hidden = await ask(first, database, "2023-2024")
    assert (await ask(second, database, "2023-2024")).frame.equals(hidden.frame)


async def test_a_week_later_the_data_are_others_and_what_was_told_of_the_old_is_forgotten(database, first):
    await ask(first, database, "2024")
    assert first.serves(MONDAY + WEEK - timedelta(days=1))
    assert not first.serves(MONDAY + WEEK)
    later = await process(database, today=MONDAY + 2 * WEEK)
    assert later.kept.id != first.kept.id
    assert await numbers(database) == 0
    kept = await database.run(current_cut, actor=ANA, today=MONDAY + 2 * WEEK)
    assert kept == later.kept


async def test_another_program_answers_of_a_data_cut_of_its_own(database, first):
    """It may count the same data otherwise, and what it told beside what this one told would be a difference."""
    await database.pool.execute("update analyst_cut set code = 'the release before'")
    renewed = await process(database)
    assert renewed.kept.id != first.kept.id
    assert (await process(database)).kept == renewed.kept


async def test_rounded_answers_of_this_week_and_the_next_leave_every_small_number_possible(database):
    """Each alone is a number to the nearest 5: their difference is within 4 of what it is told as."""
    analyst = installed().measures(Audience.ANALYST)
    told = []
    for today, data in ((MONDAY, women()), (MONDAY + 2 * WEEK, women(extra=1))):
        cut = await process(database, data=dataset(data, data_cut=today), today=today, measures=analyst)
        told += counted(await ask(cut, database, "2023-2024" if told else "2024", today=today))
    assert told == [40, 40]  # 38 and 41: from 38 to 42 each, so that none to four were in 2023
