"""By what a message in FHIR is known again."""

import hashlib
from collections.abc import Mapping
from typing import Any

Resource = Mapping[str, Any]


def own_identifier(resource: Resource) -> str:
    """The sender's own id of a resource: its first identifier, else its logical id; empty where it has none."""
    identifier = resource.get("identifier")
    first = identifier[0] if isinstance(identifier, list) and identifier else identifier
    value = first.get("value") if isinstance(first, dict) else None
    return str(value or resource.get("id") or "")


def message_id(resource: Resource, raw: bytes) -> str:
    """The same id with other content contradicts; the same content is the same message.

    A report keeps its identifier when it is corrected, so that every version but the final one is told apart
    by its status and when it was issued. What has no id is known by its content.
    """
    own = own_identifier(resource)
    if not own:
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"
    if resource.get("resourceType") == "DiagnosticReport" and resource.get("status") != "final":
        return " ".join(str(part) for part in (own, resource.get("status"), resource.get("issued")) if part)
    return own
