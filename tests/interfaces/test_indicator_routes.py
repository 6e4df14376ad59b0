"""Indicators and the dashboard over HTTP, on a real database."""

import io
import zipfile
from datetime import date

import asyncpg
import httpx
import pytest
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from analytics.dashboard import routes as dashboard
from analytics.live import Latest
from analytics.routes import handlers
from screening.refusals import NotAllowed, NotFound, Refused
from screening.rulebook.shelf import Shelf
from screening.storage.transaction import Actor
from screening.vocabulary import Role
from screening.web import require_role, without_content


class Today:
    def today(self):
        return date(2026, 1, 1)


class ByHeader(AbstractAuthenticationMiddleware):
    """The caller's role as the test says it."""

    async def authenticate_request(self, connection):
        role = Role(connection.headers.get("x-role", "programme_staff"))
        actor = Actor(subject="test", roles=frozenset({role}))
        require_role(actor, connection.route_handler)
        return AuthenticationResult(user=actor, auth=None)


def problem(_request, error):
    usual = 403 if isinstance(error, NotAllowed) else 404 if isinstance(error, NotFound) else 422
    status = error.facts.get("status", usual)
    return Response({"code": error.code, "detail": error.message}, status_code=status)


@pytest.fixture
async def client(url, database):
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into person (id, holder_id, born, sex, name, municipality)"
        " overriding system value values (1, 1, '1980-05-17', 'female', 'Kari Nordmann', '0301')"
    )
    await connection.execute("insert into residence values (1, '0301', '1980-05-17')")
    await connection.execute(
        "insert into standing (person_id, programme, status, reason, protocol, rule)"
        " values (1, 'no-cervical', 'waiting', '', '', '')"
    )
    await connection.close()
    app = Litestar(
        route_handlers=[*handlers, *dashboard.handlers],
        middleware=[ByHeader],
        exception_handlers={Refused: problem},
        before_send=[without_content],
        state=State(
            {
                "database": database,
                "clock": Today(),
                "shelf": Shelf(),
                "latest": Latest(at_most=0),
                "releases": True,
            }
        ),
    )
    # the framework's own test client runs the app in another event loop, where the pool is not at home
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as asked:
        yield asked


async def test_without_a_programme_the_definitions_are_listed(client):
    told = (await client.get("/indicators")).json()
    assert "participation" in {definition["id"] for definition in told}
    one = (await client.get("/indicators/test_coverage")).json()
    assert one["published"][0]["where"] == "Norway"


async def test_a_parameter_nobody_reads_is_refused_naming_the_nearest(client):
    asked = {"programme": "no-cervical", "period": "2025", "conty": "Oslo"}
    answer = await client.get("/indicators", params=asked)
    assert answer.status_code == 422
    assert "no parameter 'conty'; did you mean 'county'?" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ids=test_coverage&ids=participation", "parameter 'ids' was given 2 times; give it once, its words separated by commas"),
        ("ids=test_coverage&by=county&by=county", "parameter 'by' was given 2 times; give it once, its words separated by commas"),
        ("county=Oslo&county=Agder&county=", "parameter 'county' was given 3 times; give it once, it can say one thing"),
    ],
)  # fmt: skip
async def test_a_parameter_given_twice_is_refused_and_not_answered_by_the_last(client, address, told):
    answer = await client.get(f"/indicators?programme=no-cervical&period=2025&{address}")
    assert (answer.status_code, answer.json()["code"]) == (422, "repeated_parameter")
    assert told in answer.json()["detail"]


async def test_a_stratum_asked_for_twice_is_told_once(client):
    asked = {"programme": "no-cervical", "period": "2025", "ids": "test_coverage", "by": "county,county"}
    row = (await client.get("/indicators", params=asked)).json()[0]
    assert row["stratum"] == {"county": "Oslo"}


async def test_results_come_as_json_and_csv(client):
    asked = {"programme": "no-cervical", "period": "2025", "ids": "test_coverage", "by": "county"}
    row = (await client.get("/indicators", params=asked)).json()[0]
    assert (row["stratum"], row["numerator"], row["denominator"]) == ({"county": "Oslo"}, 0, 1)
    by_header = await client.get("/indicators", params=asked, headers={"accept": "text/csv"})
    by_name = await client.get("/indicators", params={**asked, "format": "csv"})
    assert by_header.headers["content-type"].startswith("text/csv")
    assert by_header.text == by_name.text
    assert by_header.text.startswith("id,programme,period,county,numerator")


