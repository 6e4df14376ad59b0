"""A release over HTTP: staff make and decide, everybody reads what is published."""

import hashlib
import io
import re

import polars as pl
import pytest

from screening.vocabulary import Role

WANTED = {"programme": "no-cervical", "period": "2023", "tables": ["county"]}


@pytest.fixture
async def staff(platform):
    async with platform.caller(Role.PROGRAMME_STAFF, sub="kari") as caller:
        yield caller


@pytest.fixture
async def second(platform):
    async with platform.caller(Role.ADMINISTRATOR, sub="ola") as caller:
        yield caller


@pytest.fixture
async def anybody(platform):
    async with platform.caller() as caller:
        yield caller


async def decide(caller, number, happened, **more):
    return await caller.post(f"/releases/{number}/decisions", json={"happened": happened, **more})


async def test_a_release_is_made_by_one_approved_by_another_and_read_by_all(staff, second, anybody):
    made = (await staff.post("/releases", json=WANTED)).json()
    assert (made["state"], made["made_by"]) == ("made", "kari")
    number = made["id"]
    assert (await anybody.get(f"/published/{number}/county.csv")).status_code == 404
    assert (await second.get(f"/releases/{number}/files/county.csv")).status_code == 200
    assert (await decide(staff, number, "approved")).json()["type"] == "urn:screening:same_person"
    assert (await decide(second, number, "approved")).json()["state"] == "approved"
    assert (await decide(staff, number, "published")).json()["state"] == "published"

    listed = (await anybody.get("/published")).json()["dcat:dataset"]
    assert [one["dct:identifier"] for one in listed] == [str(number)]
    alone = (await anybody.get(listed[0]["@id"])).json()
    assert {**alone, "@context": None} == {**listed[0], "@context": None}
    for distribution in listed[0]["dcat:distribution"]:
        file = await anybody.get(distribution["dcat:downloadURL"])
        assert file.headers["content-type"].startswith(distribution["dcat:mediaType"].split("/")[0])
        assert file.headers["cache-control"] == "public, no-cache"
        if "spdx:checksum" not in distribution:
            assert distribution["dct:title"].endswith((".parquet", ".xlsx"))
            continue
        assert hashlib.sha256(file.content).hexdigest() == distribution["spdx:checksum"]["spdx:checksumValue"]
        assert len(file.content) == distribution["dcat:byteSize"]

    withdrawn = await decide(second, number, "withdrawn", reason="a laboratory was counted twice")
    assert withdrawn.json()["ended_reason"] == "a laboratory was counted twice"
    assert (await anybody.get("/published")).json()["dcat:dataset"] == []
    assert (await anybody.get(f"/published/{number}/county.csv")).status_code == 404
    assert (await anybody.get(f"/published/{number}")).status_code == 404


async def test_people_read_what_is_published_on_a_page_in_their_language(anybody, number):
    """A browser says what it takes; each link of the page leads to a file."""
    page = await anybody.get(
        "/published", headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "nb-NO"}
    )
    assert page.headers["content-type"].startswith("text/html")
    assert "Publiserte tall" in page.text
    links = re.findall(r'href="(/published/[^"]+)"', page.text)
    assert f"/published/{number}/county.xlsx" in links
    for link in links:
        assert (await anybody.get(link)).status_code == 200, link
    english = await anybody.get("/published?lang=en", headers={"Accept": "text/html"})
    assert "Published figures" in english.text
    assert (
        (await anybody.get("/published", headers={"Accept": "*/*"}))
        .headers["content-type"]
        .startswith("application/ld+json")
    )


@pytest.fixture
async def number(staff, second):
    made = (await staff.post("/releases", json=WANTED)).json()["id"]
    await decide(second, made, "approved")
    await decide(second, made, "published")
    return made


async def test_a_published_table_is_described_for_machines(anybody, number):
    answer = await anybody.get(f"/published/{number}/county.csv")
    assert 'rel="describedby"' in answer.headers["link"]
    described = (await anybody.get(f"/published/{number}/csv-metadata.json")).json()
    assert described["@context"][0] == "http://www.w3.org/ns/csvw"
    (table,) = [table for table in described["tables"] if table["url"] == "county.csv"]
    columns = [column["name"] for column in table["tableSchema"]["columns"]]
    frame = pl.read_csv(io.BytesIO(answer.content))
    assert frame.columns == columns
    assert not frame.select(table["tableSchema"]["primaryKey"]).is_duplicated().any()


async def test_a_published_table_is_there_for_who_works_with_parquet_or_excel(anybody, number):
    table = await anybody.get(f"/published/{number}/county.csv")
    for form in ("parquet", "xlsx"):
        assert f"<county.{form}>" in table.headers["link"]
    parquet, book, again = [
        await anybody.get(f"/published/{number}/county.{form}") for form in ("parquet", "xlsx", "xlsx")
    ]
    frame = pl.read_parquet(io.BytesIO(parquet.content))
    assert frame.write_csv() == table.text
    assert frame.schema["numerator"] == pl.Int64
    assert frame.schema["mature_on"] == pl.Date
    assert book.content.startswith(b"PK")
    assert book.headers["etag"] == again.headers["etag"]
    assert (await anybody.get(f"/published/{number}/nothing.parquet")).status_code == 404


async def test_what_is_published_never_changes_and_is_sent_once(anybody, number):
    path = f"/published/{number}/all.csv"
    first = await anybody.get(path)
    again = await anybody.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await anybody.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


async def test_true_numbers_leave_by_no_door(staff, anybody, number):
    for name in ("numbers.parquet", "true%2Fcounty.parquet"):
        assert (await anybody.get(f"/published/{number}/{name}")).status_code == 404
        assert (await staff.get(f"/releases/{number}/files/{name}")).status_code == 404


async def test_an_unknown_word_is_refused_naming_the_nearest(staff):
    for wrong, said in (
        ({"programme": "no-cervica"}, "did you mean 'no-cervical'"),
        ({"tables": ["couny"]}, "did you mean 'county'"),
        ({"period": "last year"}, "is not a period"),
    ):
        answer = await staff.post("/releases", json=WANTED | wrong)
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text
