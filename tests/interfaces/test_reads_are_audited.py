"""Whoever reads what belongs to a person is recorded, on every route; a new route must say whether it reads any."""

from datetime import date

import asyncpg
import pytest

from analytics.world.messages import Report, fhir, hl7
from invitations.kits.barcode import barcode
from screening.vocabulary import Role

# Counts, definitions, messages without a name, and what is written: each of the latter audits its writing.
NO_PERSON = {
    ("GET", "/health"), ("GET", "/demo"), ("GET", "/fhir/R4/metadata"),
    ("GET", "/indicators"), ("GET", "/indicators/{indicator:str}"), ("GET", "/dashboard"),
    ("GET", "/dashboard/page.css"), ("GET", "/dashboard/{programme:str}"), ("GET", "/dashboard/{programme:str}/{file:str}"),
    ("GET", "/releases"), ("POST", "/releases"), ("GET", "/releases/{release:int}"),
    ("POST", "/releases/{release:int}/decisions"), ("GET", "/releases/{release:int}/files/{name:str}"),
    ("GET", "/published"), ("GET", "/published/{release:int}"), ("GET", "/published/{release:int}/{name:str}"),
    ("GET", "/batches"), ("GET", "/batches/{batch:int}"), ("POST", "/batches/{batch:int}/acknowledge"),
    ("POST", "/people/feed"), ("POST", "/findings"), ("POST", "/findings/bulk"), ("POST", "/deliveries"),
    ("POST", "/kits/lots"), ("POST", "/labs"), ("POST", "/labs/results"), ("POST", "/labs/results/bulk"),
    ("POST", "/labs/messages"), ("POST", "/fhir/R4"), ("POST", "/fhir/R4/DiagnosticReport"),
    ("GET", "/quarantine"), ("POST", "/quarantine/{case:int}/close"), ("POST", "/quarantine/{case:int}/rejudge"),
    ("GET", "/failsafe"),
    ("GET", "/protocols"), ("GET", "/protocols/files"), ("GET", "/protocols/{version:str}"),
    ("GET", "/protocols/{version:str}/difference/{other:str}"), ("POST", "/protocols/{name:str}/activation"),
}  # fmt: skip
FIGURES = ("/indicators", "/dashboard", "/releases", "/published")  # HEAD tells what GET would be
NO_PERSON |= {("HEAD", path) for method, path in NO_PERSON if method == "GET" and path.startswith(FIGURES)}
READS = {
    ("POST", "/people/search"): (Role.CLINICIAN, {}),
    ("GET", "/people/{person:int}"): (Role.CLINICIAN, {}),
    ("GET", "/people/{person:int}/timeline"): (Role.CLINICIAN, {}),
    ("GET", "/people/{person:int}/explain"): (Role.CLINICIAN, {"programme": "no-cervical"}),
    ("GET", "/worklists/{kind:str}"): (Role.CLINICIAN, {"programme": "no-cervical"}),
    ("GET", "/kits/{barcode:str}"): (Role.LABORATORY, {}),
    ("POST", "/kits/{barcode:str}/events"): (Role.LABORATORY, {}),
    ("GET", "/labs/messages/{message:int}"): (Role.LABORATORY, {}),
    ("GET", "/fhir/R4/DiagnosticReport/{report:str}"): (Role.LABORATORY, {}),
    ("GET", "/fhir/R4/DiagnosticReport/{report:str}/_history/1"): (Role.LABORATORY, {}),
}


@pytest.fixture
async def read_of(platform, url):
    """What each path is filled with, so that every one is about Kari."""
    (kari,) = (await platform.fetch("select person_id from identity where number = $1", platform.kari))[0]
    owner = await asyncpg.connect(url)
    await owner.execute("insert into kit_lot values ('L1', '2026-01-01', 10)")
    await owner.execute(
        "insert into kit (barcode, person_id, programme, lot, expires_on, state, ordered_on, changed_on)"
        " values ($1, $2, 'no-cervical', 'L1', '2026-01-01', 'dispatched', '2024-04-01', '2024-04-01')",
        barcode(1), kari,
    )  # fmt: skip
    await owner.close()
    taken = date(2024, 5, 6), date(2024, 5, 9)
    async with platform.caller(Role.LABORATORY) as laboratory:
        hpv = Report("M1", "AHUS", platform.kari, "S1", *taken, "hpv", "hpv_16")
        cytology = Report("M2", "AHUS", platform.kari, "S1", *taken, "cytology", "hsil")
        await laboratory.post("/labs/messages", content=hl7(hpv))
        sent = await laboratory.post("/fhir/R4/DiagnosticReport", content=fhir(cytology))
    await platform.judged()
    (kind,) = (
        await platform.fetch("select kind from obligation where person_id = $1 and state = 'open'", kari)
    )[0]
    (message,) = (await platform.fetch("select min(id) from lab_message"))[0]
    return kari, {
        "{person:int}": str(kari), "{kind:str}": kind, "{barcode:str}": barcode(1), "{message:int}": str(message),
        "{report:str}": sent.json()["id"],
    }  # fmt: skip


BODIES = {
    "/people/search": lambda platform: {"national_id": platform.kari},
    "/kits/{barcode:str}/events": lambda _: {"kind": "returned", "on": "2024-06-01"},
}


@pytest.mark.parametrize(("method", "path"), READS)
async def test_a_reading_leaves_a_record_of_who_read_whose(platform, read_of, method, path):
    kari, filled = read_of
    role, query = READS[method, path]
    (before,) = (await platform.fetch("select max(id) from audit"))[0]
    called = path
    for name, value in filled.items():
        called = called.replace(name, value)
    body = BODIES[path](platform) if path in BODIES else None
    async with platform.caller(role, sub="reader") as reader:
        answer = await reader.request(method, called, params=query, json=body)
    assert answer.status_code == 200, answer.text
    records = await platform.fetch(
        "select actor, roles, $2 = any(persons) from audit where id > $1", before, kari
    )
    assert ("reader", [str(role)], True) in records
    assert platform.kari not in str(await platform.fetch("select facts from audit"))


def test_every_route_says_whether_it_reads_what_is_somebodys(routes):
    assert {(method, path) for method, path, _ in routes} == NO_PERSON | set(READS)


@pytest.fixture
def routes():
    from screening.service.app import Services, create_app

    app = create_app(Services(None, None, None, accept_synthetic=True))
    return [
        (method, route.path, handler)
        for route in app.routes
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
        if not route.path.startswith("/schema")
    ]


async def test_a_search_in_vain_is_recorded_too(platform):
    async with platform.caller(Role.CLINICIAN) as clinician:
        answer = await clinician.post("/people/search", json={"national_id": platform.nobody})
    assert answer.status_code == 404
    assert await platform.fetch("select persons from audit where action = 'searched person'") == [([],)]
