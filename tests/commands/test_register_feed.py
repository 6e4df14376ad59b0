"""The register's feed: counts add up, nothing is lost, and the same file twice changes nothing."""

import asyncio
import io
import itertools
import tracemalloc
from datetime import date, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.people.commands import Source, load_feed
from screening.people.feed import FeedFormat, Line, Rejection, parse_feed
from screening.people.national_id import synthetic_numbers
from screening.refusals import Refused
from screening.storage.transaction import system_actor
from screening.vocabulary import Role

TODAY = date(2024, 6, 3)
BORN = date(1980, 5, 17)
NUMBERS = [number for _, number in zip(range(20), synthetic_numbers(BORN), strict=False)]
SOURCE = Source(name="test", programmes=("no-cervical",), accept_synthetic=True)


def line(number=0, **more):
    return {
        "national_id": NUMBERS[number],
        "born": BORN,
        "sex": "female",
        "name": "Kari Prøve",
        "municipality": "0301",
        "resident_since": BORN,
        **more,
    }


def ndjson(*lines):
    return b"\n".join(one if isinstance(one, bytes) else msgspec.json.encode(one) for one in lines)


async def load(database, *lines, today=TODAY):
    return await load_feed(
        database,
        file=io.BytesIO(ndjson(*lines)),
        form=FeedFormat.NDJSON,
        source=SOURCE,
        actor=system_actor("test"),
        today=today,
    )


def counts(report):
    return (report.received, report.applied, report.unchanged, report.rejected)


async def kinds(database):
    return [row[0] for row in await database.pool.fetch("select kind from event order by id")]


async def test_everybody_new_is_registered_and_has_a_standing(database):
    report = await load(database, line(0), line(1))
    assert counts(report) == (2, 2, 0, 0)
    assert await kinds(database) == ["registered", "registered"]
    assert await database.pool.fetchval("select count(*) from standing where decided_on is null") == 2


async def test_the_same_file_twice_changes_nothing(database):
    await load(database, line(0), line(1))
    assert counts(await load(database, line(0), line(1))) == (2, 0, 2, 0)
    assert len(await kinds(database)) == 2


async def test_a_line_that_is_wrong_is_kept_with_its_reason_and_the_others_are_taken(database):
    report = await load(
        database, line(0), {**line(1), "born": "2099-01-01"}, b"{not json", {**line(2), "sex": "f"}
    )
    assert counts(report) == (4, 1, 0, 3)
    kept = await database.pool.fetch("select line, code, raw from register_rejection order by line")
    assert [(row["line"], row["code"]) for row in kept] == [
        (2, "born_in_future"),
        (3, "line_malformed"),
        (4, "line_malformed"),
    ]
    assert kept[1]["raw"] == "{not json"


async def test_a_second_different_line_about_one_person_is_refused(database):
    report = await load(database, line(0), line(0), line(0, name="Somebody Else"))
    assert counts(report) == (3, 1, 1, 1)
    assert report.rejections[0].code == "person_twice"


async def test_moving_ends_one_residence_and_begins_another(database):
    await load(database, line(0))
    await load(database, line(0, municipality="1103", event_date=date(2024, 5, 1)))
    rows = await database.pool.fetch("select municipality, since, until from residence order by since")
    assert [tuple(row) for row in rows] == [
        ("0301", BORN, date(2024, 5, 1)),
        ("1103", date(2024, 5, 1), None),
    ]
    assert await kinds(database) == ["registered", "moved"]


async def test_leaving_the_country_and_coming_back_leaves_a_gap(database):
    await load(database, line(0))
    await load(database, line(0, emigrated_on=date(2020, 1, 1)))
    await load(database, line(0, municipality="1103", event_date=date(2023, 1, 1)))
    rows = await database.pool.fetch("select municipality, since, until from residence order by since")
    assert [tuple(row)[1:] for row in rows] == [(BORN, date(2020, 1, 1)), (date(2023, 1, 1), None)]
    assert await kinds(database) == ["registered", "emigrated", "immigrated", "moved"]


