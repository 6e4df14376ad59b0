"""An extract carried on from day to day is what reading everything would give, whatever was written meanwhile."""

import asyncio
import io
from datetime import date
from random import Random

import asyncpg
import msgspec
import polars as pl
import pytest

from analytics.extract.dataset import open_extract
from analytics.extract.read import Snapshot, extract, snapshot
from analytics.extract.renewal import Part
from analytics.extract.schema import TABLES
from screening.ledger.advance import advance
from screening.people.commands import Source, load_feed
from screening.people.feed import FeedFormat
from screening.people.national_id import synthetic_numbers
from screening.protocols.load import family
from screening.refusals import Refused
from screening.storage.transaction import system_actor
from screening.vocabulary import EventKind
from tests.indicators.test_extract import ACTOR, PROGRAMME, TODAY, hpv, settle, tell

D = date
SPAN = 4  # a few people a bucket: some buckets are taken over, some renewed, some new


async def taken(database, folder, today=TODAY, **more):
    return await extract(database, folder, actor=ACTOR, today=today, span=SPAN, **more)


def tables(folder):
    """Every table whole, bucket after bucket."""
    buckets = open_extract(folder).buckets
    return {name: pl.concat([getattr(bucket, name).collect() for bucket in buckets]) for name in TABLES}


async def assert_as_in_full(database, folder, today=TODAY):
    """Carrying on and reading all again, with the same pseudonyms, give the same rows in the same order."""
    carried = tables(folder)
    again = await taken(database, folder, today, in_full=True)
    assert again.read_again is None
    for name, frame in tables(folder).items():
        assert frame.equals(carried[name]), name


async def test_only_people_of_whom_something_was_written_are_read_again(url, database, tmp_path):
    await settle(url, *range(1, 31))
    await advance(database, family=family(PROGRAMME), today=D(2024, 5, 1))
    first = await taken(database, tmp_path / "data")
    assert (first.read_again, first.manifest.buckets) == (None, 8)
    await hpv(database, 7, D(2024, 5, 6), "hpv_16")
    second = await taken(database, tmp_path / "data")
    assert (second.read_again, second.because) == (1, "")
    assert second.manifest.rows["events"] == first.manifest.rows["events"] + 1
    await assert_as_in_full(database, tmp_path / "data")


async def test_a_correction_a_merge_and_a_newcomer_are_carried_on(database, tmp_path):
    numbers = [number for number, _ in zip(synthetic_numbers(D(1980, 5, 17)), range(9), strict=False)]

    async def register(*people, today):
        content = b"\n".join(
            msgspec.json.encode(
                {"national_id": number, "born": "1980-05-17", "sex": "female", "name": "Prøve", **more}
            )
            for number, more in people
        )
        source = Source("test", (PROGRAMME,), accept_synthetic=True)
        await load_feed(
            database,
            file=io.BytesIO(content),
            form=FeedFormat.NDJSON,
            source=source,
            actor=ACTOR,
            today=today,
        )
        await advance(database, family=family(PROGRAMME), today=today)

    oslo, bergen = {"municipality": "0301"}, {"municipality": "4601"}
    await register(*((number, oslo) for number in numbers[:8]), today=D(2024, 1, 1))
    ids = [row[0] for row in await database.pool.fetch("select id from person order by id")]
    wrong = await hpv(database, ids[1], D(2024, 5, 6), "hpv_16")
    await taken(database, tmp_path / "data")
    steps = [
        lambda: hpv(database, ids[1], D(2024, 5, 6), "negative", supersedes=wrong, told_on=D(2024, 6, 1)),
        lambda: register((numbers[2], oslo | {"merged_into": numbers[3]}), today=D(2024, 7, 1)),
        lambda: register((numbers[2], oslo), today=D(2024, 7, 2)),
        lambda: register((numbers[4], bergen), today=D(2024, 7, 3)),
        lambda: register((numbers[8], oslo), today=D(2024, 7, 4)),
    ]
    for step in steps:
        await step()
        done = await taken(database, tmp_path / "data")
        assert done.because == ""
        assert 0 < done.read_again < 8
        await assert_as_in_full(database, tmp_path / "data")


