"""The served figures: read once for all who wait, carried on, and shown for no longer than is allowed."""

import asyncio
import gc
from contextlib import suppress
from datetime import date

import asyncpg
import pytest
import pytest_asyncio

from analytics.extract import keeping
from analytics.extract.keeping import Keeping
from analytics.live import Latest
from screening.refusals import Refused
from screening.storage.transaction import system_actor

TODAY, TOMORROW = date(2025, 1, 1), date(2025, 1, 2)
_PEOPLE = """
insert into person (id, holder_id, born, sex, name, municipality) overriding system value
select n, n, '1980-05-17', 'female', 'Prøve', '0301' from generate_series(1, 5) n
"""
_STANDINGS = """
insert into standing (person_id, programme, status, reason, protocol, rule)
select id, 'no-cervical', 'waiting', '', '', '' from person
"""
_STANDING = """
insert into standing (person_id, programme, status, reason, protocol, rule) values (3, 'no-cervical', 'waiting', '', '', 'here')
"""
_EVENT = """
insert into event (person_id, programme, kind, occurred_on, recorded_on, key, body, source) values (3, 'no-cervical', 'reminded', '2024-05-06', '2024-05-06', gen_random_uuid(), '{"letter": "reminder"}', 'here')
"""


@pytest_asyncio.fixture
async def people(database):
    for statement in (_PEOPLE, _STANDINGS):
        await database.pool.execute(statement)
    return database


def asked(latest, database, *, today=TODAY, anew=False):
    return latest.held(database, actor=system_actor("test"), today=today, anew=anew)


async def readings(database):
    return await database.pool.fetchval(
        "select count(*) from audit where action = 'took the analytics extract'"
    )


def events(held):
    return held.dataset.manifest.rows["events"]


@pytest.mark.parametrize("news", [_EVENT, _STANDING])
async def test_news_is_seen_whatever_digit_the_number_of_an_earlier_transaction_began_with(database, news):
    """999 is less than 1000, though not in the order of words."""
    await database.pool.execute(_PEOPLE)
    for earlier in (_EVENT, _STANDING):
        await database.pool.execute(
            earlier.replace(") values", ", xid) values").replace("'here')", "'here', '9')")
        )
    latest = Latest(at_most=0)
    before = await asked(latest, database)
    await database.pool.execute(news.replace("values (3", "values (4"))
    assert (await asked(latest, database)).mark != before.mark


async def test_all_who_wait_are_answered_by_one_reading(people):
    latest = Latest(at_most=60)
    answers = await asyncio.gather(*(asked(latest, people) for _ in range(12)))
    assert len({id(answer) for answer in answers}) == 1
    assert await readings(people) == 1


async def test_what_was_read_lately_is_shown_without_looking_anew(people):
    latest = Latest(at_most=60)
    before = await asked(latest, people)
    await people.pool.execute(_EVENT)
    assert await asked(latest, people) is before
    assert events(await asked(latest, people, anew=True)) == 1


async def test_what_is_older_than_allowed_is_looked_at_and_kept_where_nothing_is_new(people):
    latest = Latest(at_most=0)
    before = await asked(latest, people)
    assert await asked(latest, people) is before
    await people.pool.execute(_EVENT)
    after = await asked(latest, people)
    assert (events(before), events(after)) == (0, 1)
    assert after.mark != before.mark
    assert after.read_at > before.read_at
    assert await readings(people) == 2


async def test_what_is_new_is_read_into_what_was_there(people):
    latest = Latest(at_most=0)
    before = await asked(latest, people)
    await people.pool.execute(_EVENT)
    after = await asked(latest, people)
    assert (
        after.dataset.manifest.taken == before.dataset.manifest.taken
    )  # another series would be another reading
    persons = [held.dataset.buckets[0].persons.collect() for held in (before, after)]
    assert persons[0].equals(persons[1])


async def test_what_is_being_counted_stays_as_it_was_when_more_is_read(people):
    latest = Latest(at_most=0)
    before = await asked(latest, people)
    await people.pool.execute(_EVENT)
    await asked(latest, people)
    assert before.dataset.buckets[0].events.collect().height == 0


async def test_a_dataset_too_large_for_memory_stays_as_it_was_too_and_goes_with_its_last_reader(
    people, tmp_path, monkeypatch
):
    monkeypatch.setattr(keeping, "_IN_MEMORY", -1)
    latest = Latest(at_most=0, kept=tmp_path)
    before = await asked(latest, people)
    await people.pool.execute(_EVENT)
    after = await asked(latest, people)
    counted = [held.dataset.buckets[0].events.collect().height for held in (before, after)]
    assert counted == [0, 1]
    del before
    gc.collect()
    assert [path.name for path in tmp_path.glob("held-*")] == [after.dataset.folder.name]


async def test_the_next_start_goes_on_from_what_the_last_one_kept(people, tmp_path):
    latest = Latest(at_most=0, kept=tmp_path)
    first = await asked(latest, people)
    with pytest.raises(Refused, match="another process keeps its figures there"):
        Latest(at_most=0, kept=tmp_path)
    del latest
    gc.collect()
    await people.pool.execute(_EVENT)
    (tmp_path / "held-1").mkdir()
    second = await asked(Latest(at_most=0, kept=tmp_path), people)
    assert second.dataset.manifest.taken == first.dataset.manifest.taken
    assert (events(first), events(second)) == (0, 1)
    assert not (tmp_path / "held-1").exists()


def test_nobody_else_may_read_a_folder_that_was_there_before(tmp_path):
    tmp_path.chmod(0o755)
    kept = Keeping(tmp_path)
    assert kept.extract.parent.stat().st_mode & 0o777 == 0o700


async def test_another_day_is_read_however_young_the_last_is(people):
    latest = Latest(at_most=3600)
    await asked(latest, people)
    assert (await asked(latest, people, today=TOMORROW)).dataset.manifest.data_cut == TOMORROW


async def test_a_caller_who_hangs_up_ends_nobody_elses_waiting(people):
    latest = Latest(at_most=60)
    gone, waiting = (asyncio.create_task(asked(latest, people)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    assert events(await waiting) == 0
    assert await readings(people) == 1


async def test_a_reading_that_failed_is_not_kept(people):
    latest = Latest(at_most=60)
    with pytest.raises(asyncpg.DataError):
        await asked(latest, people, today="no day")
    assert events(await asked(latest, people)) == 0
