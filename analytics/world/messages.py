"""What the made-up laboratories send: HL7 v2.5.1 and FHIR R4, written as their own systems would.

Independent of the code that reads them.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

HPV_POOLED, HPV_16, HPV_18, HPV_31 = "82675-0", "77399-4", "77400-0", "95539-3"
_TYPES = {
    "hpv_16": "115326008", "hpv_18": "115327004", "hpv_31": "1269503003", "hpv_33": "1269504009", "hpv_35": "1269505005",
    "hpv_39": "1269506006", "hpv_45": "1269507002", "hpv_51": "1269508007", "hpv_52": "1269509004",
    "hpv_56": "1269510009", "hpv_58": "1269511008", "hpv_59": "1269512001", "hpv_66": "1269513006", "hpv_68": "1269514000",
    "negative": "260385009", "invalid": "125154007",
}  # fmt: skip
_CYTOLOGY = {
    "nilm": "373887005", "asc_us": "441087007", "lsil": "62051000119105", "asc_h": "441088002",
    "hsil": "62061000119107", "unsatisfactory": "125154007",
}  # fmt: skip
_HISTOLOGY = {
    "normal": "30389008",
    "cin1": "400002005",
    "cin2": "400049009",
    "cin3": "1162893000",
    "scc": "1162767002",
}
_CODES = {
    "hpv": (HPV_POOLED, _TYPES),
    "cytology": ("19762-4", _CYTOLOGY),
    "histology": ("65753-6", _HISTOLOGY),
}


class Report(msgspec.Struct, frozen=True):
    """One result as a laboratory has it. `status`: F final, C corrected."""

    control_id: str
    laboratory: str
    person: str
    specimen: str
    taken_on: date
    reported_on: date
    test: str
    finding: str
    kit: str | None = None
    status: str = "F"


def hl7(report: Report) -> bytes:
    code, values = _CODES[report.test]
    taken, told = report.taken_on.strftime("%Y%m%d"), report.reported_on.strftime("%Y%m%d")
    placer = f"{report.kit}&KIT^" if report.kit else "^"
    source = "VAG^Vaginal, self-collected^HL70487" if report.kit else "CVX^Cervix^HL70487"
    return (
        f"MSH|^~\\&|LIS|{report.laboratory}|SCREENING|SCREENING|{told}||ORU^R01^ORU_R01|{report.control_id}|P|2.5.1"
        "|||AL|AL||UNICODE UTF-8\r"
        f"PID|1||{report.person}^^^&2.16.578.1.12.4.1.4.1&ISO^NNNOR||Prøve\r"
        f"OBR|1||{report.specimen}|{code}^^LN|||{taken}|||||||||||||||{told}|||{report.status}\r"
        f"OBX|1|CWE|{code}^^LN||{values[report.finding]}^{report.finding}^SCT||||||{report.status}|||{taken}\r"
        f"SPM|1|{placer}{report.specimen}||{source}|||||||||||||{taken}\r"
    ).encode()


def fhir_batch(reports: Iterable[Report]) -> bytes:
    """A Bundle whose entries stand alone."""
    entries = [
        {"resource": msgspec.Raw(fhir(one)), "request": {"method": "POST", "url": "DiagnosticReport"}}
        for one in reports
    ]
    return msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": entries})


def fhir(report: Report) -> bytes:
    code, values = _CODES[report.test]
    status = {"F": "final", "C": "corrected"}[report.status]
    resource: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": f"urn:lab:{report.laboratory}", "value": report.control_id}],
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"identifier": {"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": report.person}},
        "effectiveDateTime": report.taken_on.isoformat(),
        "issued": f"{report.reported_on.isoformat()}T12:00:00Z",
        "specimen": [{"reference": "#s"}],
        "result": [{"reference": "#o"}],
        "contained": [
            {
                "resourceType": "Specimen", "id": "s",
                "accessionIdentifier": {"system": f"urn:lab:{report.laboratory}:specimen", "value": report.specimen},
                "type": {"coding": [{"system": "http://snomed.info/sct", "code": "119395005"}]},
                "collection": {"collectedDateTime": report.taken_on.isoformat()},
            },
            {
                "resourceType": "Observation", "id": "o", "status": status,
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "valueCodeableConcept": {
                    "coding": [{"system": "http://snomed.info/sct", "code": values[report.finding]}],
                    "text": report.finding,
                },
            },
        ],
    }  # fmt: skip
    return msgspec.json.encode(resource)


def bulk_line(report: Report) -> bytes:
    """The same as a line of the bulk interface, for what was reported before the platform was there."""
    return msgspec.json.encode(
        {"message_id": report.control_id, "person": report.person, "specimen": report.specimen,
         "taken_on": report.taken_on, "test": report.test, "findings": [report.finding],
         "sample": "clinician", "analysed_on": report.reported_on}
    )  # fmt: skip
