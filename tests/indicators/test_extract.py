"""From a real database to the dataset: what stands, whose it is, and nothing that names anybody."""

from datetime import date

import asyncpg
import polars as pl
import pytest

from analytics.extract.dataset import open_extract
from analytics.extract.lives import Life, dataset
from analytics.extract.pseudonyms import pseudonyms
from analytics.extract.read import extract, fingerprint, read
from analytics.extract.schema import TABLES, dictionary
from analytics.extract.shape import last_versions, with_findings
from analytics.indicators.conservation import conservation
from analytics.indicators.engine import compute, question
from analytics.indicators.period import period
from screening.history.commands import append_events
from screening.history.events import News, natural_key, tested
from screening.ledger.advance import advance
from screening.protocols.load import family
from screening.refusals import Refused
from screening.storage.transaction import system_actor
from screening.vocabulary import EventKind, Sample, Test

PROGRAMME = "no-cervical"
ACTOR = system_actor("test")
TODAY = date(2025, 1, 1)
BORN = date(1980, 5, 17)


async def settle(url, *women, holder=None, died_on=None):
    """Women who have always lived in Oslo and have not been decided about."""
    connection = await asyncpg.connect(url)
    for woman in women:
        await connection.execute(
            "insert into person (id, holder_id, born, sex, name, resident_since, municipality, died_on)"
            " overriding system value values ($1, $2, $3, 'female', 'Kari Nordmann', $3, '0301', $4)",
            woman,
            holder or woman,
            BORN,
            died_on,
        )
        await connection.execute("insert into residence values ($1, '0301', $2)", woman, BORN)
        await connection.execute(
            "insert into standing (person_id, programme, status, reason, protocol, rule, next_action_on)"
            " values ($1, $2, 'outside', 'not_decided', '', '', '1900-01-01')",
            woman,
            PROGRAMME,
        )
    await connection.close()


async def tell(database, woman, kind, day, *, supersedes=None, told_on=None, **body):
    """Appends one event and decides again; gives the event's id."""
    news = News(
        person_id=woman,
        kind=kind,
        occurred_on=day,
        source="test",
        programme=PROGRAMME,
        key=natural_key(woman, kind, day, str(sorted(body.items())), supersedes),
        body=body,
        supersedes=supersedes,
    )
    today = told_on or day
    added = await database.run(lambda tx: append_events(tx, news=[news]), actor=ACTOR, today=today)
    await advance(database, family=family(PROGRAMME), today=today)
    return next(iter(added.values()))


async def hpv(database, woman, day, finding, **more):
    body = tested(Test.HPV, [finding], sample=Sample.CLINICIAN, lab="ahus", profile="extended")
    return await tell(database, woman, EventKind.TESTED, day, **more, **body)


async def count(database, name, when="2024"):
    data = await read(database, actor=ACTOR, today=TODAY)
    frame = compute(data, question(PROGRAMME, period(when), ids=[name])).frame
    return frame.select("numerator", "denominator").row(0)


async def test_a_corrected_result_counts_as_corrected(url, database):
    await settle(url, 1)
    wrong = await hpv(database, 1, date(2024, 5, 6), "hpv_16")
    assert await count(database, "hpv_positivity") == (1, 1)
    await hpv(database, 1, date(2024, 5, 6), "negative", supersedes=wrong, told_on=date(2024, 6, 1))
    assert await count(database, "hpv_positivity") == (0, 1)


async def test_what_commits_late_or_changes_back_is_seen_as_a_change(url, database):
    """Two writers, of whom the first commits last: its event has the smaller number."""

    def seen():
        return database.run(fingerprint, actor=ACTOR, today=TODAY)

    await settle(url, 1, 2)
    told = "insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key) values ($1, 'no-cervical', 'reminded', '2024-05-06', '2024-05-06', 'test', gen_random_uuid())"
    slow, quick = [await asyncpg.connect(url) for _ in range(2)]
    unended = slow.transaction()
    await unended.start()
    await slow.execute(told, 1)
    await quick.execute(told, 2)
    before = await seen()
    assert await seen() == before
    await unended.commit()
    after = await seen()
    assert after != before
    await quick.execute("update standing set status = 'waiting' where person_id = 1")
    assert await seen() != after
    for connection in (slow, quick):
        await connection.close()


async def test_a_withdrawn_result_is_gone(url, database):
    await settle(url, 1)
    wrong = await hpv(database, 1, date(2024, 5, 6), "hpv_16")
    await tell(database, 1, EventKind.RESULT_WITHDRAWN, date(2024, 5, 20), supersedes=wrong)
    assert await count(database, "hpv_positivity") == (0, 0)


async def test_a_repeat_test_that_was_owed_is_not_primary_and_its_correction_is_not_either(url, database):
    await settle(url, 1)
    await hpv(database, 1, date(2023, 5, 6), "hpv_35")
    repeat = await hpv(database, 1, date(2024, 5, 6), "hpv_35")
    assert await count(database, "hpv_positivity", "2023") == (1, 1)
    assert await count(database, "hpv_positivity", "2024") == (0, 0)
    await hpv(database, 1, date(2024, 5, 6), "negative", supersedes=repeat, told_on=date(2024, 6, 1))
    assert await count(database, "hpv_positivity", "2024") == (0, 0)
    assert await count(database, "invalid_rate", "2024") == (0, 1)


