"""A release: frozen, approved by a second person, published, compared, and made again byte for byte."""

from collections.abc import Callable
from datetime import date, timedelta

import asyncpg
import polars as pl
import pytest

from analytics.disclosure.policy import installed, policy
from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.releases.code import code_version
from analytics.releases.commands import decide_release, make_release
from analytics.releases.comparison import Because
from analytics.releases.contents import NUMBERS, spec
from analytics.releases.frozen import thawed, told
from analytics.releases.make import freeze
from analytics.releases.queries import files_of, release_named
from analytics.releases.reproduce import reproduced
from analytics.releases.states import ReleaseNews, ReleaseState
from screening.refusals import Conflict, NotAllowed, Refused
from screening.storage.transaction import Actor
from screening.vocabulary import Role

KARI, OLA = (Actor(name, frozenset({Role.PROGRAMME_STAFF})) for name in ("kari", "ola"))
FIRST_CUT, SECOND_CUT = date(2025, 1, 15), date(2025, 7, 1)
ASKED = spec("no-cervical", "2024", ["county"])
COUNTIES = ("03", "11", "46")


def woman(number, answers: Callable[[int], bool], *, recorded=None):
    """Reminded in spring 2024; those who answer are tested seven weeks later, and are HPV negative."""
    sent = date(2024, 1, 1) + timedelta(days=number % 90)
    events = [Happening(date=sent, kind="reminded", letter="reminder")]
    if answers(number):
        day = sent + timedelta(days=50)
        events.append(
            Happening(
                date=day,
                kind="tested",
                test="hpv",
                sample="clinician",
                findings="negative",
                recorded_on=recorded or day,
            )
        )
    return Life(born=date(1980, 1, 1), homes=[Home(municipality=f"{COUNTIES[number % 3]}01")], events=events)


def crowd(cut, *, late=0):
    """300 women, of whom half answer; `late`: how many of Oslo's first answered too, but that was told later."""
    newly = {6 * number for number in range(late)}
    lives = [
        woman(
            number, lambda n: n % 2 == 1 or n in newly, recorded=date(2025, 3, 1) if number in newly else None
        )
        for number in range(300)
    ]
    return dataset(lives, data_cut=cut)


async def made(database, data, *, by=KARI, asked=ASKED, rules=None):
    today = data.manifest.data_cut
    frozen = await freeze(database, data, asked, rules or installed(), actor=by, today=today)
    return await database.run(lambda tx: make_release(tx, frozen=frozen), actor=by, today=today)


async def decided(database, number, happened, *, by=OLA, reason=""):
    return await database.run(
        lambda tx: decide_release(tx, release=number, happened=happened, reason=reason),
        actor=by,
        today=SECOND_CUT,
    )


async def published(database, data, **more):
    number = await made(database, data, **more)
    await decided(database, number, ReleaseNews.APPROVED)
    await decided(database, number, ReleaseNews.PUBLISHED)
    return number


async def contents(database, number):
    files = await database.run(lambda tx: files_of(tx, number), actor=KARI, today=SECOND_CUT)
    return {name: file.content for name, file in files.items()}


def coverage(files, county):
    frame = pl.read_csv(files["county.csv"]).filter(id="test_coverage", county=county)
    return frame["numerator"].item()


async def test_the_same_release_is_made_once(database):
    data = crowd(FIRST_CUT)
    assert await made(database, data) == await made(database, data)
    assert await database.pool.fetchval("select count(*) from audit where action = 'made release'") == 1


async def test_a_release_says_of_what_and_by_what_it_was_made(database):
    number = await made(database, crowd(FIRST_CUT))
    record = await database.run(lambda tx: release_named(tx, number), actor=KARI, today=FIRST_CUT)
    manifest = record.manifest
    assert (record.state, record.data_cut, record.made_by) == (ReleaseState.MADE, FIRST_CUT, "kari")
    assert manifest["code"] == code_version()
    assert any(name.startswith("no-cervical-") for name in manifest["protocols"])
    assert manifest["measures"]["small"]["below"] == 5
    assert set(manifest["sha256"]) == {"all.csv", "county.csv", "definitions.json", "csv-metadata.json"}
    assert manifest["contents"]["county"]["rows"] > manifest["contents"]["all"]["rows"]


async def test_who_made_it_may_not_approve_it_nor_may_the_database_be_told_so(database):
    number = await made(database, crowd(FIRST_CUT))
    with pytest.raises(NotAllowed, match="somebody else must approve"):
        await decided(database, number, ReleaseNews.APPROVED, by=KARI)
    with pytest.raises(asyncpg.CheckViolationError, match="two_people"):
        await database.pool.execute("update release set approved_by = made_by, approved_on = made_on")


async def test_only_what_was_approved_is_published_and_twice_is_once(database):
    number = await made(database, crowd(FIRST_CUT))
    with pytest.raises(Conflict, match="made: published cannot happen; possible: approved, rejected"):
        await decided(database, number, ReleaseNews.PUBLISHED)
    for _ in range(2):
        await decided(database, number, ReleaseNews.APPROVED)
    for _ in range(2):
        record = await decided(database, number, ReleaseNews.PUBLISHED, by=KARI)
    assert (record.state, record.approved_by, record.published_by) == (ReleaseState.PUBLISHED, "ola", "kari")
    assert await database.pool.fetchval("select count(*) from audit where action like '%release'") == 3