async def test_a_death_that_was_a_mistake_is_reversed(database):
    await load(database, line(0))
    await load(database, line(0, died_on=date(2024, 1, 1)))
    await load(database, line(0))
    assert await kinds(database) == ["registered", "died", "death_reversed"]
    assert await database.pool.fetchval("select count(*) from residence where until is null") == 1


async def test_dying_a_second_time_after_a_reversal_is_news_again(database):
    await load(database, line(0))
    for _ in range(2):
        await load(database, line(0, died_on=date(2024, 1, 1), name=f"Kari {_}"))
        await load(database, line(0, name=f"Kari {_}"))
    assert await kinds(database) == ["registered", "died", "death_reversed", "died", "death_reversed"]


async def test_a_file_of_the_same_bytes_is_news_again_after_another(database):
    home, dead = line(0), line(0, died_on=date(2024, 1, 1))
    for told in (home, dead, home, dead):
        assert counts(await load(database, told)) == (1, 1, 0, 0)
    assert await kinds(database) == ["registered", "died", "death_reversed", "died"]


@pytest.mark.parametrize("form", [FeedFormat.CSV, FeedFormat.PARQUET])
async def test_of_a_column_that_a_file_does_not_have_what_was_known_stays(database, form):
    """A file of four columns is no news of an address, a death or a merge."""
    whole = line(0, protected_address=True, address="Storgata 1"), line(1, died_on=date(2024, 1, 1))
    await load(database, *whole, line(2, merged_into=NUMBERS[0]))
    stays = "select address, municipality, resident_since, protected_address, died_on, holder_id from person order by id"
    before = await database.pool.fetch(stays)
    rows = [
        {"national_id": NUMBERS[one], "born": BORN, "sex": "female", "name": "Kari Ny"} for one in range(3)
    ]
    buffer = io.BytesIO()
    frame = pl.DataFrame(rows)
    (frame.write_csv if form == FeedFormat.CSV else frame.write_parquet)(buffer)
    report = await load_feed(
        database, file=buffer, form=form, source=SOURCE, actor=system_actor("test"), today=TODAY
    )
    assert counts(report) == (3, 3, 0, 0)
    assert await database.pool.fetch(stays) == before
    assert await kinds(database) == ["registered", "protected", "registered", "died", "registered", "merged"]


async def test_a_merge_reads_both_histories_as_one_and_can_be_taken_back(database):
    await load(database, line(0), line(1))
    await load(database, line(0), line(1, merged_into=NUMBERS[0]))
    holders = "select holder_id from person order by id"
    first, second = [row[0] for row in await database.pool.fetch(holders)]
    assert first == second
    await load(database, line(0), line(1))
    first, second = [row[0] for row in await database.pool.fetch(holders)]
    assert first != second
    assert (await kinds(database))[2:] == ["merged", "unmerged"]


async def test_a_chain_of_merges_has_one_holder_and_comes_apart_in_the_middle(database):
    await load(database, line(0), line(1), line(2))
    await load(database, line(0), line(1, merged_into=NUMBERS[0]), line(2, merged_into=NUMBERS[1]))
    rows = await database.pool.fetch("select id, holder_id from person order by id")
    assert {row["holder_id"] for row in rows} == {rows[0]["id"]}
    await load(database, line(1), line(2, merged_into=NUMBERS[1]))
    rows = await database.pool.fetch("select id, holder_id from person order by id")
    assert [row["holder_id"] for row in rows] == [rows[0]["id"], rows[1]["id"], rows[1]["id"]]


async def test_a_merge_with_nobody_or_in_a_circle_is_refused(database):
    await load(database, line(0), line(1))
    assert (await load(database, line(0, merged_into=NUMBERS[9]))).rejections[
        0
    ].code == "merge_target_unknown"
    await load(database, line(1, merged_into=NUMBERS[0]))
    assert (await load(database, line(0, merged_into=NUMBERS[1]))).rejections[0].code == "merge_circular"


async def test_a_corrected_birth_date_makes_the_person_due_for_reconciling(database):
    await load(database, line(0))
    await database.pool.execute("update standing set next_action_on = null")
    await load(database, line(0, born=date(1981, 5, 17), resident_since=date(1981, 5, 17)))
    assert await database.pool.fetchval("select next_action_on from standing") == TODAY


