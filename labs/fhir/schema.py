"""The gate for FHIR R4: HL7's own JSON schema, and the rules that it cannot say.

The schema file is HL7's FHIR R4 content (CC0).
"""

import json
import lzma
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs

from labs.results import DATA_TYPE, REQUIRED_MISSING, Fault

_READ = ("Bundle", "DiagnosticReport")
_SHOWN = 300


@cache
def _definitions() -> Mapping[str, Any]:
    packed = resources.files("labs.fhir").joinpath("fhir-r4.schema.json.xz").read_bytes()
    return json.loads(lzma.decompress(packed))["definitions"]


@cache
def _validator(kind: str) -> jsonschema_rs.Draft6Validator:
    schema = {"$ref": f"#/definitions/{kind}", "definitions": _definitions()}
    return jsonschema_rs.Draft6Validator(schema)


def schema_fault(resource: Mapping[str, Any]) -> Fault | None:
    """The first thing by which a resource is not FHIR R4; None where it is."""
    kind = str(resource["resourceType"])
    for one in (resource, *_entries(resource)):
        name = str(one.get("resourceType", ""))
        if name not in _definitions():
            return Fault(DATA_TYPE, "resourceType", f"{name[:40]!r} is not a resource of FHIR R4")
    error = next(iter(_validator(kind).iter_errors(resource)), None)
    if error is not None:
        where = "/".join(str(step) for step in error.instance_path) or kind
        inner = next(_inner_faults(resource), None) if kind == "Bundle" else None
        return inner or Fault(DATA_TYPE, where, error.message[:_SHOWN])
    return next(_own_rules(resource), None)


def _entries(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if resource["resourceType"] == "Bundle":
        for entry in resource.get("entry", ()):
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
                yield entry["resource"]


def _inner_faults(resource: Mapping[str, Any]) -> Iterator[Fault]:
    """A Bundle says only that some entry fits nothing; the entry itself says what is wrong."""
    for position, one in enumerate(_entries(resource)):
        error = next(iter(_validator(str(one["resourceType"])).iter_errors(one)), None)
        if error is not None:
            steps = "/".join(str(step) for step in error.instance_path)
            yield Fault(DATA_TYPE, f"entry[{position}].resource/{steps}", error.message[:_SHOWN])


def _own_rules(resource: Mapping[str, Any]) -> Iterator[Fault]:
    if resource["resourceType"] == "Bundle" and resource.get("type") in ("transaction", "batch"):
        for position, entry in enumerate(resource.get("entry", ())):
            if "request" not in entry:
                yield Fault(
                    REQUIRED_MISSING, f"entry[{position}].request", "a transaction's entry needs it (bdl-3)"
                )
    for one in (resource, *_entries(resource)):
        for inner in (one, *one.get("contained", ())):
            if inner.get("resourceType") == "Observation":
                yield from _observation_rules(inner)
            if inner is not one and "contained" in inner:
                yield Fault(DATA_TYPE, "contained", "a contained resource contains another (dom-2)")


def _observation_rules(observation: Mapping[str, Any]) -> Iterator[Fault]:
    values = [name for name in observation if name.startswith("value")]
    if len(values) > 1:
        yield Fault(DATA_TYPE, "Observation.value[x]", f"{', '.join(sorted(values))}: expected one value")
    if values and "dataAbsentReason" in observation:
        yield Fault(DATA_TYPE, "Observation.dataAbsentReason", "stands beside a value (obs-6)")