async def test_an_end_has_a_reason(database):
    number = await published(database, crowd(FIRST_CUT))
    with pytest.raises(Refused, match="say why"):
        await decided(database, number, ReleaseNews.WITHDRAWN, reason=" ")
    record = await decided(database, number, ReleaseNews.WITHDRAWN, reason="a laboratory was counted twice")
    assert (record.state, record.ended_reason) == (ReleaseState.WITHDRAWN, "a laboratory was counted twice")


async def test_what_was_frozen_cannot_be_changed(url, database):
    await made(database, crowd(FIRST_CUT))
    connection = await asyncpg.connect(url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute("update release_file set content = ''")
    await connection.close()


async def test_a_release_is_made_again_byte_for_byte_from_its_true_numbers_and_from_the_data(database):
    data = crowd(FIRST_CUT)
    number = await made(database, data)
    files = await contents(database, number)
    again = reproduced(number, files, code=code_version(), before=None, dataset=data)
    assert again.same
    assert (again.damaged, again.differing, again.redefined, again.recounted) == ([], [], [], [])


async def test_damage_and_other_data_are_seen(database):
    number = await made(database, crowd(FIRST_CUT))
    files = await contents(database, number)
    files["county.csv"] = files["county.csv"].replace(b"Oslo", b"Olso")
    again = reproduced(number, files, code="", before=None, dataset=crowd(FIRST_CUT, late=20))
    assert (again.same, again.damaged, again.differing) == (False, ["county.csv"], ["county.csv"])
    assert again.recounted == ["all", "county"]
    with pytest.raises(Refused, match="counted as of 2025-01-15"):
        reproduced(number, files, code="", before=None, dataset=crowd(SECOND_CUT))


async def test_the_next_release_says_what_changed_and_why(database):
    first = await published(database, crowd(FIRST_CUT))
    second = await made(database, crowd(SECOND_CUT, late=12))
    before, now = await contents(database, first), await contents(database, second)
    changed = pl.read_csv(now["changes.csv"]).filter(id="test_coverage", stratum="Oslo", number="numerator")
    assert changed.select("before", "now", "because").rows() == [
        (coverage(before, "Oslo"), coverage(before, "Oslo") + 12, Because.LATE_DATA)
    ]
    again = reproduced(second, now, code="", before=told(before[NUMBERS]), dataset=None)
    assert again.same


async def test_a_number_that_no_longer_stands_is_a_correction(database):
    await published(database, crowd(FIRST_CUT, late=0))
    fewer = dataset(
        [woman(number, lambda n: n % 2 == 1 and n >= 40) for number in range(300)], data_cut=SECOND_CUT
    )
    now = await contents(database, await made(database, fewer))
    changed = pl.read_csv(now["changes.csv"]).filter(id="test_coverage", number="numerator", stratum="Oslo")
    assert changed["because"].to_list() == [Because.CORRECTIONS]


async def test_a_difference_of_two_people_between_releases_is_not_told(database):
    first = await published(database, crowd(FIRST_CUT))
    second = await made(database, crowd(SECOND_CUT, late=2))
    before, now = await contents(database, first), await contents(database, second)
    assert coverage(before, "Oslo") == 50
    assert coverage(now, "Oslo") is None
    changed = pl.read_csv(now["changes.csv"]).filter(id="test_coverage")
    assert changed.height == 0


async def test_a_release_made_before_another_was_published_must_be_made_anew(database):
    early = await made(database, crowd(FIRST_CUT))
    await published(database, crowd(SECOND_CUT, late=12))
    await decided(database, early, ReleaseNews.APPROVED)
    with pytest.raises(Conflict, match="make this one anew"):
        await decided(database, early, ReleaseNews.PUBLISHED)


async def test_the_true_numbers_are_frozen_with_what_was_hidden_and_why(database):
    strict = policy(
        "id: strict\ntitle: t\naudiences:\n  public:\n    small: {below: 60, source: s, verified: no}\n",
        file="strict.yaml",
    )
    files = await contents(database, await made(database, crowd(FIRST_CUT), rules=strict))
    verdict = thawed(files[NUMBERS])
    assert coverage(files, "Oslo") is None
    kept = {
        cell.place.words: span
        for cell, span in verdict.sensitive.items()
        if cell.place.indicator == "test_coverage"
    }
    assert kept == {(("county", name),): (1, 59) for name in ("Oslo", "Rogaland", "Vestland")}


@pytest.mark.parametrize(
    ("tables", "said"),
    [(["couny"], "did you mean 'county'"), (["sample,letter"], "no indicator of no-cervical")],
)
def test_an_unknown_table_is_refused_naming_the_nearest(tables, said):
    with pytest.raises(Refused, match=said):
        spec("no-cervical", "2024", tables)


def test_a_table_comes_with_all_its_margins():
    assert spec("no-cervical", "2024", ["county,age_group"]).tables == (
        (), ("age_group",), ("county",), ("county", "age_group"),
    )  # fmt: skip
