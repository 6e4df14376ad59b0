"""Opening the database an installation has: the embedded one or one of yours, whatever happened to it before."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

import asyncpg
import pytest

from screening.refusals import Refused
from screening.service.cli import main
from screening.service.opening import opened
from screening.storage import embedded
from screening.storage.migrate import create_database, downgrade, migrate
from screening.storage.urls import with_database

ADD = "insert into kit_lot (lot, expires_on, remaining) values ($1, '2030-01-01', 1)"
LOTS = "select lot from kit_lot order by lot"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An installation of its own, which has no database yet."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SCREENING_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


async def lots():
    async with opened() as installation:
        return [row["lot"] for row in await installation.database.pool.fetch(LOTS)]


async def add_lot(name):
    async with opened() as installation:
        await installation.database.pool.execute(ADD, name)


def postmaster(folder):
    try:
        return int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return None


async def test_a_second_start_finds_what_the_first_one_kept(folder):
    await add_lot("L1")
    assert await lots() == ["L1"]


async def test_the_last_to_leave_stops_the_server(folder):
    async with opened():
        async with opened():
            assert postmaster(folder) is not None
        assert await lots() == [], "who stays keeps it"
    assert postmaster(folder) is None


async def test_a_killed_server_loses_nothing_that_was_committed(folder):
    for number in range(3):
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            async with opened() as installation:
                await installation.database.pool.execute(ADD, f"L{number}")
                os.kill(postmaster(folder), signal.SIGKILL)
    assert await lots() == ["L0", "L1", "L2"]


def begun(script):
    """A program of its own, under way."""
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def ended(command, **more):
    """What a program said that ran to its end."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert done.stderr == ""
    return done.stdout.splitlines()


HOLD = """
import asyncio
from screening.service.opening import opened

async def main():
    async with opened() as installation:
        await installation.database.pool.execute(
            "insert into kit_lot (lot, expires_on, remaining) values ('L1', '2030-01-01', 1)")
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_killed_program_leaves_a_server_that_the_next_one_uses_and_stops(folder):
    program = begun(HOLD)
    assert program.stdout.readline() == "ready\n"
    left = postmaster(folder)
    program.kill()
    program.communicate()
    async with opened() as installation:
        assert postmaster(folder) == left
        assert [row["lot"] for row in await installation.database.pool.fetch(LOTS)] == ["L1"]
    assert postmaster(folder) is None


OPEN_ONCE = """
import asyncio, os
from screening.service.opening import opened

async def main():
    async with opened() as installation:
        await installation.database.pool.execute(
            "insert into kit_lot (lot, expires_on, remaining) values ($1, '2030-01-01', 1)", str(os.getpid()))

asyncio.run(main())
"""


async def test_processes_that_open_an_installation_at_once_share_it_from_the_first_moment(folder):
    programs = [begun(OPEN_ONCE) for _ in range(3)]
    for program in programs:
        program.communicate(timeout=120)
    assert [program.returncode for program in programs] == [0, 0, 0]
    assert await lots() == sorted(str(program.pid) for program in programs)
    assert postmaster(folder) is None


async def test_another_database_on_the_same_server_is_another_world(folder):
    await add_lot("L1")
    async with opened(name="elsewhere") as installation:
        assert await installation.database.pool.fetch(LOTS) == []
    assert await lots() == ["L1"]


async def test_a_database_made_by_two_at_once_is_made_once(cluster):
    server = cluster.url("postgres")
    await asyncio.gather(*(create_database(server, name="made_once") for _ in range(4)))
    await create_database(server, name="made_once")
    connection = await asyncpg.connect(server)
    made = await connection.fetchval("select count(*) from pg_database where datname = 'made_once'")
    await connection.close()
    assert made == 1


@pytest.mark.parametrize("where", ["data", "data/deeper/still"])
async def test_a_file_in_the_folders_way_is_told_by_its_name(tmp_path, monkeypatch, where):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SCREENING_DATA", str(tmp_path / where))
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(Refused, match="SCREENING_DATA") as refused:
        await lots()
    assert refused.value.code == "data_folder_unusable"
    assert str(tmp_path / where) in refused.value.message


OPEN_IN_LITTLE_ROOM = """
import asyncio, sys
from screening.refusals import Refused
from screening.service.opening import opened

async def main():
    try:
        async with opened():
            print("opened")
    except Refused as refused:
        print(refused.message)