NEWS = """
with told as (insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key)
    values ($1, 'no-cervical', 'reminded', '2024-05-06', '2024-05-06', 'test', gen_random_uuid()) returning id, person_id),
 woken as (update standing s set next_action_on = '2024-05-06' from told where s.person_id = told.person_id)
select id from told
"""


async def test_what_is_committed_late_is_not_lost_as_a_watermark_on_ids_or_times_would(
    url, database, tmp_path
):
    """Eight writers at work at once commit in another order than they began; after each commit an extract is taken."""
    await settle(url, *range(1, 25))
    await taken(database, tmp_path / "data")
    draw, committed = Random("late commits"), 0
    by_id, by_time = Watermark("id"), Watermark("recorded_at")
    for begin in range(1, 25, 8):
        writers = [await writing(url, woman) for woman in range(begin, begin + 8)]
        draw.shuffle(writers)
        for connection, transaction in writers:
            await transaction.commit()
            await connection.close()
            committed += 1
            done = await taken(database, tmp_path / "data")
            assert done.because == ""
            assert done.manifest.rows["events"] == committed
            await by_id.read(database)
            await by_time.read(database)
    assert by_id.seen < 24
    assert by_time.seen < 24
    await assert_as_in_full(database, tmp_path / "data")


async def writing(url, woman):
    """A transaction that has told something and not committed it."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(NEWS, woman)
    return connection, transaction


class Watermark:
    """The usual way of reading on: whatever lies above the highest seen."""

    def __init__(self, column):
        self.column, self.highest, self.seen = column, None, 0

    async def read(self, database):
        rows = await database.pool.fetch(f"select {self.column} from event")
        new = [row[0] for row in rows if self.highest is None or row[0] > self.highest]
        self.seen += len(new)
        self.highest = max([*new, *([self.highest] if self.highest else [])])


async def test_a_writer_still_at_work_holds_the_watermark_back(url, database, tmp_path):
    """Two writers: the second, with the higher id and the later instant, commits first."""
    await settle(url, 1, 2)
    slow, quick = await asyncpg.connect(url), await asyncpg.connect(url)
    waiting = slow.transaction()
    await waiting.start()
    early = await slow.fetchval(NEWS, 1)
    late = await quick.fetchval(NEWS, 2)
    await taken(database, tmp_path / "data")
    assert early < late  # so `id > max(id)`, or the time, would never come back for the first
    await waiting.commit()
    assert tables(tmp_path / "data")["events"].height == 1
    await taken(database, tmp_path / "data")
    assert tables(tmp_path / "data")["events"].height == 2
    await asyncio.gather(slow.close(), quick.close())


async def test_everything_is_as_of_one_instant(url, database):
    """What is committed while tables are read is in none of them, though it was there when they were read."""
    await settle(url, 1)
    everybody = Part(0, 0, 100)
    async with snapshot(database, actor=ACTOR, today=TODAY) as tx:
        now = Snapshot(tx, b"k" * 32)
        before = await now.rows(everybody)
        await hpv(database, 1, D(2024, 5, 6), "hpv_16")
        after = await now.rows(everybody)
    async with snapshot(database, actor=ACTOR, today=TODAY) as tx:
        later = await Snapshot(tx, b"k" * 32).rows(everybody)
    assert {name: frame.equals(before[name]) for name, frame in after.items()} == dict.fromkeys(TABLES, True)
    assert later["events"].height == before["events"].height + 1
    assert later["obligations"].height > before["obligations"].height


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"origin": "7/1/16384"}, "restored, moved or taken over"),
        ({"series": "00000000-0000-4000-8000-000000000000"}, "another database"),
        ({"span": 3}, "another way"),
        ({"known_on": "2024-01-01"}, "as known on another day"),
    ],
)
async def test_a_watermark_that_means_nothing_here_is_not_used(url, database, tmp_path, what, said):
    await settle(url, 1, 2)
    await taken(database, tmp_path / "data")
    manifest = tmp_path / "data" / "manifest.json"
    held = msgspec.json.decode(manifest.read_bytes())
    held["taken"] |= what
    manifest.write_bytes(msgspec.json.encode(held))
    again = await taken(database, tmp_path / "data")
    assert again.read_again is None
    assert said in again.because


async def test_an_extract_of_an_older_schema_is_replaced_in_full(url, database, tmp_path):
    await settle(url, 1)
    await taken(database, tmp_path / "data")
    (tmp_path / "data" / "manifest.json").write_text('{"version": 2}')
    again = await taken(database, tmp_path / "data")
    assert "of this schema" in again.because
    assert open_extract(tmp_path / "data").manifest.rows["persons"] == 1


async def test_pseudonyms_stay_in_one_folder_and_differ_between_two(url, database, tmp_path):
    await settle(url, 1, 2, 3)
    people = []
    for name in ("one", "one", "other"):
        await taken(database, tmp_path / name, in_full=True)
        people.append(sorted(tables(tmp_path / name)["persons"]["person"]))
    assert people[0] == people[1] != people[2]


async def test_what_will_be_known_on_a_day_to_come_is_not_told(database, tmp_path):
    with pytest.raises(Refused, match="known on 2024-03-02: today is 2024-03-01"):
        await taken(database, tmp_path / "data", today=D(2024, 3, 1), known_on=D(2024, 3, 2))
    assert not (tmp_path / "data").exists()


async def test_as_known_on_an_earlier_day_is_what_was_extracted_that_day(url, database, tmp_path):
    """A result that came late, its correction, a letter and a reservation do not reach back."""
    await settle(url, 1, 2, 3, 4)
    rules = family(PROGRAMME)
    wrong = await hpv(database, 1, D(2024, 2, 1), "hpv_16", told_on=D(2024, 2, 10))
    await hpv(database, 2, D(2024, 2, 1), "negative", told_on=D(2024, 2, 10))
    await advance(database, family=rules, today=D(2024, 3, 1))
    await taken(database, tmp_path / "then", today=D(2024, 3, 1))
    await hpv(database, 1, D(2024, 2, 1), "negative", supersedes=wrong, told_on=D(2024, 4, 1))
    await hpv(database, 3, D(2024, 2, 15), "hpv_18", told_on=D(2024, 4, 2))
    await tell(database, 4, EventKind.OPTED_OUT, D(2024, 5, 1), scope="contact")
    await tell(database, 2, EventKind.REMINDED, D(2024, 5, 2), letter="reminder")
    await advance(database, family=rules, today=D(2024, 12, 31))
    await taken(database, tmp_path / "known", today=D(2025, 1, 1), known_on=D(2024, 3, 1))
    then, known = tables(tmp_path / "then"), tables(tmp_path / "known")
    assert open_extract(tmp_path / "known").manifest.data_cut == D(2024, 3, 1)
    by = ["programme", "date"]
    assert told_of(known["events"], by) == told_of(then["events"], by)
    owed = ["programme", "episode", "kind", "state"]
    assert told_of(known["obligations"], owed) == told_of(then["obligations"], owed)
    assert told_of(known["standings"], ["programme", "status"]) == told_of(
        then["standings"], ["programme", "status"]
    )


def told_of(frame, by):
    """The rows without their pseudonyms, in an order that does not depend on them."""
    rest = frame.drop("person")
    return rest.sort([*by, *(name for name in rest.columns if name not in by)]).rows()


async def test_nobody_is_known_before_they_were_registered(database, tmp_path):
    numbers = [number for number, _ in zip(synthetic_numbers(D(1980, 5, 17)), range(2), strict=False)]
    for number, day in zip(numbers, (D(2024, 1, 1), D(2024, 6, 1)), strict=True):
        person = {
            "national_id": number,
            "born": "1980-05-17",
            "sex": "female",
            "name": "Prøve",
            "municipality": "0301",
        }
        await load_feed(
            database,
            file=io.BytesIO(msgspec.json.encode(person)),
            form=FeedFormat.NDJSON,
            source=Source("test", (PROGRAMME,), accept_synthetic=True),
            actor=system_actor("test"),
            today=day,
        )
    await taken(database, tmp_path / "data", known_on=D(2024, 3, 1))
    assert tables(tmp_path / "data")["persons"].height == 1
