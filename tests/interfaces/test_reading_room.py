"""A written extract is looked at without a database: the same pages, of its day, for this machine alone."""

import httpx
import pytest
import pytest_asyncio

from analytics.extract.dataset import open_extract
from analytics.scale.nation import Nation, write
from screening.service.cli import main
from screening.service.http_server import serving
from screening.service.reading_room import reading_room


@pytest.fixture(scope="module")
def extract(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extract") / "nation"
    write(Nation(people=3000), folder)
    return folder


@pytest_asyncio.fixture
async def office(extract):
    async with (
        serving(reading_room(open_extract(extract)), port=0) as url,
        httpx.AsyncClient(base_url=url, timeout=300) as asking,
    ):
        yield asking


async def test_the_pages_are_those_of_the_extracts_day(office):
    led = await office.get("/")
    assert led.headers["location"] == "/dashboard"
    page = await office.get("/dashboard", params={"lang": "en"})
    assert "Data as of 1\u00a0January 2025</p>" in page.text
    assert "First figures of 2024" in page.text
    programme = await office.get("/dashboard/no-breast", params={"lang": "en"})
    assert "Recalled for assessment" in programme.text
    rules = await office.get("/protocols/no-breast")
    assert rules.headers["content-type"].startswith("text/html")


async def test_what_it_has_not_is_not_led_to(office):
    page = await office.get("/dashboard", params={"lang": "en"})
    assert 'href="/published"' not in page.text
    assert (await office.get("/published")).status_code == 404


async def test_nothing_can_be_written_there(office):
    for path in ("/dashboard", "/dashboard/no-breast"):
        assert (await office.post(path)).status_code == 405


@pytest.mark.parametrize("host", ["screening.example", "127.0.0.1.example:8000", "[::1", ""])
async def test_a_page_of_somebody_elses_cannot_read_it_under_another_name(office, host):
    answer = await office.get("/dashboard/no-breast/statuses.csv", headers={"Host": host})
    assert answer.status_code == 403
    assert "127.0.0.1 and localhost" in answer.json()["detail"]


async def test_it_answers_to_the_names_of_this_machine(office):
    port = office.base_url.port
    for name in (f"localhost:{port}", f"127.0.0.1:{port}", "LOCALHOST"):
        assert (await office.get("/dashboard", headers={"Host": name})).status_code == 200


def test_a_folder_without_an_extract_is_refused_in_one_line(tmp_path, capsys):
    assert main(["dashboard", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "no dataset here" in told
    assert told.count("\n") == 1
