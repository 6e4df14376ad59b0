"""FHIR R4 over a real socket: reports of others taken and read again, and every error an OperationOutcome."""

import json
from datetime import date
from pathlib import Path

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from fhir.resources.R4B.operationoutcome import OperationOutcome

from analytics.world.messages import Report, fhir
from labs.fhir.schema import schema_fault
from screening.people.national_id import synthetic_numbers
from screening.vocabulary import Role

KARI = next(synthetic_numbers(date(1980, 5, 17)))
EXAMPLES = sorted((Path(__file__).parent / "data" / "fhir-r4").glob("*.json"))  # HL7's own, CC0
# Australian and Norwegian screening messages, which may not be copied
ABROAD = next(
    (
        path
        for parent in Path(__file__).parents
        if (path := parent / "shared/samples/fhir/screening").is_dir()
    ),
    None,
)
TAKEN = "/fhir/R4/DiagnosticReport"


def report(identifier="R1", finding="negative", *, status="F", specimen="S1", test="hpv", **changes):
    """As a laboratory of the made-up nation sends it, with what it contains."""
    told = Report(
        identifier, "HUS", KARI, specimen, date(2024, 5, 6), date(2024, 5, 9), test, finding, status=status
    )
    return json.loads(fhir(told)) | changes


def unknown(told):
    """The report with an observation of some other programme's."""
    told["contained"][1]["code"]["coding"][0]["code"] = "1-1"
    return told