async def test_results_come_as_an_excel_file_by_name_or_by_its_media_type(client):
    asked = {"programme": "no-cervical", "period": "2025", "ids": "test_coverage", "by": "county"}
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    by_name = await client.get("/indicators", params={**asked, "format": "xlsx"})
    by_header = await client.get("/indicators", params=asked, headers={"accept": media})
    assert by_name.headers["content-type"] == by_header.headers["content-type"] == media
    assert by_name.content == by_header.content
    words = zipfile.ZipFile(io.BytesIO(by_name.content)).read("xl/sharedStrings.xml").decode()
    assert "Oslo" in words
    assert "data as of" in words
    again = await client.get(
        "/indicators", params={**asked, "format": "xlsx"}, headers={"if-none-match": by_name.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_the_dashboard_is_a_page_of_the_last_whole_year(client):
    page = await client.get("/dashboard/no-cervical", headers={"x-role": "programme_staff"})
    assert page.headers["content-type"].startswith("text/html")
    assert '<h1>Cervical screening <span class="when">2025</span></h1>' in page.text


async def test_what_changes_in_the_database_is_seen_at_the_next_request(client, database):
    asked = {"period": "2025", "ids": "test_coverage"}
    assert (await client.get("/indicators", params=asked)).json()[0]["numerator"] == 0
    await database.pool.execute(
        "insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, body) values"
        " (1, 'no-cervical', 'tested', '2025-02-01', '2025-02-01', 'test', gen_random_uuid(),"
        """ '{"test": "hpv", "findings": ["negative"]}')"""
    )
    assert (await client.get("/indicators", params=asked)).json()[0]["numerator"] == 1


@pytest.mark.parametrize("role", ["laboratory", "clinician", "scheduler"])
async def test_other_roles_may_not(client, role):
    for path in ("/indicators", "/indicators/participation", "/dashboard"):
        assert (await client.get(path, headers={"x-role": role})).status_code == 403


async def test_the_dashboard_shows_exact_numbers_to_the_programme_only(client):
    assert (await client.get("/dashboard", headers={"x-role": "analyst"})).status_code == 403


async def test_the_unknown_is_refused_naming_the_nearest(client):
    one = await client.get("/indicators/participaton")
    assert (one.status_code, one.json()["code"]) == (404, "unknown_indicator")
    when = await client.get("/indicators", params={"period": "2025-13"})
    assert (when.status_code, when.json()["code"]) == (422, "unknown_period")
    where = await client.get("/indicators", params={"period": "2025", "county": "Olso"})
    assert "did you mean 'Oslo'" in where.json()["detail"]


async def test_results_are_narrowed_to_a_laboratory_or_a_unit_as_the_dashboard_names_them(client, url):
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, body)"
        " select 1, 'no-cervical', kind, day, day, 'test', gen_random_uuid(), body::jsonb from (values"
        """ ('tested', date '2025-03-01', '{"test": "hpv", "findings": ["hpv_16"], "lab": "HUS"}'),"""
        """ ('tested', date '2025-09-01', '{"test": "hpv", "findings": ["negative"], "lab": "AHUS"}'),"""
        """ ('referred', date '2025-03-20', '{"to": "colposcopy", "unit": "Bergen"}')"""
        ") as happened (kind, day, body)"
    )
    await connection.close()
    asked = {"programme": "no-cervical", "period": "2025", "ids": "hpv_positivity"}
    counted = {}
    for lab in ("", "HUS", "AHUS"):
        (row,) = (await client.get("/indicators", params={**asked, "lab": lab})).json()
        counted[lab] = (row["numerator"], row["denominator"])
    assert counted["HUS"] == (1, 1)
    assert counted["AHUS"] == (0, 1)
    asked["ids"] = "colposcopy_attendance_90d"
    (row,) = (await client.get("/indicators", params={**asked, "unit": "Bergen"})).json()
    assert (row["numerator"], row["denominator"]) == (0, 1)
    for name, came, near in (("lab", "HUSS", "HUS"), ("unit", "Bergn", "Bergen")):
        answer = await client.get("/indicators", params={"period": "2025", name: came})
        assert answer.status_code == 422
        assert f"no {name} '{came}'; did you mean '{near}'?" in answer.json()["detail"]
    answer = await client.get("/indicators", params={**asked, "ids": "hpv_positivity", "unit": "Bergen"})
    assert "no stratum of hpv_positivity 'unit'" in answer.json()["detail"]


async def test_the_page_is_of_whom_and_of_what_was_asked_for(client):
    asked = {"programme": "no-cervical", "period": "2025", "format": "html", "county": "Oslo"}
    whole = (await client.get("/indicators", params=asked)).text
    one = (await client.get("/indicators", params={**asked, "ids": "test_coverage"})).text
    assert '<p class="cut">Oslo</p>' in whole
    assert 'id="participation"' in whole
    assert 'id="participation"' not in one
    assert 'id="test_coverage"' in one