asyncio.run(main())
"""
IN_A_DISK_OF = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
NO_SPACE = "No space left on device"


def on_a_disk_of(size, folder, script):
    """What programs say that have a small disk of their own; the disk is gone when they end."""
    mount = f'mount -t tmpfs -o size={size} none "$0"'
    if subprocess.run([*IN_A_DISK_OF, mount, str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no disk of one's own in a user namespace")
    return ended([*IN_A_DISK_OF, f"{mount} && {script}", str(folder), sys.executable, OPEN_IN_LITTLE_ROOM])


def told_once_with_its_folder(line, folder):
    return NO_SPACE in line and str(folder) in line


@pytest.mark.parametrize("size", ["10m", "40m"])
def test_a_full_disk_is_told_in_one_line_with_its_folder(folder, size):
    """10 MB: full while the cluster is made; 40 MB: while the database is."""
    folder.mkdir()
    lines = on_a_disk_of(size, folder, '"$1" -c "$2"')
    assert len(lines) == 1
    assert told_once_with_its_folder(lines[0], folder)


def test_a_disk_that_is_full_at_the_next_start_is_told_and_once_there_is_room_all_is_there(folder):
    folder.mkdir()
    began = time.monotonic()
    again = '"$1" -c "$2"; dd if=/dev/zero of="$0/filler" bs=1M status=none 2>/dev/null; "$1" -c "$2"; rm "$0/filler"; "$1" -c "$2"'
    first, full, last = on_a_disk_of("100m", folder, again)
    assert (first, last) == ("opened", "opened")
    assert told_once_with_its_folder(full, folder)
    assert time.monotonic() - began < 60


def test_a_quota_on_the_size_of_files_is_told_and_leaves_nothing_half_made(folder):
    limited = ["sh", "-c", 'ulimit -f 4000; exec "$0" -c "$1"', sys.executable, OPEN_IN_LITTLE_ROOM]
    (told,) = ended(limited)
    assert "File too large" in told
    assert str(folder) in told
    assert ended([sys.executable, "-c", OPEN_IN_LITTLE_ROOM]) == ["opened"]


# -- a database of yours -----------------------------------------------------------------------------------


async def test_a_database_of_yours_is_used_as_it_is_and_no_server_is_started(url, folder, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    await add_lot("L1")
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select count(*) from kit_lot") == 1
    await connection.close()
    assert not folder.exists()


async def test_a_database_of_yours_that_was_never_migrated_is_left_alone(url, folder, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    await downgrade(url)
    with pytest.raises(Refused, match="run `screening migrate`") as refused:
        await lots()
    assert refused.value.code == "database_older"
    await migrate(url)
    assert await lots() == []


async def test_a_database_of_a_newer_version_is_refused(url, folder, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", url)
    connection = await asyncpg.connect(url)
    await connection.execute("update alembic_version set version_num = '9999'")
    await connection.close()
    with pytest.raises(Refused, match="9999") as refused:
        await lots()
    assert refused.value.code == "database_newer"


async def test_an_embedded_database_of_a_newer_version_is_refused_and_stays_as_it_is(folder):
    await add_lot("L1")
    with embedded.shared(folder) as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("update alembic_version set version_num = '9999'")
        with pytest.raises(Refused, match="9999"):
            await lots()
        assert [row["lot"] for row in await connection.fetch(LOTS)] == ["L1"]
        await connection.close()
    assert postmaster(folder) is None


async def test_a_login_that_owns_nothing_is_enough(url, folder, monkeypatch):
    connection = await asyncpg.connect(url)
    await connection.execute(
        "do $$ begin create role service login in role screening_application;"
        " exception when duplicate_object then null; end $$"
    )
    await connection.close()
    monkeypatch.setenv("DATABASE_URL", url.replace("//screening@", "//service@"))
    await add_lot("L1")
    assert await lots() == ["L1"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("postgresql://nobody@127.0.0.1:9/screening", "127.0.0.1"),
        (None, "does not exist"),
    ],
)
async def test_a_database_that_does_not_answer_is_told_by_host_and_without_the_password(
    cluster, folder, monkeypatch, wrong, told
):
    address = wrong or with_database(cluster.url(), "no_such_database")
    monkeypatch.setenv("DATABASE_URL", address.replace("nobody@", "nobody:secret@"))
    with pytest.raises(Refused, match=told) as refused:
        await lots()
    assert "secret" not in refused.value.message
    assert "\n" not in refused.value.message


async def test_a_folder_may_have_a_space_and_quotes_in_its_name(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SCREENING_DATA", str(tmp_path / "Application Support, Kari's"))
    await add_lot("L1")
    assert await lots() == ["L1"]


async def test_a_folder_that_was_moved_opens_where_it_is_now(folder, tmp_path, monkeypatch):
    await add_lot("L1")
    folder.rename(tmp_path / "moved")
    monkeypatch.setenv("SCREENING_DATA", str(tmp_path / "moved"))
    assert await lots() == ["L1"]


@pytest.mark.parametrize(
    "wrong", ["nonsense", "postgresql://h:secret/x", "mysql://a:secret@b/c", "postgresql://[h/x"]
)
async def test_an_address_that_names_no_postgresql_is_told_by_its_setting_and_not_repeated(
    folder, monkeypatch, wrong
):
    monkeypatch.setenv("DATABASE_URL", wrong)
    with pytest.raises(Refused, match="DATABASE_URL: expected postgresql://") as refused:
        await lots()
    assert "secret" not in refused.value.message


def test_a_demo_in_the_way_of_a_file_is_told_by_its_setting(folder, capsys):
    folder.write_text("not a folder")
    assert main(["demo"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "SCREENING_DATA" in line


def test_a_day_that_is_none_is_told_in_one_line(capsys):
    with pytest.raises(SystemExit) as ended_with:
        main(["demo", "--from", "2024-13-01"])
    (line,) = capsys.readouterr().err.splitlines()
    assert ended_with.value.code == 2
    assert "--from: '2024-13-01' is not a day; expected YYYY-MM-DD" in line
