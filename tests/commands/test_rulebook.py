"""Protocols as an installation uses them: answered for, read anew, compared for everyone."""

import asyncio
import os
import shutil
import subprocess
import sys
from datetime import date

import asyncpg
import pytest
from msgspec.structs import replace

from screening.protocols import load
from screening.protocols.load import family, installed_families, installed_files
from screening.refusals import Refused
from screening.rulebook.commands import activate_protocol, refuse_unverified
from screening.rulebook.population import Question, compare_in_processes, compare_population
from screening.rulebook.shelf import Shelf
from screening.service.protocol_files import watching
from screening.storage.transaction import system_actor

TODAY = date(2025, 3, 3)
ACTOR = system_actor("test")


async def test_unverified_rules_are_refused_until_somebody_answers_for_them(database):
    families = [family("no-colorectal")]
    with pytest.raises(Refused, match="no-colorectal-2022-01-01") as refused:
        await database.run(lambda tx: refuse_unverified(tx, families=families), actor=ACTOR, today=TODAY)
    assert refused.value.code == "protocol_unverified"
    for answered in (["no-colorectal-2022-01-01"], []):
        done = await database.run(
            lambda tx: activate_protocol(tx, family=families[0], reason="pilot"), actor=ACTOR, today=TODAY
        )
        assert done == answered
    await database.run(lambda tx: refuse_unverified(tx, families=families), actor=ACTOR, today=TODAY)


async def test_another_text_of_the_rules_asks_anew(database):
    old = family("no-colorectal")
    await database.run(lambda tx: activate_protocol(tx, family=old, reason="pilot"), actor=ACTOR, today=TODAY)
    files = {
        name: text for name, text in installed_files().items() if name == "no/colorectal-2022-01-01.yaml"
    }
    changed = {name: text.replace("after: {weeks: 6}", "after: {weeks: 7}") for name, text in files.items()}
    new = load.load_families(changed)["no-colorectal"]
    with pytest.raises(Refused, match="nobody has verified"):
        await database.run(lambda tx: refuse_unverified(tx, families=[new]), actor=ACTOR, today=TODAY)


def test_every_process_gives_the_rules_the_same_name():
    """Else what was answered for on the command line would be refused by the service."""
    asked = (
        "from screening.protocols.activation import digest; from screening.protocols.load import family;"
        " print(*(digest(one).hex() for one in family('no-cervical').versions))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "no").mkdir()
    yield tmp_path
    shutil.rmtree(tmp_path)
    load.use(load.load_families(installed_files()))


def colorectal():
    return installed_files()["no/colorectal-2022-01-01.yaml"]


def weeks_to_the_reminder():
    steps = installed_families()["no-colorectal"].versions[0].protocol.call.steps
    return steps[-1].after.weeks


def test_changed_files_are_put_in_use(folder):
    shelf = Shelf(folder)
    shelf.open()
    assert shelf.look_again() is None
    changed = colorectal().replace("after: {weeks: 6}", "after: {weeks: 8}")
    (folder / "no" / "colorectal-2022-01-01.yaml").write_text(changed, encoding="utf-8")
    found = shelf.look_again()
    assert weeks_to_the_reminder() == 6
    shelf.put(found)
    assert weeks_to_the_reminder() == 8
    assert shelf.look_again() is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("after: {weeks: 6}", "after: {wekks: 6}", "colorectal-2022-01-01.yaml:"),
        ("fit: [negative]", "fit: [positive]", "overlap"),
        ("letter: reminder", "letter: nowhere", "nowhere"),
        ("tables:", "tables: [", "not YAML"),
    ],
)
def test_bad_files_leave_the_last_good_set_in_use_and_say_so(folder, old, new, told):
    shelf = Shelf(folder)
    shelf.open()
    (folder / "no" / "colorectal-2022-01-01.yaml").write_text(
        colorectal().replace(old, new), encoding="utf-8"
    )
    assert shelf.look_again() is None
    assert told in shelf.trouble
    assert weeks_to_the_reminder() == 6
    (folder / "no" / "colorectal-2022-01-01.yaml").unlink()
    assert shelf.look_again() is None
    assert shelf.trouble is None


def test_a_service_does_not_begin_with_bad_files(folder):
    (folder / "no" / "colorectal-2022-01-01.yaml").write_text("id: x", encoding="utf-8")
    with pytest.raises(Refused):
        Shelf(folder).open()