ASKED = {"programme": "no-cervical", "period": "2025", "ids": "test_coverage", "by": "county"}
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
# fmt: off
ACCEPTED = [
    ("",                                              "application/json"),
    ("*/*",                                           "application/json"),
    ("text/csv",                                      "text/csv; charset=utf-8"),
    ("text/*",                                        "text/csv; charset=utf-8"),
    (f"text/csv;q=0.5, {PARQUET}",                    PARQUET),
    (f"application/json;q=0, {ARROW};q=0.1, */*;q=0", ARROW),
    ("text/html, application/json;q=0.2",             "text/html; charset=utf-8"),
    ("application/xml, text/plain;q=0.1",             "text/plain; charset=utf-8"),
]
# fmt: on


@pytest.mark.parametrize(("accept", "given"), ACCEPTED)
async def test_the_form_is_the_one_the_caller_accepts_best(client, accept, given):
    answer = await client.get("/indicators", params=ASKED, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, given)
    assert "Accept" in answer.headers["vary"]


async def test_a_form_that_we_have_not_is_not_acceptable(client):
    answer = await client.get(
        "/indicators", params=ASKED, headers={"accept": "application/xml, text/csv;q=0"}
    )
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


async def test_every_form_tells_the_same_numbers(client, tmp_path):
    import duckdb
    import polars as pl
    import pyarrow as pa

    told = {}
    for media in ("application/json", "text/csv", PARQUET, ARROW):
        told[media] = (await client.get("/indicators", params=ASKED, headers={"accept": media})).content
    (tmp_path / "a.parquet").write_bytes(told[PARQUET])
    stream = pa.ipc.open_stream(told[ARROW]).read_all()
    columns = ["id", "county", "numerator", "denominator"]
    rows = [("test_coverage", "Oslo", 0, 1)]
    assert pl.read_csv(told["text/csv"]).select(columns).rows() == rows
    assert duckdb.read_parquet(str(tmp_path / "a.parquet")).project(", ".join(columns)).fetchall() == rows
    assert [tuple(row.values()) for row in stream.select(columns).to_pylist()] == rows


async def test_what_the_caller_holds_is_not_sent_again_until_it_changes(client, database):
    first = await client.get("/indicators", params=ASKED)
    held = {"if-none-match": f'"other", W/{first.headers["etag"]}'}
    again = await client.get("/indicators", params=ASKED, headers=held)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    for changed in ({"headers": held | {"accept": "text/csv"}}, {"headers": held | {"x-role": "analyst"}}):
        assert (await client.get("/indicators", params=ASKED, **changed)).status_code == 200
    assert (await client.get("/indicators", params=ASKED | {"by": ""}, headers=held)).status_code == 200
    await database.pool.execute(
        "insert into event (person_id, kind, occurred_on, recorded_on, source, key, body) values"
        " (1, 'moved', '2025-02-01', '2025-02-01', 'test', gen_random_uuid(), '{}')"
    )
    assert (await client.get("/indicators", params=ASKED, headers=held)).status_code == 200


async def test_head_tells_what_get_would_but_the_body(client):
    get, head = [await client.request(how, "/indicators", params=ASKED) for how in ("GET", "HEAD")]
    assert (head.status_code, head.content) == (200, b"")
    assert [head.headers[name] for name in ("etag", "content-type", "vary")] == [
        get.headers[name] for name in ("etag", "content-type", "vary")
    ]


async def test_an_analyst_is_told_no_small_number(client):
    answer = await client.get("/indicators", params=ASKED, headers={"x-role": "analyst"})
    row = answer.json()[0]
    assert (row["numerator"], row["denominator"], row["value"]) == (None, None, None)
    assert row["hidden"] == "fewer than 5, or would tell such a number"


async def test_an_analyst_gets_no_page_of_exact_numbers(client):
    answer = await client.get("/indicators", params=ASKED | {"format": "html"}, headers={"x-role": "analyst"})
    assert (answer.status_code, answer.json()["code"]) == (403, "would_disclose")


async def test_an_analyst_asks_for_municipalities_with_their_counties(client):
    asked = ASKED | {"by": "municipality"}
    refused = await client.get("/indicators", params=asked, headers={"x-role": "analyst"})
    assert (refused.status_code, refused.json()["code"]) == (422, "would_disclose")
    asked |= {"by": "county,municipality"}
    assert (await client.get("/indicators", params=asked, headers={"x-role": "analyst"})).status_code == 200
