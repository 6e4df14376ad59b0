"""The platform as it describes itself: whatever is sent that the description allows, it answers as described."""

import asyncio

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from screening.ledger.advance import advance
from screening.protocols.load import family
from screening.vocabulary import Role

EXAMPLES = 12  # requests for each operation; 80 were tried, and found no more
SECONDS = 60.0  # for one answer: a dashboard on a machine that is busy with other tests
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]  # also of HEAD
OF_CONTENT = [response_schema_conformance]  # which HEAD has none of; test_heads holds it against GET
ROLES = [role for role in Role if role != Role.SYSTEM]


@schemathesis.serializer(
    "application/hl7-v2", "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"
)
def plain(_context, value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


def disagreements(url, token):
    """Every operation's first disagreement with its description."""
    schema = schemathesis.openapi.from_url(f"{url}/schema/openapi.json")
    found = {}
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for result in schema.get_all_operations():
            operation = result.ok()
            said = disagreement(session, operation)
            if said is not None:
                found[operation.label] = said
    return found


def disagreement(session, operation):
    checks = CHECKS if operation.method.upper() == "HEAD" else [*CHECKS, *OF_CONTENT]

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def agrees(case):
        case.call_and_validate(session=session, checks=checks, timeout=SECONDS)

    try:
        agrees()
    except FailureGroup as failure:
        return str(failure)
    return None


async def test_whatever_the_description_allows_is_answered_as_described(platform):
    token = platform.token(*ROLES)
    assert await asyncio.to_thread(disagreements, platform.url, token) == {}


@pytest.fixture
async def caller(platform):
    async with platform.caller(*ROLES) as one:
        yield one


ODD = [
    "\x00",
    "a\x00b",
    "\ufffe",
    "\U0010ffff",
    "\u202e",
    "x" * 100_000,
    "'; drop table person; --",
    "${jndi:ldap://x}",
]
FINDING = {"programme": "no-cervical", "kind": "ceased", "date": "2024-05-06", "reference": "R", "person": 1}
RESULT = {
    "message_id": "M", "person": "17858099978", "specimen": "S", "taken_on": "2024-05-06", "test": "hpv",
    "findings": ["negative"],
}  # fmt: skip
BODIES = {
    "/people/search": {"national_id": "1", "country": "NO"},
    "/findings": FINDING | {"reason": "no_cervix"},
    "/findings/bulk": FINDING,
    "/labs": {"code": "L", "name": "L", "profile": "standard"},
    "/labs/results": RESULT,
    "/quarantine/1/close": {"state": "discarded", "note": "n"},
    "/kits/lots": {"lot": "L", "expires_on": "2026-01-01", "quantity": 1},
    "/kits/NO00000000000/events": {"kind": "returned", "on": "2024-05-06"},
    "/deliveries": {"reports": [{"reference": "1", "state": "delivered"}]},
}


@pytest.mark.parametrize("path", BODIES)
async def test_no_text_breaks_a_route(platform, caller, path):
    for name, value in BODIES[path].items():
        for odd in ODD if isinstance(value, str) else ():
            body = BODIES[path] | {name: odd}
            answer = await caller.post(path, json=[body] if path.endswith("/findings/bulk") else body)
            assert answer.status_code < 500, (name, odd[:20], answer.text)
    raw = b'{"national_id": "\\ud800"}'
    assert (
        await caller.post(path, content=raw, headers={"Content-Type": "application/json"})
    ).status_code < 500
    await platform.judged()
    assert await platform.fetch("select count(*) from lab_pending") == [(0,)]


@pytest.mark.parametrize("day", ["0001-01-01", "1582-10-10", "9999-12-31"])
async def test_no_day_breaks_a_route_or_what_is_decided_afterwards(platform, caller, day):
    for kind, more in (
        ("deferred", {"until": day, "reason": "pregnant"}), ("referred", {"to": "colposcopy", "date": day}),
        ("treated", {"code": "conisation", "date": day}), ("opted_out", {"scope": "kit", "date": day}),
    ):  # fmt: skip
        answer = await caller.post("/findings", json=FINDING | {"reference": kind, "kind": kind} | more)
        assert answer.status_code in ((201,) if kind == "deferred" else (201, 422)), answer.text
    await caller.post("/labs/results", json=RESULT | {"taken_on": day, "person": platform.kari})
    await platform.judged()
    done = await advance(platform.database, family=family("no-cervical"), today=platform.clock.today())
    assert done.people <= 2
    for path in (
        "/people/1/explain",
        "/people/1/timeline",
        "/indicators",
        "/dashboard",
        "/failsafe",
        "/worklists/refer",
    ):
        answer = await caller.get(
            path, params={"programme": "no-cervical", "known_on": day, "period": day[:4]}
        )
        assert answer.status_code < 500, (path, answer.text)


async def test_numbers_that_no_row_can_have_are_refused(caller):
    for number in (2**63, 10**40, -1):
        for path in ("/people/{}", "/batches/{}", "/labs/messages/{}", "/people/{}/timeline"):
            assert (await caller.get(path.format(number))).status_code in (400, 404)
        assert (await caller.get("/quarantine", params={"after": number})).status_code == 400
        assert (await caller.post("/findings", json=FINDING | {"person": number})).status_code == 400
        body = {"lot": "L", "expires_on": "2026-01-01", "quantity": number}
        assert (await caller.post("/kits/lots", json=body)).status_code == 400


async def test_bodies_that_are_too_deep_or_no_json_are_refused(caller):
    deep = b'{"a":' * 100_000
    for path in BODIES:
        for raw in (deep, b"[" * 100_000, b"\xff\xfe", b"", b"NaN", b'{"a": 1e999}'):
            answer = await caller.post(path, content=raw, headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500, (path, raw[:10], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