async def until(holds):
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  a shelf rings no bell
            await asyncio.sleep(0.01)


async def test_a_running_service_puts_changed_files_in_use_only_where_somebody_answers_for_them(
    folder, database
):
    """The rules as shipped are answered for; changed ones are not, until somebody does."""

    async def vouch(families):
        await database.run(
            lambda tx: refuse_unverified(tx, families=[families["no-colorectal"]]), actor=ACTOR, today=TODAY
        )

    async def answer(families):
        await database.run(
            lambda tx: activate_protocol(tx, family=families["no-colorectal"], reason="pilot"),
            actor=ACTOR,
            today=TODAY,
        )

    shelf = Shelf(folder)
    with pytest.raises(Refused, match="nobody has verified"):
        async with watching(shelf, vouch=vouch):
            pass
    await answer(installed_families())
    changed = colorectal().replace("after: {weeks: 6}", "after: {weeks: 8}")
    async with watching(shelf, vouch=vouch, every=0.02):
        (folder / "no" / "colorectal-2022-01-01.yaml").write_text(changed, encoding="utf-8")
        await until(lambda: shelf.trouble)
        assert "nobody has verified: no-colorectal-2022-01-01" in shelf.trouble
        assert weeks_to_the_reminder() == 6
        await answer(load.load_families({"no/colorectal-2022-01-01.yaml": changed}))
        await until(lambda: weeks_to_the_reminder() == 8)
    assert shelf.trouble is None


async def people(url):
    """Four women: one with an HPV infection under the old rules, one up to date, one overdue, one a child."""
    connection = await asyncpg.connect(url)
    for number, born in enumerate(
        [date(1980, 1, 1), date(1985, 1, 1), date(1990, 1, 1), date(2015, 1, 1)], start=1
    ):
        await connection.execute(
            "insert into person (id, holder_id, born, sex, name) values ($1, $1, $2, 'female', 'A')",
            number,
            born,
        )
    tested = (
        "insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, body)"
        " values ($1, 'no-cervical', 'tested', $2, $2, 'test', gen_random_uuid(), $3)"
    )
    day = date(2024, 5, 6)
    await connection.execute(tested, 1, day, '{"test": "hpv", "findings": ["hpv_31"], "sample": "clinician"}')
    await connection.execute(
        tested, 1, day, '{"test": "cytology", "findings": ["nilm"], "sample": "clinician"}'
    )
    await connection.execute(
        tested, 2, day, '{"test": "hpv", "findings": ["negative"], "sample": "clinician"}'
    )
    await connection.close()


OLD_AND_NEW = Question(
    family("no-cervical-2018-07-01"), family("no-cervical-2024-04-16-extended"), TODAY, listed=10
)


async def test_a_comparison_for_everyone_counts_who_would_change_and_writes_nothing(url, database):
    await people(url)
    found = await compare_population(database, asked=OLD_AND_NEW)
    assert (found.people, found.changed, found.statuses) == (4, 1, {})
    (woman,) = found.listed
    assert (woman.person, woman.due_before, woman.due_after) == (1, date(2026, 5, 6), date(2025, 5, 6))
    assert (found.due_earlier, found.opened, found.withdrawn) == (1, {"repeat_test": 1}, {"repeat_test": 1})
    assert await database.pool.fetchval("select count(*) from obligation") == 0
    assert await database.pool.fetchval("select count(*) from audit where action = 'compared protocols'") == 1


async def test_no_more_people_are_listed_than_asked_for_and_all_are_counted(url, database):
    await people(url)
    found = await compare_population(database, asked=replace(OLD_AND_NEW, listed=0))
    assert (found.changed, found.listed) == (1, ())


async def test_several_processes_count_the_same(url, database):
    await people(url)
    alone = await compare_population(database, asked=OLD_AND_NEW)
    shown = []
    shared = await compare_in_processes(database, url, asked=OLD_AND_NEW, processes=2, progress=shown.append)
    assert shared == alone
    assert sum(shown) == 4


async def test_two_programmes_are_not_compared(url, database):
    asked = Question(family("no-cervical"), family("no-breast"), TODAY)
    with pytest.raises(Refused, match="different programmes"):
        await compare_population(database, asked=asked)
    with pytest.raises(Refused, match="different programmes"):
        await compare_in_processes(database, url, asked=asked, processes=1)