async def test_two_loads_at_once_end_as_one(database):
    results = await asyncio.gather(load(database, line(0)), load(database, line(0)), return_exceptions=True)
    assert await database.pool.fetchval("select count(*) from person") == 1
    assert any(not isinstance(one, Exception) for one in results)


def test_a_header_with_an_unknown_column_refuses_the_file():
    with pytest.raises(Refused, match="unknown column shoe_size"):
        list(
            parse_feed(
                io.BytesIO(b"national_id,born,sex,name,shoe_size\n"),
                FeedFormat.CSV,
                today=TODAY,
                accept_synthetic=True,
            )
        )


def test_csv_and_parquet_say_the_same_as_ndjson():
    record = line(0, name='Kari "Prøve", Ås', protected_address=True)
    text = "national_id,born,sex,name,municipality,resident_since,protected_address\n"
    row = f'{NUMBERS[0]},{BORN},female,"Kari ""Prøve"", Ås",0301,{BORN},true\n'
    buffer = io.BytesIO()
    pl.DataFrame([record]).write_parquet(buffer)
    parsed = [
        list(parse_feed(io.BytesIO(content), form, today=TODAY, accept_synthetic=True))
        for content, form in [
            ((text + row).encode(), FeedFormat.CSV),
            (buffer.getvalue(), FeedFormat.PARQUET),
            (ndjson(record), FeedFormat.NDJSON),
        ]
    ]
    assert [one for _, one in parsed[0]] == [one for _, one in parsed[1]] == [one for _, one in parsed[2]]
    assert isinstance(parsed[0][0][1], Line)


def test_bytes_that_are_not_utf8_are_refused_by_line():
    content = f"national_id,born,sex,name\n{NUMBERS[0]},{BORN},female,".encode() + b"K\xe5re\n"
    ((_, rejection),) = parse_feed(io.BytesIO(content), FeedFormat.CSV, today=TODAY, accept_synthetic=True)
    assert isinstance(rejection, Rejection)
    assert (rejection.line, rejection.code) == (2, "not_utf8")


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("born", "1990-13-45", "line 2: born: '1990-13-45' is not a day; expected YYYY-MM-DD"),
        ("born", NUMBERS[0], "line 2: born is not a day; expected YYYY-MM-DD"),
        ("sex", "femal", "line 2: sex: 'femal'; expected female or male"),
        ("digital_mailbox", "perhaps", "line 2: digital_mailbox: 'perhaps'; expected true or false"),
    ],
)
def test_a_line_that_is_wrong_is_told_as_an_editor_counts_with_what_is_expected(column, value, told):
    cells = {"national_id": NUMBERS[0], "born": str(BORN), "sex": "female", "name": "Prøve"} | {column: value}
    content = f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()
    ((number, rejection),) = parse_feed(
        io.BytesIO(content), FeedFormat.CSV, today=TODAY, accept_synthetic=True
    )
    assert (number, rejection.line, rejection.message) == (2, 2, told)


@given(st.binary(max_size=300), st.sampled_from([FeedFormat.CSV, FeedFormat.NDJSON]))
def test_no_bytes_make_the_parser_raise_anything_but_a_refusal(content, form):
    try:
        parsed = list(parse_feed(io.BytesIO(content), form, today=TODAY, accept_synthetic=True))
    except Refused:
        return
    assert all(isinstance(one, Line | Rejection) for _, one in parsed)


STATES = st.fixed_dictionaries(
    {
        "municipality": st.sampled_from(["0301", "1103", "4601"]),
        "emigrated_on": st.sampled_from([None, date(2020, 1, 1), date(2022, 1, 1)]),
        "died_on": st.sampled_from([None, None, date(2023, 1, 1)]),
        "event_date": st.integers(0, 5).map(lambda n: date(2019, 1, 1) + timedelta(days=300 * n)),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STATES, max_size=6))