def bundle(*resources, kind="transaction"):
    entries = [
        {"fullUrl": url(n), "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for n, one in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def url(number):
    return f"urn:uuid:00000000-0000-0000-0000-00000000000{number}"


def spread(identifier="R1"):
    """A report with its patient, specimen and observation each in an entry of its own."""
    told = report(identifier)
    patient = {"resourceType": "Patient", "identifier": [told["subject"]["identifier"]]}
    specimen, observation = told.pop("contained")
    told |= {
        "subject": {"reference": url(0)},
        "specimen": [{"reference": url(1)}],
        "result": [{"reference": url(2)}],
    }
    return bundle(patient, specimen, observation, told)


@pytest.fixture
async def laboratory(platform):
    async with platform.caller(Role.ADMINISTRATOR) as administrator:
        await administrator.post("/labs", json={"code": "HUS", "name": "HUS", "profile": "extended"})
    async with platform.caller(Role.LABORATORY, laboratory="HUS") as caller:
        yield caller


def outcome(answer):
    """The answer as an OperationOutcome that a library we did not write accepts."""
    assert answer.headers["content-type"] == "application/fhir+json"
    return OperationOutcome.model_validate_json(answer.content)


@pytest.mark.parametrize(
    "media", ["application/fhir+json", "application/json", "application/fhir+json; charset=utf-8"]
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_report_is_created_by_either_path_and_media_type(laboratory, media, slash):
    answer = await laboratory.post(f"{TAKEN}{slash}", json=report(), headers={"Content-Type": media})
    assert (answer.status_code, answer.headers["etag"]) == (201, 'W/"1"')
    assert answer.headers["content-type"] == "application/fhir+json"
    created = DiagnosticReport.model_validate_json(answer.content)
    location = answer.headers["location"]
    assert location == f"{TAKEN}/{created.id}/_history/1"
    again = await laboratory.get(location)
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"1"')
    assert DiagnosticReport.model_validate_json(again.content).identifier[0].value == "R1"


@pytest.mark.parametrize(
    ("preferred", "kind"),
    [("return=OperationOutcome", "OperationOutcome"), ("return=representation", "DiagnosticReport")],
)
async def test_the_answer_is_what_the_caller_prefers(laboratory, preferred, kind):
    answer = await laboratory.post(TAKEN, json=report(), headers={"Prefer": preferred})
    assert (answer.status_code, answer.json()["resourceType"]) == (201, kind)
    minimal = await laboratory.post(TAKEN, json=report(), headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content, "location" in minimal.headers) == (201, b"", True)


async def test_the_same_report_again_has_the_same_answer_and_no_second_effect(platform, laboratory):
    answers = [await laboratory.post(TAKEN, json=report()) for _ in range(2)]
    assert answers[0].content == answers[1].content
    await platform.judged()
    assert await platform.fetch("select count(*) from event where kind = 'tested'") == [(1,)]


async def test_the_same_id_with_other_content_contradicts(laboratory):
    await laboratory.post(TAKEN, json=report())
    answer = await laboratory.post(TAKEN, json=report(finding="hpv_16"))
    assert answer.status_code == 409
    assert outcome(answer).issue[0].code == "conflict"


async def test_a_correction_under_the_same_identifier_is_in_force(platform, laboratory):
    await laboratory.post(TAKEN, json=report())
    corrected = report(finding="hpv_16", status="C")
    assert (await laboratory.post(TAKEN, json=corrected)).status_code == 201
    await platform.judged()
    said = await platform.fetch(
        "select body->'findings', supersedes is not null from event where kind = 'tested' order by id"
    )
    assert said == [(["negative"], False), (["hpv_16"], True)]


async def test_a_report_built_with_a_library_we_did_not_write_is_taken(platform, laboratory):
    built = DiagnosticReport.model_validate(report()).model_dump_json()
    assert (
        await laboratory.post(TAKEN, content=built, headers={"Content-Type": "application/fhir+json"})
    ).status_code == 201
    built = Bundle.model_validate(spread("R2")).model_dump_json()
    assert (
        await laboratory.post("/fhir/R4", content=built, headers={"Content-Type": "application/fhir+json"})
    ).status_code == 200
    await platform.judged()
    assert await platform.fetch("select outcome from lab_judgement order by id") == [("applied",), ("known",)]


async def test_a_transaction_is_answered_entry_by_entry(platform, laboratory):
    answer = await laboratory.post("/fhir/R4/", json=spread())
    assert answer.status_code == 200
    told = Bundle.model_validate_json(answer.content)
    assert told.type == "transaction-response"
    assert [entry.response.status for entry in told.entry] == ["202 Accepted"] * 3 + ["201 Created"]
    location = told.entry[3].response.location
    kept = await laboratory.get(f"/fhir/R4/{location}")
    assert kept.json()["identifier"] == [{"system": "urn:lab:HUS", "value": "R1"}]
    assert (await laboratory.get(f"/fhir/R4/{location.replace('-3/', '-1/')}")).status_code == 404
    await platform.judged()
    assert await platform.fetch("select count(*) from event where kind = 'tested'") == [(1,)]


async def test_a_transaction_with_one_entry_that_cannot_be_used_is_refused_whole(platform, laboratory):
    broken = spread()
    broken["entry"][2]["resource"]["code"]["coding"][0]["code"] = "1-1"
    answer = await laboratory.post("/fhir/R4", json=broken)
    assert answer.status_code == 422
    (first, kept) = outcome(answer).issue
    assert (first.code, first.expression) == ("code-invalid", ["Bundle.entry[2].resource.code"])
    assert kept.severity == "information"
    await platform.judged()
    assert await platform.fetch("select code, state from quarantine") == [("unusable", "open")]


async def test_of_a_batch_each_entry_is_taken_or_refused_by_itself(platform, laboratory):
    entries = bundle(
        report(), unknown(report("R2")), report(issued="2024-05-10T12:00:00Z"), report()["contained"][0],
        report("R3", specimen="S3"), kind="batch",
    )  # fmt: skip
    entries["entry"].append({"request": {"method": "GET", "url": "Patient/1"}})
    entries["entry"].append(
        bundle(report(identifier="R4"))["entry"][0] | {"request": {"method": "DELETE", "url": "x"}}
    )
    answer = await laboratory.post("/fhir/R4", json=entries)
    assert answer.status_code == 200
    told = Bundle.model_validate_json(answer.content)
    assert told.type == "batch-response"
    assert [entry.response.status[:3] for entry in told.entry] == [
        "201",
        "422",
        "409",
        "422",
        "201",
        "400",
        "422",
    ]
    again = await laboratory.post("/fhir/R4", json=entries)
    assert again.content == answer.content
    await platform.judged()
    assert await platform.fetch("select count(*) from event where kind = 'tested'") == [(2,)]
    assert await platform.fetch("select count(*) from lab_message") == [(6,)]


async def test_hl7s_own_examples_are_answered_with_an_outcome_and_kept(platform, laboratory):
    sent = 0
    for example in EXAMPLES:
        kind = json.loads(example.read_bytes())["resourceType"]
        answer = await laboratory.post(
            "/fhir/R4" if kind == "Bundle" else TAKEN,
            content=example.read_bytes(),
            headers={"Content-Type": "application/fhir+json"},
        )
        sent += 1
        assert answer.status_code == 422, answer.content
        told = outcome(answer).issue
        assert (told[0].severity, told[-1].severity) == ("error", "information")
        expected = {"Bundle": "not-supported", "DiagnosticReport": "required"}.get(kind, "not-supported")
        assert told[0].code == expected, answer.content
    assert await platform.fetch("select count(*) from lab_message") == [(sent,)]


@pytest.mark.skipif(
    ABROAD is None, reason="they may not be copied; expected in shared/samples beside the project"
)
async def test_screening_messages_of_other_countries_are_answered_with_an_outcome(platform, laboratory):
    examples = sorted(ABROAD.glob("*.json"))
    for example in examples:
        kind = json.loads(example.read_bytes())["resourceType"]
        answer = await laboratory.post(
            "/fhir/R4" if kind == "Bundle" else TAKEN, content=example.read_bytes()
        )
        assert (answer.status_code, outcome(answer).issue[0].severity) == (422, "error")
    assert await platform.fetch("select count(*) from lab_message") == [(len(examples),)]


async def test_every_error_of_the_interface_is_an_outcome(platform, laboratory):
    json_media = {"Content-Type": "application/fhir+json"}
    async with (
        platform.caller() as nobody,
        platform.caller(Role.CLINICIAN) as clinician,
        platform.caller(Role.LABORATORY, laboratory=None) as nameless,
    ):
        answers = [
            (401, await nobody.post(TAKEN, json=report())),
            (403, await clinician.post(TAKEN, json=report())),
            (403, await nameless.post(TAKEN, json=report())),
            (404, await laboratory.get("/fhir/R4/Nothing")),
            (404, await laboratory.get(f"{TAKEN}/17")),
            (404, await laboratory.get(f"{TAKEN}/{'9' * 30}")),
            (405, await laboratory.delete(TAKEN)),
            (406, await laboratory.post(TAKEN, json=report(), headers={"Accept": "application/fhir+xml"})),
            (413, await laboratory.post(TAKEN, content=b" " * (5 * 1024 * 1024), headers=json_media)),
            (
                415,
                await laboratory.post(
                    TAKEN, content=b"<x/>", headers={"Content-Type": "application/fhir+xml"}
                ),
            ),
            (422, await laboratory.post(TAKEN, json=spread())),
            (422, await laboratory.post("/fhir/R4", json=report())),
            (422, await laboratory.post(TAKEN, content=b"{", headers=json_media)),
        ]
    for status, answer in answers:
        assert answer.status_code == status, answer.content
        assert outcome(answer).issue[0].severity == "error"


async def test_a_report_is_read_by_the_laboratory_that_sent_it_and_the_reading_is_audited(
    platform, laboratory
):
    location = (await laboratory.post(TAKEN, json=report())).headers["location"]
    await platform.judged()
    async with platform.caller(Role.LABORATORY, laboratory="AHUS") as other:
        assert (await other.get(location)).status_code == 404
    assert (await laboratory.get(location)).status_code == 200
    kari = (await platform.fetch("select person_id from identity where number = $1", platform.kari))[0]
    assert await platform.fetch("select persons from audit where action = 'read report'") == [([*kari],)]


async def test_the_capabilities_are_those_of_a_server(platform):
    async with platform.caller() as nobody:
        answer = await nobody.get("/fhir/R4/metadata")
    statement = CapabilityStatement.model_validate_json(answer.content)
    # HL7's schema of 4.0.1 does not know its own version
    assert schema_fault(answer.json() | {"fhirVersion": "4.0.0"}) is None
    assert {one.code for one in statement.rest[0].interaction} == {"transaction", "batch"}
