"""The gate for FHIR R4: HL7's own JSON schema, and the rules that it cannot say.

The schema file is HL7's FHIR R4 content (CC0).
"""

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs

from labs.results import DATA_TYPE, REQUIRED_MISSING, Fault

_SHOWN = 300
# What was sent is not repeated in a message: it may be a name or a number of somebody's.
_MASK = "the value"
# These change the meaning of what they stand in; whoever does not know one must not go on.
_CHANGES_MEANING = ("modifierExtension", "implicitRules")
Resource = Mapping[str, Any]


@cache
def _definitions() -> Mapping[str, Any]:
    packed = resources.files("labs.fhir").joinpath("fhir-r4.schema.json.xz").read_bytes()
    return json.loads(lzma.decompress(packed))["definitions"]


@cache
def _validator(kind: str) -> jsonschema_rs.Draft6Validator:
    schema = {"$ref": f"#/definitions/{kind}", "definitions": _definitions()}
    return jsonschema_rs.Draft6Validator(schema, mask=_MASK)


def schema_fault(resource: Resource) -> Fault | None:
    """The first thing by which a resource is not FHIR R4; None where it is."""
    for path, one in _all(resource):
        if str(one.get("resourceType")) not in _definitions():
            return Fault(DATA_TYPE, f"{path}.resourceType", "not a resource of FHIR R4")
    kind = str(resource["resourceType"])
    error = next(iter(_validator(kind).iter_errors(resource)), None)
    if error is None:
        return next(_own_rules(resource), None)
    inner = next(_inner_faults(resource), None) if kind == "Bundle" else None
    return inner or Fault(DATA_TYPE, fhir_path(kind, error.instance_path), error.message[:_SHOWN])


def fhir_path(root: str, steps: Sequence[str | int]) -> str:
    """FHIRPath of an element: `Bundle.entry[2].resource.status`."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def entries(resource: Resource) -> Iterator[tuple[str, Resource]]:
    """(path, resource) of each resource that a Bundle brings."""
    if resource.get("resourceType") == "Bundle":
        for position, entry in enumerate(_listed(resource.get("entry"))):
            if isinstance(entry.get("resource"), dict):
                yield f"Bundle.entry[{position}].resource", entry["resource"]


def _all(resource: Resource) -> Iterator[tuple[str, Resource]]:
    """(path, resource) of the resource itself, of a Bundle's entries, and of all that they contain."""
    for path, one in ((str(resource.get("resourceType")), resource), *entries(resource)):
        yield path, one
        for position, inner in enumerate(_listed(one.get("contained"))):
            yield f"{path}.contained[{position}]", inner


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _inner_faults(resource: Resource) -> Iterator[Fault]:
    """A Bundle says only that some entry fits nothing; the entry itself says what is wrong."""
    for path, one in entries(resource):
        error = next(iter(_validator(str(one["resourceType"])).iter_errors(one)), None)
        if error is not None:
            yield Fault(DATA_TYPE, fhir_path(path, error.instance_path), error.message[:_SHOWN])


def _own_rules(resource: Resource) -> Iterator[Fault]:
    if resource["resourceType"] == "Bundle" and resource.get("type") in ("transaction", "batch"):
        for position, entry in enumerate(resource.get("entry", ())):
            if "request" not in entry:
                where = f"Bundle.entry[{position}].request"
                yield Fault(REQUIRED_MISSING, where, "an entry of a transaction or a batch needs it (bdl-3)")
    for path, one in _all(resource):
        if ".contained[" in path and "contained" in one:
            yield Fault(DATA_TYPE, f"{path}.contained", "a contained resource contains another (dom-2)")
        for name in _CHANGES_MEANING:
            if name in one:
                yield Fault(
                    DATA_TYPE, f"{path}.{name}", "changes the meaning of what it stands in; not known here"
                )
        if one.get("resourceType") == "Observation":
            yield from _observation_rules(path, one)


def _observation_rules(path: str, observation: Resource) -> Iterator[Fault]:
    components = enumerate(_listed(observation.get("component")))
    for where, one in ((path, observation), *((f"{path}.component[{n}]", one) for n, one in components)):
        values = [name for name in one if name.startswith("value")]
        if len(values) > 1:
            yield Fault(DATA_TYPE, f"{where}.value", f"{', '.join(sorted(values))}: expected one value")
        if values and "dataAbsentReason" in one:
            yield Fault(DATA_TYPE, f"{where}.dataAbsentReason", "stands beside a value (obs-6)")
        if "modifierExtension" in one and where != path:
            yield Fault(DATA_TYPE, f"{where}.modifierExtension", "changes the meaning of what it stands in")
