"""The resources that come together, found by any of the names by which they refer to each other."""

from collections.abc import Mapping
from typing import Any

from labs.fhir.schema import entries
from labs.results import DATA_TYPE, REQUIRED_MISSING, Unusable

Resource = Mapping[str, Any]


class Collection:
    """`reports`: those to read, in the order sent."""

    def __init__(self, resource: Resource) -> None:
        self._named: dict[str, Resource] = {}
        self._paths: dict[int, str] = {}
        self._holders: dict[int, int] = {}  # a contained resource -> the one that contains it
        self.reports: list[Resource] = []
        self.observations: list[Resource] = []
        urls = [entry.get("fullUrl") for entry in resource.get("entry", ()) if "resource" in entry]
        if resource["resourceType"] == "Bundle":
            for url, (path, one) in zip(urls, entries(resource), strict=True):
                self._add(one, path, url)
        else:
            self._add(resource, str(resource["resourceType"]), None)

    def _add(self, resource: Resource, path: str, url: str | None) -> None:
        kind = resource["resourceType"]
        self._paths[id(resource)] = path
        for name in filter(None, (url, f"{kind}/{resource['id']}" if resource.get("id") else None)):
            self._named[name] = resource
        for position, contained in enumerate(resource.get("contained", ())):
            self._named[f"{id(resource)}#{contained.get('id')}"] = contained
            self._paths[id(contained)] = f"{path}.contained[{position}]"
            self._holders[id(contained)] = id(resource)
        if kind == "DiagnosticReport":
            self.reports.append(resource)
        if kind == "Observation":
            self.observations.append(resource)

    def place(self, resource: Resource, element: str = "") -> str:
        """FHIRPath of a resource or of an element of it, for the sender to find."""
        return f"{self._paths[id(resource)]}.{element}" if element else self._paths[id(resource)]

    def find(self, owner: Resource, reference: Resource | None, kind: str) -> Resource | None:
        """What a resource refers to; None where it is not here. Refuses what is here but of another kind."""
        name = (reference or {}).get("reference", "")
        if name.startswith("#"):
            name = f"{self._holders.get(id(owner), id(owner))}{name}"
        found = self._named.get(name)
        if found is not None and found["resourceType"] != kind:
            told = f"refers to a {found['resourceType']}; expected a {kind}"
            raise Unusable(DATA_TYPE, self.place(owner), told)
        return found

    def needed(self, owner: Resource, reference: Resource, kind: str, element: str) -> Resource:
        """What a resource refers to; refuses what is not here."""
        found = self.find(owner, reference, kind)
        if found is None:
            told = f"{str(reference.get('reference'))[:60]!r} is not here"
            raise Unusable(REQUIRED_MISSING, self.place(owner, element), told)
        return found
