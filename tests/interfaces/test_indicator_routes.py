"""Indicators and the dashboard over HTTP, on a real database."""

from datetime import date

import asyncpg
import httpx
import pytest
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from analytics.dashboard import routes as dashboard
from analytics.routes import handlers
from screening.refusals import NotAllowed, NotFound, Refused
from screening.rulebook.shelf import Shelf
from screening.storage.transaction import Actor
from screening.vocabulary import Role
from screening.web import require_role


class Today:
    def today(self):
        return date(2026, 1, 1)


class ByHeader(AbstractAuthenticationMiddleware):
    """The caller's role as the test says it."""

    async def authenticate_request(self, connection):
        role = Role(connection.headers.get("x-role", "analyst"))
        actor = Actor(subject="test", roles=frozenset({role}))
        require_role(actor, connection.route_handler)
        return AuthenticationResult(user=actor, auth=None)


def problem(_request, error):
    status = 403 if isinstance(error, NotAllowed) else 404 if isinstance(error, NotFound) else 422
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
        state=State({"database": database, "clock": Today(), "shelf": Shelf()}),
    )
    # the framework's own test client runs the app in another event loop, where the pool is not at home
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as asked:
        yield asked


async def test_without_a_programme_the_definitions_are_listed(client):
    told = (await client.get("/indicators")).json()
    assert "participation" in {definition["id"] for definition in told}
    one = (await client.get("/indicators/test_coverage")).json()
    assert one["published"][0]["where"] == "Norway"


async def test_results_come_as_json_and_csv(client):
    asked = {"programme": "no-cervical", "period": "2025", "ids": "test_coverage", "by": "county"}
    row = (await client.get("/indicators", params=asked)).json()[0]
    assert (row["stratum"], row["numerator"], row["denominator"]) == ({"county": "Oslo"}, 0, 1)
    by_header = await client.get("/indicators", params=asked, headers={"accept": "text/csv"})
    by_name = await client.get("/indicators", params={**asked, "format": "csv"})
    assert by_header.headers["content-type"].startswith("text/csv")
    assert by_header.text == by_name.text
    assert by_header.text.startswith("id,programme,period,county,numerator")


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


async def test_the_unknown_is_refused_naming_the_nearest(client):
    one = await client.get("/indicators/participaton")
    assert (one.status_code, one.json()["code"]) == (404, "unknown_indicator")
    when = await client.get("/indicators", params={"period": "2025-13"})
    assert (when.status_code, when.json()["code"]) == (422, "unknown_period")
    where = await client.get("/indicators", params={"period": "2025", "county": "Olso"})
    assert "did you mean 'Oslo'" in where.json()["detail"]