async def test_an_invalid_sample_and_its_replacement_are_one_primary_test(url, database):
    await settle(url, 1)
    await hpv(database, 1, date(2024, 2, 1), "invalid")
    await hpv(database, 1, date(2024, 4, 1), "hpv_16")
    assert await count(database, "hpv_positivity") == (1, 1)
    assert await count(database, "invalid_rate") == (1, 2)


async def test_merged_people_are_one_person_with_one_history(url, database):
    await settle(url, 1)
    await settle(url, 2, holder=1)
    await hpv(database, 2, date(2024, 2, 1), "negative")
    data = await read(database, actor=ACTOR, today=TODAY)
    assert data.manifest.rows["persons"] == 1
    assert await count(database, "test_coverage") == (1, 1)


async def test_who_died_no_longer_lives_there(url, database):
    await settle(url, 1)
    await settle(url, 2, died_on=date(2024, 12, 31))
    assert await count(database, "test_coverage") == (0, 1)


async def test_who_was_loaded_and_not_decided_about_is_lost_until_somebody_decides(url, database):
    await settle(url, 1, 2, 3)
    people = conservation(await read(database, actor=ACTOR, today=TODAY), PROGRAMME)
    assert (people.people, people.lost, people.by_status["outside"]) == (3, 3, 0)
    await advance(database, family=family(PROGRAMME), today=TODAY)
    people = conservation(await read(database, actor=ACTOR, today=TODAY), PROGRAMME)
    assert (people.people, people.lost) == (3, 0)


async def test_the_extract_on_disk_gives_the_same_results_and_names_nobody(url, database, tmp_path):
    await settle(url, 1, 2)
    await hpv(database, 1, date(2024, 2, 1), "hpv_16")
    first = await extract(database, tmp_path / "data", actor=ACTOR, today=TODAY)
    again = await extract(database, tmp_path / "data", actor=ACTOR, today=TODAY)
    kept, written = await read(database, actor=ACTOR, today=TODAY), open_extract(tmp_path / "data")
    assert again.manifest.rows == first.manifest.rows
    asked = question(PROGRAMME, period("2024"))
    assert compute(kept, asked).frame.equals(compute(written, asked).frame)
    everything = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*.parquet"))
    assert b"Nordmann" not in everything
    assert (tmp_path / "data" / "dictionary.md").read_text() == dictionary()


async def test_taking_the_extract_is_audited(url, database):
    await settle(url, 1)
    await read(database, actor=ACTOR, today=TODAY)
    connection = await asyncpg.connect(url)
    assert (
        await connection.fetchval("select count(*) from audit where action = 'took the analytics extract'")
        == 1
    )
    await connection.close()


def test_two_extracts_without_a_key_cannot_be_linked():
    ids = pl.Series([1, 2, 3])
    assert pseudonyms(ids, b"a" * 32).to_list() == pseudonyms(ids, b"a" * 32).to_list()
    assert not set(pseudonyms(ids, b"a" * 32)) & set(pseudonyms(ids, b"b" * 32))


def test_a_correction_of_a_correction_is_followed_to_its_end():
    assert last_versions({1: 4, 4: 9, 2: 3}) == {1: 9, 4: 9, 2: 3}


# fmt: off
WORST = [
    ("hpv",       "hpv_16 negative",      "positive"),
    ("hpv",       "hpv_31 invalid",       "positive"),
    ("hpv",       "negative invalid",     "negative"),
    ("hpv",       "invalid",              "invalid"),
    ("cytology",  "nilm asc_us",          "asc_us"),
    ("cytology",  "unsatisfactory",       "unsatisfactory"),
    ("histology", "cin1 cin3 normal",     "cin3"),
    ("histology", "",                     None),
]
# fmt: on


@pytest.mark.parametrize(("test", "findings", "worst"), WORST)
def test_a_test_counts_as_its_worst_finding(test, findings, worst):
    frame = with_findings(pl.DataFrame({"test": [test], "findings": [findings]}))
    assert frame["result"].to_list() == [worst]


def test_every_table_has_exactly_its_documented_columns():
    bucket = dataset([Life(born=BORN)], data_cut=TODAY).buckets[0]
    for name, table in TABLES.items():
        assert getattr(bucket, name).collect_schema() == table.schema


def test_a_folder_without_a_dataset_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(Refused, match="screening extract"):
        open_extract(tmp_path)


def test_a_dataset_of_another_schema_version_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text('{"version": 0}')
    with pytest.raises(Refused, match="schema version 0, expected 3"):
        open_extract(tmp_path)


async def test_a_folder_with_other_files_is_never_replaced(database, tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(Refused, match="holds other files"):
        await extract(database, tmp_path, actor=ACTOR, today=TODAY)
    assert (tmp_path / "thesis.docx").exists()
