"""The main job from outside, as somebody on a fresh machine runs it; and what a crash does to it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from screening.storage import embedded

RUN = ["--population", "700", "--years", "1", "--seed", "7", "--no-serve", "--json"]


def demo(folder, *more):
    environment = {**os.environ, "SCREENING_DATA": str(folder)}
    environment.pop("DATABASE_URL", None)
    return subprocess.Popen(
        [sys.executable, "-m", "screening", "demo", *RUN, *more],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    document = json.loads(out)
    assert document.pop("seconds") > 0
    return document


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = []

    def folder(name):
        made.append(tmp_path_factory.mktemp(name))
        return made[-1]

    yield folder
    for one in made:
        embedded.stop(one)


@pytest.fixture(scope="module")
def whole(folders):
    return folders("whole")


@pytest.fixture(scope="module")
def uninterrupted(whole):
    return finished(demo(whole))


def test_nobody_is_lost_and_every_figure_is_there(uninterrupted):
    told = uninterrupted
    assert (told["population"], told["from"], told["to"], told["seed"]) == (
        700,
        "2021-01-01",
        "2022-01-01",
        7,
    )
    failsafe = told["failsafe"]["no-cervical"]
    assert (failsafe["lost"], failsafe["disagreements"]) == (0, 0)
    assert failsafe["population"] == sum(failsafe["by_status"].values()) == failsafe["verified"] > 100
    assert all(told["messages"][name] > 0 for name in ("letters", "digital", "hl7", "fhir"))
    counted = {one["id"]: one for one in told["indicators"] if one["stratum"] == {}}
    assert counted["test_coverage"]["denominator"] > 100
    assert counted["participation"]["numerator"] > 0
    assert {one["period"] for one in counted.values()} == {"2021"}


def test_the_same_arguments_end_the_same(uninterrupted, folders):
    assert finished(demo(folders("again"))) == uninterrupted


def test_another_seed_is_another_nation(uninterrupted, folders):
    assert finished(demo(folders("other"), "--seed", "8"))["messages"] != uninterrupted["messages"]


_AT_WEEKENDS = """
select (select count(*) from batch where extract(isodow from formed_on) > 5)
     + (select count(*) from lab_message where channel <> 'json' and extract(isodow from received_on) > 5),
       (select count(*) from batch), (select count(*) from lab_message where channel <> 'json')
"""


async def test_no_letter_leaves_and_no_report_comes_at_a_weekend(uninterrupted, whole):
    connection = await asyncpg.connect(embedded.start(whole).url())
    at_weekends, batches, reports = await connection.fetchrow(_AT_WEEKENDS)
    await connection.close()
    assert at_weekends == 0
    assert batches > 20
    assert reports > 50


async def day_reached(folder):
    """The day the demo is to live next; None while it has not begun."""
    cluster = folder / "postgresql"
    if not (cluster / "postmaster.pid").exists():
        return None
    try:
        connection = await asyncpg.connect(embedded.start(folder).url())
    except (OSError, asyncpg.PostgresError):
        return None
    try:
        return await connection.fetchval("select today from demo_run")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()


async def kill_when(process, folder, day):
    while process.poll() is None:
        reached = await day_reached(folder)
        if reached is not None and reached >= day:
            process.kill()
            process.communicate()
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"the demo ended before {day}: {process.communicate()}")


def kill_server(folder):
    postmaster = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)


async def test_a_demo_that_was_killed_goes_on_and_ends_the_same(uninterrupted, folders):
    folder = Path(folders("killed"))
    for day in (date(2021, 1, 1), date(2021, 1, 2), date(2021, 3, 9), date(2021, 7, 20)):
        await kill_when(demo(folder), folder, day)
    kill_server(folder)
    await kill_when(demo(folder), folder, date(2021, 11, 30))
    last = demo(folder)
    told = await asyncio.to_thread(finished, last)
    assert told == uninterrupted


def test_a_database_with_real_people_is_left_alone(folders, tmp_path):
    folder = folders("real")
    people = tmp_path / "people.csv"
    people.write_text("national_id,born,sex,name\n13116949932,1969-11-13,female,Prøve\n")
    environment = {**os.environ, "SCREENING_DATA": str(folder)}
    loaded = subprocess.run(
        [sys.executable, "-m", "screening", "people", "load", str(people)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "1 applied" in loaded.stdout
    refused = demo(folder)
    _, err = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "people whom no demo made up" in err


# -- a demo that is over and still served -----------------------------------------------------------------

SMALL = ["--population", "200", "--years", "1"]


def command(folder, *words):
    environment = {**os.environ, "SCREENING_DATA": str(folder)}
    environment.pop("DATABASE_URL", None)
    return subprocess.Popen(
        [sys.executable, "-m", "screening", *words],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def served(folder, *more):
    """What a demo said on stderr until its doors were open; it is told to stop, and stops, in the end."""
    process = command(folder, "demo", *SMALL, "--port", "0", "--mllp-port", "0", *more)
    try:
        yield list(iter(process.stderr.readline, "Ctrl-C ends it.\n"))
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def told(folder, *words):
    out, err = command(folder, *words).communicate(timeout=60)
    assert out, err
    return json.loads(out)


def load_one(folder, people):
    people.write_text("national_id,born,sex,name\n13116949932,1969-11-13,female,Prøve\n")
    return told(folder, "people", "load", str(people), "--json")


def test_who_is_loaded_into_a_demo_that_is_over_is_decided_about_soon(folders, tmp_path):
    folder = folders("served")
    with served(folder):
        assert load_one(folder, tmp_path / "people.csv")["applied"] == 1
        ends = time.monotonic() + 30
        while (lost := told(folder, "failsafe", "--json")["no-cervical"]["lost"]) and time.monotonic() < ends:
            time.sleep(0.5)
    assert lost == 0


def test_a_demo_that_is_over_is_served_as_it_stands_until_it_is_asked_for_anew(folders, tmp_path):
    folder = folders("stands")
    with served(folder) as said:
        assert {"200 people loaded\n", "lived until 2022-01-01, of 2022-01-01\n"} <= set(said)
        assert load_one(folder, tmp_path / "people.csv")["applied"] == 1
    with served(folder) as said:
        assert "served as it stands" in "".join(said)
        assert load_one(folder, tmp_path / "people.csv")["unchanged"] == 1
    with served(folder, "--anew") as said:
        assert "removing what the demo before left" in "".join(said)
        assert load_one(folder, tmp_path / "people.csv")["applied"] == 1