async def test_whatever_the_register_tells_residences_never_overlap_and_a_second_load_is_unchanged(
    database, states
):
    for state in states:
        await load(database, line(3, **state))
        assert counts(await load(database, line(3, **state))) == (1, 0, 1, 0)
    rows = await database.pool.fetch("select since, until from residence order by since")
    for earlier, later in itertools.pairwise(rows):
        assert earlier["until"] is not None
        assert earlier["until"] <= later["since"]


@pytest.mark.parametrize("told", ["301", "03011", "Oslo", "٠٣٠١", NUMBERS[1]])
async def test_a_norwegian_municipality_is_four_digits(database, told):
    report = await load(database, line(municipality=told))
    (rejection,) = report.rejections
    assert rejection.code == "municipality_malformed"
    assert rejection.message == "line 1: municipality: expected its four digits, as 0301"


async def test_a_municipality_elsewhere_is_written_as_that_country_writes_it(database):
    born = "1988-03-20"
    swedish = line(national_id="8803200016", born=born, resident_since=born, country="SE", municipality="114")
    report = await load(database, swedish)
    assert counts(report) == (1, 1, 0, 0)


async def pieces(*first, blanks, size=256 * 1024):
    """What is sent first, then as many pieces of blank lines."""
    for one in first:
        yield one
    for _ in range(blanks):
        yield (b" " * 1023 + b"\n") * (size // 1024)


async def post(platform, content):
    async with platform.caller(Role.PROGRAMME_STAFF) as register:
        return await register.post(
            "/people/feed", content=content, headers={"Content-Type": "application/x-ndjson"}
        )


async def test_a_feed_of_any_size_passes_through_little_memory(platform):
    known = ndjson(line(born="1980-05-17")) + b"\n"
    tracemalloc.start()
    try:
        answer = await post(platform, pieces(known, blanks=128))  # 32 MB
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.json()["received"] == 1
    assert peak < 10 * 1024 * 1024


async def test_a_feed_over_the_limit_is_refused_with_the_limit_and_nothing_of_it_is_taken(
    platform, monkeypatch
):
    (route,) = [one for one in platform.app.routes if one.path == "/people/feed"]
    handler, _ = route.route_handler_map["POST"]
    monkeypatch.setattr(handler, "_resolved_request_max_body_size", 1024 * 1024)
    answer = await post(platform, pieces(ndjson(line(19)) + b"\n", blanks=8))
    assert answer.status_code == 413
    assert "1,048,576 bytes" in answer.json()["detail"]
    assert await platform.fetch("select 1 from identity where number = $1", NUMBERS[19]) == []


async def test_the_door_tells_a_hundred_rejections_and_counts_and_keeps_all(platform):
    answer = await post(platform, b"{}\n" * 250)
    told = answer.json()
    assert (told["received"], told["rejected"], len(told["rejections"])) == (250, 250, 100)
    kept = "select count(*) from register_rejection join register_file f on f.id = file_id where f.received = 250"
    assert await platform.fetch(kept) == [(250,)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_told_apart_wherever_a_piece_of_the_file_ends(end):
    header = b"national_id,born,sex,name,address"
    long = (f"{NUMBERS[0]},1980-05-17,female,Kari,{'x' * 999}").encode()
    many = 3 * 1024  # three megabytes: every piece ends inside a line, or between the two bytes of its end
    content = end.join([header, *[long] * many])
    parsed = list(parse_feed(io.BytesIO(content), FeedFormat.CSV, today=TODAY, accept_synthetic=True))
    assert [number for number, _ in parsed] == list(range(2, many + 2))
    assert {one.address for _, one in parsed} == {"x" * 999}


def test_a_line_without_an_end_is_not_read_into_memory():
    endless = io.BytesIO(b"{}\n" + b"x" * (3 * 1024 * 1024))
    with pytest.raises(Refused, match="line 2: longer than 1,048,576 bytes"):
        list(parse_feed(endless, FeedFormat.NDJSON, today=TODAY, accept_synthetic=True))


def test_a_parquet_file_that_is_none_is_refused():
    with pytest.raises(Refused, match="not a Parquet file"):
        list(parse_feed(io.BytesIO(b"PAR1" * 9), FeedFormat.PARQUET, today=TODAY, accept_synthetic=True))
